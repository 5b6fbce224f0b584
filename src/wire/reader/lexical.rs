//! Pieces of XML's grammar that no state of the reader matters to.

use super::Token;
use super::source::Source;
use crate::wire::WireError;
use crate::wire::names::{check_characters, is_plain};
use memchr::{memchr, memchr3, memmem};
use quick_xml::Error as XmlError;
use quick_xml::escape::{EscapeError, resolve_xml_entity};
use quick_xml::events::{BytesRef, BytesText};
use std::io::BufRead;

/// Takes what stands between `begin`, which the next token begins with, and `end`.
pub(super) fn take_enclosed<'s, R: BufRead>(
    source: &'s mut Source<R>,
    limit: usize,
    begin: &str,
    end: &str,
) -> Result<&'s str, WireError> {
    let offset = source.offset();
    let find = |bytes: &[u8]| memmem::find(bytes, end.as_bytes());
    let (length, closed) = source.find(begin.len(), end.len() - 1, limit, find)?;
    if !closed {
        return Err(syntax("a comment, section or instruction without its end", offset));
    }
    let token = source.take(length + end.len());
    Ok(token.get(begin.len()..length).unwrap_or_default())
}

/// Where the tag ends: at a `>` that is in no value. `quote` is what the value ends with that the bytes before left open.
pub(super) fn end_of_tag(bytes: &[u8], quote: &mut Option<u8>) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let found = match *quote {
            Some(quote) => memchr(quote, rest)?,
            None => memchr3(b'>', b'"', b'\'', rest)?,
        };
        match (rest.get(found).copied()?, *quote) {
            (_, Some(_)) => *quote = None,
            (b'>', None) => return Some(from + found),
            (other, None) => *quote = Some(other),
        }
        from += found + 1;
    }
}

/// What an error of the parser means to the sender.
pub(super) fn refusal(error: XmlError, offset: u64) -> WireError {
    match error {
        XmlError::Io(error) => WireError::Io(error),
        XmlError::Encoding(error) => WireError::Encoding(format!("not UTF-8 near byte {offset} ({error})")),
        XmlError::Escape(EscapeError::UnrecognizedEntity(_, name)) => WireError::UnknownEntity { name, offset },
        other => WireError::Syntax { message: other.to_string(), offset },
    }
}

pub(super) fn syntax(message: &str, offset: u64) -> WireError {
    WireError::Syntax { message: message.to_owned(), offset }
}

/// Keeps a piece of text, every line end as one line feed (XML 1.0, 2.11).
#[inline]
pub(super) fn take_text(kept: &mut String, text: &str) -> Result<Token, WireError> {
    if is_plain(text) {
        kept.clear();
        kept.push_str(text);
        return Ok(Token::Text);
    }
    keep_text(kept, &BytesText::from_escaped(text).xml10_content())
}

pub(super) fn keep_text(kept: &mut String, text: &str) -> Result<Token, WireError> {
    check_characters(text)?;
    kept.clear();
    kept.push_str(text);
    Ok(Token::Text)
}

/// White space in XML: fewer characters than elsewhere (XML 1.0, 2.3).
pub(super) const SPACES: [char; 4] = [' ', '\t', '\n', '\r'];

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The character that `&name;` or `&#number;` stands for.
pub(super) fn resolve(reference: &BytesRef<'_>, offset: u64) -> Result<char, WireError> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| refusal(error, offset))? {
        return Ok(character);
    }
    let character = resolve_xml_entity(reference).and_then(|text| text.chars().next());
    character.ok_or_else(|| WireError::UnknownEntity { name: reference.to_string(), offset })
}

/// Refuses encodings that would be read wrongly (core 3.14), and what is no declaration (XML 1.0, 2.8).
pub(super) fn check_declaration<'t>(
    mut said: impl Iterator<Item = (&'t str, &'t str)>,
    offset: u64,
) -> Result<(), WireError> {
    let Some(("version", version)) = said.next() else {
        return Err(syntax("an XML declaration without a version", offset));
    };
    if !version.strip_prefix("1.").is_some_and(|minor| minor.bytes().all(|digit| digit.is_ascii_digit())) {
        return Err(syntax("an XML version other than 1.0", offset));
    }
    let mut next = said.next();
    if let Some(("encoding", encoding)) = next {
        if !["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|known| encoding.eq_ignore_ascii_case(known)) {
            return Err(WireError::Encoding(format!("declared as '{encoding}'")));
        }
        next = said.next();
    }
    if let Some(("standalone", "yes" | "no")) = next {
        next = said.next();
    }
    next.map_or(Ok(()), |_| {
        Err(syntax("an XML declaration that says something else than version, encoding and standalone", offset))
    })
}
