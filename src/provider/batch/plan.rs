//! What a chunk of requests does, decided one after the other and written together.

use super::candidate::{Candidate, RefusedRequest, Writing};
use super::{Done, Outcome};
use crate::contract::{Accepted, Fault, Reference, ReferenceTarget};
use crate::protocol::Stamp;
use crate::provider::references::ReferencedResources;
use crate::provider::{Collection, Error};
use crate::store::{Content, Document, NewState, Properties, ResourceId, ResourceWrite, StoredResource};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Who asks, and with what new resources are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'t> {
    /// Who asks.
    pub(super) user: Option<&'t str>,
    /// The time of the changes.
    pub(super) now: Stamp,
    /// How often a key that this application made up proved taken.
    pub(super) attempt: u32,
}

/// What a chunk writes, and what it makes true for the requests that come later in it.
#[derive(Debug)]
pub(super) struct Plan<'p> {
    collection: &'p Collection,
    terms: Terms<'p>,
    /// What references by key lead to in the store.
    found: ReferencedResources,
    /// Who bears the unique values of the chunk.
    owners: HashMap<(String, String), ResourceId>,
    /// Keys of what the chunk has created, with the UUIDs it brought.
    created: HashMap<String, Option<Uuid>>,
    /// Keys of what the chunk has deleted.
    deleted: HashSet<String>,
    pub(super) updates: Vec<ResourceWrite>,
    pub(super) inserts: Vec<ResourceWrite>,
}

impl<'p> Plan<'p> {
    pub(super) fn new(
        collection: &'p Collection,
        terms: Terms<'p>,
        found: ReferencedResources,
        owners: HashMap<(String, String), ResourceId>,
    ) -> Self {
        Self {
            collection,
            terms,
            found,
            owners,
            created: HashMap::new(),
            deleted: HashSet::new(),
            updates: Vec::new(),
            inserts: Vec::new(),
        }
    }

    /// Decides on one request; a new resource gets the next of `ids`. A request that is refused leaves nothing behind.
    pub(super) fn take(
        &mut self,
        candidate: Result<Candidate, RefusedRequest>,
        ids: &mut impl Iterator<Item = ResourceId>,
    ) -> Outcome {
        match candidate {
            Err(RefusedRequest { error, current }) => {
                Outcome { done: Err(error), document: current.map(|current| *current) }
            }
            Ok(Candidate::Read(document)) => Outcome { done: Ok(Done::Read), document: Some(document) },
            Ok(Candidate::Repeated(document)) => Outcome { done: Ok(Done::Created), document: Some(document) },
            Ok(Candidate::Delete(document)) => self.delete(&document.resource),
            Ok(Candidate::Write(writing)) => {
                self.write(*writing, ids).unwrap_or_else(|error| Outcome { done: Err(error), document: None })
            }
        }
    }

    /// Leaves the tombstone that tells others (core 10.1).
    fn delete(&mut self, stored: &StoredResource) -> Outcome {
        let tombstone = ResourceWrite {
            id: stored.id,
            key: stored.key.clone(),
            uuid: stored.uuid,
            state: NewState::Unstamped(Stamp::of_change(self.terms.now, Some(stored.stamp))),
            user: self.terms.user.map(str::to_owned),
            deleted: true,
            etag: self.collection.etag(None),
            content: None,
        };
        self.owners.retain(|_, owner| *owner != stored.id);
        self.deleted.insert(stored.key.clone());
        let document = written(&tombstone, stored.created);
        self.updates.push(tombstone);
        Outcome { done: Ok(Done::Deleted), document: Some(document) }
    }

    fn write(&mut self, writing: Writing, ids: &mut impl Iterator<Item = ResourceId>) -> Result<Outcome, Error> {
        let Writing { stored, key, uuid, mut accepted, only_if_changed } = writing;
        let id = stored.as_ref().map(|stored| stored.resource.id).or_else(|| ids.next());
        let id = id.ok_or_else(|| Error::Internal("more resources are created than were asked for".to_owned()))?;
        let has_key_references = self.settle(&mut accepted)?;
        let clash = accepted.unique.iter().find(|value| self.owners.get(*value).is_some_and(|owner| *owner != id));
        if let Some((property, value)) = clash {
            return Err(Error::NotUnique { property: property.clone(), value: value.clone() });
        }
        let (key, uuid) = match &stored {
            Some(stored) => (stored.resource.key.clone(), stored.resource.uuid),
            None => (key.unwrap_or_else(|| Collection::fresh_key(id, self.terms.attempt)), uuid),
        };
        let stamp = Stamp::of_change(self.terms.now, stored.as_ref().map(|stored| stored.resource.stamp));
        let payload = Bytes::from(accepted.resource.content_xml()?);
        if let Some(stored) =
            stored.as_ref().filter(|stored| only_if_changed && stored.payload == Some(payload.clone()))
        {
            return Ok(Outcome { done: Ok(Done::Unchanged), document: Some(stored.clone()) });
        }
        let Accepted { unique, properties, .. } = accepted;
        self.owners.retain(|_, owner| *owner != id);
        self.owners.extend(unique.iter().map(|value| (value.clone(), id)));
        let write = ResourceWrite {
            id,
            key,
            uuid,
            // Unstamped, later than the version it replaces (docs/adr/0001-lazy-stamping.md).
            state: NewState::Unstamped(stamp),
            user: self.terms.user.map(str::to_owned),
            deleted: false,
            etag: self.collection.etag(Some(&payload)),
            content: Some(Content {
                payload,
                properties: Properties::from_json(properties),
                unique,
                has_key_references,
            }),
        };
        let created = stored.as_ref().map_or(stamp, |stored| stored.resource.created);
        let document = Some(written(&write, created));
        if stored.is_some() {
            self.updates.push(write);
            return Ok(Outcome { done: Ok(Done::Updated), document });
        }
        self.created.insert(write.key.clone(), write.uuid);
        self.inserts.push(write);
        Ok(Outcome { done: Ok(Done::Created), document })
    }

    /// References that a client sets by key must lead somewhere, since it can see what is here. Those to linked
    /// resources are kept by UUID, the others until they are first sent by key (sync 6.1). Says whether any is.
    fn settle(&self, accepted: &mut Accepted) -> Result<bool, Error> {
        let is_lost = |reference: &&Reference| self.located(reference).is_none();
        let lost = by_key(&accepted.references).filter(is_lost);
        let faults: Vec<_> = lost
            .map(|reference| Fault {
                path: reference.path.clone(),
                message: format!("the reference leads to no resource of {}", reference.kind),
            })
            .collect();
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let uuid_of = |reference: &Reference| match reference.target {
            ReferenceTarget::Uuid(uuid) => Some(uuid),
            ReferenceTarget::Key(_) => self.located(reference).flatten(),
        };
        let collection = self.collection;
        let left = collection.contract.link_references(&collection.kind, &mut accepted.resource, &uuid_of);
        if by_key(&accepted.references).next().is_some() {
            accepted.properties = collection.contract.scalars(&collection.kind, &accepted.resource);
        }
        Ok(left)
    }

    /// The resource that a reference by key leads to now, by the UUID that it may have; `None` when there is none.
    fn located(&self, reference: &Reference) -> Option<Option<Uuid>> {
        if reference.kind == self.collection.kind.plural_name
            && let ReferenceTarget::Key(key) = &reference.target
        {
            if let Some(uuid) = self.created.get(key) {
                return Some(*uuid);
            }
            if self.deleted.contains(key) {
                return None;
            }
        }
        self.found.get(reference).map(|resource| resource.uuid)
    }
}

/// The references that name a resource by this application's key.
pub(super) fn by_key(references: &[Reference]) -> impl Iterator<Item = &Reference> {
    references.iter().filter(|reference| matches!(reference.target, ReferenceTarget::Key(_)))
}

/// The resource that a write leaves behind: what its writer is told, whatever others do to it the next moment.
fn written(write: &ResourceWrite, created: Stamp) -> Document {
    let (state, stamp) = match &write.state {
        NewState::Unstamped(stamp) => (None, *stamp),
        NewState::Stamped(state) => (Some(state.clone()), state.stamp),
    };
    let content = write.content.as_ref();
    let resource = StoredResource {
        id: write.id,
        key: write.key.clone(),
        uuid: write.uuid,
        state,
        stamp,
        user: write.user.clone(),
        etag: write.etag.clone(),
        deleted: write.deleted,
        has_key_references: content.is_some_and(|content| content.has_key_references),
        created,
    };
    Document { resource, payload: content.map(|content| content.payload.clone()) }
}
