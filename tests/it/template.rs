//! `$template`: what a new resource starts with (core 2.6, 8.2).

use crate::support::App;
use crate::support::app::child;
use crate::support::messages::{SAMPLE, account};
use rstest::rstest;

const TEMPLATE: &str = "http://schemas.sage.com/sdata/link-relations/template";

/// CORE-2.6-01, CORE-8.2-01, CORE-3.3-01.
#[rstest]
#[case("accounts", "account", &[("active", "true")])]
#[case("contacts", "contact", &[])]
#[case("products", "product", &[("unit", "piece")])]
#[case("salesOrders", "salesOrder", &[("status", "Draft")])]
#[tokio::test]
async fn every_kind_has_a_template_with_its_default_values(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] defaults: &[(&str, &str)],
) {
    let app = App::start("crm").await;
    let (head, _) = app.get(&app.kind(kind)).await.feed();
    let url = head.link(TEMPLATE).unwrap().to_owned();
    assert_eq!(url, format!("{}/$template", app.kind(kind)));
    let answer = app.get(&url).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/atom+xml; type=entry"));
    let entry = answer.entry();
    let template = entry.resource().unwrap();
    assert!(template.is(SAMPLE, name) && template.attributes.is_empty(), "it has no identity");
    let values: Vec<_> =
        template.children().map(|property| (property.name.to_string(), property.text().into_owned())).collect();
    let defaults: Vec<_> = defaults.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    assert_eq!(values, defaults);
    assert_eq!(entry.links.iter().find(|link| link.rel == "self").map(|link| &link.href), Some(&url));
    assert!(app.resources(kind).await.is_empty(), "nothing is created");
    let answer = app.post(&url, "").await;
    answer.assert_refused(405);
    assert_eq!(answer.header("allow"), "GET, HEAD");
}

/// CORE-8.2-01: children when they are asked for.
#[tokio::test]
async fn a_template_has_children_when_they_are_asked_for() {
    let app = App::start("crm").await;
    for include in ["orderLines", "$children"] {
        let answer = app.get(&format!("{}/$template?include={include}", app.kind("salesOrders"))).await;
        let template = answer.entry().resource().unwrap().clone();
        let lines = template.children().find(|property| &*property.name == "orderLines").unwrap();
        assert_eq!(lines.children().map(|line| child(line, "quantity")).collect::<Vec<_>>(), ["1"]);
    }
}

/// CORE-3.3-01: an entry that is alone has the links of its feed (core 3.7).
#[tokio::test]
async fn a_single_entry_leads_to_its_schema_and_template() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let entry = app.get(&url).await.entry();
    let link = |rel: &str| {
        let found: Vec<_> = entry.links.iter().filter(|link| link.rel == rel).map(|link| link.href.clone()).collect();
        assert_eq!(found.len(), 1, "{rel}");
        found.concat()
    };
    assert_eq!([link("self"), link("edit")], [url.clone(), url]);
    let kind = app.kind("accounts");
    let relation = |name: &str| link(&format!("http://schemas.sage.com/sdata/link-relations/{name}"));
    let links = ["schema", "template", "post"].map(relation);
    assert_eq!(links, [format!("{kind}/$schema?version=1.0.0"), format!("{kind}/$template"), kind.clone()]);
    let (_, entries) = app.get(&kind).await.feed();
    assert_eq!(entries[0].links.len(), 1, "in a feed they stand at the feed");
}
