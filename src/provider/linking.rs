//! `$linked`: the UUIDs by which applications know each other's resources (sync 1.1 to 1.3).
//!
//! Requests are decided in memory, on everything that they name, and written together: a batch costs the statements of one.

use super::resources::{ResourcePage, of_kind, sent_key};
use super::{Collection, Error, Provider};
use crate::protocol::paging::PageRequest;
use crate::protocol::url::selection;
use crate::protocol::{Endpoint, SdataCode, Stamp, Uuids};
use crate::store::{Document, Duplicate, ResourceId, StoreError, StoredResource, Txn};
use crate::wire::names::SDATA;
use crate::wire::{Entry, EntryOut, Link, PayloadOut};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Tries of a request whose UUID a client gives to a new resource at the same moment.
const TRIES: u32 = 3;

/// What is asked of the links of a collection (sync 1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkRequest {
    /// GET: the resource that is known by a UUID.
    Read(Uuid),
    /// POST: the resource with this key gets a UUID, of the consumer's choice or a new one.
    Link {
        /// The resource's key.
        key: String,
        /// The UUID it shall bear.
        uuid: Option<Uuid>,
    },
    /// PUT: a UUID goes to the resource with this key, or its resource gets another UUID.
    Relink {
        /// The UUID in the URL.
        uuid: Uuid,
        /// The resource's key.
        key: String,
        /// The UUID it shall bear; `None` for that of the URL.
        to: Option<Uuid>,
    },
    /// DELETE: a UUID names nothing any more.
    Unlink(Uuid),
}

/// What became of a [`LinkRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linked {
    /// The link is new.
    Created(Document),
    /// The link as it is now, changed or not.
    Found(Document),
    /// There is no such link any more.
    Removed(Uuid),
}

impl LinkRequest {
    /// Reads a POST to `$linked`.
    ///
    /// # Errors
    /// [`Error::BadBody`] when the entry names no resource of the collection.
    pub fn post(collection: &Collection, entry: &Entry) -> Result<Self, Error> {
        let (key, uuid) = named(collection, entry)?;
        Ok(Self::Link { key, uuid })
    }

    /// Reads a PUT to `$linked('{uuid}')`.
    ///
    /// # Errors
    /// As [`LinkRequest::post`].
    pub fn put(collection: &Collection, uuid: Uuid, entry: &Entry) -> Result<Self, Error> {
        let (key, to) = named(collection, entry)?;
        Ok(Self::Relink { uuid, key, to })
    }

    fn key(&self) -> Option<&String> {
        match self {
            Self::Link { key, .. } | Self::Relink { key, .. } => Some(key),
            Self::Read(_) | Self::Unlink(_) => None,
        }
    }

    fn uuids(&self) -> impl Iterator<Item = Uuid> {
        match self {
            Self::Read(uuid) | Self::Unlink(uuid) => [Some(*uuid), None],
            Self::Link { uuid, .. } => [*uuid, None],
            Self::Relink { uuid, to, .. } => [Some(*uuid), *to],
        }
        .into_iter()
        .flatten()
    }
}

/// The key and the UUID in the payload of a link: `sdata:url` says which resource is meant, or else `sdata:key`.
fn named(collection: &Collection, entry: &Entry) -> Result<(String, Option<Uuid>), Error> {
    let name = &collection.kind.name;
    let resource = entry.resource().ok_or_else(|| Error::BadBody(format!("the entry has no payload with a {name}")))?;
    of_kind(collection, resource)?;
    let uuid = entry.uuid().transpose().map_err(|text| Error::BadBody(format!("'{text}' is not a UUID")))?;
    let url = ["url", "uri"].into_iter().filter_map(|name| resource.attribute(SDATA, name)).find(|url| !url.is_empty());
    let key = match url {
        Some(url) => collection.key_in(url),
        None => sent_key(resource)?.map(str::to_owned),
    };
    let key = key.ok_or_else(|| {
        let what = url.map_or_else(|| "has no sdata:url".to_owned(), |url| format!("names '{url}'"));
        Error::BadBody(format!("the payload {what}; the URL of a resource is needed, such as {}('1')", collection.url))
    })?;
    Ok((key, uuid))
}

impl Collection {
    /// The key in the URL of one of this collection's resources; the host may be left out.
    fn key_in(&self, url: &str) -> Option<String> {
        let (collection, key) = selection(url)?;
        let is_own = Endpoint::parse(&collection).map_or_else(
            |_| collection.starts_with('/') && self.endpoint.as_str().ends_with(collection.trim_end_matches('/')),
            |endpoint| endpoint == self.endpoint,
        );
        is_own.then_some(key)
    }

    /// The URL of `$linked`.
    #[must_use]
    pub fn links_url(&self) -> String {
        format!("{}/$linked", self.url)
    }

    /// The URL of one link.
    #[must_use]
    pub fn link_url(&self, uuid: Uuid) -> String {
        self.context_url("$linked", &uuid.to_string())
    }
}

impl Provider {
    /// One page of the linked resources, in the order they came here.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn linked_page(
        &self,
        collection: &Collection,
        page: PageRequest,
        after: Option<ResourceId>,
    ) -> Result<ResourcePage, Error> {
        let total = self.store.linked_count(collection.id).await?;
        let offset = if after.is_some() { 0 } else { page.offset() };
        let documents = match page.count {
            0 => Vec::new(),
            count => self.store.linked_page(collection.id, after, offset, count + 1).await?,
        };
        Ok(ResourcePage::cut(documents, total, page))
    }

    /// The live resource that is known by `uuid`, now or formerly.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Gone`] when it was deleted.
    pub async fn linked_resource(&self, collection: &Collection, uuid: Uuid) -> Result<Document, Error> {
        match self.store.by_uuids(collection.id, &[uuid]).await?.remove(&uuid) {
            Some(document) if !document.resource.deleted => Ok(document),
            Some(_) => Err(Error::Gone(collection.link_url(uuid))),
            None => Err(unknown(uuid)),
        }
    }

    /// Entries of links: those of the resources, under the URLs of the links. They have no `http:etag`: a PUT of a link
    /// asks for none (sync 1.3). `attributes_only` leaves the contents out.
    ///
    /// # Errors
    /// When the store cannot be read, or a stored payload cannot.
    pub async fn link_entries(
        &self,
        collection: &Collection,
        documents: &[Document],
        attributes_only: bool,
    ) -> Result<Vec<EntryOut>, Error> {
        let mut entries = self.entries(collection, documents).await?;
        for (entry, document) in entries.iter_mut().zip(documents) {
            let uuid = document.resource.uuid.unwrap_or_default();
            entry.id = collection.link_url(uuid);
            entry.title = format!("Linked {} {uuid}", collection.kind.name);
            entry.links = vec![Link::entry("self", &entry.id, "Refresh")];
            entry.http.etag = None;
            if let (true, Some(PayloadOut::Resource(resource))) = (attributes_only, &mut entry.payload) {
                resource.content = bytes::Bytes::new();
            }
        }
        Ok(entries)
    }

    /// Does what is asked, each request after the other; one outcome for each, in order.
    ///
    /// # Errors
    /// When the store fails; then nothing is done. What is wrong with a single request is its outcome.
    pub async fn change_links(
        &self,
        collection: &Collection,
        requests: &[LinkRequest],
    ) -> Result<Vec<Result<Linked, Error>>, Error> {
        let mut attempt = 1;
        loop {
            match crate::store::retrying(|| self.try_links(collection, requests)).await {
                Err(Error::Store(StoreError::Duplicate { what: Duplicate::Uuid })) if attempt < TRIES => attempt += 1,
                tried => return tried,
            }
        }
    }

    async fn try_links(
        &self,
        collection: &Collection,
        requests: &[LinkRequest],
    ) -> Result<Vec<Result<Linked, Error>>, Error> {
        let mut txn = self.store.begin().await?;
        txn.lock(collection.id).await?;
        let mut links = Links::read(&mut txn, collection, requests).await?;
        let decided: Vec<_> = requests.iter().map(|request| links.decide(request)).collect();
        links.write(&mut txn).await?;
        txn.commit().await?;
        let ids: Vec<_> = decided.iter().flatten().filter_map(Decided::resource).collect();
        let documents = self.store.by_ids(&ids).await?;
        let outcome = |decided: Decided| {
            let document = |id| documents.get(&id).cloned().ok_or_else(|| Error::Internal("a link leads nowhere".into()));
            Ok(match decided {
                Decided::Created(id) => Linked::Created(document(id)?),
                Decided::Found(id) => Linked::Found(document(id)?),
                Decided::Removed(uuid) => Linked::Removed(uuid),
            })
        };
        Ok(decided.into_iter().map(|decided| decided.and_then(outcome)).collect())
    }
}

/// As [`Linked`], before anything is written.
enum Decided {
    Created(ResourceId),
    Found(ResourceId),
    Removed(Uuid),
}

impl Decided {
    fn resource(&self) -> Option<ResourceId> {
        match self {
            Self::Created(id) | Self::Found(id) => Some(*id),
            Self::Removed(_) => None,
        }
    }
}

/// A resource that requests name.
struct Held {
    stored: StoredResource,
    uuids: Uuids,
    /// When its UUIDs were changed, if that is a change that others must hear of.
    changed_at: Option<Stamp>,
}

/// The resources that requests name, as the requests before leave them; locked.
struct Links<'c> {
    collection: &'c Collection,
    held: HashMap<ResourceId, Held>,
    by_key: HashMap<String, ResourceId>,
    /// Resources by every UUID they are known by.
    by_uuid: HashMap<Uuid, ResourceId>,
    /// Resources whose UUIDs are others now.
    changed: BTreeSet<ResourceId>,
    /// UUIDs that were taken away, and from whom.
    retired: HashMap<Uuid, ResourceId>,
}

impl<'c> Links<'c> {
    async fn read(txn: &mut Txn, collection: &'c Collection, requests: &[LinkRequest]) -> Result<Self, Error> {
        let keys: Vec<_> = requests.iter().filter_map(LinkRequest::key).cloned().collect();
        let uuids: Vec<_> = requests.iter().flat_map(LinkRequest::uuids).collect();
        let by_key = txn.lock_by_keys(collection.id, &keys).await?;
        let by_uuid = txn.lock_by_uuids(collection.id, &uuids).await?;
        let ids: Vec<_> = by_key.values().chain(by_uuid.values()).map(|stored| stored.id).collect();
        let mut former = txn.former_uuids(&ids).await?;
        let mut links = Self {
            collection,
            held: HashMap::new(),
            by_key: by_key.iter().map(|(key, stored)| (key.clone(), stored.id)).collect(),
            by_uuid: HashMap::new(),
            changed: BTreeSet::new(),
            retired: HashMap::new(),
        };
        for stored in by_key.into_values().chain(by_uuid.into_values()) {
            let former = former.remove(&stored.id);
            links.held.entry(stored.id).or_insert_with(|| {
                let uuids = Uuids { current: stored.uuid, former: former.unwrap_or_default() };
                links.by_uuid.extend(uuids.all().map(|uuid| (uuid, stored.id)));
                Held { stored, uuids, changed_at: None }
            });
        }
        Ok(links)
    }

    fn decide(&mut self, request: &LinkRequest) -> Result<Decided, Error> {
        match request {
            LinkRequest::Read(uuid) => self.bearer(*uuid).map(Decided::Found),
            LinkRequest::Link { key, uuid } => self.link(key, *uuid),
            LinkRequest::Relink { uuid, key, to } => self.relink(*uuid, key, to.unwrap_or(*uuid)),
            LinkRequest::Unlink(uuid) => self.unlink(*uuid),
        }
    }

    fn link(&mut self, key: &str, uuid: Option<Uuid>) -> Result<Decided, Error> {
        let id = self.resource(key)?;
        if let Some(borne) = self.uuids(id).current {
            return match uuid.filter(|uuid| *uuid != borne) {
                None => Ok(Decided::Found(id)),
                Some(_) => Err(Error::Taken(format!(
                    "the resource is linked as {borne}; PUT to {} gives it another UUID",
                    self.collection.link_url(borne)
                ))),
            };
        }
        let uuid = uuid.unwrap_or_else(Uuid::new_v4);
        if let Some(bearer) = self.by_uuid.get(&uuid).copied() {
            if !self.is_deleted(bearer) {
                return Err(Error::Taken(format!("the UUID {uuid} is that of another resource; PUT moves it")));
            }
            // What others know as deleted is there again: a change they must hear of.
            self.hand_over(bearer, id);
            self.note_change(id, None);
        }
        self.rename(id, uuid);
        Ok(Decided::Created(id))
    }

    fn relink(&mut self, uuid: Uuid, key: &str, to: Uuid) -> Result<Decided, Error> {
        let bearer = self.bearer(uuid)?;
        let id = self.resource(key)?;
        if uuid != to && bearer != id {
            return Err(Error::BadBody(format!(
                "the payload names the UUID {to} and another resource than that of {uuid}: either goes, not both"
            )));
        }
        if self.uuids(id).current == Some(to) {
            return Ok(Decided::Found(id));
        }
        let holder = self.by_uuid.get(&to).copied().filter(|holder| *holder != id);
        if let Some(holder) = holder {
            if !self.is_deleted(holder) && self.uuids(holder).current != Some(to) {
                return Err(Error::Taken(format!(
                    "{to} is a former UUID of another resource: everybody knows the two UUIDs as one resource"
                )));
            }
            self.hand_over(holder, id);
        }
        self.rename(id, to);
        self.note_change(id, None);
        if let Some(holder) = holder {
            // It is new to everybody; and it comes later, so that values that must be unique are free where it arrives.
            let before = self.held.get(&id).and_then(|held| held.changed_at);
            self.note_change(holder, before);
        }
        Ok(Decided::Found(id))
    }

    fn unlink(&mut self, uuid: Uuid) -> Result<Decided, Error> {
        let id = self.bearer(uuid)?;
        let mut left = self.uuids(id);
        let retired: Vec<Uuid> = if left.former.remove(&uuid) { vec![uuid] } else { left.all().collect() };
        if left.current == Some(uuid) {
            // It is new to everybody.
            left = Uuids::default();
            self.note_change(id, None);
        }
        for uuid in retired {
            self.by_uuid.remove(&uuid);
            self.retired.insert(uuid, id);
        }
        self.set(id, left);
        Ok(Decided::Removed(uuid))
    }

    /// All UUIDs of one resource become UUIDs of another.
    fn hand_over(&mut self, from: ResourceId, to: ResourceId) {
        let given = self.uuids(from);
        self.set(from, Uuids::default());
        let mut uuids = self.uuids(to);
        uuids.take_in(&given);
        self.set(to, uuids);
    }

    fn rename(&mut self, id: ResourceId, uuid: Uuid) {
        let mut uuids = self.uuids(id);
        uuids.rename(uuid);
        self.set(id, uuids);
    }

    fn set(&mut self, id: ResourceId, uuids: Uuids) {
        for uuid in uuids.all() {
            self.by_uuid.insert(uuid, id);
            self.retired.remove(&uuid);
        }
        self.changed.insert(id);
        if let Some(held) = self.held.get_mut(&id) {
            held.uuids = uuids;
        }
    }

    /// The resource's version becomes a change made here. Its stamp stays, or comes just after `later_than`: a UUID is
    /// no content, and its change must not win over what somebody wrote meanwhile.
    fn note_change(&mut self, id: ResourceId, later_than: Option<Stamp>) {
        if let Some(held) = self.held.get_mut(&id) {
            held.changed_at = Some(Stamp::of_change(held.stored.stamp, later_than));
        }
    }

    fn uuids(&self, id: ResourceId) -> Uuids {
        self.held.get(&id).map(|held| held.uuids.clone()).unwrap_or_default()
    }

    fn is_deleted(&self, id: ResourceId) -> bool {
        self.held.get(&id).is_some_and(|held| held.stored.deleted)
    }

    /// The live resource that is known by `uuid`.
    fn bearer(&self, uuid: Uuid) -> Result<ResourceId, Error> {
        match self.by_uuid.get(&uuid) {
            Some(id) if !self.is_deleted(*id) => Ok(*id),
            Some(_) => Err(Error::Gone(self.collection.link_url(uuid))),
            None => Err(unknown(uuid)),
        }
    }

    /// The live resource with this key. That there is none is a fault of the payload, not of the URL.
    fn resource(&self, key: &str) -> Result<ResourceId, Error> {
        let found = self.by_key.get(key).filter(|id| !self.is_deleted(**id));
        found.copied().ok_or_else(|| {
            Error::BadBody(format!("the payload names {}, which does not exist", self.collection.resource_url(key)))
        })
    }

    async fn write(self, txn: &mut Txn) -> Result<(), Error> {
        let changed = self.changed.iter().filter_map(|id| Some((*id, self.held.get(id)?.uuids.clone())));
        txn.set_uuids(self.collection.id, &changed.collect::<Vec<_>>()).await?;
        txn.retire_uuids(self.collection.id, &self.retired.into_iter().collect::<Vec<_>>()).await?;
        let stamps = self.held.iter().filter_map(|(id, held)| Some((*id, held.changed_at?)));
        Ok(txn.unstamp(&stamps.collect::<Vec<_>>()).await?)
    }
}

fn unknown(uuid: Uuid) -> Error {
    let name = uuid.to_string();
    Error::NotFound { code: SdataCode::ApplicationDiagnosis, what: "link with UUID", name }
}
