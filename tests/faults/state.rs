//! Everything an application remembers, written down so that two applications can be compared: what differs by chance (ids, keys,
//! times, UUIDs that were made up) is left out.

use crate::node::Node;
use sdata_sync::protocol::paging::PageRequest;
use sdata_sync::protocol::selection::missing_ranges;
use sdata_sync::protocol::{Digest, Recovery, SyncState};
use sdata_sync::store::{AuditFilter, CollectionId, Operation};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The kinds of the sample contract.
pub(crate) const KINDS: [&str; 4] = ["accounts", "contacts", "products", "salesOrders"];

const ALL: PageRequest = PageRequest { start_index: 1, count: 10_000 };

/// UUIDs that cases choose begin with this; others are made up.
const CHOSEN: u128 = 0xfa17 << 112;

/// A UUID that a case chooses.
pub(crate) const fn chosen(number: u8) -> Uuid {
    Uuid::from_u128(CHOSEN | number as u128)
}

/// The state, one fact a line.
pub(crate) async fn of(node: &Node) -> Vec<String> {
    let mut facts = Vec::new();
    for kind in KINDS {
        of_kind(node, kind, &mut facts).await;
        of_clock(node, kind, &mut facts).await;
    }
    of_audit(node, &mut facts).await;
    of_account(node, &mut facts).await;
    facts
}

/// The facts without the application's name.
pub(crate) fn of_any_application(node: &Node, facts: &[String]) -> Vec<String> {
    facts.iter().map(|fact| fact.replace(&format!("/{}/", node.name), "/app/")).collect()
}

async fn of_kind(node: &Node, kind: &str, facts: &mut Vec<String>) {
    let (collection, store) = (node.collection(kind), node.store());
    let digest = node.provider().read_digest(&collection).await.unwrap();
    for (endpoint, entry) in &digest.entries {
        facts.push(format!("{kind} digest {endpoint} {} {}", entry.tick, entry.conflict_priority.value()));
    }
    // What a peer would be sent that has nothing: every state must be covered, and every one but once.
    let ranges = missing_ranges(&digest, &Digest::default());
    let changes = store.read_ranges(collection.id, &ranges, None, 10_000).await.unwrap();
    let mut ticks = BTreeMap::new();
    for change in &changes {
        let resource = &change.resource;
        let state = resource.state.as_ref().unwrap();
        assert!(digest.contains(state), "{kind}: {state:?} is not covered");
        let twice = ticks.insert((state.endpoint.clone(), state.tick), resource.id);
        assert!(twice.is_none(), "{kind}: {state:?} twice");
        let payload = change.payload.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let is_deleted = if resource.deleted { "deleted" } else { "live" };
        let payload = without_made_up(&payload);
        facts.push(format!("{kind} {} {} {is_deleted} {payload}", said(resource.uuid), written(Some(state))));
    }
    let live = store.live_page(collection.id, None, 0, 10_000).await.unwrap();
    let live = live.len();
    facts.push(format!("{kind} live {live}"));
    // What waits for a number until its clock goes on is not sent.
    if recovery(node, collection.id).await.is_none() {
        let sent = changes.iter().filter(|change| !change.resource.deleted).count();
        assert_eq!(live, sent, "{kind}: not all are sent");
    }
    assert_eq!(store.live_count(collection.id).await.unwrap(), live as u64, "{kind}: counted wrong");
    let mut txn = store.begin().await.unwrap();
    for parked in txn.parked_batch(collection.id, None, (10_000, u64::MAX)).await.unwrap() {
        let state = parked.entry.state.as_ref();
        assert!(state.is_none_or(|state| digest.contains(state)), "{kind}: a parked entry is not covered");
        let (shown, status) = (parked.digest_shown, parked.entry.http_status);
        facts.push(format!("{kind} parked {} {} {status} {shown}", said(parked.entry.uuid), written(state)));
    }
    txn.rollback().await.unwrap();
}

/// What a collection gets back, if its clock stands still.
async fn recovery(node: &Node, collection: CollectionId) -> Option<Recovery> {
    let recoveries = node.store().recoveries().await.unwrap();
    recoveries.into_iter().find(|(id, _)| *id == collection).map(|(_, recovery)| recovery)
}

/// Who takes changes, up to where tombstones are gone, and whether the clock stands still.
async fn of_clock(node: &Node, kind: &str, facts: &mut Vec<String>) {
    let (collection, store) = (node.collection(kind).id, node.store());
    let peers: BTreeMap<_, _> = store.peers(collection).await.unwrap().into_iter().collect();
    for (peer, digest) in peers {
        let ticks = digest.entries.iter().map(|(endpoint, entry)| format!("{}@{endpoint}", entry.tick));
        let ticks: Vec<_> = ticks.collect();
        facts.push(format!("{kind} peer {peer} {}", ticks.join(" ")));
    }
    for (endpoint, tick) in store.horizons(collection).await.unwrap() {
        facts.push(format!("{kind} horizon {tick}@{endpoint}"));
    }
    if let Some(recovery) = recovery(node, collection).await {
        let mut awaited: Vec<_> = store.awaited(collection).await.unwrap().iter().map(ToString::to_string).collect();
        awaited.sort();
        let Recovery { floor, known, is_ambiguous, .. } = recovery;
        facts.push(format!("{kind} stands still from {floor} below {known} {is_ambiguous} {}", awaited.join(" ")));
    }
}

/// The account with the application's name, what it is granted, and its tokens.
async fn of_account(node: &Node, facts: &mut Vec<String>) {
    let store = node.store();
    let Some(account) = store.account(&node.name).await.unwrap() else { return };
    facts.push(format!("account {}", account.password_hash));
    for grant in store.grants(account.id).await.unwrap() {
        facts.push(format!("account grant {} {}", grant.role.as_str(), grant.scope));
    }
    for (token, _) in store.tokens().await.unwrap().iter().filter(|(token, _)| token.account == account.id) {
        facts.push(format!("account token {}", token.label));
    }
}

async fn of_audit(node: &Node, facts: &mut Vec<String>) {
    node.provider().flush_audit().await;
    let filter = AuditFilter { application: Some(node.name.clone()), ..AuditFilter::default() };
    let store = node.store();
    let mut changes: Vec<_> = store.changes(&filter, ALL).await.unwrap().rows;
    changes.sort_by_key(|row| row.id);
    for row in changes {
        let (record, run) = (&row.record, row.run.map(|run| run.name).unwrap_or_default());
        facts.push(format!(
            "audit {} {} {} {} {} {run}",
            said(record.uuid),
            record.outcome.as_str(),
            record.http_status,
            written(record.source.as_ref()),
            written(record.target.as_ref())
        ));
    }
    let mut events: Vec<_> = store.events(&filter, ALL).await.unwrap().rows;
    events.sort_by_key(|row| row.id);
    for row in events {
        let event = &row.event;
        let (operation, outcome) = (event.operation.as_str(), event.outcome.as_str());
        facts.push(format!("event {operation} {outcome} {} {:?}", event.http_status, event.counts));
    }
}

/// An operation's context, what is kept of its body and of its feed, and its results, in order.
pub(crate) async fn results(node: &Node, kind: &str, operation: Operation, id: &str) -> Vec<String> {
    let collection = node.collection(kind);
    let record = node.store().tracking(collection.id, operation, id).await.unwrap().unwrap();
    let rows = node.store().results(record.key, 0, 10_000).await.unwrap();
    let row = |row: &sdata_sync::store::ResultRow| {
        format!("result {} {} {} {}", row.position, row.http_status, said(row.uuid), written(row.state.as_ref()))
    };
    let mut parts = 0;
    while let Some(body) = record.body
        && node.store().body_part(body, parts).await.unwrap().is_some()
    {
        parts += 1;
    }
    let taken = match &record.feed {
        Some(feed) => node.store().feed_taken(collection.id, &feed.hash).await.unwrap(),
        None => 0,
    };
    let done = format!("{:?} {} of {}", record.state, record.done, record.total);
    let state = format!("context {operation:?} {done}, {parts} parts of its body, {taken} entries of its feed");
    std::iter::once(state).chain(rows.iter().map(row)).collect()
}

/// Fails when a lane stays with somebody, or an operation is left undone.
pub(crate) async fn assert_nothing_is_stuck(node: &Node) {
    let (store, served) = (node.store(), KINDS.map(|kind| node.collection(kind).id));
    // Not below the node's own: to whoever asks for far less, its leases end later than any can.
    let lease = Duration::from_secs(3600);
    for id in served {
        let began = Instant::now();
        while !store.take_lane(id, "nobody", lease).await.unwrap() {
            assert!(began.elapsed() < Duration::from_secs(30), "a lane is stuck");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        store.release(id, "nobody").await.unwrap();
    }
    let left = store.claim("nobody", lease, &served, node.provider().now()).await.unwrap();
    assert!(left.is_none(), "an operation is left undone: {left:?}");
}

fn said(uuid: Option<Uuid>) -> String {
    match uuid {
        Some(uuid) if uuid.as_u128() >> 112 == CHOSEN >> 112 => uuid.to_string(),
        Some(_) => "made-up".to_owned(),
        None => "none".to_owned(),
    }
}

/// A payload without the UUIDs that were made up in it.
fn without_made_up(payload: &str) -> String {
    let mut parts = payload.split("uuid=\"");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (uuid, rest) = part.split_at(36);
        text.push_str(&said(uuid.parse().ok()));
        text.push_str(rest);
    }
    text
}

fn written(state: Option<&SyncState>) -> String {
    state.map_or("stateless".to_owned(), |state| format!("{}@{}", state.tick, state.endpoint))
}
