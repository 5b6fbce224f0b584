//! What a full pass has a target delete: it is looked for once more at the source first, and never in another version than the one that was
//! seen.

use super::address::Collection;
use super::error::EngineError;
use super::event::PassEvent;
use super::outcome::{EntryOutcome, reason_of};
use super::pass::{Pass, post_results, unreadable};
use super::remote::{Answer, Remote};
use crate::protocol::Stamp;
use crate::protocol::diagnosis::UNLINKED;
use crate::wire::names::SDATA;
use crate::wire::{
    Element, Entry, EntryOut, FEED_TYPE, FeedHead, FeedOut, FeedReader, FeedWriter, HttpOut, PayloadOut, ReadLimits,
    WireError, read_diagnoses,
};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use reqwest::StatusCode;
use std::collections::HashSet;
use uuid::Uuid;

/// Resources that a target is told to delete in one request.
const DELETED_AT_ONCE: usize = 100;

/// Resources that the source is asked for at once: a small part of what a provider answers one client at a time.
const ASKED_AT_ONCE: usize = 8;

/// A resource of the target that its source seems to have deleted.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) uuid: Uuid,
    /// The UUIDs that it bore before.
    pub(super) former: Vec<Uuid>,
    pub(super) url: String,
    pub(super) etag: Option<String>,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// What a source says of a resource that it did not send.
enum Found {
    /// It knows it by none of its UUIDs, or knows that it was deleted.
    Nothing,
    /// It has it: it was made or changed after the feed was made, and comes with a later one; or has it under another name.
    Alive,
    /// It does not say: with which status, and why.
    Refused(StatusCode, String),
}

impl Pass<'_> {
    /// Has the target delete what of `gone` the source really has no more; says how many of them may still have to go.
    pub(super) async fn delete_gone(&mut self, mut gone: Vec<Gone>) -> Result<u64, EngineError> {
        let mut left = 0;
        if gone.is_empty() {
            return Ok(left);
        }
        let parked = parked_at(self.remote, self.source).await?;
        gone.retain(|gone| ![gone.uuid].iter().chain(&gone.former).any(|uuid| parked.contains(uuid)));
        for some in gone.chunks(DELETED_AT_ONCE) {
            let (certain, doubtful) = self.confirm(some).await?;
            left += doubtful;
            if !certain.is_empty() {
                left += self.delete_some(&certain).await?;
            }
        }
        Ok(left)
    }

    /// Those of `gone` that the source has no more, and the number of those of which it does not say.
    async fn confirm<'g>(&mut self, gone: &'g [Gone]) -> Result<(Vec<&'g Gone>, u64), EngineError> {
        let (remote, source) = (self.remote, self.source);
        let questions: Vec<_> = gone.iter().map(|gone| look_for(remote, source, gone)).collect();
        let answers: Vec<_> = stream::iter(questions).buffered(ASKED_AT_ONCE).collect().await;
        let (mut certain, mut doubtful) = (Vec::with_capacity(gone.len()), 0);
        for (gone, found) in gone.iter().zip(answers) {
            match found? {
                Found::Nothing => certain.push(gone),
                Found::Alive => remote.notice(PassEvent::Kept { entry: gone.uuid.to_string() }),
                Found::Refused(status, reason) => {
                    doubtful += 1;
                    self.count_beside(EntryOutcome::Failed, gone.uuid, Some(status.as_u16()), &reason);
                }
            }
        }
        Ok((certain, doubtful))
    }

    /// One batch of DELETEs, each for the version that was seen; says how many of them were not done.
    async fn delete_some(&mut self, gone: &[&Gone]) -> Result<u64, EngineError> {
        let url = self.target.batch(self.run);
        let unwritten = |reason| unreadable(&url, "batch", reason);
        let body = feed_of(gone.iter().copied(), deletion).map_err(unwritten)?;
        let answer = self.remote.post(&url, FEED_TYPE, body).await?;
        if !answer.status.is_success() {
            return Err(answer.refusal());
        }
        let (results, _) = entries_of(&answer).map_err(unwritten)?;
        let mut left = gone.len().saturating_sub(results.len()) as u64;
        if left > 0 {
            self.remote.notice(PassEvent::ResultsMissing { entries: gone.len() as u64, results: results.len() as u64 });
        }
        for (gone, result) in gone.iter().zip(&results) {
            let outcome = match result.http_status {
                Some(404 | 410) => EntryOutcome::Ignored,
                Some(200..300) => EntryOutcome::Deleted,
                // 412, too: it is not known what it was changed into meanwhile.
                _ => EntryOutcome::Failed,
            };
            left += u64::from(outcome == EntryOutcome::Failed);
            self.count_beside(outcome, gone.uuid, result.http_status, &reason_of(result));
        }
        // The target's audit is of synchronization: only so does it say under which run they went.
        let told =
            gone.iter().zip(&results).filter(|(_, result)| result.http_status == Some(200)).map(|(gone, _)| *gone);
        let report = feed_of(told, deleted).map_err(unwritten)?;
        post_results(self.remote, self.target, self.run, report).await;
        Ok(left)
    }
}

/// Asks a source for a resource, by every UUID under which it may know it.
async fn look_for(remote: &Remote, source: &Collection, gone: &Gone) -> Result<Found, EngineError> {
    for uuid in [gone.uuid].iter().chain(&gone.former) {
        let answer = remote.get(&source.link(*uuid)).await?;
        match answer.status {
            // To everybody else what lost its link is a resource of its own, and stays (docs/adr/0004-uuid-changes.md).
            StatusCode::NOT_FOUND if answer.refusal().is_called(UNLINKED) => return Ok(Found::Alive),
            // Said by the provider itself: whatever stands before it may answer so without asking.
            StatusCode::NOT_FOUND | StatusCode::GONE
                if read_diagnoses(&answer.body).is_ok_and(|said| !said.is_empty()) => {}
            status if status.is_success() => return Ok(Found::Alive),
            status => return Ok(Found::Refused(status, answer.refusal().to_string())),
        }
    }
    Ok(Found::Nothing)
}

/// The UUIDs of what waits to be applied at a provider of ours, by its audit. One that has none cannot say what was deleted there and
/// what only waits, so nothing may be deleted after it.
async fn parked_at(remote: &Remote, source: &Collection) -> Result<HashSet<Uuid>, EngineError> {
    let (first, total) = parked_page(remote, source, 1).await?;
    let step = first.len().max(1);
    let pages = usize::try_from(total).unwrap_or(usize::MAX).div_ceil(step);
    let mut parked: HashSet<Uuid> = first.into_iter().flatten().collect();
    if pages < 2 {
        return Ok(parked);
    }
    // Backwards: what is applied or discarded meanwhile moves others to the front, where it was not read yet.
    for page in (1..pages).rev() {
        let (rows, _) = parked_page(remote, source, page * step + 1).await?;
        parked.extend(rows.into_iter().flatten());
    }
    // And forwards: what is replaced meanwhile by something newer stands at the end then.
    let mut start = 1;
    loop {
        let (rows, _) = parked_page(remote, source, start).await?;
        if rows.is_empty() {
            return Ok(parked);
        }
        start += rows.len();
        parked.extend(rows.into_iter().flatten());
    }
}

/// A page of parked entries, each with all its UUIDs, and how many entries there are.
async fn parked_page(remote: &Remote, source: &Collection, start: usize) -> Result<(Vec<Vec<Uuid>>, u64), EngineError> {
    let url = source.parked(start);
    let answer = remote.get(&url).await?;
    if !answer.status.is_success() {
        return Err(answer.refusal());
    }
    let (entries, head) = entries_of(&answer).map_err(|reason| unreadable(&url, "feed", reason))?;
    let total = head.total_results.unwrap_or(entries.len() as u64);
    Ok((entries.iter().map(parked_uuids).collect(), total))
}

/// The UUID of a parked entry, and those that its resource bore before.
fn parked_uuids(row: &Entry) -> Vec<Uuid> {
    let property = |name: &str| row.resource()?.children().find(|child| &*child.name == name).map(Element::text);
    let uuid = property("uuid").and_then(|text| Uuid::try_parse(text.trim()).ok());
    let payload = property("payload").and_then(|text| Element::parse(text.as_bytes(), &ReadLimits::WIDEST).ok());
    uuid.into_iter().chain(payload.map(|resource| resource.former_uuids()).unwrap_or_default()).collect()
}

pub(super) fn entries_of(answer: &Answer) -> Result<(Vec<Entry>, FeedHead), WireError> {
    let mut reader = FeedReader::new(&answer.body[..], ReadLimits::WIDEST)?;
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        entries.push(entry);
    }
    Ok((entries, reader.into_head()))
}

fn feed_of<'g>(
    gone: impl IntoIterator<Item = &'g Gone>,
    entry: impl Fn(&Gone) -> EntryOut,
) -> Result<Bytes, WireError> {
    let title = "Deleted at the source, which has no tombstone of it any more".to_owned();
    let head =
        FeedOut { id: format!("urn:uuid:{}", Uuid::new_v4()), title, updated: Stamp::now(), ..FeedOut::default() };
    let mut feed = FeedWriter::begin(&head)?;
    gone.into_iter().try_for_each(|gone| feed.entry(&entry(gone)))?;
    feed.finish()
}

/// The request to delete it (core 13.3).
fn deletion(gone: &Gone) -> EntryOut {
    let http = HttpOut { method: Some("DELETE".to_owned()), if_match: gone.etag.clone(), ..HttpOut::default() };
    let title = "Delete".to_owned();
    EntryOut { id: gone.url.clone(), title, updated: Stamp::now(), http, ..EntryOut::default() }
}

/// The report that it was (sync 5.7).
fn deleted(gone: &Gone) -> EntryOut {
    let message =
        Some("deleted by a full pass: the source has deleted it, and has no tombstone of it any more".to_owned());
    let http = HttpOut { status: Some(200), method: Some("DELETE".to_owned()), message, ..HttpOut::default() };
    let mut resource = Element::new(&gone.namespace, &gone.name);
    resource.set_attribute(SDATA, "uuid", gone.uuid.to_string());
    resource.set_attribute(SDATA, "isDeleted", "true");
    let payload = Some(PayloadOut::Element(resource));
    EntryOut {
        id: gone.url.clone(),
        title: "Deleted".to_owned(),
        updated: Stamp::now(),
        http,
        payload,
        ..EntryOut::default()
    }
}
