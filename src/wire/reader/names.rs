//! The names of a document: each checked and kept once.

use super::ReadLimits;
use crate::wire::WireError;
use crate::wire::names::is_ncname;
use std::collections::HashMap;
use std::sync::Arc;

/// Names kept for sharing; a document with more of them gets the others unshared.
const SHARED_NAMES: usize = 1024;

/// Names of elements and attributes, known by number.
#[derive(Default)]
pub(super) struct Names {
    known: Vec<Name>,
    numbers: HashMap<Box<str>, usize>,
    /// The name found last.
    last: usize,
}

struct Name {
    written: Box<str>,
    local: Arc<str>,
    has_prefix: bool,
    /// The name that came after it the last time: entries are alike, so it mostly comes again.
    next: usize,
}

impl Names {
    /// The number of the name that is written so.
    ///
    /// # Errors
    /// For what is no name with at most one prefix, or one above the limit.
    #[inline]
    pub(super) fn find(&mut self, written: &str, limits: &ReadLimits, offset: u64) -> Result<usize, WireError> {
        let expected = self.known.get(self.last).map_or(0, |last| last.next);
        if self.known.get(expected).is_some_and(|name| *name.written == *written) {
            self.last = expected;
            return Ok(expected);
        }
        self.look_up(written, limits, offset)
    }

    /// The local part of a name.
    #[inline]
    pub(super) fn local(&self, number: usize) -> &str {
        self.known.get(number).map(|name| &*name.local).unwrap_or_default()
    }

    /// Whether the name is written with a prefix.
    #[inline]
    pub(super) fn has_prefix(&self, number: usize) -> bool {
        self.known.get(number).is_some_and(|name| name.has_prefix)
    }

    /// The local part as a text that elements share.
    #[inline]
    pub(super) fn shared(&self, number: usize) -> Arc<str> {
        self.known.get(number).map(|name| Arc::clone(&name.local)).unwrap_or_default()
    }

    fn look_up(&mut self, written: &str, limits: &ReadLimits, offset: u64) -> Result<usize, WireError> {
        let number = match self.numbers.get(written) {
            Some(number) => *number,
            None => self.add(written, limits, offset)?,
        };
        if let Some(last) = self.known.get_mut(self.last) {
            last.next = number;
        }
        self.last = number;
        Ok(number)
    }

    fn add(&mut self, written: &str, limits: &ReadLimits, offset: u64) -> Result<usize, WireError> {
        let local = checked(written, limits, offset)?;
        let has_prefix = local.len() < written.len();
        let name = Name { written: written.into(), local: local.into(), has_prefix, next: 0 };
        if self.known.len() >= SHARED_NAMES {
            // The place behind the others is for the names that are not kept.
            self.known.truncate(SHARED_NAMES);
        } else {
            self.numbers.insert(written.into(), self.known.len());
        }
        self.known.push(name);
        Ok(self.known.len() - 1)
    }
}

/// The local part of what is a name with at most one prefix.
fn checked<'n>(written: &'n str, limits: &ReadLimits, offset: u64) -> Result<&'n str, WireError> {
    if written.len() > limits.name_bytes {
        return Err(WireError::TooLarge { what: "a name in bytes", limit: limits.name_bytes, offset });
    }
    let (prefix, local) = written.split_once(':').map_or((None, written), |(prefix, local)| (Some(prefix), local));
    if is_ncname(local) && prefix.is_none_or(is_ncname) {
        Ok(local)
    } else {
        Err(WireError::Syntax { message: format!("'{written}' is no name"), offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_with_more_names_than_are_kept_is_read_all_the_same() {
        let (mut names, limits) = (Names::default(), ReadLimits::default());
        for round in 0..2 {
            for number in 0..2 * SHARED_NAMES {
                let found = names.find(&format!("p:n{number}"), &limits, 0).unwrap();
                assert_eq!(names.local(found), format!("n{number}"), "round {round}");
            }
        }
        assert!(names.known.len() <= SHARED_NAMES + 1);
    }

    #[test]
    fn a_name_is_shared() {
        let (mut names, limits) = (Names::default(), ReadLimits::default());
        let first = names.find("a", &limits, 0).unwrap();
        names.find("b", &limits, 0).unwrap();
        let again = names.find("a", &limits, 0).unwrap();
        assert!(Arc::ptr_eq(&names.shared(first), &names.shared(again)));
    }
}
