//! Bodies that are read whole.

use crate::provider::Error;
use crate::provider::memory::Share;
use crate::wire::{Footprint, ReadLimits};
use bytes::BytesMut;

/// A body with its share of the memory.
pub(super) struct Whole {
    bytes: BytesMut,
    share: Share,
    most: u64,
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Whole {
    /// Nothing yet, of no more than `most` bytes, which are counted in `share`.
    pub(super) fn new(most: u64, share: Share) -> Self {
        Self { bytes: BytesMut::new(), share, most }
    }

    /// Takes in more.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Overloaded`].
    pub(super) fn extend(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let length = self.bytes.len().saturating_add(bytes.len()) as u64;
        if length > self.most {
            return Err(Error::TooLarge(self.most));
        }
        self.share.grow_to(length)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Counts what it will take as elements, too: it is XML, and is about to be read as one resource.
    ///
    /// # Errors
    /// [`Error::Overloaded`].
    pub(super) fn count_elements(&mut self, limits: ReadLimits) -> Result<(), Error> {
        let elements = Footprint::of(&self.bytes, limits).bytes();
        self.share.grow_to(elements.saturating_add(self.bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::memory::Memory;

    const MOST: u64 = 1_000_000;

    fn memory() -> Memory {
        Memory::new(MOST, ReadLimits { nodes: 0, ..ReadLimits::default() })
    }

    #[test]
    fn a_body_has_a_largest_size() {
        let mut whole = Whole::new(MOST, memory().share(None));
        whole.extend(&[b' '; 1_000_000]).unwrap();
        assert!(matches!(whole.extend(b" "), Err(Error::TooLarge(MOST))));
    }

    #[test]
    fn bodies_share_the_memory() {
        let memory = memory();
        let whole = || {
            let mut whole = Whole::new(MOST, memory.share(None));
            whole.extend(&[b' '; 1_000_000]).map(|()| whole)
        };
        let _all: Vec<_> = (0..4).map(|_| whole().map_err(drop).unwrap()).collect();
        assert!(matches!(whole(), Err(Error::Overloaded(_))));
    }

    #[test]
    fn a_few_bytes_that_become_many_elements_count_as_many() {
        let memory = Memory::new(MOST, ReadLimits::default());
        let whole = |xml: &str| {
            let mut whole = Whole::new(MOST, memory.share(None));
            whole.extend(xml.as_bytes()).and_then(|()| whole.count_elements(ReadLimits::default())).map(|()| whole)
        };
        let _all: Vec<_> = (0..2).map(|_| whole(&"<a/>".repeat(250_000)).map_err(drop).unwrap()).collect();
        assert!(matches!(whole(&"<a/>".repeat(250_000)), Err(Error::Overloaded(_))));
        assert!(whole(&"<name>a name of some length</name>".repeat(10)).is_ok());
    }
}
