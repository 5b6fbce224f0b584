use crate::contract::{Accepted, Contract, Fault, Sender};
use crate::wire::names::{SDATA, SYNC, XSI};
use crate::wire::{Element, ReadLimits};
use rstest::rstest;

const NS: &str = "urn:sdata-sync:sample:1";
const ACCOUNT: &str = "11111111-1111-4111-8111-111111111111";
const PRODUCT: &str = "22222222-2222-4222-8222-222222222222";
const FIRST: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa1";
const SECOND: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa2";
const THIRD: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa3";

fn order(content: &str) -> Element {
    let xml = format!(
        "<salesOrder xmlns=\"{NS}\" xmlns:sdata=\"{SDATA}\" xmlns:sync=\"{SYNC}\" xmlns:xsi=\"{XSI}\">{content}</salesOrder>"
    );
    Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap()
}

fn accept(sent: &Element, stored: Option<&Element>, sender: Sender) -> Result<Accepted, Vec<Fault>> {
    let contract = Contract::sample().unwrap();
    contract.accept(contract.kind("salesOrders").unwrap(), sent, stored, sender)
}

fn line(attributes: &str, quantity: u32) -> String {
    format!(
        "<salesOrderLine {attributes}><product sdata:uuid=\"{PRODUCT}\"/><quantity>{quantity}</quantity></salesOrderLine>"
    )
}

fn lines_of(content: &str) -> Element {
    order(&format!("<orderNumber>1</orderNumber><account sdata:uuid=\"{ACCOUNT}\"/>{content}"))
}

/// An order with two lines of the quantities 1 and 2.
fn stored() -> Element {
    let lines = [line(&format!("sdata:uuid=\"{FIRST}\""), 1), line(&format!("sdata:uuid=\"{SECOND}\""), 2)].concat();
    accept(&lines_of(&format!("<orderLines>{lines}</orderLines>")), None, Sender::Client).unwrap().resource
}

/// Key, UUID and quantity of every line.
fn summary(order: &Element) -> Vec<(String, String, String)> {
    let list = order.children().find(|child| &*child.name == "orderLines").unwrap();
    assert_eq!(list.attribute(SDATA, "deleteMissing"), Some("true"));
    let attribute = |line: &Element, name| line.attribute(SDATA, name).unwrap_or_default().to_owned();
    let quantity =
        |line: &Element| line.children().find(|child| &*child.name == "quantity").unwrap().text().into_owned();
    list.children().map(|line| (attribute(line, "key"), attribute(line, "uuid"), quantity(line))).collect()
}

fn expected(lines: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    lines.iter().map(|(key, uuid, quantity)| ((*key).to_owned(), (*uuid).to_owned(), (*quantity).to_owned())).collect()
}

#[test]
fn new_children_get_keys_and_keep_their_uuids() {
    assert_eq!(summary(&stored()), expected(&[("1", FIRST, "1"), ("2", SECOND, "2")]));
}

#[test]
fn a_child_without_uuid_gets_one() {
    let accepted =
        accept(&lines_of(&format!("<orderLines>{}</orderLines>", line("", 1))), None, Sender::Client).unwrap();
    let uuid = summary(&accepted.resource).remove(0).1;
    assert!(uuid::Uuid::try_parse(&uuid).is_ok());
}

#[test]
fn an_order_without_lines_has_an_empty_list() {
    let accepted = accept(&lines_of(""), None, Sender::Client).unwrap();
    assert_eq!(summary(&accepted.resource), []);
}

/// CORE-9.2-03.
#[test]
fn a_list_without_delete_missing_is_a_delta() {
    let sent = order(&format!(
        "<orderLines><salesOrderLine sdata:uuid=\"{FIRST}\"><quantity>9</quantity></salesOrderLine>\
         <salesOrderLine sdata:uuid=\"{SECOND}\" sdata:isDeleted=\"true\"/>{}</orderLines>",
        line(&format!("sdata:uuid=\"{THIRD}\""), 3)
    ));
    let accepted = accept(&sent, Some(&stored()), Sender::Client).unwrap();
    assert_eq!(summary(&accepted.resource), expected(&[("1", FIRST, "9"), ("3", THIRD, "3")]));
}

/// CORE-9.2-03.
#[rstest]
#[case::by_key("sdata:key=\"2\"")]
#[case::by_url("sdata:url=\"http://h/sdata/a/c/-/salesOrders('1')/orderLines('2')\"")]
fn a_client_names_lines_as_it_read_them(#[case] identity: &str) {
    let sent =
        order(&format!("<orderLines><salesOrderLine {identity}><quantity>8</quantity></salesOrderLine></orderLines>"));
    let accepted = accept(&sent, Some(&stored()), Sender::Client).unwrap();
    assert_eq!(summary(&accepted.resource), expected(&[("1", FIRST, "1"), ("2", SECOND, "8")]));
}

/// CORE-9.2-04.
#[test]
fn a_list_with_delete_missing_is_the_whole_list_in_its_order() {
    let sent = order(&format!(
        "<orderLines sdata:deleteMissing=\"true\">{}<salesOrderLine sdata:uuid=\"{SECOND}\"/></orderLines>",
        line(&format!("sdata:uuid=\"{THIRD}\""), 3)
    ));
    let accepted = accept(&sent, Some(&stored()), Sender::Client).unwrap();
    assert_eq!(summary(&accepted.resource), expected(&[("3", THIRD, "3"), ("2", SECOND, "2")]));
}

/// CORE-9.2-04.
#[rstest]
#[case::empty_with_delete_missing("<orderLines sdata:deleteMissing=\"true\"/>", 0)]
#[case::null("<orderLines xsi:nil=\"true\"/>", 0)]
#[case::empty_delta("<orderLines/>", 2)]
#[case::absent("", 2)]
fn only_a_full_list_deletes(#[case] content: &str, #[case] left: usize) {
    let accepted = accept(&order(content), Some(&stored()), Sender::Client).unwrap();
    assert_eq!(summary(&accepted.resource).len(), left);
}

/// SYNC-6.1-01.
#[test]
fn keys_of_a_peer_mean_nothing_here() {
    let sent = lines_of(&format!(
        "<orderLines sdata:deleteMissing=\"true\">{}{}</orderLines>",
        line(&format!("sdata:key=\"1\" sdata:uuid=\"{SECOND}\""), 7),
        line(&format!("sdata:key=\"2\" sdata:uuid=\"{THIRD}\""), 3)
    ));
    let accepted = accept(&sent, Some(&stored()), Sender::Peer).unwrap();
    assert_eq!(summary(&accepted.resource), expected(&[("2", SECOND, "7"), ("3", THIRD, "3")]));
}

#[test]
fn a_deleted_child_may_be_flagged_in_the_sync_namespace() {
    let sent =
        order(&format!("<orderLines><salesOrderLine sdata:uuid=\"{FIRST}\" sync:isDeleted=\"true\"/></orderLines>"));
    let accepted = accept(&sent, Some(&stored()), Sender::Peer).unwrap();
    assert_eq!(summary(&accepted.resource), expected(&[("2", SECOND, "2")]));
}

#[test]
fn a_new_line_lacks_nothing_mandatory_and_an_old_one_may() {
    let sent = order(&format!(
        "<orderLines><salesOrderLine sdata:uuid=\"{FIRST}\"/><salesOrderLine sdata:uuid=\"{THIRD}\"/></orderLines>"
    ));
    let faults = accept(&sent, Some(&stored()), Sender::Client).unwrap_err();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(
        paths,
        ["salesOrder/orderLines/salesOrderLine[2]/product", "salesOrder/orderLines/salesOrderLine[2]/quantity"]
    );
}

#[test]
fn one_child_given_twice_is_a_fault() {
    let twice = line(&format!("sdata:uuid=\"{FIRST}\""), 1).repeat(2);
    let faults =
        accept(&order(&format!("<orderLines>{twice}</orderLines>")), Some(&stored()), Sender::Client).unwrap_err();
    assert_eq!(faults[0].path, "salesOrder/orderLines/salesOrderLine[2]");
}

#[test]
fn a_line_that_is_none_is_a_fault() {
    let faults = accept(&order("<orderLines><line/></orderLines>"), Some(&stored()), Sender::Client).unwrap_err();
    assert_eq!(faults[0].to_string(), "salesOrder/orderLines/line[1] is nothing this list can hold");
}
