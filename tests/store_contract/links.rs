//! UUIDs: given, replaced, taken back.

use crate::database::{TestDatabase, refused};
use crate::sample::*;
use sdata_sync::store::{CollectionId, Duplicate, ResourceId, ResourceWrite, Store, StoreError};
use std::collections::HashSet;
use uuid::Uuid;

async fn link(store: &Store, collection: CollectionId, links: &[(ResourceId, Uuid)]) {
    let mut txn = store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    txn.link(collection, links).await.unwrap();
    txn.commit().await.unwrap();
}

async fn holder(store: &Store, collection: CollectionId, uuid: Uuid) -> Option<ResourceId> {
    store.located_by_uuids(collection, &[uuid]).await.unwrap().remove(&uuid).map(|resource| resource.id)
}

/// SYNC-1.1-03, SYNC-1.2-01, SYNC-1.2-03.
pub(crate) async fn resources_that_a_change_set_may_send_get_a_uuid(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    create(&db.store, collection, &["known1", "known2", "new1", "new2"]).await;
    stamped_digest(&db.store, collection).await;
    let late = create(&db.store, collection, &["unstamped", "gone"]).await;
    let tombstone = ResourceWrite { deleted: true, content: None, ..write(late[1], "gone", "", at(9)) };
    update(&db.store, collection, &[tombstone]).await;
    let mut txn = db.store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    assert_eq!(txn.link_unlinked(collection, tick(3), 2).await.unwrap(), 2);
    assert_eq!(txn.link_unlinked(collection, tick(3), 2).await.unwrap(), 1);
    assert_eq!(txn.link_unlinked(collection, tick(3), 2).await.unwrap(), 0);
    txn.commit().await.unwrap();
    let keys = ["known1", "known2", "new1", "new2", "unstamped", "gone"].map(str::to_owned);
    let found = db.store.located_by_keys(collection, &keys).await.unwrap();
    let linked: Vec<_> = keys.iter().filter(|key| found[*key].uuid.is_some()).collect();
    assert_eq!(linked, ["new1", "new2", "unstamped"]);
    let uuids: HashSet<_> = found.values().filter_map(|resource| resource.uuid).collect();
    assert_eq!(uuids.len(), 3);
    assert!(uuids.iter().all(|uuid| uuid.get_version_num() == 4));
    // It is no change: what was stamped stays so.
    assert_eq!(ticks(&db.store, collection, &["known1", "new1", "new2"]).await, [1, 3, 4]);
}

/// SYNC-1.2-05.
pub(crate) async fn a_replaced_uuid_still_finds_its_resource(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b"]).await;
    let uuids: Vec<Uuid> = (0..3).map(|_| Uuid::new_v4()).collect();
    link(&db.store, collection, &[(ids[0], uuids[0]), (ids[1], uuids[1])]).await;
    link(&db.store, collection, &[(ids[0], uuids[2])]).await;
    for uuid in [uuids[0], uuids[2]] {
        assert_eq!(holder(&db.store, collection, uuid).await, Some(ids[0]));
    }
    let mut txn = db.store.begin().await.unwrap();
    let locked = txn.lock_by_uuids(collection, &uuids).await.unwrap();
    assert_eq!(locked.len(), 3);
    assert_eq!((locked[&uuids[0]].id, locked[&uuids[0]].uuid), (ids[0], Some(uuids[2])));
    assert_eq!(locked[&uuids[1]].id, ids[1]);
    drop(txn);
    let documents = db.store.by_uuids(collection, &uuids).await.unwrap();
    assert_eq!(documents[&uuids[0]], documents[&uuids[2]]);
}

/// SYNC-1.2-05, SYNC-1.3-11.
pub(crate) async fn an_alias_can_become_a_uuid_again(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b"]).await;
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    link(&db.store, collection, &[(ids[0], first)]).await;
    link(&db.store, collection, &[(ids[0], second)]).await;
    link(&db.store, collection, &[(ids[0], first)]).await;
    assert_eq!(holder(&db.store, collection, first).await, Some(ids[0]));
    assert_eq!(holder(&db.store, collection, second).await, Some(ids[0]));
    // Pointed at another resource, it finds that one.
    link(&db.store, collection, &[(ids[1], second)]).await;
    assert_eq!(holder(&db.store, collection, second).await, Some(ids[1]));
    assert_eq!(holder(&db.store, collection, first).await, Some(ids[0]));
}

/// SYNC-1.3-12.
pub(crate) async fn an_unlinked_uuid_is_unknown(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let id = create(&db.store, collection, &["a"]).await[0];
    let (former, current) = (Uuid::new_v4(), Uuid::new_v4());
    link(&db.store, collection, &[(id, former)]).await;
    link(&db.store, collection, &[(id, current)]).await;
    let mut txn = db.store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    txn.unlink(&[id]).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(holder(&db.store, collection, former).await, None);
    assert_eq!(holder(&db.store, collection, current).await, None);
    assert_eq!(db.store.live_count(collection).await.unwrap(), 1);
}

/// SYNC-1.1-02.
pub(crate) async fn a_uuid_is_never_given_twice(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b"]).await;
    let uuid = Uuid::new_v4();
    link(&db.store, collection, &[(ids[0], uuid)]).await;
    let mut txn = db.store.begin().await.unwrap();
    let error = refused(txn.link(collection, &[(ids[1], uuid)]).await);
    assert!(matches!(error, StoreError::Duplicate { what: Duplicate::Uuid }), "{error}");
    drop(txn);
    let contacts = register(&db.store, "contacts").await;
    let elsewhere = create(&db.store, contacts, &["a"]).await[0];
    link(&db.store, contacts, &[(elsewhere, uuid)]).await;
    assert_eq!(holder(&db.store, collection, uuid).await, Some(ids[0]));
}

/// SYNC-1.3-02.
pub(crate) async fn only_linked_resources_are_listed(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b", "c", "d"]).await;
    let links: Vec<_> = [0, 2, 3].into_iter().map(|index: usize| (ids[index], Uuid::new_v4())).collect();
    link(&db.store, collection, &links).await;
    let page = db.store.linked_page(collection, None, 0, 2).await.unwrap();
    assert_eq!(page.iter().map(|document| document.resource.id).collect::<Vec<_>>(), [ids[0], ids[2]]);
    let page = db.store.linked_page(collection, Some(ids[2]), 0, 2).await.unwrap();
    assert_eq!(page.iter().map(|document| document.resource.id).collect::<Vec<_>>(), [ids[3]]);
    assert_eq!(db.store.linked_page(collection, None, 2, 9).await.unwrap().len(), 1);
    assert_eq!(db.store.linked_count(collection).await.unwrap(), 3);
}
