//! What bodies that are read whole may take of the memory: together, and those of one client.

use super::gate::{Full, Gate, Pass, Who};
use crate::provider::Error;
use bytes::BytesMut;
use std::sync::Arc;

/// Memory is shared out in units of so many bytes; the first of each body is free.
const UNIT_BYTES: usize = 64 * 1024;
/// Bodies of the largest size that may be whole in memory at once.
const WHOLE_BODIES: u64 = 4;

/// What bodies that are read whole may take together, and those of one client: many large ones at once would take all
/// there is, and a client that sends them slowly would keep it from all others.
#[derive(Debug, Clone)]
pub(super) struct Memory(Arc<Gate>);

impl Memory {
    /// Enough for a few bodies of `most` bytes; half of it for one client, since a body may be translated into another.
    pub(super) fn new(most: u64) -> Self {
        let units = usize::try_from(most.saturating_mul(WHOLE_BODIES)).unwrap_or(usize::MAX) / UNIT_BYTES;
        Self(Gate::new(units, units / 2))
    }

    fn unit(&self, who: Option<&Who>) -> Result<Pass, Error> {
        self.0.enter(who.cloned()).map_err(|full| {
            Error::Overloaded(match full {
                Full::All(_) => "the bodies of other requests fill the memory there is for them".to_owned(),
                Full::OfOne(_) => "the bodies of your requests fill the memory one client may have for them".to_owned(),
            })
        })
    }
}

/// A body with its share of the memory.
pub(super) struct Whole {
    bytes: BytesMut,
    share: Vec<Pass>,
    most: u64,
    memory: Memory,
    who: Option<Who>,
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Whole {
    /// Nothing yet, of no more than `most` bytes, of which those of `who` are counted together.
    pub(super) fn new(most: u64, memory: &Memory, who: Option<&Who>) -> Self {
        Self { bytes: BytesMut::new(), share: Vec::new(), most, memory: memory.clone(), who: who.cloned() }
    }

    /// Takes in more.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Overloaded`].
    pub(super) fn extend(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let length = self.bytes.len().saturating_add(bytes.len());
        if length as u64 > self.most {
            return Err(Error::TooLarge(self.most));
        }
        while self.share.len() < length / UNIT_BYTES {
            self.share.push(self.memory.unit(self.who.as_ref())?);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u64 = 1_000_000;

    fn who(name: &str) -> Option<Who> {
        Some(Who::Principal(name.into()))
    }

    /// A body of so many bytes.
    fn held(bytes: usize, memory: &Memory, who: Option<&Who>) -> Result<Whole, Error> {
        let mut whole = Whole::new(MOST, memory, who);
        whole.extend(&vec![b' '; bytes]).map(|()| whole)
    }

    /// What is said when there is no room.
    fn refusal(body: Result<Whole, Error>) -> String {
        match body {
            Err(Error::Overloaded(said)) => said,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("there is room"),
        }
    }

    #[test]
    fn bodies_share_the_memory_and_give_it_back() {
        let memory = Memory::new(MOST);
        let mut all: Vec<_> = (0..4).map(|_| held(1_000_000, &memory, None).unwrap()).collect();
        assert!(refusal(held(1_000_000, &memory, None)).starts_with("the bodies of other requests"));
        assert!(held(1_000, &memory, None).is_ok(), "small ones always find room");
        assert!(matches!(held(1_000_001, &memory, None), Err(Error::TooLarge(MOST))));
        all.pop();
        let mut again = Whole::new(MOST, &memory, None);
        for _ in 0..10 {
            again.extend(&[b' '; 100_000]).unwrap();
        }
    }

    #[test]
    fn one_client_has_half_of_the_memory_at_most() {
        let (memory, ada, bert) = (Memory::new(MOST), who("ada"), who("bert"));
        let mut of_ada: Vec<_> = (0..2).map(|_| held(1_000_000, &memory, ada.as_ref()).unwrap()).collect();
        assert!(refusal(held(1_000_000, &memory, ada.as_ref())).starts_with("the bodies of your requests"));
        assert!(held(1_000, &memory, ada.as_ref()).is_ok(), "small ones always find room");
        let _of_bert: Vec<_> = (0..2).map(|_| held(1_000_000, &memory, bert.as_ref()).unwrap()).collect();
        of_ada.pop();
        assert!(held(1_000_000, &memory, ada.as_ref()).is_ok(), "what was given back is there again");
    }
}
