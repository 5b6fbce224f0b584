//! Who waits for whom, where there is more than one writer.

use crate::database::TestDatabase;
use crate::property_index::{changed, declare_and_fill, indexed, keys, named};
use crate::sample::*;
use sdata_sync::store::StoreError;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

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
    timeout(Duration::from_secs(5), writing).await.unwrap();
    holder.commit().await.unwrap();
    assert_eq!(ticks(&db.store, collection, &["a", "b"]).await, [0, 0]);
}

pub(crate) async fn the_victim_of_a_deadlock_may_try_again(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    create(&db.store, collection, &["a", "b"]).await;
    let mut one = db.store.begin().await.unwrap();
    let mut two = db.store.begin().await.unwrap();
    one.lock_by_key(collection, "a").await.unwrap();
    two.lock_by_key(collection, "b").await.unwrap();
    let first = tokio::spawn(async move {
        let locked = one.lock_by_key(collection, "b").await.map(|_| ());
        drop(one);
        locked
    });
    let second = tokio::spawn(async move {
        let locked = two.lock_by_key(collection, "a").await.map(|_| ());
        drop(two);
        locked
    });
    let outcomes = [first.await.unwrap(), second.await.unwrap()];
    let victims: Vec<StoreError> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(victims.len(), 1);
    assert!(victims[0].is_transient(), "{}", victims[0]);
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
