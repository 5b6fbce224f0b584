//! Who waits for whom, where there is more than one writer.

use crate::database::TestDatabase;
use crate::sample::*;
use sdata_sync::store::StoreError;
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

/// SYNC-1.1-02.
pub(crate) async fn uuids_of_clients_are_looked_up_while_none_is_changed(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let mut one = db.store.begin().await.unwrap();
    let mut other = db.store.begin().await.unwrap();
    timeout(Duration::from_secs(5), async {
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
    timeout(Duration::from_secs(5), changing.lock(collection)).await.unwrap().unwrap();
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
