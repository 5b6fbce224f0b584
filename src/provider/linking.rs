//! `$linked`: the UUIDs by which applications know each other's resources (sync 1.1 to 1.3).
//!
//! Requests are decided in memory, on everything that they name, and written together: a batch costs the statements of one.

mod batch;
mod decision;

pub use batch::LinkEntry;

use super::batch::job::decided_anew;
use super::batch::request::{sent_key, uuid_of};
use super::{Collection, Error, Provider};
use crate::protocol::Stamp;
use crate::protocol::operation::LINKED;
use crate::store::{Document, Duplicate, ResourceId, StoreError, StoredResource, Txn};
use crate::wire::names::SDATA;
use crate::wire::{Entry, EntryOut, Link};
use decision::{Decided, Links};
use uuid::Uuid;

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
    Removed,
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
    let resource = collection.payload(entry.resource())?;
    let uuid = uuid_of(entry.uuid())?;
    let url = ["url", "uri"].into_iter().filter_map(|name| resource.attribute(SDATA, name)).find(|url| !url.is_empty());
    let key = match url {
        Some(url) => Some(collection.key_in(url)?),
        None => sent_key(resource)?,
    };
    let key = key.ok_or_else(|| {
        let url = collection.resource_url("1");
        Error::BadBody(format!("the payload has no sdata:url; it says which resource is meant, such as '{url}'"))
    })?;
    Ok((key, uuid))
}

impl Collection {
    /// The URL of `$linked`.
    #[must_use]
    pub fn links_url(&self) -> String {
        format!("{}/{LINKED}", self.url)
    }

    /// The URL of one link.
    #[must_use]
    pub fn link_url(&self, uuid: Uuid) -> String {
        self.context_url(LINKED, &uuid.to_string())
    }

    /// Makes an entry of a linked resource the entry of its link. It has no `http:etag`: a PUT of a link asks for none (sync 1.3).
    /// Without a UUID it is that of no link, and stands for all of them.
    pub fn name_link(&self, entry: &mut EntryOut, uuid: Option<Uuid>) {
        entry.id = uuid.map_or_else(|| self.links_url(), |uuid| self.link_url(uuid));
        entry.title = uuid.map_or_else(|| "No link".to_owned(), |uuid| format!("Linked {} {uuid}", self.kind.name));
        entry.links = vec![Link::entry("self", &entry.id, "Refresh")];
        entry.http.etag = None;
    }
}

impl Provider {
    /// The live resource that is known by `uuid`, now or formerly.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Unlinked`] when it bears the UUID no more, [`Error::Gone`] when it was deleted.
    pub async fn linked_resource(&self, collection: &Collection, uuid: Uuid) -> Result<Document, Error> {
        match self.store.by_uuids(collection.id, &[uuid]).await?.remove(&uuid) {
            Some(document) if !document.resource.deleted => Ok(document),
            Some(_) => Err(Error::Gone(collection.link_url(uuid))),
            None => match self.store.referenced_by_uuids(collection.id, &[uuid]).await?.remove(&uuid) {
                Some(resource) if !resource.deleted => Err(Error::Unlinked(uuid)),
                _ => Err(unknown(uuid)),
            },
        }
    }

    /// Does what is asked.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Taken`], [`Error::BadBody`], or what the store says.
    pub async fn change_link(
        &self,
        collection: &Collection,
        request: LinkRequest,
        user: Option<&str>,
    ) -> Result<Linked, Error> {
        let outcome = self.change_links(collection, &[request], user).await?.pop();
        outcome.unwrap_or_else(|| Err(Error::Internal("a request about a link has no outcome".to_owned())))
    }

    /// Does what is asked, each request after the other; one outcome for each, in order.
    ///
    /// # Errors
    /// When the store fails; then nothing is done. What is wrong with a single request is its outcome.
    pub async fn change_links(
        &self,
        collection: &Collection,
        requests: &[LinkRequest],
        user: Option<&str>,
    ) -> Result<Vec<Result<Linked, Error>>, Error> {
        // A client may give the UUID to a new resource at the same moment.
        let is_taken = |error: &Error| matches!(error, Error::Store(StoreError::Duplicate { what: Duplicate::Uuid }));
        decided_anew(is_taken, |_| async {
            let mut txn = self.store.begin().await?;
            let outcomes = change_links_in(&mut txn, collection, requests, (self.now(), user)).await?;
            txn.commit().await?;
            Ok(outcomes)
        })
        .await
    }
}

async fn change_links_in(
    txn: &mut Txn,
    collection: &Collection,
    requests: &[LinkRequest],
    (now, user): (Stamp, Option<&str>),
) -> Result<Vec<Result<Linked, Error>>, Error> {
    txn.lock(collection.id).await?;
    let mut links = Links::read(txn, collection, requests, now).await?;
    let decided: Vec<_> = requests.iter().map(|request| links.decide(request)).collect();
    links.write(txn, user).await?;
    let ids: Vec<_> = decided.iter().flatten().filter_map(Decided::resource).collect();
    let (resources, contents) = (txn.states(&ids).await?, txn.documents(&ids).await?);
    // Requests behind it may have changed the link again: each is told of as it left it.
    let document = |id: ResourceId, uuid: Option<Uuid>| {
        let resource = resources.get(&id).cloned();
        let resource = resource.ok_or_else(|| Error::Internal("a link leads nowhere".to_owned()))?;
        Ok::<_, Error>(Document { resource: StoredResource { uuid, ..resource }, payload: contents.get(&id).cloned() })
    };
    let outcome = |decided: Decided| {
        Ok(match decided {
            Decided::Created(id, uuid) => Linked::Created(document(id, uuid)?),
            Decided::Found(id, uuid) => Linked::Found(document(id, uuid)?),
            Decided::Removed => Linked::Removed,
        })
    };
    Ok(decided.into_iter().map(|decided| decided.and_then(outcome)).collect())
}

fn unknown(uuid: Uuid) -> Error {
    Error::no_such("link with UUID", uuid.to_string())
}
