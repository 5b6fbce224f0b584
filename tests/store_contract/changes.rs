//! Change sets: ranges, positions and counts.

use crate::database::TestDatabase;
use crate::sample::*;
use sdata_sync::protocol::{Tick, TickRange};
use sdata_sync::store::{CollectionId, Content, Position, ResourceWrite, Store};

/// Three changes of node 1 (ticks 1, 3, 5), two of node 2 (2, 4), two own (1, 2).
async fn sample(store: &Store) -> CollectionId {
    let collection = accounts(store).await;
    let ids = new_ids(store, 5).await;
    let states = [(1, 5), (2, 2), (1, 1), (2, 4), (1, 3)];
    let writes: Vec<_> = ids
        .iter()
        .zip(states)
        .map(|(id, (node, tick))| received(*id, &format!("n{node}t{tick}"), state(&remote(node), tick)))
        .collect();
    insert(store, collection, &writes).await;
    create(store, collection, &["own1", "own2"]).await;
    stamped_digest(store, collection).await;
    collection
}

async fn read(
    store: &Store,
    collection: CollectionId,
    ranges: &[TickRange],
    after: Option<Position>,
    limit: u64,
) -> Vec<String> {
    let changes = store.read_ranges(collection, ranges, after, limit).await.unwrap();
    assert!(changes.iter().all(|change| change.resource.state.is_some()));
    changes.into_iter().map(|change| change.resource.key).collect()
}

/// SYNC-2.5-01, SYNC-4.4-09, SYNC-5.2-02.
pub(crate) async fn changes_come_range_by_range_with_ascending_ticks(db: TestDatabase) {
    let collection = sample(&db.store).await;
    let ranges = [range(&remote(2), 0, 9), range(&own("accounts"), 2, 3), range(&remote(1), 1, 5)];
    let all = ["n2t2", "n2t4", "own2", "n1t1", "n1t3"];
    assert_eq!(read(&db.store, collection, &ranges, None, 100).await, all);
    let mut txn = db.store.begin().await.unwrap();
    assert_eq!(txn.count_ranges(collection, &ranges).await.unwrap(), 5);
    assert_eq!(txn.count_ranges(collection, &[]).await.unwrap(), 0);
    drop(txn);
    assert_eq!(read(&db.store, collection, &[range(&remote(77), 0, 9)], None, 100).await, [""; 0]);
    let empty = [range(&remote(1), 4, 4)];
    assert_eq!(read(&db.store, collection, &empty, None, 100).await, [""; 0]);
    let documents = db.store.read_ranges(collection, &ranges, None, 1).await.unwrap();
    assert_eq!(documents[0].payload.as_deref(), Some(b"received n2t2".as_slice()));
}

/// SYNC-4.4-09.
pub(crate) async fn a_page_begins_behind_any_position(db: TestDatabase) {
    let collection = sample(&db.store).await;
    let ranges =
        [range(&remote(1), 0, 9), range(&remote(5), 0, 9), range(&remote(2), 0, 9), range(&own("accounts"), 0, 9)];
    let all = ["n1t1", "n1t3", "n1t5", "n2t2", "n2t4", "own1", "own2"];
    for offset in 0..=all.len() {
        let position = db.store.position_at(collection, &ranges, offset as u64).await.unwrap();
        assert_eq!(position.is_none(), offset == 0);
        assert_eq!(
            read(&db.store, collection, &ranges, position, 2).await,
            all[offset..].iter().take(2).copied().collect::<Vec<_>>()
        );
    }
    let third = db.store.position_at(collection, &ranges, 3).await.unwrap();
    assert_eq!(third, Some(Position { range: 0, tick: tick(5) }));
    let beyond = db.store.position_at(collection, &ranges, 50).await.unwrap();
    assert_eq!(beyond, Some(Position { range: 3, tick: Tick::MAX }));
    assert_eq!(read(&db.store, collection, &ranges, beyond, 2).await, [""; 0]);
    assert_eq!(db.store.position_at(collection, &[], 3).await.unwrap(), None);
}

/// SYNC-4.4-07.
pub(crate) async fn tombstones_nobody_heard_of_are_no_changes(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = new_ids(&db.store, 2).await;
    let tombstone = |id, key: &str| ResourceWrite { deleted: true, content: None, ..write(id, key, "", at(0)) };
    let known = ResourceWrite { uuid: Some(uuid::Uuid::new_v4()), ..tombstone(ids[0], "known") };
    insert(&db.store, collection, &[known, tombstone(ids[1], "unheard")]).await;
    let digest = stamped_digest(&db.store, collection).await;
    assert_eq!(digest.tick_of(&own("accounts")), tick(3));
    let ranges = [range(&own("accounts"), 0, 3)];
    let changes = db.store.read_ranges(collection, &ranges, None, 9).await.unwrap();
    assert_eq!(changes.iter().map(|change| change.resource.key.as_str()).collect::<Vec<_>>(), ["known"]);
    assert_eq!(changes[0].payload, None);
    assert_eq!(db.store.begin().await.unwrap().count_ranges(collection, &ranges).await.unwrap(), 1);
}

pub(crate) async fn changes_with_references_by_key_are_found(db: TestDatabase) {
    let collection = sample(&db.store).await;
    let id = new_id(&db.store).await;
    let unresolved = ResourceWrite {
        content: Some(Content { has_key_references: true, ..content("<ref/>") }),
        ..received(id, "unresolved", state(&remote(1), 6))
    };
    insert(&db.store, collection, &[unresolved]).await;
    let mut txn = db.store.begin().await.unwrap();
    let found = txn.with_key_references(collection, &[range(&remote(1), 0, 9)], 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].resource.id, found[0].payload.as_deref()), (id, Some(b"<ref/>".as_slice())));
    assert!(txn.with_key_references(collection, &[range(&remote(1), 0, 6)], 10).await.unwrap().is_empty());
}

/// SYNC-4.3-03.
pub(crate) async fn states_that_are_taken_are_found(db: TestDatabase) {
    let collection = sample(&db.store).await;
    let mut txn = db.store.begin().await.unwrap();
    let asked = [state(&remote(1), 3), state(&remote(1), 4), state(&remote(2), 3), state(&remote(8), 1)];
    let taken = txn.states_taken(collection, &asked).await.unwrap();
    assert_eq!(taken.keys().collect::<Vec<_>>(), [&(remote(1), tick(3))]);
    let bearer = txn.by_keys(collection, &["n1t3".to_owned()]).await.unwrap()["n1t3"].resource.id;
    assert_eq!(taken[&(remote(1), tick(3))], bearer);
}
