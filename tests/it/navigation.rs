//! The URLs above the resource kinds, and that whatever is linked is there (core 2.9, 3.3, 3.12, 6.9).

use crate::support::App;
use crate::support::messages::{SAMPLE, account};
use rstest::rstest;
use sdata_sync::wire::Element;
use sdata_sync::wire::names::{ATOM, SDATA};
use std::collections::BTreeSet;

/// The terms of SData's categories of a feed or entry, and their names for people.
fn categories(of: &Element) -> Vec<(String, String)> {
    let scheme = "http://schemas.sage.com/sdata/categories";
    let ours =
        of.children().filter(|child| child.is(ATOM, "category") && child.attribute("", "scheme") == Some(scheme));
    let said = |of: &Element, name: &str| of.attribute("", name).unwrap().to_owned();
    ours.map(|category| (said(category, "term"), said(category, "label"))).collect()
}

fn text(of: &Element, name: &str) -> String {
    of.children().find(|child| child.is(ATOM, name)).unwrap().text().into_owned()
}

fn links(of: &Element, rel: &str) -> Vec<String> {
    let links = of.children().filter(|child| child.is(ATOM, "link") && child.attribute("", "rel") == Some(rel));
    links.map(|link| link.attribute("", "href").unwrap().to_owned()).collect()
}

const SCHEMA: &str = "http://schemas.sage.com/sdata/link-relations/schema";

/// CORE-2.9-01, CORE-3.12-01, CORE-3.2-01, CORE-3.3-01.
#[rstest]
#[case::provider("", "provider", "Provider", "Applications", ("application", "Application"), &["Verkauf"])]
#[case::application("/crm", "application", "Application", "Verkauf", ("contract", "Contract"), &["sample", "syncAudit"])]
#[case::contract("/crm/sample", "contract", "Contract", "Verkauf | sample", ("dataset", "Dataset"), &["Default dataset", "test"])]
#[case::dataset(
    "/crm/sample/test",
    "dataset",
    "Dataset",
    "Verkauf | sample | test",
    ("collection", "Resource collection"),
    &["Account", "Contact", "Product", "Sales order"]
)]
#[case::audit("/crm/syncAudit", "contract", "Contract", "Verkauf | syncAudit", ("dataset", "Dataset"), &["Default dataset"])]
#[tokio::test]
async fn each_level_lists_the_next_and_says_what_it_is(
    #[case] place: &str,
    #[case] term: &str,
    #[case] label: &str,
    #[case] title: &str,
    #[case] below: (&str, &str),
    #[case] titles: &[&str],
) {
    let settings = [("application.title", "Verkauf"), ("contracts.0.datasets", r#"["-", "test"]"#)];
    let app = App::start_with("crm", &crate::support::Backend::Sqlite, &settings).await;
    let url = format!("{}/sdata{place}", app.base());
    let answer = app.get(&url).await;
    assert_eq!(answer.header("content-type"), "application/atom+xml; type=feed");
    let feed = answer.xml();
    assert_eq!((text(&feed, "id"), text(&feed, "title")), (url.clone(), title.to_owned()));
    assert_eq!(categories(&feed), [(term.to_owned(), label.to_owned())]);
    let has_schema = term == "dataset";
    assert_eq!(links(&feed, SCHEMA), if has_schema { vec![format!("{url}/$schema?version=1.0.0")] } else { vec![] });
    let entries: Vec<_> = feed.children().filter(|child| child.is(ATOM, "entry")).collect();
    assert_eq!(entries.iter().map(|entry| text(entry, "title")).collect::<Vec<_>>(), titles);
    for entry in entries {
        let own = text(entry, "id");
        assert!(own.starts_with(&format!("{url}/")), "{own}");
        assert_eq!(links(entry, "self"), std::slice::from_ref(&own));
        assert_eq!(categories(entry), [(below.0.to_owned(), below.1.to_owned())]);
        let next = app.get(&own).await.xml();
        assert_eq!(text(&next, "id"), own, "what is listed is there");
        assert_eq!(categories(&next)[0].0, below.0, "and is what it was said to be");
        let schema = if below.0 == "collection" { vec![format!("{own}/$schema?version=1.0.0")] } else { vec![] };
        assert_eq!(links(entry, SCHEMA), schema);
    }
}

/// Every URL that a document names: in its links and in its payloads.
fn named(of: &Element, found: &mut BTreeSet<String>) {
    let urls = [of.attribute("", "href").filter(|_| of.is(ATOM, "link")), of.attribute(SDATA, "url")];
    found.extend(urls.into_iter().flatten().map(str::to_owned));
    of.children().for_each(|child| named(child, found));
}

/// CORE-2.16-01, CORE-3.3-01, CORE-3.7-01, CORE-6.4-02: from the top down, by nothing but what the answers name.
#[tokio::test]
async fn whatever_is_named_can_be_read_as_it_is() {
    let app = App::start("crm").await;
    let account_url = app.create("accounts", &account("A'1 ü/%2", "Größe &amp; &lt;Söhne&gt;")).await;
    let key = account_url.split('\'').nth(1).unwrap();
    for number in 0..3 {
        let contact = format!(
            r#"<contact xmlns="{SAMPLE}" sdata:key="c/'{number}' %C3 ü"><lastName>x</lastName><account sdata:key="{key}"/></contact>"#
        );
        app.create("contacts", &contact).await;
    }
    let product =
        app.create("products", &format!(r#"<product xmlns="{SAMPLE}"><sku>P</sku><name>p</name></product>"#)).await;
    let order = format!(
        r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>1</orderNumber><account sdata:key="{key}"/><orderLines><salesOrderLine>
        <product sdata:key="{}"/><quantity>1</quantity></salesOrderLine></orderLines></salesOrder>"#,
        product.split('\'').nth(1).unwrap()
    );
    app.create("salesOrders", &order).await;
    app.digest("accounts").await;
    let mut waiting: BTreeSet<_> =
        [format!("{}/sdata", app.base()), format!("{}?count=2", app.kind("contacts"))].into();
    let mut seen = BTreeSet::new();
    while let Some(url) = waiting.pop_first() {
        let mut answer = app.get(&url).await;
        if answer.status == 302 {
            let location = answer.header("location").to_owned();
            answer = app.get(&location).await;
        }
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
        assert!(url.is_ascii(), "{url}");
        let mut found = BTreeSet::new();
        named(&answer.xml(), &mut found);
        seen.insert(url);
        waiting.extend(found.into_iter().filter(|url| !seen.contains(url)));
    }
    for kind in ["accounts", "contacts", "products", "salesOrders"] {
        let resources = seen.iter().filter(|url| url.contains(&format!("/sample/-/{kind}('")));
        assert!(resources.count() > 0, "{kind}: {seen:#?}");
    }
    assert!(seen.iter().any(|url| url.contains("/syncAudit/-/events('")), "{seen:#?}");
}
