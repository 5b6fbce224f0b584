use super::*;
use crate::contract::Contract;
use crate::query::ProtocolVariable;
use chrono::DateTime;
use rstest::rstest;

const CONTRACT: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:sme="http://schemas.sage.com/sdata/sme/2007"
    xmlns:tns="urn:test" targetNamespace="urn:test" elementFormDefault="qualified">
  <xs:element name="salesOrder" type="tns:salesOrder--type" sme:role="resourceKind" sme:pluralName="salesOrders"/>
  <xs:complexType name="salesOrder--type"><xs:all>
    <xs:element name="orderNumber" type="xs:string"/>
    <xs:element name="orderDate" type="xs:date"/>
    <xs:element name="comment" type="xs:string" sme:canSort="false"/>
    <xs:element name="total" type="tns:total--type"/>
    <xs:element name="tags" type="xs:string" maxOccurs="unbounded"/>
    <xs:element name="replaces" type="tns:salesOrder--type" sme:relationship="reference"/>
  </xs:all></xs:complexType>
  <xs:complexType name="total--type"><xs:all><xs:element name="net" type="xs:decimal"/></xs:all></xs:complexType>
</xs:schema>"#;

fn read(text: &str) -> Result<(Vec<String>, Vec<String>), QueryError> {
    let contract = Contract::from_text("test.xsd", CONTRACT).unwrap();
    let kind = contract.kind("salesOrders").unwrap();
    let variables = &ProtocolVariable::ALL;
    let scope = Scope { contract: &contract, kind, variables, now: DateTime::UNIX_EPOCH };
    let read = parse_order_by(text, &scope)?;
    let refused = read.refused.iter().map(ToString::to_string).collect();
    Ok((read.keys.iter().map(ToString::to_string).collect(), refused))
}

/// CORE-6.3-01.
#[rstest]
#[case::none(" ", &[])]
#[case::ascending("orderDate", &["orderDate asc"])]
#[case::the_specifications("orderDate desc,orderNumber asc", &["orderDate desc", "orderNumber asc"])]
#[case::letter_case("orderDate DESC , orderNumber Asc", &["orderDate desc", "orderNumber asc"])]
#[case::paths("replaces.orderDate, total.net desc", &["replaces.orderDate asc", "total.net desc"])]
#[case::protocol("$updated desc, replaces.$key", &["$updated desc", "replaces.$key asc"])]
fn criteria_are_read_in_order(#[case] text: &str, #[case] keys: &[&str]) {
    let (read, refused) = read(text).unwrap();
    assert_eq!(read, keys);
    assert!(refused.is_empty());
}

/// CORE-6.3-02.
#[rstest]
#[case::unknown("color desc, orderDate", "orderBy at character 1: salesOrder has no property 'color'")]
#[case::not_sortable("orderDate, comment", "orderBy at character 12: 'comment' cannot be sorted by (sme:canSort)")]
#[case::list("tags, orderDate", "orderBy at character 1: 'tags' is a list, which has no single value")]
fn a_criterion_that_cannot_be_applied_is_a_warning(#[case] text: &str, #[case] warning: &str) {
    let (keys, refused) = read(text).unwrap();
    assert_eq!(keys, ["orderDate asc"]);
    assert_eq!(refused, [warning]);
}

/// CORE-6.10-02.
#[rstest]
#[case::direction("orderDate upwards", 11)]
#[case::two_directions("orderDate asc desc", 15)]
#[case::nothing_between("orderDate,,orderNumber", 11)]
#[case::nothing_behind("orderDate, ", 12)]
#[case::value("'orderDate'", 1)]
#[case::open_path("replaces., orderDate", 10)]
#[case::symbol("orderDate;", 10)]
fn what_is_no_list_of_criteria_is_refused(#[case] text: &str, #[case] position: usize) {
    let error = read(text).unwrap_err();
    assert_eq!((error.parameter, error.position), (Parameter::OrderBy, position));
}
