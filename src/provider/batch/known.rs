//! What is stored under the names of a chunk's requests, and how far the chunk goes.

use super::Request;
use crate::provider::{Collection, Error};
use crate::store::{CollectionId, Document, Locked, StoredResource, Txn};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use uuid::Uuid;

/// The resources that the requests of a chunk are about, with their contents; locked where a request may change them.
#[derive(Debug, Default)]
pub(super) struct Known {
    by_uuid: HashMap<Uuid, Document>,
    by_key: HashMap<String, Document>,
}

impl Known {
    /// Looks `requests` up: at most eight statements.
    pub(super) async fn read(txn: &mut Txn, collection: CollectionId, requests: &[Request]) -> Result<Self, Error> {
        let (keys, uuids) = names(requests, Request::writes);
        let Locked { by_key, by_uuid } = txn.lock_named(collection, &keys, &uuids).await?;
        let with_content = requests.iter().filter(|request| request.needs_content());
        let named = with_content.flat_map(|request| {
            let (key, uuid) = request.names();
            uuid.and_then(|uuid| by_uuid.get(&uuid)).into_iter().chain(key.and_then(|key| by_key.get(key)))
        });
        let ids: HashSet<_> = named.filter(|stored| !stored.deleted).map(|stored| stored.id).collect();
        let contents = txn.documents(&ids.into_iter().collect::<Vec<_>>()).await?;
        let document = |resource: StoredResource| {
            let payload = contents.get(&resource.id).cloned();
            Document { resource, payload }
        };
        // What is only read others may change at any moment: it comes together with its content. It is read behind the
        // locks, so that what is locked is the same by every name.
        let (keys, uuids) = names(requests, |request| !request.writes());
        let mut known =
            Self { by_uuid: txn.by_uuids(collection, &uuids).await?, by_key: txn.by_keys(collection, &keys).await? };
        known.by_uuid.extend(by_uuid.into_iter().map(|(uuid, stored)| (uuid, document(stored))));
        known.by_key.extend(by_key.into_iter().map(|(key, stored)| (key, document(stored))));
        Ok(known)
    }

    /// How many requests go before the first whose resource an earlier one may change, by whatever names: that one must
    /// see what became of it.
    pub(super) fn without_repeats(&self, requests: &[Request]) -> usize {
        up_to_repeated(requests, |request| self.found(request).map(|found| found.resource.id).collect())
    }

    /// The resource that bears this UUID, or did so formerly.
    pub(super) fn by_uuid(&self, uuid: Option<Uuid>) -> Option<&Document> {
        self.by_uuid.get(&uuid?)
    }

    /// The resource with this key.
    pub(super) fn by_key(&self, key: Option<&str>) -> Option<&Document> {
        self.by_key.get(key?)
    }

    /// The one resource that a GET, PUT or DELETE names.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it never was, [`Error::Gone`] when it was deleted.
    pub(super) fn selected(&self, collection: &Collection, request: &Request) -> Result<Document, Error> {
        let (key, uuid) = request.names();
        match self.by_key(key).or_else(|| self.by_uuid(uuid)) {
            Some(Document { resource, .. }) if resource.deleted => {
                Err(Error::Gone(collection.resource_url(&resource.key)))
            }
            Some(document) => Ok(document.clone()),
            None => Err(Error::no_such(
                if key.is_some() { "resource with key" } else { "resource with UUID" },
                key.map(str::to_owned).or(uuid.map(|uuid| uuid.to_string())).unwrap_or_default(),
            )),
        }
    }

    fn found(&self, request: &Request) -> impl Iterator<Item = &Document> {
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
