//! Associations: lists of resources that a resource is associated with (core 2.3, 4.4, 9.2).

use crate::support::app::child;
use crate::support::messages::entry;
use crate::support::{App, Backend};
use sdata_sync::wire::Entry;
use tempfile::TempDir;

/// Customers with tax codes, as in the specification's example, and a parent property in a child.
pub(super) const CONTRACT: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:taxes" targetNamespace="urn:taxes"
    xmlns:sme="http://schemas.sage.com/sdata/sme/2007" elementFormDefault="qualified">
  <xs:element name="customer" type="customer--type" sme:role="resourceKind" sme:pluralName="customers"/>
  <xs:complexType name="customer--type"><xs:all>
    <xs:element name="name" type="xs:string" minOccurs="0"/>
    <xs:element name="taxCodes" type="taxCode--list" minOccurs="0" sme:relationship="association" sme:isCollection="true"/>
    <xs:element name="billAddress" type="address--type" minOccurs="0" nillable="true" sme:relationship="child"/>
  </xs:all></xs:complexType>
  <xs:complexType name="address--type"><xs:all>
    <xs:element name="city" type="xs:string" minOccurs="0"/>
    <xs:element name="customer" type="customer--type" minOccurs="0" sme:relationship="parent"/>
  </xs:all></xs:complexType>
  <xs:element name="taxCode" type="taxCode--type" sme:role="resourceKind" sme:pluralName="taxCodes"/>
  <xs:complexType name="taxCode--type"><xs:all>
    <xs:element name="code" type="xs:string" minOccurs="0"/><xs:element name="rate" type="xs:decimal" minOccurs="0"/>
  </xs:all></xs:complexType>
  <xs:complexType name="taxCode--list"><xs:sequence>
    <xs:element name="taxCode" type="taxCode--type" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType>
</xs:schema>"#;

/// A provider with three tax codes, T1 to T3, and a customer with the first two; the customer's URL.
async fn started() -> (App, TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("taxes.xsd");
    std::fs::write(&schema, CONTRACT).unwrap();
    let settings = [("contracts.0.name", "taxes"), ("contracts.0.schema", schema.to_str().unwrap())];
    let app = App::start_with("crm", &Backend::Sqlite, &settings).await;
    for (key, rate) in [("T1", "5"), ("T2", "19"), ("T3", "7")] {
        let sent =
            format!(r#"<taxCode xmlns="urn:taxes" sdata:key="{key}"><code>{key}</code><rate>{rate}</rate></taxCode>"#);
        assert_eq!(app.post(&url(&app, "taxCodes"), entry(&sent)).await.status, 201);
    }
    let sent = r#"<customer xmlns="urn:taxes"><name>Acme</name><taxCodes><taxCode sdata:key="T1"/><taxCode sdata:key="T2"/></taxCodes></customer>"#;
    let created = app.post(&url(&app, "customers"), entry(sent)).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let customer = created.header("location").to_owned();
    (app, folder, customer)
}

fn url(app: &App, kind: &str) -> String {
    format!("{}/sdata/crm/taxes/-/{kind}", app.base())
}

fn codes(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| child(entry.resource().unwrap(), "code")).collect()
}

/// CORE-2.3-01, CORE-6.5-02.
#[tokio::test]
async fn associated_resources_are_a_feed_and_can_be_embedded() {
    let (app, _folder, customer) = started().await;
    let (head, entries) = app.get(&format!("{customer}/taxCodes?count=1")).await.feed();
    assert_eq!((codes(&entries), head.total_results), (vec!["T1".to_owned()], Some(2)));
    assert_eq!(entries[0].id, format!("{}('T1')", url(&app, "taxCodes")), "each under its own id");
    assert_eq!(codes(&app.get(head.link("next").unwrap()).await.feed().1), ["T2"]);
    assert_eq!(child(app.get(&format!("{customer}/taxCodes('T2')")).await.entry().resource().unwrap(), "rate"), "19");
    app.get(&format!("{customer}/taxCodes('T3')")).await.assert_refused(404);
    for method in ["POST", "PUT", "DELETE"] {
        let answer = app.send(app.request(method, &format!("{customer}/taxCodes"))).await;
        answer.assert_refused(405);
        assert_eq!(answer.header("allow"), "GET, HEAD", "the resource itself is changed (core 2.3)");
    }
    let rates = async |query: &str| {
        let customer = app.get(&format!("{customer}{query}")).await.entry().resource().unwrap().clone();
        let list = customer.children().find(|property| &*property.name == "taxCodes").unwrap().clone();
        list.children().map(|code| child(code, "rate")).collect::<Vec<_>>()
    };
    assert_eq!(rates("").await, ["", ""], "links");
    assert_eq!(rates("?include=taxCodes").await, ["5", "19"]);
    assert_eq!(rates("?select=taxCodes/rate").await, ["5", "19"]);
}

/// CORE-2.2-02, CORE-6.2-01, CORE-6.3-01: among the associated ones alone (core 6.8).
#[tokio::test]
async fn associated_resources_are_filtered_and_sorted() {
    let (app, _folder, customer) = started().await;
    let found = async |query: &str| {
        let (head, entries) = app.get(&format!("{customer}/taxCodes?{query}")).await.feed();
        assert_eq!(head.total_results, Some(entries.len() as u64));
        codes(&entries)
    };
    assert_eq!(found("where=rate gt 6").await, ["T2"], "not T3");
    assert_eq!(found("orderBy=rate desc").await, ["T2", "T1"]);
    assert_eq!(found("where=rate eq 7").await, Vec::<String>::new());
    app.get(&format!("{customer}/taxCodes?where=nothing eq 1")).await.assert_refused(400);
    let one = app.get(&format!("{customer}/taxCodes(rate eq 19)")).await;
    assert_eq!(child(one.entry().resource().unwrap(), "code"), "T2");
    app.get(&format!("{customer}/taxCodes(rate eq 7)")).await.assert_refused(404);
    app.get(&format!("{customer}/taxCodes(rate gt 1)")).await.assert_refused(400);
}

/// CORE-9.2-03, CORE-9.2-04, CORE-9.2-05: lists of references are deltas or complete, like children; the tax codes
/// stay as they are.
#[tokio::test]
async fn associations_are_changed_with_their_resource() {
    let (app, _folder, customer) = started().await;
    let put = async |list: &str| {
        let sent = format!(r#"<customer xmlns="urn:taxes">{list}</customer>"#);
        let answer = app.put(&customer, entry(&sent)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        codes(&app.get(&format!("{customer}/taxCodes")).await.feed().1)
    };
    assert_eq!(
        put(r#"<taxCodes><taxCode sdata:key="T3"><rate>99</rate></taxCode></taxCodes>"#).await,
        ["T1", "T2", "T3"]
    );
    assert_eq!(put(r#"<taxCodes><taxCode sdata:key="T1" sdata:isDeleted="true"/></taxCodes>"#).await, ["T2", "T3"]);
    assert_eq!(put("").await, ["T2", "T3"]);
    assert_eq!(put(r#"<taxCodes sdata:deleteMissing="true"><taxCode sdata:key="T1"/></taxCodes>"#).await, ["T1"]);
    assert_eq!(put(r#"<taxCodes sdata:deleteMissing="true"/>"#).await, Vec::<String>::new());
    let rates: Vec<_> = app.get(&url(&app, "taxCodes")).await.feed().1;
    assert_eq!(
        rates.iter().map(|entry| child(entry.resource().unwrap(), "rate")).collect::<Vec<_>>(),
        ["5", "19", "7"]
    );
}

/// CORE-2.3-01: a single child is created, changed and deleted at its property (core 8.3, 9.4, 10.3).
#[tokio::test]
async fn a_property_may_hold_one_child() {
    let (app, _folder, customer) = started().await;
    let at = format!("{customer}/billAddress");
    let address = |city: &str| entry(&format!(r#"<billAddress xmlns="urn:taxes"><city>{city}</city></billAddress>"#));
    app.get(&at).await.assert_refused(404);
    app.put(&at, address("Bath")).await.assert_refused(404);
    let created = app.post(&at, address("Bath")).await;
    assert_eq!((created.status, created.header("location")), (201, at.as_str()), "{}", created.text());
    app.post(&at, address("York")).await.assert_refused(409);
    assert_eq!(app.get(&at).await.body, created.body);
    let changed = app.put(&at, address("York")).await;
    assert_eq!(child(changed.entry().resource().unwrap(), "city"), "York");
    assert_eq!(app.get(&format!("{at}/customer")).await.entry().id, customer, "the parent of a child");
    assert_eq!(app.delete(&at).await.status, 200);
    app.get(&at).await.assert_refused(404);
    assert_eq!(app.post(&at, address("Bath")).await.status, 201);
    assert_eq!(app.put(&at, r#"{"city":"Leeds"}"#.to_owned()).await.status, 200);
    assert_eq!(app.get(&at).await.entry().resource().map(|address| child(address, "city")), Some("Leeds".to_owned()));
}
