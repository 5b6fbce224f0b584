//! A pass that carries everything: the way back for a target that lacks deletions which its source has no tombstones of any more
//! (docs/adr/0007-purge-horizon.md).

use super::address::{Collection, Operation};
use super::error::{BEHIND_HORIZON, EngineError};
use super::operation::{self, Done};
use super::outcome::EntryOutcome;
use super::pass::{Pass, next_page, post_results, unreadable};
use super::remote::{Answer, Remote};
use crate::protocol::{Digest, Stamp, SyncState};
use crate::wire::names::SDATA;
use crate::wire::{
    Element, Entry, EntryOut, FEED_TYPE, FeedOut, FeedReader, FeedWriter, HttpOut, PayloadOut, ReadLimits, StateRead,
    WireError, digest_entry, write_entry,
};
use bytes::Bytes;
use std::collections::HashSet;
use uuid::Uuid;

/// Resources that a target is told to delete in one request.
const DELETED_AT_ONCE: usize = 100;

/// What a full pass has to remember of what the source sent, where the source has deletions that it cannot send.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Every resource, by every UUID: what the target has beside them, and the source has taken in, was deleted there.
    uuids: HashSet<Uuid>,
    digest: Digest,
}

/// A resource of the target that its source has deleted.
struct Gone {
    uuid: Uuid,
    url: String,
    etag: Option<String>,
    namespace: String,
    name: String,
}

impl Sent {
    /// Takes note of a page.
    pub(super) fn note(&mut self, page: &[u8]) -> Result<(), WireError> {
        let mut reader = FeedReader::new(page, ReadLimits::default())?;
        while let Some(entry) = reader.next_entry()? {
            self.uuids.extend(uuids(&entry));
        }
        self.digest = reader.into_head().digest.unwrap_or_default();
        Ok(())
    }

    /// What `entry`, of a feed of the target with the digest `own`, is about, if the source had it once and has it no more.
    fn gone(&self, entry: &Entry, own: &Digest) -> Option<Gone> {
        let resource = entry.resource().filter(|resource| !resource.is_deleted())?;
        let state = state_of(&entry.sync_state, own)?;
        if !self.digest.contains(&state) || uuids(entry).any(|uuid| self.uuids.contains(&uuid)) {
            return None;
        }
        let url = resource.attribute(SDATA, "url").or_else(|| resource.attribute(SDATA, "uri"))?;
        Some(Gone {
            uuid: entry.uuid()?.ok()?,
            url: url.to_owned(),
            etag: entry.etag.clone(),
            namespace: resource.namespace.to_string(),
            name: resource.name.to_string(),
        })
    }
}

/// All UUIDs by which an entry's sender knows its resource.
fn uuids(entry: &Entry) -> impl Iterator<Item = Uuid> {
    let former = entry.resource().map(Element::former_uuids).unwrap_or_default();
    entry.uuid().and_then(Result::ok).into_iter().chain(former)
}

/// An empty endpoint means the feed's origin (sync 4.3).
fn state_of(read: &StateRead, own: &Digest) -> Option<SyncState> {
    let StateRead::Given { endpoint, tick, stamp, user } = read else { return None };
    let endpoint = endpoint.clone().or_else(|| own.origin.clone())?;
    Some(SyncState { endpoint, tick: *tick, stamp: stamp.unwrap_or_default(), user: user.clone() })
}

/// The digest of somebody who has nothing yet: everything is sent to him (sync 5.2).
pub(super) fn nothing_yet(collection: &Collection) -> Result<Bytes, EngineError> {
    let url = collection.sync_digest();
    let entry = digest_entry(&Digest::default(), url.as_str(), Stamp::now());
    write_entry(&entry).map_err(|reason| unreadable(&url, "digest", reason))
}

impl Pass<'_> {
    /// Whether the source would serve the target as it is: then it has every deletion that the target lacks, and sends it.
    pub(super) async fn lacks_deletions(&mut self, target_digest: Bytes) -> Result<bool, EngineError> {
        match self.start(Operation::Source, self.source, target_digest).await {
            Err(error) if error.is_called(BEHIND_HORIZON) => Ok(true),
            Err(error) => Err(error),
            Ok(Done { context, .. }) => {
                self.close(&context).await;
                Ok(false)
            }
        }
    }

    /// Deletes at the target what the source has taken in and does not have any more. It is an ordinary change of the target, which
    /// travels on as a deletion. What waits at the source to be applied is not deleted there.
    pub(super) async fn delete_missing(&mut self, sent: Sent) -> Result<(), EngineError> {
        let mut gone = self.missing(&sent).await?;
        if gone.is_empty() {
            return Ok(());
        }
        let parked = parked_at(self.remote, self.source).await?;
        gone.retain(|gone| !parked.contains(&gone.uuid));
        for some in gone.chunks(DELETED_AT_ONCE) {
            self.delete_some(some).await?;
        }
        Ok(())
    }

    /// What the target holds beside what was sent: it is asked for everything, page by page.
    async fn missing(&mut self, sent: &Sent) -> Result<Vec<Gone>, EngineError> {
        let everything = nothing_yet(self.target)?;
        let Done { mut answer, context } = self.start(Operation::Source, self.target, everything).await?;
        let mut gone = Vec::new();
        loop {
            let unread = |reason| unreadable(&answer.url, "feed", reason);
            let (entries, head) = entries_of(&answer).map_err(unread)?;
            let own = head.digest.clone().unwrap_or_default();
            gone.extend(entries.iter().filter_map(|entry| sent.gone(entry, &own)));
            let Some(next) = next_page(&answer, &head)? else { break };
            answer = operation::page(self.remote, &next).await.map_err(EngineError::for_good)?;
        }
        self.close(&context).await;
        Ok(gone)
    }

    /// One batch of DELETEs, each for the version that was seen; what was changed meanwhile stays.
    async fn delete_some(&mut self, gone: &[Gone]) -> Result<(), EngineError> {
        let url = self.target.batch(self.run);
        let unwritten = |reason| unreadable(&url, "batch", reason);
        let body = feed_of(gone, deletion).map_err(unwritten)?;
        let answer = self.remote.post(&url, FEED_TYPE, body).await?;
        if !answer.status.is_success() {
            return Err(answer.refusal());
        }
        let (results, _) = entries_of(&answer).map_err(unwritten)?;
        for (gone, result) in gone.iter().zip(&results) {
            let outcome = match result.http_status {
                Some(404 | 410 | 412) => EntryOutcome::Ignored,
                Some(200..300) => EntryOutcome::Deleted,
                _ => EntryOutcome::Failed,
            };
            self.count_deletion(outcome, gone.uuid, result);
        }
        // The target's audit is of synchronization: only so does it say under which run they went.
        let told =
            gone.iter().zip(&results).filter(|(_, result)| result.http_status == Some(200)).map(|(gone, _)| gone);
        let report = feed_of(told, deleted).map_err(unwritten)?;
        post_results(self.remote, self.target, self.run, report).await;
        Ok(())
    }
}

/// What waits to be applied at a provider of ours, by its audit. One that has none cannot say what was deleted there and what only
/// waits, so nothing may be deleted after it.
async fn parked_at(remote: &Remote, source: &Collection) -> Result<HashSet<Uuid>, EngineError> {
    let mut parked = HashSet::new();
    let mut next = Some(source.parked());
    while let Some(url) = next {
        let answer = remote.get(&url).await?;
        if !answer.status.is_success() {
            return Err(answer.refusal());
        }
        let (entries, head) = entries_of(&answer).map_err(|reason| unreadable(&url, "feed", reason))?;
        let uuid = |entry: &Entry| {
            let uuid = entry.resource()?.children().find(|child| &*child.name == "uuid")?;
            Uuid::try_parse(uuid.text().trim()).ok()
        };
        parked.extend(entries.iter().filter_map(uuid));
        next = next_page(&answer, &head)?;
    }
    Ok(parked)
}

fn entries_of(answer: &Answer) -> Result<(Vec<Entry>, crate::wire::FeedHead), WireError> {
    let mut reader = FeedReader::new(&answer.body[..], ReadLimits::default())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const NODE: &str = "http://n1.example.com/sdata/app/contract/-/accounts";

    fn feed(entries: &str) -> Vec<u8> {
        let names = [
            r#"xmlns="http://www.w3.org/2005/Atom" xmlns:sdata="http://schemas.sage.com/sdata/2008/1""#,
            r#"xmlns:sync="http://schemas.sage.com/sdata/sync/2008/1""#,
        ];
        let digest = format!(
            "<sync:digest><sync:origin>{NODE}</sync:origin><sync:digestEntry><sync:endpoint>{NODE}</sync:endpoint>\
             <sync:tick>6</sync:tick><sync:conflictPriority>5</sync:conflictPriority></sync:digestEntry></sync:digest>"
        );
        format!("<feed {}><id>x</id>{digest}{entries}</feed>", names.join(" ")).into_bytes()
    }

    fn entry(uuid: u128, tick: u64, attributes: &str) -> String {
        let uuid = Uuid::from_u128(uuid);
        format!(
            "<entry><sync:syncState><sync:endpoint>{NODE}</sync:endpoint><sync:tick>{tick}</sync:tick></sync:syncState>\
             <sdata:payload><account xmlns=\"urn:x\" sdata:uuid=\"{uuid}\" sdata:url=\"{NODE}('1')\" {attributes}/></sdata:payload></entry>"
        )
    }

    /// OURS-GROWTH-02: only what the source has taken in and does not send was deleted there.
    #[rstest]
    #[case::not_sent(2, 5, "", true)]
    #[case::sent(1, 5, "", false)]
    #[case::not_taken_in(2, 6, "", false)]
    #[case::deleted_already(2, 5, "sdata:isDeleted=\"true\"", false)]
    fn what_a_source_took_in_and_does_not_send_is_gone(
        #[case] uuid: u128,
        #[case] tick: u64,
        #[case] attributes: &str,
        #[case] gone: bool,
    ) {
        let mut sent = Sent::default();
        sent.note(&feed(&entry(1, 3, ""))).unwrap();
        let page = feed(&entry(uuid, tick, attributes));
        let mut reader = FeedReader::new(&page[..], ReadLimits::default()).unwrap();
        let entry = reader.next_entry().unwrap().unwrap();
        assert_eq!(sent.gone(&entry, &Digest::default()).is_some(), gone);
    }
}
