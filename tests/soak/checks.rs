//! What must be true in the end.

use crate::Soak;
use crate::client::Client;
use crate::kinds::KINDS;
use crate::ledger::Outcome;
use crate::messages::marker_of;
use crate::network::Node;
use crate::passes::Ended;
use crate::support::app::child;
use crate::support::messages::digest_entry;
use entities::{lane, sync_run, tracking};
use sdata_sync::protocol::Digest;
use sdata_sync::wire::names::{LINKING, SDATA};
use sdata_sync::wire::{Element, Entry, Node as Content, StateRead};
use sea_orm::{ColumnTrait, Database, EntityTrait, QueryFilter};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long jobs of passes that were killed may take to end by themselves.
const QUIET: Duration = Duration::from_secs(60);

/// A resource as its feed says it: who changed it last, and what it holds.
#[derive(Debug, PartialEq, Eq)]
struct Resource {
    state: String,
    content: String,
    name: Option<(String, String)>,
}

/// What one provider holds.
pub(crate) struct Holding {
    /// By kind and UUID, deleted ones, too.
    resources: BTreeMap<(&'static str, String), Resource>,
    digests: BTreeMap<&'static str, Vec<String>>,
    pub(crate) changes: u64,
    pub(crate) conflicts: u64,
    /// Changes that were applied more than once: endpoint and tick.
    twice: Vec<String>,
    lost: HashSet<String>,
    disputed: HashSet<String>,
    parked: Vec<String>,
    /// Contexts that are neither deleted nor expired, by the run that made them.
    pub(crate) contexts: Vec<Option<String>>,
    /// Jobs that have not ended.
    pending: Vec<String>,
    /// Lanes that a worker holds.
    held: Vec<String>,
}

/// What all providers hold.
pub(crate) struct Found {
    pub(crate) holdings: Vec<Holding>,
}

impl Found {
    pub(crate) async fn read(soak: &Soak) -> Self {
        let mut holdings = Vec::new();
        for node in &soak.network.nodes {
            holdings.push(Holding::read(node).await);
        }
        Self { holdings }
    }

    /// Resources that are there.
    pub(crate) fn live(&self) -> usize {
        self.holdings
            .first()
            .map_or(0, |holding| holding.resources.values().filter(|resource| resource.name.is_some()).count())
    }

    /// Checks all that a soak promises.
    pub(crate) fn check(&self, soak: &Soak) {
        check_busy(soak);
        self.check_alike(soak);
        for (holding, node) in self.holdings.iter().zip(&soak.network.nodes) {
            let name = &node.name;
            assert_eq!(holding.parked, [""; 0], "entries are parked at {name}");
            assert_eq!(holding.pending, [""; 0], "jobs have not ended at {name}");
            assert_eq!(holding.held, [""; 0], "lanes are held at {name}");
            assert_eq!(holding.twice, [""; 0], "changes were applied twice at {name}");
            let left = leaked(soak, holding);
            assert!(left.is_empty(), "contexts of passes that ended well are left at {name}: {left:?}");
        }
        let passes = soak.passes.made.lock().unwrap();
        let undisturbed = passes.iter().filter(|pass| matches!(pass.ended, Ended::Failed(_)) && !pass.disturbed);
        let undisturbed: Vec<_> = undisturbed.collect();
        assert!(undisturbed.is_empty(), "passes failed though both providers were there: {undisturbed:#?}");
        let surprises = soak.ledger.surprises.lock().unwrap();
        assert!(surprises.is_empty(), "{} answers that no writer should get: {surprises:#?}", surprises.len());
        let faults = soak.ledger.faults(&self.outcome());
        assert!(faults.is_empty(), "{} versions are not accounted for: {faults:#?}", faults.len());
    }

    fn check_alike(&self, soak: &Soak) {
        let Some((first, others)) = self.holdings.split_first() else { return };
        for (other, node) in others.iter().zip(&soak.network.nodes[1..]) {
            let keys: BTreeSet<_> = first.resources.keys().chain(other.resources.keys()).collect();
            let apart: Vec<_> = keys
                .into_iter()
                .map(|key| (key, first.resources.get(key), other.resources.get(key)))
                .filter(|(_, here, there)| here != there)
                .collect();
            assert!(apart.is_empty(), "{} resources of n0 and {} differ: {:#?}", apart.len(), node.name, apart.first());
            assert_eq!(first.digests, other.digests, "digests of n0 and {}", node.name);
        }
    }

    fn outcome(&self) -> Outcome {
        let mut outcome = Outcome { live: BTreeMap::new(), lost: HashSet::new(), disputed: HashSet::new() };
        for ((kind, uuid), resource) in self.holdings.iter().flat_map(|holding| &holding.resources) {
            if let Some((name, marker)) = &resource.name {
                outcome.live.insert((kind, name.clone()), (marker.clone(), uuid.clone()));
            }
        }
        for holding in &self.holdings {
            outcome.lost.extend(holding.lost.iter().cloned());
            outcome.disputed.extend(holding.disputed.iter().cloned());
        }
        outcome
    }
}

/// Where nothing was written, carried or disturbed, all that follows would be true of nothing.
fn check_busy(soak: &Soak) {
    let (acknowledged, ..) = soak.ledger.counts();
    assert!(acknowledged > 0, "no write was acknowledged");
    let carried: u64 = soak.passes.made.lock().unwrap().iter().map(|pass| pass.count("entries")).sum();
    assert!(carried > 0, "no pass carried anything");
    let disturbances = soak.network.nodes.iter().flat_map(|node| [&node.kills, &node.restarts]);
    let disturbances: u64 = disturbances.map(|count| count.load(Ordering::Relaxed)).sum();
    assert!(disturbances > 0, "no provider was killed or stopped");
}

/// Contexts that nobody deleted though somebody was there to do it.
fn leaked(soak: &Soak, holding: &Holding) -> Vec<String> {
    let passes = soak.passes.made.lock().unwrap();
    let excused: HashSet<_> =
        passes.iter().filter(|pass| pass.may_leave_contexts()).map(|pass| &pass.run_name).collect();
    // What has no run is of a writer, whose provider may have gone before it could delete it.
    holding.contexts.iter().flatten().filter(|run| !excused.contains(run)).cloned().collect()
}

impl Holding {
    async fn read(node: &Node) -> Self {
        let client = Client::new();
        let mut holding = Self {
            resources: BTreeMap::new(),
            digests: BTreeMap::new(),
            changes: 0,
            conflicts: 0,
            twice: Vec::new(),
            lost: HashSet::new(),
            disputed: HashSet::new(),
            parked: Vec::new(),
            contexts: Vec::new(),
            pending: Vec::new(),
            held: Vec::new(),
        };
        holding.read_database(node).await;
        for kind in KINDS {
            let digest = client.read(&format!("{}/$syncDigest", node.url(kind))).await.digest();
            holding.digests.insert(kind, ticks(&digest));
            holding.read_resources(&client, node, kind).await;
        }
        holding.read_changes(&client, node).await;
        for row in rows(&client, &format!("{}/parked?count=500", node.audit)).await {
            holding.parked.push(row.to_xml().unwrap());
        }
        holding
    }

    /// Everything a kind has, by the feed that a peer gets which has nothing.
    async fn read_resources(&mut self, client: &Client, node: &Node, kind: &'static str) {
        let nobody = digest_entry("http://127.0.0.1/nobody", &[]);
        let url = format!("{}/$syncSource?trackingID={}&count=500", node.url(kind), Uuid::new_v4());
        let Ok(accepted) = client.send("POST", &url, None, Some(nobody)).await else { panic!("no answer from {url}") };
        assert_eq!(accepted.status, 202, "{}", accepted.text());
        let context = accepted.header("location").to_owned();
        let mut next = Some(context.clone());
        while let Some(page) = next {
            let mut answer = client.get(&page).await.unwrap_or_else(|_| panic!("no answer from {page}"));
            while answer.status == 202 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                answer = client.get(&page).await.unwrap_or_else(|_| panic!("no answer from {page}"));
            }
            let (head, entries) = answer.feed();
            for entry in &entries {
                let uuid = entry.uuid().unwrap().unwrap().to_string();
                let before = self.resources.insert((kind, uuid), Resource::of(kind, entry));
                assert!(before.is_none(), "a resource is in the feed twice: {before:?}");
            }
            next = head.link("next").map(str::to_owned);
        }
        assert!(client.send("DELETE", &context, None, None).await.is_ok_and(|answer| answer.status == 200));
    }

    async fn read_changes(&mut self, client: &Client, node: &Node) {
        let mut applied: HashMap<String, u32> = HashMap::new();
        for row in rows(client, &format!("{}/changes?count=1000", node.audit)).await {
            self.changes += 1;
            let outcome = child(&row, "outcome");
            if outcome.starts_with("conflict") {
                self.conflicts += 1;
                self.disputed.insert(child(&row, "uuid"));
                self.lost.extend(lost_marker(&row));
            }
            if matches!(&*outcome, "created" | "updated" | "deleted" | "conflictWon") {
                let change = format!("{} {}", child(&row, "sourceEndpoint"), child(&row, "sourceTick"));
                *applied.entry(change).or_default() += 1;
            }
        }
        self.twice = applied.into_iter().filter(|(_, times)| *times > 1).map(|(change, _)| change).collect();
    }

    async fn read_database(&mut self, node: &Node) {
        let database = Database::connect(&node.database).await.unwrap();
        let begun = Instant::now();
        loop {
            let pending = tracking::Entity::find().filter(tracking::Column::State.is_in(["queued", "running"]));
            let pending = pending.all(&database).await.unwrap();
            if pending.is_empty() || begun.elapsed() > QUIET {
                self.pending = pending.iter().map(|job| format!("{job:?}")).collect();
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let runs = sync_run::Entity::find().all(&database).await.unwrap();
        let runs: HashMap<_, _> = runs.into_iter().map(|run| (run.id, run.run_name)).collect();
        let contexts = tracking::Entity::find().filter(tracking::Column::State.ne("deleted"));
        let contexts = contexts.all(&database).await.unwrap();
        self.contexts = contexts.iter().map(|context| context.run_id.and_then(|run| runs.get(&run).cloned())).collect();
        let now = chrono::Utc::now().timestamp_micros();
        let lanes = lane::Entity::find().all(&database).await.unwrap();
        let held = lanes.into_iter().filter(|lane| lane.owner.is_some() && lane.lease_until > now);
        self.held = held.map(|lane| format!("{lane:?}")).collect();
        database.close().await.unwrap();
    }
}

impl Resource {
    fn of(kind: &str, entry: &Entry) -> Self {
        let StateRead::Given { endpoint, tick, stamp, .. } = &entry.sync_state else { panic!("no state: {entry:?}") };
        let mut resource = entry.resource().unwrap().clone();
        let marker = (!entry.is_deleted()).then(|| marker_of(kind, &resource));
        let name = marker.map(|marker| (crate::ledger::name_of(&marker).to_owned(), marker));
        without_own(&mut resource);
        Self { state: format!("{endpoint:?} {tick} {stamp:?}"), content: resource.to_xml().unwrap(), name }
    }
}

/// Keys and URLs are each provider's own.
fn without_own(element: &mut Element) {
    for name in ["key", "url", "uri"] {
        element.remove_attribute(SDATA, name);
    }
    element.remove_attribute(LINKING, "formerUuids");
    for child in &mut element.content {
        if let Content::Element(child) = child {
            without_own(child);
        }
    }
}

fn ticks(digest: &Digest) -> Vec<String> {
    digest.entries.iter().map(|(endpoint, entry)| format!("{endpoint} {}", entry.tick)).collect()
}

/// The marker of the version that lost.
fn lost_marker(row: &Element) -> Option<String> {
    let losing = child(row, "losingPayload");
    let losing = Element::parse(losing.as_bytes(), &sdata_sync::wire::ReadLimits::default()).ok()?;
    let kind = child(row, "resourceKind");
    Some(marker_of(&kind, &losing)).filter(|marker| !marker.is_empty())
}

async fn rows(client: &Client, url: &str) -> Vec<Element> {
    let (mut rows, mut next) = (Vec::new(), Some(url.to_owned()));
    while let Some(url) = next {
        let (head, entries) = client.read(&url).await.feed();
        rows.extend(entries.into_iter().filter_map(|entry| entry.payload?.resource));
        next = head.link("next").map(str::to_owned);
    }
    rows
}
