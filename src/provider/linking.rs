//! `$linked`: the UUIDs by which applications know each other's resources (sync 1.1 to 1.3).
//!
//! Requests are decided in memory, on everything that they name, and written together: a batch costs the statements of one.

mod decision;

use super::resources::{ResourcePage, of_kind, sent_key};
use super::{Collection, Error, Provider};
use crate::protocol::paging::PageRequest;
use crate::protocol::url::selection;
use crate::protocol::{Endpoint, SdataCode};
use crate::store::{Document, Duplicate, ResourceId, StoreError};
use crate::wire::names::SDATA;
use crate::wire::{Entry, EntryOut, Link, PayloadOut};
use decision::{Decided, Links};
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
            let document =
                |id| documents.get(&id).cloned().ok_or_else(|| Error::Internal("a link leads nowhere".into()));
            Ok(match decided {
                Decided::Created(id) => Linked::Created(document(id)?),
                Decided::Found(id) => Linked::Found(document(id)?),
                Decided::Removed(uuid) => Linked::Removed(uuid),
            })
        };
        Ok(decided.into_iter().map(|decided| decided.and_then(outcome)).collect())
    }
}

fn unknown(uuid: Uuid) -> Error {
    let name = uuid.to_string();
    Error::NotFound { code: SdataCode::ApplicationDiagnosis, what: "link with UUID", name }
}
