//! The bytes before they are XML: which encoding they are in, and how many one token may have.

use crate::wire::WireError;
use std::io::{self, BufRead, Chain, Cursor, Read};

/// A document without its byte order mark.
pub(super) type Source<R> = Chain<Cursor<Vec<u8>>, R>;

const UTF_8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Takes the byte order mark off a UTF-8 document, and refuses UTF-16 and UTF-32, with or without one.
pub(super) fn open<R: BufRead>(mut source: R) -> Result<Source<R>, WireError> {
    let mut head = Vec::with_capacity(4);
    source.by_ref().take(4).read_to_end(&mut head)?;
    if head.starts_with(UTF_8_MARK) {
        head.drain(..UTF_8_MARK.len());
    } else if head.starts_with(&[0xFE, 0xFF]) || head.starts_with(&[0xFF, 0xFE]) || head.contains(&0) {
        return Err(WireError::Encoding("in UTF-16 or UTF-32".to_owned()));
    }
    Ok(Cursor::new(head).chain(source))
}

/// A source that gives at most so many bytes for one token: `quick-xml` collects a token whole
/// before anybody can look at its size.
pub(super) struct Bounded<R> {
    source: R,
    left: usize,
    used_up: bool,
}

impl<R> Bounded<R> {
    pub(super) const fn new(source: R) -> Self {
        Self { source, left: usize::MAX, used_up: false }
    }

    /// Allows the next token `bytes`.
    pub(super) const fn allow(&mut self, bytes: usize) {
        // One more, so that a token of just the limit is told from one above it.
        self.left = bytes.saturating_add(1);
    }

    /// Whether a token wanted more than it was allowed.
    pub(super) const fn is_used_up(&self) -> bool {
        self.used_up
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            self.used_up = true;
            return Err(io::Error::other("a token above the limit"));
        }
        let available = self.source.fill_buf()?;
        Ok(available.get(..self.left).unwrap_or(available))
    }

    #[inline]
    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
        self.source.consume(bytes);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let mut rest = available;
        let read = rest.read(target)?;
        self.consume(read);
        Ok(read)
    }
}
