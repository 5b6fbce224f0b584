//! Counting live resources without counting them.

use crate::database::TestDatabase;
use crate::sample::*;
use sdata_sync::store::{CollectionId, ResourceId, ResourceWrite, Selection, Store};

/// How many there are when each is looked at.
async fn looked_at(store: &Store, collection: CollectionId) -> u64 {
    store.live_page(collection, None, 0, 10_000).await.unwrap().len() as u64
}

fn tombstone(id: ResourceId, key: &str) -> ResourceWrite {
    ResourceWrite { deleted: true, content: None, ..write(id, key, "gone", at(9)) }
}

/// OURS-SCALE-02.
pub(crate) async fn the_count_follows_what_lives_and_dies(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let other = register(&db.store, "contacts").await;
    assert_eq!(db.store.live_count(collection).await.unwrap(), 0);
    let ids = create(&db.store, collection, &["a", "b", "c"]).await;
    update(&db.store, collection, &[tombstone(ids[0], "a"), write(ids[1], "b", "again", at(5))]).await;
    assert_eq!(db.store.live_count(collection).await.unwrap(), 2);
    update(&db.store, collection, &[tombstone(ids[0], "a")]).await;
    assert_eq!(db.store.live_count(collection).await.unwrap(), 2);
    update(&db.store, collection, &[write(ids[0], "a", "back", at(10))]).await;
    assert_eq!(db.store.live_count(collection).await.unwrap(), 3);
    assert_eq!(db.store.live_count(other).await.unwrap(), 0);
    let mut txn = db.store.begin().await.unwrap();
    let id = ids[2];
    txn.update(collection, &[tombstone(id, "c")]).await.unwrap();
    txn.rollback().await.unwrap();
    assert_eq!(db.store.live_count(collection).await.unwrap(), 3);
    assert_eq!(db.store.selected_count(collection, &Selection::default()).await.unwrap(), 3);
}

/// OURS-SCALE-02.
pub(crate) async fn the_count_is_true_whatever_writers_do_at_the_same_time(db: TestDatabase) {
    const WRITERS: usize = 6;
    const ROUNDS: usize = 8;
    let collection = accounts(&db.store).await;
    let writers = (0..WRITERS).map(|writer| {
        let store = db.store.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let keys: Vec<String> = (0..4).map(|one| format!("{writer}-{round}-{one}")).collect();
                let ids = create(&store, collection, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
                update(&store, collection, &[tombstone(ids[1], &keys[1])]).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let expected = (WRITERS * ROUNDS * 3) as u64;
    assert_eq!(db.store.live_count(collection).await.unwrap(), expected);
    assert_eq!(looked_at(&db.store, collection).await, expected);
}

/// OURS-SCALE-02.
pub(crate) async fn a_count_that_another_program_left_wrong_is_mended(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    create(&db.store, collection, &["a", "b", "c"]).await;
    db.execute("UPDATE live_count SET live = live - 100").await;
    assert_eq!(db.store.live_count(collection).await.unwrap(), 0);
    db.store.recount_live(collection).await.unwrap();
    assert_eq!(db.store.live_count(collection).await.unwrap(), 3);
}
