//! Resources as entries: what consumers see of what is stored (core 3.7 to 3.9).

use super::shaping::{Part, Shaping};
use super::{Collection, Error, Provider};
use crate::protocol::{SyncState, etag};
use crate::store::{Document, StoredResource};
use crate::wire::{Category, Element, EntryOut, HttpOut, Link, PayloadOut, ResourceOut};
use blake3::Hasher;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

impl Provider {
    /// Entries of live resources as clients read them by default: everything, references as links.
    ///
    /// # Errors
    /// When the store cannot be read, or a stored payload cannot.
    pub async fn entries(&self, collection: &Collection, documents: &[Document]) -> Result<Vec<EntryOut>, Error> {
        self.shaped_entries(collection, documents, &Shaping::default()).await
    }

    /// Entries of live resources as a consumer asked for them (core 6.5).
    ///
    /// # Errors
    /// When the store cannot be read, or a stored payload cannot.
    pub async fn shaped_entries(
        &self,
        collection: &Collection,
        documents: &[Document],
        shaping: &Shaping,
    ) -> Result<Vec<EntryOut>, Error> {
        let mut parts =
            documents.iter().map(|document| Part::of(collection, document)).collect::<Result<Vec<_>, _>>()?;
        let title = |part: &Part| collection.contract.title(&collection.kind, &part.element);
        let titles: Vec<String> = parts.iter().map(title).collect();
        if let Some(view) = &shaping.view {
            self.present(collection, &mut parts, view, (shaping.descriptors, &shaping.closed)).await?;
        }
        let shaped = documents.iter().zip(parts).zip(titles).map(|((document, mut part), title)| {
            if let Some(delta) = &shaping.delta {
                collection.contract.keep_delta(part.type_id, &mut part.element, &delta.sent, delta.is_new);
            }
            let mut entry = collection.entry(&document.resource, Bytes::from(part.element.content_xml()?));
            match &mut entry.payload {
                Some(PayloadOut::Resource(resource)) if shaping.view.is_some() => {
                    resource.descriptor = shaping.descriptors.then(|| title.clone());
                }
                payload => *payload = None,
            }
            entry.published = Some(document.resource.created);
            if !title.is_empty() {
                entry.title = title;
                entry.content.clone_from(&entry.title);
            }
            entry.http.etag =
                Some(etag::extended(&document.resource.etag, &collection.view_of(&document.resource, &entry)));
            Ok(entry)
        });
        shaped.collect()
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

    /// The resource element that was sent, if it is one of this collection's kind.
    ///
    /// # Errors
    /// [`Error::BadBody`] when it is missing or another.
    pub fn payload<'e>(&self, sent: Option<&'e Element>) -> Result<&'e Element, Error> {
        let name = &*self.kind.name;
        let Some(resource) = sent else {
            return Err(Error::BadBody(format!("the entry has no sdata:payload with a {name}")));
        };
        if resource.is(&self.kind.namespace, name) {
            return Ok(resource);
        }
        Err(Error::BadBody(format!(
            "the payload is {{{}}}{}; this collection takes {{{}}}{name}",
            resource.namespace, resource.name, self.kind.namespace
        )))
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
            published: None,
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
                descriptor: None,
                deleted: resource.deleted,
                content,
            })),
            diagnoses: Vec::new(),
            schema: None,
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

    /// What a version looks like in this entry, as a hash: of all that a reader is shown and that is not the same for ever.
    pub(super) fn view_of(&self, resource: &StoredResource, entry: &EntryOut) -> String {
        const DIGITS: usize = 12;
        let mut hasher = Hasher::new();
        for moment in [resource.stamp, resource.created] {
            hasher.update(&moment.millis().to_le_bytes());
        }
        let mut add = |text: &[u8]| {
            // Texts that follow one another must not run together.
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text);
        };
        // The link to the schema names it.
        add(self.contract.version().unwrap_or_default().as_bytes());
        add(entry.title.as_bytes());
        add(entry.author.as_bytes());
        if let Some(PayloadOut::Resource(shown)) = &entry.payload {
            add(shown.uuid.map(|uuid| uuid.to_string()).unwrap_or_default().as_bytes());
            add(shown.descriptor.as_deref().unwrap_or_default().as_bytes());
            add(&shown.content);
        }
        hasher.finalize().to_hex().chars().take(DIGITS).collect()
    }
}
