//! Resources as entries: what consumers see of what is stored (core 3.7 to 3.9).

use super::{Collection, Error, Provider};
use crate::contract::{Located, Reference, ReferenceTarget};
use crate::protocol::SyncState;
use crate::store::{Document, StoredResource};
use crate::wire::{Category, Element, EntryOut, HttpOut, Link, PayloadOut, ResourceOut};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// The media type of an entry, as deployed clients compare it.
pub const ENTRY_TYPE: &str = "application/atom+xml; type=entry";
/// The media type of a feed, as deployed clients compare it.
pub const FEED_TYPE: &str = "application/atom+xml; type=feed";

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
    pub fn add_by_uuid(&mut self, kind: &Arc<str>, found: HashMap<Uuid, StoredResource>) {
        self.by_uuid.extend(found.into_iter().map(|(uuid, resource)| ((Arc::clone(kind), uuid), resource)));
    }

    /// Adds what was found under keys of one kind.
    pub fn add_by_key(&mut self, kind: &Arc<str>, found: HashMap<String, StoredResource>) {
        self.by_key.extend(found.into_iter().map(|(key, resource)| ((Arc::clone(kind), key), resource)));
    }
}

/// The targets of `references`, by kind, each once.
#[derive(Debug, Default)]
pub struct ReferenceTargets {
    /// UUIDs to look up.
    pub uuids: HashMap<Arc<str>, HashSet<Uuid>>,
    /// Keys to look up.
    pub keys: HashMap<Arc<str>, HashSet<String>>,
}

impl ReferenceTargets {
    /// Collects the targets of `references`.
    pub fn of<'a>(references: impl IntoIterator<Item = &'a Reference>) -> Self {
        let mut targets = Self::default();
        for reference in references {
            let kind = Arc::clone(&reference.kind);
            match &reference.target {
                ReferenceTarget::Uuid(uuid) => {
                    targets.uuids.entry(kind).or_default().insert(*uuid);
                }
                ReferenceTarget::Key(key) => {
                    targets.keys.entry(kind).or_default().insert(key.clone());
                }
            }
        }
        targets
    }
}

impl Provider {
    /// Entries of live resources as clients read them: references and children with key and URL.
    ///
    /// # Errors
    /// When the store cannot be read, or a stored payload cannot.
    pub async fn entries(&self, collection: &Collection, documents: &[Document]) -> Result<Vec<EntryOut>, Error> {
        let kind = &collection.kind;
        let mut resources = Vec::with_capacity(documents.len());
        for document in documents {
            resources.push(collection.element(document.payload.as_deref().unwrap_or_default())?);
        }
        let references: Vec<_> =
            resources.iter().flat_map(|resource| collection.contract.references(kind, resource)).collect();
        let referenced = self.referenced(collection, &references).await?;
        let locate = |reference: &Reference| {
            let found = referenced.get(reference)?;
            let sibling = self.sibling(collection, &reference.kind)?;
            Some(Located { key: found.key.clone(), url: sibling.resource_url(&found.key), uuid: found.uuid })
        };
        let dressed = documents.iter().zip(&mut resources).map(|(document, resource)| {
            let url = collection.resource_url(&document.resource.key);
            let title = collection.contract.title(kind, resource);
            collection.contract.dress(kind, resource, &url, &locate);
            let content = Bytes::from(resource.content_xml()?);
            let mut entry = collection.entry(&document.resource, content);
            if !title.is_empty() {
                entry.title = title;
                entry.content.clone_from(&entry.title);
            }
            Ok(entry)
        });
        dressed.collect()
    }

    /// Reads the resources that `references` of `collection` lead to.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn referenced(
        &self,
        collection: &Collection,
        references: &[Reference],
    ) -> Result<ReferencedResources, Error> {
        let targets = ReferenceTargets::of(references);
        let mut found = ReferencedResources::default();
        for (kind, uuids) in &targets.uuids {
            if let Some(sibling) = self.sibling(collection, kind) {
                let uuids: Vec<_> = uuids.iter().copied().collect();
                found.add_by_uuid(kind, self.store.located_by_uuids(sibling.id, &uuids).await?);
            }
        }
        for (kind, keys) in &targets.keys {
            if let Some(sibling) = self.sibling(collection, kind) {
                let keys: Vec<_> = keys.iter().cloned().collect();
                found.add_by_key(kind, self.store.located_by_keys(sibling.id, &keys).await?);
            }
        }
        Ok(found)
    }
}

impl Collection {
    /// The resource element around stored content.
    ///
    /// # Errors
    /// When the content cannot be read: the store was changed by somebody else.
    pub fn element(&self, content: &[u8]) -> Result<Element, Error> {
        Element::from_content(self.contract.namespace(), &self.kind.name, content)
            .map_err(|error| Error::Internal(format!("a stored payload of {} cannot be read: {error}", self.url)))
    }

    /// The entry of a stored resource with `content` as it is to be sent.
    #[must_use]
    pub fn entry(&self, resource: &StoredResource, content: Bytes) -> EntryOut {
        let url = self.resource_url(&resource.key);
        let title = format!("{} {}", self.kind.label, resource.key);
        EntryOut {
            id: url.clone(),
            content: title.clone(),
            title,
            updated: resource.stamp,
            author: resource.user.clone().unwrap_or_else(|| self.name.application.clone()),
            category: Some(Category { term: "resource".to_owned(), label: self.kind.label.clone() }),
            links: vec![Link {
                rel: "self".to_owned(),
                href: url.clone(),
                media_type: ENTRY_TYPE.to_owned(),
                title: "Refresh".to_owned(),
            }],
            http: HttpOut { etag: Some(resource.etag.clone()), ..HttpOut::default() },
            sync_state: None,
            payload: Some(PayloadOut::Resource(ResourceOut {
                namespace: self.contract.namespace().into(),
                name: Arc::clone(&self.kind.name),
                key: Some(resource.key.clone()),
                url: Some(url),
                uuid: resource.uuid,
                deleted: resource.deleted,
                content,
            })),
            diagnoses: Vec::new(),
        }
    }

    /// The entry of a change as a synchronization feed carries it (sync 4.4): the stored content copied, the state beside it.
    #[must_use]
    pub fn change_entry(&self, document: Document, state: Option<SyncState>) -> EntryOut {
        let method = if document.resource.deleted { "DELETE" } else { "PUT" };
        let mut entry = self.entry(&document.resource, document.payload.unwrap_or_default());
        entry.sync_state = state;
        entry.http.method = Some(method.to_owned());
        entry
    }
}
