//! What of a resource is sent: select, include, precedence (core 6.5, 7.2), and what a writer is told.

use crate::support::app::{child, key_of};
use crate::support::messages::{SAMPLE, account, entry};
use crate::support::{Answer, App};
use rstest::rstest;
use sdata_sync::wire::Element;
use sdata_sync::wire::names::SDATA;

fn part<'e>(resource: &'e Element, name: &str) -> &'e Element {
    resource.children().find(|child| &*child.name == name).unwrap_or_else(|| panic!("no {name} in {resource:?}"))
}

fn names(resource: &Element) -> Vec<String> {
    resource.children().map(|child| child.name.to_string()).collect()
}

fn resource(answer: &Answer) -> Element {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.entry().resource().unwrap().clone()
}

/// An order with an account, a contact of that account, and two lines with one product; and its URL.
async fn order(app: &App) -> String {
    let account = app.create("accounts", &account("A1", "Acme")).await;
    let account = key_of(&account);
    let contact = format!(
        r#"<contact xmlns="{SAMPLE}"><firstName>Ann</firstName><lastName>Lee</lastName><account sdata:key="{account}"/></contact>"#
    );
    let contact = app.create("contacts", &contact).await;
    let product = format!(r#"<product xmlns="{SAMPLE}"><sku>P1</sku><name>Nail</name><price>2.50</price></product>"#);
    let product = app.create("products", &product).await;
    let line = |number: u32| {
        format!(
            r#"<salesOrderLine><lineNumber>{number}</lineNumber><product sdata:key="{}"/><quantity>{number}0</quantity></salesOrderLine>"#,
            key_of(&product)
        )
    };
    let order = format!(
        r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>O1</orderNumber><orderDate>2026-01-02</orderDate>
        <account sdata:key="{account}"/><contact sdata:key="{}"/><orderLines>{}{}</orderLines></salesOrder>"#,
        key_of(&contact),
        line(1),
        line(2)
    );
    app.create("salesOrders", &order).await
}

/// CORE-6.5-01, CORE-7.2-01: in feeds and on single resources.
#[rstest]
#[case::none("", Some(&["orderNumber", "orderDate", "shipDate", "status", "account", "contact", "currency", "totalAmount", "shippingAddress", "orderLines", "comment"][..]))]
#[case::first("?precedence=1", Some(&["orderNumber", "orderDate"][..]))]
#[case::second("?precedence=2", Some(&["orderNumber", "orderDate", "shipDate", "status", "totalAmount"][..]))]
#[case::with_children("?precedence=1&include=$children", Some(&["orderNumber", "orderDate", "orderLines"][..]))]
#[case::zero("?precedence=0", None)]
#[tokio::test]
async fn precedence_limits_the_payload(#[case] query: &str, #[case] shown: Option<&[&str]>) {
    let app = App::start("crm").await;
    let url = order(&app).await;
    let (head, entries) = app.get(&format!("{}{query}", app.kind("salesOrders"))).await.feed();
    assert!(head.diagnoses.is_empty());
    for entry in [entries[0].clone(), app.get(&format!("{url}{query}")).await.entry()] {
        assert_eq!(entry.resource().map(names), shown.map(|names| names.iter().map(ToString::to_string).collect()));
        assert_eq!(entry.payload.is_some(), shown.is_some());
        assert!(!entry.title.is_empty() && entry.etag.is_some(), "what Atom says stays");
    }
}

/// CORE-6.5-02, CORE-7.2-01, CORE-3.9-02.
#[tokio::test]
async fn include_embeds_what_is_referred_to() {
    let app = App::start("crm").await;
    let url = order(&app).await;
    let plain = resource(&app.get(&url).await);
    assert!(part(&plain, "account").content.is_empty() && part(&plain, "account").attribute(SDATA, "url").is_some());
    let query = "include=account,contact/account,orderLines/product";
    let (_, entries) = app.get(&format!("{}?{query}", app.kind("salesOrders"))).await.feed();
    for whole in [entries[0].resource().unwrap().clone(), resource(&app.get(&format!("{url}?{query}")).await)] {
        let account = part(&whole, "account");
        assert_eq!((child(account, "code"), child(account, "name")), ("A1".to_owned(), "Acme".to_owned()));
        assert_eq!(account.attributes, part(&plain, "account").attributes, "it is still a link");
        let contact = part(&whole, "contact");
        assert_eq!(child(contact, "lastName"), "Lee");
        assert_eq!(child(part(contact, "account"), "name"), "Acme", "one step further, because it was asked for");
        let products: Vec<_> =
            part(&whole, "orderLines").children().map(|line| child(part(line, "product"), "sku")).collect();
        assert_eq!(products, ["P1", "P1"]);
    }
}

/// CORE-6.5-02: `include` goes no further than it says.
#[tokio::test]
async fn included_resources_refer_to_others_by_link() {
    let app = App::start("crm").await;
    let url = order(&app).await;
    let whole = resource(&app.get(&format!("{url}?include=contact")).await);
    assert!(part(part(&whole, "contact"), "account").content.is_empty());
    assert!(part(&whole, "account").content.is_empty());
}

/// CORE-6.5-02: descriptors of the resource, its children and what they refer to.
#[tokio::test]
async fn descriptors_are_there_when_they_are_asked_for() {
    let app = App::start("crm").await;
    let url = order(&app).await;
    let described = |element: &Element| element.attribute(SDATA, "descriptor").map(str::to_owned);
    let whole = resource(&app.get(&format!("{url}?include=$descriptors")).await);
    assert_eq!(described(&whole).as_deref(), Some("O1"));
    assert_eq!(described(part(&whole, "contact")).as_deref(), Some("Ann Lee"));
    assert_eq!(described(part(&whole, "account")).as_deref(), Some("A1 Acme"));
    let lines = part(&whole, "orderLines");
    let line = lines.children().next().unwrap();
    assert_eq!(described(part(line, "product")).as_deref(), Some("P1 Nail"));
    assert!(part(&whole, "account").content.is_empty(), "described is not embedded");
    assert!(!app.get(&url).await.text().contains("descriptor"));
}

/// CORE-6.5-03, CORE-7.2-01: it overrides include and precedence.
#[tokio::test]
async fn select_names_what_is_sent() {
    let app = App::start("crm").await;
    let url = order(&app).await;
    let query = "select=orderDate,contact/*,account,orderLines/quantity&include=orderLines,$descriptors&precedence=0";
    let (_, entries) = app.get(&format!("{}?{query}", app.kind("salesOrders"))).await.feed();
    for chosen in [entries[0].resource().unwrap().clone(), resource(&app.get(&format!("{url}?{query}")).await)] {
        assert_eq!(names(&chosen), ["orderDate", "account", "contact", "orderLines"]);
        assert!(
            part(&chosen, "account").content.is_empty() && part(&chosen, "account").attribute(SDATA, "key").is_some()
        );
        let contact = part(&chosen, "contact");
        assert_eq!(child(contact, "firstName"), "Ann");
        assert!(part(contact, "account").content.is_empty(), "* is not recursive");
        let lines = part(&chosen, "orderLines");
        assert!(lines.children().all(|line| names(line) == ["quantity"] && line.attribute(SDATA, "url").is_some()));
        assert_eq!(lines.children().count(), 2);
        assert_eq!(chosen.attribute(SDATA, "descriptor"), None);
    }
    let nothing = resource(&app.get(&format!("{url}?select=")).await);
    assert!(nothing.content.is_empty() && nothing.attribute(SDATA, "url") == Some(&url));
}

/// CORE-2.11-01: what is not there is no error but a warning; what cannot be read is one.
#[tokio::test]
async fn what_is_not_there_is_passed_over_and_told() {
    let app = App::start("crm").await;
    let url = order(&app).await;
    for query in ["select=orderDate,nothing", "include=nothing,account/nothing"] {
        let (head, _) = app.get(&format!("{}?{query}", app.kind("salesOrders"))).await.feed();
        let single = app.get(&format!("{url}?{query}")).await.entry();
        for diagnoses in [&head.diagnoses, &single.diagnoses] {
            assert_eq!(diagnoses[0].severity.as_str(), "warning");
            assert!(diagnoses[0].message.contains("nothing"), "{}", diagnoses[0].message);
        }
    }
    assert_eq!(names(&resource(&app.get(&format!("{url}?select=orderDate,nothing")).await)), ["orderDate"]);
}

/// CORE-6.10-02.
#[rstest]
#[case("select=a,,b")]
#[case("include=account//name")]
#[case("include=account/name/x/x/x/x/x/x/x/x")]
#[case("precedence=some")]
#[tokio::test]
async fn what_cannot_be_read_is_a_bad_parameter(#[case] query: &str) {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    for url in [app.kind("accounts"), url] {
        let answer = app.get(&format!("{url}?{query}")).await;
        answer.assert_refused(400);
        assert_eq!(answer.diagnosis().sdata_code.as_str(), "BadQueryParameter");
    }
}

/// CORE-2.11-01: what a write is answered is shaped alike.
#[tokio::test]
async fn answers_to_writes_are_shaped_too() {
    let app = App::start("crm").await;
    let kind = app.kind("accounts");
    let created = app.post(&format!("{kind}?select=name"), entry(&account("A1", "one"))).await;
    assert_eq!((created.status, names(created.entry().resource().unwrap())), (201, vec!["name".to_owned()]));
    let url = created.header("location").to_owned();
    let put = app.put(&format!("{url}?precedence=0"), entry(&account("A1", "two"))).await;
    assert_eq!(put.status, 200);
    assert!(put.entry().payload.is_none());
}

/// CORE-2.11-01: `returnDelta` (core 8.1, 9.2): what differs from what was sent.
#[tokio::test]
async fn a_writer_may_ask_for_what_it_does_not_know() {
    let app = App::start("crm").await;
    let sent = format!(
        r#"<account xmlns="{SAMPLE}"><code> A1 </code><name>one</name><phone>1</phone><balance>9</balance></account>"#
    );
    let created = app.post(&format!("{}?returnDelta=true", app.kind("accounts")), entry(&sent)).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let delta = created.entry().resource().unwrap().clone();
    assert_eq!(child(&delta, "code"), "A1", "white space was taken away");
    assert!(!names(&delta).iter().any(|name| name == "name" || name == "phone"));
    assert!(part(&delta, "email").is_nil() && part(&delta, "balance").is_nil(), "not sent, and overruled");
    let change = format!(r#"<account xmlns="{SAMPLE}"><name>two</name><balance>9</balance></account>"#);
    let put = app.put(&format!("{}?returnDelta=true", created.header("location")), entry(&change)).await;
    assert_eq!(names(put.entry().resource().unwrap()), ["balance"]);
    assert_eq!(names(app.put(created.header("location"), entry(&change)).await.entry().resource().unwrap()).len(), 14);
}
