use crate::contract::{Contract, ContractError, Problem, Relationship, Sender, Shape};
use crate::wire::{Element, ReadLimits};
use rstest::rstest;
use std::fs;

const HEAD: &str = r#"xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:sme="http://schemas.sage.com/sdata/sme/2007" xmlns="urn:t" targetNamespace="urn:t" elementFormDefault="qualified""#;

/// A schema with a kind `thing` whose type holds `content`, and `more` beside it.
fn schema(content: &str, more: &str) -> String {
    format!(
        "<xs:schema {HEAD}>\n<xs:element name=\"thing\" type=\"thing--type\" sme:role=\"resourceKind\" sme:pluralName=\"things\"/>\n\
         <xs:complexType name=\"thing--type\">\n{content}\n</xs:complexType>\n{more}\n</xs:schema>"
    )
}

fn read(content: &str, more: &str) -> Result<Contract, ContractError> {
    Contract::from_text("t.xsd", &schema(content, more))
}

/// The faults of a thing with this content, in short.
fn faults(contract: &Contract, content: &str) -> Vec<String> {
    let xml =
        format!("<thing xmlns=\"urn:t\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{content}</thing>");
    let sent = Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap();
    let accepted = contract.accept(contract.kind("things").unwrap(), &sent, None, Sender::Client);
    accepted.err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// The thing with this content as it would be stored.
fn stored(contract: &Contract, content: &str) -> String {
    let xml =
        format!("<thing xmlns=\"urn:t\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{content}</thing>");
    let sent = Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap();
    let accepted = contract.accept(contract.kind("things").unwrap(), &sent, None, Sender::Client).unwrap();
    String::from_utf8(accepted.resource.content_xml().unwrap()).unwrap()
}

/// SYNC-4.5-04, SYNC-6.1-03, CORE-4.9-03.
#[test]
fn the_sample_contract_is_what_it_says() {
    let sample = Contract::sample().unwrap();
    assert_eq!(sample.namespace(), "urn:sdata-sync:sample:1");
    assert_eq!(sample.version(), Some("1.0.0"));
    assert_eq!(sample.warnings(), []);
    let plurals =
        |kinds: Vec<&crate::contract::Kind>| kinds.iter().map(|kind| kind.plural_name.to_string()).collect::<Vec<_>>();
    assert_eq!(plurals(sample.kinds().iter().collect()), ["accounts", "contacts", "products", "salesOrders"]);
    assert_eq!(plurals(sample.in_sync_order()), ["accounts", "products", "contacts", "salesOrders"]);
    let orders = sample.kind("salesOrders").unwrap();
    assert!(orders.is_sync_source && orders.is_sync_target && orders.can_post);
    let lines = sample.property(orders, "orderLines").unwrap();
    assert_eq!(lines.relationship, Some(Relationship::Child));
    assert!(matches!(lines.shape, Shape::Children(_)));
}

#[test]
fn what_is_not_annotated_has_a_sensible_default() {
    let contract = read("<xs:all><xs:element name=\"a\" type=\"xs:string\" minOccurs=\"0\"/></xs:all>", "").unwrap();
    let kind = contract.kind("things").unwrap();
    assert!(kind.can_get && kind.can_post && kind.can_put && kind.can_delete);
    assert!(!kind.is_sync_source && !kind.is_sync_target);
    assert_eq!(kind.sync_order, None);
    let property = contract.property(kind, "a").unwrap();
    assert!(property.can_filter && property.can_sort && !property.is_mandatory);
    assert_eq!(property.label, "a");
}

#[rstest]
#[case::unresolved_type("<xs:all>\n<xs:element name=\"a\" type=\"missing--type\"/></xs:all>", "", 5)]
#[case::unresolved_base("<xs:complexContent>\n<xs:extension base=\"missing--type\"/></xs:complexContent>", "", 5)]
#[case::unresolved_element("<xs:sequence>\n\n<xs:element ref=\"missing\"/></xs:sequence>", "", 6)]
#[case::unresolved_group("<xs:sequence>\n<xs:group ref=\"missing\"/></xs:sequence>", "", 5)]
#[case::unresolved_attribute_group("<xs:all/>\n<xs:attributeGroup ref=\"missing\"/>", "", 5)]
#[case::unknown_builtin("<xs:all>\n<xs:element name=\"a\" type=\"xs:number\"/></xs:all>", "", 5)]
#[case::occurrence_is_no_number(
    "<xs:sequence>\n<xs:element name=\"a\" type=\"xs:string\" maxOccurs=\"many\"/></xs:sequence>",
    "",
    5
)]
#[case::derived_from_itself("<xs:complexContent>\n<xs:extension base=\"thing--type\"/></xs:complexContent>", "", 3)]
#[case::complex_from_simple("<xs:complexContent>\n<xs:extension base=\"xs:string\"/></xs:complexContent>", "", 5)]
#[case::value_from_elements(
    "<xs:all/>",
    "<xs:complexType name=\"b\"><xs:simpleContent>\n<xs:extension base=\"thing--type\"/></xs:simpleContent></xs:complexType>",
    7
)]
#[case::simple_from_complex(
    "<xs:all/>",
    "<xs:simpleType name=\"b\">\n<xs:restriction base=\"thing--type\"/></xs:simpleType>",
    7
)]
#[case::simple_from_itself("<xs:all/>", "<xs:simpleType name=\"b\">\n<xs:restriction base=\"b\"/></xs:simpleType>", 7)]
#[case::digits_of_a_text(
    "<xs:all/>",
    "<xs:simpleType name=\"b\"><xs:restriction base=\"xs:string\">\n<xs:totalDigits value=\"3\"/></xs:restriction></xs:simpleType>",
    7
)]
#[case::facet_is_no_number(
    "<xs:all/>",
    "<xs:simpleType name=\"b\"><xs:restriction base=\"xs:string\">\n<xs:maxLength value=\"x\"/></xs:restriction></xs:simpleType>",
    7
)]
#[case::bounds_crossed(
    "<xs:all/>",
    "<xs:simpleType name=\"b\">\n<xs:restriction base=\"xs:int\"><xs:minInclusive value=\"9\"/><xs:maxInclusive value=\"1\"/></xs:restriction></xs:simpleType>",
    7
)]
#[case::enumerated_value_is_none(
    "<xs:all/>",
    "<xs:simpleType name=\"b\"><xs:restriction base=\"xs:int\">\n<xs:enumeration value=\"x\"/></xs:restriction></xs:simpleType>",
    7
)]
#[case::declared_twice(
    "<xs:all/>",
    "\n<xs:simpleType name=\"thing--type\"><xs:restriction base=\"xs:string\"/></xs:simpleType>",
    7
)]
#[case::kind_twice(
    "<xs:all/>",
    "<xs:element name=\"b\" type=\"thing--type\" sme:role=\"resourceKind\" sme:pluralName=\"things\"/>",
    6
)]
#[case::kind_without_type("<xs:all/>", "<xs:element name=\"b\" sme:role=\"resourceKind\" sme:pluralName=\"bs\"/>", 6)]
#[case::group_in_itself(
    "<xs:sequence><xs:group ref=\"g\"/></xs:sequence>",
    "<xs:group name=\"g\"><xs:sequence>\n<xs:group ref=\"g\"/></xs:sequence></xs:group>",
    7
)]
#[case::redefinition("<xs:all/>", "<xs:redefine schemaLocation=\"x.xsd\"/>", 0)]
fn a_broken_contract_is_refused_with_its_line(#[case] content: &str, #[case] more: &str, #[case] at: usize) {
    // Only a contract on disk follows references to other files.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.xsd");
    fs::write(&path, schema(content, more)).unwrap();
    match Contract::read(&path) {
        Err(ContractError::Invalid { line, file, .. }) => {
            assert!(file.ends_with("t.xsd"));
            assert_eq!(line, if at == 0 { 6 } else { at });
        }
        other => panic!("{other:?}"),
    }
}

/// CORE-2.13-01: a name that only letter case tells from another is no name of its own.
#[test]
fn kinds_that_differ_in_letter_case_alone_are_refused() {
    let more = "<xs:element name=\"b\" type=\"thing--type\" sme:role=\"resourceKind\" sme:pluralName=\"Things\"/>";
    let error = Contract::from_text("t.xsd", &schema("<xs:all/>", more));
    let Err(ContractError::Invalid { line, problem, .. }) = error else { panic!("{error:?}") };
    assert_eq!(line, 6);
    assert_eq!(problem, Problem::AlikeKinds { name: "Things".to_owned(), other: "things".to_owned() });
    assert!(problem.to_string().contains("letter case"), "{problem}");
}

#[test]
fn broken_xml_is_refused_with_its_line() {
    let error = Contract::from_text(
        "t.xsd",
        "<xs:schema\n xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">\n<xs:element>\n</xs:schema>",
    );
    let Err(ContractError::Invalid { line, problem: Problem::Xml(_), .. }) = error else { panic!("{error:?}") };
    assert_eq!(line, 4);
}

#[rstest]
#[case::no_schema("<schema/>", Problem::NoSchema("schema".to_owned()))]
#[case::no_namespace("<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"/>", Problem::NoNamespace)]
#[case::no_kinds(
    "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"urn:t\"/>",
    Problem::NoKinds
)]
fn what_is_no_contract_is_refused(#[case] text: &str, #[case] expected: Problem) {
    match Contract::from_text("t.xsd", text) {
        Err(ContractError::Invalid { problem, line: 1, .. }) => assert_eq!(problem, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Contract::read(std::path::Path::new("/nowhere/contract.xsd")).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/contract.xsd: "));
}

#[test]
fn imports_and_includes_are_followed_by_relative_path() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("types")).unwrap();
    let main = schema(
        "<xs:all><xs:element name=\"a\" type=\"part\" minOccurs=\"0\"/>\
         <xs:element name=\"b\" type=\"c:shared--type\" minOccurs=\"0\" xmlns:c=\"urn:c\"/></xs:all>",
        "",
    );
    let references = "<xs:import namespace=\"urn:c\" schemaLocation=\"types/common.xsd\"/><xs:include schemaLocation=\"./types/parts.xsd\"/>\
                      <xs:import namespace=\"urn:unused\" schemaLocation=\"unused.xsd\"/>";
    fs::write(
        folder.path().join("main.xsd"),
        format!("\u{feff}<?xml-stylesheet href=\"x\"?>{}", main.replacen(">\n", &format!(">\n{references}"), 1)),
    )
    .unwrap();
    let parts = "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"><xs:simpleType name=\"part\"><xs:restriction base=\"xs:int\"/></xs:simpleType></xs:schema>";
    fs::write(folder.path().join("types/parts.xsd"), parts).unwrap();
    let common = "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns=\"urn:c\" targetNamespace=\"urn:c\" xmlns:m=\"urn:t\">\
                  <xs:import namespace=\"urn:t\" schemaLocation=\"../main.xsd\"/>\
                  <xs:complexType name=\"shared--type\"><xs:all><xs:element name=\"x\" type=\"m:part\"/></xs:all></xs:complexType></xs:schema>";
    fs::write(folder.path().join("types/common.xsd"), common).unwrap();
    let contract = Contract::read(&folder.path().join("main.xsd")).unwrap();
    assert_eq!(contract.imports().collect::<Vec<_>>(), ["types/common.xsd", "types/parts.xsd"]);
    assert!(contract.warnings()[0].message.contains("unused.xsd"));
    // Elements of an imported type are written in that type's namespace, and taken in the contract's, too.
    let own = "<b><x xmlns=\"urn:c\">1</x></b>";
    assert_eq!(stored(&contract, own), own);
    assert_eq!(stored(&contract, "<b><x>1</x></b>"), own);
    assert_eq!(faults(&contract, "<b><x xmlns=\"urn:c\">one</x></b>"), ["thing/b/x 'one' is not a whole number"]);
}

#[test]
fn an_import_with_another_namespace_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"urn:b\"/>";
    fs::write(folder.path().join("other.xsd"), other).unwrap();
    let main = schema("<xs:all/>", "<xs:import namespace=\"urn:c\" schemaLocation=\"other.xsd\"/>");
    fs::write(folder.path().join("t.xsd"), main).unwrap();
    let error = Contract::read(&folder.path().join("t.xsd")).unwrap_err();
    assert!(error.to_string().ends_with("t.xsd:6: 'other.xsd' has the namespace 'urn:b', the import says 'urn:c'"));
}

#[test]
fn a_type_may_contain_itself_and_others_that_contain_it() {
    let contract = read(
        "<xs:all><xs:element name=\"a\" type=\"other--type\" minOccurs=\"0\"/><xs:element name=\"self\" type=\"thing--type\" minOccurs=\"0\"/></xs:all>",
        "<xs:complexType name=\"other--type\"><xs:all><xs:element name=\"thing\" type=\"thing--type\" minOccurs=\"0\"/></xs:all></xs:complexType>",
    )
    .unwrap();
    let content = "<a><thing><self/></thing></a><self><self/></self>";
    assert_eq!(stored(&contract, content), content);
}

#[test]
fn an_extension_adds_to_its_base_and_may_stand_for_it() {
    let contract = read(
        "<xs:all><xs:element name=\"a\" type=\"base\" minOccurs=\"0\"/></xs:all>",
        "<xs:complexType name=\"derived\"><xs:complexContent><xs:extension base=\"base\"><xs:sequence>\
         <xs:element name=\"y\" type=\"xs:int\" minOccurs=\"0\"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>\
         <xs:complexType name=\"base\"><xs:sequence><xs:element name=\"x\" type=\"xs:int\" minOccurs=\"0\"/></xs:sequence></xs:complexType>",
    )
    .unwrap();
    let content = "<a xsi:type=\"derived\"><x>1</x><y>2</y></a>";
    assert_eq!(stored(&contract, content), content);
    assert_eq!(faults(&contract, "<a><y>2</y></a>"), ["thing/a/y is no property of 'a'"]);
}

#[test]
fn groups_references_and_unnamed_types_are_read() {
    let contract = read(
        "<xs:sequence><xs:group ref=\"g\"/><xs:element ref=\"shared\" minOccurs=\"0\"/>\
         <xs:element name=\"inline\" minOccurs=\"0\"><xs:complexType><xs:simpleContent><xs:extension base=\"xs:decimal\">\
         <xs:attributeGroup ref=\"ag\"/></xs:extension></xs:simpleContent></xs:complexType></xs:element></xs:sequence>",
        "<xs:group name=\"g\"><xs:sequence><xs:element name=\"a\" minOccurs=\"0\"><xs:simpleType><xs:restriction base=\"xs:string\">\
         <xs:length value=\"2\"/></xs:restriction></xs:simpleType></xs:element></xs:sequence></xs:group>\
         <xs:element name=\"shared\" type=\"xs:boolean\" sme:isMandatory=\"true\"/>\
         <xs:attributeGroup name=\"ag\"><xs:attribute name=\"unit\" type=\"xs:NCName\"/></xs:attributeGroup>",
    )
    .unwrap();
    let content = "<a>ab</a><shared>true</shared><inline unit=\"kg\">1.5</inline>";
    assert_eq!(stored(&contract, content), content);
    assert_eq!(
        faults(&contract, "<a>abc</a><inline unit=\"k g\">x</inline>"),
        [
            "thing/a 'abc' must have 2 characters",
            "thing/shared is mandatory",
            "thing/inline/unit 'k g' is not a name without spaces",
            "thing/inline 'x' is not a decimal number, as -12.50",
        ]
    );
}

#[test]
fn unions_and_lists_of_values_are_checked() {
    let contract = read(
        "<xs:all><xs:element name=\"u\" type=\"u\" minOccurs=\"0\"/><xs:element name=\"l\" type=\"l\" minOccurs=\"0\"/></xs:all>",
        "<xs:simpleType name=\"u\"><xs:union memberTypes=\"xs:int\"><xs:simpleType><xs:restriction base=\"xs:token\">\
         <xs:enumeration value=\"none\"/></xs:restriction></xs:simpleType></xs:union></xs:simpleType>\
         <xs:simpleType name=\"l\"><xs:restriction><xs:simpleType><xs:list itemType=\"xs:int\"/></xs:simpleType><xs:maxLength value=\"2\"/></xs:restriction></xs:simpleType>",
    )
    .unwrap();
    assert_eq!(faults(&contract, "<u>none</u><l>1  2</l>"), Vec::<String>::new());
    assert_eq!(
        faults(&contract, "<u>some</u><l>1 2 3</l>"),
        ["thing/u 'some' is none of the values its type unites", "thing/l '1 2 3' is longer than 2 items"]
    );
}

#[test]
fn a_choice_takes_one_branch_and_a_repeated_one_keeps_document_order() {
    let contract = read(
        "<xs:sequence><xs:choice minOccurs=\"0\"><xs:element name=\"a\" type=\"xs:int\"/><xs:element name=\"b\" type=\"xs:int\"/></xs:choice>\
         <xs:element name=\"docs\" type=\"doc--list\" minOccurs=\"0\"/></xs:sequence>",
        "<xs:complexType name=\"doc--list\"><xs:choice minOccurs=\"0\" maxOccurs=\"unbounded\">\
         <xs:element name=\"order\" type=\"xs:int\"/><xs:element name=\"invoice\" type=\"xs:int\"/></xs:choice></xs:complexType>",
    )
    .unwrap();
    let content = "<a>1</a><docs><invoice>1</invoice><order>2</order><invoice>3</invoice></docs>";
    assert_eq!(stored(&contract, content), content);
    assert_eq!(
        faults(&contract, "<a>1</a><b>2</b>"),
        ["thing/b cannot stand beside the alternative that is also given"]
    );
}

#[test]
fn wildcards_let_pass_and_keep() {
    let contract = read(
        "<xs:sequence><xs:element name=\"a\" minOccurs=\"0\"><xs:complexType><xs:sequence><xs:any processContents=\"lax\" minOccurs=\"0\"/></xs:sequence>\
         <xs:anyAttribute/></xs:complexType></xs:element><xs:element name=\"free\" minOccurs=\"0\"/></xs:sequence>",
        "",
    )
    .unwrap();
    let content = "<a x=\"1\"><y xmlns=\"urn:y\">z</y></a><free><z>1</z></free>";
    assert_eq!(stored(&contract, content), content);
}

#[test]
fn a_pattern_without_words_here_is_noted_and_let_pass() {
    let contract = read(
        "<xs:all><xs:element name=\"a\" type=\"p\" minOccurs=\"0\"/></xs:all>",
        "<xs:simpleType name=\"p\"><xs:restriction base=\"xs:string\">\n<xs:pattern value=\"\\p{IsBasicLatin}+\"/></xs:restriction></xs:simpleType>",
    )
    .unwrap();
    assert_eq!(contract.warnings().len(), 1);
    assert_eq!(contract.warnings()[0].line, 7);
    assert_eq!(faults(&contract, "<a>é</a>"), Vec::<String>::new());
}

#[test]
fn annotations_are_read_in_capitals_and_service_operations_are_no_kinds() {
    let contract = read(
        "<xs:all><xs:element name=\"a\" type=\"xs:string\" minOccurs=\"0\" sme:isUniqueKey=\"True\" sme:unheardOf=\"x\"/></xs:all>",
        "<xs:element name=\"compute\" type=\"thing--type\" sme:role=\"serviceOperation\" sme:path=\"things/$service/compute\"/>",
    )
    .unwrap();
    assert_eq!(contract.kinds().len(), 1);
    assert!(contract.property(contract.kind("things").unwrap(), "a").unwrap().is_unique_key);
}

/// SYNC-6.1-03.
#[test]
fn without_an_order_referenced_kinds_come_first() {
    let contract = read(
        "<xs:all><xs:element name=\"other\" type=\"other--type\" minOccurs=\"0\" sme:relationship=\"reference\"/></xs:all>",
        "<xs:element name=\"other\" type=\"other--type\" sme:role=\"resourceKind\" sme:pluralName=\"others\"/>\
         <xs:complexType name=\"other--type\"><xs:all><xs:element name=\"back\" type=\"thing--type\" minOccurs=\"0\" sme:relationship=\"reference\"/></xs:all></xs:complexType>\
         <xs:element name=\"first\" type=\"first--type\" sme:role=\"resourceKind\" sme:pluralName=\"firsts\" sme:syncOrder=\"1\"/>\
         <xs:complexType name=\"first--type\"><xs:all/></xs:complexType>",
    )
    .unwrap();
    let order: Vec<String> = contract.in_sync_order().iter().map(|kind| kind.plural_name.to_string()).collect();
    assert_eq!(order, ["firsts", "others", "things"]);
}
