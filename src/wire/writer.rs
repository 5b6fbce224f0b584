//! The one way out for XML: `quick-xml`'s writer, with the checks it does not make.

use super::WireError;
use super::names::{ATOM, ROOT_PREFIXES, check_characters};
use bytes::Bytes;
use quick_xml::Writer;
use quick_xml::escape::partial_escape;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// Writes to memory. Names are the caller's to get right; texts and values are checked and escaped.
pub(super) struct XmlWriter {
    xml: Writer<Vec<u8>>,
}

impl XmlWriter {
    /// A fragment of about `bytes`.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { xml: Writer::new(Vec::with_capacity(bytes)) }
    }

    /// A document: its declaration is written.
    pub(super) fn document() -> Result<Self, WireError> {
        let mut document = Self::with_capacity(4096);
        document.xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        Ok(document)
    }

    /// The start tag of a root element: Atom is the default, and our prefixes are declared.
    pub(super) fn open_root(&mut self, name: &str) -> Result<(), WireError> {
        let mut declarations = vec![("xmlns", ATOM)];
        declarations.extend(ROOT_PREFIXES);
        self.open(name, &declarations)
    }

    /// A start tag.
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> Result<(), WireError> {
        Ok(self.xml.write_event(Event::Start(tag(name, attributes)?))?)
    }

    /// An element without content.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> Result<(), WireError> {
        Ok(self.xml.write_event(Event::Empty(tag(name, attributes)?))?)
    }

    /// An end tag.
    pub(super) fn close(&mut self, name: &str) -> Result<(), WireError> {
        Ok(self.xml.write_event(Event::End(BytesEnd::new(name)))?)
    }

    /// Characters.
    pub(super) fn text(&mut self, text: &str) -> Result<(), WireError> {
        check_characters(text)?;
        Ok(self.xml.write_event(Event::Text(BytesText::from_escaped(partial_escape(text))))?)
    }

    /// An element with nothing but text; `<a></a>` where it is empty.
    pub(super) fn element(&mut self, name: &str, text: &str) -> Result<(), WireError> {
        self.open(name, &[])?;
        self.text(text)?;
        self.close(name)
    }

    /// The same where there is a text.
    pub(super) fn optional(&mut self, name: &str, text: Option<&str>) -> Result<(), WireError> {
        text.map_or(Ok(()), |text| self.element(name, text))
    }

    /// Bytes that are XML already.
    pub(super) fn raw(&mut self, xml: &[u8]) {
        self.xml.get_mut().extend_from_slice(xml);
    }

    /// What was written since the last call.
    pub(super) fn take(&mut self) -> Bytes {
        std::mem::take(self.xml.get_mut()).into()
    }

    /// What was written, as a whole.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.xml.into_inner()
    }
}

fn tag<'a>(name: &'a str, attributes: &[(&str, &str)]) -> Result<BytesStart<'a>, WireError> {
    let mut tag = BytesStart::new(name);
    for (name, value) in attributes {
        check_characters(value)?;
        tag.push_attribute((*name, *value));
    }
    Ok(tag)
}
