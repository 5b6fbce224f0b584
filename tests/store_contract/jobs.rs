//! Asynchronous operations and their lanes.

use crate::database::{TestDatabase, refused};
use crate::sample::*;
use sdata_sync::protocol::paging::PageRequest;
use sdata_sync::protocol::{Run, Stamp};
use sdata_sync::store::{
    AuditFilter, BodyPart, CollectionId, Counts, DoneAtOnce, Event, EventOperation, EventOutcome, FeedPart,
    NewTracking, Operation, ResultRow, Store, StoreError, Submission, TrackingKey, TrackingState, Version,
};
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(60);

pub(crate) fn new(collection: CollectionId, tracking_id: &str) -> NewTracking {
    NewTracking {
        collection,
        operation: Operation::SyncTarget,
        tracking_id: tracking_id.to_owned(),
        run: None,
        phase_detail: "waiting".to_owned(),
        request: json!({ "mode": "catchUp" }),
        body: None,
        parts: Vec::new(),
        feed: None,
        principal: None,
        remote_address: None,
        created_at: at(0),
        event: None,
        done: None,
        peer: None,
    }
}

pub(crate) fn requested(collection: CollectionId) -> Event {
    Event {
        at: at(0),
        run: None,
        tracking_id: None,
        collection: Some(collection),
        name: name("accounts"),
        operation: EventOperation::TargetRequested,
        outcome: EventOutcome::Ok,
        http_status: 202,
        counts: Counts::default(),
        duration_millis: 3,
        principal: None,
        remote_address: None,
        message: String::new(),
    }
}

pub(crate) async fn submit(store: &Store, new: &NewTracking) -> TrackingKey {
    match store.submit(new).await.unwrap() {
        Submission::Accepted(key) => key,
        other => panic!("{other:?}"),
    }
}

async fn finish(store: &Store, key: TrackingKey, expires_at: Stamp) {
    let mut txn = store.begin().await.unwrap();
    txn.finish(key, &json!({ "entries": 3 }), at(50), expires_at).await.unwrap();
    txn.commit().await.unwrap();
}

async fn delete(store: &Store, collection: CollectionId, tracking_id: &str, now: Stamp) -> bool {
    let record = store.tracking(collection, Operation::SyncTarget, tracking_id).await.unwrap().unwrap();
    store.delete_tracking(&record, now, None).await.unwrap()
}

pub(crate) async fn what_waits_or_runs_is_counted_by_account_and_without_one_by_address(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let by = |id: &str, principal: Option<&str>, address: &str| NewTracking {
        principal: principal.map(str::to_owned),
        remote_address: Some(address.to_owned()),
        ..new(collection, id)
    };
    let first = submit(&db.store, &by("T-1", None, "192.0.2.1")).await;
    submit(&db.store, &by("T-2", None, "192.0.2.1")).await;
    submit(&db.store, &by("T-3", None, "192.0.2.2")).await;
    submit(&db.store, &by("T-4", Some("anna"), "192.0.2.1")).await;
    let store = db.other_process().await;
    let pending = async |principal, address| store.pending_of(principal, address).await.unwrap();
    assert_eq!(pending(None, Some("192.0.2.1")).await, 2);
    assert_eq!(pending(Some("anna"), Some("192.0.2.9")).await, 1);
    assert_eq!(pending(Some("bert"), Some("192.0.2.1")).await, 0);
    assert_eq!(pending(None, None).await, 0);
    // One that a worker has begun still counts; one that is done does not.
    db.store.claim("w", LEASE, &[collection], at(10)).await.unwrap().unwrap();
    assert_eq!(pending(None, Some("192.0.2.1")).await, 2);
    finish(&db.store, first, at(100)).await;
    assert_eq!(pending(None, Some("192.0.2.1")).await, 1);
    store.close().await.unwrap();
}

/// An operation with nothing to do is done when it is accepted.
pub(crate) async fn an_operation_can_be_done_at_once(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let done = DoneAtOnce { outcome: json!({ "total": 0 }), expires_at: at(100) };
    submit(&db.store, &NewTracking { done: Some(done), ..new(collection, "T-1") }).await;
    let record = db.store.tracking(collection, Operation::SyncTarget, "T-1").await.unwrap().unwrap();
    assert_eq!((record.state, record.outcome), (TrackingState::Done, Some(json!({ "total": 0 }))));
    assert_eq!((record.started_at, record.finished_at, record.expires_at), (Some(at(0)), Some(at(0)), Some(at(100))));
    assert!(db.store.claim("w", LEASE, &[collection], at(1)).await.unwrap().is_none());
}

/// CORE-11.6-01, CORE-11.5-06.
pub(crate) async fn the_same_tracking_id_is_one_operation_however_often_it_is_submitted(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let other = db.other_process().await;
    let new = NewTracking {
        run: Some(Run { name: "nightly".to_owned(), stamp: "2025".to_owned() }),
        event: Some(requested(collection)),
        principal: Some("engine".to_owned()),
        remote_address: Some("10.0.0.7".to_owned()),
        feed: Some(FeedPart { hash: [7; 32], end: 100 }),
        body: Some(5),
        ..new(collection, "T-1")
    };
    // Each comes with a body of its own, as requests do.
    let submissions = [(&db.store, 5), (&other, 6), (&db.store, 7), (&other, 8)].map(|(store, body)| {
        let (store, new) = (store.clone(), NewTracking { body: Some(body), ..new.clone() });
        tokio::spawn(async move { store.submit(&new).await.unwrap() })
    });
    let mut accepted = 0;
    for submission in submissions {
        match submission.await.unwrap() {
            Submission::Accepted(_) => accepted += 1,
            other => assert_eq!(other, Submission::Same),
        }
    }
    assert_eq!(accepted, 1);
    let record = db.store.tracking(collection, Operation::SyncTarget, "T-1").await.unwrap().unwrap();
    assert_eq!((record.state, record.collection, record.operation), (TrackingState::Queued, collection, new.operation));
    assert_eq!((record.done, record.total, record.phase_detail.as_str()), (0, 0, "waiting"));
    assert_eq!((record.request, record.outcome, record.failure), (new.request, None, None));
    assert!(record.body.is_some_and(|body| (5..=8).contains(&body)), "one of the bodies: {:?}", record.body);
    assert_eq!((record.feed, record.created_at), (new.feed, at(0)));
    assert_eq!((record.principal, record.remote_address), (new.principal, new.remote_address));
    let (run_id, run) = record.run.unwrap();
    assert_eq!(Some(run), new.run);
    let events = db.store.events(&AuditFilter::default(), PageRequest { start_index: 1, count: 10 }).await.unwrap();
    assert_eq!((events.total, events.rows[0].event.run), (1, Some(run_id)));
}

/// CORE-11.6-02, CORE-11.5-02.
pub(crate) async fn a_tracking_id_of_another_operation_or_collection_is_in_use(db: TestDatabase) {
    let (collection, other) = (accounts(&db.store).await, register(&db.store, "contacts").await);
    submit(&db.store, &new(collection, "T-1")).await;
    let source = NewTracking { operation: Operation::SyncSource, ..new(collection, "T-1") };
    assert_eq!(db.store.submit(&source).await.unwrap(), Submission::InUse);
    assert_eq!(db.store.submit(&new(other, "T-1")).await.unwrap(), Submission::InUse);
    assert_eq!(db.store.tracking(other, Operation::SyncTarget, "T-1").await.unwrap(), None);
    assert_eq!(db.store.tracking(collection, Operation::SyncSource, "T-1").await.unwrap(), None);
    assert!(delete(&db.store, collection, "T-1", at(5)).await);
    assert_eq!(db.store.submit(&new(collection, "T-1")).await.unwrap(), Submission::UsedUp);
    assert!(!delete(&db.store, collection, "T-1", at(6)).await);
}

/// CORE-11.6-01.
pub(crate) async fn tracking_ids_are_compared_byte_for_byte(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = ["abc", "ABC", "abc ", "äbc", "{4F5A-…}"];
    for id in ids {
        submit(&db.store, &new(collection, id)).await;
    }
    for id in ids {
        let record = db.store.tracking(collection, Operation::SyncTarget, id).await.unwrap().unwrap();
        assert_eq!(record.tracking_id, id);
    }
    let longest = "x".repeat(255);
    submit(&db.store, &new(collection, &longest)).await;
    let error = refused(db.store.submit(&new(collection, &"x".repeat(256))).await);
    assert!(matches!(error, StoreError::TooLong { .. }), "{error}");
}

/// SYNC-4.1-08.
pub(crate) async fn the_oldest_operation_is_claimed_first_and_lanes_run_side_by_side(db: TestDatabase) {
    let (one, two) = (accounts(&db.store).await, register(&db.store, "contacts").await);
    for (collection, id) in [(one, "1a"), (one, "1b"), (two, "2a")] {
        submit(&db.store, &new(collection, id)).await;
    }
    let claimed = async |owner: &str| {
        let record = db.store.claim(owner, LEASE, &[one, two], at(1)).await.unwrap();
        record.map(|record| record.tracking_id)
    };
    assert_eq!(claimed("w1").await.as_deref(), Some("1a"));
    assert_eq!(claimed("w2").await.as_deref(), Some("2a"));
    assert_eq!(claimed("w3").await, None);
    // A worker that asks again has nothing else to do: it goes on where it was.
    assert_eq!(claimed("w1").await.as_deref(), Some("1a"));
    let first = db.store.tracking(one, Operation::SyncTarget, "1a").await.unwrap().unwrap();
    finish(&db.store, first.key, at(100)).await;
    assert_eq!(claimed("w3").await, None);
    db.store.release(one, "w2").await.unwrap();
    assert_eq!(claimed("w3").await, None);
    db.store.release(one, "w1").await.unwrap();
    assert_eq!(claimed("w3").await.as_deref(), Some("1b"));
}

pub(crate) async fn a_process_claims_only_operations_it_serves(db: TestDatabase) {
    let (one, two) = (accounts(&db.store).await, register(&db.store, "contacts").await);
    submit(&db.store, &new(one, "1a")).await;
    submit(&db.store, &new(two, "2a")).await;
    assert!(db.store.claim("w1", LEASE, &[], at(1)).await.unwrap().is_none());
    let claimed = db.store.claim("w1", LEASE, &[two], at(1)).await.unwrap().unwrap();
    assert_eq!(claimed.tracking_id, "2a");
    assert!(db.store.claim("w2", LEASE, &[two], at(1)).await.unwrap().is_none());
}

/// SYNC-5.3-10.
pub(crate) async fn two_workers_never_hold_one_lane(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    for job in 0..6 {
        submit(&db.store, &new(collection, &format!("T-{job}"))).await;
    }
    let other = db.other_process().await;
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let store = if worker % 2 == 0 { db.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                let owner = format!("worker {worker}");
                let mut done = Vec::new();
                for _ in 0..400 {
                    let served = [collection];
                    let claimed =
                        sdata_sync::store::retrying(|| store.claim(&owner, LEASE, &served, at(1))).await.unwrap();
                    let Some(record) = claimed else {
                        sleep(Duration::from_millis(2)).await;
                        continue;
                    };
                    let mut txn = store.begin().await.unwrap();
                    txn.hold_lane(collection, &owner, LEASE).await.unwrap();
                    sleep(Duration::from_millis(5)).await;
                    assert!(txn.finish(record.key, &json!(owner), at(2), at(3)).await.unwrap());
                    txn.release_lane(collection, &owner).await.unwrap();
                    txn.commit().await.unwrap();
                    done.push(record.tracking_id);
                    if done.len() == 6 {
                        break;
                    }
                }
                done
            })
        })
        .collect();
    let mut done = Vec::new();
    for worker in workers {
        let theirs = worker.await.unwrap();
        assert!(theirs.is_sorted());
        done.extend(theirs);
    }
    done.sort();
    assert_eq!(done, ["T-0", "T-1", "T-2", "T-3", "T-4", "T-5"]);
}

/// SYNC-5.3-10.
pub(crate) async fn an_expired_lease_is_taken_over_and_the_old_owner_notices(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let key = submit(&db.store, &new(collection, "T-1")).await;
    assert!(db.store.claim("old", LEASE, &[collection], at(7)).await.unwrap().is_some());
    assert!(db.store.claim("new", LEASE, &[collection], at(1)).await.unwrap().is_none());
    let (short, longer) = (Duration::from_millis(10), Duration::from_millis(50));
    db.store.extend(collection, "old", short).await.unwrap();
    sleep(longer).await;
    // Late, but nobody came meanwhile: the lane is still its own.
    db.store.extend(collection, "old", short).await.unwrap();
    sleep(longer).await;
    let record = db.store.claim("new", LEASE, &[collection], at(1)).await.unwrap().unwrap();
    assert_eq!((record.key, record.state, record.started_at), (key, TrackingState::Running, Some(at(7))));
    let mut txn = db.store.begin().await.unwrap();
    let id = sdata_sync::store::ResourceId(900_000);
    txn.insert(collection, &[write(id, "twice", "twice", at(0))]).await.unwrap();
    assert!(matches!(refused(txn.hold_lane(collection, "old", LEASE).await), StoreError::LaneLost));
    drop(txn);
    let mut txn = db.store.begin().await.unwrap();
    assert!(matches!(refused(txn.release_lane(collection, "old").await), StoreError::LaneLost));
    drop(txn);
    assert!(matches!(refused(db.store.extend(collection, "old", LEASE).await), StoreError::LaneLost));
    db.store.release(collection, "old").await.unwrap();
    let mut txn = db.store.begin().await.unwrap();
    txn.hold_lane(collection, "new", LEASE).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(db.store.live_count(collection).await.unwrap(), 0);
}

/// SYNC-5.3-10: otherwise a dead worker's lane would be nobody's for as long as the database's clock was set back.
pub(crate) async fn a_lease_that_ends_later_than_any_can_is_taken_over(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    submit(&db.store, &new(collection, "T-1")).await;
    let claimed = async |owner: &str| {
        let record = db.store.claim(owner, LEASE, &[collection], at(1)).await.unwrap();
        record.map(|record| record.tracking_id)
    };
    assert_eq!(claimed("first").await.as_deref(), Some("T-1"));
    // A clock that is set back a little robs nobody who lives.
    db.execute("UPDATE lane SET lease_until = lease_until + 30000000").await;
    assert_eq!(claimed("second").await, None);
    assert!(!db.store.take_lane(collection, "second", LEASE).await.unwrap());
    let a_day_more = "UPDATE lane SET lease_until = lease_until + 86400000000";
    db.execute(a_day_more).await;
    assert_eq!(claimed("second").await.as_deref(), Some("T-1"));
    assert!(matches!(refused(db.store.extend(collection, "first", LEASE).await), StoreError::LaneLost));
    assert_eq!(claimed("third").await, None, "this lease is as long as any");
    db.execute(a_day_more).await;
    assert!(db.store.take_lane(collection, "third", LEASE).await.unwrap());
}

/// CORE-11.5-01, CORE-11.5-02.
pub(crate) async fn a_finished_operation_can_be_read_until_it_expires(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let key = submit(&db.store, &new(collection, "T-1")).await;
    for now in [at(10), at(20)] {
        assert!(db.store.claim("w", LEASE, &[collection], now).await.unwrap().is_some());
    }
    let mut txn = db.store.begin().await.unwrap();
    assert!(txn.advance(key, 40, 100, "entry 40 of 100", &json!({ "failed": 1 })).await.unwrap());
    txn.commit().await.unwrap();
    db.store.save_outcome(key, &json!({ "page": 1 })).await.unwrap();
    let read = async || db.store.tracking(collection, Operation::SyncTarget, "T-1").await.unwrap();
    let record = read().await.unwrap();
    assert_eq!((record.state, record.started_at), (TrackingState::Running, Some(at(10))));
    assert_eq!((record.done, record.total, record.phase_detail.as_str()), (40, 100, "entry 40 of 100"));
    assert_eq!(record.outcome, Some(json!({ "page": 1 })));
    finish(&db.store, key, at(1_000)).await;
    assert_eq!(db.store.expire(at(999), Duration::from_secs(60)).await.unwrap(), 0);
    let record = read().await.unwrap();
    assert_eq!((record.state, record.outcome), (TrackingState::Done, Some(json!({ "entries": 3 }))));
    assert_eq!((record.finished_at, record.expires_at), (Some(at(50)), Some(at(1_000))));
    assert_eq!(db.store.expire(at(1_000), Duration::from_secs(60)).await.unwrap(), 1);
    assert_eq!(read().await.unwrap().state, TrackingState::Deleted);
    assert_eq!(db.store.submit(&new(collection, "T-1")).await.unwrap(), Submission::UsedUp);
    assert_eq!(db.store.expire(at(60_999), Duration::from_secs(60)).await.unwrap(), 0);
    assert!(read().await.is_some());
    db.store.expire(at(61_000), Duration::from_secs(60)).await.unwrap();
    assert!(read().await.is_none());
    submit(&db.store, &new(collection, "T-1")).await;
}

/// CORE-11.5-04.
pub(crate) async fn a_failed_operation_keeps_its_reason(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let key = submit(&db.store, &new(collection, "T-1")).await;
    let mut txn = db.store.begin().await.unwrap();
    txn.fail(key, &json!({ "status": 400 }), at(5), at(100)).await.unwrap();
    txn.commit().await.unwrap();
    let record = db.store.tracking(collection, Operation::SyncTarget, "T-1").await.unwrap().unwrap();
    assert_eq!((record.state, record.failure), (TrackingState::Failed, Some(json!({ "status": 400 }))));
    assert_eq!((record.finished_at, record.expires_at), (Some(at(5)), Some(at(100))));
    assert!(db.store.claim("w", LEASE, &[collection], at(1)).await.unwrap().is_none());
}

/// CORE-11.5-02, CORE-11.5-05.
pub(crate) async fn a_deleted_operation_is_cancelled_and_stays_deleted(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let key = submit(&db.store, &new(collection, "T-1")).await;
    assert!(delete(&db.store, collection, "T-1", at(5)).await);
    let mut txn = db.store.begin().await.unwrap();
    assert!(!txn.advance(key, 1, 2, "late", &json!(null)).await.unwrap());
    assert!(!txn.finish(key, &json!(null), at(6), at(90)).await.unwrap());
    assert!(!txn.fail(key, &json!(null), at(6), at(90)).await.unwrap());
    assert!(!txn.advance(TrackingKey(key.0 + 99), 1, 2, "none", &json!(null)).await.unwrap());
    txn.commit().await.unwrap();
    let record = db.store.tracking(collection, Operation::SyncTarget, "T-1").await.unwrap().unwrap();
    assert_eq!((record.state, record.done, record.outcome), (TrackingState::Deleted, 0, None));
    assert!(db.store.claim("w", LEASE, &[collection], at(1)).await.unwrap().is_none());
}

/// SYNC-5.3-02.
pub(crate) async fn results_come_back_in_the_order_of_the_request(db: TestDatabase) {
    const COUNT: u64 = 1_200;
    let collection = accounts(&db.store).await;
    let key = submit(&db.store, &new(collection, "T-1")).await;
    let mut results: Vec<ResultRow> = (0..COUNT)
        .map(|position| ResultRow {
            position,
            http_status: 201,
            http_method: "POST".to_owned(),
            resource: Some(sdata_sync::store::ResourceId(1)),
            key: None,
            uuid: Some(Uuid::from_u128(u128::from(position))),
            state: Some(state(&remote(u32::try_from(position % 3).unwrap()), position)),
            version: None,
            diagnosis: None,
        })
        .collect();
    results[3] = ResultRow {
        http_status: 400,
        http_method: String::new(),
        resource: None,
        uuid: None,
        state: None,
        diagnosis: Some(json!([{ "message": "ü" }])),
        ..results[3].clone()
    };
    if let Some(state) = &mut results[4].state {
        state.user = Some("ada".to_owned());
    }
    results[5].state = None;
    results[5].key = Some("O'Hara ä".to_owned());
    results[5].version = Some(Version {
        etag: "\"1\"".to_owned(),
        created: at(6),
        stamp: at(7),
        user: None,
        payload: vec![b'x'; 1 << 20].into(),
    });
    let mut txn = db.store.begin().await.unwrap();
    txn.add_results(key, &results[700..]).await.unwrap();
    txn.add_results(key, &results[..700]).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(db.store.results(key, 0, COUNT + 1).await.unwrap(), results);
    assert_eq!(db.store.results(key, 698, 4).await.unwrap(), results[698..702]);
    assert_eq!(db.store.results(key, COUNT, 4).await.unwrap(), []);
    let mut txn = db.store.begin().await.unwrap();
    let again = refused(txn.add_results(key, &results[5..6]).await);
    assert!(matches!(again, StoreError::Duplicate { .. }), "{again}");
    drop(txn);
    assert!(delete(&db.store, collection, "T-1", at(5)).await);
    assert_eq!(db.store.results(key, 0, COUNT).await.unwrap(), []);
}

/// CORE-11.5-06.
pub(crate) async fn bodies_are_kept_in_parts_and_orphans_go(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let bodies: Vec<i64> = db.store.reserve_ids(3).await.unwrap().collect();
    for body in &bodies {
        db.store.put_body_part(*body, &BodyPart { part: 0, data: vec![0, 255, 10] }).await.unwrap();
    }
    db.store.put_body_part(bodies[1], &BodyPart { part: 1, data: vec![7; 3 << 20] }).await.unwrap();
    // What is held back comes with the operation.
    let parts = vec![BodyPart { part: 1, data: vec![7; 3 << 20] }];
    let named = NewTracking { body: Some(bodies[0]), parts, ..new(collection, "T-1") };
    submit(&db.store, &named).await;
    assert_eq!(db.store.body_part(bodies[0], 0).await.unwrap(), Some(vec![0, 255, 10]));
    assert_eq!(db.store.body_part(bodies[0], 1).await.unwrap().map(|part| part.len()), Some(3 << 20));
    assert_eq!(db.store.body_part(bodies[0], 2).await.unwrap(), None);
    db.store.drop_body(bodies[2]).await.unwrap();
    assert_eq!(db.store.body_part(bodies[2], 0).await.unwrap(), None);
    let retention = Duration::from_hours(48);
    // A body may take a day to arrive: its first parts wait for the last.
    db.store.expire(Stamp::now().after(Duration::from_hours(24)), retention).await.unwrap();
    assert!(db.store.body_part(bodies[1], 0).await.unwrap().is_some());
    db.store.expire(Stamp::now().after(Duration::from_hours(26)), retention).await.unwrap();
    assert_eq!(db.store.body_part(bodies[1], 0).await.unwrap(), None);
    assert!(db.store.body_part(bodies[0], 1).await.unwrap().is_some());
    assert!(delete(&db.store, collection, "T-1", at(5)).await);
    assert_eq!(db.store.body_part(bodies[0], 1).await.unwrap(), None);
}

/// SYNC-5.6-03.
pub(crate) async fn the_progress_of_a_feed_is_known(db: TestDatabase) {
    let (collection, other) = (accounts(&db.store).await, register(&db.store, "contacts").await);
    let (feed, unknown) = ([1; 32], [2; 32]);
    assert_eq!(db.store.feed_taken(collection, &feed).await.unwrap(), 0);
    let mut txn = db.store.begin().await.unwrap();
    txn.set_feed_taken(collection, &feed, 100, true).await.unwrap();
    txn.set_feed_taken(collection, &feed, 200, false).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(db.store.feed_taken(collection, &feed).await.unwrap(), 200);
    assert_eq!(db.store.feed_taken(collection, &unknown).await.unwrap(), 0);
    assert_eq!(db.store.feed_taken(other, &feed).await.unwrap(), 0);
    let page = |id: &str, end| NewTracking { feed: Some(FeedPart { hash: feed, end }), ..new(collection, id) };
    let first = submit(&db.store, &page("p3", 300)).await;
    submit(&db.store, &page("p4", 400)).await;
    assert_eq!(db.store.pending_feed_end(collection, &feed).await.unwrap(), 400);
    finish(&db.store, first, at(9)).await;
    assert_eq!(db.store.pending_feed_end(collection, &feed).await.unwrap(), 400);
    assert_eq!(db.store.pending_feed_end(collection, &unknown).await.unwrap(), 0);
    assert_eq!(db.store.pending_feed_end(other, &feed).await.unwrap(), 0);
}

pub(crate) async fn expiry_never_touches_a_resource(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b"]).await;
    let tombstone = sdata_sync::store::ResourceWrite {
        deleted: true,
        content: None,
        uuid: Some(Uuid::new_v4()),
        ..write(ids[1], "b", "", at(3))
    };
    update(&db.store, collection, &[tombstone]).await;
    let digest = stamped_digest(&db.store, collection).await;
    let before = db.store.by_ids(&ids).await.unwrap();
    let key = submit(&db.store, &new(collection, "T-1")).await;
    finish(&db.store, key, at(1)).await;
    let far = Stamp::from_millis(Stamp::now().millis() * 2);
    assert_eq!(db.store.expire(far, Duration::ZERO).await.unwrap(), 1);
    assert_eq!(db.store.by_ids(&ids).await.unwrap(), before);
    assert_eq!(db.clean_digest(collection).await.unwrap(), Some(digest));
}
