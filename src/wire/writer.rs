//! The one way out for XML. Nothing is allocated for what is written but the buffer it is written to.

use super::WireError;
use super::names::{ATOM, ROOT_PREFIXES, check_characters};
use bytes::Bytes;
use std::fmt::Display;
use std::io::Write;

/// A name as it is written: a prefix with its colon, or nothing, and the local name.
#[derive(Clone, Copy)]
pub(super) struct QualifiedName<'a> {
    prefix: &'a str,
    local: &'a str,
}

impl<'a> From<&'a str> for QualifiedName<'a> {
    fn from(local: &'a str) -> Self {
        Self { prefix: "", local }
    }
}

impl<'a> From<(&'a str, &'a str)> for QualifiedName<'a> {
    fn from((prefix, local): (&'a str, &'a str)) -> Self {
        Self { prefix, local }
    }
}

/// Writes to memory. Names are the caller's to get right; texts and values are checked and escaped.
pub(super) struct XmlWriter {
    xml: Vec<u8>,
}

impl XmlWriter {
    /// A fragment of about `bytes`.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { xml: Vec::with_capacity(bytes) }
    }

    /// Makes room for about so many bytes more.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.xml.reserve(bytes);
    }

    /// A document: its declaration is written.
    pub(super) fn document() -> Self {
        let mut document = Self::with_capacity(4096);
        document.raw(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>");
        document
    }

    /// The start tag of a root element: Atom is the default, and our prefixes are declared.
    pub(super) fn open_root(&mut self, name: &str) -> Result<(), WireError> {
        self.begin(name);
        self.attribute("xmlns", ATOM)?;
        ROOT_PREFIXES.iter().try_for_each(|(prefix, namespace)| self.attribute(*prefix, namespace))?;
        self.end_start();
        Ok(())
    }

    /// Begins a tag: its attributes follow, then [`XmlWriter::end_start`] or [`XmlWriter::end_empty`].
    #[inline]
    pub(super) fn begin<'a>(&mut self, name: impl Into<QualifiedName<'a>>) {
        self.xml.push(b'<');
        self.name(name.into());
    }

    /// An attribute of the tag just begun.
    #[inline]
    pub(super) fn attribute<'a>(&mut self, name: impl Into<QualifiedName<'a>>, value: &str) -> Result<(), WireError> {
        self.begin_attribute(name.into());
        self.escaped(value, is_special_in_attributes, reference_in_attributes)?;
        self.xml.push(b'"');
        Ok(())
    }

    /// The same with a value in whose spelling nothing is escaped, such as a number or a UUID.
    #[inline]
    pub(super) fn plain_attribute(&mut self, name: &str, value: impl Display) -> Result<(), WireError> {
        self.begin_attribute(name.into());
        write!(self.xml, "{value}\"")?;
        Ok(())
    }

    #[inline]
    fn begin_attribute(&mut self, name: QualifiedName<'_>) {
        self.xml.push(b' ');
        self.name(name);
        self.raw(b"=\"");
    }

    #[inline]
    fn name(&mut self, name: QualifiedName<'_>) {
        self.raw(name.prefix.as_bytes());
        self.raw(name.local.as_bytes());
    }

    /// Ends a start tag.
    #[inline]
    pub(super) fn end_start(&mut self) {
        self.xml.push(b'>');
    }

    /// Ends the tag of an element without content.
    #[inline]
    pub(super) fn end_empty(&mut self) {
        self.raw(b"/>");
    }

    /// A start tag.
    #[inline]
    pub(super) fn open(&mut self, name: &str) {
        self.begin(name);
        self.end_start();
    }

    /// An end tag.
    #[inline]
    pub(super) fn close<'a>(&mut self, name: impl Into<QualifiedName<'a>>) {
        self.raw(b"</");
        self.name(name.into());
        self.xml.push(b'>');
    }

    /// Characters.
    #[inline]
    pub(super) fn text(&mut self, text: &str) -> Result<(), WireError> {
        self.escaped(text, is_special, reference)
    }

    /// An element with nothing but text; `<a></a>` where it is empty.
    #[inline]
    pub(super) fn element(&mut self, name: &str, text: &str) -> Result<(), WireError> {
        self.open(name);
        self.text(text)?;
        self.close(name);
        Ok(())
    }

    /// The same where there is a text.
    #[inline]
    pub(super) fn optional(&mut self, name: &str, text: Option<&str>) -> Result<(), WireError> {
        text.map_or(Ok(()), |text| self.element(name, text))
    }

    /// An element with a value in whose spelling nothing is escaped, such as a number or a moment.
    #[inline]
    pub(super) fn plain(&mut self, name: &str, value: impl Display) -> Result<(), WireError> {
        self.open(name);
        write!(self.xml, "{value}")?;
        self.close(name);
        Ok(())
    }

    /// Bytes that are XML already.
    #[inline]
    pub(super) fn raw(&mut self, xml: &[u8]) {
        self.xml.extend_from_slice(xml);
    }

    /// What was written since the last call.
    pub(super) fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.xml).into()
    }

    /// What was written, as a whole.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.xml
    }

    #[inline]
    fn escaped(
        &mut self,
        text: &str,
        is_special: impl Fn(u8) -> bool,
        reference: impl Fn(u8) -> Option<&'static str>,
    ) -> Result<(), WireError> {
        // One pass without branches over the bytes: nearly every text can be copied as it is.
        if text.bytes().fold(false, |found, byte| found | is_special(byte)) {
            return self.escaped_one_by_one(text, reference);
        }
        self.raw(text.as_bytes());
        Ok(())
    }

    #[cold]
    fn escaped_one_by_one(
        &mut self,
        text: &str,
        reference: impl Fn(u8) -> Option<&'static str>,
    ) -> Result<(), WireError> {
        check_characters(text)?;
        for byte in text.bytes() {
            match reference(byte) {
                Some(reference) => self.raw(reference.as_bytes()),
                None => self.xml.push(byte),
            }
        }
        Ok(())
    }
}

/// Whether a text with this byte is not copied as it is: it may have to be escaped, or be no character of XML.
const fn is_special(byte: u8) -> bool {
    (byte < b' ') | (byte == b'<') | (byte == b'>') | (byte == b'&') | (byte == 0xEF)
}

const fn is_special_in_attributes(byte: u8) -> bool {
    is_special(byte) | (byte == b'"') | (byte == b'\'')
}

/// What stands for a byte in a text. A carriage return written plainly would be read as a line feed.
const fn reference(byte: u8) -> Option<&'static str> {
    match byte {
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'&' => Some("&amp;"),
        b'\r' => Some("&#13;"),
        _ => None,
    }
}

/// The same in an attribute, where white space written plainly would be read as a space.
const fn reference_in_attributes(byte: u8) -> Option<&'static str> {
    match byte {
        b'"' => Some("&quot;"),
        b'\'' => Some("&apos;"),
        b'\n' => Some("&#10;"),
        b'\t' => Some("&#9;"),
        other => reference(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("a ä\u{1F600}", "a ä\u{1F600}", "a ä\u{1F600}")]
    #[case::markup("<a & 'b' \"c\">", "&lt;a &amp; 'b' \"c\"&gt;", "&lt;a &amp; &apos;b&apos; &quot;c&quot;&gt;")]
    #[case::white_space("1\r\n\t2", "1&#13;\n\t2", "1&#13;&#10;&#9;2")]
    #[case::beside_what_is_none("\u{FFFD}&", "\u{FFFD}&amp;", "\u{FFFD}&amp;")]
    fn what_would_be_read_otherwise_is_written_as_a_reference(
        #[case] text: &str,
        #[case] in_a_text: &str,
        #[case] in_an_attribute: &str,
    ) {
        let mut xml = XmlWriter::with_capacity(64);
        xml.begin("e");
        xml.attribute("a", text).unwrap();
        xml.end_start();
        xml.text(text).unwrap();
        assert_eq!(String::from_utf8(xml.into_bytes()).unwrap(), format!("<e a=\"{in_an_attribute}\">{in_a_text}"));
    }

    #[rstest]
    #[case("\u{1}")]
    #[case("a\u{FFFF}")]
    fn what_is_no_character_of_xml_is_refused(#[case] text: &str) {
        let mut xml = XmlWriter::with_capacity(64);
        assert!(xml.text(text).is_err());
        assert!(xml.attribute("a", text).is_err());
    }
}
