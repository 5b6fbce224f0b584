//! Collections and resources to test with.

use bytes::Bytes;
use sdata_sync::protocol::{Digest, Endpoint, Priority, Stamp, SyncState, Tick, TickRange};
use sdata_sync::store::{CollectionId, CollectionName, Content, NewState, ResourceId, ResourceWrite, Store};
use serde_json::json;
use uuid::Uuid;

/// A moment, in milliseconds after a fixed one.
pub(crate) fn at(millis: i64) -> Stamp {
    Stamp::from_millis(1_760_000_000_000 + millis)
}

pub(crate) fn tick(value: u64) -> Tick {
    Tick::new(value).unwrap()
}

pub(crate) fn name(kind: &str) -> CollectionName {
    CollectionName {
        application: "crm".to_owned(),
        contract: "sample".to_owned(),
        dataset: "-".to_owned(),
        resource_kind: kind.to_owned(),
    }
}

/// The own endpoint of a kind.
pub(crate) fn own(kind: &str) -> Endpoint {
    Endpoint::parse(&format!("http://own.test/sdata/crm/sample/-/{kind}")).unwrap()
}

/// Somebody else's endpoint.
pub(crate) fn remote(node: u32) -> Endpoint {
    Endpoint::parse(&format!("http://node{node}.test/sdata/erp/sample/-/accounts")).unwrap()
}

pub(crate) fn priority(value: u8) -> Priority {
    Priority::new(value).unwrap()
}

pub(crate) fn state(endpoint: &Endpoint, at_tick: u64) -> SyncState {
    SyncState {
        endpoint: endpoint.clone(),
        tick: tick(at_tick),
        stamp: at(i64::try_from(at_tick).unwrap()),
        user: None,
    }
}

pub(crate) fn range(endpoint: &Endpoint, from: u64, to: u64) -> TickRange {
    TickRange { endpoint: endpoint.clone(), from: tick(from), to: tick(to) }
}

pub(crate) async fn register(store: &Store, kind: &str) -> CollectionId {
    store.register_collection(&name(kind), &own(kind), priority(5)).await.unwrap()
}

/// The kind that most cases use.
pub(crate) async fn accounts(store: &Store) -> CollectionId {
    register(store, "accounts").await
}

pub(crate) fn content(payload: &str) -> Content {
    Content {
        payload: Bytes::from(payload.to_owned()),
        properties: json!({ "name": payload }).into(),
        unique: Vec::new(),
        has_key_references: false,
    }
}

/// A live resource changed here.
pub(crate) fn write(id: ResourceId, key: &str, payload: &str, stamp: Stamp) -> ResourceWrite {
    ResourceWrite {
        id,
        key: key.to_owned(),
        uuid: None,
        state: NewState::Unstamped(stamp),
        user: None,
        deleted: false,
        etag: payload.chars().take(40).collect(),
        content: Some(content(payload)),
    }
}

/// A live resource changed elsewhere.
pub(crate) fn received(id: ResourceId, key: &str, state: SyncState) -> ResourceWrite {
    ResourceWrite {
        uuid: Some(Uuid::new_v4()),
        state: NewState::Stamped(state),
        ..write(id, key, &format!("received {key}"), at(0))
    }
}

pub(crate) async fn new_id(store: &Store) -> ResourceId {
    new_ids(store, 1).await[0]
}

pub(crate) async fn new_ids(store: &Store, count: u64) -> Vec<ResourceId> {
    store.reserve_ids(count).await.unwrap().map(ResourceId).collect()
}

pub(crate) async fn insert(store: &Store, collection: CollectionId, writes: &[ResourceWrite]) {
    let mut txn = store.begin().await.unwrap();
    txn.insert(collection, writes).await.unwrap();
    txn.commit().await.unwrap();
}

pub(crate) async fn update(store: &Store, collection: CollectionId, writes: &[ResourceWrite]) {
    let mut txn = store.begin().await.unwrap();
    txn.update(collection, writes).await.unwrap();
    txn.commit().await.unwrap();
}

/// Makes live resources with these keys, unstamped, changed one millisecond after the other.
pub(crate) async fn create(store: &Store, collection: CollectionId, keys: &[&str]) -> Vec<ResourceId> {
    let ids = new_ids(store, keys.len() as u64).await;
    let writes: Vec<_> =
        ids.iter().zip(keys).zip(0..).map(|((id, key), millis)| write(*id, key, key, at(millis))).collect();
    insert(store, collection, &writes).await;
    ids
}

/// Stamps what waits and gives the digest, as an operation does.
pub(crate) async fn stamped_digest(store: &Store, collection: CollectionId) -> Digest {
    sdata_sync::store::retrying(|| async {
        let mut txn = store.begin().await?;
        let mut digest = txn.lock(collection).await?;
        txn.stamp(collection, &mut digest, at(1_000_000)).await?;
        txn.commit().await?;
        Ok::<_, sdata_sync::store::StoreError>(digest)
    })
    .await
    .unwrap()
}

/// The ticks of these keys; 0 for what is unstamped.
pub(crate) async fn ticks(store: &Store, collection: CollectionId, keys: &[&str]) -> Vec<u64> {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let found = store.by_keys(collection, &keys).await.unwrap();
    keys.iter().map(|key| found[key].resource.state.as_ref().map_or(0, |state| state.tick.value())).collect()
}
