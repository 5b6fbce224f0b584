//! The one way in for XML: a pull reader that refuses what is not well-formed, and what is too deep or too large.
//!
//! Tokens are cut out of the text as it comes in, without a copy. What is inside them is `quick-xml`'s: attributes, scopes of
//! prefixes, references, line ends. It lets pass undeclared prefixes, forbidden characters and more; this reader does not.

mod lexical;
mod names;
mod source;
mod start;

use self::lexical::{
    SPACES, check_declaration, end_of_tag, is_space, keep_text, refusal, resolve, syntax, take_enclosed, take_text,
};
use self::source::Source;
use self::start::StartTag;
use super::WireError;
use super::element::Attribute;
use super::names::{check_characters, is_ncname};
use crate::protocol::Endpoint;
use crate::protocol::endpoint::EndpointError;
use memchr::{memchr, memchr2, memchr3};
use quick_xml::events::BytesRef;
use quick_xml::name::NamespaceResolver;
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
    /// Entries of one feed.
    pub entries: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { depth: 64, attributes: 64, name_bytes: 256, text_bytes: 8 << 20, nodes: 250_000, entries: 1_000_000 }
    }
}

impl ReadLimits {
    /// The widest that a provider can be configured to have: whoever carries what others made must not be narrower than they are.
    pub const WIDEST: Self = Self {
        depth: 200,
        attributes: 256,
        name_bytes: 4_096,
        text_bytes: 1 << 30,
        nodes: 10_000_000,
        entries: 100_000_000,
    };

    /// For what was within the limits when it was stored.
    pub const NONE: Self = Self {
        depth: u16::MAX - 1,
        attributes: u16::MAX,
        name_bytes: usize::MAX,
        text_bytes: usize::MAX,
        nodes: usize::MAX,
        entries: usize::MAX,
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
    source: Source<R>,
    limits: ReadLimits,
    scope: NamespaceResolver,
    /// No element deeper than this one brought declarations into scope that are still there.
    declared: u16,
    depth: u16,
    /// The names of the open elements as they are written, one behind the other, and how long they are.
    open_names: String,
    open_lengths: Vec<usize>,
    begun: bool,
    rooted: bool,
    /// The element just started was written `<a/>`: its end is next.
    empty: bool,
    start: StartTag,
    text: String,
    /// The endpoint read last, as it was written: the states of a feed name few.
    endpoint: Option<(String, Endpoint)>,
}

impl<R: BufRead> XmlReader<R> {
    /// Opens a document; its first bytes tell whether it can be UTF-8.
    pub(super) fn new(source: R, limits: ReadLimits) -> Result<Self, WireError> {
        let mut scope = NamespaceResolver::default();
        // Each name looks through the declarations that are in force.
        scope.set_max_namespace_bindings(2 * usize::from(limits.attributes));
        Ok(Self {
            source: Source::open(source)?,
            limits,
            scope,
            declared: 0,
            depth: 0,
            open_names: String::new(),
            open_lengths: Vec::new(),
            begun: false,
            rooted: false,
            empty: false,
            start: StartTag::default(),
            text: String::new(),
            endpoint: None,
        })
    }

    /// The limits in force.
    pub(super) const fn limits(&self) -> &ReadLimits {
        &self.limits
    }

    /// Bytes read so far.
    pub(super) const fn offset(&self) -> u64 {
        self.source.offset()
    }

    /// Whether the element just started is `name` in `namespace`.
    pub(super) fn at(&self, namespace: &str, name: &str) -> bool {
        self.start.local() == name && *self.start.namespace == *namespace
    }

    /// The namespace of the element just started; empty for none.
    pub(super) const fn namespace(&self) -> &Arc<str> {
        &self.start.namespace
    }

    /// The local name of the element just started.
    pub(super) fn local_name(&self) -> &str {
        self.start.local()
    }

    /// The same, shared with earlier elements of that name.
    pub(super) fn shared_name(&self) -> Arc<str> {
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

    /// The endpoint that `text` names.
    pub(super) fn endpoint(&mut self, text: &str) -> Result<Endpoint, EndpointError> {
        match &self.endpoint {
            Some((written, endpoint)) if written == text => Ok(endpoint.clone()),
            _ => {
                let endpoint = Endpoint::parse(text)?;
                self.endpoint = Some((text.to_owned(), endpoint.clone()));
                Ok(endpoint)
            }
        }
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
        WireError::WrongRoot { found: format!("{{{}}}{}", self.start.namespace, self.start.local()), expected }
    }

    fn advance(&mut self, keep: bool) -> Result<Token, WireError> {
        if std::mem::take(&mut self.empty) {
            self.ascend();
            return Ok(Token::End);
        }
        loop {
            let first = self.source.peek()?;
            let begun = std::mem::replace(&mut self.begun, true);
            let token = match first {
                None if self.depth > 0 || !self.rooted => {
                    return Err(WireError::Unclosed { offset: self.offset() });
                }
                None => return Ok(Token::Eof),
                Some(b'<') => match self.source.second()? {
                    Some(b'/') => return self.end(),
                    Some(b'!') => self.section()?,
                    Some(b'?') => {
                        self.instruction(begun)?;
                        None
                    }
                    _ => return self.start(keep),
                },
                Some(b'&') => Some(self.reference()?),
                Some(_) => self.characters()?,
            };
            if let Some(token) = token {
                return Ok(token);
            }
        }
    }

    /// A start tag.
    fn start(&mut self, keep: bool) -> Result<Token, WireError> {
        let offset = self.offset();
        let mut quote = None;
        let (length, closed) = self.source.find(1, 0, self.limits.text_bytes, |bytes| end_of_tag(bytes, &mut quote))?;
        if !closed {
            return Err(syntax("a tag without its end", offset));
        }
        self.descend(offset)?;
        let tag = self.source.take(length + 1);
        let content = tag.get(1..length).unwrap_or_default();
        let (content, empty) = content.strip_suffix('/').map_or((content, false), |content| (content, true));
        let name = content.bytes().position(is_space).unwrap_or(content.len());
        if content.len() > name {
            self.scope.set_level(self.depth);
            self.declared = self.depth;
        }
        self.start.read(content, name, &mut self.scope, &self.limits, offset, keep)?;
        self.empty = empty;
        if !empty {
            self.open_names.push_str(content.get(..name).unwrap_or_default());
            self.open_lengths.push(name);
        }
        Ok(Token::Start)
    }

    /// An end tag.
    fn end(&mut self) -> Result<Token, WireError> {
        let offset = self.offset();
        let Some(expected) = self.open_lengths.pop() else {
            return Err(syntax("an end tag without a start tag", offset));
        };
        // Nearly every end tag is there as a whole, and has no white space in it.
        let (length, closed) = match self.source.byte(2 + expected) {
            Some(b'>') => (2 + expected, true),
            _ => self.source.find(2, 0, self.limits.text_bytes, |bytes| memchr(b'>', bytes))?,
        };
        if !closed {
            return Err(syntax("an end tag without its end", offset));
        }
        let tag = self.source.take(length + 1);
        let name = tag.get(2..length).unwrap_or_default().trim_end_matches(SPACES);
        let begin = self.open_names.len().saturating_sub(expected);
        let expected = self.open_names.get(begin..).unwrap_or_default();
        if name != expected {
            // What was taken at once may reach beyond the tag.
            let name = name.split('>').next().unwrap_or_default().trim_end_matches(SPACES);
            return Err(syntax(&format!("</{name}> where </{expected}> is expected"), offset));
        }
        self.open_names.truncate(begin);
        self.ascend();
        Ok(Token::End)
    }

    /// Characters up to the next markup or reference; `None` for white space outside the root.
    fn characters(&mut self) -> Result<Option<Token>, WireError> {
        let offset = self.offset();
        let find = |bytes: &[u8]| memchr2(b'<', b'&', bytes);
        let (length, _) = self.source.find(0, 0, self.limits.text_bytes, find)?;
        let text = self.source.take(length);
        if self.depth > 0 {
            // Nearly every text is without the one character, and quick to look through.
            if memchr(b'>', text.as_bytes()).is_some() && text.contains("]]>") {
                return Err(syntax("']]>' in a text, where no CDATA section ends", offset));
            }
            return take_text(&mut self.text, text).map(Some);
        }
        if text.bytes().all(is_space) { Ok(None) } else { Err(WireError::TextOutsideRoot { offset }) }
    }

    /// `&name;` or `&#number;`.
    fn reference(&mut self) -> Result<Token, WireError> {
        let offset = self.offset();
        if self.depth == 0 {
            return Err(WireError::TextOutsideRoot { offset });
        }
        let mut closed = false;
        let (length, _) = self.source.find(1, 0, self.limits.text_bytes, |bytes| {
            let at = memchr3(b';', b'&', b'<', bytes)?;
            closed = bytes.get(at) == Some(&b';');
            Some(at)
        })?;
        if !closed {
            return Err(syntax("'&' without the name of an entity and a semicolon behind it", offset));
        }
        let token = self.source.take(length + 1);
        let character = resolve(&BytesRef::new(token.get(1..length).unwrap_or_default()), offset)?;
        keep_text(&mut self.text, character.encode_utf8(&mut [0; 4]))
    }

    /// A comment, which is passed over, or a CDATA section.
    fn section(&mut self) -> Result<Option<Token>, WireError> {
        let offset = self.offset();
        let head = self.source.head("<!doctype".len())?;
        if head.eq_ignore_ascii_case(b"<!doctype") {
            return Err(WireError::Doctype { offset });
        }
        let (is_comment, is_section) = (head.starts_with(b"<!--"), head == b"<![CDATA[");
        if is_comment {
            let text = self.enclosed("<!--", "-->")?;
            if text.contains("--") || text.ends_with('-') {
                return Err(syntax("two hyphens in a comment", offset));
            }
            check_characters(text)?;
            return Ok(None);
        }
        if !is_section {
            return Err(syntax("'<!' that begins neither a comment nor a CDATA section", offset));
        }
        if self.depth == 0 {
            return Err(WireError::TextOutsideRoot { offset });
        }
        let enclosed = take_enclosed(&mut self.source, self.limits.text_bytes, "<![CDATA[", "]]>")?;
        take_text(&mut self.text, enclosed).map(Some)
    }

    /// A processing instruction, which is passed over, or the declaration.
    fn instruction(&mut self, begun: bool) -> Result<(), WireError> {
        let offset = self.offset();
        let content = take_enclosed(&mut self.source, self.limits.text_bytes, "<?", "?>")?;
        let target = content.split(SPACES).next().unwrap_or_default();
        match target {
            "xml" if begun => Err(syntax("an XML declaration that is not at the start", offset)),
            "xml" => check_declaration(self.start.written(content, target.len(), &self.limits, offset)?, offset),
            target if !is_ncname(target) || target.eq_ignore_ascii_case("xml") => {
                Err(syntax("a processing instruction without a name", offset))
            }
            _ => check_characters(content),
        }
    }

    fn enclosed(&mut self, begin: &str, end: &str) -> Result<&str, WireError> {
        take_enclosed(&mut self.source, self.limits.text_bytes, begin, end)
    }

    fn ascend(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.declared > self.depth {
            self.scope.set_level(self.depth);
            self.declared = self.depth;
        }
    }

    fn descend(&mut self, offset: u64) -> Result<(), WireError> {
        if self.depth == 0 && self.rooted {
            return Err(WireError::SecondRoot { offset });
        }
        if self.depth >= self.limits.depth {
            return Err(WireError::TooDeep { limit: self.limits.depth, offset });
        }
        self.depth += 1;
        self.rooted = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
