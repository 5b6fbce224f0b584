use super::*;
use crate::wire::{ReadLimits, WireError};
use proptest::collection::vec;
use proptest::prelude::*;
use rstest::rstest;

const CONTRACT: &str = "urn:example:contract";

fn parse(xml: &str) -> Element {
    Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap()
}

fn resource(attributes: &str) -> Element {
    parse(&format!("<account xmlns='{CONTRACT}' xmlns:sdata='{SDATA}' xmlns:sync='{SYNC}' {attributes}/>"))
}

/// SYNC-1.1-04.
#[rstest]
#[case::capitals("74926A0D-D2C0-4DAA-9986-47C833691569")]
#[case::mixed("74926A0D-D2C0-4daa-9986-47C833691569")]
#[case::small("74926a0d-d2c0-4daa-9986-47c833691569")]
#[case::braces("{74926a0d-d2c0-4daa-9986-47c833691569}")]
#[case::spaces(" 74926a0d-d2c0-4daa-9986-47c833691569 ")]
fn a_uuid_is_read_in_any_letter_case_and_with_braces(#[case] text: &str) {
    let uuid = resource(&format!("sdata:uuid='{text}'")).uuid();
    assert_eq!(uuid, Some(Ok(Uuid::from_u128(0x74926a0d_d2c0_4daa_9986_47c833691569))));
}

#[test]
fn what_is_no_uuid_is_told_from_none() {
    assert_eq!(resource("").uuid(), None);
    assert_eq!(resource("sdata:uuid=''").uuid(), None);
    assert_eq!(resource("uuid='74926a0d-d2c0-4daa-9986-47c833691569'").uuid(), None, "no namespace is not sdata");
    assert_eq!(resource("sdata:uuid='4711'").uuid(), Some(Err("4711".to_owned())));
}

/// SYNC-4.4-11.
#[rstest]
#[case::sdata("sdata:isDeleted='true'", true)]
#[case::sync("sync:isDeleted='true'", true)]
#[case::one("sdata:isDeleted='1'", true)]
#[case::capitals("sdata:isDeleted='True'", true)]
#[case::said_not("sdata:isDeleted='false'", false)]
#[case::unsaid("", false)]
#[case::no_namespace("isDeleted='true'", false)]
fn a_deletion_is_read_in_both_namespaces(#[case] attribute: &str, #[case] deleted: bool) {
    assert_eq!(resource(attribute).is_deleted(), deleted);
}

/// CORE-3.8-02.
#[test]
fn a_null_is_an_element_with_xsi_nil() {
    let element = parse(&format!("<a xmlns:i='{XSI}'><b i:nil='true'/><c i:nil='false'/><d/></a>"));
    assert_eq!(element.children().map(Element::is_nil).collect::<Vec<_>>(), [true, false, false]);
    let mut null = Element::new(CONTRACT, "name");
    null.set_attribute(XSI, "nil", "true");
    let mut account = Element::new(CONTRACT, "account");
    account.content.push(Node::Element(null));
    assert_eq!(account.content_xml().unwrap(), br#"<name xsi:nil="true"/>"#);
}

#[test]
fn content_stands_in_its_own_default_namespace() {
    let account = parse(&format!(
        "<c:account xmlns:c='{CONTRACT}' xmlns:s='{SDATA}' xmlns:o='urn:other'><c:name>A &amp; B</c:name>\
         <c:tradesWith s:uuid='74926a0d-d2c0-4daa-9986-47c833691569'/><s:flag/><o:note o:lang='en'><c:line/></o:note></c:account>"
    ));
    let content = String::from_utf8(account.content_xml().unwrap()).unwrap();
    let expected = format!(
        "<name>A &amp; B</name><tradesWith sdata:uuid=\"74926a0d-d2c0-4daa-9986-47c833691569\"/><sdata:flag/>\
         <note xmlns=\"urn:other\" xmlns:n0=\"urn:other\" n0:lang=\"en\"><line xmlns=\"{CONTRACT}\"/></note>"
    );
    assert_eq!(content, expected);
    assert_eq!(Element::from_content(CONTRACT, "account", content.as_bytes()).unwrap(), account);
}

#[test]
fn layout_between_elements_is_not_kept_and_text_is() {
    let element = parse("<a>\n  <b> x </b>\n  <c>  </c>\n</a>");
    assert_eq!(element.content.len(), 2);
    assert_eq!(element.children().map(|child| child.text().into_owned()).collect::<Vec<_>>(), [" x ", "  "]);
    assert_eq!(parse("<a>text <b/> </a>").content.len(), 3);
}

#[test]
fn attributes_are_set_replaced_and_taken_away() {
    let mut element = Element::new(CONTRACT, "account");
    element.set_attribute(SDATA, "key", "1");
    element.set_attribute(SDATA, "key", "2");
    assert_eq!(element.attribute(SDATA, "key"), Some("2"));
    assert_eq!(element.attribute("", "key"), None);
    element.remove_attribute(SDATA, "key");
    assert_eq!(element.attributes, []);
}

#[test]
fn what_xml_cannot_say_is_not_written() {
    let mut element = Element::new(CONTRACT, "account");
    element.content.push(Node::Text("a\u{1}".to_owned()));
    assert!(matches!(element.content_xml(), Err(WireError::ForbiddenCharacter('\u{1}'))));
    let mut element = Element::new(CONTRACT, "account");
    element.set_attribute("", "a", "\u{FFFF}");
    assert!(matches!(element.to_xml(), Err(WireError::ForbiddenCharacter('\u{FFFF}'))));
    for name in ["", "a b", "a><b", "a:b"] {
        assert!(matches!(Element::new(CONTRACT, name).to_xml(), Err(WireError::Name(_))), "{name}");
    }
    let mut declaration = Element::new(CONTRACT, "account");
    declaration.set_attribute("", "xmlns", "urn:b");
    assert!(matches!(declaration.to_xml(), Err(WireError::Name(_))));
}

#[test]
fn what_belongs_to_xml_itself_is_written_with_its_prefix() {
    let element = parse("<xml:a xml:lang='en'><b xmlns='urn:b'><xml:c/></b></xml:a>");
    assert_eq!(parse(&element.to_xml().unwrap()), element);
    let stored = parse("<a xmlns='urn:a'><xml:b><c/></xml:b></a>");
    assert_eq!(Element::from_content("urn:a", "a", &stored.content_xml().unwrap()).unwrap(), stored);
}

/// Each prefix becomes a declaration on its element.
#[test]
fn what_needs_more_attributes_when_it_is_written_is_read_back_all_the_same() {
    let prefixes: String = (0..60).map(|number| format!(" xmlns:p{number}='urn:{number}'")).collect();
    let attributes: String = (0..60).map(|number| format!(" p{number}:a='1'")).collect();
    let mut xml = format!("<a{prefixes}>{}", format!("<b{attributes}>").repeat(9));
    xml += &"</b>".repeat(9);
    let element = parse(&format!("{xml}</a>"));
    assert_eq!(Element::from_xml(element.to_xml().unwrap().as_bytes()).unwrap(), element);
    let content = element.content_xml().unwrap();
    assert_eq!(Element::from_content("", "a", &content).unwrap().content, element.content);
}

/// An entry that is parked is written, whatever was in it.
#[test]
fn what_is_called_as_a_declaration_and_is_none_is_written_as_it_was_read() {
    let element = parse("<xmlns xmlns='urn:a' xmlns:p='urn:b' p:xmlns='1'><p:xmlns/></xmlns>");
    assert_eq!(parse(&element.to_xml().unwrap()), element);
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[a-zA-Z_é][a-zA-Z0-9._é-]{0,6}", 1 => Just("xmlns".to_owned())]
}

fn namespace() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(CONTRACT), Just("urn:b"), Just("urn:x&y\"<'>"), Just(""), Just(SDATA), Just(SYNC), Just(XSI)]
}

fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        Just(' '),
        Just('\n'),
        Just('\r'),
        Just('\t'),
        Just('<'),
        Just('&'),
        Just(']'),
        Just('>'),
        Just('"')
    ];
    vec(character.prop_filter("not of XML 1.0", |c| crate::wire::names::is_allowed(*c)), 0..12)
        .prop_map(|characters| characters.into_iter().collect())
}

fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    let namespace = prop_oneof![namespace(), Just(crate::wire::names::XML)];
    let attribute = (namespace, name(), text())
        .prop_filter("a declaration", |(namespace, name, _)| !namespace.is_empty() || name != "xmlns");
    vec(attribute, 0..4).prop_map(|attributes| {
        let mut element = Element::new("", "a");
        attributes.into_iter().for_each(|(namespace, name, value)| element.set_attribute(namespace, &name, value));
        element.attributes
    })
}

/// Any element as it would be read: texts joined and not empty, no layout between children.
fn element() -> impl Strategy<Value = Element> {
    let leaf = (namespace(), name(), attributes(), text()).prop_map(|(namespace, name, attributes, text)| {
        let content = if text.is_empty() { Vec::new() } else { vec![Node::Text(text)] };
        Element { attributes, content, ..Element::new(namespace, &name) }
    });
    leaf.prop_recursive(4, 24, 5, |child| {
        let node = prop_oneof![3 => child.prop_map(Node::Element), 1 => text().prop_map(Node::Text)];
        (namespace(), name(), attributes(), vec(node, 0..5)).prop_map(|(namespace, name, attributes, nodes)| {
            let mut element = Element { attributes, ..Element::new(namespace, &name) };
            for node in nodes {
                match (element.content.last_mut(), node) {
                    (Some(Node::Text(text)), Node::Text(more)) => text.push_str(&more),
                    (_, Node::Text(text)) if text.is_empty() => {}
                    (_, node) => element.content.push(node),
                }
            }
            element.drop_layout();
            element
        })
    })
}

proptest! {
    #[test]
    fn content_read_back_is_the_same(mut element in element()) {
        let content = element.content_xml().unwrap();
        let read = Element::from_content(&element.namespace, &element.name, &content).unwrap();
        element.attributes.clear();
        prop_assert_eq!(read, element);
    }

    #[test]
    fn an_element_that_stands_alone_read_back_is_the_same(element in element()) {
        prop_assert_eq!(parse(&element.to_xml().unwrap()), element);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Element::parse(&bytes, &ReadLimits::default());
    }

    #[test]
    fn no_markup_makes_the_reader_panic(xml in "[<>/a:='\"&;#x!\\[\\]CDAT?\\- ]{0,60}") {
        let _ = Element::parse(xml.as_bytes(), &ReadLimits::default());
        let _ = Element::parse(format!("<a>{xml}</a>").as_bytes(), &ReadLimits::default());
    }
}
