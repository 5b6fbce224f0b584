//! The bytes before they are XML: which encoding they are in, and how many one token may have.

use crate::wire::WireError;
use std::io::{BufRead, ErrorKind, Read};

const UTF_8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Bytes taken from a source that has all of them at hand. Few: so much of a document may have become elements before anybody
/// counts what they take.
const TAKEN_AT_ONCE: usize = 16 << 10;

/// A document as text, of which only what is not read yet is kept.
pub(super) struct Source<R> {
    source: R,
    /// What came in and was found to be UTF-8.
    window: String,
    /// Where in the window the next token begins.
    at: usize,
    /// Bytes before the window.
    passed: u64,
    /// What came in behind the window and is not UTF-8, or not yet: the rest of a character is still to come.
    behind: Vec<u8>,
    is_broken: bool,
}

impl<R: BufRead> Source<R> {
    /// Takes the byte order mark off a UTF-8 document, and refuses UTF-16 and UTF-32, with or without one.
    pub(super) fn open(mut source: R) -> Result<Self, WireError> {
        let mut head = Vec::with_capacity(4);
        source.by_ref().take(4).read_to_end(&mut head)?;
        if head.starts_with(UTF_8_MARK) {
            head.drain(..UTF_8_MARK.len());
        } else if head.starts_with(&[0xFE, 0xFF]) || head.starts_with(&[0xFF, 0xFE]) || head.contains(&0) {
            return Err(WireError::Encoding("in UTF-16 or UTF-32".to_owned()));
        }
        let mut opened = Self { source, window: String::new(), at: 0, passed: 0, behind: head, is_broken: false };
        opened.check_behind();
        Ok(opened)
    }

    /// Bytes before the next token.
    pub(super) const fn offset(&self) -> u64 {
        self.passed + self.at as u64
    }

    /// What is not taken yet, as far as it came in.
    #[inline]
    fn rest(&self) -> &[u8] {
        self.window.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The first byte of the next token; `None` at the end of the document.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<Option<u8>, WireError> {
        if self.rest().is_empty() && !self.more()? {
            return Ok(None);
        }
        Ok(self.rest().first().copied())
    }

    /// One byte of the next token, or of what follows it, if it came in.
    #[inline]
    pub(super) fn byte(&self, place: usize) -> Option<u8> {
        self.rest().get(place).copied()
    }

    /// The second byte of the next token.
    #[inline]
    pub(super) fn second(&mut self) -> Result<Option<u8>, WireError> {
        while self.rest().len() < 2 && self.more()? {}
        Ok(self.rest().get(1).copied())
    }

    /// The first bytes of the next token, so many or all that there are.
    pub(super) fn head(&mut self, bytes: usize) -> Result<&[u8], WireError> {
        while self.rest().len() < bytes && self.more()? {}
        let rest = self.rest();
        Ok(rest.get(..bytes).unwrap_or(rest))
    }

    /// Looks for the end of the next token behind its first `from` bytes: how many bytes there are before what `find` finds,
    /// or, with `false`, in all there is. `overlap` bytes are looked at again with what comes in after them.
    ///
    /// # Errors
    /// [`WireError::TooLarge`] as soon as the token has more than `limit` bytes.
    #[inline]
    pub(super) fn find(
        &mut self,
        from: usize,
        overlap: usize,
        limit: usize,
        mut find: impl FnMut(&[u8]) -> Option<usize>,
    ) -> Result<(usize, bool), WireError> {
        let mut searched = from;
        loop {
            let rest = self.rest();
            let found = rest.get(searched..).and_then(&mut find).map(|found| searched + found);
            let length = found.unwrap_or(rest.len());
            // The last bytes that came in may be the beginning of its end.
            if found.unwrap_or(length.saturating_sub(overlap)) > limit {
                return Err(WireError::TooLarge { what: "a text or tag in bytes", limit, offset: self.offset() });
            }
            searched = length.saturating_sub(overlap).max(from);
            if found.is_some() || !self.more()? {
                return Ok((length, found.is_some()));
            }
        }
    }

    /// Takes the next token, of which so many bytes were found.
    #[inline]
    pub(super) fn take(&mut self, bytes: usize) -> &str {
        let begin = self.at;
        self.at = begin.saturating_add(bytes).min(self.window.len());
        self.window.get(begin..self.at).unwrap_or_default()
    }

    /// Lets more come in; whether any came.
    #[cold]
    fn more(&mut self) -> Result<bool, WireError> {
        self.window.drain(..self.at);
        self.passed += self.at as u64;
        self.at = 0;
        let before = self.window.len();
        while self.window.len() == before && !self.is_broken {
            let available = match self.source.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let taken = available.get(..TAKEN_AT_ONCE).unwrap_or(available);
            let count = taken.len();
            if taken.is_empty() {
                self.is_broken = !self.behind.is_empty();
                break;
            }
            if let (true, Ok(text)) = (self.behind.is_empty(), std::str::from_utf8(taken)) {
                self.window.push_str(text);
                self.source.consume(count);
            } else {
                self.behind.extend_from_slice(taken);
                self.source.consume(count);
                self.check_behind();
            }
        }
        if self.is_broken && self.window.len() == before {
            let offset = self.passed + before as u64;
            return Err(WireError::Encoding(format!("not UTF-8 near byte {offset}")));
        }
        Ok(self.window.len() > before)
    }

    /// Moves what is UTF-8 into the window.
    fn check_behind(&mut self) {
        let valid = match std::str::from_utf8(&self.behind) {
            Ok(text) => text,
            Err(error) => {
                self.is_broken = error.error_len().is_some();
                let valid = self.behind.get(..error.valid_up_to()).unwrap_or_default();
                std::str::from_utf8(valid).unwrap_or_default()
            }
        };
        self.window.push_str(valid);
        let count = valid.len();
        self.behind.drain(..count);
    }
}
