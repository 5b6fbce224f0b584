//! Entries that wait.

use crate::database::TestDatabase;
use crate::sample::*;
use bytes::Bytes;
use sdata_sync::protocol::paging::PageRequest;
use sdata_sync::protocol::{Digest, Run, SyncState};
use sdata_sync::store::{AuditFilter, CollectionId, ParkedId, ParkedWrite, Store};
use serde_json::json;
use uuid::Uuid;

fn entry(uuid: Option<Uuid>, state: Option<SyncState>, reason: &str) -> ParkedWrite {
    ParkedWrite {
        uuid,
        state,
        method: "PUT".to_owned(),
        deleted: false,
        payload: Some(Bytes::from("<account/>")),
        source_digest: Digest::fresh(remote(1), at(1), priority(3)),
        run: None,
        tracking_id: Some("T-1".to_owned()),
        http_status: 400,
        diagnosis: json!({ "message": reason }),
        next_try_at: at(100),
        parked_at: at(10),
    }
}

async fn park(store: &Store, collection: CollectionId, entries: &[ParkedWrite]) {
    let mut txn = store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    txn.park(collection, entries).await.unwrap();
    txn.commit().await.unwrap();
}

const FIRST: PageRequest = PageRequest { start_index: 1, count: 100 };

/// SYNC-5.3-08, SYNC-5.3-09.
pub(crate) async fn a_parked_entry_comes_back_as_it_was(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let mut txn = db.store.begin().await.unwrap();
    let run = txn.run(&Run { name: "r".to_owned(), stamp: "s".to_owned() }, at(0)).await.unwrap();
    txn.commit().await.unwrap();
    let mut state = state(&remote(1), 8);
    state.user = Some("ines".to_owned());
    let uuid = Uuid::new_v4();
    let whole = ParkedWrite { run: Some(run), ..entry(Some(uuid), Some(state), "no name") };
    let bare = ParkedWrite { deleted: true, payload: None, tracking_id: None, ..entry(None, None, "no uuid") };
    park(&db.store, collection, &[whole.clone(), bare.clone()]).await;
    let mut txn = db.store.begin().await.unwrap();
    let batch = txn.parked_batch(collection, None, (10, u64::MAX)).await.unwrap();
    assert_eq!(batch.iter().map(|parked| parked.entry.clone()).collect::<Vec<_>>(), [whole, bare]);
    assert_eq!((batch[0].attempts, batch[0].digest_shown, batch[0].collection), (1, false, collection));
    assert_eq!(txn.parked_batch(collection, Some(batch[0].id), (10, u64::MAX)).await.unwrap(), batch[1..]);
    for (bytes, entries) in [(0, 1), (1, 1), (u64::MAX, 2)] {
        let fitting = txn.parked_batch(collection, None, (10, bytes)).await.unwrap();
        assert_eq!(fitting, batch[..entries], "{bytes} bytes");
    }
    assert_eq!(txn.parked_of(collection, &[uuid, Uuid::new_v4()]).await.unwrap(), batch[..1]);
    txn.mark_digest_shown(collection).await.unwrap();
    assert!(txn.parked_of(collection, &[uuid]).await.unwrap()[0].digest_shown);
    txn.unpark(&[batch[0].id]).await.unwrap();
    assert!(txn.parked_of(collection, &[uuid]).await.unwrap().is_empty());
    txn.commit().await.unwrap();
    let listed = db.store.parked(&AuditFilter::default(), FIRST).await.unwrap();
    assert_eq!((listed.total, listed.rows[0].0.clone(), listed.rows[0].1.id), (1, name("accounts"), batch[1].id));
}

/// SYNC-5.3-08.
pub(crate) async fn the_same_state_parked_again_replaces_the_first(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let uuid = Uuid::new_v4();
    let first = entry(Some(uuid), Some(state(&remote(1), 8)), "first");
    let newer = entry(Some(uuid), Some(state(&remote(1), 9)), "newer");
    let nameless = entry(None, Some(state(&remote(1), 10)), "nameless");
    park(&db.store, collection, &[first, newer, nameless.clone()]).await;
    let again = entry(Some(uuid), Some(state(&remote(1), 8)), "again");
    park(&db.store, collection, &[again, nameless]).await;
    let mut txn = db.store.begin().await.unwrap();
    let batch = txn.parked_batch(collection, None, (10, u64::MAX)).await.unwrap();
    let reasons: Vec<_> = batch.iter().map(|parked| parked.entry.diagnosis["message"].clone()).collect();
    assert_eq!(reasons, ["newer", "again", "nameless"]);
}

/// SYNC-5.3-08.
pub(crate) async fn a_failed_retry_moves_the_next_one(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let entries: Vec<_> = (1..=3).map(|tick| entry(None, Some(state(&remote(1), tick)), "once")).collect();
    park(&db.store, collection, &entries).await;
    let mut txn = db.store.begin().await.unwrap();
    let before = txn.parked_batch(collection, None, (10, u64::MAX)).await.unwrap();
    let failed = [(before[0].id, at(900), 409, json!("twice")), (before[2].id, at(950), 400, json!(["thrice"]))];
    txn.retry_failed(&failed).await.unwrap();
    txn.retry_failed(&[(ParkedId(987_654), at(1), 400, json!(null))]).await.unwrap();
    let after = txn.parked_batch(collection, None, (10, u64::MAX)).await.unwrap();
    assert_eq!(after[1], before[1]);
    assert_eq!((after[0].attempts, after[2].attempts), (2, 2));
    let expected =
        ParkedWrite { next_try_at: at(900), http_status: 409, diagnosis: json!("twice"), ..before[0].entry.clone() };
    assert_eq!(after[0].entry, expected);
    assert_eq!(after[2].entry.diagnosis, json!(["thrice"]));
}

/// SYNC-5.3-08.
pub(crate) async fn due_entries_name_their_collections(db: TestDatabase) {
    let (one, two) = (accounts(&db.store).await, register(&db.store, "contacts").await);
    park(&db.store, one, &[entry(None, None, "a"), entry(None, None, "b")]).await;
    park(&db.store, two, &[ParkedWrite { next_try_at: at(500), ..entry(None, None, "c") }]).await;
    assert!(db.store.parked_due(at(99), 10).await.unwrap().is_empty());
    assert_eq!(db.store.parked_due(at(100), 10).await.unwrap(), [one]);
    let mut due = db.store.parked_due(at(500), 10).await.unwrap();
    due.sort();
    assert_eq!(due, [one, two]);
    assert_eq!(db.store.parked_due(at(500), 1).await.unwrap().len(), 1);
}

/// SYNC-5.3-08.
pub(crate) async fn an_operator_retries_and_discards(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    park(&db.store, collection, &[entry(None, None, "a"), entry(None, None, "b"), entry(None, None, "c")]).await;
    let listed = db.store.parked(&AuditFilter::default(), FIRST).await.unwrap().rows;
    let ids: Vec<ParkedId> = listed.iter().map(|(_, parked)| parked.id).collect();
    assert_eq!(db.store.parked_retry_now(Some(&ids[..1]), at(1)).await.unwrap(), 1);
    assert_eq!(db.store.parked_due(at(1), 10).await.unwrap(), [collection]);
    assert_eq!(db.store.parked_retry_now(None, at(2)).await.unwrap(), 3);
    assert_eq!(db.store.parked_discard(Some(&ids[1..2])).await.unwrap(), 1);
    assert_eq!(db.store.parked_discard(Some(&[])).await.unwrap(), 0);
    assert_eq!(db.store.parked(&AuditFilter::default(), FIRST).await.unwrap().total, 2);
    assert_eq!(db.store.parked_discard(None).await.unwrap(), 2);
    assert_eq!(db.store.parked(&AuditFilter::default(), FIRST).await.unwrap().total, 0);
}
