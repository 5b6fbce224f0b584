//! Elements from XML.

use super::{Element, Node};
use crate::wire::WireError;
use crate::wire::names::{SDATA, XSI};
use crate::wire::reader::{ReadLimits, Token, XmlReader};
use crate::wire::writer::XmlWriter;
use std::io::BufRead;

impl Element {
    /// Reads a whole document.
    ///
    /// # Errors
    /// [`WireError`] when `xml` is not well-formed or above the limits.
    pub fn parse(xml: &[u8], limits: &ReadLimits) -> Result<Self, WireError> {
        let mut reader = XmlReader::new(xml, *limits)?;
        reader.root()?;
        let element = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(element)
    }

    /// The inverse of [`Element::to_xml`]. It has no limits: what is written may need more declarations than what was read.
    ///
    /// # Errors
    /// [`WireError`] when `xml` is not what [`Element::to_xml`] writes.
    pub fn from_xml(xml: &[u8]) -> Result<Self, WireError> {
        Self::parse(xml, &ReadLimits::NONE)
    }

    /// The inverse of [`Element::content_xml`]: the element `name` in `namespace` around stored content.
    ///
    /// # Errors
    /// [`WireError`] when `content` is not what [`Element::content_xml`] writes.
    pub fn from_content(namespace: &str, name: &str, content: &[u8]) -> Result<Self, WireError> {
        let mut document = XmlWriter::with_capacity(content.len() + 256);
        document.begin(name);
        for (prefix, namespace) in [("xmlns", namespace), ("xmlns:sdata", SDATA), ("xmlns:xsi", XSI)] {
            document.attribute(prefix, namespace)?;
        }
        document.end_start();
        document.raw(content);
        document.close(name);
        Self::from_xml(&document.into_bytes())
    }

    /// Reads the element whose start the reader stands at, up to its end.
    pub(in crate::wire) fn read<R: BufRead>(reader: &mut XmlReader<R>) -> Result<Self, WireError> {
        let mut nodes = 0;
        let mut open: Vec<Self> = Vec::new();
        let mut current = started(reader, &mut nodes)?;
        loop {
            match reader.next()? {
                Token::Start => {
                    let child = started(reader, &mut nodes)?;
                    open.push(std::mem::replace(&mut current, child));
                }
                Token::Text => current.push_text(reader, &mut nodes)?,
                Token::End | Token::Eof => {
                    current.drop_layout();
                    let Some(parent) = open.pop() else { return Ok(current) };
                    let child = std::mem::replace(&mut current, parent);
                    current.content.push(Node::Element(child));
                }
            }
        }
    }

    fn push_text<R: BufRead>(&mut self, reader: &XmlReader<R>, nodes: &mut usize) -> Result<(), WireError> {
        let piece = reader.text();
        if let Some(Node::Text(text)) = self.content.last_mut() {
            text.push_str(piece);
            return reader.check_size("a text in bytes", text.len(), reader.limits().text_bytes);
        }
        if !piece.is_empty() {
            count(reader, nodes, 1)?;
            if self.content.is_empty() {
                // Most elements hold one text and nothing else: there is no room for more.
                self.content = vec![Node::Text(piece.to_owned())];
            } else {
                self.content.push(Node::Text(piece.to_owned()));
            }
        }
        Ok(())
    }

    /// White space between children is layout where there is no other text.
    pub(super) fn drop_layout(&mut self) {
        if self.content.len() < 2 {
            return;
        }
        let is_layout = |node: &Node| matches!(node, Node::Text(text) if text.trim_ascii().is_empty());
        let mut elements = false;
        let only_layout = self.content.iter().all(|node| match node {
            Node::Element(_) => {
                elements = true;
                true
            }
            Node::Text(_) => is_layout(node),
        });
        if elements && only_layout {
            self.content.retain(|node| !is_layout(node));
        }
    }
}

fn started<R: BufRead>(reader: &mut XmlReader<R>, nodes: &mut usize) -> Result<Element, WireError> {
    let name = reader.shared_name();
    let attributes = reader.take_attributes();
    count(reader, nodes, 1 + attributes.len())?;
    Ok(Element { namespace: reader.namespace().clone(), name, attributes, content: Vec::new() })
}

fn count<R: BufRead>(reader: &XmlReader<R>, nodes: &mut usize, more: usize) -> Result<(), WireError> {
    *nodes = nodes.saturating_add(more);
    reader.check_size("elements, texts and attributes of one resource", *nodes, reader.limits().nodes)
}
