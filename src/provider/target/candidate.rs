//! An entry beside what is stored of its resource, judged without I/O.

use super::incoming::{EntryRefusal, Incoming};
use super::ready::Ready;
use crate::protocol::{Digest, Endpoint, Side, Tick, Uuids, Verdict, verdict, verdict_on_waiting};
use crate::provider::references::ReferencedResources;
use crate::provider::{Collection, Error};
use crate::store::{ResourceId, StoredResource};
use crate::wire::Element;
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// Everything stored that the entries of a chunk touch, read in a few statements.
#[derive(Debug, Default)]
pub struct Lookups {
    /// The resources the entries are about, by the UUIDs that were sent; locked.
    pub resources: HashMap<Uuid, StoredResource>,
    /// The UUIDs they bore before.
    pub former_uuids: HashMap<ResourceId, BTreeSet<Uuid>>,
    /// The contents of those of which something has to be read.
    pub contents: HashMap<ResourceId, Bytes>,
    /// Who bears the states that come in.
    pub bearers: HashMap<(Endpoint, Tick), ResourceId>,
    /// Who bears the values that must be unique.
    pub unique_owners: HashMap<(String, String), ResourceId>,
    /// The resources that references lead to.
    pub referenced: ReferencedResources,
    /// What is parked of these resources: resource, endpoint and tick -> whether a digest that passes it was shown.
    pub parked: HashMap<(Uuid, Endpoint, Tick), bool>,
    /// Whether tombstones are gone here: what was taken in and is not here was deleted, and must not come back.
    pub has_purged: bool,
}

impl Lookups {
    /// Whether `incoming` is parked here, and if so, whether a digest that passes it was shown to somebody.
    pub(super) fn parked(&self, incoming: &Incoming) -> Option<bool> {
        let state = incoming.state.as_ref()?;
        self.parked.get(&(incoming.uuid?, state.endpoint.clone(), state.tick)).copied()
    }

    /// What is stored of the resource that `incoming` is about, which may be several resources here while it is one there:
    /// first the version it has to stand against. That is a live one if there is any, as nobody deleted that; and among these
    /// one its sender has not seen.
    fn stored(&self, incoming: &Incoming) -> Vec<StoredResource> {
        let mut stored: Vec<StoredResource> = Vec::new();
        for resource in incoming.named().filter_map(|uuid| self.resources.get(&uuid)) {
            if !stored.iter().any(|known| known.id == resource.id) {
                stored.push(resource.clone());
            }
        }
        let is_seen =
            |resource: &StoredResource| resource.state.as_ref().is_some_and(|state| incoming.source.contains(state));
        stored.sort_by_key(|resource| (resource.deleted, is_seen(resource)));
        stored
    }

    /// All UUIDs by which the resource that `incoming` is about is known, to its sender or here.
    pub(super) fn names(&self, incoming: &Incoming) -> BTreeSet<Uuid> {
        let stored = incoming.named().filter_map(|uuid| self.resources.get(&uuid));
        incoming.named().chain(stored.flat_map(|resource| self.uuids(resource).all().collect::<Vec<_>>())).collect()
    }

    fn uuids(&self, resource: &StoredResource) -> Uuids {
        let former = self.former_uuids.get(&resource.id).cloned().unwrap_or_default();
        Uuids { current: resource.uuid, former }
    }
}

/// An entry with its stored counterpart and, where it can be applied, the resource it makes.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// As it came in.
    pub incoming: &'a Incoming,
    /// What is stored under its UUID.
    pub stored: Option<StoredResource>,
    /// Resources that its sender knows to be the same as the stored one (sync 1.2).
    pub doubles: Vec<StoredResource>,
    /// All UUIDs by which these are known here.
    pub uuids: Uuids,
    /// Its content, as it is stored.
    pub stored_content: Option<Bytes>,
    /// What the rules say; `None` when the entry cannot be judged.
    pub verdict: Option<Verdict>,
    /// The resource it makes; `None` for deletes and for what is not applied.
    pub ready: Option<Arc<Ready>>,
    /// Why it cannot be applied.
    pub refusal: Option<EntryRefusal>,
}

impl<'a> Candidate<'a> {
    /// Judges `incoming` by the rules of sync 5.4; its payload is not looked at.
    #[must_use]
    pub fn judge(incoming: &'a Incoming, lookups: &Lookups, target: &Digest) -> Self {
        let mut doubles = lookups.stored(incoming);
        let mut uuids = doubles.first().map(|stored| lookups.uuids(stored)).unwrap_or_default();
        doubles.iter().skip(1).for_each(|double| uuids.take_in(&lookups.uuids(double)));
        let stored = (!doubles.is_empty()).then(|| doubles.remove(0));
        let mut candidate = Self {
            incoming,
            stored,
            doubles,
            uuids,
            stored_content: None,
            verdict: None,
            ready: None,
            refusal: incoming.fault.clone(),
        };
        let (None, Some(state)) = (&candidate.refusal, &incoming.state) else { return candidate };
        let target = match lookups.parked(incoming) {
            None => Cow::Borrowed(target),
            // The digest has passed it, but what was changed here meanwhile knew nothing of it.
            Some(_) => Cow::Owned(target.short_of(state)),
        };
        let decided = match &candidate.stored {
            None if lookups.has_purged && target.contains(state) => Verdict::Ignore,
            None => verdict(state, &incoming.source, None, &target),
            Some(StoredResource { state: None, stamp, .. }) => {
                verdict_on_waiting(state, &incoming.source, *stamp, &target)
            }
            Some(stored) => verdict(state, &incoming.source, stored.state.as_ref(), &target),
        };
        candidate.verdict = Some(decided);
        candidate
    }

    /// The payload that replaces what is stored.
    fn applied_payload(&self) -> Option<&'a Element> {
        self.incoming.resource.as_ref().filter(|_| self.is_applied() && !self.incoming.deleted)
    }

    /// The resources whose contents have to be read: one that is only partly overwritten, and those whose versions are lost
    /// and go to the audit. Most peers send all there is of a resource: then nothing is read of what is replaced.
    pub(super) fn read_of_stored(&self, collection: &Collection) -> impl Iterator<Item = ResourceId> + use<'_, 'a> {
        let is_partly = |sent| !collection.contract.says_all(&collection.kind, sent);
        let loses = matches!(self.verdict, Some(Verdict::Conflict { winner: Side::Source, .. }));
        let is_read = self.refusal.is_none() && (loses || self.applied_payload().is_some_and(is_partly));
        let stored = self.stored.iter().filter(move |_| is_read);
        stored.chain(&self.doubles).filter(|resource| !resource.deleted).map(|resource| resource.id)
    }

    /// Checks the payload of an entry that is to be applied, and lays it over what is stored.
    ///
    /// # Errors
    /// When a stored payload cannot be read.
    pub(super) fn check(
        &mut self,
        collection: &Collection,
        contents: &HashMap<ResourceId, Bytes>,
    ) -> Result<(), Error> {
        self.stored_content = self.stored.as_ref().and_then(|stored| contents.get(&stored.id)).cloned();
        let Some(sent) = self.applied_payload() else { return Ok(()) };
        let is_alone = self.stored_content.is_none() || collection.contract.says_all(&collection.kind, sent);
        let checked = match &self.incoming.alone {
            Some(checked) if is_alone => checked.clone(),
            _ => Ready::of(collection, sent, self.stored_element(collection)?.as_ref())?.map(Arc::new),
        };
        match checked {
            Ok(ready) => self.ready = Some(ready),
            Err(refusal) => self.refusal = Some(refusal),
        }
        Ok(())
    }

    /// Whether the entry replaces what is stored.
    #[must_use]
    pub fn is_applied(&self) -> bool {
        self.refusal.is_none()
            && matches!(
                self.verdict,
                Some(Verdict::Create | Verdict::Apply | Verdict::Conflict { winner: Side::Source, .. })
            )
    }

    /// Whether the entry becomes a change of ours when it is applied: others, not its sender alone, have to hear of it from here.
    pub(super) fn becomes_ours(&self, lookups: &Lookups) -> bool {
        lookups.parked(self.incoming) == Some(true) || !self.incoming.uuids().cover(&self.uuids)
    }

    /// The content of the stored counterpart.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn stored_element(&self, collection: &Collection) -> Result<Option<Element>, Error> {
        self.stored_content.as_ref().map(|content| collection.element(content)).transpose()
    }

    /// The resources that are what the entry is about.
    pub(super) fn own_ids(&self) -> impl Iterator<Item = ResourceId> + '_ {
        self.stored.iter().chain(&self.doubles).map(|own| own.id)
    }

    /// Whether a resource is what the entry is about.
    pub(super) fn is_own(&self, id: ResourceId) -> bool {
        self.own_ids().any(|own| own == id)
    }
}
