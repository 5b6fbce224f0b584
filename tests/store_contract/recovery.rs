//! Databases that are put back to an earlier state, and what is remembered of it.

use crate::database::TestDatabase;
use crate::jobs::{new, requested, submit};
use crate::sample::{accounts, at, create, own, register, remote, stamped_digest, tick, ticks};
use sdata_sync::protocol::paging::PageRequest;
use sdata_sync::protocol::{Digest, Recovery, Tick};
use sdata_sync::store::{AuditFilter, Event, NewTracking, Operation, PutBackNotes, TrackingState};
use sea_orm::{ConnectionTrait, Database};
use serde_json::json;
use std::time::Duration;

/// How long a context is kept that nobody deletes.
const KEPT: Duration = Duration::from_hours(2);

fn no_notes(_: &str) -> PutBackNotes {
    PutBackNotes { events: Vec::new(), failure: json!({}), kept: KEPT }
}

async fn execute(db: &TestDatabase, statement: &str) {
    let connection = Database::connect(&db.url).await.unwrap();
    connection.execute_unprepared(statement).await.unwrap();
    connection.close().await.unwrap();
}

/// SYNC-2.1-04.
pub(crate) async fn a_database_that_is_not_where_it_was_is_recognized(db: TestDatabase) {
    let collections = [accounts(&db.store).await, register(&db.store, "contacts").await];
    create(&db.store, collections[0], &["a"]).await;
    stamped_digest(&db.store, collections[0]).await;
    for _ in 0..2 {
        assert_eq!(db.store.recognize(at(1), no_notes).await.unwrap(), None);
        assert!(db.store.recoveries().await.unwrap().is_empty());
    }
    execute(&db, "UPDATE instance SET place = 'elsewhere'").await;
    let cause = db.store.recognize(at(2), no_notes).await.unwrap().unwrap();
    assert!(cause.contains("it was at elsewhere"), "{cause}");
    assert_eq!(db.store.recognize(at(3), no_notes).await.unwrap(), None, "it is told once");
    let recoveries = db.store.recoveries().await.unwrap();
    assert_eq!(recoveries.len(), collections.len());
    for (id, recovery) in recoveries {
        let floor = if id == collections[0] { tick(2) } else { Tick::FIRST };
        assert_eq!((recovery.since, recovery.floor, recovery.is_ambiguous), (at(2), floor, false));
        assert_eq!((recovery.known, recovery.cause), (floor, cause.clone()));
    }
    let glance = db.store.glance(collections[0]).await.unwrap();
    assert!(glance.is_recovering && !glance.seems_fallen);
}

/// SYNC-2.1-04: a feed would count as what its sender knows now, a batch would make everything twice.
pub(crate) async fn what_waited_in_a_database_that_was_put_back_is_not_done_again(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    db.store.recognize(at(1), no_notes).await.unwrap();
    let operations =
        [Operation::SyncTarget, Operation::Batch, Operation::LinkedBatch, Operation::SyncSource].map(|operation| {
            let id = operation.as_str();
            (operation, NewTracking { operation, ..new(collection, id) })
        });
    for (_, waiting) in &operations {
        submit(&db.store, waiting).await;
    }
    db.execute("UPDATE instance SET place = 'elsewhere'").await;
    let told = |cause: &str| PutBackNotes {
        events: vec![Event { message: cause.to_owned(), ..requested(collection) }],
        failure: json!({ "status": 409 }),
        kept: KEPT,
    };
    let cause = db.store.recognize(at(2), told).await.unwrap().unwrap();
    for (operation, waiting) in operations {
        let record = db.store.tracking(collection, operation, &waiting.tracking_id).await.unwrap().unwrap();
        let kept = record.finished_at.zip(record.expires_at).map(|(ended, expires)| expires.since(ended));
        let found = (record.state, record.failure, kept);
        let expected = match operation {
            Operation::SyncSource => (TrackingState::Queued, None, None),
            _ => (TrackingState::Failed, Some(json!({ "status": 409 })), Some(KEPT)),
        };
        assert_eq!(found, expected, "{operation:?}");
    }
    let events = db.store.events(&AuditFilter::default(), PageRequest { start_index: 1, count: 10 }).await.unwrap();
    assert!(events.rows.iter().any(|row| row.event.message == cause), "{events:?}");
}

/// SYNC-2.1-04.
pub(crate) async fn a_clock_that_goes_backwards_under_a_process_is_noticed(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    create(&db.store, collection, &["a", "b"]).await;
    assert_eq!(stamped_digest(&db.store, collection).await.tick_of(&own("accounts")), tick(3));
    assert!(!db.store.glance(collection).await.unwrap().seems_fallen);
    execute(&db, "UPDATE digest_entry SET tick = 2").await;
    assert!(db.store.glance(collection).await.unwrap().seems_fallen);
    let mut txn = db.store.begin().await.unwrap();
    let clock = txn.lock_clock(collection).await.unwrap();
    assert_eq!((clock.fallen_from, clock.recovery), (Some(tick(3)), None));
    let recovery = Recovery { known: tick(3), ..Recovery::in_time(tick(2), at(5), "it fell") };
    txn.begin_recovery(collection, &recovery, &[]).await.unwrap();
    txn.commit().await.unwrap();
    let mut txn = db.store.begin().await.unwrap();
    let clock = txn.lock_clock(collection).await.unwrap();
    assert_eq!((clock.fallen_from, clock.recovery), (None, Some(recovery)));
}

/// SYNC-2.1-04.
pub(crate) async fn a_clock_stands_still_until_everybody_has_come(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let mut txn = db.store.begin().await.unwrap();
    txn.note_peer(collection, &remote(1), &Digest::default(), at(0)).await.unwrap();
    let begun = Recovery::by_proof(tick(1), tick(9), tick(1), at(1), "a peer");
    let begun = Recovery { proof_feed: Some([7; 32]), ..begun };
    txn.begin_recovery(collection, &begun, &[remote(2)]).await.unwrap();
    txn.await_peers(collection, &[remote(1), remote(2), remote(3)]).await.unwrap();
    txn.note_known(collection, tick(12)).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(db.store.recoveries().await.unwrap(), [(collection, Recovery { known: tick(12), ..begun })]);
    assert_eq!(db.store.awaited(collection).await.unwrap().len(), 3);
    let mut txn = db.store.begin().await.unwrap();
    for (peer, waits) in [(2, true), (2, true), (1, true), (3, false)] {
        assert_eq!(txn.came(collection, &remote(peer)).await.unwrap(), waits, "{peer}");
    }
    txn.end_recovery(collection).await.unwrap();
    txn.commit().await.unwrap();
    assert!(db.store.recoveries().await.unwrap().is_empty());
    assert!(!db.store.glance(collection).await.unwrap().is_recovering);
}

/// SYNC-2.1-04.
pub(crate) async fn own_ticks_are_certain_up_to_a_moment_and_can_be_taken_away(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let own = own("accounts");
    let mut txn = db.store.begin().await.unwrap();
    assert_eq!(txn.certain_own_tick(collection, &own, at(9)).await.unwrap(), Tick::FIRST);
    drop(txn);
    create(&db.store, collection, &["a", "b", "c"]).await;
    stamped_digest(&db.store, collection).await;
    execute(&db, "UPDATE resource SET modified_at = modified_at + 1000000000 WHERE resource_key = 'c'").await;
    let mut txn = db.store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    assert_eq!(txn.certain_own_tick(collection, &own, at(500_000)).await.unwrap(), tick(3));
    txn.unstamp_own_from(collection, &own, tick(2)).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(ticks(&db.store, collection, &["a"]).await, [1]);
    let found = db.store.by_keys(collection, &["b".to_owned(), "c".to_owned()]).await.unwrap();
    assert!(found.values().all(|document| document.resource.state.is_none()));
}

/// SYNC-2.1-04.
pub(crate) async fn a_process_notices_that_its_database_was_put_back(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let store = db.other_process().await;
    store.recognize(at(1), no_notes).await.unwrap();
    create(&store, collection, &["a", "b"]).await;
    stamped_digest(&store, collection).await;
    assert_eq!(store.put_back_since().await.unwrap(), None);
    let cases = [("place", "/", "is not where it was"), ("epoch", "-", "another process has found")];
    for (column, part, why) in cases {
        db.execute(&format!("UPDATE instance SET {column} = REPLACE({column}, '{part}', '#')")).await;
        let cause = store.put_back_since().await.unwrap().unwrap();
        assert!(cause.contains(why), "{cause}");
        db.execute(&format!("UPDATE instance SET {column} = REPLACE({column}, '#', '{part}')")).await;
        assert_eq!(store.put_back_since().await.unwrap(), None);
    }
    db.execute("UPDATE digest_entry SET tick = 2").await;
    let mut txn = store.begin().await.unwrap();
    assert_eq!(txn.lock_clock(collection).await.unwrap().fallen_from, Some(tick(3)));
    drop(txn);
    assert!(store.put_back_since().await.unwrap().unwrap().contains("went backwards"));
    store.close().await.unwrap();
}

/// SYNC-2.1-04.
pub(crate) async fn a_clock_that_another_process_moved_was_seen_too(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    for under_lock in [true, false] {
        let mover = db.other_process().await;
        create(&mover, collection, &[if under_lock { "a" } else { "b" }]).await;
        let moved = stamped_digest(&mover, collection).await.tick_of(&own("accounts"));
        if under_lock {
            let mut txn = db.store.begin().await.unwrap();
            txn.lock_clock(collection).await.unwrap();
            txn.commit().await.unwrap();
        } else {
            db.store.glance(collection).await.unwrap();
        }
        db.execute("UPDATE digest_entry SET tick = tick - 1").await;
        let mut txn = db.store.begin().await.unwrap();
        assert_eq!(txn.lock_clock(collection).await.unwrap().fallen_from, Some(moved), "under the lock: {under_lock}");
        drop(txn);
        db.execute("UPDATE digest_entry SET tick = tick + 1").await;
        mover.close().await.unwrap();
    }
}

/// SYNC-2.1-03, SYNC-2.1-04: on a server nothing is left of a lost database.
pub(crate) async fn what_a_lost_database_gave_is_remembered_by_name(db: TestDatabase) {
    if !db.is_sqlite() {
        return;
    }
    // In another order than later, so that their ids are others'.
    let contacts = register(&db.store, "contacts").await;
    let collection = accounts(&db.store).await;
    db.store.recognize(at(1), no_notes).await.unwrap();
    create(&db.store, collection, &["a", "b"]).await;
    stamped_digest(&db.store, collection).await;
    create(&db.store, contacts, &["a"]).await;
    stamped_digest(&db.store, contacts).await;
    db.execute("DELETE FROM instance").await;
    db.execute("UPDATE digest_entry SET tick = 1").await;
    db.execute("UPDATE collection SET id = id + 10").await;
    db.execute("UPDATE digest_entry SET collection_id = collection_id + 10").await;
    let anew = db.other_process().await;
    assert_eq!(anew.recognize(at(2), no_notes).await.unwrap(), None);
    for (kind, seen) in [("accounts", 3), ("contacts", 2)] {
        let id = register(&anew, kind).await;
        let mut txn = anew.begin().await.unwrap();
        assert_eq!(txn.lock_clock(id).await.unwrap().fallen_from, Some(tick(seen)), "{kind}");
    }
    assert_eq!(anew.put_back_since().await.unwrap(), None, "it did not happen under this process");
    anew.close().await.unwrap();
}

/// SYNC-2.1-04.
pub(crate) async fn a_new_database_beside_an_illegible_witness_gives_nothing(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let Some(file) = db.url.strip_prefix("sqlite://") else { return };
    std::fs::write(format!("{file}-witness"), "").unwrap();
    let cause = db.store.recognize(at(1), no_notes).await.unwrap().unwrap();
    assert!(cause.contains("cannot be read"), "{cause}");
    assert!(db.store.glance(collection).await.unwrap().is_recovering);
    assert_eq!(db.other_process().await.recognize(at(2), no_notes).await.unwrap(), None, "it is told once");
}

/// SYNC-2.1-04: resources that bear them come back from peers.
pub(crate) async fn ids_given_after_a_backup_are_left_out(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let given = db.store.reserve_ids(1).await.unwrap().end;
    let mut txn = db.store.begin().await.unwrap();
    let recovery = Recovery::in_time(tick(1), at(1), "it was put back");
    txn.begin_recovery(collection, &recovery, &[]).await.unwrap();
    txn.commit().await.unwrap();
    assert!(db.store.reserve_ids(1).await.unwrap().start >= given + (1 << 20));
}
