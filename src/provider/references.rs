//! Where references lead: looked up for a page or a chunk at once, one statement a kind (sync 6.1).

use super::{Collection, Error, Provider};
use crate::contract::{Reference, ReferenceTarget};
use crate::store::{CollectionId, StoredResource, Txn};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// The resources that the references of a page lead to, by kind: read in one statement a kind.
#[derive(Debug, Default)]
pub struct ReferencedResources {
    by_uuid: HashMap<(Arc<str>, Uuid), StoredResource>,
    by_key: HashMap<(Arc<str>, String), StoredResource>,
}

impl ReferencedResources {
    /// The resource a reference leads to, if it is here.
    #[must_use]
    pub fn get(&self, reference: &Reference) -> Option<&StoredResource> {
        let kind = Arc::clone(&reference.kind);
        match &reference.target {
            ReferenceTarget::Uuid(uuid) => self.by_uuid.get(&(kind, *uuid)),
            ReferenceTarget::Key(key) => self.by_key.get(&(kind, key.clone())),
        }
        .filter(|resource| !resource.deleted)
    }

    /// Adds what was found under UUIDs of one kind.
    fn add_by_uuid(&mut self, kind: &Arc<str>, found: HashMap<Uuid, StoredResource>) {
        self.by_uuid.extend(found.into_iter().map(|(uuid, resource)| ((Arc::clone(kind), uuid), resource)));
    }

    /// Adds what was found under keys of one kind.
    fn add_by_key(&mut self, kind: &Arc<str>, found: HashMap<String, StoredResource>) {
        self.by_key.extend(found.into_iter().map(|(key, resource)| ((Arc::clone(kind), key), resource)));
    }
}

/// What to look up of one kind: the kind, its collection, UUIDs and keys.
type LookUp = (Arc<str>, CollectionId, Vec<Uuid>, Vec<String>);

impl Provider {
    /// Reads the resources that `references` of `collection` lead to.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn referenced<'r>(
        &self,
        collection: &Collection,
        references: impl IntoIterator<Item = &'r Reference>,
    ) -> Result<ReferencedResources, Error> {
        let mut found = ReferencedResources::default();
        for (kind, id, uuids, keys) in self.lookups(collection, references) {
            found.add_by_uuid(&kind, self.store.referenced_by_uuids(id, &uuids).await?);
            found.add_by_key(&kind, self.store.referenced_by_keys(id, &keys).await?);
        }
        Ok(found)
    }

    /// The same within a transaction: it needs no second connection while it holds one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn referenced_in<'r>(
        &self,
        txn: &mut Txn,
        collection: &Collection,
        references: impl IntoIterator<Item = &'r Reference>,
    ) -> Result<ReferencedResources, Error> {
        let mut found = ReferencedResources::default();
        for (kind, id, uuids, keys) in self.lookups(collection, references) {
            found.add_by_uuid(&kind, txn.referenced_by_uuids(id, &uuids).await?);
            found.add_by_key(&kind, txn.referenced_by_keys(id, &keys).await?);
        }
        Ok(found)
    }

    /// What to look up in which collection; references to kinds that are not served lead nowhere.
    fn lookups<'r>(&self, collection: &Collection, references: impl IntoIterator<Item = &'r Reference>) -> Vec<LookUp> {
        let mut targets: HashMap<&Arc<str>, (HashSet<Uuid>, HashSet<&String>)> = HashMap::new();
        for reference in references {
            let (uuids, keys) = targets.entry(&reference.kind).or_default();
            match &reference.target {
                ReferenceTarget::Uuid(uuid) => drop(uuids.insert(*uuid)),
                ReferenceTarget::Key(key) => drop(keys.insert(key)),
            }
        }
        let lookups = targets.into_iter().filter_map(|(kind, (uuids, keys))| {
            let id = self.sibling(collection, kind)?.id;
            Some((Arc::clone(kind), id, uuids.into_iter().collect(), keys.into_iter().cloned().collect()))
        });
        lookups.collect()
    }
}
