//! Reading and writing single resources and collections (core 6 to 10).

use super::batch::{Method, Request};
use super::{Collection, Error, Provider};
use crate::protocol::etag;
use crate::store::Document;
use crate::wire::Entry;

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
    pub async fn create(&self, collection: &Collection, entry: Entry, user: Option<&str>) -> Result<Document, Error> {
        self.one(collection, Request::single(Method::Post, None, Some(entry), None), user).await
    }

    /// Changes a resource (core 9). `if_match` is the version the change was made for.
    ///
    /// # Errors
    /// [`Error::NoPrecondition`], [`Error::OutOfDate`], [`Error::NotFound`], [`Error::Gone`], [`Error::Invalid`], …
    pub async fn update(
        &self,
        collection: &Collection,
        key: &str,
        entry: Entry,
        if_match: Option<&str>,
        user: Option<&str>,
    ) -> Result<Document, Error> {
        self.one(collection, Request::single(Method::Put, Some(key), Some(entry), if_match), user).await
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
        self.one(collection, Request::single(Method::Delete, Some(key), None, if_match), user).await.map(drop)
    }

    /// A single request is a batch of one.
    async fn one(&self, collection: &Collection, request: Request, user: Option<&str>) -> Result<Document, Error> {
        let none = || Error::Internal("a request has no outcome".to_owned());
        let outcome = self.carry_out(collection, &[request], user, None).await?.pop().ok_or_else(none)?;
        outcome.done?;
        outcome.document.ok_or_else(none)
    }
}

impl Collection {
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
        None => Err(Error::no_such("resource with key", key)),
    }
}

/// `*` is any version that exists (core 9.3).
pub(super) fn check_etag(stored: &Document, if_match: &str) -> Result<(), Error> {
    if etag::lists_version(if_match, &stored.resource.etag) {
        return Ok(());
    }
    Err(Error::OutOfDate { current: stored.resource.etag.clone(), key: stored.resource.key.clone() })
}
