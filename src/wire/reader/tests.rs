use super::super::Element;
use super::*;
use rstest::rstest;
use std::io::BufReader;

const SMALL: ReadLimits = ReadLimits { depth: 3, attributes: 2, name_bytes: 8, text_bytes: 64, nodes: 6, entries: 2 };

fn parse(xml: &[u8]) -> Result<Element, WireError> {
    Element::parse(xml, &ReadLimits::default())
}

fn refusal_of(xml: &[u8], limits: &ReadLimits) -> String {
    Element::parse(xml, limits).expect_err("the document is refused").to_string()
}

#[rstest]
#[case::doctype(r#"<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>"#, "document type declaration")]
#[case::entities_that_grow(r#"<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>"#, "document type declaration")]
#[case::undeclared_prefix("<p:a/>", "prefix 'p'")]
#[case::undeclared_prefix_of_an_attribute("<a p:b='1'/>", "prefix 'p'")]
#[case::prefix_out_of_scope("<a><b xmlns:p='u'/><p:c/></a>", "prefix 'p'")]
#[case::prefix_declared_away("<p:a xmlns:p='u'><p:b xmlns:p=''/></p:a>", "prefix 'p'")]
#[case::unknown_entity("<a>&nbsp;</a>", "unknown entity '&nbsp;'")]
#[case::unknown_entity_in_an_attribute("<a b='&nbsp;'/>", "unknown entity '&nbsp;'")]
#[case::unclosed_reference("<a>AT&T</a>", "no well-formed XML")]
#[case::unclosed("<a><b></b>", "before its root element is closed")]
#[case::empty("", "before its root element is closed")]
#[case::white_space_only(" \n ", "before its root element is closed")]
#[case::cut_in_a_tag("<a><b", "no well-formed XML")]
#[case::second_root("<a/><b/>", "second root element at byte 4")]
#[case::second_root_with_content("<a></a><b></b>", "second root element")]
#[case::text_before_the_root("x<a/>", "text outside the root")]
#[case::text_after_the_root("<a/>x", "text outside the root")]
#[case::cdata_after_the_root("<a/><![CDATA[ ]]>", "text outside the root")]
#[case::reference_after_the_root("<a/>&#32;", "text outside the root")]
#[case::same_attribute_twice("<a b='1' b='2'/>", "no well-formed XML")]
#[case::same_attribute_by_two_prefixes("<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", "'b' stands twice")]
#[case::attributes_in_one("<a b='1'c='2'/>", "no white space")]
#[case::unquoted_attribute("<a b=1/>", "no well-formed XML")]
#[case::markup_in_an_attribute("<a b='<'/>", "'<' in the value")]
#[case::wrong_end("<a><b></a></b>", "no well-formed XML")]
#[case::end_without_start("<a/></a>", "no well-formed XML")]
#[case::form_feed_in_an_end_tag("<a></a\u{C}>", "no well-formed XML")]
#[case::form_feed_behind_the_name_of_an_attribute("<a b\u{C}='1'/>", "is no name")]
#[case::no_name("<1a/>", "'1a' is no name")]
#[case::two_colons("<a:b:c xmlns:a='u'/>", "is no name")]
#[case::late_declaration("<a/><?xml version='1.0'?>", "not at the start")]
#[case::other_version("<?xml version='2.0'?><a/>", "XML version")]
#[case::other_word_in_the_declaration("<?xml version='1.0' encode='yes'?><a/>", "something else")]
#[case::declaration_in_another_order("<?xml version='1.0' standalone='yes' encoding='utf-8'?><a/>", "something else")]
#[case::declaration_without_a_version("<?xml encoding='utf-8'?><a/>", "without a version")]
#[case::declaration_in_one("<?xml version='1.0'encoding='utf-8'?><a/>", "no white space")]
#[case::declaration_in_capitals("<?XML version='1.0'?><a/>", "without a name")]
#[case::default_namespace_of_xml_itself("<a xmlns='http://www.w3.org/XML/1998/namespace'/>", "belongs to XML itself")]
#[case::default_namespace_of_declarations("<a xmlns='http://www.w3.org/2000/xmlns/'/>", "belongs to XML itself")]
#[case::other_prefix_for_xml("<a xmlns:p='http://www.w3.org/XML/1998/namespac&#101;'/>", "no well-formed XML")]
#[case::instruction_without_a_name("<a><? x?></a>", "without a name")]
#[case::hyphens_in_a_comment("<a><!-- a -- b --></a>", "no well-formed XML")]
#[case::end_of_a_section_that_did_not_begin("<a>1]]>2</a>", "']]>' in a text")]
#[case::section_in_other_letters("<a><![CDATa[1]]></a>", "neither a comment nor a CDATA section")]
#[case::section_cut_short("<a><![CDAT", "neither a comment nor a CDATA section")]
#[case::control_character("<a>\u{1}</a>", "U+0001")]
#[case::control_character_by_reference("<a>&#x1B;</a>", "U+001B")]
#[case::control_character_in_an_attribute("<a b='&#1;'/>", "U+0001")]
#[case::control_character_in_a_comment("<a><!--\u{2}--></a>", "U+0002")]
#[case::no_character("<a>\u{FFFE}</a>", "U+FFFE")]
#[case::reference_to_nothing("<a>&#0;</a>", "no well-formed XML")]
#[case::reference_beyond_unicode("<a>&#x110000;</a>", "no well-formed XML")]
fn what_is_not_well_formed_is_refused(#[case] xml: &str, #[case] said: &str) {
    let message = refusal_of(xml.as_bytes(), &ReadLimits::default());
    assert!(message.contains(said), "{message}");
}

#[rstest]
#[case::depth("<a><b><c><d/></c></b></a>", "deeper than 3")]
#[case::attributes("<a b='1' c='2' d='3'/>", "attributes of one element above the limit of 2")]
#[case::declarations_are_attributes("<a xmlns:b='1' xmlns:c='2' xmlns:d='3'/>", "above the limit of 2")]
#[case::name("<abcdefghi/>", "a name in bytes above the limit of 8")]
#[case::text("<a>0123456789012345678901234567890123456789012345678901234567890123456789</a>", "limit of 64")]
#[case::text_in_pieces(
    "<a>01234567890123456789012345678901234567890&amp;23456789012345678901234567890</a>",
    "limit of 64"
)]
#[case::tag("<a b='0123456789012345678901234567890123456789012345678901234567890123456789'/>", "limit of 64")]
#[case::comment("<a><!--0123456789012345678901234567890123456789012345678901234567890123456789--></a>", "limit of 64")]
#[case::nodes("<a><b/><b/><b/><b/><b/><b/></a>", "of one resource above the limit of 6")]
fn what_is_above_a_limit_is_refused(#[case] xml: &str, #[case] said: &str) {
    let message = refusal_of(xml.as_bytes(), &SMALL);
    assert!(message.contains(said), "{message}");
}

#[rstest]
fn the_name_of_a_namespace_may_be_as_long_however_it_is_declared(
    #[values("<a xmlns='/'/>", "<p:a xmlns:p='/'/>", "<a xmlns:p='/'/>", "<a><b xmlns='&#65;/'/></a>")] xml: &str,
    #[values(2048, 2049)] bytes: usize,
) {
    let written = if xml.contains('&') { bytes - 1 } else { bytes };
    let (start, end) = xml.split_once("/'").unwrap();
    let document = format!("{start}{}'{end}", "u".repeat(written));
    let message = parse(document.as_bytes()).err().map(|error| error.to_string()).unwrap_or_default();
    let is_refused = message.contains("the name of a namespace in bytes above the limit of 2048");
    assert_eq!((is_refused, message.is_empty()), (bytes == 2049, bytes == 2048), "{message}");
}

#[rstest]
fn a_token_may_be_as_long_however_it_comes_in(
    #[values("<!--/-->", "<?x /?>", "<![CDATA[/]]>")] token: &str,
    #[values(64, 65)] bytes: usize,
    #[values(1, 7, 4096)] piece: usize,
) {
    let (begin, end) = token.split_once('/').unwrap();
    let document = format!("<a>{begin}{}{end}</a>", "y".repeat(bytes - begin.len()));
    let mut reader = XmlReader::new(BufReader::with_capacity(piece, document.as_bytes()), SMALL).unwrap();
    reader.root().unwrap();
    assert_eq!(reader.next().is_ok(), bytes <= SMALL.text_bytes, "{document}");
}

/// A token that never ends is not collected: the source is not read far beyond the limit.
#[test]
fn an_endless_text_is_refused_without_reading_it() {
    let endless = BufReader::with_capacity(16, std::io::Read::chain(&b"<a>"[..], std::io::repeat(b'x')));
    let mut reader = XmlReader::new(endless, SMALL).unwrap();
    reader.root().unwrap();
    assert!(matches!(reader.next(), Err(WireError::TooLarge { limit: 64, .. })));
}

/// CORE-3.14-02.
#[rstest]
#[case::utf_16_with_mark(b"\xFF\xFE<\0a\0/\0>\0", "UTF-16")]
#[case::utf_16_big_endian_with_mark(b"\xFE\xFF\0<\0a\0/\0>", "UTF-16")]
#[case::utf_16_without_mark(b"<\0a\0/\0>\0", "UTF-16")]
#[case::declared_latin_1(b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE4</a>", "declared as 'ISO-8859-1'")]
#[case::undeclared_latin_1(b"<a>M\xFCller</a>", "not UTF-8")]
#[case::latin_1_in_an_attribute(b"<a b='\xFC'/>", "not UTF-8")]
fn other_encodings_than_utf_8_are_refused(#[case] xml: &[u8], #[case] said: &str) {
    let message = refusal_of(xml, &ReadLimits::default());
    assert!(message.contains(said), "{message}");
}

/// CORE-3.14-02.
#[rstest]
#[case::plain("<a>ä€</a>")]
#[case::byte_order_mark("\u{FEFF}<a>ä€</a>")]
#[case::mark_and_declaration("\u{FEFF}<?xml version='1.0' encoding='UTF-8'?>\n<a>ä€</a>")]
#[case::lower_case("<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?><a>ä€</a>")]
#[case::ascii("<?xml version='1.0' encoding='us-ascii'?><a>&#228;&#x20AC;</a>")]
fn utf_8_is_read_with_and_without_mark_and_declaration(#[case] xml: &str) {
    assert_eq!(parse(xml.as_bytes()).unwrap().text(), "ä€");
}

#[test]
fn the_five_entities_and_character_numbers_are_resolved() {
    let element = parse(b"<a b='&lt;&#65;&quot;'>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;</a>").unwrap();
    assert_eq!(element.text(), "<>&\"'AB");
    assert_eq!(element.attribute("", "b"), Some("<A\""));
}

#[test]
fn line_ends_are_one_character_and_cdata_is_text() {
    let element = parse(b"<a>1\r\n2\r3<![CDATA[<4>\r\n]]>&#13;</a>").unwrap();
    assert_eq!(element.text(), "1\n2\n3<4>\n\r");
}

#[test]
fn comments_and_instructions_are_passed_over_everywhere() {
    let xml = b"<?xml version='1.0'?><!-- c --><?pi x?><a>1<!-- c -->2<?pi?><b/></a><!-- c --> <?pi?>\n";
    let element = parse(xml).unwrap();
    assert_eq!(element.text(), "12");
    assert_eq!(element.children().count(), 1);
}

#[test]
fn a_document_that_arrives_byte_by_byte_reads_as_one_that_arrives_whole() {
    let xml = "\u{FEFF}<?xml version='1.0'?><!-- c --><a xmlns='u' b='ä'>1&amp;<![CDATA[2]]><c/>\r\n</a>";
    let mut reader = XmlReader::new(BufReader::with_capacity(1, xml.as_bytes()), ReadLimits::default()).unwrap();
    reader.root().unwrap();
    let element = Element::read(&mut reader).unwrap();
    reader.finish().unwrap();
    assert_eq!(element, parse(xml.as_bytes()).unwrap());
    assert_eq!(element.text(), "1&2\n");
}

/// Wherever a document is cut into what comes in at once.
#[test]
fn a_document_reads_alike_in_pieces_of_any_size() {
    let xml = "<a><bb x='>'>1</bb><!-- c --><bb>\u{20AC}&#65;&lt;</bb ><entry><bb/><![CDATA[]]]></entry></a><?pi?>";
    let whole = parse(xml.as_bytes()).unwrap();
    for first in 1..xml.len() {
        for size in 1..xml.len() - first {
            let (head, rest) = xml.as_bytes().split_at(first);
            let pieces = std::io::Read::chain(head, BufReader::with_capacity(size, rest));
            let mut reader = XmlReader::new(pieces, ReadLimits::default()).unwrap();
            reader.root().unwrap();
            assert_eq!(Element::read(&mut reader).unwrap(), whole, "{first} bytes, then {size}");
            reader.finish().unwrap();
        }
    }
}

#[test]
fn names_are_resolved_and_prefixes_do_not_matter() {
    let prefixed = parse(b"<p:a xmlns:p='u' xmlns:q='v' q:x='1'><p:b/></p:a>").unwrap();
    let plain = parse(b"<a xmlns='u' r:x='1' xmlns:r='v'><b/></a>").unwrap();
    assert_eq!(prefixed, plain);
    assert_eq!(&*prefixed.namespace, "u");
}

#[test]
fn a_namespace_is_read_with_its_references_resolved() {
    assert_eq!(&*parse(b"<a xmlns='urn:x&amp;y'/>").unwrap().namespace, "urn:x&y");
    assert_eq!(&*parse(b"<p:a xmlns:p='urn:x\n&#x79;'/>").unwrap().namespace, "urn:x y");
}

#[test]
fn what_is_passed_over_is_checked_all_the_same() {
    for fault in ["<p:c/>", "<c b='&x;'/>", "<c xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", "&x;", "\u{1}"] {
        let xml = format!("<a><b>{fault}</b></a>");
        let mut reader = XmlReader::new(xml.as_bytes(), ReadLimits::default()).unwrap();
        reader.root().unwrap();
        assert!(reader.skip().is_err(), "{fault}");
    }
}
