//! Resources: what is written, what is read, and what must be unique.

use crate::database::{TestDatabase, refused};
use crate::sample::*;
use bytes::Bytes;
use sdata_sync::store::{Content, Duplicate, NewState, ResourceWrite, StoreError};
use std::collections::HashSet;
use uuid::Uuid;

/// SYNC-4.3-05, SYNC-4.3-06.
pub(crate) async fn what_is_written_is_read_by_key_uuid_and_id(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let id = new_id(&db.store).await;
    let uuid = Uuid::new_v4();
    let mut state = state(&remote(1), 7);
    state.user = Some("ines".to_owned());
    let written = ResourceWrite {
        uuid: Some(uuid),
        state: NewState::Stamped(state.clone()),
        etag: "abc".to_owned(),
        content: Some(Content { has_key_references: true, ..content("<a/>") }),
        ..write(id, "k1", "", at(0))
    };
    insert(&db.store, collection, &[written]).await;
    let by_key = db.store.by_keys(collection, &["k1".to_owned(), "k2".to_owned()]).await.unwrap();
    assert_eq!(by_key.len(), 1);
    let document = &by_key["k1"];
    assert_eq!(document.payload, Some(Bytes::from("<a/>")));
    let resource = &document.resource;
    assert_eq!((resource.id, resource.key.as_str(), resource.uuid), (id, "k1", Some(uuid)));
    assert_eq!((resource.state.as_ref(), resource.stamp), (Some(&state), state.stamp));
    assert_eq!((resource.user.as_deref(), resource.etag.as_str()), (Some("ines"), "abc"));
    assert_eq!((resource.deleted, resource.has_key_references), (false, true));
    assert_eq!(
        db.store.by_uuids(collection, &[uuid, Uuid::new_v4()]).await.unwrap().remove(&uuid).as_ref(),
        Some(document)
    );
    assert_eq!(db.store.by_ids(&[id]).await.unwrap().remove(&id).as_ref(), Some(document));
    assert_eq!(db.store.referenced_by_uuids(collection, &[uuid]).await.unwrap().remove(&uuid).as_ref(), Some(resource));
    let other = register(&db.store, "contacts").await;
    assert!(db.store.by_keys(other, &["k1".to_owned()]).await.unwrap().is_empty());
    assert!(db.store.referenced_by_uuids(other, &[uuid]).await.unwrap().is_empty());
    assert!(db.store.by_ids(&[]).await.unwrap().is_empty());
}

pub(crate) async fn keys_are_compared_byte_for_byte(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let keys = ["a", "A", "a ", " a", "ä", "a\u{308}", "ß", "ss", "é", "e", "🦀", "'\"\\", ""];
    create(&db.store, collection, &keys).await;
    for key in keys {
        let found = db.store.by_keys(collection, &[key.to_owned()]).await.unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), [key]);
        assert_eq!(found[key].payload, Some(Bytes::from(key)));
    }
    assert_eq!(db.store.live_count(collection).await.unwrap(), keys.len() as u64);
}

/// SYNC-1.1-02, SYNC-4.3-03.
pub(crate) async fn a_taken_value_is_refused_by_name(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = new_ids(&db.store, 3).await;
    let unique = |value: &str| Content { unique: vec![("vatId".to_owned(), value.to_owned())], ..content("x") };
    let taken = ResourceWrite { content: Some(unique("DE1")), ..received(ids[0], "k1", state(&remote(1), 5)) };
    let other = ResourceWrite { uuid: None, ..received(ids[1], "k2", state(&remote(1), 6)) };
    insert(&db.store, collection, &[taken.clone(), other.clone()]).await;
    let fresh = |key: &str, tick| received(ids[2], key, state(&remote(1), tick));
    let cases = [
        (Duplicate::Key, fresh("k1", 7)),
        (Duplicate::Uuid, ResourceWrite { uuid: taken.uuid, ..fresh("k3", 7) }),
        (Duplicate::State, fresh("k3", 5)),
        (Duplicate::UniqueValue, ResourceWrite { content: Some(unique("DE1")), ..fresh("k3", 7) }),
        (Duplicate::Other, ResourceWrite { id: ids[0], ..fresh("k3", 7) }),
    ];
    for (expected, write) in cases {
        let mut txn = db.store.begin().await.unwrap();
        match refused(txn.insert(collection, &[write]).await) {
            StoreError::Duplicate { what } => assert_eq!(what, expected),
            error => panic!("{expected:?}: {error}"),
        }
    }
    let clashes = [
        (Duplicate::Uuid, ResourceWrite { uuid: taken.uuid, ..other.clone() }),
        (Duplicate::State, ResourceWrite { state: taken.state.clone(), ..other.clone() }),
        (Duplicate::UniqueValue, ResourceWrite { content: Some(unique("DE1")), ..other.clone() }),
    ];
    for (expected, write) in clashes {
        let mut txn = db.store.begin().await.unwrap();
        match refused(txn.update(collection, &[write]).await) {
            StoreError::Duplicate { what } => assert_eq!(what, expected),
            error => panic!("{expected:?}: {error}"),
        }
    }
    let contacts = register(&db.store, "contacts").await;
    let elsewhere = ResourceWrite { id: ids[2], ..taken };
    insert(&db.store, contacts, &[elsewhere]).await;
}

pub(crate) async fn a_key_that_is_too_long_is_refused(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = new_ids(&db.store, 2).await;
    let longest = "ü".repeat(255);
    insert(&db.store, collection, &[write(ids[0], &longest, "x", at(0))]).await;
    assert!(db.store.by_keys(collection, std::slice::from_ref(&longest)).await.unwrap().contains_key(&longest));
    let mut txn = db.store.begin().await.unwrap();
    let error = refused(txn.insert(collection, &[write(ids[1], &"ü".repeat(256), "x", at(0))]).await);
    assert!(matches!(error, StoreError::TooLong { limit: 255, length: 256, .. }), "{error}");
}

pub(crate) async fn a_large_payload_comes_back_whole(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = new_ids(&db.store, 3).await;
    let payload: Vec<u8> = (0..20u32 << 20).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let payload = Bytes::from(payload);
    let large = ResourceWrite {
        content: Some(Content { payload: payload.clone(), ..content("") }),
        ..write(ids[1], "large", "", at(0))
    };
    let small = |id, key| write(id, key, "small", at(0));
    insert(&db.store, collection, &[small(ids[0], "before"), large, small(ids[2], "behind")]).await;
    let found = db.store.by_ids(&ids).await.unwrap();
    assert_eq!(found.len(), 3);
    assert!(found[&ids[1]].payload.as_ref() == Some(&payload));
    assert_eq!(found[&ids[2]].payload, Some(Bytes::from("small")));
}

pub(crate) async fn thousands_of_resources_go_in_one_batch(db: TestDatabase) {
    const COUNT: u64 = 5_000;
    let collection = accounts(&db.store).await;
    let ids = new_ids(&db.store, COUNT).await;
    let writes: Vec<_> = ids
        .iter()
        .zip(1..)
        .map(|(id, place)| {
            let mut write = received(*id, &format!("key {place}"), state(&remote(1), place));
            let unique = vec![("code".to_owned(), format!("C{place}"))];
            write.content = Some(Content { unique, ..content(&format!("<c>{place}</c>")) });
            write
        })
        .collect();
    insert(&db.store, collection, &writes).await;
    assert_eq!(db.store.live_count(collection).await.unwrap(), COUNT);
    let uuids: Vec<Uuid> = writes.iter().filter_map(|write| write.uuid).collect();
    let mut txn = db.store.begin().await.unwrap();
    assert_eq!(txn.lock_by_uuids(collection, &uuids).await.unwrap().len(), writes.len());
    let values: Vec<_> = (1..=COUNT + 10).map(|place| ("code".to_owned(), format!("C{place}"))).collect();
    assert_eq!(txn.unique_owners(collection, &values).await.unwrap().len(), writes.len());
    let updates: Vec<_> = writes
        .iter()
        .zip(10_001..)
        .map(|(write, tick)| ResourceWrite { state: NewState::Stamped(state(&remote(2), tick)), ..write.clone() })
        .collect();
    txn.update(collection, &updates).await.unwrap();
    txn.commit().await.unwrap();
    let found = db.store.by_uuids(collection, &uuids).await.unwrap();
    assert_eq!(found.len(), writes.len());
    let last = &found[&uuids[4_999]];
    assert_eq!(last.resource.state, Some(state(&remote(2), 15_000)));
    assert_eq!(last.payload, Some(Bytes::from("<c>5000</c>")));
}

pub(crate) async fn an_update_replaces_state_content_and_unique_values(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = new_ids(&db.store, 2).await;
    let with = |id, key: &str, value: &str, stamp| ResourceWrite {
        content: Some(Content { unique: vec![("code".to_owned(), value.to_owned())], ..content(value) }),
        ..write(id, key, value, stamp)
    };
    insert(&db.store, collection, &[with(ids[0], "k", "one", at(0))]).await;
    stamped_digest(&db.store, collection).await;
    update(&db.store, collection, &[ResourceWrite { user: Some("ada".to_owned()), ..with(ids[0], "k", "two", at(5)) }])
        .await;
    let found = db.store.by_ids(&ids).await.unwrap().remove(&ids[0]).unwrap();
    assert_eq!(found.payload, Some(Bytes::from("two")));
    assert_eq!((found.resource.state, found.resource.stamp), (None, at(5)));
    assert_eq!((found.resource.etag.as_str(), found.resource.user.as_deref()), ("two", Some("ada")));
    // The first value is free again, the second is not.
    insert(&db.store, collection, &[with(ids[1], "l", "one", at(6))]).await;
    let mut txn = db.store.begin().await.unwrap();
    let values = [("code".to_owned(), "one".to_owned()), ("code".to_owned(), "two".to_owned())];
    let owners = txn.unique_owners(collection, &values).await.unwrap();
    assert_eq!((owners[&values[0]], owners[&values[1]]), (ids[1], ids[0]));
}

/// SYNC-4.4-07.
pub(crate) async fn a_tombstone_has_neither_content_nor_unique_values(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = new_ids(&db.store, 2).await;
    let unique = |id, key: &str| ResourceWrite {
        content: Some(Content { unique: vec![("code".to_owned(), "one".to_owned())], ..content("x") }),
        ..write(id, key, "x", at(0))
    };
    insert(&db.store, collection, &[unique(ids[0], "k")]).await;
    let tombstone = ResourceWrite { deleted: true, content: None, ..write(ids[0], "k", "", at(9)) };
    update(&db.store, collection, &[tombstone]).await;
    let found = db.store.by_ids(&ids).await.unwrap().remove(&ids[0]).unwrap();
    assert!(found.resource.deleted);
    assert_eq!(found.payload, None);
    assert_eq!(db.store.live_count(collection).await.unwrap(), 0);
    insert(&db.store, collection, &[unique(ids[1], "other")]).await;
    assert_eq!(db.store.live_count(collection).await.unwrap(), 1);
}

pub(crate) async fn replacing_the_content_is_no_change(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b"]).await;
    let digest = stamped_digest(&db.store, collection).await;
    let before = db.store.by_ids(&ids).await.unwrap();
    let mut txn = db.store.begin().await.unwrap();
    let unresolved = Content { has_key_references: true, ..content("new b") };
    txn.replace_content(collection, &[(ids[0], content("new a")), (ids[1], unresolved)]).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(db.clean_digest(collection).await.unwrap(), Some(digest));
    let after = db.store.by_ids(&ids).await.unwrap();
    assert_eq!(after[&ids[0]].payload, Some(Bytes::from("new a")));
    assert_eq!(after[&ids[0]].resource, before[&ids[0]].resource);
    assert!(after[&ids[1]].resource.has_key_references);
}

pub(crate) async fn live_resources_are_paged_in_order(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b", "c", "d", "e"]).await;
    let tombstone = ResourceWrite { deleted: true, content: None, ..write(ids[1], "b", "", at(9)) };
    update(&db.store, collection, &[tombstone]).await;
    let keys = |after, offset, limit| {
        let store = db.store.clone();
        async move {
            let page = store.live_page(collection, after, offset, limit).await.unwrap();
            page.into_iter().map(|document| document.resource.key).collect::<Vec<_>>()
        }
    };
    assert_eq!(keys(None, 0, 2).await, ["a", "c"]);
    assert_eq!(keys(Some(ids[2]), 0, 2).await, ["d", "e"]);
    assert_eq!(keys(None, 3, 2).await, ["e"]);
    assert_eq!(keys(Some(ids[0]), 1, 9).await, ["d", "e"]);
    assert_eq!(keys(None, 0, 0).await, [""; 0]);
    assert_eq!(db.store.live_count(collection).await.unwrap(), 4);
}

pub(crate) async fn ids_are_unique_over_two_processes(db: TestDatabase) {
    let other = db.other_process().await;
    let draw = |store: sdata_sync::store::Store| async move {
        let mut drawn = Vec::new();
        for count in [1, 700, 700, 2_500, 3] {
            let range = store.reserve_ids(count).await.unwrap();
            assert_eq!(range.end - range.start, i64::try_from(count).unwrap());
            drawn.extend(range);
        }
        drawn
    };
    let (one, two) = tokio::join!(tokio::spawn(draw(db.store.clone())), tokio::spawn(draw(other)));
    let all: Vec<i64> = one.unwrap().into_iter().chain(two.unwrap()).collect();
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    assert!(all.iter().all(|id| *id > 0));
}

pub(crate) async fn what_a_transaction_wrote_it_reads(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let id = new_id(&db.store).await;
    let mut txn = db.store.begin().await.unwrap();
    let mut digest = txn.lock(collection).await.unwrap();
    let written = received(id, "k", state(&remote(9), 3));
    txn.insert(collection, std::slice::from_ref(&written)).await.unwrap();
    let uuid = written.uuid.unwrap();
    assert_eq!(txn.located_by_uuids(collection, &[uuid]).await.unwrap()[&uuid].state, Some(state(&remote(9), 3)));
    txn.update(collection, &[ResourceWrite { uuid: Some(uuid), ..write(id, "k", "here", at(4)) }]).await.unwrap();
    assert_eq!(txn.by_keys(collection, &["k".to_owned()]).await.unwrap()["k"].resource.state, None);
    txn.stamp(collection, &mut digest, at(5)).await.unwrap();
    let stamped = txn.states(&[id]).await.unwrap()[&id].state.clone().unwrap();
    assert_eq!((stamped.endpoint, stamped.tick), (own("accounts"), tick(1)));
    assert_eq!(txn.documents(&[id]).await.unwrap()[&id], Bytes::from("here"));
    let locked = txn.lock_by_keys(collection, &["k".to_owned(), "none".to_owned()]).await.unwrap();
    assert_eq!(locked.len(), 1);
    drop(txn);
    assert!(db.store.by_ids(&[id]).await.unwrap().is_empty());
}
