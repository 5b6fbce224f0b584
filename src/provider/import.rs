//! Many resources at once, as a file brings them: taken by the rules of a single POST or PUT, written in few statements
//! (core 8, 9).

use super::references::ReferencedResources;
use super::resources::{by_key, of_kind, sent_key, settle};
use super::{Collection, Error, Provider};
use crate::contract::{Accepted, Reference, ReferenceTarget, Sender};
use crate::protocol::Stamp;
use crate::store::{Duplicate, ResourceId, ResourceWrite, StoreError, StoredResource, Txn};
use crate::wire::names::SDATA;
use crate::wire::{Element, Node};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Tries of a batch: a key or value that somebody else takes at the same moment is seen by the next one.
const TRIES: u32 = 3;

/// What became of an imported resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// It is new, with the key and the UUID it brought.
    Created,
    /// It was here and is changed.
    Updated,
    /// It was here and is the same: no change that others would have to learn of.
    Unchanged,
}

/// A resource to import, and what it says of its identity.
struct Row<'r> {
    resource: &'r Element,
    key: Option<&'r str>,
    uuid: Option<Uuid>,
}

impl<'r> Row<'r> {
    fn of(collection: &Collection, resource: &'r Element) -> Result<Self, Error> {
        of_kind(collection, resource)?;
        if resource.is_deleted() {
            return Err(Error::BadBody("the resource is marked as deleted; an import deletes nothing".to_owned()));
        }
        let uuid = resource.uuid().transpose();
        let uuid = uuid.map_err(|text| Error::BadBody(format!("'{text}' is not a UUID")))?;
        Ok(Self { resource, key: sent_key(resource)?, uuid })
    }
}

impl Provider {
    /// Creates or changes resources in one transaction, a dozen statements whatever their number (a few hundred are
    /// meant). A resource whose UUID is known here is changed, else one whose key is; what is neither is created. One
    /// outcome for each, in order; a resource may refer by key to those before it.
    ///
    /// # Errors
    /// When the store fails; then nothing of the batch is written. What is wrong with a single resource is its outcome.
    pub async fn import(
        &self,
        collection: &Collection,
        resources: &[Element],
    ) -> Result<Vec<Result<Imported, Error>>, Error> {
        let mut outcomes = Vec::with_capacity(resources.len());
        let mut left = resources;
        while !left.is_empty() {
            let (batch, rest) = left.split_at(without_repeats(left));
            outcomes.extend(self.import_batch(collection, batch).await?);
            left = rest;
        }
        Ok(outcomes)
    }

    async fn import_batch(
        &self,
        collection: &Collection,
        resources: &[Element],
    ) -> Result<Vec<Result<Imported, Error>>, Error> {
        let mut attempt = 0;
        loop {
            let tried = crate::store::retrying(|| self.try_import(collection, resources, attempt)).await;
            match tried {
                Err(Error::Store(StoreError::Duplicate { what }))
                    if what != Duplicate::State && attempt + 1 < TRIES =>
                {
                    attempt += 1;
                }
                tried => return tried,
            }
        }
    }

    async fn try_import(
        &self,
        collection: &Collection,
        resources: &[Element],
        attempt: u32,
    ) -> Result<Vec<Result<Imported, Error>>, Error> {
        let ids = self.store.reserve_ids(resources.len() as u64).await?;
        let mut txn = self.store.begin().await?;
        let rows: Vec<_> = resources.iter().map(|resource| Row::of(collection, resource)).collect();
        let known = Known::read(&mut txn, collection, &rows).await?;
        let candidates: Vec<_> = rows.into_iter().map(|row| known.candidate(collection, &row?)).collect();
        let mut batch = self.batch(&mut txn, collection, &candidates).await?;
        let outcomes = candidates.into_iter().zip(ids);
        let outcomes: Vec<_> =
            outcomes.map(|(candidate, id)| batch.take(candidate?, (ResourceId(id), attempt), self.now())).collect();
        // Changes go first: a value that one of them gives up is free for what is new.
        txn.update(collection.id, &batch.updates).await?;
        txn.insert(collection.id, &batch.inserts).await?;
        txn.commit().await?;
        Ok(outcomes)
    }

    async fn batch<'c>(
        &self,
        txn: &mut Txn,
        collection: &'c Collection,
        candidates: &[Result<Candidate, Error>],
    ) -> Result<Batch<'c>, Error> {
        let accepted = || candidates.iter().flatten().map(|candidate| &candidate.accepted);
        let references = accepted().flat_map(|accepted| by_key(&accepted.references));
        let found = self.referenced_in(txn, collection, references).await?;
        let unique: Vec<_> = accepted().flat_map(|accepted| accepted.unique.iter().cloned()).collect();
        let owners = txn.unique_owners(collection.id, &unique).await?;
        Ok(Batch {
            collection,
            found,
            owners,
            taken: HashSet::new(),
            keys: HashSet::new(),
            updates: Vec::new(),
            inserts: Vec::new(),
        })
    }
}

/// How many resources go before the first that bears a key or UUID a second time: that one must see what became of
/// the first.
fn without_repeats(resources: &[Element]) -> usize {
    let (mut keys, mut uuids) = (HashSet::new(), HashSet::new());
    let is_repeat = |resource: &Element| {
        let key = resource.attribute(SDATA, "key").filter(|key| !key.is_empty());
        let uuid = resource.uuid().and_then(Result::ok);
        let is_known_key = key.is_some_and(|key| !keys.insert(key.to_owned()));
        let is_known_uuid = uuid.is_some_and(|uuid| !uuids.insert(uuid));
        is_known_key || is_known_uuid
    };
    resources.iter().position(is_repeat).unwrap_or(resources.len())
}

/// What is stored under the keys and UUIDs of a batch; locked.
struct Known {
    by_uuid: HashMap<Uuid, StoredResource>,
    by_key: HashMap<String, StoredResource>,
    contents: HashMap<ResourceId, Bytes>,
}

impl Known {
    async fn read(txn: &mut Txn, collection: &Collection, rows: &[Result<Row<'_>, Error>]) -> Result<Self, Error> {
        let uuids: Vec<_> = rows.iter().flatten().filter_map(|row| row.uuid).collect();
        let keys: Vec<_> = rows.iter().flatten().filter_map(|row| row.key).map(str::to_owned).collect();
        let by_uuid = txn.lock_by_uuids(collection.id, &uuids).await?;
        let by_key = txn.lock_by_keys(collection.id, &keys).await?;
        let ids: HashSet<_> = by_uuid.values().chain(by_key.values()).map(|stored| stored.id).collect();
        let contents = txn.documents(&ids.into_iter().collect::<Vec<_>>()).await?;
        Ok(Self { by_uuid, by_key, contents })
    }

    /// Finds what a row is about and lays it over that.
    fn candidate(&self, collection: &Collection, row: &Row<'_>) -> Result<Candidate, Error> {
        let stored = self.stored(row)?;
        if let Some(stored) = stored.filter(|stored| stored.deleted) {
            return Err(Error::Gone(collection.resource_url(&stored.key)));
        }
        let content = stored.and_then(|stored| self.contents.get(&stored.id)).cloned();
        let element = content.as_ref().map(|content| collection.element(content)).transpose()?;
        let mut sent = row.resource.clone();
        prefer_uuids(&mut sent);
        let accepted = collection.contract.accept(&collection.kind, &sent, element.as_ref(), Sender::Client);
        Ok(Candidate {
            key: row.key.map(str::to_owned),
            uuid: row.uuid,
            stored: stored.cloned(),
            content,
            accepted: accepted.map_err(Error::Invalid)?,
        })
    }

    /// The UUID is the same everywhere, a key only here: so the UUID goes first.
    fn stored(&self, row: &Row<'_>) -> Result<Option<&StoredResource>, Error> {
        if let Some(stored) = row.uuid.and_then(|uuid| self.by_uuid.get(&uuid)) {
            return Ok(Some(stored));
        }
        let Some(stored) = row.key.and_then(|key| self.by_key.get(key)) else { return Ok(None) };
        match (row.uuid, stored.uuid) {
            (Some(sent), Some(borne)) if sent != borne => Err(Error::Taken(format!(
                "the key '{}' is that of another resource, linked as {borne}; without the key this one gets a new one",
                stored.key
            ))),
            _ => Ok(Some(stored)),
        }
    }
}

/// A resource that the contract takes, and what it is laid over.
struct Candidate {
    key: Option<String>,
    uuid: Option<Uuid>,
    stored: Option<StoredResource>,
    content: Option<Bytes>,
    accepted: Accepted,
}

/// What a batch writes.
struct Batch<'c> {
    collection: &'c Collection,
    /// What references by key lead to.
    found: ReferencedResources,
    /// Who bears the unique values of the batch.
    owners: HashMap<(String, String), ResourceId>,
    /// Stored resources that the batch has changed.
    taken: HashSet<ResourceId>,
    /// Keys of what the batch has created.
    keys: HashSet<String>,
    updates: Vec<ResourceWrite>,
    inserts: Vec<ResourceWrite>,
}

impl Batch<'_> {
    /// Decides on one resource. `fresh` is the id it gets if it is new, and how often its own key proved taken.
    fn take(&mut self, candidate: Candidate, fresh: (ResourceId, u32), now: Stamp) -> Result<Imported, Error> {
        let Candidate { key, uuid, stored, content, mut accepted } = candidate;
        let id = stored.as_ref().map_or(fresh.0, |stored| stored.id);
        if self.taken.contains(&id) {
            return Err(Error::Taken("it is the same resource as one before it, by UUID and by key".to_owned()));
        }
        let clash = accepted.unique.iter().find(|value| self.owners.get(*value).is_some_and(|owner| *owner != id));
        if let Some((property, value)) = clash {
            return Err(Error::NotUnique { property: property.clone(), value: value.clone() });
        }
        let kind = &self.collection.kind.plural_name;
        let arrives = |reference: &Reference| match &reference.target {
            ReferenceTarget::Key(key) => reference.kind == *kind && self.keys.contains(key),
            ReferenceTarget::Uuid(_) => false,
        };
        let has_key_references = settle(self.collection, &mut accepted, &self.found, &arrives)?;
        let stamp = Stamp::of_change(now, stored.as_ref().map(|stored| stored.stamp));
        let (key, uuid) = match &stored {
            Some(stored) => (stored.key.clone(), stored.uuid),
            None => (key.unwrap_or_else(|| Collection::fresh_key(fresh.0, fresh.1)), uuid),
        };
        let write = self.collection.write(id, key, uuid, stamp, (&accepted, has_key_references), None)?;
        if content.is_some() && write.content.as_ref().map(|written| &written.payload) == content.as_ref() {
            return Ok(Imported::Unchanged);
        }
        self.owners.retain(|_, owner| *owner != id);
        self.owners.extend(accepted.unique.into_iter().map(|value| (value, id)));
        if stored.is_some() {
            self.taken.insert(id);
            self.updates.push(write);
            return Ok(Imported::Updated);
        }
        self.keys.insert(write.key.clone());
        self.inserts.push(write);
        Ok(Imported::Created)
    }
}

/// Keys in a file may be those of the application it comes from: where a reference or child has a UUID as well, that counts.
fn prefer_uuids(element: &mut Element) {
    for node in &mut element.content {
        if let Node::Element(child) = node {
            if child.uuid().is_some() {
                child.remove_attribute(SDATA, "key");
            }
            prefer_uuids(child);
        }
    }
}
