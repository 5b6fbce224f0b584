//! The namespaces of the protocol, and what may be a name or a character in XML.

use super::WireError;

/// Atom (RFC 4287): the default namespace of what we write.
pub const ATOM: &str = "http://www.w3.org/2005/Atom";
/// SData's own elements and attributes (core 3.8, 3.9).
pub const SDATA: &str = "http://schemas.sage.com/sdata/2008/1";
/// Digests, states and modes (sync 4).
pub const SYNC: &str = "http://schemas.sage.com/sdata/sync/2008/1";
/// What would be HTTP's, for one entry of many (core 13).
pub const HTTP: &str = "http://schemas.sage.com/sdata/http/2008/1";
/// Totals and positions of pages (core 3.5).
pub const OPENSEARCH: &str = "http://a9.com/-/spec/opensearch/1.1/";
/// `xsi:nil` (core 3.8).
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// The annotations of contract schemas (core 4).
pub const SME: &str = "http://schemas.sage.com/sdata/sme/2007";
/// XML Schema.
pub const XS: &str = "http://www.w3.org/2001/XMLSchema";
/// Our own: the former UUIDs of a resource, which SData has no place for (docs/integrating.md).
pub const LINKING: &str = "urn:sdata-sync:linking:1";
/// What the prefix `xml` is bound to without being declared.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The same of the prefix `xmlns`.
pub(super) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The scheme of the categories of feeds and entries (core 3.12).
pub const CATEGORY_SCHEME: &str = "http://schemas.sage.com/sdata/categories";

/// The prefixes that every document of ours declares on its root, in the order they are written.
pub(super) const ROOT_PREFIXES: [(&str, &str); 5] = [
    ("xmlns:sdata", SDATA),
    ("xmlns:sync", SYNC),
    ("xmlns:http", HTTP),
    ("xmlns:opensearch", OPENSEARCH),
    ("xmlns:xsi", XSI),
];

/// Whether `text` is a name without a colon (Namespaces in XML 1.0, 3).
pub(super) fn is_ncname(text: &str) -> bool {
    // Nearly every name is ASCII, and every name of a document passes here.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if text.bytes().all(plain) {
        return text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    }
    let mut characters = text.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_character)
}

fn is_name_start(character: char) -> bool {
    matches!(character,
        'a'..='z' | 'A'..='Z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_character(character: char) -> bool {
    is_name_start(character)
        || matches!(character,
            '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The first character of `text` that XML 1.0 forbids, written or by reference (XML 1.0, 2.2).
pub(super) fn forbidden_character(text: &str) -> Option<char> {
    if is_plain(text) { None } else { text.chars().find(|character| !is_allowed(*character)) }
}

/// Whether `text` has neither controls, line ends among them, nor what begins as characters do that XML forbids.
#[inline]
pub(super) fn is_plain(text: &str) -> bool {
    // One pass without branches over the bytes: nearly every text is free of both.
    !text.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == 0xEF))
}

/// Refuses text with a character that XML 1.0 does not have; `quick-xml` would read and write it.
pub(super) fn check_characters(text: &str) -> Result<(), WireError> {
    forbidden_character(text).map_or(Ok(()), |character| Err(WireError::ForbiddenCharacter(character)))
}

/// Whether XML 1.0 has the character. Surrogates cannot come up in a `char`.
pub(super) const fn is_allowed(character: char) -> bool {
    !matches!(character, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("name", true)]
    #[case::with_digits_and_marks("_a-1.b", true)]
    #[case::accented("größe", true)]
    #[case::empty("", false)]
    #[case::digit_first("1a", false)]
    #[case::colon("a:b", false)]
    #[case::markup("a<b", false)]
    fn names_are_those_of_xml(#[case] text: &str, #[case] valid: bool) {
        assert_eq!(is_ncname(text), valid);
    }

    #[rstest]
    #[case::plain("a\tb\nc\rd", None)]
    #[case::beyond_the_basic_plane("\u{1F600}", None)]
    #[case::byte_order_mark_inside("a\u{FEFF}b", None)]
    #[case::null("a\0", Some('\0'))]
    #[case::control("a\u{1B}b", Some('\u{1B}'))]
    #[case::no_character("\u{FFFE}", Some('\u{FFFE}'))]
    fn characters_are_those_of_xml_1_0(#[case] text: &str, #[case] found: Option<char>) {
        assert_eq!(forbidden_character(text), found);
    }
}
