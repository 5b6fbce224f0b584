use crate::contract::{Contract, Sender};
use crate::wire::names::{SDATA, XSI};
use crate::wire::{Element, Json, JsonBody, ReadLimits, read_json};
use bytes::Bytes;
use proptest::prelude::*;
use rstest::rstest;

const NS: &str = "urn:sdata-sync:sample:1";
const UUID: &str = "11111111-1111-4111-8111-111111111111";

fn element(name: &str, content: &str) -> Element {
    let xml = format!("<{name} xmlns=\"{NS}\" xmlns:sdata=\"{SDATA}\" xmlns:xsi=\"{XSI}\">{content}</{name}>");
    Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap()
}

fn json(text: &str) -> Json {
    match read_json(Bytes::copy_from_slice(text.as_bytes()), ReadLimits::default()).unwrap() {
        JsonBody::Entry(object) => object,
        JsonBody::Feed(_) => panic!("a feed"),
    }
}

fn text(json: &Json) -> String {
    String::from_utf8(json.to_bytes().unwrap().to_vec()).unwrap()
}

#[test]
fn values_have_the_types_of_the_contract() {
    let account = element(
        "account",
        "<code>007</code><active>1</active><creditLimit>1553.10</creditLimit><phone xsi:nil=\"true\"/>\
         <openedOn>2026-01-31</openedOn><postalAddress><city>Bergisch Gladbach</city></postalAddress>",
    );
    assert_eq!(
        text(&Contract::sample().unwrap().json_of(&account)),
        r#"{"code":"007","active":true,"creditLimit":1553.10,"phone":null,"openedOn":"2026-01-31","postalAddress":{"city":"Bergisch Gladbach"}}"#
    );
}

#[test]
fn lists_are_arrays_and_references_objects() {
    let order = element(
        "salesOrder",
        &format!(
            "<account sdata:uuid=\"{UUID}\" sdata:key=\"1\" sdata:url=\"http://h/a('1')\" sdata:uri=\"http://h/a('1')\"/>\
             <orderLines sdata:deleteMissing=\"true\"><salesOrderLine sdata:key=\"1\"><lineNumber>1</lineNumber>\
             <quantity>2.50</quantity></salesOrderLine></orderLines>"
        ),
    );
    assert_eq!(
        text(&Contract::sample().unwrap().json_of(&order)),
        format!(
            r#"{{"account":{{"$uuid":"{UUID}","$key":"1","$url":"http://h/a('1')"}},"orderLines":[{{"$key":"1","lineNumber":1,"quantity":2.50}}],"$properties":{{"orderLines":{{"$deleteMissing":true}}}}}}"#
        )
    );
}

#[test]
fn what_clients_write_by_hand_is_understood() {
    let contract = Contract::sample().unwrap();
    let order = json(&format!(
        r#"{{"$title":"any","orderNumber":71711,"account":{{"$key":"1"}},"totalAmount":"12.50","shipDate":null,
            "orderLines":{{"$deleteMissing":true,"$resources":[{{"$uuid":"{UUID}","quantity":1e2}}]}}}}"#
    ));
    let expected = element(
        "salesOrder",
        &format!(
            "<orderNumber>71711</orderNumber><account sdata:key=\"1\"/><totalAmount>12.50</totalAmount>\
             <shipDate xsi:nil=\"true\"/><orderLines sdata:deleteMissing=\"true\">\
             <salesOrderLine sdata:uuid=\"{UUID}\"><quantity>100</quantity></salesOrderLine></orderLines>"
        ),
    );
    assert_eq!(contract.element_of_json(contract.kind("salesOrders").unwrap(), &order).unwrap(), expected);
}

#[test]
fn an_unknown_property_is_left_to_acceptance() {
    let contract = Contract::sample().unwrap();
    let kind = contract.kind("accounts").unwrap();
    let sent = contract.element_of_json(kind, &json(r#"{"code":"A","name":"B","colour":["red"]}"#)).unwrap();
    let faults = contract.accept(kind, &sent, None, Sender::Client).unwrap_err();
    assert_eq!(faults[0].to_string(), "account/colour is no property of 'account'");
}

#[rstest]
#[case::object_for_a_value(r#"{"orderNumber":{}}"#, "salesOrder/orderNumber is a single value: no array or object")]
#[case::value_for_a_list(r#"{"orderLines":1}"#, "salesOrder/orderLines is a list: an array was expected")]
#[case::value_for_a_structure(
    r#"{"shippingAddress":"x"}"#,
    "salesOrder/shippingAddress has properties of its own: an object was expected"
)]
#[case::deep(
    r#"{"orderLines":[{},{"quantity":[1]}]}"#,
    "salesOrder/orderLines/salesOrderLine[2]/quantity is a single value: no array or object"
)]
fn what_a_property_cannot_hold_is_told_with_its_place(#[case] object: &str, #[case] message: &str) {
    let contract = Contract::sample().unwrap();
    let fault = contract.element_of_json(contract.kind("salesOrders").unwrap(), &json(object)).unwrap_err();
    assert_eq!(fault.to_string(), message);
}

prop_compose! {
    fn line()(number in 1..9999_u32, quantity in "[1-9][0-9]{0,8}(\\.[0-9]{1,4})?", price in proptest::option::of("(0|[1-9][0-9]{0,12})\\.[0-9]{2}")) -> String {
        let price = price.map_or_else(|| "<unitPrice xsi:nil=\"true\"/>".to_owned(), |price| format!("<unitPrice>{price}</unitPrice>"));
        format!("<salesOrderLine><lineNumber>{number}</lineNumber><product sdata:uuid=\"{UUID}\"/><quantity>{quantity}</quantity>{price}</salesOrderLine>")
    }
}

prop_compose! {
    fn order()(
        number in "[A-Z0-9]{1,12}",
        comment in "[ -%'-;=?-~\u{a1}-\u{ff}]{0,20}",
        city in proptest::option::of("[a-zA-Z]{0,12}"),
        total in "-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,4})?",
        lines in prop::collection::vec(line(), 0..4),
    ) -> Element {
        let address = city.map_or_else(String::new, |city| format!("<shippingAddress><city>{city}</city></shippingAddress>"));
        element("salesOrder", &format!(
            "<orderNumber>{number}</orderNumber><account sdata:uuid=\"{UUID}\"/><totalAmount>{total}</totalAmount>{address}<orderLines>{}</orderLines><comment>{comment}</comment>",
            lines.concat()
        ))
    }
}

proptest! {
    /// Through the bytes of JSON and back: nothing is lost.
    #[test]
    fn a_resource_survives_the_way_through_json(sent in order()) {
        let contract = Contract::sample().unwrap();
        let kind = contract.kind("salesOrders").unwrap();
        let accepted = contract.accept(kind, &sent, None, Sender::Peer).unwrap().resource;
        let read = json(&text(&contract.json_of(&accepted)));
        prop_assert_eq!(contract.element_of_json(kind, &read).unwrap(), accepted);
    }
}
