//! `$syncSource`: finding out what the target lacks, and handing it out page by page (sync 5.2, 5.6).

use super::lease::still_wanted;
use super::recovery::{Testimony, TickClock};
use super::{Collection, Error, Lease, Provider};
use crate::contract::{Reference, ReferenceTarget};
use crate::protocol::paging::PageRequest;
use crate::protocol::selection::missing_ranges;
use crate::protocol::{Digest, Stamp, SyncMode, TickRange, horizon};
use crate::store::{Change, Content, Glance, Position, Properties, ResourceId, TrackingKey, Txn};
use crate::wire::{Category, EntryOut, FeedOut, Link};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Resources prepared per transaction: bounds both memory and how long a writer may wait for one.
const PREPARED_AT_ONCE: u64 = 1000;

/// Bytes that a page of a source feed has, if one entry alone has not more: a quarter of what a target takes at once that
/// is configured as providers of this kind are.
const PAGE_BYTES: usize = 16 << 20;

/// Changes that are read before it is known how large they are.
const READ_AT_ONCE: u64 = 17;

/// What a `$syncSource` asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SourceRequest {
    /// What the target has taken in.
    pub target_digest: Digest,
    /// Entries a page is to have, where the request says so.
    pub count: Option<i64>,
}

/// What a `$syncSource` context remembers: the digests and the ranges, never the resources (sync 5.2, decided).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SourceContext {
    /// This collection's digest when the context was made.
    pub source_digest: Digest,
    /// What the target lacked.
    pub ranges: Vec<TickRange>,
    /// Changes in the ranges when the context was made.
    pub total: u64,
    /// Entries a page has when its reader does not say otherwise.
    pub count: Option<i64>,
    /// When the context was made.
    pub made_at: Stamp,
    /// Where pages ended that somebody read: start index of the next page -> position before it. A page asked for by
    /// number then starts where the one before it ended, also when changes have left the ranges in between.
    pub page_ends: BTreeMap<u64, Position>,
}

impl Provider {
    /// Makes the context of a source operation, in the transaction that finishes its job and gives its lane back.
    ///
    /// # Errors
    /// [`Error::Recovering`] and [`Error::BehindHorizon`]; else when the store fails or the lane is lost: nothing is done then, and the
    /// job can be run again.
    pub async fn prepare_source(
        &self,
        collection: &Collection,
        request: &SourceRequest,
        job: TrackingKey,
        lease: &Lease,
        expires_at: Stamp,
    ) -> Result<SourceContext, Error> {
        let target_digest = &request.target_digest;
        self.link_ahead(collection, target_digest, lease).await?;
        crate::store::retrying(|| async {
            let now = self.now();
            let mut txn = self.store.begin().await?;
            lease.hold(&mut txn, collection.id).await?;
            let mut clock =
                TickClock::lock(&mut txn, collection, Some(Testimony::alone(target_digest)), [], now).await?;
            clock.stamp(&mut txn, now).await?;
            clock.save(&mut txn).await?;
            if clock.recovery.is_some() {
                // What was found out is kept, whatever becomes of the operation.
                txn.commit().await?;
                return Err(Error::Recovering(collection.url.clone()));
            }
            let digest = clock.digest;
            horizon::check(target_digest, &digest, &txn.horizons(collection.id).await?)?;
            let own_from = target_digest.tick_of(&collection.endpoint);
            while txn.link_stamped(collection.id, own_from, PREPARED_AT_ONCE).await? == PREPARED_AT_ONCE {}
            let ranges = missing_ranges(&digest, target_digest);
            self.translate_references(&mut txn, collection, &ranges).await?;
            let total = txn.count_ranges(collection.id, &ranges).await?;
            // Whoever takes this digest over will never ask for what is parked here: from now on a parked
            // entry that can be applied after all is a change of ours (docs/architecture.md, parked entries).
            txn.mark_digest_shown(collection.id).await?;
            let context = SourceContext {
                source_digest: digest,
                ranges,
                total,
                count: request.count,
                made_at: now,
                page_ends: BTreeMap::new(),
            };
            still_wanted(txn.finish(job, &to_json(&context)?, now, expires_at).await?)?;
            lease.give_back(&mut txn, collection.id).await?;
            txn.commit().await?;
            Ok(context)
        })
        .await
    }

    /// The context of a source operation that has nothing to send, where that can be seen at a glance: everything is
    /// stamped, the target has it all, and nothing is parked that whoever takes this digest over would be owed.
    ///
    /// # Errors
    /// [`Error::Recovering`]; else when the store cannot be read.
    pub async fn nothing_to_send(
        &self,
        collection: &Collection,
        request: &SourceRequest,
        now: Stamp,
    ) -> Result<Option<SourceContext>, Error> {
        let Glance { digest: source_digest, is_waiting, is_owing, is_recovering, seems_fallen } =
            self.store.glance(collection.id).await?;
        if is_recovering {
            return Err(Error::Recovering(collection.url.clone()));
        }
        let own = &collection.endpoint;
        let knows_more = request.target_digest.tick_of(own) > source_digest.tick_of(own);
        let is_moving = is_waiting || is_owing || seems_fallen;
        if is_moving || knows_more || !missing_ranges(&source_digest, &request.target_digest).is_empty() {
            return Ok(None);
        }
        let (count, made_at) = (request.count, now);
        let page_ends = BTreeMap::new();
        Ok(Some(SourceContext { source_digest, ranges: Vec::new(), total: 0, count, made_at, page_ends }))
    }

    /// Gives UUIDs to what is about to be sent, in short transactions, so that the one under the collection's lock
    /// finds little left to do however many resources were never sent before.
    pub(super) async fn link_ahead(
        &self,
        collection: &Collection,
        target: &Digest,
        lease: &Lease,
    ) -> Result<(), Error> {
        let from = target.tick_of(&collection.endpoint);
        while self.store.has_unlinked(collection.id, from).await? {
            let linked = crate::store::retrying(|| async {
                let mut txn = self.store.begin().await?;
                lease.hold(&mut txn, collection.id).await?;
                let linked = txn.link_unsent(collection.id, from, PREPARED_AT_ONCE).await?;
                txn.commit().await?;
                Ok::<_, Error>(linked)
            })
            .await?;
            if linked < PREPARED_AT_ONCE {
                break;
            }
        }
        Ok(())
    }

    /// Turns references by this application's key into references by UUID, in everything that will be sent: the
    /// resources they lead to are linked by that (sync 6.1).
    async fn translate_references(
        &self,
        txn: &mut Txn,
        collection: &Collection,
        ranges: &[TickRange],
    ) -> Result<(), Error> {
        let mut seen: HashSet<ResourceId> = HashSet::new();
        loop {
            let changes = txn.with_key_references(collection.id, ranges, PREPARED_AT_ONCE).await?;
            let fresh: Vec<_> = changes.into_iter().filter(|change| seen.insert(change.resource.id)).collect();
            if fresh.is_empty() {
                return Ok(());
            }
            let mut resources = Vec::with_capacity(fresh.len());
            for change in &fresh {
                resources.push(collection.element(change.payload.as_deref().unwrap_or_default())?);
            }
            let references =
                resources.iter().flat_map(|resource| collection.contract.references(&collection.kind, resource));
            let uuids = self.uuids_of_keys(txn, collection, references).await?;
            let uuid_of = |reference: &Reference| match &reference.target {
                ReferenceTarget::Key(key) => uuids.get(&(Arc::clone(&reference.kind), key.clone())).copied(),
                ReferenceTarget::Uuid(uuid) => Some(*uuid),
            };
            let mut rewritten = Vec::with_capacity(fresh.len());
            for (change, mut resource) in fresh.iter().zip(resources) {
                let kind = &collection.kind;
                let has_key_references = collection.contract.link_references(kind, &mut resource, &uuid_of);
                rewritten.push((change.resource.id, collection.content(&resource, has_key_references)?));
            }
            txn.replace_content(collection.id, &rewritten).await?;
        }
    }

    /// The UUIDs of resources that are referenced by key, given to them where they have none.
    async fn uuids_of_keys(
        &self,
        txn: &mut Txn,
        collection: &Collection,
        references: impl Iterator<Item = Reference>,
    ) -> Result<HashMap<(Arc<str>, String), Uuid>, Error> {
        let mut keys: HashMap<Arc<str>, HashSet<String>> = HashMap::new();
        for reference in references {
            if let ReferenceTarget::Key(key) = reference.target {
                keys.entry(reference.kind).or_default().insert(key);
            }
        }
        let mut uuids = HashMap::new();
        for (kind, keys) in keys {
            let Some(sibling) = self.sibling(collection, &kind) else { continue };
            let keys: Vec<_> = keys.into_iter().collect();
            // Locked: two operations that reach one resource must not give it two UUIDs.
            let found = txn.lock_referenced_by_keys(sibling.id, &keys).await?;
            // Also a tombstone nobody heard of: a reference that peers cannot read would leave theirs as it was.
            let unlinked = found.values().filter(|resource| resource.uuid.is_none());
            let unlinked: BTreeMap<_, _> = unlinked.map(|resource| (resource.id, resource.created)).collect();
            let linked = txn.fresh_uuids(sibling.id, &unlinked.into_iter().collect::<Vec<_>>()).await?;
            txn.link(&linked).await?;
            let linked: HashMap<_, _> = linked.into_iter().collect();
            for (key, resource) in found {
                if let Some(uuid) = resource.uuid.or_else(|| linked.get(&resource.id).copied()) {
                    uuids.insert((Arc::clone(&kind), key), uuid);
                }
            }
        }
        Ok(uuids)
    }

    /// One page of a context, and where it ends if more follows.
    ///
    /// # Errors
    /// When the store cannot be read or a payload cannot be written.
    pub async fn source_page(
        &self,
        collection: &Collection,
        context: &SourceContext,
        page: PageRequest,
        after: Option<Position>,
    ) -> Result<SourcePage, Error> {
        let after = match after {
            Some(position) => Some(position),
            None => self.page_start(collection, context, page).await?,
        };
        // A position is where it is, however many entries there were to begin with.
        let past_the_end = page.count == 0 || (after.is_none() && page.start_index > context.total.max(1));
        let (changes, more) = match past_the_end {
            true => (Vec::new(), false),
            false => self.changes_of_page(collection, context, page.count, after).await?,
        };
        let end = changes.last().and_then(|change| position_of(&context.ranges, change));
        let former_uuids = if self.store.has_former_uuids(collection.id).await? {
            let ids: Vec<_> = changes.iter().map(|change| change.resource.id).collect();
            self.store.former_uuids(&ids).await?
        } else {
            HashMap::new()
        };
        Ok(SourcePage { changes, former_uuids, next: end.filter(|_| more) })
    }

    /// Up to `count` changes behind `after`, and whether there are more. A page ends before its count where it would be longer than a
    /// target may take at once: with the first entry that it has no room for, but not before the second.
    async fn changes_of_page(
        &self,
        collection: &Collection,
        context: &SourceContext,
        count: u64,
        after: Option<Position>,
    ) -> Result<(Vec<Change>, bool), Error> {
        let (mut changes, mut bytes, mut after): (Vec<Change>, usize, _) = (Vec::new(), 0, after);
        let mut at_once = READ_AT_ONCE;
        loop {
            // One more than there is room for: whether there is any.
            let limit = count.saturating_sub(changes.len() as u64).saturating_add(1).min(at_once);
            let read = self.store.read_ranges(collection.id, &context.ranges, after, limit).await?;
            let is_last = (read.len() as u64) < limit;
            for change in read {
                let length = change.payload.as_ref().map_or(0, Bytes::len) + ENTRY_HEAD_BYTES;
                let is_full = changes.len() as u64 >= count || bytes.saturating_add(length) > PAGE_BYTES;
                if is_full && !changes.is_empty() {
                    return Ok((changes, true));
                }
                bytes = bytes.saturating_add(length);
                after = position_of(&context.ranges, &change).or(after);
                changes.push(change);
            }
            if is_last {
                return Ok((changes, false));
            }
            // As many as there is room for, going by those that were read.
            let mean = bytes.div_ceil(changes.len().max(1)).max(1);
            at_once = READ_AT_ONCE.max((PAGE_BYTES.saturating_sub(bytes) / mean) as u64);
        }
    }

    async fn page_start(
        &self,
        collection: &Collection,
        context: &SourceContext,
        page: PageRequest,
    ) -> Result<Option<Position>, Error> {
        if page.start_index == 1 {
            return Ok(None);
        }
        if let Some(position) = context.page_ends.get(&page.start_index) {
            return Ok(Some(*position));
        }
        Ok(self.store.position_at(collection.id, &context.ranges, page.offset()).await?)
    }
}

/// Changes on one page of a source feed.
#[derive(Debug)]
pub struct SourcePage {
    /// In order.
    pub changes: Vec<Change>,
    /// The UUIDs that resources on it bore before: without them a target that knows a resource by one would take it for
    /// a new one (docs/adr/0004-uuid-changes.md).
    pub former_uuids: HashMap<ResourceId, BTreeSet<Uuid>>,
    /// Where the next page begins, if there is one.
    pub next: Option<Position>,
}

/// What an entry of a source feed has beside its payload, in bytes: enough for most.
const ENTRY_HEAD_BYTES: usize = 1024;

impl SourcePage {
    /// About how many bytes its entries have as XML.
    #[must_use]
    pub fn expected_bytes(&self) -> usize {
        let payload = |change: &Change| change.payload.as_ref().map_or(0, Bytes::len);
        self.changes.iter().map(|change| payload(change) + ENTRY_HEAD_BYTES).sum()
    }

    /// The page's entries, in order.
    pub fn into_entries(self, collection: &Collection) -> impl Iterator<Item = EntryOut> {
        let mut former_uuids = self.former_uuids;
        self.changes.into_iter().map(move |mut change| {
            let state = change.resource.state.take();
            let former = former_uuids.remove(&change.resource.id).unwrap_or_default();
            collection.change_entry(change, state, former)
        })
    }
}

/// The head of a page as targets take it (sync 4.4).
#[must_use]
pub fn source_head(
    collection: &Collection,
    context: &SourceContext,
    url: &str,
    links: Vec<Link>,
    page: PageRequest,
) -> FeedOut {
    FeedOut {
        id: url.to_owned(),
        title: format!("{} synchronization feed", collection.kind.label),
        updated: context.made_at,
        author: collection.name.application.clone(),
        category: Some(collection.category()),
        links,
        total_results: Some(context.total),
        start_index: Some(page.start_index),
        items_per_page: Some(page.count),
        sync_mode: Some(SyncMode::CatchUp),
        digest: Some(context.source_digest.clone()),
        ..FeedOut::default()
    }
}

fn position_of(ranges: &[TickRange], change: &Change) -> Option<Position> {
    let state = change.resource.state.as_ref()?;
    let range = ranges.iter().position(|range| range.endpoint == state.endpoint)?;
    Some(Position { range, tick: state.tick })
}

impl Collection {
    /// What feeds of the collection's resources are (core 3.12).
    #[must_use]
    pub fn category(&self) -> Category {
        Category { term: "collection".to_owned(), label: self.kind.label.clone() }
    }

    /// What is stored of a resource element.
    ///
    /// # Errors
    /// When the element holds characters that XML forbids.
    pub fn content(&self, resource: &crate::wire::Element, has_key_references: bool) -> Result<Content, Error> {
        Ok(Content {
            payload: Bytes::from(resource.content_xml()?),
            properties: Properties::from_json(self.contract.scalars(&self.kind, resource)),
            unique: self.contract.unique_values(&self.kind, resource),
            has_key_references,
        })
    }
}

/// A job's memory as it is kept.
pub fn to_json<T: Serialize>(value: &T) -> Result<serde_json::Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::Internal(error.to_string()))
}
