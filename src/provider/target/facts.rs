//! What a page of a synchronization feed says of itself, checked before anything is applied.

use crate::protocol::{Digest, SyncMode, SyncState, immediate};
use crate::provider::Error;
use crate::wire::{FeedHead, FeedScan};
use serde::{Deserialize, Serialize};

/// The head of a posted page, as its job remembers it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedFacts {
    /// The source's digest.
    pub source_digest: Digest,
    /// How the digest is to be taken; `None` when the feed does not say.
    pub mode: Option<SyncMode>,
    /// Whether no page follows.
    pub is_last: bool,
    /// Position of the page's first entry in the feed, from 1.
    pub start_index: u64,
    /// Entries on the page.
    pub entries: u64,
    /// How many entries of the feed are taken once this page is: a source that left some out of a page counts on from
    /// what the page could have held.
    pub taken_after: u64,
    /// What identifies the feed that the page belongs to.
    pub feed: [u8; 32],
}

impl FeedFacts {
    /// Reads the facts off a page that was scanned to its end.
    ///
    /// # Errors
    /// [`Error::BadBody`] when the page has no digest: then it is no synchronization feed (sync 4.4).
    pub fn of(scan: FeedScan) -> Result<Self, Error> {
        let FeedScan { head, entries } = scan;
        // A page without entries of a feed that has some: it was asked for the totals alone, and ends nothing.
        let asks_for_totals = entries == 0 && head.items_per_page == Some(0) && head.total_results != Some(0);
        let is_last = head.link("next").is_none() && !asks_for_totals;
        let feed = identity(&head);
        let Some(source_digest) = head.digest else {
            let message =
                "the feed has no sync:digest: only feeds of $syncSource, or made like them, can be taken (sync 4.4)";
            return Err(Error::BadBody(message.to_owned()));
        };
        let start_index = head.start_index.unwrap_or(1).max(1);
        let size = if is_last { entries } else { entries.max(head.items_per_page.unwrap_or_default()) };
        let taken_after = (start_index - 1).saturating_add(size);
        Ok(Self { source_digest, mode: head.sync_mode, is_last, start_index, entries, taken_after, feed })
    }

    /// Whether the page may be taken when `taken` entries of its feed were (sync 5.5).
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] when it starts behind entries that were not taken.
    pub fn check_order(&self, taken: u64) -> Result<(), Error> {
        if self.start_index > 1 && self.start_index > taken.saturating_add(1) {
            return Err(Error::OutOfOrder { start_index: self.start_index, taken });
        }
        Ok(())
    }

    /// Whether the digest is adopted when the page is done: the last page of a catch-up feed (sync 5.5).
    #[must_use]
    pub fn adopts_digest(&self) -> bool {
        self.is_last && self.mode == Some(SyncMode::CatchUp)
    }

    /// Whether the page's states continue `target`, where its mode asks for that (sync 5.8).
    ///
    /// # Errors
    /// [`Error::Gap`].
    pub fn check_continuity<'a>(
        &self,
        states: impl IntoIterator<Item = &'a SyncState>,
        target: &Digest,
    ) -> Result<(), Error> {
        if self.mode == Some(SyncMode::Immediate) {
            immediate::check_continuity(states, target)?;
        }
        Ok(())
    }
}

/// All pages of one feed have one identity: the feed's id, or, where a relay empties ids, its digest.
fn identity(head: &FeedHead) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    if head.id.trim().is_empty() {
        for (endpoint, entry) in head.digest.iter().flat_map(|digest| &digest.entries) {
            hash.update(endpoint.as_str().as_bytes());
            hash.update(&entry.tick.value().to_be_bytes());
        }
    } else {
        hash.update(head.id.trim().as_bytes());
    }
    *hash.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn facts(start_index: u64) -> FeedFacts {
        let mode = Some(SyncMode::CatchUp);
        FeedFacts {
            source_digest: Digest::default(),
            mode,
            is_last: true,
            start_index,
            entries: 10,
            taken_after: start_index + 9,
            feed: [0; 32],
        }
    }

    /// SYNC-5.6-03.
    #[rstest]
    #[case::the_first_page(1, 0, true)]
    #[case::the_first_page_again(1, 20, true)]
    #[case::the_next_page(11, 10, true)]
    #[case::a_page_taken_before(11, 20, true)]
    #[case::a_page_too_far(21, 10, false)]
    #[case::a_second_page_of_an_unknown_feed(11, 0, false)]
    fn a_page_is_taken_only_after_the_pages_before_it(#[case] start: u64, #[case] taken: u64, #[case] accepted: bool) {
        assert_eq!(facts(start).check_order(taken).is_ok(), accepted);
    }

    #[test]
    fn pages_whose_id_was_emptied_are_known_by_their_digest() {
        let head =
            |id: &str, digest: &Digest| FeedHead { id: id.into(), digest: Some(digest.clone()), ..FeedHead::default() };
        let endpoint = crate::protocol::Endpoint::parse("http://n1.example.com/accounts").unwrap();
        let other = Digest::fresh(endpoint, crate::protocol::Stamp::EPOCH, crate::protocol::Priority::LOWEST);
        let none = Digest::default();
        assert_eq!(identity(&head("x", &none)), identity(&head(" x", &other)));
        assert_ne!(identity(&head("", &none)), identity(&head("", &other)));
    }
}
