//! Reading and writing single resources and collections (core 6 to 10).

use super::references::ReferencedResources;
use super::{Collection, Error, Provider};
use crate::contract::{Accepted, Fault, Reference, ReferenceTarget, Sender, without_references};
use crate::protocol::{SdataCode, Stamp};
use crate::store::{
    Content, Document, Duplicate, NewState, ResourceId, ResourceWrite, StoreError, StoredResource, Txn,
};
use crate::wire::{Element, Entry};
use bytes::Bytes;
use uuid::Uuid;

impl Provider {
    /// The resource with this key.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it never was, [`Error::Gone`] when it was deleted.
    pub async fn resource(&self, collection: &Collection, key: &str) -> Result<Document, Error> {
        let found = self.store.by_keys(collection.id, &[key.to_owned()]).await?.remove(key);
        live(collection, key, found)
    }

    /// Creates a resource (core 8.1). With a UUID that is known and was not modified since, it is the same request
    /// again, and the stored resource is the answer (core 8.5).
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotUnique`], [`Error::Taken`] or what the store says.
    pub async fn create(&self, collection: &Collection, entry: &Entry, user: Option<&str>) -> Result<Document, Error> {
        let sent = payload(collection, entry)?;
        let uuid = sent_uuid(entry)?;
        let key = sent_key(sent)?.map(str::to_owned);
        let accepted = collection.contract.accept(&collection.kind, sent, None, Sender::Client);
        let accepted = accepted.map_err(Error::Invalid)?;
        if let Some(document) = self.created_before(collection, uuid, &accepted).await? {
            return Ok(document);
        }
        let mut attempt = 0;
        loop {
            let created = self.try_create(collection, &accepted, (key.as_deref(), attempt), uuid, user).await;
            match created {
                // Somebody chose our fresh key as a key of his own.
                Err(Error::Store(StoreError::Duplicate { what: Duplicate::Key })) if key.is_none() && attempt == 0 => {
                    attempt += 1;
                }
                created => return created.map_err(|error| taken(error, key.as_deref())),
            }
        }
    }

    async fn try_create(
        &self,
        collection: &Collection,
        accepted: &Accepted,
        (key, attempt): (Option<&str>, u32),
        uuid: Option<Uuid>,
        user: Option<&str>,
    ) -> Result<Document, Error> {
        crate::store::retrying(|| async {
            let id = ResourceId(self.store.reserve_ids(1).await?.start);
            let mut accepted = accepted.clone();
            let mut txn = self.store.begin().await?;
            let by_key = self.settle_references(&mut txn, collection, &mut accepted).await?;
            let fresh = || Collection::fresh_key(id, attempt);
            let key = key.map_or_else(fresh, str::to_owned);
            let write = collection.write(id, key, uuid, self.now(), (&accepted, by_key), user)?;
            self.check_unique(&mut txn, collection, &accepted, id).await?;
            txn.insert(collection.id, std::slice::from_ref(&write)).await?;
            txn.commit().await?;
            Ok(document(write))
        })
        .await
    }

    /// The resource that a repeated POST made before: same UUID, same content, nothing changed since.
    async fn created_before(
        &self,
        collection: &Collection,
        uuid: Option<Uuid>,
        accepted: &Accepted,
    ) -> Result<Option<Document>, Error> {
        let Some(uuid) = uuid else { return Ok(None) };
        let Some(document) = self.store.by_uuids(collection.id, &[uuid]).await?.remove(&uuid) else { return Ok(None) };
        let stored = document.payload.as_deref().unwrap_or_default();
        if !document.resource.deleted && same_properties(collection, stored, accepted)? {
            return Ok(Some(document));
        }
        Err(Error::Taken(format!("the UUID {uuid} is taken by a resource that was changed since; PUT to change it")))
    }

    /// Changes a resource (core 9). `if_match` is the version the change was made for.
    ///
    /// # Errors
    /// [`Error::NoPrecondition`], [`Error::OutOfDate`], [`Error::NotFound`], [`Error::Gone`], [`Error::Invalid`], …
    pub async fn update(
        &self,
        collection: &Collection,
        key: &str,
        entry: &Entry,
        if_match: Option<&str>,
        user: Option<&str>,
    ) -> Result<Document, Error> {
        let if_match = if_match.or(entry.if_match.as_deref()).ok_or(Error::NoPrecondition)?;
        let sent = payload(collection, entry)?;
        let sent_uuid = sent_uuid(entry)?;
        crate::store::retrying(|| async {
            let mut txn = self.store.begin().await?;
            let stored = live(collection, key, txn.lock_by_key(collection.id, key).await?)?;
            check_etag(&stored, if_match)?;
            if let (Some(sent), Some(borne)) = (sent_uuid, stored.resource.uuid)
                && sent != borne
            {
                return Err(Error::Taken(format!(
                    "the resource is linked as {borne}; $linked changes a UUID, a PUT does not"
                )));
            }
            let content = collection.element(stored.payload.as_deref().unwrap_or_default())?;
            let accepted = collection.contract.accept(&collection.kind, sent, Some(&content), Sender::Client);
            let mut accepted = accepted.map_err(Error::Invalid)?;
            let by_key = self.settle_references(&mut txn, collection, &mut accepted).await?;
            self.check_unique(&mut txn, collection, &accepted, stored.resource.id).await?;
            let uuid = stored.resource.uuid;
            let stamp = Stamp::of_change(self.now(), Some(stored.resource.stamp));
            let write = collection.write(stored.resource.id, key.to_owned(), uuid, stamp, (&accepted, by_key), user)?;
            txn.update(collection.id, std::slice::from_ref(&write)).await?;
            txn.commit().await?;
            let mut document = document(write);
            document.resource.created = stored.resource.created;
            Ok(document)
        })
        .await
        .map_err(|error| taken(error, Some(key)))
    }

    /// Deletes a resource, leaving the tombstone that tells others (core 10.1).
    ///
    /// # Errors
    /// [`Error::OutOfDate`], [`Error::NotFound`], [`Error::Gone`] or what the store says.
    pub async fn delete(
        &self,
        collection: &Collection,
        key: &str,
        if_match: Option<&str>,
        user: Option<&str>,
    ) -> Result<(), Error> {
        crate::store::retrying(|| async {
            let mut txn = self.store.begin().await?;
            let stored = live(collection, key, txn.lock_by_key(collection.id, key).await?)?;
            if let Some(if_match) = if_match {
                check_etag(&stored, if_match)?;
            }
            let tombstone = ResourceWrite {
                id: stored.resource.id,
                key: key.to_owned(),
                uuid: stored.resource.uuid,
                state: NewState::Unstamped(Stamp::of_change(self.now(), Some(stored.resource.stamp))),
                user: user.map(str::to_owned),
                deleted: true,
                etag: collection.etag(None),
                content: None,
            };
            txn.update(collection.id, &[tombstone]).await?;
            Ok(txn.commit().await?)
        })
        .await
    }

    /// As [`settle`], for a single resource.
    async fn settle_references(
        &self,
        txn: &mut Txn,
        collection: &Collection,
        accepted: &mut Accepted,
    ) -> Result<bool, Error> {
        let found = self.referenced_in(txn, collection, by_key(&accepted.references)).await?;
        settle(collection, accepted, &found, &|_| false)
    }

    async fn check_unique(
        &self,
        txn: &mut Txn,
        collection: &Collection,
        accepted: &Accepted,
        own: ResourceId,
    ) -> Result<(), Error> {
        let owners = txn.unique_owners(collection.id, &accepted.unique).await?;
        match owners.into_iter().find(|(_, owner)| *owner != own) {
            Some(((property, value), _)) => Err(Error::NotUnique { property, value }),
            None => Ok(()),
        }
    }
}

/// The references that name a resource by this application's key.
pub(super) fn by_key(references: &[Reference]) -> impl Iterator<Item = &Reference> {
    references.iter().filter(|reference| matches!(reference.target, ReferenceTarget::Key(_)))
}

/// References that a client sets by key must lead somewhere, since it can see what is here: to what was `found`, or to
/// what `arrives` with the same request. Those to linked resources are kept by UUID, the others until they are first
/// sent by key (sync 6.1). Says whether any is.
pub(super) fn settle(
    collection: &Collection,
    accepted: &mut Accepted,
    found: &ReferencedResources,
    arrives: &dyn Fn(&Reference) -> bool,
) -> Result<bool, Error> {
    let is_lost = |reference: &&Reference| found.get(reference).is_none() && !arrives(reference);
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
        ReferenceTarget::Key(_) => found.get(reference).and_then(|resource| resource.uuid),
    };
    let left = collection.contract.link_references(&collection.kind, &mut accepted.resource, &uuid_of);
    if by_key(&accepted.references).next().is_some() {
        accepted.properties = collection.contract.scalars(&collection.kind, &accepted.resource);
    }
    Ok(left)
}

/// Longest key this application gives a resource, in bytes.
const MAX_KEY_BYTES: usize = 200;

impl Collection {
    /// The write of a change made here: unstamped, later than the version it replaces (protocol.md, tick rules 2 and 3).
    pub(super) fn write(
        &self,
        id: ResourceId,
        key: String,
        uuid: Option<Uuid>,
        stamp: Stamp,
        (accepted, has_key_references): (&Accepted, bool),
        user: Option<&str>,
    ) -> Result<ResourceWrite, Error> {
        let payload = Bytes::from(accepted.resource.content_xml()?);
        Ok(ResourceWrite {
            id,
            key,
            uuid,
            state: NewState::Unstamped(stamp),
            user: user.map(str::to_owned),
            deleted: false,
            etag: self.etag(Some(&payload)),
            content: Some(Content {
                payload,
                properties: accepted.properties.clone(),
                unique: accepted.unique.clone(),
                has_key_references,
            }),
        })
    }

    /// The `http:etag` of a version: a quoted hash of its content, usable verbatim as `If-Match` (core 9.3).
    #[must_use]
    pub fn etag(&self, payload: Option<&[u8]>) -> String {
        let hash = blake3::hash(payload.unwrap_or(b"deleted")).to_hex();
        format!("\"{}\"", hash.get(..24).unwrap_or_default())
    }
}

fn live(collection: &Collection, key: &str, found: Option<Document>) -> Result<Document, Error> {
    match found {
        Some(document) if !document.resource.deleted => Ok(document),
        Some(_) => Err(Error::Gone(collection.resource_url(key))),
        None => Err(Error::NotFound {
            code: SdataCode::ApplicationDiagnosis,
            what: "resource with key",
            name: key.to_owned(),
        }),
    }
}

/// Quotes are optional, and `*` is any version that exists (core 9.3).
pub(super) fn check_etag(stored: &Document, if_match: &str) -> Result<(), Error> {
    let bare = |etag: &str| etag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    let current = bare(&stored.resource.etag);
    let matches = if_match.split(',').any(|etag| etag.trim() == "*" || bare(etag) == current);
    if matches {
        return Ok(());
    }
    Err(Error::OutOfDate { current: stored.resource.etag.clone(), key: stored.resource.key.clone() })
}

fn payload<'e>(collection: &Collection, entry: &'e Entry) -> Result<&'e Element, Error> {
    let name = &*collection.kind.name;
    let Some(resource) = entry.resource() else {
        return Err(Error::BadBody(format!("the entry has no sdata:payload with a {name}")));
    };
    of_kind(collection, resource)
}

/// The resource element, if it is one of this collection's kind.
pub(super) fn of_kind<'e>(collection: &Collection, resource: &'e Element) -> Result<&'e Element, Error> {
    let name = &*collection.kind.name;
    if resource.is(&collection.kind.namespace, name) {
        return Ok(resource);
    }
    Err(Error::BadBody(format!(
        "the payload is {{{}}}{}; this collection takes {{{}}}{name}",
        resource.namespace, resource.name, collection.kind.namespace
    )))
}

/// The key that a client chose, if it chose one.
pub(super) fn sent_key(resource: &Element) -> Result<Option<&str>, Error> {
    let key = resource.attribute(crate::wire::names::SDATA, "key").filter(|key| !key.is_empty());
    if key.is_some_and(|key| key.len() > MAX_KEY_BYTES) {
        return Err(Error::BadBody(format!("sdata:key may have {MAX_KEY_BYTES} bytes")));
    }
    Ok(key)
}

fn sent_uuid(entry: &Entry) -> Result<Option<Uuid>, Error> {
    entry.uuid().transpose().map_err(|text| Error::BadBody(format!("'{text}' is not a UUID")))
}

/// Whether a stored content has the scalar values of `accepted`: made-up keys of children may differ.
fn same_properties(collection: &Collection, stored: &[u8], accepted: &Accepted) -> Result<bool, Error> {
    let stored = collection.element(stored)?;
    let stored = without_references(collection.contract.scalars(&collection.kind, &stored));
    Ok(stored == without_references(accepted.properties.clone()))
}

/// The resource that a write left behind: what its writer is told, whatever others do to it the next moment.
fn document(write: ResourceWrite) -> Document {
    let (state, stamp) = match write.state {
        NewState::Unstamped(stamp) => (None, stamp),
        NewState::Stamped(state) => {
            let stamp = state.stamp;
            (Some(state), stamp)
        }
    };
    let has_key_references = write.content.as_ref().is_some_and(|content| content.has_key_references);
    let resource = StoredResource {
        id: write.id,
        key: write.key,
        uuid: write.uuid,
        state,
        stamp,
        user: write.user,
        etag: write.etag,
        deleted: write.deleted,
        has_key_references,
        created: stamp,
    };
    Document { resource, payload: write.content.map(|content| content.payload) }
}

fn taken(error: Error, key: Option<&str>) -> Error {
    match (error, key) {
        (Error::Store(StoreError::Duplicate { what: Duplicate::Key }), Some(key)) => {
            Error::Taken(format!("the key '{key}' is taken by another resource; leave it out to get one"))
        }
        (Error::Store(StoreError::Duplicate { what: Duplicate::Uuid }), _) => {
            Error::Taken("the UUID is taken by another resource".to_owned())
        }
        (Error::Store(StoreError::Duplicate { what: Duplicate::UniqueValue }), _) => {
            Error::Taken("the value of a unique property was taken by another resource at the same moment".to_owned())
        }
        (error, _) => error,
    }
}
