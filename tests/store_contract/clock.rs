//! The collection's clock: digest and stamping.

use crate::database::{TestDatabase, refused};
use crate::sample::*;
use sdata_sync::protocol::{Digest, DigestEntry, Stamp, Tick};
use sdata_sync::store::{RegisterError, StoreError};

/// SYNC-4.2-03, SYNC-4.2-07.
pub(crate) async fn a_new_collection_knows_itself_at_tick_1(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let digest = db.clean_digest(collection).await.unwrap().unwrap();
    assert_eq!(digest.origin, Some(own("accounts")));
    assert_eq!(digest.entries.len(), 1);
    let entry = digest.entries[&own("accounts")];
    assert_eq!((entry.tick, entry.conflict_priority), (Tick::FIRST, priority(5)));
}

/// SYNC-4.2-03, SYNC-4.2-06: the stamp is that of the tick.
pub(crate) async fn registering_again_finds_the_collection_and_takes_the_priority_over(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let before = db.clean_digest(collection).await.unwrap().unwrap();
    let again = db.store.register_collection(&name("accounts"), &own("accounts"), priority(2)).await.unwrap();
    assert_eq!(again, collection);
    assert_ne!(register(&db.store, "contacts").await, collection);
    let after = db.clean_digest(collection).await.unwrap().unwrap();
    let own = own("accounts");
    assert_eq!(after.entries[&own].conflict_priority, priority(2));
    assert_eq!(after.entries[&own].stamp, before.entries[&own].stamp);
}

/// SYNC-3.1-01.
pub(crate) async fn a_collection_stored_under_another_endpoint_is_refused(db: TestDatabase) {
    accounts(&db.store).await;
    let moved = db.store.register_collection(&name("accounts"), &remote(1), priority(5)).await;
    match refused(moved) {
        RegisterError::EndpointChanged { stored, configured, .. } => {
            assert_eq!((stored, configured), (own("accounts"), remote(1)));
        }
        RegisterError::Store(error) => panic!("{error}"),
    }
}

pub(crate) async fn several_processes_may_register_at_the_same_time(db: TestDatabase) {
    let other = db.other_process().await;
    let (one, two) = tokio::join!(accounts(&db.store), accounts(&other));
    assert_eq!(one, two);
}

/// SYNC-2.2-01, SYNC-4.3-03, SYNC-4.3-04.
pub(crate) async fn unstamped_resources_get_consecutive_ticks_in_the_order_of_their_changes(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = new_ids(&db.store, 3).await;
    let writes =
        [write(ids[0], "late", "x", at(30)), write(ids[1], "early", "x", at(10)), write(ids[2], "middle", "x", at(20))];
    insert(&db.store, collection, &writes).await;
    let digest = stamped_digest(&db.store, collection).await;
    assert_eq!(digest.tick_of(&own("accounts")), tick(4));
    assert_eq!(digest.entries[&own("accounts")].stamp, at(1_000_000));
    assert_eq!(ticks(&db.store, collection, &["early", "middle", "late"]).await, [1, 2, 3]);
    assert_eq!(db.clean_digest(collection).await.unwrap(), Some(digest));
    create(&db.store, collection, &["next"]).await;
    assert_eq!(stamped_digest(&db.store, collection).await.tick_of(&own("accounts")), tick(5));
    assert_eq!(ticks(&db.store, collection, &["next", "late"]).await, [4, 3]);
}

/// SYNC-2.2-02, SYNC-4.3-06.
pub(crate) async fn several_writes_between_two_operations_make_one_tick(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let id = create(&db.store, collection, &["a"]).await[0];
    stamped_digest(&db.store, collection).await;
    for millis in [50, 60, 70] {
        update(&db.store, collection, &[write(id, "a", "again", at(millis))]).await;
    }
    assert_eq!(ticks(&db.store, collection, &["a"]).await, [0]);
    let digest = stamped_digest(&db.store, collection).await;
    assert_eq!(digest.tick_of(&own("accounts")), tick(3));
    let found = db.store.by_keys(collection, &["a".to_owned()]).await.unwrap();
    let state = found["a"].resource.state.clone().unwrap();
    assert_eq!((state.tick, state.stamp), (tick(2), at(70)));
}

/// SYNC-2.1-03.
pub(crate) async fn a_raised_own_tick_is_never_given_again(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    create(&db.store, collection, &["a"]).await;
    let mut txn = db.store.begin().await.unwrap();
    let before = txn.lock(collection).await.unwrap();
    let mut digest = before.clone();
    assert_eq!(digest.raise_own(&own("accounts"), tick(41), at(5)), Some(Tick::FIRST));
    txn.stamp(collection, &mut digest, at(6)).await.unwrap();
    txn.save_digest(collection, &before, &digest).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(ticks(&db.store, collection, &["a"]).await, [41]);
    let digest = db.clean_digest(collection).await.unwrap().unwrap();
    assert_eq!(digest.tick_of(&own("accounts")), tick(42));
}

/// SYNC-2.2-01.
pub(crate) async fn a_rolled_back_write_leaves_no_tick(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let id = new_id(&db.store).await;
    let mut txn = db.store.begin().await.unwrap();
    txn.insert(collection, &[write(id, "a", "a", at(0))]).await.unwrap();
    txn.rollback().await.unwrap();
    let mut txn = db.store.begin().await.unwrap();
    txn.insert(collection, &[write(id, "a", "a", at(0))]).await.unwrap();
    drop(txn);
    assert_eq!(stamped_digest(&db.store, collection).await.tick_of(&own("accounts")), Tick::FIRST);
    let mut txn = db.store.begin().await.unwrap();
    let mut digest = txn.lock(collection).await.unwrap();
    txn.insert(collection, &[write(id, "a", "a", at(0))]).await.unwrap();
    assert_eq!(txn.stamp(collection, &mut digest, at(1)).await.unwrap(), 1);
    drop(txn);
    let clean = db.clean_digest(collection).await.unwrap().unwrap();
    assert_eq!(clean.tick_of(&own("accounts")), Tick::FIRST);
    assert!(db.store.by_keys(collection, &["a".to_owned()]).await.unwrap().is_empty());
}

/// SYNC-4.2-04.
pub(crate) async fn the_digest_is_clean_only_while_nothing_waits(db: TestDatabase) {
    let (collection, other) = (accounts(&db.store).await, register(&db.store, "contacts").await);
    let id = create(&db.store, collection, &["a"]).await[0];
    assert_eq!(db.clean_digest(collection).await.unwrap(), None);
    assert!(db.clean_digest(other).await.unwrap().is_some());
    let digest = stamped_digest(&db.store, collection).await;
    assert_eq!(db.clean_digest(collection).await.unwrap(), Some(digest));
    update(&db.store, collection, &[write(id, "a", "b", at(9))]).await;
    assert_eq!(db.clean_digest(collection).await.unwrap(), None);
}

/// SYNC-4.2-02, SYNC-5.5-01.
pub(crate) async fn a_saved_digest_has_every_endpoint_it_was_told_of(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let mut txn = db.store.begin().await.unwrap();
    let before = txn.lock(collection).await.unwrap();
    let mut after = before.clone();
    for node in 0..300 {
        let entry = DigestEntry { tick: tick(u64::from(node) + 7), stamp: at(3), conflict_priority: priority(9) };
        after.entries.insert(remote(node), entry);
    }
    txn.save_digest(collection, &before, &after).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(db.clean_digest(collection).await.unwrap().as_ref(), Some(&after));
    let mut txn = db.store.begin().await.unwrap();
    let before = txn.lock(collection).await.unwrap();
    assert_eq!(before, after);
    after.note_entry(&state(&remote(4), 90), &Digest::default());
    txn.save_digest(collection, &before, &after).await.unwrap();
    txn.commit().await.unwrap();
    let saved = db.clean_digest(collection).await.unwrap().unwrap();
    assert_eq!((saved.tick_of(&remote(4)), saved.tick_of(&remote(5))), (tick(91), tick(12)));
}

/// SYNC-4.2-05.
pub(crate) async fn an_impossible_priority_is_damage(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    db.execute("UPDATE digest_entry SET conflict_priority = 10").await;
    let error = refused(db.clean_digest(collection).await);
    assert!(matches!(&error, StoreError::Damaged(what) if what.contains("conflict priority 10")), "{error}");
    assert!(!error.is_transient());
}

pub(crate) async fn the_clock_of_the_database_is_about_right(db: TestDatabase) {
    let seconds = (db.store.now().await.unwrap() - Stamp::now().to_micros()).abs() / 1_000_000;
    assert!(seconds < 60, "{seconds} s apart");
}
