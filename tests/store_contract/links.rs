//! UUIDs: given, replaced, taken back.

use crate::database::{TestDatabase, refused};
use crate::sample::*;
use sdata_sync::protocol::Uuids;
use sdata_sync::store::{CollectionId, Cursor, Duplicate, ResourceId, ResourceWrite, Selection, Store, StoreError};
use std::collections::{BTreeSet, HashSet};
use uuid::Uuid;

async fn set(store: &Store, collection: CollectionId, resources: &[(ResourceId, Uuids)]) {
    let mut txn = store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    txn.set_uuids(collection, resources).await.unwrap();
    txn.commit().await.unwrap();
}

/// The first of `uuids` is the current one.
fn known_by(uuids: &[Uuid]) -> Uuids {
    Uuids { current: uuids.first().copied(), former: uuids.iter().skip(1).copied().collect() }
}

/// Who is known by `uuid`, to whoever asks for a resource.
async fn holder(store: &Store, collection: CollectionId, uuid: Uuid) -> Option<ResourceId> {
    store.by_uuids(collection, &[uuid]).await.unwrap().remove(&uuid).map(|document| document.resource.id)
}

/// Where a reference by `uuid` leads.
async fn referenced(store: &Store, collection: CollectionId, uuid: Uuid) -> Option<ResourceId> {
    store.referenced_by_uuids(collection, &[uuid]).await.unwrap().remove(&uuid).map(|resource| resource.id)
}

fn uuids<const N: usize>() -> [Uuid; N] {
    std::array::from_fn(|_| Uuid::new_v4())
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
    assert_eq!(txn.link_stamped(collection, tick(3), 1).await.unwrap(), 1);
    txn.commit().await.unwrap();
    for is_left in [true, false] {
        assert_eq!(db.store.has_unlinked(collection, tick(3)).await.unwrap(), is_left);
        let mut txn = db.store.begin().await.unwrap();
        let linked = txn.link_unsent(collection, tick(3), 3).await.unwrap();
        assert_eq!(linked, if is_left { 2 } else { 0 });
        txn.commit().await.unwrap();
    }
    let mut txn = db.store.begin().await.unwrap();
    assert_eq!(txn.link_stamped(collection, tick(3), 2).await.unwrap(), 0);
    drop(txn);
    let keys = ["known1", "known2", "new1", "new2", "unstamped", "gone"].map(str::to_owned);
    let found = db.store.by_keys(collection, &keys).await.unwrap();
    let linked: Vec<_> = keys.iter().filter(|key| found[*key].resource.uuid.is_some()).collect();
    assert_eq!(linked, ["new1", "new2", "unstamped"]);
    let uuids: HashSet<_> = found.values().filter_map(|document| document.resource.uuid).collect();
    assert_eq!(uuids.len(), 3);
    assert!(uuids.iter().all(|uuid| uuid.get_version_num() == 8));
    // It is no change: what was stamped stays so.
    assert_eq!(ticks(&db.store, collection, &["known1", "new1", "new2"]).await, [1, 3, 4]);
}

/// SYNC-1.2-05.
pub(crate) async fn a_replaced_uuid_still_finds_its_resource(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b"]).await;
    let [first, other, second] = uuids();
    set(&db.store, collection, &[(ids[0], known_by(&[first])), (ids[1], known_by(&[other]))]).await;
    set(&db.store, collection, &[(ids[0], known_by(&[second, first]))]).await;
    for uuid in [first, second] {
        assert_eq!(holder(&db.store, collection, uuid).await, Some(ids[0]));
        assert_eq!(referenced(&db.store, collection, uuid).await, Some(ids[0]));
    }
    let mut txn = db.store.begin().await.unwrap();
    let locked = txn.lock_by_uuids(collection, &[first, other, second]).await.unwrap();
    assert_eq!(locked.len(), 3);
    assert_eq!((locked[&first].id, locked[&first].uuid), (ids[0], Some(second)));
    assert_eq!(locked[&other].id, ids[1]);
    drop(txn);
    let documents = db.store.by_uuids(collection, &[first, second]).await.unwrap();
    assert_eq!(documents[&first], documents[&second]);
    let former = db.store.former_uuids(&ids).await.unwrap();
    assert_eq!(former.into_iter().collect::<Vec<_>>(), [(ids[0], BTreeSet::from([first]))]);
}

/// SYNC-1.1-02, SYNC-1.2-05, SYNC-1.3-11.
pub(crate) async fn uuids_go_from_one_resource_to_another_at_once(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b", "c"]).await;
    let [first, former, second, unused] = uuids();
    set(&db.store, collection, &[(ids[0], known_by(&[first, former])), (ids[1], known_by(&[second]))]).await;
    // Two swap theirs, and a former one becomes the current one of a third.
    let swapped = [(ids[0], known_by(&[second])), (ids[1], known_by(&[first, unused])), (ids[2], known_by(&[former]))];
    set(&db.store, collection, &swapped).await;
    let expected = [(first, 1), (second, 0), (former, 2), (unused, 1)];
    for (uuid, index) in expected {
        assert_eq!(holder(&db.store, collection, uuid).await, Some(ids[index]));
    }
    set(&db.store, collection, &[(ids[1], Uuids::default()), (ids[0], known_by(&[unused, second, first]))]).await;
    for uuid in [first, second, unused] {
        assert_eq!(holder(&db.store, collection, uuid).await, Some(ids[0]));
    }
    // It is no change, until somebody says so.
    assert_eq!(db.clean_digest(collection).await.unwrap(), None);
    stamped_digest(&db.store, collection).await;
    assert_eq!(ticks(&db.store, collection, &["a", "b", "c"]).await, [1, 2, 3]);
    let mut txn = db.store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    txn.unstamp(&[(ids[0], at(70)), (ids[2], at(60))]).await.unwrap();
    txn.commit().await.unwrap();
    stamped_digest(&db.store, collection).await;
    assert_eq!(ticks(&db.store, collection, &["a", "b", "c"]).await, [5, 2, 4]);
}

/// SYNC-1.3-12, SYNC-1.2-04: references that are kept here still lead to the resource, until somebody else bears the UUID.
pub(crate) async fn a_retired_uuid_names_nothing_but_references_follow_it(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b"]).await;
    let [current, former] = uuids();
    set(&db.store, collection, &[(ids[0], known_by(&[current, former]))]).await;
    let mut txn = db.store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    txn.set_uuids(collection, &[(ids[0], Uuids::default())]).await.unwrap();
    txn.retire_uuids(collection, &[(current, ids[0]), (former, ids[0])]).await.unwrap();
    assert_eq!(txn.lock_by_uuids(collection, &[current, former]).await.unwrap().len(), 0);
    txn.commit().await.unwrap();
    for uuid in [current, former] {
        assert_eq!(holder(&db.store, collection, uuid).await, None);
        assert_eq!(referenced(&db.store, collection, uuid).await, Some(ids[0]));
    }
    assert_eq!(db.store.live_count(collection).await.unwrap(), 2);
    set(&db.store, collection, &[(ids[1], known_by(&[current]))]).await;
    assert_eq!(referenced(&db.store, collection, current).await, Some(ids[1]));
    assert_eq!(referenced(&db.store, collection, former).await, Some(ids[0]));
}

/// SYNC-1.2-04.
pub(crate) async fn references_by_key_follow_united_resources(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b", "c", "gone"]).await;
    let tombstone =
        |index: usize, key: &str| ResourceWrite { deleted: true, content: None, ..write(ids[index], key, "", at(9)) };
    update(&db.store, collection, &[tombstone(0, "a"), tombstone(1, "b"), tombstone(3, "gone")]).await;
    for (gone, stays) in [(0, 1), (1, 2)] {
        let mut txn = db.store.begin().await.unwrap();
        txn.lock(collection).await.unwrap();
        txn.unite(&[(ids[gone], ids[stays])]).await.unwrap();
        txn.commit().await.unwrap();
    }
    let keys = ["a", "b", "c", "gone"].map(str::to_owned);
    let mut txn = db.store.begin().await.unwrap();
    let locked = txn.lock_referenced_by_keys(collection, &keys).await.unwrap();
    assert_eq!(keys.each_ref().map(|key| locked[key].id), [ids[2], ids[2], ids[2], ids[3]]);
    assert_eq!(txn.referenced_by_keys(collection, &keys).await.unwrap(), locked);
    drop(txn);
    assert_eq!(db.store.referenced_by_keys(collection, &keys).await.unwrap(), locked);
    // The resource itself is the tombstone that it is.
    assert!(db.store.by_keys(collection, &keys).await.unwrap()["a"].resource.deleted);
}

/// SYNC-1.1-02.
pub(crate) async fn a_uuid_is_never_given_twice(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b"]).await;
    let uuid = Uuid::new_v4();
    set(&db.store, collection, &[(ids[0], known_by(&[uuid]))]).await;
    let mut txn = db.store.begin().await.unwrap();
    let error = refused(txn.set_uuids(collection, &[(ids[1], known_by(&[uuid]))]).await);
    assert!(matches!(error, StoreError::Duplicate { what: Duplicate::Uuid }), "{error}");
    drop(txn);
    let contacts = register(&db.store, "contacts").await;
    let elsewhere = create(&db.store, contacts, &["a"]).await[0];
    set(&db.store, contacts, &[(elsewhere, known_by(&[uuid]))]).await;
    assert_eq!(holder(&db.store, collection, uuid).await, Some(ids[0]));
    // Who is linked keeps what it has: another operation was faster.
    let mut txn = db.store.begin().await.unwrap();
    txn.link(&[(ids[0], Uuid::new_v4())]).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(holder(&db.store, collection, uuid).await, Some(ids[0]));
}

/// SYNC-1.3-02.
pub(crate) async fn only_linked_resources_are_listed(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b", "c", "d"]).await;
    let links: Vec<_> = [0, 2, 3].into_iter().map(|index: usize| (ids[index], known_by(&uuids::<1>()))).collect();
    set(&db.store, collection, &links).await;
    let linked = Selection { linked: true, ..Selection::default() };
    let page = async |after: Option<&Cursor>, offset, limit| {
        let selected = db.store.select(collection, &linked, after, offset, limit).await.unwrap();
        let end = selected.last().map(|last| last.cursor.clone());
        (selected.into_iter().map(|one| one.document.resource.id).collect::<Vec<_>>(), end)
    };
    let (first, end) = page(None, 0, 2).await;
    assert_eq!(first, [ids[0], ids[2]]);
    assert_eq!(page(end.as_ref(), 0, 2).await.0, [ids[3]]);
    assert_eq!(page(None, 2, 9).await.0, [ids[3]]);
    assert_eq!(db.store.selected_count(collection, &linked).await.unwrap(), 3);
}

/// SYNC-1.2-03, SYNC-1.3-12: as after a restore, and as after a DELETE of its link.
pub(crate) async fn a_resource_gets_the_same_uuid_again_unless_it_was_taken_away(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b", "c", "d"]).await;
    let linked = async || {
        let mut txn = db.store.begin().await.unwrap();
        txn.link_unsent(collection, tick(1), 9).await.unwrap();
        txn.commit().await.unwrap();
        let keys = ["a", "b", "c", "d"].map(str::to_owned);
        let found = db.store.by_keys(collection, &keys).await.unwrap();
        keys.map(|key| found[&key].resource.uuid.unwrap())
    };
    let first = linked().await;
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), 4);
    db.execute("UPDATE resource SET uuid = NULL").await;
    assert_eq!(linked().await, first);
    set(&db.store, collection, &[(ids[1], known_by(&[])), (ids[2], known_by(&[])), (ids[3], known_by(&[]))]).await;
    let mut txn = db.store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    txn.retire_uuids(collection, &[(first[1], ids[1])]).await.unwrap();
    txn.commit().await.unwrap();
    let elsewhere = create(&db.store, collection, &["borne", "formerly"]).await;
    let [other] = uuids();
    let borne = [(elsewhere[0], known_by(&[first[2]])), (elsewhere[1], known_by(&[other, first[3]]))];
    set(&db.store, collection, &borne).await;
    let again = linked().await;
    assert_eq!(again[0], first[0]);
    assert!((1..4).all(|index| !first.contains(&again[index])), "{again:?}");
}
