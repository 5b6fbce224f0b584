//! What holds while others write.

use crate::database::TestDatabase;
use crate::sample::*;
use sdata_sync::protocol::selection::missing_ranges;
use sdata_sync::protocol::{Digest, Stamp};
use sdata_sync::store::{CollectionId, Store, retrying};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// SYNC-2.2-03.
pub(crate) async fn a_change_committed_late_gets_a_tick_above_every_digest_shown_before(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let slow = new_id(&db.store).await;
    let mut writer = db.store.begin().await.unwrap();
    writer.insert(collection, &[write(slow, "slow", "slow", at(0))]).await.unwrap();
    // On SQLite the others wait for the writer; elsewhere they go on meanwhile.
    let store = db.store.clone();
    let mut others = tokio::spawn(async move {
        create(&store, collection, &["fast"]).await;
        stamped_digest(&store, collection).await
    });
    let longest = if db.is_sqlite() { Duration::from_millis(300) } else { Duration::from_secs(25) };
    let early = timeout(longest, &mut others).await;
    writer.commit().await.unwrap();
    let shown_before = early.is_ok();
    let shown = match early {
        Ok(shown) => shown.unwrap(),
        Err(_) => others.await.unwrap(),
    };
    let last = stamped_digest(&db.store, collection).await;
    let [slow, fast] = ticks(&db.store, collection, &["slow", "fast"]).await[..] else { panic!() };
    let own = own("accounts");
    assert!(slow < last.tick_of(&own).value() && fast < last.tick_of(&own).value());
    assert_eq!(last.tick_of(&own), tick(3));
    if shown_before {
        assert_eq!((shown.tick_of(&own), fast, slow), (tick(2), 1, 2));
    }
    assert_eq!(shown_before, !db.is_sqlite());
}

/// SYNC-2.2-03.
pub(crate) async fn a_resource_rewritten_while_it_is_stamped_keeps_its_last_version(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let id = create(&db.store, collection, &["a"]).await[0];
    let mut writer = db.store.begin().await.unwrap();
    assert_eq!(writer.lock_by_keys(collection, &["a".to_owned()]).await.unwrap().len(), 1);
    writer.update(collection, &[write(id, "a", "second", at(77))]).await.unwrap();
    let store = db.store.clone();
    let stamping = tokio::spawn(async move { stamped_digest(&store, collection).await });
    sleep(Duration::from_millis(300)).await;
    writer.commit().await.unwrap();
    let shown = stamping.await.unwrap();
    let found = db.store.by_ids(&[id]).await.unwrap().remove(&id).unwrap();
    assert_eq!(found.payload.as_deref(), Some(b"second".as_slice()));
    if let Some(state) = &found.resource.state {
        assert_eq!(state.stamp, at(77));
        assert!(shown.contains(state));
    }
    let last = stamped_digest(&db.store, collection).await;
    let found = db.store.by_ids(&[id]).await.unwrap().remove(&id).unwrap();
    assert!(last.contains(found.resource.state.as_ref().unwrap()));
}

/// Reads what its digest lacks, again and again, as a target does that asks this source.
struct Follower {
    known: Digest,
    copy: HashMap<String, Vec<u8>>,
}

impl Follower {
    async fn pass(&mut self, store: &Store, collection: CollectionId) {
        let digest = stamped_digest(store, collection).await;
        let ranges = missing_ranges(&digest, &self.known);
        for change in store.read_ranges(collection, &ranges, None, u64::MAX >> 1).await.unwrap() {
            let payload = change.payload.map(|payload| payload.to_vec()).unwrap_or_default();
            self.copy.insert(change.resource.key, payload);
        }
        self.known = digest;
    }
}

/// One writer's changes: it makes resources, rewrites its own and the one that all share, some of it slowly, some rolled back.
async fn work(store: Store, collection: CollectionId, writer: usize) {
    let own_id = new_id(&store).await;
    let shared = store.by_keys(collection, &["shared".to_owned()]).await.unwrap()["shared"].resource.id;
    for step in 0..20usize {
        let attempt = || async {
            let mut txn = store.begin().await?;
            let text = format!("writer {writer} step {step}");
            let key = format!("own {writer}");
            if step == 0 {
                txn.insert(collection, &[write(own_id, &key, &text, Stamp::now())]).await?;
            } else if step % 3 == 0 {
                txn.lock_by_keys(collection, &["shared".to_owned()]).await?;
                txn.update(collection, &[write(shared, "shared", &text, Stamp::now())]).await?;
            } else {
                txn.lock_by_keys(collection, &[key.to_owned()]).await?;
                txn.update(collection, &[write(own_id, &key, &text, Stamp::now())]).await?;
            }
            sleep(Duration::from_millis((step * 7 + writer * 3) as u64 % 12)).await;
            if step % 5 == 4 { txn.rollback().await } else { txn.commit().await }
        };
        retrying(attempt).await.unwrap();
    }
}

/// SYNC-2.2-03, SYNC-4.3-03, SYNC-4.3-04.
pub(crate) async fn a_follower_of_the_digest_misses_no_change_of_concurrent_writers(db: TestDatabase) {
    const WRITERS: usize = 4;
    let collection = accounts(&db.store).await;
    create(&db.store, collection, &["shared"]).await;
    let finished = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, finished) = (db.store.clone(), Arc::clone(&finished));
            tokio::spawn(async move {
                work(store, collection, writer).await;
                finished.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    let mut follower = Follower { known: Digest::default(), copy: HashMap::new() };
    let other = db.other_process().await;
    while finished.load(Ordering::SeqCst) < WRITERS && !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        follower.pass(&other, collection).await;
        sleep(Duration::from_millis(3)).await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    follower.pass(&other, collection).await;
    let stored = db.store.live_page(collection, None, 0, 1_000).await.unwrap();
    assert_eq!(stored.len(), WRITERS + 1);
    for document in &stored {
        assert_eq!(follower.copy.get(&document.resource.key).map(Vec::as_slice), document.payload.as_deref());
        assert!(follower.known.contains(document.resource.state.as_ref().unwrap()));
    }
}

pub(crate) async fn one_transaction_at_a_time_holds_a_collection(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let mut holder = db.store.begin().await.unwrap();
    let before = holder.lock(collection).await.unwrap();
    let store = db.store.clone();
    let waiting = tokio::spawn(async move {
        let mut txn = store.begin().await.unwrap();
        txn.lock(collection).await.unwrap()
    });
    sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    let mut after = before.clone();
    after.note_entry(&state(&remote(1), 8), &Digest::default());
    holder.save_digest(collection, &before, &after).await.unwrap();
    holder.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap(), after);
}

/// SYNC-5.3-10.
pub(crate) async fn a_lost_connection_leaves_nothing_behind(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let id = new_id(&db.store).await;
    let other = db.other_process().await;
    let mut txn = other.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    txn.insert(collection, &[write(id, "a", "a", at(0))]).await.unwrap();
    drop(txn);
    other.close().await.unwrap();
    let digest = timeout(Duration::from_secs(20), stamped_digest(&db.store, collection)).await.unwrap();
    assert_eq!(digest.tick_of(&own("accounts")), tick(1));
}
