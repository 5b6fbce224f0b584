//! The one way in for XML: a pull reader that refuses what `quick-xml` lets pass.
//!
//! `quick-xml` raises no error for an unclosed document, a second root, an undeclared prefix, an
//! unknown entity, a forbidden character or any depth and size; this reader does.

mod source;
mod start;

use self::source::{Bounded, Source, open};
use self::start::StartTag;
use super::WireError;
use super::element::Attribute;
use super::names::{check_characters, is_ncname};
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesDecl, BytesRef, Event};
use quick_xml::reader::NsReader;
use quick_xml::{Error as XmlError, escape::EscapeError};
use std::io::BufRead;
use std::sync::Arc;

/// How large the parts of a document may be. What is larger is refused with
/// [`WireError::TooDeep`] or [`WireError::TooLarge`] before memory is spent on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Levels of elements; a few hundred at most, because elements are written and dropped level by level.
    pub depth: u16,
    /// Attributes of one element, namespace declarations included.
    pub attributes: u16,
    /// Bytes of a name.
    pub name_bytes: usize,
    /// Bytes of a text, and of a tag with its attributes.
    pub text_bytes: usize,
    /// Elements, texts and attributes of one resource.
    pub nodes: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { depth: 64, attributes: 64, name_bytes: 256, text_bytes: 8 << 20, nodes: 250_000 }
    }
}

impl ReadLimits {
    /// For what was within the limits when it was stored.
    pub(super) const NONE: Self = Self {
        depth: u16::MAX - 1,
        attributes: u16::MAX,
        name_bytes: usize::MAX,
        text_bytes: usize::MAX,
        nodes: usize::MAX,
    };
}

/// What the reader stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// An element's start; its names and attributes can be asked for.
    Start,
    /// The end of the innermost open element.
    End,
    /// A piece of text; one text may come in several.
    Text,
    /// The end of a complete document.
    Eof,
}

/// A pull reader over any source of bytes. Comments and processing instructions are passed over.
pub(super) struct XmlReader<R> {
    xml: NsReader<Bounded<Source<R>>>,
    buffer: Vec<u8>,
    limits: ReadLimits,
    depth: u16,
    begun: bool,
    rooted: bool,
    /// The element just started was written `<a/>`: its end is next.
    empty: bool,
    start: StartTag,
    text: String,
}

impl<R: BufRead> XmlReader<R> {
    /// Opens a document; its first bytes tell whether it can be UTF-8.
    pub(super) fn new(source: R, limits: ReadLimits) -> Result<Self, WireError> {
        let mut xml = NsReader::from_reader(Bounded::new(open(source)?));
        xml.config_mut().enable_all_checks(true);
        Ok(Self {
            xml,
            buffer: Vec::new(),
            limits,
            depth: 0,
            begun: false,
            rooted: false,
            empty: false,
            start: StartTag::default(),
            text: String::new(),
        })
    }

    /// The limits in force.
    pub(super) const fn limits(&self) -> &ReadLimits {
        &self.limits
    }

    /// Bytes read so far.
    pub(super) fn offset(&self) -> u64 {
        self.xml.buffer_position()
    }

    /// Whether the element just started is `name` in `namespace`.
    pub(super) fn at(&self, namespace: &str, name: &str) -> bool {
        self.start.local == name && *self.start.namespace == *namespace
    }

    /// The namespace of the element just started; empty for none.
    pub(super) const fn namespace(&self) -> &Arc<str> {
        &self.start.namespace
    }

    /// The local name of the element just started.
    pub(super) fn local_name(&self) -> &str {
        &self.start.local
    }

    /// The same, shared with earlier elements of that name.
    pub(super) fn shared_name(&mut self) -> Arc<str> {
        self.start.shared_name()
    }

    /// The attributes of the element just started, without namespace declarations.
    pub(super) fn attributes(&self) -> &[Attribute] {
        &self.start.attributes
    }

    /// The same, taken out.
    pub(super) fn take_attributes(&mut self) -> Vec<Attribute> {
        std::mem::take(&mut self.start.attributes)
    }

    /// One attribute of the element just started.
    pub(super) fn attribute(&self, namespace: &str, name: &str) -> Option<&str> {
        let found = self.attributes().iter().find(|attribute| attribute.is(namespace, name));
        found.map(|attribute| attribute.value.as_str())
    }

    /// The piece of text just read.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Goes on to the next token.
    pub(super) fn next(&mut self) -> Result<Token, WireError> {
        self.advance(true)
    }

    /// Reads the root element's start.
    pub(super) fn root(&mut self) -> Result<(), WireError> {
        // Text before the root is refused, and an empty document is unclosed: only a start is left.
        self.next().map(|_| ())
    }

    /// Passes over the rest of the element just started, checking it, but keeping nothing.
    pub(super) fn skip(&mut self) -> Result<(), WireError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            self.advance(false)?;
        }
        Ok(())
    }

    /// The same for an entry, which must not hold more elements, texts and attributes than will be read of it later.
    pub(super) fn skip_entry(&mut self) -> Result<(), WireError> {
        let outside = self.depth.saturating_sub(1);
        let mut nodes = 0_usize;
        while self.depth > outside {
            let more = match self.advance(false)? {
                Token::Start => 1 + self.start.attributes.len(),
                Token::Text => 1,
                Token::End | Token::Eof => 0,
            };
            nodes = nodes.saturating_add(more);
            self.check_size("elements, texts and attributes of one entry", nodes, self.limits.nodes)?;
        }
        Ok(())
    }

    /// The text of the element just started and of all it holds, up to its end.
    pub(super) fn text_content(&mut self) -> Result<String, WireError> {
        let mut content = String::new();
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if self.advance(true)? == Token::Text {
                content.push_str(&self.text);
                self.check_size("a text in bytes", content.len(), self.limits.text_bytes)?;
            }
        }
        Ok(content)
    }

    /// Reads what follows the root element, to the end of the document.
    pub(super) fn finish(&mut self) -> Result<(), WireError> {
        while self.next()? != Token::Eof {}
        Ok(())
    }

    /// Refuses `size` above `limit`.
    pub(super) fn check_size(&self, what: &'static str, size: usize, limit: usize) -> Result<(), WireError> {
        if size <= limit { Ok(()) } else { Err(WireError::TooLarge { what, limit, offset: self.offset() }) }
    }

    /// The error for a document whose root is not the one wanted.
    pub(super) fn wrong_root(&self, expected: &'static str) -> WireError {
        WireError::WrongRoot { found: format!("{{{}}}{}", self.start.namespace, self.start.local), expected }
    }

    fn advance(&mut self, keep: bool) -> Result<Token, WireError> {
        if std::mem::take(&mut self.empty) {
            self.depth = self.depth.saturating_sub(1);
            return Ok(Token::End);
        }
        loop {
            let offset = self.offset();
            self.buffer.clear();
            self.xml.get_mut().allow(self.limits.text_bytes);
            let event = match self.xml.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(self.refusal(error, offset)),
            };
            let begun = std::mem::replace(&mut self.begun, true);
            match event {
                Event::Start(tag) => {
                    self.start.read(&tag, self.xml.resolver(), &self.limits, offset, keep)?;
                    return self.descend(offset);
                }
                Event::Empty(tag) => {
                    self.start.read(&tag, self.xml.resolver(), &self.limits, offset, keep)?;
                    self.empty = true;
                    return self.descend(offset);
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Token::End);
                }
                Event::Text(text) if self.depth == 0 && text.bytes().all(is_space) => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                    return Err(WireError::TextOutsideRoot { offset });
                }
                Event::Text(text) => return take_text(&mut self.text, &text.xml10_content()),
                Event::CData(text) => return take_text(&mut self.text, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let character = resolve(&reference, offset)?;
                    return take_text(&mut self.text, character.encode_utf8(&mut [0; 4]));
                }
                Event::Decl(_) if begun => return Err(syntax("an XML declaration that is not at the start", offset)),
                Event::Decl(declaration) => check_declaration(&declaration, offset)?,
                Event::DocType(_) => return Err(WireError::Doctype { offset }),
                Event::Comment(text) => check_characters(&text)?,
                Event::PI(instruction) if !is_ncname(instruction.target()) => {
                    return Err(syntax("a processing instruction without a name", offset));
                }
                Event::PI(instruction) => check_characters(&instruction)?,
                Event::Eof if self.depth > 0 || !self.rooted => return Err(WireError::Unclosed { offset }),
                Event::Eof => return Ok(Token::Eof),
            }
        }
    }

    fn descend(&mut self, offset: u64) -> Result<Token, WireError> {
        if self.depth == 0 && self.rooted {
            return Err(WireError::SecondRoot { offset });
        }
        if self.depth >= self.limits.depth {
            return Err(WireError::TooDeep { limit: self.limits.depth, offset });
        }
        self.depth += 1;
        self.rooted = true;
        Ok(Token::Start)
    }

    /// What an error of the parser means to the sender.
    fn refusal(&mut self, error: XmlError, offset: u64) -> WireError {
        match error {
            XmlError::Io(_) if self.xml.get_mut().is_used_up() => {
                WireError::TooLarge { what: "a text or tag in bytes", limit: self.limits.text_bytes, offset }
            }
            other => refusal(other, offset),
        }
    }
}

/// What an error of the parser means to the sender.
fn refusal(error: XmlError, offset: u64) -> WireError {
    match error {
        XmlError::Io(error) => WireError::Io(error),
        XmlError::Encoding(error) => WireError::Encoding(format!("not UTF-8 near byte {offset} ({error})")),
        XmlError::Escape(EscapeError::UnrecognizedEntity(_, name)) => WireError::UnknownEntity { name, offset },
        other => WireError::Syntax { message: other.to_string(), offset },
    }
}

fn syntax(message: &str, offset: u64) -> WireError {
    WireError::Syntax { message: message.to_owned(), offset }
}

fn take_text(kept: &mut String, text: &str) -> Result<Token, WireError> {
    check_characters(text)?;
    kept.clear();
    kept.push_str(text);
    Ok(Token::Text)
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The character that `&name;` or `&#number;` stands for.
fn resolve(reference: &BytesRef<'_>, offset: u64) -> Result<char, WireError> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| refusal(error, offset))? {
        return Ok(character);
    }
    let character = resolve_xml_entity(reference).and_then(|text| text.chars().next());
    character.ok_or_else(|| WireError::UnknownEntity { name: reference.to_string(), offset })
}

/// Refuses encodings that would be read wrongly (core 3.14).
fn check_declaration(declaration: &BytesDecl<'_>, offset: u64) -> Result<(), WireError> {
    let version = declaration.version().map_err(|error| refusal(error, offset))?;
    if !version.starts_with("1.") {
        return Err(syntax("an XML version other than 1.0", offset));
    }
    let Some(encoding) = declaration.encoding() else { return Ok(()) };
    let encoding = encoding.map_err(|error| refusal(error.into(), offset))?;
    if ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|known| encoding.eq_ignore_ascii_case(known)) {
        Ok(())
    } else {
        Err(WireError::Encoding(format!("declared as '{encoding}'")))
    }
}

#[cfg(test)]
mod tests;
