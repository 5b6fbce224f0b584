//! Property URLs: what a resource refers to, and the children in it (core 2.3, 6.8, 7.4, 8.3, 9.4, 10.3).

use crate::support::app::child;
use crate::support::messages::{SAMPLE, account, entry};
use crate::support::{Answer, App};
use rstest::rstest;
use sdata_sync::protocol::etag::version;
use sdata_sync::wire::names::SDATA;
use sdata_sync::wire::{Element, Entry};
use uuid::Uuid;

fn key(url: &str) -> String {
    url.split('\'').nth_back(1).unwrap().to_owned()
}

/// An order with three lines of one product, for an account; the URLs of order, account and product.
async fn order(app: &App) -> [String; 3] {
    let account = app.create("accounts", &account("A1", "Acme")).await;
    let product = format!(r#"<product xmlns="{SAMPLE}"><sku>P1</sku><name>Nail</name></product>"#);
    let product = app.create("products", &product).await;
    let lines: String = (1..=3).map(|number| line(&product, number)).collect();
    let order = format!(
        r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>O1</orderNumber><account sdata:key="{}"/><orderLines>{lines}</orderLines></salesOrder>"#,
        key(&account),
    );
    [app.create("salesOrders", &order).await, account, product]
}

fn line(product: &str, number: u32) -> String {
    format!(
        r#"<salesOrderLine xmlns="{SAMPLE}"><lineNumber>{number}</lineNumber><product sdata:key="{}"/><quantity>{number}0</quantity></salesOrderLine>"#,
        key(product)
    )
}

fn quantity(number: &str) -> String {
    entry(&format!(r#"<salesOrderLine xmlns="{SAMPLE}"><quantity>{number}</quantity></salesOrderLine>"#))
}

fn numbers(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| child(entry.resource().unwrap(), "lineNumber")).collect()
}

/// With its attributes in one order.
fn sorted(element: &Element) -> Element {
    let mut element = element.clone();
    element.attributes.sort_by(|one, other| one.name.cmp(&other.name));
    element
}

/// What the lines are, as their order says.
async fn lines(app: &App, order: &str) -> Vec<(String, String)> {
    let order = app.get(order).await.entry().resource().unwrap().clone();
    let list = order.children().find(|property| &*property.name == "orderLines").unwrap();
    list.children().map(|line| (child(line, "lineNumber"), child(line, "quantity"))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(one, other)| (one.to_string(), other.to_string())).collect()
}

async fn put(app: &App, url: &str, if_match: &str, body: String) -> Answer {
    app.send(app.request("PUT", url).header("If-Match", if_match).body(body)).await
}

/// CORE-2.3-01: of every relationship, and of chains of them.
#[tokio::test]
async fn a_reference_is_answered_with_the_resource_it_leads_to() {
    let app = App::start("crm").await;
    let [order, account, product] = order(&app).await;
    let answer = app.get(&format!("{order}/account")).await;
    assert_eq!(answer.body, app.get(&account).await.body, "it is the account, under its own id");
    let first = app.get(&format!("{order}/orderLines")).await.feed().1[0].id.clone();
    let of_line = app.get(&format!("{first}/product")).await;
    assert_eq!(of_line.body, app.get(&product).await.body);
    assert_eq!(child(app.get(&format!("{order}/account?select=code")).await.entry().resource().unwrap(), "code"), "A1");
    app.get(&format!("{order}/contact")).await.assert_refused(404);
    for method in ["PUT", "POST", "DELETE"] {
        let answer = app.send(app.request(method, &format!("{order}/account")).header("If-Match", "*")).await;
        answer.assert_refused(405);
        assert_eq!(answer.header("allow"), "GET, HEAD");
    }
}

/// CORE-2.3-01, CORE-6.4-01: a feed like others.
#[tokio::test]
async fn a_list_of_children_is_a_feed_in_pages() {
    let app = App::start("crm").await;
    let [order, ..] = order(&app).await;
    let (head, entries) = app.get(&format!("{order}/orderLines?count=2")).await.feed();
    assert_eq!(
        (head.id.as_str(), head.total_results, head.items_per_page),
        (&*format!("{order}/orderLines"), Some(3), Some(2))
    );
    assert_eq!(numbers(&entries), ["1", "2"]);
    let (_, rest) = app.get(head.link("next").unwrap()).await.feed();
    assert_eq!(numbers(&rest), ["3"]);
    let whole = app.get(&order).await;
    let stored = whole.entry().resource().unwrap().clone();
    let list = stored.children().find(|property| &*property.name == "orderLines").unwrap().clone();
    assert_eq!(list.attribute(SDATA, "url"), Some(&*format!("{order}/orderLines")));
    for (entry, line) in entries.iter().chain(&rest).zip(list.children()) {
        assert_eq!(sorted(entry.resource().unwrap()), sorted(line), "as the order shows it");
        assert_eq!(entry.id, line.attribute(SDATA, "url").unwrap());
        let version_of_line = version(entry.etag.as_deref().unwrap());
        assert_eq!(version_of_line, version(whole.header("etag")), "a line's version is its order's");
        let alone = app.get(&entry.id).await;
        assert_eq!((alone.status, alone.entry().resource()), (200, entry.resource()));
        assert_eq!(alone.header("etag"), entry.etag.as_deref().unwrap());
    }
    let (_, entries) = app.get(&format!("{order}/orderLines?select=quantity&startIndex=3")).await.feed();
    let names: Vec<_> = entries[0].resource().unwrap().children().map(|property| property.name.to_string()).collect();
    assert_eq!(names, ["quantity"]);
    let (_, entries) = app.get(&format!("{order}/orderLines?include=product&count=1")).await.feed();
    let product =
        entries[0].resource().unwrap().children().find(|property| &*property.name == "product").unwrap().clone();
    assert_eq!(child(&product, "sku"), "P1");
}

/// CORE-6.2-01, CORE-6.3-01, CORE-6.3-02: children are filtered and sorted as resources are (core 6.8).
#[tokio::test]
async fn children_are_filtered_and_sorted() {
    let app = App::start("crm").await;
    let [order, ..] = order(&app).await;
    for (query, found) in [
        ("where=quantity gt 10 and lineNumber ne 3", &["2"][..]),
        ("orderBy=quantity desc", &["3", "2", "1"]),
        ("where=product.sku eq 'P1'&orderBy=product.name, lineNumber desc", &["3", "2", "1"]),
        ("where=product.sku eq 'P2'", &[]),
        ("where=$key ne '2'&select=lineNumber", &["1", "3"]),
    ] {
        let (head, entries) = app.get(&format!("{order}/orderLines?{query}")).await.feed();
        assert_eq!(numbers(&entries), found, "{query}");
        assert_eq!(head.total_results, Some(found.len() as u64));
    }
    let (head, entries) = app.get(&format!("{order}/orderLines?orderBy=nothing")).await.feed();
    assert_eq!((entries.len(), head.diagnoses.len()), (3, 1));
    app.get(&format!("{order}/orderLines?where=nothing eq 1")).await.assert_refused(400);
}

/// CORE-8.1-02: a child is appended by a change of its order.
#[tokio::test]
async fn a_child_is_added_to_its_list() {
    let app = App::start("crm").await;
    let [order, _, product] = order(&app).await;
    let url = format!("{order}/orderLines");
    let before = app.get(&order).await.header("etag").to_owned();
    let uuid = Uuid::new_v4();
    let sent = line(&product, 4).replacen("<salesOrderLine", &format!(r#"<salesOrderLine sdata:uuid="{uuid}""#), 1);
    let created = app.post(&url, entry(&sent)).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let location = created.header("location");
    assert_eq!(app.get(location).await.body, created.body);
    let new = created.entry();
    assert_eq!(new.resource().unwrap().uuid(), Some(Ok(uuid)));
    assert_eq!(lines(&app, &order).await, pairs(&[("1", "10"), ("2", "20"), ("3", "30"), ("4", "40")]));
    let after = app.get(&order).await.header("etag").to_owned();
    assert!(version(&before) != version(&after), "the order was changed");
    assert_eq!(version(created.header("etag")), version(&after));
    app.post(&url, entry(&sent)).await.assert_refused(409);
    app.post(&url, entry(&format!(r#"<salesOrderLine xmlns="{SAMPLE}"><quantity>x</quantity></salesOrderLine>"#)))
        .await
        .assert_refused(400);
    let stale = app.request("POST", &url).header("If-Match", &before).body(entry(&line(&product, 5)));
    assert_eq!(app.send(stale).await.status, 412);
    assert_eq!(lines(&app, &order).await.len(), 4);
}

/// CORE-9.2-01, CORE-9.3-02, CORE-9.3-03.
#[tokio::test]
async fn a_child_is_changed_under_the_version_of_its_order() {
    let app = App::start("crm").await;
    let [order, ..] = order(&app).await;
    let entries = app.get(&format!("{order}/orderLines")).await.feed().1;
    let (url, etag) = (&entries[1].id, entries[1].etag.clone().unwrap());
    app.send(app.request("PUT", url).body(quantity("21"))).await.assert_refused(400);
    let changed = put(&app, url, &etag, quantity("21")).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(changed.body, app.get(url).await.body);
    assert_eq!(lines(&app, &order).await, pairs(&[("1", "10"), ("2", "21"), ("3", "30")]));
    let late = put(&app, url, &etag, quantity("22")).await;
    assert_eq!((late.status, late.body), (412, app.get(url).await.body), "with the line as it is now");
    assert_eq!(put(&app, url, "*", quantity("23")).await.status, 200);
    let other = entries[0].resource().unwrap().uuid().unwrap().unwrap();
    let stolen =
        format!(r#"<salesOrderLine xmlns="{SAMPLE}" sdata:uuid="{other}"><quantity>1</quantity></salesOrderLine>"#);
    put(&app, url, "*", entry(&stolen)).await.assert_refused(409);
    assert_eq!(lines(&app, &order).await, pairs(&[("1", "10"), ("2", "23"), ("3", "30")]));
    let never = format!("{order}/orderLines('never')");
    put(&app, &never, "*", quantity("1")).await.assert_refused(404);
}

/// CORE-2.3-01, CORE-8.1-02, CORE-9.2-01: JSON is read as what the property holds, not as the resource it belongs to.
#[tokio::test]
async fn children_are_written_in_json() {
    let app = App::start("crm").await;
    let [order, _, product] = order(&app).await;
    let sent = serde_json::json!({"lineNumber": 4, "product": {"$key": key(&product)}, "quantity": 2.50});
    let created = app.post(&format!("{order}/orderLines"), sent.to_string()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let url = created.header("location").to_owned();
    let read = app.send(app.request("GET", &url).header("Accept", "application/json")).await;
    let mut line: serde_json::Value = serde_json::from_slice(&read.body).unwrap();
    assert_eq!((&line["quantity"], &line["product"]["$key"]), (&2.5.into(), &key(&product).into()));
    line["quantity"] = 3.into();
    let changed = put(&app, &url, read.header("etag"), line.to_string()).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(lines(&app, &order).await[3], ("4".to_owned(), "3".to_owned()));
    let wrong = put(&app, &url, "*", r#"{"quantity":[1]}"#.to_owned()).await;
    wrong.assert_refused(400);
    assert_eq!(wrong.diagnosis().payload_path, "salesOrderLine/quantity");
}

/// CORE-10.1-01, CORE-10.2-01.
#[tokio::test]
async fn a_child_is_deleted_from_its_list() {
    let app = App::start("crm").await;
    let [order, ..] = order(&app).await;
    let entries = app.get(&format!("{order}/orderLines")).await.feed().1;
    let url = &entries[1].id;
    let stale = app.send(app.request("DELETE", url).header("If-Match", "\"old\"")).await;
    assert_eq!((stale.status, stale.body), (412, app.get(url).await.body));
    assert_eq!(app.delete(url).await.status, 200);
    assert_eq!(lines(&app, &order).await, pairs(&[("1", "10"), ("3", "30")]));
    app.get(url).await.assert_refused(404);
    app.delete(url).await.assert_refused(404);
}

/// Writers of different lines of one order do not lose each other's changes.
#[tokio::test]
async fn children_are_added_by_many_at_once() {
    let app = App::start("crm").await;
    let [order, _, product] = order(&app).await;
    let url = format!("{order}/orderLines");
    let posts = (4..=7).map(|number| app.post(&url, entry(&line(&product, number))));
    for created in futures_util::future::join_all(posts).await {
        assert_eq!(created.status, 201, "{}", created.text());
    }
    let numbers: std::collections::BTreeSet<_> =
        lines(&app, &order).await.into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers.len(), 7);
}

/// CORE-2.3-01: the specification's own examples of what is no URL.
#[rstest]
#[case::a_value("orderNumber", 400)]
#[case::a_structure("shippingAddress", 400)]
#[case::property_of_several("orderLines/product", 400)]
#[case::selected_from_one("account('1')", 400)]
#[case::not_there("nothing", 404)]
#[case::no_such_child("orderLines('9')", 404)]
#[case::property_of_no_child("orderLines('9')/product", 404)]
#[case::a_template_of_a_reference("account/$template", 400)]
#[tokio::test]
async fn what_is_no_property_url_is_refused(#[case] path: &str, #[case] status: u16) {
    let app = App::start("crm").await;
    let [order, ..] = order(&app).await;
    let order_with_address =
        format!(r#"<salesOrder xmlns="{SAMPLE}"><shippingAddress><city>Bath</city></shippingAddress></salesOrder>"#);
    assert_eq!(app.put(&order, entry(&order_with_address)).await.status, 200);
    let answer = app.get(&format!("{order}/{path}")).await;
    answer.assert_refused(status);
    if status == 400 {
        assert_eq!(answer.diagnosis().sdata_code.as_str(), "BadUrlSyntax");
    }
}

/// CORE-2.3-01: a property needs a resource, and the resource must be there.
#[tokio::test]
async fn a_property_is_one_of_a_single_resource() {
    let app = App::start("crm").await;
    app.get(&format!("{}/orderLines", app.kind("salesOrders"))).await.assert_refused(400);
    app.get(&format!("{}('never')/orderLines", app.kind("salesOrders"))).await.assert_refused(404);
    let [order, ..] = order(&app).await;
    app.delete(&order).await;
    app.get(&format!("{order}/orderLines")).await.assert_refused(410);
}

/// CORE-2.6-01, CORE-8.2-01: children have templates, too (core 8.3).
#[tokio::test]
async fn a_list_of_children_has_a_template() {
    let app = App::start("crm").await;
    let [order, ..] = order(&app).await;
    let (head, _) = app.get(&format!("{order}/orderLines")).await.feed();
    let url = head.link("http://schemas.sage.com/sdata/link-relations/template").unwrap();
    let template = app.get(url).await.entry();
    let resource: &Element = template.resource().unwrap();
    assert!(resource.is(SAMPLE, "salesOrderLine") && resource.attributes.is_empty());
    assert_eq!(resource.children().map(|property| property.text().into_owned()).collect::<Vec<_>>(), ["1"]);
    assert_eq!(head.link("http://schemas.sage.com/sdata/link-relations/post"), Some(&*format!("{order}/orderLines")));
}
