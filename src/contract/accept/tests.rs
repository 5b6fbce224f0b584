use crate::contract::{Accepted, Contract, Fault, Sender};
use crate::wire::names::{SDATA, XSI};
use crate::wire::{Element, ReadLimits};
use rstest::rstest;
use serde_json::json;

const NS: &str = "urn:sdata-sync:sample:1";

fn parse(xml: &str) -> Element {
    Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap()
}

/// A resource of the sample contract around `content`.
fn resource(name: &str, content: &str) -> Element {
    parse(&format!("<{name} xmlns=\"{NS}\" xmlns:sdata=\"{SDATA}\" xmlns:xsi=\"{XSI}\">{content}</{name}>"))
}

fn accept(plural: &str, sent: &Element, stored: Option<&Element>, sender: Sender) -> Result<Accepted, Vec<Fault>> {
    let contract = Contract::sample().unwrap();
    contract.accept(contract.kind(plural).unwrap(), sent, stored, sender)
}

fn create(plural: &str, name: &str, content: &str) -> Result<Accepted, Vec<Fault>> {
    accept(plural, &resource(name, content), None, Sender::Client)
}

fn faults(result: Result<Accepted, Vec<Fault>>) -> Vec<String> {
    result.err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn text(resource: &Element, name: &str) -> Option<String> {
    resource.children().find(|child| &*child.name == name).map(|child| child.text().into_owned())
}

fn is_nil(resource: &Element, name: &str) -> bool {
    resource.children().any(|child| &*child.name == name && child.is_nil())
}

const ACCOUNT: &str = "<code>A1</code><name>Ash &amp; Elm</name>";

/// CORE-8.5-03.
#[test]
fn a_created_resource_lacks_no_mandatory_property() {
    assert_eq!(faults(create("accounts", "account", "<name>x</name>")), ["account/code is mandatory"]);
}

/// CORE-8.5-03.
#[test]
fn all_faults_are_named_with_their_path() {
    let content = "<code/><nom>x</nom><creditLimit>much</creditLimit>\
                   <postalAddress><countryCode>Germany</countryCode></postalAddress>";
    assert_eq!(
        faults(create("accounts", "account", content)),
        [
            "account/nom is no property of 'account'",
            "account/code is empty, and that must have at least 1 characters; xsi:nil=\"true\" says null",
            "account/name is mandatory",
            "account/creditLimit 'much' is not a decimal number, as -12.50",
            "account/postalAddress/countryCode 'Germany' does not match the pattern [A-Z]{2}",
        ]
    );
}

#[test]
fn no_more_than_twenty_faults_are_reported() {
    let content: String = (0..40).map(|number| format!("<p{number}/>")).collect();
    assert_eq!(faults(create("accounts", "account", &content)).len(), 20);
}

/// CORE-3.8-01.
#[test]
fn elements_without_a_namespace_are_refused_with_the_one_expected() {
    let content = "<code xmlns=\"\">A1</code><name>x</name>";
    let found = faults(create("accounts", "account", content));
    assert_eq!(found.first().unwrap(), "account/code has no namespace; it is expected in 'urn:sdata-sync:sample:1'");
    let bare = parse("<account><code>A1</code></account>");
    assert!(faults(accept("accounts", &bare, None, Sender::Client))[0].contains("is expected in the namespace"));
}

#[rstest]
#[case::another_kind("<contact xmlns=\"urn:sdata-sync:sample:1\"/>")]
#[case::another_namespace("<account xmlns=\"urn:other\"/>")]
fn a_payload_of_something_else_is_refused(#[case] xml: &str) {
    assert_eq!(faults(accept("accounts", &parse(xml), None, Sender::Client)).len(), 1);
}

#[test]
fn properties_come_in_any_order_and_are_written_in_schema_order() {
    let accepted = create("accounts", "account", "<phone>1</phone><name>x</name><code>A1</code>").unwrap();
    let names: Vec<_> = accepted.resource.children().take(6).map(|child| child.name.to_string()).collect();
    assert_eq!(names, ["code", "name", "type", "active", "phone", "email"]);
}

#[test]
fn a_property_given_twice_is_a_fault() {
    let found = faults(create("accounts", "account", "<code>A1</code><code>A2</code><name>x</name>"));
    assert_eq!(found, ["account/code is given more than once"]);
}

/// What queries look at.
fn properties(accepted: &Accepted) -> serde_json::Value {
    serde_json::from_str(&accepted.properties).unwrap()
}

/// CORE-3.8-02, SYNC-4.4-06.
#[test]
fn what_was_never_given_is_null() {
    let accepted = create("accounts", "account", ACCOUNT).unwrap();
    assert!(is_nil(&accepted.resource, "phone"));
    assert!(is_nil(&accepted.resource, "postalAddress"));
    assert_eq!(properties(&accepted).get("phone"), None);
}

/// CORE-9.2-01, CORE-9.2-02.
#[test]
fn absent_keeps_and_nil_clears() {
    let stored =
        create("accounts", "account", &format!("{ACCOUNT}<phone>1</phone><email>a@b</email>")).unwrap().resource;
    let sent = resource("account", "<phone xsi:nil=\"true\"/>");
    let accepted = accept("accounts", &sent, Some(&stored), Sender::Client).unwrap();
    assert!(is_nil(&accepted.resource, "phone"));
    assert_eq!(text(&accepted.resource, "email").as_deref(), Some("a@b"));
    assert_eq!(text(&accepted.resource, "name").as_deref(), Some("Ash & Elm"));
}

/// CORE-9.2-01.
#[test]
fn a_structure_is_merged_property_by_property() {
    let address = "<postalAddress><city>Ulm</city><countryCode>DE</countryCode></postalAddress>";
    let stored = create("accounts", "account", &format!("{ACCOUNT}{address}")).unwrap().resource;
    let sent = resource("account", "<postalAddress><city>Bonn</city></postalAddress>");
    let accepted = accept("accounts", &sent, Some(&stored), Sender::Client).unwrap();
    assert_eq!(properties(&accepted)["postalAddress"], json!({ "city": "Bonn", "countryCode": "DE" }));
}

#[test]
fn a_mandatory_property_cannot_be_cleared() {
    let stored = create("accounts", "account", ACCOUNT).unwrap().resource;
    let sent = resource("account", "<name xsi:nil=\"true\"/>");
    let found = faults(accept("accounts", &sent, Some(&stored), Sender::Client));
    assert_eq!(found, ["account/name is mandatory, so it cannot be null"]);
}

/// CORE-9.2-06.
#[rstest]
#[case::a_client_does_not_set_them(Sender::Client, None)]
#[case::a_peer_does(Sender::Peer, Some("12.50"))]
fn read_only_properties_are_not_the_clients(#[case] sender: Sender, #[case] balance: Option<&str>) {
    let sent = resource("account", &format!("{ACCOUNT}<balance>12.50</balance>"));
    let accepted = accept("accounts", &sent, None, sender).unwrap();
    assert_eq!(text(&accepted.resource, "balance").filter(|text| !text.is_empty()).as_deref(), balance);
}

#[test]
fn white_space_is_treated_as_the_type_says_and_digits_are_kept() {
    let content = "<code> A  1\n</code><name>a\tb</name><creditLimit> 0012.500 </creditLimit><notes> a\n b </notes>";
    let accepted = create("accounts", "account", content).unwrap().resource;
    assert_eq!(text(&accepted, "code").as_deref(), Some("A 1"));
    assert_eq!(text(&accepted, "name").as_deref(), Some("a b"));
    assert_eq!(text(&accepted, "creditLimit").as_deref(), Some("0012.500"));
    assert_eq!(text(&accepted, "notes").as_deref(), Some(" a\n b "));
}

#[rstest]
#[case::enumeration("<type>Foe</type>", "account/type 'Foe' is not one of: Customer, Supplier, Prospect, Partner")]
#[case::boolean("<active>yes</active>", "account/active 'yes' is not true or false")]
#[case::date("<openedOn>2009-02-29</openedOn>", "account/openedOn '2009-02-29' is not a date, as 2009-05-31")]
#[case::date_time(
    "<lastContactAt>2009-02-28</lastContactAt>",
    "account/lastContactAt '2009-02-28' is not a date and time, as 2009-05-31T13:20:00Z"
)]
#[case::digits(
    "<creditLimit>1.23456</creditLimit>",
    "account/creditLimit '1.23456' has more than 4 digits after the point"
)]
#[case::pattern("<currency>Euro</currency>", "account/currency 'Euro' does not match the pattern [A-Z]{3}")]
#[case::length(
    "<phone>01234567890123456789012345678901234567890</phone>",
    "account/phone '01234567890123456789012345678901234567890' is longer than 40 characters"
)]
#[case::elements("<phone><b/></phone>", "account/phone holds elements where a value is expected")]
#[case::text("<postalAddress>here</postalAddress>", "account/postalAddress holds text where properties are expected")]
fn values_must_be_what_the_schema_says(#[case] content: &str, #[case] fault: &str) {
    assert_eq!(faults(create("accounts", "account", &format!("{ACCOUNT}{content}"))), [fault]);
}

#[test]
fn unique_values_are_reported_as_stored() {
    let accepted = create("accounts", "account", "<code> A  1 </code><name>x</name>").unwrap();
    assert_eq!(accepted.unique, [("code".to_owned(), "A 1".to_owned())]);
}

#[test]
fn properties_are_typed_and_exact() {
    let content = "<creditLimit>1234.50</creditLimit><balance>1</balance><active>1</active><openedOn>2009-05-31</openedOn>\
                   <lastContactAt>2009-05-31T13:20:00+02:00</lastContactAt>";
    let sent = resource("account", &format!("{ACCOUNT}{content}"));
    let properties = properties(&accept("accounts", &sent, None, Sender::Peer).unwrap());
    assert_eq!(properties["creditLimit"], json!("1234.5"));
    assert_eq!(properties["balance"], json!("1"));
    assert_eq!(properties["active"], json!(true));
    assert_eq!(properties["openedOn"], json!("2009-05-31"));
    assert_eq!(properties["lastContactAt"], json!("2009-05-31T11:20:00.000000Z"));
    let long =
        create("accounts", "account", &format!("{ACCOUNT}<creditLimit>123456789012345.1234</creditLimit>")).unwrap();
    assert_eq!(self::properties(&long)["creditLimit"], json!("123456789012345.1234"));
}

#[test]
fn all_texts_are_kept_together_in_small_letters_and_escaped() {
    let content =
        "<code>A1</code><name>\"Ä\" \\ Elm</name><postalAddress><city>Ulm</city></postalAddress><notes>1\n2</notes>";
    let properties = properties(&create("accounts", "account", content).unwrap());
    assert_eq!(properties["name"], json!("\"Ä\" \\ Elm"));
    assert_eq!(properties["$text"], json!("a1\n\"ä\" \\ elm\nulm\n1\n2"));
    assert_eq!(properties["$title"], json!("A1 \"Ä\" \\ Elm"));
}

#[test]
fn what_was_accepted_is_accepted_again_unchanged() {
    let content = format!("{ACCOUNT}<type>Customer</type><postalAddress><city>Ulm</city></postalAddress>");
    let first = create("accounts", "account", &content).unwrap().resource;
    assert_eq!(accept("accounts", &first, None, Sender::Peer).unwrap().resource, first);
    assert_eq!(accept("accounts", &first, Some(&first), Sender::Client).unwrap().resource, first);
}

#[test]
fn a_title_is_made_of_the_first_texts() {
    let contract = Contract::sample().unwrap();
    let kind = contract.kind("accounts").unwrap();
    let accepted = create("accounts", "account", ACCOUNT).unwrap();
    assert_eq!(contract.title(kind, &accepted.resource), "A1 Ash & Elm");
    assert_eq!(contract.title(kind, &resource("account", "")), "Account");
}
