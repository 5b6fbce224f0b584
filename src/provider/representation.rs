//! Resources as entries: what consumers see of what is stored (core 3.7 to 3.9).

use super::{Collection, Error, Provider};
use crate::contract::{Located, Reference};
use crate::protocol::SyncState;
use crate::store::{Document, StoredResource};
use crate::wire::{Category, Element, EntryOut, HttpOut, Link, PayloadOut, ResourceOut};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

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
}

impl Collection {
    /// The resource element around stored content.
    ///
    /// # Errors
    /// When the content cannot be read: the store was changed by somebody else.
    pub fn element(&self, content: &[u8]) -> Result<Element, Error> {
        Element::from_content(&self.kind.namespace, &self.kind.name, content)
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
            links: vec![Link::entry("self", &url, "Refresh")],
            http: HttpOut { etag: Some(resource.etag.clone()), ..HttpOut::default() },
            sync_state: None,
            payload: Some(PayloadOut::Resource(ResourceOut {
                namespace: Arc::clone(&self.kind.namespace),
                name: Arc::clone(&self.kind.name),
                key: Some(resource.key.clone()),
                url: Some(url),
                uuid: resource.uuid,
                former_uuids: Vec::new(),
                deleted: resource.deleted,
                content,
            })),
            diagnoses: Vec::new(),
        }
    }

    /// The entry of a change as a synchronization feed carries it (sync 4.4): the stored content copied, the state beside it,
    /// and the UUIDs that the resource bore before.
    #[must_use]
    pub fn change_entry(&self, document: Document, state: Option<SyncState>, former: BTreeSet<Uuid>) -> EntryOut {
        let method = if document.resource.deleted { "DELETE" } else { "PUT" };
        let mut entry = self.entry(&document.resource, document.payload.unwrap_or_default());
        entry.sync_state = state;
        entry.http.method = Some(method.to_owned());
        if let Some(PayloadOut::Resource(resource)) = &mut entry.payload {
            // One that became the current one again since the resource was read is no former one.
            resource.former_uuids = former.into_iter().filter(|uuid| Some(*uuid) != resource.uuid).collect();
        }
        entry
    }
}
