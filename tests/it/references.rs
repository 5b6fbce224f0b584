//! References and children (core 9.2; sync 6.1).

use crate::support::App;
use crate::support::app::{child, key_of};
use crate::support::messages::{N1, SAMPLE, SyncFeed, account, account_of, deleted_account, digest_entry, entry};
use rstest::rstest;
use sdata_sync::wire::Element;
use sdata_sync::wire::names::SDATA;
use uuid::Uuid;

fn part(parent: &Element, name: &str) -> Element {
    parent.children().find(|child| &*child.name == name).unwrap().clone()
}

async fn read(app: &App, url: &str) -> Element {
    app.get(url).await.entry().resource().unwrap().clone()
}

fn contact(reference: &str) -> String {
    format!(r#"<contact xmlns="{SAMPLE}"><lastName>x</lastName>{reference}</contact>"#)
}

fn page() -> SyncFeed {
    SyncFeed::new(N1, &[(N1, 50, 1)])
}

/// CORE-9.2-05, CORE-8.1-03.
#[tokio::test]
async fn a_reference_is_set_by_key_or_uuid_and_cleared_by_nil() {
    let app = App::start("crm").await;
    let first = app.create("accounts", &account("A1", "one")).await;
    let second = app.create("accounts", &account("A2", "two")).await;
    app.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    let uuid = read(&app, &second).await.uuid().unwrap().unwrap();
    let untouched = [read(&app, &first).await, read(&app, &second).await];
    let url = app.create("contacts", &contact(&format!(r#"<account sdata:key="{}"/>"#, key_of(&first)))).await;
    let leads_to = async || part(&read(&app, &url).await, "account").attribute(SDATA, "url").map(str::to_owned);
    assert_eq!(leads_to().await.as_deref(), Some(&*first));
    let by_uuid = contact(&format!(r#"<account sdata:uuid="{uuid}"/>"#));
    assert_eq!(app.put(&url, entry(&by_uuid)).await.status, 200);
    assert_eq!(leads_to().await.as_deref(), Some(&*second));
    assert_eq!(app.put(&url, entry(&contact(""))).await.status, 200);
    assert_eq!(leads_to().await.as_deref(), Some(&*second), "left out is left alone");
    let nil = contact(r#"<account xsi:nil="true"/>"#);
    assert_eq!(app.put(&url, entry(&nil)).await.status, 200);
    assert!(part(&read(&app, &url).await, "account").is_nil());
    let with_content = contact(&format!(r#"<account sdata:key="{}"><name>changed</name></account>"#, key_of(&first)));
    assert!(app.put(&url, entry(&with_content)).await.status < 500);
    assert_eq!([read(&app, &first).await, read(&app, &second).await], untouched);
}

/// CORE-9.2-05, CORE-3.10-04: a client can see what is here.
#[rstest]
#[case::key_that_is_not_here(r#"<account sdata:key="never"/>"#)]
#[case::no_uuid(r#"<account sdata:uuid="no"/>"#)]
#[case::the_resource_itself("<account><code>A1</code><name>one</name></account>")]
#[tokio::test]
async fn a_reference_of_a_client_that_leads_nowhere_is_refused(#[case] reference: &str) {
    let app = App::start("crm").await;
    let answer = app.post(&app.kind("contacts"), entry(&contact(reference))).await;
    answer.assert_refused(400);
    assert_eq!(answer.diagnosis().payload_path, "contact/account");
    assert!(app.resources("contacts").await.is_empty());
}

/// SYNC-6.1-02: resolved when read, whichever came first.
#[rstest]
#[tokio::test]
async fn a_reference_by_uuid_leads_to_the_resource_also_when_that_comes_later(#[values(true, false)] early: bool) {
    let app = App::start("crm").await;
    let (account, uuid) = (Uuid::new_v4(), Uuid::new_v4());
    let referring = format!(
        r#"<contact xmlns="{SAMPLE}" sdata:uuid="{uuid}"><lastName>x</lastName><account sdata:uuid="{account}"/></contact>"#
    );
    let contacts = page().with((N1, 5), &referring);
    let accounts = page().with((N1, 4), &account_of(account, "A1", "one"));
    if !early {
        app.apply("accounts", &accounts).await;
    }
    let (_, entries) = app.apply("contacts", &contacts).await.feed();
    assert_eq!(entries[0].http_status, Some(201), "it is not mandatory");
    if early {
        let url = app.resources("contacts").await[0].attribute(SDATA, "url").unwrap().to_owned();
        assert_eq!(part(&read(&app, &url).await, "account").uuid(), Some(Ok(account)), "kept by its UUID");
        app.apply("accounts", &accounts).await;
    }
    let reference = part(&app.resources("contacts").await[0], "account");
    let local = app.resources("accounts").await[0].attribute(SDATA, "url").unwrap().to_owned();
    assert_eq!(reference.attribute(SDATA, "url"), Some(&*local));
    assert_eq!(reference.attribute(SDATA, "key"), Some(key_of(&local)));
    app.apply("accounts", &page().with((N1, 9), &deleted_account(account))).await;
    let reference = part(&app.resources("contacts").await[0], "account");
    assert_eq!((reference.attribute(SDATA, "url"), reference.uuid()), (None, Some(Ok(account))), "nowhere again");
}

/// What a peer's key means is known to the peer alone.
#[tokio::test]
async fn a_peers_key_is_not_ours() {
    let app = App::start("crm").await;
    let own = app.create("accounts", &account("A1", "one")).await;
    let sent = format!(
        r#"<contact xmlns="{SAMPLE}" sdata:uuid="{}"><lastName>x</lastName><account sdata:key="{}"/></contact>"#,
        Uuid::new_v4(),
        key_of(&own)
    );
    app.apply("contacts", &page().with((N1, 4), &sent)).await;
    for contact in app.resources("contacts").await {
        let reference = contact.children().find(|child| &*child.name == "account").cloned();
        assert!(reference.is_none_or(|reference| reference.attribute(SDATA, "url").is_none()));
    }
}

/// The lines of an order: number and quantity.
async fn lines(app: &App, url: &str) -> Vec<(String, String)> {
    let order = read(app, url).await;
    let lines = part(&order, "orderLines");
    lines.children().map(|line| (child(line, "lineNumber"), child(line, "quantity"))).collect()
}

/// An order with lines 1 and 2; answers its URL, the product's key and the lines' keys.
async fn order(app: &App) -> (String, String, Vec<String>) {
    let account = key_of(&app.create("accounts", &account("A1", "one")).await).to_owned();
    let product = format!(r#"<product xmlns="{SAMPLE}"><sku>P1</sku><name>Nail</name></product>"#);
    let product = key_of(&app.create("products", &product).await).to_owned();
    let order = format!(
        r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>O1</orderNumber><account sdata:key="{account}"/><orderLines>
        <salesOrderLine><lineNumber>1</lineNumber><product sdata:key="{product}"/><quantity>10</quantity></salesOrderLine>
        <salesOrderLine><lineNumber>2</lineNumber><product sdata:key="{product}"/><quantity>20</quantity></salesOrderLine>
        </orderLines></salesOrder>"#
    );
    let url = app.create("salesOrders", &order).await;
    let read = read(app, &url).await;
    let keys =
        part(&read, "orderLines").children().map(|line| line.attribute(SDATA, "key").unwrap().to_owned()).collect();
    (url, product, keys)
}

/// CORE-8.1-02, CORE-9.2-03, CORE-9.2-04: `{1}` and `{2}` are the keys of the lines, `{p}` that of the product.
#[rstest]
#[case::absent("", &[("1", "10"), ("2", "20")])]
#[case::an_empty_delta("<orderLines/>", &[("1", "10"), ("2", "20")])]
#[case::a_changed_line(r#"<orderLines><salesOrderLine sdata:key="{2}"><quantity>21</quantity></salesOrderLine></orderLines>"#, &[("1", "10"), ("2", "21")])]
#[case::a_new_line(r#"<orderLines><salesOrderLine><lineNumber>3</lineNumber><product sdata:key="{p}"/><quantity>30</quantity></salesOrderLine></orderLines>"#, &[("1", "10"), ("2", "20"), ("3", "30")])]
#[case::a_deleted_line(r#"<orderLines><salesOrderLine sdata:key="{1}" sdata:isDeleted="true"/></orderLines>"#, &[("2", "20")])]
#[case::the_full_list(r#"<orderLines sdata:deleteMissing="true"><salesOrderLine sdata:key="{2}"/><salesOrderLine><lineNumber>9</lineNumber><product sdata:key="{p}"/><quantity>90</quantity></salesOrderLine></orderLines>"#, &[("2", "20"), ("9", "90")])]
#[case::an_empty_full_list(r#"<orderLines sdata:deleteMissing="true"/>"#, &[])]
#[tokio::test]
async fn lists_of_children_are_deltas_unless_they_say_otherwise(#[case] list: &str, #[case] after: &[(&str, &str)]) {
    let app = App::start("crm").await;
    let (url, product, keys) = order(&app).await;
    assert_eq!(lines(&app, &url).await.len(), 2);
    let list = list.replace("{1}", &keys[0]).replace("{2}", &keys[1]).replace("{p}", &product);
    let answer = app.put(&url, entry(&format!(r#"<salesOrder xmlns="{SAMPLE}">{list}</salesOrder>"#))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let after: Vec<_> = after.iter().map(|(line, quantity)| ((*line).to_owned(), (*quantity).to_owned())).collect();
    assert_eq!(lines(&app, &url).await, after);
}

/// SYNC-6.1-06, SYNC-6.1-07: `{1}` and `{2}` are the UUIDs of the lines.
#[rstest]
#[case::absent("", &[("1", "10"), ("2", "20")])]
#[case::known_and_unknown(r#"<orderLines><salesOrderLine sdata:uuid="{2}"><quantity>21</quantity></salesOrderLine><salesOrderLine sdata:uuid="{new}"><lineNumber>3</lineNumber><product sdata:uuid="{p}"/><quantity>30</quantity></salesOrderLine></orderLines>"#, &[("1", "10"), ("2", "21"), ("3", "30")])]
#[case::flagged(r#"<orderLines><salesOrderLine sdata:uuid="{1}" sync:isDeleted="true"/></orderLines>"#, &[("2", "20")])]
#[case::missing(r#"<orderLines sdata:deleteMissing="true"><salesOrderLine sdata:uuid="{2}"/></orderLines>"#, &[("2", "20")])]
#[case::all_missing(r#"<orderLines sdata:deleteMissing="true"/>"#, &[])]
#[tokio::test]
async fn a_peers_children_are_matched_by_uuid(#[case] list: &str, #[case] after: &[(&str, &str)]) {
    let app = App::start("crm").await;
    let [account, product, order, one, two] = [(); 5].map(|()| Uuid::new_v4());
    let sent_product =
        format!(r#"<product xmlns="{SAMPLE}" sdata:uuid="{product}"><sku>P1</sku><name>Nail</name></product>"#);
    app.apply("accounts", &page().with((N1, 1), &account_of(account, "A1", "one"))).await;
    app.apply("products", &page().with((N1, 1), &sent_product)).await;
    let whole = format!(
        r#"<salesOrder xmlns="{SAMPLE}" sdata:uuid="{order}"><orderNumber>O1</orderNumber><account sdata:uuid="{account}"/><orderLines sdata:deleteMissing="true">
        <salesOrderLine sdata:uuid="{one}"><lineNumber>1</lineNumber><product sdata:uuid="{product}"/><quantity>10</quantity></salesOrderLine>
        <salesOrderLine sdata:uuid="{two}"><lineNumber>2</lineNumber><product sdata:uuid="{product}"/><quantity>20</quantity></salesOrderLine>
        </orderLines></salesOrder>"#
    );
    let (_, entries) = app.apply("salesOrders", &page().with((N1, 1), &whole)).await.feed();
    assert_eq!(entries[0].http_status, Some(201), "{:?}", entries[0].diagnoses);
    let list = list
        .replace("{1}", &one.to_string())
        .replace("{2}", &two.to_string())
        .replace("{new}", &Uuid::new_v4().to_string())
        .replace("{p}", &product.to_string());
    let change = format!(r#"<salesOrder xmlns="{SAMPLE}" sdata:uuid="{order}">{list}</salesOrder>"#);
    let (_, entries) = app.apply("salesOrders", &page().with((N1, 2), &change)).await.feed();
    assert_eq!(entries[0].http_status, Some(200), "{:?}", entries[0].diagnoses);
    let url = app.resources("salesOrders").await[0].attribute(SDATA, "url").unwrap().to_owned();
    let after: Vec<_> = after.iter().map(|(line, quantity)| ((*line).to_owned(), (*quantity).to_owned())).collect();
    assert_eq!(lines(&app, &url).await, after);
}

/// SYNC-6.1-08, SYNC-6.1-05.
#[tokio::test]
async fn a_deleted_parent_takes_its_children_with_it() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let (url, _, _) = order(&crm).await;
    for kind in ["accounts", "products", "salesOrders"] {
        crm.pass_to(&erp, kind).await;
    }
    let copy = erp.resources("salesOrders").await[0].attribute(SDATA, "url").unwrap().to_owned();
    assert_eq!(lines(&erp, &copy).await, lines(&crm, &url).await);
    crm.delete(&url).await;
    let (page, _) = crm.run("salesOrders", "$syncSource", "", digest_entry(N1, &[])).await;
    let (_, entries) = page.feed();
    assert!(entries[0].is_deleted() && entries[0].resource().unwrap().content.is_empty());
    crm.pass_to(&erp, "salesOrders").await;
    assert!(erp.resources("salesOrders").await.is_empty());
    erp.get(&copy).await.assert_refused(410);
}
