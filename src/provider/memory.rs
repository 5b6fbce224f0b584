//! What is read of requests may take so much of the memory: together, and for one client.

use super::Error;
use super::gate::{Full, Gate, Pass, Who};
use crate::wire::{Footprint, ReadLimits};
use std::sync::Arc;

/// Memory is shared out in units of so many bytes; the first of each share is free.
const UNIT_BYTES: u64 = 64 * 1024;
/// Bodies of the largest size that may be whole in memory at once.
const WHOLE_BODIES: u64 = 4;
/// Resources of the most elements, beside the bodies.
const LARGE_RESOURCES: u64 = 2;

/// What is read of requests and not yet worked off may take together, and for one client: many large bodies at once would take all
/// there is, and a client that sends them slowly would keep it from all others.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Gate>);

impl Memory {
    /// Enough for a few bodies of `most` bytes with resources within `limits`. Half of it is for one client: a body, what it is
    /// translated into, and what is read of that.
    #[must_use]
    pub fn new(most: u64, limits: ReadLimits) -> Self {
        let bodies = most.saturating_mul(WHOLE_BODIES);
        let resources = Footprint::most_of_nodes(limits).saturating_mul(LARGE_RESOURCES);
        let units = usize::try_from(bodies.saturating_add(resources) / UNIT_BYTES).unwrap_or(usize::MAX);
        Self(Gate::new(units, units / 2))
    }

    /// Nothing of it yet, for `who`.
    #[must_use]
    pub fn share(&self, who: Option<Who>) -> Share {
        Share { units: Vec::new(), memory: self.clone(), who }
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

/// What somebody holds of the memory.
#[derive(Debug)]
pub struct Share {
    units: Vec<Pass>,
    memory: Memory,
    who: Option<Who>,
}

impl Share {
    /// Makes sure that it is enough for `bytes`.
    ///
    /// # Errors
    /// [`Error::Overloaded`].
    pub fn grow_to(&mut self, bytes: u64) -> Result<(), Error> {
        while (self.units.len() as u64) < bytes / UNIT_BYTES {
            self.units.push(self.memory.unit(self.who.as_ref())?);
        }
        Ok(())
    }

    /// Gives all of it back.
    pub fn clear(&mut self) {
        self.units.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u64 = 1_000_000;

    /// Enough for four bodies.
    fn memory() -> Memory {
        Memory::new(MOST, ReadLimits { nodes: 0, ..ReadLimits::default() })
    }

    fn who(name: &str) -> Option<Who> {
        Some(Who::Principal(name.into()))
    }

    /// So much of the memory.
    fn held(bytes: u64, memory: &Memory, who: Option<Who>) -> Result<Share, Error> {
        let mut share = memory.share(who);
        share.grow_to(bytes).map(|()| share)
    }

    /// What is said when there is no room.
    fn refusal(share: Result<Share, Error>) -> String {
        match share {
            Err(Error::Overloaded(said)) => said,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("there is room"),
        }
    }

    #[test]
    fn the_memory_is_shared_and_given_back() {
        let memory = memory();
        let mut all: Vec<_> = (0..4).map(|_| held(MOST, &memory, None).unwrap()).collect();
        assert!(refusal(held(MOST, &memory, None)).starts_with("the bodies of other requests"));
        assert!(held(1_000, &memory, None).is_ok(), "small ones always find room");
        all.pop();
        let mut again = memory.share(None);
        for part in 1..=10 {
            again.grow_to(part * MOST / 10).unwrap();
        }
        assert!(held(MOST, &memory, None).is_err());
        again.clear();
        assert!(held(MOST, &memory, None).is_ok());
    }

    #[test]
    fn one_client_has_half_of_the_memory_at_most() {
        let (memory, ada, bert) = (memory(), who("ada"), who("bert"));
        let mut of_ada: Vec<_> = (0..2).map(|_| held(MOST, &memory, ada.clone()).unwrap()).collect();
        assert!(refusal(held(MOST, &memory, ada.clone())).starts_with("the bodies of your requests"));
        assert!(held(1_000, &memory, ada.clone()).is_ok(), "small ones always find room");
        let _of_bert: Vec<_> = (0..2).map(|_| held(MOST, &memory, bert.clone()).unwrap()).collect();
        of_ada.pop();
        assert!(held(MOST, &memory, ada).is_ok(), "what was given back is there again");
    }
}
