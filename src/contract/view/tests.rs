use super::*;
use crate::wire::ReadLimits;
use crate::wire::names::SDATA;
use rstest::rstest;

const ORDER: &str = r#"<orderNumber>O1</orderNumber><orderDate>2026-01-01</orderDate><status>Draft</status>
    <account sdata:uuid="11111111-1111-4111-8111-111111111111"/><totalAmount>3</totalAmount>
    <shippingAddress><street>Main</street><city>Bath</city></shippingAddress>
    <orderLines><salesOrderLine sdata:key="1"><lineNumber>1</lineNumber><product sdata:key="P"/><quantity>2</quantity>
    <unitPrice>5</unitPrice></salesOrderLine></orderLines><comment>hm</comment>"#;

fn paths(text: &str) -> Vec<Vec<String>> {
    let paths = text.split(',').filter(|path| !path.is_empty());
    paths.map(|path| path.split('/').map(str::to_owned).collect()).collect()
}

fn view(precedence: Option<u32>, include: &str, select: Option<&str>) -> (Contract, View, Vec<String>) {
    let contract = Contract::sample().unwrap();
    let id = contract.kind("salesOrders").unwrap().type_id;
    let (include, select) = (paths(include), select.map(paths));
    let wishes = Wishes { precedence, include: &include, select: select.as_deref() };
    let (view, unknown) = View::of(&contract, id, &wishes).unwrap();
    (contract, view, unknown)
}

/// An outline of what is shown of the order: names, and in parentheses what is inside.
fn shown(precedence: Option<u32>, include: &str, select: Option<&str>) -> String {
    let (contract, view, _) = view(precedence, include, select);
    let xml = format!(r#"<salesOrder xmlns="urn:sdata-sync:sample:1" xmlns:sdata="{SDATA}">{ORDER}</salesOrder>"#);
    let mut order = Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap();
    contract.show(contract.kind("salesOrders").unwrap().type_id, &mut order, &view);
    outline(&order)
}

fn outline(element: &Element) -> String {
    let inside = |child: &Element| match child.children().count() {
        0 => child.name.to_string(),
        _ => format!("{}({})", child.name, outline(child)),
    };
    element.children().map(inside).collect::<Vec<_>>().join(" ")
}

const WHOLE: &str = "orderNumber orderDate status account totalAmount shippingAddress(street city) \
     orderLines(salesOrderLine(lineNumber product quantity unitPrice)) comment";

/// CORE-6.5-01, CORE-6.5-02: children are sent with their resource unless something leaves them out.
#[rstest]
#[case::nothing_asked(None, "", WHOLE)]
#[case::children(None, "$children", WHOLE)]
#[case::a_reference(None, "account", WHOLE)]
#[case::first_precedence(Some(1), "", "orderNumber orderDate")]
#[case::second_precedence(Some(2), "", "orderNumber orderDate status totalAmount")]
#[case::precedence_with_children(
    Some(1),
    "$children",
    "orderNumber orderDate orderLines(salesOrderLine(lineNumber product quantity))"
)]
#[case::precedence_with_lines(
    Some(1),
    "orderLines",
    "orderNumber orderDate orderLines(salesOrderLine(lineNumber product quantity))"
)]
#[case::precedence_with_a_reference(Some(1), "account", "orderNumber orderDate account")]
#[case::beyond_all(Some(9), "", "orderNumber orderDate status totalAmount")]
fn precedence_and_include_decide_together(#[case] precedence: Option<u32>, #[case] include: &str, #[case] is: &str) {
    assert_eq!(shown(precedence, include, None), is);
}

/// CORE-6.5-03: what is selected and nothing else; details of related resources only with `*` or by name.
#[rstest]
#[case::nothing("", "")]
#[case::properties("status,orderNumber", "orderNumber status")]
#[case::in_a_list(
    "orderDate,orderLines/quantity,orderLines/product",
    "orderDate orderLines(salesOrderLine(product quantity))"
)]
#[case::as_the_xml_nests("orderLines/salesOrderLine/quantity", "orderLines(salesOrderLine(quantity))")]
#[case::a_list_alone("orderLines", "orderLines")]
#[case::all_of_a_list("orderLines/*", "orderLines(salesOrderLine(lineNumber product quantity unitPrice))")]
#[case::everything_but_no_details(
    "*",
    "orderNumber orderDate status account totalAmount shippingAddress(street city) orderLines comment"
)]
#[case::everything_and_some(
    "*,orderLines/quantity",
    "orderNumber orderDate status account totalAmount shippingAddress(street city) orderLines(salesOrderLine(quantity)) comment"
)]
#[case::a_structure_is_a_value("shippingAddress", "shippingAddress(street city)")]
#[case::part_of_a_structure("shippingAddress/city", "shippingAddress(city)")]
#[case::what_is_not_there("nothing,status/of,status", "status")]
fn select_names_what_is_sent(#[case] select: &str, #[case] is: &str) {
    assert_eq!(shown(None, "", Some(select)), is);
    assert_eq!(shown(Some(1), "account,orderLines", Some(select)), is, "it overrides the others");
}

/// CORE-6.5-02, CORE-6.5-03: which references are followed.
#[rstest]
#[case::none("", None, &[])]
#[case::included("account,contact", None, &["account", "contact"])]
#[case::of_children("orderLines/product", None, &["orderLines/product"])]
#[case::nested("contact/account", None, &["contact"])]
#[case::selected_without_details("", Some("account,orderLines/product"), &[])]
#[case::selected_with_details("", Some("account/name,orderLines/product/*"), &["account", "orderLines/product"])]
#[case::all_is_not_recursive("", Some("*"), &[])]
fn references_are_embedded_where_details_are_asked_for(
    #[case] include: &str,
    #[case] select: Option<&str>,
    #[case] ways: &[&str],
) {
    let (contract, view, _) = view(None, include, select);
    let found = contract.embedded(contract.kind("salesOrders").unwrap().type_id, &view);
    assert_eq!(found.iter().map(|(way, _)| way.join("/")).collect::<Vec<_>>(), ways);
}

#[rstest]
#[case::known("account/name,$children,$descriptors", None, &[])]
#[case::unknown("account/nothing,nothing", None, &["account/nothing", "nothing"])]
#[case::inside_a_value("status/x", None, &["status/x"])]
#[case::wildcard_in_include("*", None, &["*"])]
#[case::behind_a_wildcard("", Some("*/x"), &["*/x"])]
fn what_is_not_known_is_told(#[case] include: &str, #[case] select: Option<&str>, #[case] unknown: &[&str]) {
    assert_eq!(view(None, include, select).2, unknown);
}

#[test]
fn a_path_has_an_end() {
    let contract = Contract::sample().unwrap();
    let path = vec!["account".to_owned(); MOST_STEPS + 1];
    let wishes = Wishes { include: &[path], ..Wishes::default() };
    assert!(View::of(&contract, contract.kind("contacts").unwrap().type_id, &wishes).is_err());
}
