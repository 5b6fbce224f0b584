//! Feeds that were read as they arrived, kept in memory for the job that is about to want them.
//!
//! The stored body is what a job relies on; this only spares it to read the same XML a second time. What is kept is
//! bounded for the whole process, and a feed that finds no room is read from the store.

use super::unfinished::{Meter, Metered};
use crate::provider::memory::Share;
use crate::provider::target::ready::Alone;
use crate::wire::{Entry, FeedReader, FeedScan, ReadLimits, WireError};
use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::vec;

/// Bytes of XML whose entries may be in memory at once; as entries they are some five times as large.
const KEPT_BYTES: u64 = 4 << 20;

/// Feeds kept at once.
const KEPT_FEEDS: usize = 8;

/// How long a feed is kept. What nobody took by then was taken in by another process, or deleted, or waits behind so much
/// work that reading it again matters little; its room is for newer ones.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// The feeds of one process.
#[derive(Debug, Clone, Default)]
pub(super) struct ParsedFeeds {
    feeds: Arc<Mutex<BTreeMap<i64, (Instant, ParsedFeed)>>>,
    bytes: Arc<AtomicU64>,
}

/// All entries of one feed.
#[derive(Debug)]
pub(super) struct ParsedFeed {
    entries: vec::IntoIter<ParsedEntry>,
    /// Given back when the entries are done with: whoever reads them holds the feed.
    _room: Room,
}

impl Iterator for ParsedFeed {
    type Item = ParsedEntry;

    fn next(&mut self) -> Option<ParsedEntry> {
        self.entries.next()
    }
}

/// An entry of a feed.
#[derive(Debug)]
pub(super) struct ParsedEntry {
    pub(super) entry: Entry,
    /// What its payload makes by itself, where that was looked at while the feed arrived.
    pub(super) alone: Option<Alone>,
    /// How long it is as XML.
    pub(super) bytes: u64,
}

impl ParsedEntry {
    /// The next entry of a feed, with what `look` sees in it.
    ///
    /// # Errors
    /// As [`FeedReader::next_entry`].
    pub(super) fn next_of<R: BufRead>(
        feed: &mut FeedReader<R>,
        look: impl Fn(&Entry) -> Option<Alone>,
    ) -> Result<Option<Self>, WireError> {
        let begin = feed.offset();
        let entry = feed.next_entry()?;
        let bytes = feed.offset() - begin;
        Ok(entry.map(|entry| Self { alone: look(&entry), entry, bytes }))
    }
}

/// A share of what may be kept.
#[derive(Debug)]
struct Room {
    all: Arc<AtomicU64>,
    bytes: u64,
}

impl Room {
    /// Makes room for `bytes` in all; false when there is none.
    fn grow_to(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        self.bytes += more;
        self.all.fetch_add(more, Ordering::Relaxed) + more <= KEPT_BYTES
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl ParsedFeeds {
    /// Reads a feed to its end, and keeps its entries if there is room, each with what `look` sees in it. What an entry takes until
    /// it has arrived is counted in `share`.
    ///
    /// # Errors
    /// As [`FeedReader::next_entry`]; what [`super::unfinished::cause`] finds in it where there is no memory.
    pub(super) fn read<R: BufRead>(
        &self,
        source: R,
        limits: ReadLimits,
        share: Share,
        look: impl Fn(&Entry) -> Option<Alone>,
    ) -> Result<(FeedScan, Option<ParsedFeed>), WireError> {
        let meter = Meter::new(share, limits);
        let mut feed = FeedReader::new(Metered::new(source, &meter), limits)?;
        self.forget_old();
        let room = Room { all: Arc::clone(&self.bytes), bytes: 0 };
        let mut kept = Some((Vec::new(), room));
        let mut entries = 0;
        loop {
            kept = kept.and_then(|(parsed, mut room)| room.grow_to(feed.offset()).then_some((parsed, room)));
            meter.begin(kept.is_some());
            let more = match &mut kept {
                Some((parsed, _)) => {
                    let entry = ParsedEntry::next_of(&mut feed, &look)?;
                    let more = entry.is_some();
                    parsed.extend(entry);
                    more
                }
                None => feed.skip_entry()?,
            };
            if !more {
                let kept = kept.map(|(parsed, room)| ParsedFeed { entries: parsed.into_iter(), _room: room });
                return Ok((FeedScan { head: feed.into_head(), entries }, kept));
            }
            entries += 1;
        }
    }

    /// Keeps the entries of a body for its job.
    pub(super) fn keep(&self, body: i64, feed: ParsedFeed) {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if feeds.len() >= KEPT_FEEDS {
            feeds.pop_first();
        }
        feeds.insert(body, (Instant::now(), feed));
    }

    /// The entries of a body, if they are here.
    pub(super) fn take(&self, body: i64) -> Option<ParsedFeed> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner).remove(&body).map(|(_, feed)| feed)
    }

    fn forget_old(&self) {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|_, (since, _)| since.elapsed() < KEPT_FOR);
    }
}

#[cfg(test)]
mod tests {
    use super::super::unfinished::cause;
    use super::*;
    use crate::provider::Error;
    use crate::provider::memory::Memory;

    fn share() -> Share {
        Memory::new(64 << 20, ReadLimits::default()).share(None)
    }

    fn feed(entries: usize, padding: usize) -> String {
        let entry = format!("<entry><title>{}</title></entry>", "x".repeat(padding));
        format!("<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>f</id>{}</feed>", entry.repeat(entries))
    }

    #[test]
    fn a_feed_is_kept_until_its_job_takes_it() {
        let feeds = ParsedFeeds::default();
        let (scan, parsed) = feeds.read(feed(3, 1).as_bytes(), ReadLimits::default(), share(), |_| None).unwrap();
        assert_eq!((scan.entries, scan.head.id.as_str()), (3, "f"));
        feeds.keep(7, parsed.unwrap());
        let mut taken = feeds.take(7).unwrap();
        assert_eq!(taken.by_ref().count(), 3);
        assert!(feeds.bytes.load(Ordering::Relaxed) > 0, "its room is its own while somebody holds it");
        drop(taken);
        assert!(feeds.take(7).is_none());
        assert_eq!(feeds.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_feed_without_room_is_read_to_its_end_and_not_kept() {
        let feeds = ParsedFeeds::default();
        let (scan, parsed) =
            feeds.read(feed(10, 1 << 20).as_bytes(), ReadLimits::default(), share(), |_| None).unwrap();
        assert_eq!((scan.entries, parsed.is_none()), (10, true));
        assert_eq!(feeds.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn an_entry_without_end_takes_no_more_than_its_clients_share_of_the_memory() {
        let feeds = ParsedFeeds::default();
        let read = |xml: &str, memory: &Memory| {
            feeds.read(xml.as_bytes(), ReadLimits::default(), memory.share(None), |_| None).map(drop).map_err(cause)
        };
        let begun = feed(1, 1).replacen("<title>", &format!("<title>{}", "<a/>".repeat(50_000)), 1);
        // Room for two resources of so many elements, of which one client has half.
        let room_for = |nodes| Memory::new(0, ReadLimits { nodes, ..ReadLimits::default() });
        let (small, large) = (room_for(20_000), room_for(60_000));
        let refused = read(&begun, &small);
        assert!(matches!(refused, Err(Error::Overloaded(_))), "{refused:?}");
        read(&begun, &large).unwrap();
        // Many ordinary ones take nothing once they are whole, nor those that are skipped.
        read(&feed(20_000, 100), &small).unwrap();
    }

    #[test]
    fn feeds_that_nobody_takes_make_room_for_newer_ones() {
        let feeds = ParsedFeeds::default();
        for body in 0..10 {
            let (_, parsed) = feeds.read(feed(1, 1).as_bytes(), ReadLimits::default(), share(), |_| None).unwrap();
            feeds.keep(body, parsed.unwrap());
        }
        assert!(feeds.take(0).is_none());
        assert!(feeds.take(9).is_some());
    }
}
