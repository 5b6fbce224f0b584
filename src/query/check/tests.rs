use crate::contract::Contract;
use crate::query::{Parameter, ProtocolVariable, QueryError, Scope, parse_where};
use chrono::DateTime;
use rstest::rstest;

const CONTRACT: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:sme="http://schemas.sage.com/sdata/sme/2007"
    xmlns:tns="urn:test" targetNamespace="urn:test" elementFormDefault="qualified">
  <xs:element name="thing" type="tns:thing--type" sme:role="resourceKind" sme:pluralName="things"/>
  <xs:complexType name="thing--type"><xs:all>
    <xs:element name="name" type="xs:string"/>
    <xs:element name="taxId" type="xs:string"/>
    <xs:element name="secret" type="xs:string" sme:canFilter="false" sme:canSort="false"/>
    <xs:element name="size" type="xs:decimal"/>
    <xs:element name="weight" type="xs:double"/>
    <xs:element name="active" type="xs:boolean"/>
    <xs:element name="day" type="xs:date"/>
    <xs:element name="opens" type="xs:time"/>
    <xs:element name="at" type="xs:dateTime"/>
    <xs:element name="words" type="xs:NMTOKENS"/>
    <xs:element name="not" type="xs:integer"/>
    <xs:element name="like" type="xs:integer"/>
    <xs:element name="größe" type="xs:integer"/>
    <xs:element name="address" type="tns:address--type"/>
    <xs:element name="parent" type="tns:thing--type" sme:relationship="parent"/>
    <xs:element name="elsewhere" type="tns:elsewhere--type" sme:relationship="reference"/>
    <xs:element name="parts" type="tns:part--list" sme:relationship="child"/>
  </xs:all></xs:complexType>
  <xs:complexType name="address--type"><xs:all><xs:element name="city" type="xs:string"/></xs:all></xs:complexType>
  <xs:complexType name="elsewhere--type"><xs:all><xs:element name="city" type="xs:string"/></xs:all></xs:complexType>
  <xs:complexType name="part--list"><xs:sequence>
    <xs:element name="part" type="tns:address--type" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType>
</xs:schema>"#;

fn read(text: &str) -> Result<String, QueryError> {
    let contract = Contract::from_text("test.xsd", CONTRACT).unwrap();
    let now = "2009-06-15T12:34:56.789123456Z".parse::<DateTime<_>>().unwrap();
    let kind = contract.kind("things").unwrap();
    let variables = &[ProtocolVariable::Key, ProtocolVariable::Updated];
    parse_where(text, &Scope { contract: &contract, kind, variables, now }).map(|condition| condition.to_string())
}

/// CORE-2.12-02.
#[rstest]
#[case::and_before_or("active or active and active", "(active eq true) or ((active eq true) and (active eq true))")]
#[case::or_in_parentheses(
    "(active or active) and active",
    "((active eq true) or (active eq true)) and (active eq true)"
)]
#[case::product_before_sum("1 + 2 mul 3 - 4 eq 5", "((1 + (2 mul 3)) - 4) eq 5")]
#[case::left_to_right("1 - 2 - 3 eq 5 div 6 mod 7", "((1 - 2) - 3) eq ((5 div 6) mod 7)")]
#[case::signs_bind_first("-size mul -2 gt - - 3", "((-size) mul (-2)) gt (-(-3))")]
#[case::a_plus_says_nothing("+size gt +3", "size gt 3")]
#[case::not_binds_first("not active eq active", "(not (active eq true)) eq active")]
#[case::not_of_not("not not active", "not (not (active eq true))")]
#[case::comparisons_from_left("1 lt 2 eq true", "(1 lt 2) eq true")]
#[case::between_has_its_own_and(
    "size between 1 + 1 and 3 and active",
    "(size between (1 + 1) and 3) and (active eq true)"
)]
#[case::in_a_list("size + 1 in (1, 2 mul 3)", "(size + 1) in (1, 2 mul 3)")]
#[case::like_before_and("name like 'a%' and active", "(name like 'a%') and (active eq true)")]
fn operators_bind_as_the_specification_says(#[case] text: &str, #[case] bound: &str) {
    assert_eq!(read(text).as_deref(), Ok(bound));
}

/// CORE-2.12-03.
#[rstest]
#[case::text_for_a_number("size eq '-1.50'", "size eq (-1.50)")]
#[case::text_for_a_date("day eq '2008-05-19'", "day eq @2008-05-19@")]
#[case::text_for_a_time("opens lt '18:41'", "opens lt @18:41:00@")]
#[case::text_for_a_timestamp("at lt '2008-05-19T18:41:00+02:00'", "at lt @2008-05-19T16:41:00Z@")]
#[case::text_for_a_boolean("active eq 'True'", "active eq true")]
#[case::text_on_the_left("'2008-05-19' le day", "@2008-05-19@ le day")]
#[case::number_for_a_text("taxId eq 0012.50", "taxId eq '0012.50'")]
#[case::number_for_a_boolean("active eq 1", "active eq true")]
#[case::day_for_a_timestamp("at ge @2008-05-19@", "at ge @2008-05-19T00:00:00Z@")]
#[case::midnight_for_a_day("day ge @2008-05-19T00:00:00@", "day ge @2008-05-19@")]
#[case::computed_day("at ge dateSub(currentDate(), 14)", "at ge @2009-06-01T00:00:00Z@")]
#[case::ends_of_between(
    "at between '2008-01-01' and @2008-12-31@",
    "at between @2008-01-01T00:00:00Z@ and @2008-12-31T00:00:00Z@"
)]
#[case::items_of_in("size in ('1', 2)", "size in (1, 2)")]
#[case::double_precision("weight gt 0.5", "weight gt 0.5")]
#[case::present_in_microseconds("at lt currentTimestamp", "at lt @2009-06-15T12:34:56.789123Z@")]
#[case::open_at_sign("at gt @2011-01-07T09:32:07", "at gt @2011-01-07T09:32:07Z@")]
#[case::leading_point("size gt .5", "size gt 0.5")]
#[case::arguments("year('2008-05-19') eq length(12)", "year(@2008-05-19@) eq length('12')")]
fn values_are_read_as_what_they_are_compared_with(#[case] text: &str, #[case] meant: &str) {
    assert_eq!(read(text).as_deref(), Ok(meant));
}

#[rstest]
#[case::operators("name EQ 'a' And size Between 1 AND 2", "(name eq 'a') and (size between 1 and 2)")]
#[case::functions("UPPER(name) eq Left(name, 1)", "upper(name) eq left(name, 1)")]
#[case::values("active ne FALSE and name ne NULL", "(active ne false) and (name ne null)")]
#[case::not("NOT (size eq 1)", "not (size eq 1)")]
#[case::a_property_called_not("not eq 1 and not (not eq 2)", "(not eq 1) and (not (not eq 2))")]
#[case::a_property_called_like("like eq 1 or like in (like)", "(like eq 1) or (like in (like))")]
#[case::no_spaces("(size)eq(1)and name eq'a'", "(size eq 1) and (name eq 'a')")]
#[case::foreign_letters("größe gt 1", "größe gt 1")]
#[case::over_a_reference("parent.parent.$key eq 'a'", "parent.parent.$key eq 'a'")]
fn keywords_may_be_written_in_any_letter_case(#[case] text: &str, #[case] meant: &str) {
    assert_eq!(read(text).as_deref(), Ok(meant));
}

/// CORE-2.12-04, CORE-6.10-02.
#[rstest]
#[case::nothing("", 1, "a value or a name was expected, not the end")]
#[case::cut_off("name eq", 8, "a value or a name was expected, not the end")]
#[case::two_operands("größe gt 1 2", 12, "an operator was expected, not '2'")]
#[case::unknown_operator("name is 'a'", 6, "an operator was expected, not 'is'")]
#[case::symbols("name = 'a'", 6, "a name, a value, an operator or a parenthesis was expected, not '='")]
#[case::open_parenthesis("(name eq 'a'", 13, "an operator, ',' or ')' was expected, not the end")]
#[case::closed_too_often("name eq 'a')", 12, "an operator was expected, not ')'")]
#[case::several_in_parentheses("(1, 2) eq 1", 1, "one expression in parentheses was expected, not several")]
#[case::none_in_parentheses("() eq 1", 1, "one expression in parentheses was expected, not several")]
#[case::between_without_and("size between 1 or 2", 16, "'and' with the upper end of 'between' was expected, not 'or'")]
#[case::in_without_list("size in 1", 9, "'(' with the values of 'in' was expected, not '1'")]
#[case::in_nothing("size in ()", 1, "in takes one or more arguments, not 0")]
#[case::open_text("name eq 'a", 9, "the text in quotes does not end; a quote within it is doubled")]
#[case::no_date(
    "day eq @2009-02-29@",
    8,
    "'2009-02-29' is no date (@2008-05-19@), time (@18:41:00@) or timestamp (@2008-05-19T18:41:00Z@)"
)]
#[case::quoted_no_date("day eq 'soon'", 1, "'soon' is not a date")]
#[case::unknown("name eq 'a' and color eq 'b'", 17, "thing has no property 'color'")]
#[case::other_letter_case("taxID eq 'a'", 1, "thing has no property 'taxID'; it has 'taxId'")]
#[case::unknown_in_structure("address.town eq 'a'", 9, "address has no property 'town'")]
#[case::unknown_over_reference("parent.color eq 'a'", 8, "thing has no property 'color'")]
#[case::not_filterable("secret eq 'a'", 1, "'secret' cannot be filtered by (sme:canFilter)")]
#[case::structure("address eq 'a'", 1, "'address' is a structure; name one of its properties behind a dot")]
#[case::reference("parent eq 'a'", 1, "'parent' is a reference; name $key, $uuid or a property behind a dot")]
#[case::reference_elsewhere(
    "elsewhere.city eq 'a'",
    1,
    "'elsewhere' is a reference to resources that are not served here"
)]
#[case::list("parts.city eq 'a'", 1, "'parts' is a list, which has no single value")]
#[case::list_of_values("words eq 'a'", 1, "'words' is a list, which has no single value")]
#[case::within_a_value("name.first eq 'a'", 1, "'name' is a single value, without properties of its own")]
#[case::many_references(
    "parent.parent.parent.parent.parent.name eq 'a'",
    29,
    "at most 4 references are followed in a row"
)]
#[case::unknown_variable("$color eq 'a'", 1, "there is no protocol variable '$color' here; there are $key, $updated")]
#[case::variable_that_is_not_here(
    "$uuid eq 'a'",
    1,
    "there is no protocol variable '$uuid' here; there are $key, $updated"
)]
#[case::no_condition("name", 1, "where takes a condition, not a text")]
#[case::no_condition_in_or("active or size", 11, "or takes a condition, not a number")]
#[case::not_of_a_text("not name eq 'a'", 5, "not takes a condition; it binds before comparisons, not a text")]
#[case::number_with_text("size eq name", 1, "a number cannot be compared with a text")]
#[case::number_with_date("size eq @2008-05-19@", 1, "a number cannot be compared with a date")]
#[case::day_with_moment("day lt at", 1, "a date cannot be compared with a timestamp")]
#[case::moment_within_a_day("day lt @2008-05-19T12:00:00@", 1, "a date cannot be compared with a timestamp")]
#[case::sum_of_texts("name + 'a' eq 'b'", 1, "+ takes a number, not a text")]
#[case::like_a_number("size like '1%'", 1, "like takes a text, not a number")]
#[case::less_than_null("size lt null", 9, "null can only be compared, with eq and ne")]
#[case::in_null("size in (1, null)", 13, "null can only be compared, with eq and ne")]
#[case::unknown_function("soundex(name) eq 'a'", 1, "there is no function 'soundex'")]
#[case::too_few("left(name) eq 'a'", 1, "left takes two arguments, not 1")]
#[case::too_many("currentDate(1) eq day", 1, "currentDate takes no arguments, not 1")]
#[case::wrong_argument("length(size) eq 1", 8, "length takes a text, not a number")]
#[case::no_clock_in_a_day("hour(day) eq 1", 6, "hour takes a time or timestamp, not a date")]
#[case::no_day_in_a_clock("year(opens) eq 1", 6, "year takes a date or timestamp, not a time")]
#[case::functions_in_functions(
    "round(round(round(round(round(round(round(size))))))) gt 0",
    1,
    "functions stand in one another at most 6 levels deep"
)]
#[case::endless_padding("lpad(name, 1000000) eq 'a'", 1, "the result of lpad could be longer than 100000 characters")]
#[case::padding_of_unknown_length(
    "rpad(name, size) eq 'a'",
    1,
    "the result of rpad could be longer than 100000 characters"
)]
#[case::multiplied(
    "replace(replace(name, 'a', name), 'b', name) eq 'a'",
    9,
    "the result of replace could be longer than 100000 characters"
)]
#[case::many_digits("size eq 123456789012345678901234567890123456789", 9, "a number has at most 38 digits")]
fn what_means_nothing_is_refused_with_the_position(#[case] text: &str, #[case] position: usize, #[case] problem: &str) {
    let error = read(text).unwrap_err();
    assert_eq!(
        (error.parameter, error.position, error.problem.to_string()),
        (Parameter::Where, position, problem.to_owned())
    );
    assert_eq!(error.to_string(), format!("where at character {position}: {problem}"));
}

#[rstest]
#[case::parentheses(&format!("{}active{}", "(".repeat(4000), ")".repeat(4000)))]
#[case::open_parentheses(&"(".repeat(8192))]
#[case::negations(&format!("{}active", "not ".repeat(1900)))]
#[case::signs(&format!("{}size eq 1", "-".repeat(3900)))]
#[case::calls(&"abs(".repeat(2000))]
#[case::sums(&format!("size{} eq 1", " + 1".repeat(1900)))]
#[case::comparisons(&format!("active{}", " eq true".repeat(1000)))]
#[case::words(&"a ".repeat(4096))]
#[case::characters(&format!("name eq '{}'", "a".repeat(8192)))]
fn queries_of_any_size_are_answered_without_harm(#[case] text: &str) {
    assert!(read(text).is_err());
}

#[test]
fn long_chains_of_conditions_are_taken() {
    let many = |join: &str| vec!["size eq 1"; 500].join(join);
    assert!(read(&many(" or ")).is_ok());
    assert!(read(&many(" and ")).is_ok());
    assert!(read(&format!("size in ({})", vec!["1"; 1900].join(","))).is_ok());
    let deep = format!("{}active{}", "(".repeat(60), ")".repeat(60));
    assert_eq!(read(&deep).as_deref(), Ok("active eq true"));
}
