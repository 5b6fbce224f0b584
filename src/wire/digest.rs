//! `sync:digest` (sync 4.2), and the entry it travels in on its own (sync 4.1).

use super::element::Element;
use super::entry::{Entry, EntryOut, read_entry_as};
use super::names::{ATOM, SYNC};
use super::payload::PayloadOut;
use super::reader::{ReadLimits, XmlReader};
use super::writer::XmlWriter;
use super::{Link, WireError};
use crate::protocol::{Digest, DigestEntry, Endpoint, Priority, Stamp, Tick};
use std::io::BufRead;

/// What a digest was sent for: how far foreign habits are tolerated in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestUse {
    /// In a pass: a tick of -1 reads as 0 ("nothing yet"), a priority of 0 as 1, none as 9.
    Pass,
    /// Written to `$syncDigest`, where it will be kept: ticks from 0, priorities 1 to 9 (sync 4.2).
    Written,
}

/// Reads an Atom entry with a digest as its payload; a digest on its own is accepted too.
///
/// # Errors
/// [`WireError::WrongRoot`] for another document, [`WireError::Digest`] when there is no digest in it
/// or an entry of the digest cannot be; else what makes the XML unreadable.
pub fn read_digest_entry(xml: &[u8], usage: DigestUse, limits: ReadLimits) -> Result<Digest, WireError> {
    let mut reader = XmlReader::new(xml, limits)?;
    reader.root()?;
    let digest = if reader.at(SYNC, "digest") {
        read_digest(&mut reader, usage)?
    } else if reader.at(ATOM, "entry") {
        let entry: Entry = read_entry_as(&mut reader, usage)?;
        let digest = entry.payload.and_then(|payload| payload.digest);
        digest.ok_or_else(|| WireError::Digest("the entry has no payload with a sync:digest".to_owned()))?
    } else {
        return Err(reader.wrong_root("an Atom entry with a sync:digest"));
    };
    reader.finish()?;
    Ok(digest)
}

/// The entry that carries `digest`; `url` is that of `$syncDigest` (sync 4.1, 5.1).
#[must_use]
pub fn digest_entry(digest: &Digest, url: &str, now: Stamp) -> EntryOut {
    let origin = digest.origin.as_ref().map_or(url, Endpoint::as_str);
    let title = format!("Synchronization digest of {origin}");
    EntryOut {
        id: url.to_owned(),
        title: title.clone(),
        updated: now,
        author: origin.to_owned(),
        content: title,
        links: vec![Link::entry("self", url, "Refresh")],
        payload: Some(PayloadOut::Digest(digest.clone())),
        ..EntryOut::default()
    }
}

/// Reads the digest whose start the reader stands at.
pub(super) fn read_digest<R: BufRead>(reader: &mut XmlReader<R>, usage: DigestUse) -> Result<Digest, WireError> {
    let element = Element::read(reader)?;
    let mut digest = Digest::default();
    for child in element.children() {
        if child.is(SYNC, "origin") {
            let origin = child.text();
            if !origin.trim().is_empty() {
                let origin = Endpoint::parse(&origin).map_err(|error| WireError::Digest(format!("origin: {error}")))?;
                digest.origin = Some(origin);
            }
        } else if child.is(SYNC, "digestEntry") {
            let (endpoint, entry) = digest_entry_of(child, usage)?;
            // Two spellings of one endpoint are one: what it is known to have taken in counts.
            let known = digest.entries.entry(endpoint).or_insert(entry);
            if entry.tick > known.tick {
                *known = entry;
            }
        }
    }
    Ok(digest)
}

fn digest_entry_of(element: &Element, usage: DigestUse) -> Result<(Endpoint, DigestEntry), WireError> {
    let child = |name: &str| element.children().find(|child| child.is(SYNC, name)).map(Element::text);
    let endpoint = child("endpoint").unwrap_or_default();
    let refused = |what: String| WireError::Digest(format!("entry for '{}': {what}", endpoint.trim()));
    let tick = child("tick").unwrap_or_default();
    let tick = read_tick(&tick, usage)
        .ok_or_else(|| refused(format!("'{tick}' is no tick; it is an integer from 0 to {}", Tick::MAX)))?;
    let conflict_priority = match child("conflictPriority") {
        None if usage == DigestUse::Pass => Priority::LOWEST,
        text => {
            let text = text.unwrap_or_default();
            read_priority(&text, usage)
                .ok_or_else(|| refused(format!("'{text}' is no conflictPriority; it is an integer from 1 to 9")))?
        }
    };
    // The stamp decides nothing (sync 4.2): one that cannot be read does not refuse the digest.
    let stamp = child("stamp").and_then(|text| Stamp::parse(&text)).unwrap_or(Stamp::EPOCH);
    let parsed = Endpoint::parse(&endpoint).map_err(|error| refused(error.to_string()))?;
    Ok((parsed, DigestEntry { tick, stamp, conflict_priority }))
}

fn read_tick(text: &str, usage: DigestUse) -> Option<Tick> {
    match text.trim() {
        "-1" if usage == DigestUse::Pass => Some(Tick::ZERO),
        text => text.parse().ok().and_then(Tick::new),
    }
}

fn read_priority(text: &str, usage: DigestUse) -> Option<Priority> {
    match text.trim().parse().ok()? {
        0 if usage == DigestUse::Pass => Priority::new(1),
        value => Priority::new(value),
    }
}

/// Writes `sync:digest` with its entries in the order of their endpoints. An endpoint of which nothing was taken in yet is
/// left out: that says the same to everybody, and a tick of 0 is a foreign habit that is read but not written (sync 4.2, decided).
pub(super) fn write_digest(xml: &mut XmlWriter, digest: &Digest) -> Result<(), WireError> {
    xml.open("sync:digest");
    xml.optional("sync:origin", digest.origin.as_ref().map(Endpoint::as_str))?;
    for (endpoint, entry) in digest.entries.iter().filter(|(_, entry)| entry.tick > Tick::ZERO) {
        xml.open("sync:digestEntry");
        xml.element("sync:endpoint", endpoint.as_str())?;
        xml.plain("sync:tick", entry.tick)?;
        xml.plain("sync:stamp", entry.stamp)?;
        xml.plain("sync:conflictPriority", entry.conflict_priority.value())?;
        xml.close("sync:digestEntry");
    }
    xml.close("sync:digest");
    Ok(())
}

#[cfg(test)]
mod tests;
