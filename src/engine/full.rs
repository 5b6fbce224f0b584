//! A pass that carries everything: the way back for a target that lacks deletions which its source has no tombstones of any more
//! (docs/adr/0007-purge-horizon.md).
//!
//! What is missing is deleted before anything is carried: once the target has taken in what the source has, its digest says that it lacks
//! nothing, and nobody would look any more.

use super::address::{Collection, Operation};
use super::deletions::{Gone, entries_of};
use super::error::EngineError;
use super::event::PassEvent;
use super::operation::{self, Done};
use super::pass::{Pass, check_new, next_page, unreadable};
use super::remote::Answer;
use crate::protocol::diagnosis::{BEHIND_HORIZON, RECOVERING};
use crate::protocol::{Digest, DigestEntry, Stamp, SyncState, Tick};
use crate::wire::names::SDATA;
use crate::wire::{
    DigestUse, ENTRY_TYPE, Element, Entry, FeedHead, FeedReader, ReadLimits, StateRead, WireError, digest_entry,
    read_digest_entry, write_entry,
};
use bytes::Bytes;
use std::collections::HashSet;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// What a full pass has to remember of what the source sends, where the source has deletions that it cannot send.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Every resource, by every UUID: what the target has beside them, and the source has taken in, was deleted there.
    uuids: HashSet<Uuid>,
    digest: Digest,
}

impl Sent {
    /// Takes note of a page; gives its head and the number of its entries.
    fn note(&mut self, page: &[u8]) -> Result<(FeedHead, u64), WireError> {
        let mut reader = FeedReader::new(page, ReadLimits::WIDEST)?;
        let mut entries = 0;
        while let Some(entry) = reader.next_entry()? {
            self.uuids.extend(uuids(&entry));
            entries += 1;
        }
        let head = reader.into_head();
        self.digest = head.digest.clone().unwrap_or_default();
        Ok((head, entries))
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
            former: resource.former_uuids(),
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

/// The digest that makes a target again what it was `before` to a source that has `carried` everything to it: of what it did not know,
/// it has nothing. The own tick cannot be set, and need not.
fn put_back(before: &Digest, carried: &Digest) -> Digest {
    let others = carried.entries.iter().filter(|(endpoint, _)| Some(*endpoint) != before.origin.as_ref());
    let entry = |(endpoint, entry): (&_, &DigestEntry)| {
        let known = before.entries.get(endpoint).copied();
        (Clone::clone(endpoint), known.unwrap_or(DigestEntry { tick: Tick::ZERO, ..*entry }))
    };
    Digest { origin: before.origin.clone(), entries: others.map(entry).collect() }
}

/// What a target had taken in before everything was carried to it, and what it is told to have when not all was deleted after that.
pub(super) struct Before {
    body: Bytes,
    carried: Digest,
}

impl Pass<'_> {
    /// Where the source serves the target as it is, if it does: then it has every deletion that the target lacks, and keeps them while
    /// this context is there.
    pub(super) async fn serves_as_it_is(&mut self, target_digest: Bytes) -> Result<Option<Url>, EngineError> {
        match self.start(Operation::Source, self.source, target_digest).await {
            Err(error) if error.is_called(BEHIND_HORIZON) => Ok(None),
            served => served.map(|Done { context, .. }| Some(context)),
        }
    }

    /// Reads the source's feed for somebody who has nothing, which begins with `answer` at `context`, and deletes at the target what it
    /// lacks; `target_digest` is what the target has taken in. The context is left: its first page is given again, to be carried. While it
    /// is there, its source keeps the tombstones that it has. A target that cannot say yet what it has gets everything first: then what was
    /// sent is given, too.
    pub(super) async fn delete_first(
        &mut self,
        answer: Answer,
        context: &Url,
        target_digest: Bytes,
    ) -> Result<(Answer, Option<Sent>), EngineError> {
        let sent = self.sent(answer).await?;
        let owed = match self.delete_missing(&sent).await {
            Err(error) if error.is_called(RECOVERING) => {
                // The first of all: one that was read after something was carried says too much.
                let carried = sent.digest.clone();
                self.before.get_or_insert(Before { body: target_digest, carried });
                Some(sent)
            }
            deleted => deleted.map(|()| None)?,
        };
        let again = operation::wait(self.remote, context, Duration::ZERO).await?;
        Ok((again, owed))
    }

    /// What the source sends, page by page, without carrying it.
    async fn sent(&mut self, mut answer: Answer) -> Result<Sent, EngineError> {
        let (mut sent, mut read) = (Sent::default(), HashSet::new());
        for page in 1.. {
            check_new(&mut read, &answer.url)?;
            let (head, entries) = sent.note(&answer.body).map_err(|reason| unreadable(&answer.url, "feed", reason))?;
            self.remote.notice(PassEvent::PageRead { page, entries, total: head.total_results });
            let Some(next) = next_page(&answer, &head)? else { break };
            answer = operation::wait(self.remote, &next, Duration::ZERO).await?;
        }
        Ok(sent)
    }

    /// Deletes at the target what the source has taken in and does not have any more. It is an ordinary change of the target, which
    /// travels on as a deletion. What waits at the source to be applied is not deleted there.
    ///
    /// # Errors
    /// [`EngineError::NotDeleted`] when not all of it went.
    pub(super) async fn delete_missing(&mut self, sent: &Sent) -> Result<(), EngineError> {
        let gone = self.missing(sent).await?;
        match self.delete_gone(gone).await? {
            0 => Ok(()),
            count => Err(EngineError::NotDeleted { url: self.target.to_string(), count }),
        }
    }

    /// What the target holds beside what was sent: it is asked for everything, page by page.
    async fn missing(&mut self, sent: &Sent) -> Result<Vec<Gone>, EngineError> {
        let everything = nothing_yet(self.target)?;
        let Done { mut answer, context } = self.start(Operation::Source, self.target, everything).await?;
        let (mut gone, mut read) = (Vec::new(), HashSet::new());
        loop {
            check_new(&mut read, &answer.url)?;
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

    /// Tells a target that got everything before it could be told to delete something that it has not got it: else the next pass would
    /// not see that something is left to be deleted.
    pub(super) async fn take_back(&self, before: &Before) -> Result<(), EngineError> {
        let url = self.target.sync_digest();
        let unread = |reason| unreadable(&url, "digest", reason);
        let had = read_digest_entry(&before.body, DigestUse::Pass, ReadLimits::WIDEST).map_err(unread)?;
        let entry = digest_entry(&put_back(&had, &before.carried), url.as_str(), Stamp::now());
        let answer = self.remote.put(&url, ENTRY_TYPE, write_entry(&entry).map_err(unread)?).await?;
        if !answer.status.is_success() {
            return Err(answer.refusal());
        }
        // What it got back of its own changes cannot be taken back: its deletions of them are not looked for again.
        match had.origin.filter(|own| had.entries.get(own).map(|had| had.tick) < Some(before.carried.tick_of(own))) {
            Some(_) => Err(EngineError::OwnTickRose { url: self.target.to_string() }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Endpoint, Priority};
    use rstest::rstest;

    const OTHER: &str = "http://n2.example.com/sdata/app/contract/-/accounts";
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

    /// OURS-GROWTH-02: whoever got everything and has not deleted all is, to the source, who it was.
    #[test]
    fn a_digest_that_is_put_back_knows_no_more_of_others_than_before() {
        let digest = |own: u64, other: Option<u64>| {
            let entry = |endpoint: &str, tick: u64| {
                (
                    Endpoint::parse(endpoint).unwrap(),
                    DigestEntry {
                        tick: Tick::new(tick).unwrap(),
                        stamp: Stamp::EPOCH,
                        conflict_priority: Priority::LOWEST,
                    },
                )
            };
            let entries = [entry(NODE, own)].into_iter().chain(other.map(|tick| entry(OTHER, tick))).collect();
            Digest { origin: Some(Endpoint::parse(NODE).unwrap()), entries }
        };
        let ticks = |before: &Digest| {
            let back = put_back(before, &digest(30, Some(9)));
            back.entries.iter().map(|(endpoint, entry)| (endpoint.to_string(), entry.tick.value())).collect::<Vec<_>>()
        };
        assert_eq!(ticks(&digest(7, Some(4))), [(OTHER.to_owned(), 4)]);
        assert_eq!(ticks(&digest(7, None)), [(OTHER.to_owned(), 0)]);
    }
}
