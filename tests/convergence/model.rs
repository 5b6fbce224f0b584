//! The rules alone, without store and wire: digests, ranges and verdicts on thousands of random networks.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sdata_sync::protocol::selection::missing_ranges;
use sdata_sync::protocol::{Digest, Endpoint, Priority, Side, Stamp, SyncState, Tick, Verdict, verdict};
use std::collections::{BTreeMap, BTreeSet};

/// Networks tried.
const SEEDS: u64 = 20_000;

/// A version of a resource: its state and what names it.
type Version = (SyncState, u32);

struct Node {
    own: Endpoint,
    digest: Digest,
    resources: BTreeMap<u8, Version>,
}

#[derive(Debug)]
struct Change {
    state: SyncState,
    version: u32,
    replaced: Option<u32>,
}

struct Model {
    rng: StdRng,
    nodes: Vec<Node>,
    edges: Vec<(usize, usize)>,
    changes: BTreeMap<u8, Vec<Change>>,
    time: i64,
    versions: u32,
}

/// A source feed as it was when its first page was read, and how much of it was carried.
struct Feed {
    source: usize,
    target: usize,
    digest: Digest,
    entries: Vec<(u8, Version)>,
}

impl Model {
    fn new(seed: u64) -> (Self, bool) {
        let mut rng = StdRng::seed_from_u64(seed);
        let count = rng.random_range(2..6);
        let equal = rng.random_bool(0.5);
        let edges = crate::scenario::edges(&mut rng, count, equal);
        let nodes = (0..count).map(|number| {
            let own = Endpoint::parse(&format!("http://n{number}.example.com/accounts")).unwrap();
            let priority = Priority::new(if equal { 5 } else { rng.random_range(1..10) }).unwrap();
            let digest = Digest::fresh(own.clone(), Stamp::EPOCH, priority);
            Node { own, digest, resources: BTreeMap::new() }
        });
        let nodes = nodes.collect();
        (Self { rng, nodes, edges, changes: BTreeMap::new(), time: 0, versions: 0 }, equal)
    }

    /// A user changes a resource that his node knows, or makes one.
    fn change(&mut self) {
        self.time += self.rng.random_range(0..3);
        let skew = self.rng.random_range(0..4);
        let at = self.rng.random_range(0..self.nodes.len());
        // A node makes resources of its own: nobody else makes one with the same UUID.
        let made_here = u8::try_from(at * 10 + self.rng.random_range(0..2)).unwrap();
        let node = &mut self.nodes[at];
        let known: Vec<u8> = node.resources.keys().copied().collect();
        let resource = match known.len() {
            0 => made_here,
            count if self.rng.random_bool(0.7) => known[self.rng.random_range(0..count)],
            _ => made_here,
        };
        let before = node.resources.get(&resource);
        let stamp = Stamp::of_change(Stamp::from_millis(self.time + skew), before.map(|(state, _)| state.stamp));
        let own = node.digest.entries.get_mut(&node.own).unwrap();
        let state = SyncState { endpoint: node.own.clone(), tick: own.tick, stamp, user: None };
        own.tick = own.tick.next();
        self.versions += 1;
        let replaced = before.map(|(_, version)| *version);
        node.resources.insert(resource, (state.clone(), self.versions));
        let change = Change { state, version: self.versions, replaced };
        self.changes.entry(resource).or_default().push(change);
    }

    fn begin(&self, source: usize, target: usize) -> Feed {
        let digest = self.nodes[source].digest.clone();
        let mut entries = Vec::new();
        for range in missing_ranges(&digest, &self.nodes[target].digest) {
            let within =
                |state: &SyncState| state.endpoint == range.endpoint && (range.from..range.to).contains(&state.tick);
            let resources = self.nodes[source].resources.iter();
            let mut of_range: Vec<_> = resources.filter(|(_, (state, _))| within(state)).collect();
            of_range.sort_by_key(|(_, (state, _))| state.tick);
            entries.extend(of_range.into_iter().map(|(resource, version)| (*resource, version.clone())));
        }
        Feed { source, target, digest, entries }
    }

    /// Carries up to `most` entries; true when the feed is at its end.
    fn carry(&mut self, feed: &mut Feed, most: usize) -> bool {
        let target = &mut self.nodes[feed.target];
        for (resource, (state, version)) in feed.entries.drain(..most.min(feed.entries.len())) {
            let stored = target.resources.get(&resource).map(|(state, _)| state);
            let decided = verdict(&state, &feed.digest, stored, &target.digest);
            target.digest.note_entry(&state, &feed.digest);
            if matches!(decided, Verdict::Create | Verdict::Apply | Verdict::Conflict { winner: Side::Source, .. }) {
                target.resources.insert(resource, (state, version));
            }
        }
        if feed.entries.is_empty() {
            target.digest.adopt(&target.own, &feed.digest);
        }
        feed.entries.is_empty()
    }

    /// Begins a feed between neighbours. With unequal priorities one that is under way between them is given up: there the
    /// rules need passes one after the other (docs/operating.md).
    fn begin_any(&mut self, feeds: &mut Vec<Feed>, equal: bool) {
        let (one, other) = self.edges[self.rng.random_range(0..self.edges.len())];
        let (source, target) = if self.rng.random_bool(0.5) { (one, other) } else { (other, one) };
        let both = [(source, target), (target, source)];
        feeds.retain(|feed| equal || !both.contains(&(feed.source, feed.target)));
        feeds.push(self.begin(source, target));
    }

    fn live(&mut self, equal: bool) {
        let mut feeds: Vec<Feed> = Vec::new();
        for _ in 0..self.rng.random_range(10..60) {
            match self.rng.random_range(0..10) {
                0..4 => self.change(),
                4..7 => self.begin_any(&mut feeds, equal),
                _ if feeds.is_empty() => {}
                _ => {
                    let mut feed = feeds.swap_remove(self.rng.random_range(0..feeds.len()));
                    let most = self.rng.random_range(0..4);
                    // Some are given up half-way.
                    if !self.carry(&mut feed, most) && self.rng.random_bool(0.8) {
                        feeds.push(feed);
                    }
                }
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..2 * self.nodes.len() {
            for (one, other) in self.edges.clone() {
                for (source, target) in [(one, other), (other, one)] {
                    let mut feed = self.begin(source, target);
                    self.carry(&mut feed, usize::MAX);
                }
            }
        }
    }

    fn check(&self, seed: u64, equal: bool) {
        let ticks = |node: &Node| -> Vec<(Endpoint, Tick)> {
            node.digest.entries.iter().map(|(endpoint, entry)| (endpoint.clone(), entry.tick)).collect()
        };
        for node in &self.nodes[1..] {
            assert_eq!(node.resources, self.nodes[0].resources, "seed {seed}: {:#?}", self.changes);
            assert_eq!(ticks(node), ticks(&self.nodes[0]), "seed {seed}");
        }
        for (resource, changes) in &self.changes {
            let (_, version) = &self.nodes[0].resources[resource];
            let replaced: BTreeSet<_> = changes.iter().filter_map(|change| change.replaced).collect();
            assert!(!replaced.contains(version), "seed {seed}: {version} came back: {changes:#?}");
            let order =
                |a: &&Change, b: &&Change| (a.state.stamp, &b.state.endpoint).cmp(&(b.state.stamp, &a.state.endpoint));
            let latest = changes.iter().max_by(order).unwrap();
            assert!(!equal || latest.version == *version, "seed {seed}: {version} of {changes:#?}");
        }
    }
}

/// SYNC-2.1-01, SYNC-2.1-02, SYNC-2.3-01, SYNC-2.3-02, SYNC-2.3-03: the rules, whatever the order of passes.
#[test]
fn the_rules_lead_every_network_to_one_end() {
    let one = std::env::var("CONVERGENCE_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    for seed in one.map_or(0..SEEDS, |seed| seed..seed + 1) {
        let (mut model, equal) = Model::new(seed);
        model.live(equal);
        model.settle();
        model.check(seed, equal);
    }
}
