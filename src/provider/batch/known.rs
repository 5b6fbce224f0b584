//! What is stored under the names of a chunk's requests, and how far the chunk goes.

use super::Request;
use crate::protocol::SdataCode;
use crate::provider::{Collection, Error};
use crate::store::{CollectionId, Document, ResourceId, StoredResource, Txn};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use uuid::Uuid;

/// The resources that the requests of a chunk are about; locked where a request may change them.
#[derive(Debug, Default)]
pub(super) struct Known {
    by_uuid: HashMap<Uuid, StoredResource>,
    by_key: HashMap<String, StoredResource>,
    contents: HashMap<ResourceId, Bytes>,
}

impl Known {
    /// Looks `requests` up: at most five statements.
    pub(super) async fn read(txn: &mut Txn, collection: CollectionId, requests: &[Request]) -> Result<Self, Error> {
        let (keys, uuids) = names(requests, Request::writes);
        let mut by_uuid = txn.lock_by_uuids(collection, &uuids).await?;
        let mut by_key = txn.lock_by_keys(collection, &keys).await?;
        let (keys, uuids) = names(requests, |request| !request.writes());
        let (read_by_uuid, read_by_key) =
            (txn.located_by_uuids(collection, &uuids).await?, txn.located_by_keys(collection, &keys).await?);
        // What is locked was read later, and is true until the end.
        for (uuid, stored) in read_by_uuid {
            by_uuid.entry(uuid).or_insert(stored);
        }
        for (key, stored) in read_by_key {
            by_key.entry(key).or_insert(stored);
        }
        let mut known = Self { by_uuid, by_key, contents: HashMap::new() };
        let needed = requests.iter().filter(|request| request.needs_content()).flat_map(|request| known.found(request));
        let needed: HashSet<_> = needed.filter(|stored| !stored.deleted).map(|stored| stored.id).collect();
        known.contents = txn.documents(&needed.into_iter().collect::<Vec<_>>()).await?;
        Ok(known)
    }

    /// How many requests go before the first whose resource an earlier one may change, by whatever names: that one must
    /// see what became of it.
    pub(super) fn without_repeats(&self, requests: &[Request]) -> usize {
        up_to_repeated(requests, |request| self.found(request).map(|stored| stored.id).collect())
    }

    /// The resource that bears this UUID, or did so formerly.
    pub(super) fn by_uuid(&self, uuid: Option<Uuid>) -> Option<&StoredResource> {
        self.by_uuid.get(&uuid?)
    }

    /// The resource with this key.
    pub(super) fn by_key(&self, key: Option<&str>) -> Option<&StoredResource> {
        self.by_key.get(key?)
    }

    /// The one resource that a GET, PUT or DELETE names.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it never was, [`Error::Gone`] when it was deleted.
    pub(super) fn selected(&self, collection: &Collection, request: &Request) -> Result<Document, Error> {
        let (key, uuid) = request.names();
        match self.by_key(key).or_else(|| self.by_uuid(uuid)) {
            Some(stored) if stored.deleted => Err(Error::Gone(collection.resource_url(&stored.key))),
            Some(stored) => Ok(self.document(stored)),
            None => Err(Error::NotFound {
                code: SdataCode::ApplicationDiagnosis,
                what: if key.is_some() { "resource with key" } else { "resource with UUID" },
                name: key.map(str::to_owned).or(uuid.map(|uuid| uuid.to_string())).unwrap_or_default(),
            }),
        }
    }

    /// `stored` with its content.
    pub(super) fn document(&self, stored: &StoredResource) -> Document {
        Document { resource: stored.clone(), payload: self.contents.get(&stored.id).cloned() }
    }

    fn found(&self, request: &Request) -> impl Iterator<Item = &StoredResource> {
        let (key, uuid) = request.names();
        self.by_uuid(uuid).into_iter().chain(self.by_key(key))
    }
}

/// How many requests go before the first that names a resource which an earlier one may change.
pub(super) fn without_repeated_names(requests: &[Request]) -> usize {
    #[derive(PartialEq, Eq, Hash)]
    enum Name<'r> {
        Key(&'r str),
        Uuid(Uuid),
    }
    up_to_repeated(requests, |request| {
        let (key, uuid) = request.names();
        key.map(Name::Key).into_iter().chain(uuid.map(Name::Uuid)).collect()
    })
}

fn up_to_repeated<'r, N: Eq + Hash>(requests: &'r [Request], names: impl Fn(&'r Request) -> Vec<N>) -> usize {
    let mut changed = HashSet::new();
    let is_repeat = |request: &'r Request| {
        let names = names(request);
        let is_repeat = names.iter().any(|name| changed.contains(name));
        if request.writes() {
            changed.extend(names);
        }
        is_repeat
    };
    requests.iter().position(is_repeat).unwrap_or(requests.len())
}

fn names(requests: &[Request], of: impl Fn(&Request) -> bool) -> (Vec<String>, Vec<Uuid>) {
    let named = || requests.iter().filter(|request| of(request)).map(Request::names);
    let keys: HashSet<_> = named().filter_map(|(key, _)| key).collect();
    let uuids: HashSet<_> = named().filter_map(|(_, uuid)| uuid).collect();
    (keys.into_iter().map(str::to_owned).collect(), uuids.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::batch::Method::{self, Delete, Get, Put};
    use rstest::rstest;

    #[rstest]
    #[case::reads_of_one_resource(&[(Get, "a"), (Get, "a")], 2)]
    #[case::a_read_before_a_change(&[(Get, "a"), (Put, "a")], 2)]
    #[case::a_read_behind_a_change(&[(Put, "a"), (Get, "b"), (Get, "a")], 2)]
    #[case::two_changes(&[(Put, "a"), (Delete, "a")], 1)]
    #[case::changes_of_different_resources(&[(Put, "a"), (Delete, "b"), (Put, "A")], 3)]
    #[case::nothing(&[], 0)]
    fn a_chunk_ends_before_what_an_earlier_request_changes(#[case] requests: &[(Method, &str)], #[case] chunk: usize) {
        let single = |(method, key): &(Method, &str)| Request::single(method.clone(), Some(key), None, None);
        assert_eq!(without_repeated_names(&requests.iter().map(single).collect::<Vec<_>>()), chunk);
    }
}
