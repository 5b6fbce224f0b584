//! Feeds, entries, digests and what else a consumer or a provider is sent as XML.

use super::elements::assert_reads_back;
use super::{SMALL, is_above_a_limit};
use sdata_sync::protocol::{Digest, Endpoint, Stamp, Tick};
use sdata_sync::wire::{
    DigestUse, Entry, FeedHead, FeedReader, ReadLimits, StateRead, WireError, digest_entry, read_diagnoses,
    read_digest_entry, read_entry, read_tracking, scan_feed, write_diagnoses, write_entry, write_tracking,
};
use std::io::{BufRead, BufReader};

/// Feeds: read alike whole and in pieces; passed over, they have the same head and as many entries. Of what can be passed over,
/// only an entry's digest can be refused later.
pub(crate) fn feed(bytes: &[u8]) {
    for limits in [ReadLimits::default(), SMALL] {
        let (entries, ended) = read(bytes, limits);
        for size in [1, 13] {
            let pieces = read(BufReader::with_capacity(size, bytes), limits);
            assert_eq!(pieces.0, entries, "in pieces of {size}");
            assert_eq!(said(&pieces.1), said(&ended), "in pieces of {size}");
        }
        match (ended, scan_feed(bytes, limits)) {
            (Ok(head), Ok(scan)) => assert_eq!((&scan.head, scan.entries), (&head, entries.len() as u64)),
            // What is passed over may hold less: it is counted whole.
            (Ok(_), Err(error)) => assert!(is_above_a_limit(&error), "read, but not passed over: {error}"),
            (Err(error), Ok(_)) => {
                assert!(matches!(error, WireError::Digest(_)), "passed over, but not read: {error}");
            }
            (Err(_), Err(_)) => {}
        }
        entries.iter().for_each(assert_holds);
    }
}

fn read<R: BufRead>(source: R, limits: ReadLimits) -> (Vec<Entry>, Result<FeedHead, WireError>) {
    let mut entries = Vec::new();
    let mut feed = match FeedReader::new(source, limits) {
        Ok(feed) => feed,
        Err(error) => return (entries, Err(error)),
    };
    loop {
        match feed.next_entry() {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => return (entries, Ok(feed.into_head())),
            Err(error) => return (entries, Err(error)),
        }
    }
}

/// Where bytes stop being UTF-8 is told only roughly.
fn said(ended: &Result<FeedHead, WireError>) -> String {
    match ended {
        Ok(head) => format!("{head:?}"),
        Err(WireError::Encoding(_)) => "encoding".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Entries that stand alone.
pub(crate) fn entry(bytes: &[u8]) {
    for limits in [ReadLimits::default(), SMALL] {
        if let Ok(entry) = read_entry(bytes, limits) {
            assert_holds(&entry);
        }
    }
}

fn assert_holds(entry: &Entry) {
    assert!(entry.uuid() != Some(Ok(uuid::Uuid::nil())), "the nil UUID is none");
    for said in [&entry.http_method, &entry.http_message, &entry.location, &entry.etag, &entry.if_match] {
        assert!(said.as_ref().is_none_or(|text| !text.is_empty() && text.trim() == text));
    }
    if let StateRead::Given { tick, .. } = &entry.sync_state {
        assert!(*tick < Tick::MAX);
    }
    if let Some(resource) = entry.resource() {
        assert!(resource.uuid() != Some(Ok(uuid::Uuid::nil())));
        assert!(!resource.former_uuids().contains(&uuid::Uuid::nil()));
        assert_reads_back(resource);
    }
}

/// Digests: what may be kept may also be sent in a pass, and is written and read back; nothing moves the own tick.
pub(crate) fn digest(bytes: &[u8]) {
    let in_a_pass = read_digest_entry(bytes, DigestUse::Pass, ReadLimits::default());
    if let Ok(written) = read_digest_entry(bytes, DigestUse::Written, ReadLimits::default()) {
        assert_eq!(in_a_pass.as_ref().ok(), Some(&written));
    }
    let Ok(digest) = in_a_pass else { return };
    let xml = write_entry(&digest_entry(&digest, "http://h/a/$syncDigest", Stamp::EPOCH)).expect("a digest is written");
    let again = read_digest_entry(&xml, DigestUse::Written, ReadLimits::default()).expect("what is written is read");
    let mut said = digest.clone();
    said.entries.retain(|_, entry| entry.tick > Tick::ZERO);
    assert_eq!(again, said);
    for own in digest.entries.keys().take(3) {
        assert_own_tick_stays(own, &digest);
    }
}

fn assert_own_tick_stays(own: &Endpoint, theirs: &Digest) {
    for ours in [Digest::default(), theirs.clone()] {
        if let Ok(merged) = ours.merged_with(own, theirs) {
            assert_eq!(merged.tick_of(own), ours.tick_of(own));
            assert!(theirs.entries.iter().all(|(endpoint, entry)| merged.tick_of(endpoint) >= entry.tick));
        }
    }
}

/// What an engine is answered besides feeds: progress and diagnoses, written and read back.
pub(crate) fn answers(bytes: &[u8]) {
    if let Ok(tracking) = read_tracking(bytes) {
        assert!((0.0..=100.0).contains(&tracking.progress));
        let again = read_tracking(&write_tracking(&tracking)).expect("what is written is read");
        assert!((again.progress - tracking.progress).abs() <= 0.06, "{again:?} {tracking:?}");
        let progress = again.progress;
        assert_eq!(again, sdata_sync::protocol::Tracking { progress, ..tracking });
    }
    if let Ok(diagnoses) = read_diagnoses(bytes) {
        let again = read_diagnoses(&write_diagnoses(&diagnoses)).expect("what is written is read");
        assert_eq!(again, diagnoses);
    }
}
