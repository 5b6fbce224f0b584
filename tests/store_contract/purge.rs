//! What is not kept for ever.

use crate::audit::{change, event, run};
use crate::database::TestDatabase;
use crate::sample::{accounts, at, create, own, remote, stamped_digest, state, tick, write};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sdata_sync::protocol::Digest;
use sdata_sync::store::{
    ChangeOutcome, CollectionId, NewState, PURGE, ParkedWrite, ResourceId, ResourceWrite, Store, Tombstone,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;

fn tombstone(id: ResourceId, key: &str, uuid: Option<Uuid>, state: NewState) -> ResourceWrite {
    ResourceWrite { uuid, state, deleted: true, content: None, ..write(id, key, "", at(0)) }
}

async fn rewrite(store: &Store, collection: CollectionId, written: ResourceWrite) {
    let mut txn = store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    txn.states(&[written.id]).await.unwrap();
    txn.update(collection, &[written]).await.unwrap();
    txn.commit().await.unwrap();
}

async fn tombstones(store: &Store, collection: CollectionId) -> Vec<Tombstone> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (some, next) = store.tombstones(collection, after, at(i64::from(u32::MAX)), 3).await.unwrap();
        found.extend(some);
        after = next;
        if after.is_none() {
            return found;
        }
    }
}

async fn purge(store: &Store, collection: CollectionId, tombstones: &[Tombstone]) -> u64 {
    let mut txn = store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    let gone = txn.purge(collection, tombstones).await.unwrap();
    txn.commit().await.unwrap();
    gone
}

/// OURS-GROWTH-02: whatever is made, deleted, made again and purged, in any order, by what was seen a while ago.
pub(crate) async fn purging_never_touches_what_lives(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let mut rng = StdRng::seed_from_u64(7);
    // By key: whether it lives. Those that were purged are not there.
    let mut model: BTreeMap<String, (ResourceId, bool)> = BTreeMap::new();
    let mut seen: Vec<Tombstone> = Vec::new();
    for step in 0..120 {
        let keys: Vec<_> = model.keys().cloned().collect();
        let key = (!keys.is_empty()).then(|| keys[rng.random_range(0..keys.len())].clone());
        match (rng.random_range(0..10), key) {
            (0..3, _) | (_, None) => {
                let key = format!("k{step}");
                let id = create(&db.store, collection, &[&key]).await[0];
                model.insert(key, (id, true));
            }
            (3..6, Some(key)) => {
                let id = model[&key].0;
                rewrite(&db.store, collection, tombstone(id, &key, None, NewState::Unstamped(at(step)))).await;
                model.insert(key, (id, false));
            }
            (6, Some(key)) => {
                let id = model[&key].0;
                rewrite(&db.store, collection, write(id, &key, "again", at(step))).await;
                model.insert(key, (id, true));
            }
            (7, Some(_)) => drop(stamped_digest(&db.store, collection).await),
            (8, Some(_)) => seen = tombstones(&db.store, collection).await,
            (_, Some(_)) => {
                // Some of these live again by now, or were deleted again since.
                purge(&db.store, collection, &seen).await;
                let there = db.store.by_keys(collection, &keys).await.unwrap();
                for (key, (id, lives)) in model.clone() {
                    let stays = there.contains_key(&key);
                    assert!(stays || !lives, "{key} lives and is gone at step {step}");
                    assert!(stays || seen.iter().any(|tombstone| tombstone.id == id), "{key} was not to go");
                    if !stays {
                        model.remove(&key);
                    }
                }
            }
        }
        let live: BTreeSet<_> = model.iter().filter(|(_, (_, lives))| *lives).map(|(key, _)| key.clone()).collect();
        let there = db.store.by_keys(collection, &live.iter().cloned().collect::<Vec<_>>()).await.unwrap();
        assert!(live.iter().all(|key| there.get(key).is_some_and(|found| found.payload.is_some())), "step {step}");
    }
    assert!(model.len() < 60, "something was purged: {}", model.len());
}

/// OURS-GROWTH-01.
pub(crate) async fn what_is_purged_moves_the_horizon_and_what_is_needed_stays(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = create(&db.store, collection, &["a", "b", "c", "d", "lives"]).await;
    let uuids: Vec<_> = (1..=4).map(Uuid::from_u128).collect();
    let mut txn = db.store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    txn.link(&[(ids[0], uuids[0]), (ids[1], uuids[1]), (ids[2], uuids[2])]).await.unwrap();
    let deleted = [
        tombstone(ids[0], "a", Some(uuids[0]), NewState::Stamped(state(&remote(1), 7))),
        tombstone(ids[1], "b", Some(uuids[1]), NewState::Stamped(state(&remote(1), 9))),
        tombstone(ids[2], "c", Some(uuids[2]), NewState::Unstamped(at(1))),
        tombstone(ids[3], "d", None, NewState::Stamped(state(&remote(2), 3))),
    ];
    txn.update(collection, &deleted).await.unwrap();
    let parked = ParkedWrite {
        uuid: Some(uuids[1]),
        state: Some(state(&remote(3), 1)),
        method: "PUT".to_owned(),
        deleted: false,
        payload: None,
        source_digest: Digest::default(),
        run: None,
        tracking_id: None,
        http_status: 409,
        diagnosis: serde_json::json!({}),
        next_try_at: at(0),
        parked_at: at(0),
    };
    txn.park(collection, &[parked]).await.unwrap();
    txn.commit().await.unwrap();
    let found = tombstones(&db.store, collection).await;
    assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), [ids[0], ids[1], ids[3]]);
    assert_eq!(purge(&db.store, collection, &found).await, 2);
    let horizons = db.store.horizons(collection).await.unwrap();
    assert_eq!(horizons, BTreeMap::from([(remote(1), tick(8))]), "nobody ever heard of what had no UUID");
    let keys = ["a", "b", "c", "d", "lives"].map(str::to_owned);
    let left: BTreeSet<_> = db.store.by_keys(collection, &keys).await.unwrap().into_keys().collect();
    assert_eq!(left, BTreeSet::from(["b", "c", "lives"].map(str::to_owned)));
    assert_eq!(db.store.parked_discard(None).await.unwrap(), 1);
    assert_eq!(purge(&db.store, collection, &found).await, 1);
    assert_eq!(db.store.horizons(collection).await.unwrap()[&remote(1)], tick(10));
    assert!(stamped_digest(&db.store, collection).await.tick_of(&own("accounts")) > tick(1));
}

/// OURS-GROWTH-03.
pub(crate) async fn old_rows_of_the_audit_go_a_few_at_a_time(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let mut txn = db.store.begin().await.unwrap();
    let old = txn.run(&run("old", "1"), at(0)).await.unwrap();
    let used = txn.run(&run("used", "1"), at(0)).await.unwrap();
    let events: Vec<_> = (0..1500).map(|n| event(Some(old), "accounts", at(n))).collect();
    txn.add_events(&events).await.unwrap();
    txn.add_event(&event(Some(used), "accounts", at(10_000))).await.unwrap();
    for n in [1, 20_000] {
        let change = change(None, Uuid::from_u128(1), ChangeOutcome::Created, at(n));
        txn.add_changes(collection, &[change]).await.unwrap();
    }
    txn.commit().await.unwrap();
    let before = at(5_000);
    let mut steps = Vec::new();
    loop {
        steps.push(db.store.forget_events(before).await.unwrap());
        if steps.last() == Some(&0) {
            break;
        }
    }
    assert_eq!(steps, [1000, 500, 0]);
    assert_eq!(db.store.forget_changes(before).await.unwrap(), 2, "the change and what it had in common with others");
    assert_eq!(db.store.forget_changes(before).await.unwrap(), 0);
    assert_eq!(db.store.forget_runs(before).await.unwrap(), 1, "the other one has an event");
    assert_eq!(db.store.forget_runs(before).await.unwrap(), 0);
}

/// OURS-GROWTH-03: otherwise each of a thousand runs would have whole tables read.
pub(crate) async fn what_is_kept_of_a_run_is_found_by_index(db: TestDatabase) {
    for (table, index) in [
        ("audit_event", "audit_event_run"),
        ("audit_chunk", "audit_chunk_run"),
        ("tracking", "tracking_run"),
        ("parked_entry", "parked_entry_run"),
    ] {
        let plan = db.plan_of(&format!("SELECT 1 FROM {table} WHERE run_id = 7")).await;
        assert!(plan.contains(index), "{table}: {plan}");
    }
}

/// OURS-GROWTH-03.
pub(crate) async fn one_process_at_a_time_has_a_duty(db: TestDatabase) {
    let take = async |owner: &str, every: Duration| {
        db.store.take_duty(PURGE, owner, Duration::from_secs(60), every).await.unwrap()
    };
    let (now, hour) = (Duration::ZERO, Duration::from_secs(3600));
    assert!(take("one", hour).await);
    assert!(!take("two", hour).await);
    assert!(take("one", hour).await, "who has it keeps it");
    db.store.duty_done(PURGE, "two").await.unwrap();
    assert!(!take("two", now).await);
    db.store.duty_done(PURGE, "one").await.unwrap();
    assert!(!take("two", hour).await, "it was done a moment ago");
    assert!(take("two", now).await);
}

/// OURS-GROWTH-03: otherwise nothing would be removed for as long as the database's clock was set back.
pub(crate) async fn a_duty_that_was_done_or_is_kept_by_a_later_clock_is_due(db: TestDatabase) {
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let take = async |owner: &str| db.store.take_duty(PURGE, owner, minute, hour).await.unwrap();
    assert!(take("one").await);
    db.store.duty_done(PURGE, "one").await.unwrap();
    assert!(!take("two").await);
    db.execute("UPDATE duty SET done_at = done_at + 86400000000").await;
    assert!(take("two").await);
    assert!(!take("three").await, "this lease is as long as any");
    db.execute("UPDATE duty SET lease_until = lease_until + 86400000000").await;
    assert!(take("three").await);
}

/// OURS-GROWTH-01.
pub(crate) async fn peers_are_known_by_their_last_digest(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let digest = |of: u64| {
        let mut digest = Digest::default();
        digest.note_entry(&state(&remote(9), of), &Digest::default());
        digest
    };
    for of in [5, 7, 7, 6] {
        let mut txn = db.store.begin().await.unwrap();
        txn.note_peer(collection, &remote(1), &digest(of), at(0)).await.unwrap();
        txn.commit().await.unwrap();
    }
    let mut txn = db.store.begin().await.unwrap();
    txn.note_peer(collection, &remote(1), &digest(50), at(0)).await.unwrap();
    txn.rollback().await.unwrap();
    assert_eq!(db.store.peers(collection).await.unwrap(), [(remote(1), digest(6))]);
}
