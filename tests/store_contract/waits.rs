//! Who waits for whom, where there is more than one writer.

use crate::database::TestDatabase;
use crate::property_index::{changed, declare_and_fill, indexed, keys, named};
use crate::sample::*;
use sdata_sync::protocol::Uuids;
use sdata_sync::store::{ResourceWrite, StoreError};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// How long what waits for nobody may take, on a busy machine: less than whoever waits for a lock is let wait.
const AT_ONCE: Duration = Duration::from_secs(25);

pub(crate) async fn an_ordinary_write_does_not_wait_for_the_collection(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let id = create(&db.store, collection, &["a"]).await[0];
    stamped_digest(&db.store, collection).await;
    let mut holder = db.store.begin().await.unwrap();
    let mut digest = holder.lock(collection).await.unwrap();
    holder.stamp(collection, &mut digest, at(1)).await.unwrap();
    let writing = async {
        create(&db.store, collection, &["b"]).await;
        update(&db.store, collection, &[write(id, "a", "changed", at(5))]).await;
    };
    timeout(AT_ONCE, writing).await.unwrap();
    holder.commit().await.unwrap();
    assert_eq!(ticks(&db.store, collection, &["a", "b"]).await, [0, 0]);
}

/// SYNC-1.1-02.
pub(crate) async fn uuids_of_clients_are_looked_up_while_none_is_changed(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let mut one = db.store.begin().await.unwrap();
    let mut other = db.store.begin().await.unwrap();
    timeout(AT_ONCE, async {
        one.lock_uuids(collection).await.unwrap();
        other.lock_uuids(collection).await.unwrap();
    })
    .await
    .unwrap();
    other.commit().await.unwrap();
    let mut changing = db.store.begin().await.unwrap();
    let waiting = timeout(Duration::from_millis(300), changing.lock(collection)).await;
    assert!(waiting.is_err(), "whoever changes UUIDs waits");
    drop(changing);
    one.commit().await.unwrap();
    let mut changing = db.store.begin().await.unwrap();
    timeout(AT_ONCE, changing.lock(collection)).await.unwrap().unwrap();
}

pub(crate) async fn the_victim_of_a_deadlock_may_try_again(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    create(&db.store, collection, &["a", "b"]).await;
    let mut one = db.store.begin().await.unwrap();
    let mut two = db.store.begin().await.unwrap();
    one.lock_by_keys(collection, &["a".to_owned()]).await.unwrap();
    two.lock_by_keys(collection, &["b".to_owned()]).await.unwrap();
    let first = tokio::spawn(async move {
        let locked = one.lock_by_keys(collection, &["b".to_owned()]).await.map(|_| ());
        drop(one);
        locked
    });
    let second = tokio::spawn(async move {
        let locked = two.lock_by_keys(collection, &["a".to_owned()]).await.map(|_| ());
        drop(two);
        locked
    });
    let outcomes = [first.await.unwrap(), second.await.unwrap()];
    let victims: Vec<StoreError> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(victims.len(), 1);
    assert!(victims[0].is_transient(), "{}", victims[0]);
}

/// The order of the keys is the reverse of the order of the ids: whoever locks along an index of keys meets the other half-way.
pub(crate) async fn nobody_waits_in_a_circle_for_resources_by_whatever_name(db: TestDatabase) {
    const RESOURCES: usize = 40;
    let collection = accounts(&db.store).await;
    let keys: Vec<String> = (0..RESOURCES).map(|place| format!("k{:02}", RESOURCES - place)).collect();
    let uuids: Vec<Uuid> = (1..=RESOURCES as u128).map(Uuid::from_u128).collect();
    let ids = new_ids(&db.store, RESOURCES as u64).await;
    let named = ids.iter().zip(&keys).zip(&uuids);
    let writes: Vec<_> =
        named.map(|((id, key), uuid)| ResourceWrite { uuid: Some(*uuid), ..write(*id, key, "one", at(1)) }).collect();
    insert(&db.store, collection, &writes).await;
    let half = RESOURCES / 2;
    let lockers = [
        (keys.clone(), Vec::new()),
        (Vec::new(), uuids.clone()),
        (keys[..half].to_vec(), uuids[half..].to_vec()),
        (keys[half..].to_vec(), uuids[..half].to_vec()),
    ];
    let lockers = lockers.map(|(keys, uuids)| {
        let store = db.store.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                let mut txn = store.begin().await.unwrap();
                let locked = txn.lock_named(collection, &keys, &uuids).await.unwrap();
                assert_eq!((locked.by_key.len(), locked.by_uuid.len()), (keys.len(), uuids.len()));
                txn.rollback().await.unwrap();
            }
        })
    });
    for locker in lockers {
        locker.await.unwrap();
    }
}

pub(crate) async fn a_uuid_that_goes_elsewhere_while_it_is_waited_for_is_looked_up_again(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b"]).await;
    let uuid = Uuid::from_u128(1);
    let known_by = |current| Uuids { current, former: BTreeSet::new() };
    let mut holder = db.store.begin().await.unwrap();
    holder.set_uuids(collection, &[(ids[0], known_by(Some(uuid)))]).await.unwrap();
    holder.commit().await.unwrap();
    let mut holder = db.store.begin().await.unwrap();
    holder.lock_by_keys(collection, &["a".to_owned()]).await.unwrap();
    let store = db.store.clone();
    let waiting = tokio::spawn(async move {
        let mut txn = store.begin().await.unwrap();
        txn.lock_named(collection, &[], &[uuid]).await.map(|locked| locked.by_uuid[&uuid].key.clone())
    });
    db.until_somebody_waits().await;
    let moved = [(ids[0], known_by(None)), (ids[1], known_by(Some(uuid)))];
    holder.set_uuids(collection, &moved).await.unwrap();
    holder.commit().await.unwrap();
    let outcome = waiting.await.unwrap();
    assert!(matches!(&outcome, Err(error) if error.is_transient()), "{outcome:?}");
    let mut txn = db.store.begin().await.unwrap();
    assert_eq!(txn.lock_named(collection, &[], &[uuid]).await.unwrap().by_uuid[&uuid].id, ids[1]);
}

/// OURS-SCALE-02.
pub(crate) async fn an_index_learns_of_new_resources_that_are_committed_after_it_was_filled(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = new_ids(&db.store, 1).await;
    let mut txn = db.store.begin().await.unwrap();
    txn.insert(collection, &[changed(ids[0], 0, json!({ "name": "late" }))]).await.unwrap();
    let new = db.other_process().await;
    declare_and_fill(&new, collection, &[indexed(&crate::property_index::name())]).await;
    assert_eq!(named(&new, collection, "late").await, (keys([]), keys([])));
    txn.commit().await.unwrap();
    assert_eq!(named(&new, collection, "late").await, (keys([0]), keys([0])));
}
