use crate::contract::{Accepted, Contract, Fault, Located, Reference, ReferenceTarget, Sender};
use crate::wire::names::{SDATA, XSI};
use crate::wire::{Element, ReadLimits};
use rstest::rstest;
use uuid::Uuid;

const NS: &str = "urn:sdata-sync:sample:1";
const ACCOUNT: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "33333333-3333-4333-8333-333333333333";

/// Associations and references to one of several kinds, which the sample contract has not.
const CLUBS: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:clubs" targetNamespace="urn:clubs"
    xmlns:sme="http://schemas.sage.com/sdata/sme/2007" elementFormDefault="qualified">
  <xs:element name="club" type="club--type" sme:role="resourceKind" sme:pluralName="clubs"/>
  <xs:complexType name="club--type"><xs:all>
    <xs:element name="name" type="xs:string" minOccurs="0"/>
    <xs:element name="members" type="person--list" minOccurs="0" sme:relationship="association" sme:isCollection="true"/>
    <xs:element name="owner" type="owner--type" minOccurs="0" sme:relationship="reference"/>
  </xs:all></xs:complexType>
  <xs:complexType name="owner--type"><xs:choice>
    <xs:element name="club" type="club--type"/><xs:element name="person" type="person--type"/>
  </xs:choice></xs:complexType>
  <xs:element name="person" type="person--type" sme:role="resourceKind" sme:pluralName="people"/>
  <xs:complexType name="person--type"><xs:all><xs:element name="name" type="xs:string" minOccurs="0"/></xs:all></xs:complexType>
  <xs:complexType name="person--list"><xs:sequence>
    <xs:element name="person" type="person--type" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType>
</xs:schema>"#;

fn clubs() -> Contract {
    Contract::from_text("clubs.xsd", CLUBS).unwrap()
}

fn resource(namespace: &str, name: &str, content: &str) -> Element {
    let xml = format!("<{name} xmlns=\"{namespace}\" xmlns:sdata=\"{SDATA}\" xmlns:xsi=\"{XSI}\">{content}</{name}>");
    Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap()
}

fn uuid(text: &str) -> Uuid {
    Uuid::try_parse(text).unwrap()
}

fn accept_contact(content: &str, stored: Option<&Element>, sender: Sender) -> Result<Accepted, Vec<Fault>> {
    let contract = Contract::sample().unwrap();
    let sent = resource(NS, "contact", &format!("<lastName>x</lastName>{content}"));
    contract.accept(contract.kind("contacts").unwrap(), &sent, stored, sender)
}

fn accept_club(content: &str, stored: Option<&Element>, sender: Sender) -> Accepted {
    let contract = clubs();
    contract.accept(contract.kind("clubs").unwrap(), &resource("urn:clubs", "club", content), stored, sender).unwrap()
}

fn targets(accepted: &Accepted) -> Vec<ReferenceTarget> {
    accepted.references.iter().map(|reference| reference.target.clone()).collect()
}

fn by_key(key: &str) -> ReferenceTarget {
    ReferenceTarget::Key(key.to_owned())
}

/// CORE-9.2-05.
#[rstest]
#[case::by_uuid(
    "sdata:uuid=\"11111111-1111-4111-8111-111111111111\"",
    Sender::Client,
    Some(ReferenceTarget::Uuid(uuid(ACCOUNT)))
)]
#[case::by_key("sdata:key=\"A1\"", Sender::Client, Some(by_key("A1")))]
#[case::by_url("sdata:url=\"http://h/sdata/a/c/-/accounts('A1')\"", Sender::Client, Some(by_key("A1")))]
#[case::by_uri("sdata:uri=\"http://h/sdata/a/c/-/accounts('A1')\"", Sender::Client, Some(by_key("A1")))]
#[case::a_clients_key_goes_first(
    "sdata:key=\"A1\" sdata:uuid=\"11111111-1111-4111-8111-111111111111\"",
    Sender::Client,
    Some(by_key("A1"))
)]
#[case::a_peers_uuid_alone_counts(
    "sdata:key=\"A1\" sdata:uuid=\"11111111-1111-4111-8111-111111111111\"",
    Sender::Peer,
    Some(ReferenceTarget::Uuid(uuid(ACCOUNT)))
)]
#[case::a_peers_key_means_nothing("sdata:key=\"A1\"", Sender::Peer, None)]
#[case::nothing("", Sender::Client, None)]
fn a_reference_names_its_resource(
    #[case] attributes: &str,
    #[case] sender: Sender,
    #[case] target: Option<ReferenceTarget>,
) {
    let accepted = accept_contact(&format!("<account {attributes}/>"), None, sender).unwrap();
    assert_eq!(targets(&accepted), target.into_iter().collect::<Vec<_>>());
}

/// CORE-9.2-05.
#[test]
fn the_content_of_a_referenced_resource_is_left_alone() {
    let content = format!("<account sdata:uuid=\"{ACCOUNT}\"><name>changed</name></account>");
    let accepted = accept_contact(&content, None, Sender::Client).unwrap();
    let reference = accepted.resource.children().find(|child| &*child.name == "account").unwrap();
    assert!(reference.content.is_empty());
    assert_eq!(reference.attributes.len(), 1);
}

/// CORE-9.2-05.
#[test]
fn a_reference_is_kept_when_absent_or_empty_and_cleared_by_nil() {
    let stored =
        accept_contact(&format!("<account sdata:uuid=\"{ACCOUNT}\"/>"), None, Sender::Client).unwrap().resource;
    assert_eq!(targets(&accept_contact("", Some(&stored), Sender::Client).unwrap()).len(), 1);
    assert_eq!(targets(&accept_contact("<account/>", Some(&stored), Sender::Client).unwrap()).len(), 1);
    assert_eq!(targets(&accept_contact("<account xsi:nil=\"true\"/>", Some(&stored), Sender::Client).unwrap()), []);
}

#[rstest]
#[case::no_uuid("<account sdata:uuid=\"A1\"/>", "contact/account has sdata:uuid=\"A1\", which is no UUID")]
#[case::no_identity(
    "<account><name>x</name></account>",
    "contact/account is a reference: name the resource by sdata:key or sdata:uuid"
)]
fn a_reference_that_names_nothing_is_a_fault(#[case] content: &str, #[case] fault: &str) {
    assert_eq!(accept_contact(content, None, Sender::Client).unwrap_err()[0].to_string(), fault);
}

/// SYNC-6.1-04, CORE-8.5-03.
#[rstest]
#[case::of_a_client(Sender::Client)]
#[case::of_a_peer_with_its_own_key(Sender::Peer)]
fn a_mandatory_reference_must_be_there(#[case] sender: Sender) {
    let contract = Contract::sample().unwrap();
    let account = if sender == Sender::Peer { "<account sdata:key=\"A1\"/>" } else { "" };
    let sent = resource(NS, "salesOrder", &format!("<orderNumber>1</orderNumber>{account}"));
    let faults = contract.accept(contract.kind("salesOrders").unwrap(), &sent, None, sender).unwrap_err();
    assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), ["salesOrder/account is mandatory"]);
}

fn order() -> Element {
    let contract = Contract::sample().unwrap();
    let content = format!(
        "<orderNumber>1</orderNumber><account sdata:key=\"A1\"/><contact sdata:uuid=\"{OTHER}\"/><orderLines>\
         <salesOrderLine><product sdata:key=\"P1\"/><quantity>1</quantity></salesOrderLine></orderLines>"
    );
    contract
        .accept(contract.kind("salesOrders").unwrap(), &resource(NS, "salesOrder", &content), None, Sender::Client)
        .unwrap()
        .resource
}

#[test]
fn references_are_found_at_every_depth() {
    let contract = Contract::sample().unwrap();
    let found = contract.references(contract.kind("salesOrders").unwrap(), &order());
    let summary: Vec<_> = found.iter().map(|found| (found.path.as_str(), &*found.kind, found.mandatory)).collect();
    assert_eq!(
        summary,
        [
            ("salesOrder/account", "accounts", true),
            ("salesOrder/contact", "contacts", false),
            ("salesOrder/orderLines/salesOrderLine[1]/product", "products", true),
        ]
    );
}

#[test]
fn keys_become_uuids_where_they_are_known() {
    let contract = Contract::sample().unwrap();
    let kind = contract.kind("salesOrders").unwrap();
    let mut order = order();
    let left = contract
        .link_references(kind, &mut order, &|reference| (&*reference.kind == "accounts").then(|| uuid(ACCOUNT)));
    assert!(left);
    let found: Vec<ReferenceTarget> = contract.references(kind, &order).into_iter().map(|found| found.target).collect();
    assert_eq!(found, [ReferenceTarget::Uuid(uuid(ACCOUNT)), ReferenceTarget::Uuid(uuid(OTHER)), by_key("P1")]);
    assert!(!contract.link_references(kind, &mut order, &|_| Some(uuid(OTHER))));
}

fn located(reference: &Reference) -> Option<Located> {
    let key = if &*reference.kind == "accounts" { "A 1" } else { return None };
    Some(Located { key: key.to_owned(), url: "http://h/accounts('A%201')".to_owned(), uuid: Some(uuid(ACCOUNT)) })
}

/// CORE-3.8-01.
#[test]
fn a_reader_gets_keys_and_urls() {
    let contract = Contract::sample().unwrap();
    let mut order = order();
    contract.dress(contract.kind("salesOrders").unwrap(), &mut order, "http://h/salesOrders('1')", &located);
    let child = |name: &str| order.children().find(|child| &*child.name == name).unwrap();
    let attribute = |element: &Element, name| element.attribute(SDATA, name).map(str::to_owned);
    assert_eq!(attribute(child("account"), "key").as_deref(), Some("A 1"));
    assert_eq!(attribute(child("account"), "uuid").as_deref(), Some(ACCOUNT));
    assert_eq!(attribute(child("account"), "url").as_deref(), Some("http://h/accounts('A%201')"));
    assert_eq!(attribute(child("contact"), "url"), None);
    assert_eq!(attribute(child("contact"), "uuid").as_deref(), Some(OTHER));
    let lines = child("orderLines");
    assert_eq!(attribute(lines, "deleteMissing"), None);
    assert_eq!(attribute(lines, "url").as_deref(), Some("http://h/salesOrders('1')/orderLines"));
    let line = lines.children().next().unwrap();
    assert_eq!(attribute(line, "url").as_deref(), Some("http://h/salesOrders('1')/orderLines('1')"));
    assert_eq!(attribute(line, "uri"), attribute(line, "url"));
}

/// CORE-9.2-05.
#[test]
fn what_was_read_can_be_sent_back_unchanged() {
    let contract = Contract::sample().unwrap();
    let kind = contract.kind("salesOrders").unwrap();
    let mut stored = order();
    contract.link_references(kind, &mut stored, &|_| Some(uuid(ACCOUNT)));
    let mut dressed = stored.clone();
    contract.dress(kind, &mut dressed, "http://h/salesOrders('1')", &located);
    let mut again = contract.accept(kind, &dressed, Some(&stored), Sender::Client).unwrap().resource;
    contract.link_references(kind, &mut again, &|_| Some(uuid(ACCOUNT)));
    assert_eq!(again, stored);
}

#[test]
fn associations_grow_shrink_and_are_replaced() {
    let first = accept_club(
        &format!("<members><person sdata:uuid=\"{ACCOUNT}\"/><person sdata:key=\"P1\"/></members>"),
        None,
        Sender::Client,
    );
    assert_eq!(targets(&first), [ReferenceTarget::Uuid(uuid(ACCOUNT)), by_key("P1")]);
    let more = accept_club(
        &format!("<members><person sdata:uuid=\"{OTHER}\"/></members>"),
        Some(&first.resource),
        Sender::Client,
    );
    assert_eq!(targets(&more).len(), 3);
    let less = accept_club(
        &format!("<members><person sdata:uuid=\"{ACCOUNT}\" sdata:isDeleted=\"true\"/></members>"),
        Some(&more.resource),
        Sender::Client,
    );
    assert_eq!(targets(&less), [by_key("P1"), ReferenceTarget::Uuid(uuid(OTHER))]);
    let full = accept_club(
        "<members sdata:deleteMissing=\"true\"><person sdata:key=\"P9\"/></members>",
        Some(&less.resource),
        Sender::Client,
    );
    assert_eq!(targets(&full), [by_key("P9")]);
}

#[test]
fn an_association_stored_by_uuid_is_deleted_by_key_when_linked() {
    let contract = clubs();
    let kind = contract.kind("clubs").unwrap();
    let stored = accept_club(
        &format!("<members><person sdata:uuid=\"{ACCOUNT}\"/><person sdata:uuid=\"{OTHER}\"/></members>"),
        None,
        Sender::Peer,
    );
    let mut less = accept_club(
        "<members><person sdata:key=\"P1\" sdata:isDeleted=\"true\"/></members>",
        Some(&stored.resource),
        Sender::Client,
    )
    .resource;
    assert!(!contract.link_references(kind, &mut less, &|_| Some(uuid(ACCOUNT))));
    let left: Vec<_> = contract.references(kind, &less).into_iter().map(|found| found.target).collect();
    assert_eq!(left, [ReferenceTarget::Uuid(uuid(OTHER))]);
}

#[test]
fn a_reference_may_be_to_one_of_several_kinds() {
    let accepted = accept_club(&format!("<owner><person sdata:uuid=\"{OTHER}\"/></owner>"), None, Sender::Peer);
    let found: Vec<_> = accepted.references.iter().map(|found| (found.path.as_str(), &*found.kind)).collect();
    assert_eq!(found, [("club/owner/person", "people")]);
}
