//! One seed: a network, what users and engines do to it at random, and what must be true when all is quiet.

use crate::kinds::KINDS;
use crate::ledger::{self, Change, Ledger};
use crate::links;
use crate::network::{self, Feed};
use crate::node::{Node, Template, clock_ahead_by};
use crate::requests::{Refer, Written, entry};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sdata_sync::protocol::{Priority, Stamp};
use sdata_sync::provider::Clock;
use sdata_sync::store::Document;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// What a seed makes of the network.
struct World {
    rng: StdRng,
    nodes: Vec<Node>,
    /// Pairs between which passes run, in both directions.
    edges: Vec<(usize, usize)>,
    kinds: Vec<&'static str>,
    equal_priorities: bool,
    ledger: Ledger,
    feeds: Vec<Feed>,
    /// Moves on by chance, so that changes of different nodes often have the same stamp.
    time: Arc<AtomicI64>,
    names: u32,
    /// Resources that two nodes made of one thing, which nobody has linked yet: kind, name and the nodes.
    unlinked: Vec<(&'static str, String, [usize; 2])>,
}

/// Lives through `seed`.
pub(crate) fn run(seed: u64, template: &Template) {
    let mut world = World::new(seed, template);
    let steps = world.rng.random_range(20..50);
    for _ in 0..steps {
        world.step();
    }
    world.settle();
    world.check();
}

impl World {
    fn new(seed: u64, template: &Template) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let count = if rng.random_bool(0.7) { 3 } else { rng.random_range(4..6) };
        let equal_priorities = rng.random_bool(0.6);
        let edges = edges(&mut rng, count, equal_priorities);
        let kinds: Vec<&'static str> = match rng.random_range(0..10) {
            0..4 => vec!["accounts"],
            4..6 => vec!["accounts", "contacts"],
            _ => KINDS.to_vec(),
        };
        let time = Arc::new(AtomicI64::new(1_700_000_000_000));
        let common_clock = rng.random_bool(0.5);
        let nodes = (0..count).map(|number| {
            let priority = if equal_priorities { 5 } else { rng.random_range(1..10) };
            let ahead = if rng.random_bool(0.5) { 0 } else { rng.random_range(-5_000..5_000) };
            let clock = if common_clock {
                let time = Arc::clone(&time);
                Clock::reading(move || Stamp::from_millis(time.load(Ordering::Relaxed) + ahead / 1000))
            } else {
                clock_ahead_by(ahead)
            };
            Node::start(&format!("n{number}"), Priority::new(priority).unwrap(), clock, template)
        });
        let nodes = nodes.collect();
        let (ledger, feeds) = (Ledger::default(), Vec::new());
        let unlinked = Vec::new();
        Self { rng, nodes, edges, kinds, equal_priorities, ledger, feeds, time, names: 0, unlinked }
    }

    fn step(&mut self) {
        self.time.fetch_add(self.rng.random_range(0..3), Ordering::Relaxed);
        match self.rng.random_range(0..100) {
            0..37 => self.change(),
            37..45 => self.relink(),
            45..65 => self.begin_feed(),
            65..85 => self.carry(),
            85..93 => {
                let (source, target) = self.pair();
                let (kind, count) = (self.kind(), self.page_count());
                self.give_up_others(source, target, kind);
                network::pass(&self.nodes, source, target, kind, count);
            }
            93..95 => self.drop_feed(),
            95..97 => self.crash_while_carrying(),
            97..98 => self.abandon(),
            98..99 => self.purge(),
            _ => {
                let node = self.rng.random_range(0..self.nodes.len());
                self.nodes[node].crash();
            }
        }
    }

    fn kind(&mut self) -> &'static str {
        self.kinds[self.rng.random_range(0..self.kinds.len())]
    }

    fn pair(&mut self) -> (usize, usize) {
        let (one, other) = self.edges[self.rng.random_range(0..self.edges.len())];
        if self.rng.random_bool(0.5) { (one, other) } else { (other, one) }
    }

    fn page_count(&mut self) -> u64 {
        if self.rng.random_bool(0.5) { self.rng.random_range(1..4) } else { 100 }
    }

    fn begin_feed(&mut self) {
        let (source, target) = self.pair();
        let (kind, count) = (self.kind(), self.page_count());
        self.give_up_others(source, target, kind);
        self.feeds.push(network::begin(&self.nodes, source, target, kind, count));
    }

    /// With unequal priorities passes between two nodes must run one after the other (docs/operating.md).
    fn give_up_others(&mut self, source: usize, target: usize, kind: &str) {
        let (equal, both) = (self.equal_priorities, [(source, target), (target, source)]);
        self.feeds.retain(|feed| equal || feed.kind != kind || !both.contains(&(feed.source, feed.target)));
    }

    fn take_feed(&mut self) -> Option<Feed> {
        if self.feeds.is_empty() {
            return None;
        }
        let feed = self.rng.random_range(0..self.feeds.len());
        Some(self.feeds.swap_remove(feed))
    }

    fn carry(&mut self) {
        let Some(mut feed) = self.take_feed() else { return };
        if !feed.carry(&self.nodes) {
            self.feeds.push(feed);
        }
    }

    fn drop_feed(&mut self) {
        self.take_feed();
    }

    fn crash_while_carrying(&mut self) {
        let Some(mut feed) = self.take_feed() else { return };
        let after = Duration::from_micros(self.rng.random_range(0..15_000));
        if !feed.carry_through_a_crash(&mut self.nodes, after) {
            self.feeds.push(feed);
        }
    }

    /// Somebody's tombstones go, while no feed is on its way to him and all his neighbours take changes from him.
    fn purge(&mut self) {
        let (at, kind) = (self.rng.random_range(0..self.nodes.len()), self.kind());
        let node = &self.nodes[at];
        let taking = node.run(node.provider().store.peers(node.collection(kind).id)).unwrap().len();
        let neighbours = self.edges.iter().filter(|(one, other)| *one == at || *other == at).count();
        if taking == neighbours && !self.feeds.iter().any(|feed| feed.target == at && feed.kind == kind) {
            node.purge(kind);
        }
    }

    fn abandon(&mut self) {
        let Some(feed) = self.take_feed() else { return };
        let after = Duration::from_micros(self.rng.random_range(0..15_000));
        let killed = self.rng.random_bool(0.5);
        feed.abandon(&mut self.nodes, after, killed);
    }

    /// A user creates, changes or deletes something somewhere.
    fn change(&mut self) {
        let (node, kind) = (self.rng.random_range(0..self.nodes.len()), self.kind());
        let there = ledger::documents(&self.nodes[node], kind);
        if there.len() < 2 || self.rng.random_bool(0.25) {
            self.create(node, kind);
            return;
        }
        let document = there[self.rng.random_range(0..there.len())].clone();
        // What orders must refer to is not deleted: they could not be applied where it is gone first.
        let is_needed = self.kinds.len() == KINDS.len() && matches!(kind, "accounts" | "products");
        if !is_needed && self.rng.random_bool(0.25) {
            self.delete(node, kind, &document);
        } else {
            self.update(node, kind, &document);
        }
    }

    fn create(&mut self, at: usize, kind: &'static str) -> Option<String> {
        self.names += 1;
        let name = format!("N{}", self.names);
        self.create_named(at, kind, &name).then_some(name)
    }

    /// False where what it must refer to is not there.
    fn create_named(&mut self, at: usize, kind: &'static str, name: &str) -> bool {
        let Some(written) = self.written(at, kind, Some(name.to_owned())) else { return false };
        let marker = self.ledger.marker(name);
        let node = &self.nodes[at];
        let created = node.run(node.provider().create(&node.collection(kind), entry(kind, &marker, &written), None));
        self.note(at, kind, None, &marker, &created.unwrap());
        true
    }

    /// Somebody changes the links of a resource, or two nodes make resources of one thing.
    fn relink(&mut self) {
        match self.rng.random_range(0..10) {
            0..6 => {
                let (node, kind) = (self.rng.random_range(0..self.nodes.len()), self.kind());
                let there = ledger::documents(&self.nodes[node], kind);
                if !there.is_empty() {
                    let document = there[self.rng.random_range(0..there.len())].clone();
                    self.change_uuid(node, kind, &document);
                }
            }
            6..8 => self.create_twice(),
            _ if self.unlinked.is_empty() => {}
            _ => {
                let chosen = self.rng.random_range(0..self.unlinked.len());
                let (kind, name, nodes) = self.unlinked.swap_remove(chosen);
                self.unite(kind, &name, nodes);
            }
        }
    }

    fn change_uuid(&mut self, at: usize, kind: &'static str, document: &Document) {
        let (node, resource) = (&self.nodes[at], &document.resource);
        let marker = ledger::marker_of(node, kind, document);
        let key = resource.key.clone();
        let Some(uuid) = resource.uuid else {
            links::link(node, kind, &key, None);
            return;
        };
        self.ledger.note_relinked(marker.split(' ').next().unwrap());
        let former = node.run(node.provider().store.former_uuids(&[resource.id])).unwrap().remove(&resource.id);
        match (self.rng.random_range(0..3), former) {
            // Whoever knows it by a former UUID alone would not be told that it is the same.
            (0, None) => links::link_again(node, kind, &key, uuid),
            (1, Some(former)) => links::rename(node, kind, &key, uuid, *former.first().unwrap()),
            _ => links::rename(node, kind, &key, uuid, Uuid::from_u128(self.rng.random())),
        }
    }

    /// Two nodes make resources of one thing. They are linked at once, or each is synchronized until somebody sees it.
    fn create_twice(&mut self) {
        let (one, other) = self.pair();
        let kind = self.kind();
        let Some(name) = self.create(one, kind) else { return };
        if !self.create_named(other, kind, &name) {
            return;
        }
        self.ledger.note_relinked(&name);
        if self.rng.random_bool(0.5) {
            self.unite(kind, &name, [one, other]);
        } else {
            self.unlinked.push((kind, name, [one, other]));
        }
    }

    /// The second node's resource gets the UUID of the first one's.
    fn unite(&mut self, kind: &'static str, name: &str, [one, other]: [usize; 2]) {
        let (one, other) = (&self.nodes[one], &self.nodes[other]);
        let (Some(here), Some(there)) = (unite_within(one, kind, name), unite_within(other, kind, name)) else {
            return;
        };
        let winner = links::link(one, kind, &here, None);
        match ledger::uuid(other, kind, &there) {
            Some(loser) => links::rename(other, kind, &there, loser, winner),
            None => drop(links::link(other, kind, &there, Some(winner))),
        }
    }

    fn update(&mut self, at: usize, kind: &'static str, document: &Document) {
        let replaced = ledger::marker_of(&self.nodes[at], kind, document);
        let Some(written) = self.written(at, kind, None) else { return };
        let marker = self.ledger.marker(replaced.split(' ').next().unwrap());
        let node = &self.nodes[at];
        let (collection, entry) = (node.collection(kind), entry(kind, &marker, &written));
        let updated =
            node.run(node.provider().update(&collection, &document.resource.key, entry, Some("*"), None)).unwrap();
        self.note(at, kind, Some(replaced), &marker, &updated);
    }

    fn delete(&mut self, at: usize, kind: &'static str, document: &Document) {
        let replaced = ledger::marker_of(&self.nodes[at], kind, document);
        let marker = self.ledger.marker(replaced.split(' ').next().unwrap());
        let node = &self.nodes[at];
        let (collection, key) = (node.collection(kind), &document.resource.key);
        node.run(node.provider().delete(&collection, key, None, None)).unwrap();
        let found = node.run(node.provider().store.by_keys(collection.id, std::slice::from_ref(key))).unwrap();
        self.note(at, kind, Some(replaced), &marker, &found[key]);
    }

    fn note(&mut self, at: usize, kind: &'static str, replaced: Option<String>, marker: &str, document: &Document) {
        let name = marker.split(' ').next().unwrap();
        let (stamp, endpoint) = (document.resource.stamp, self.nodes[at].collection(kind).endpoint.clone());
        let deleted = document.resource.deleted;
        self.ledger.note(kind, name, Change { marker: marker.to_owned(), replaced, stamp, endpoint, deleted });
    }

    /// What a user writes; nothing where what it must refer to is not there.
    fn written(&mut self, at: usize, kind: &'static str, name: Option<String>) -> Option<Written> {
        let creating = name.is_some();
        let mut written = Written { name, ..Written::default() };
        let properties: &[&str] = match kind {
            "accounts" | "contacts" => &["phone", "email"],
            "products" => &["currency"],
            _ => &["currency", "shipDate"],
        };
        for property in properties {
            if self.rng.random_bool(0.4) {
                written.scalars.push((*property, self.value(property)));
            }
        }
        match kind {
            "contacts" if self.rng.random_bool(0.6) => written.account = self.reference(at, "accounts"),
            "salesOrders" => {
                if creating || self.rng.random_bool(0.5) {
                    written.account = Some(self.reference(at, "accounts")?);
                }
                if creating || self.rng.random_bool(0.5) {
                    let count = self.rng.random_range(0..3);
                    let lines = (0..count).map(|number| Some((self.reference(at, "products")?, number + 1)));
                    written.lines = Some(lines.collect::<Option<_>>()?);
                }
            }
            _ => {}
        }
        Some(written)
    }

    fn value(&mut self, property: &str) -> Option<String> {
        let number = self.rng.random_range(0..1000);
        if self.rng.random_bool(0.25) {
            return None;
        }
        Some(match property {
            "phone" => format!("+49 {number}"),
            "email" => format!("a{number}@example.com"),
            "shipDate" => format!("2026-01-{:02}", number % 28 + 1),
            _ => ["EUR", "GBP", "USD"][number % 3].to_owned(),
        })
    }

    /// A resource that the user of a node sees, by UUID where it has one, sometimes by key.
    fn reference(&mut self, at: usize, kind: &'static str) -> Option<Refer> {
        let there = ledger::documents(&self.nodes[at], kind);
        if there.is_empty() {
            return None;
        }
        let resource = &there[self.rng.random_range(0..there.len())].resource;
        Some(match resource.uuid {
            Some(uuid) if self.rng.random_bool(0.7) => Refer::Uuid(uuid),
            _ => Refer::Key(resource.key.clone()),
        })
    }

    /// Passes until nothing is carried any more.
    fn settle(&mut self) {
        self.feeds.clear();
        for (kind, name, nodes) in std::mem::take(&mut self.unlinked) {
            self.unite(kind, &name, nodes);
        }
        let most = 2 * self.nodes.len() + 6;
        for _ in 0..most {
            let mut carried = 0;
            for (one, other) in self.edges.clone() {
                for kind in &self.kinds {
                    carried += network::pass(&self.nodes, one, other, kind, 100);
                    carried += network::pass(&self.nodes, other, one, kind, 100);
                }
            }
            if carried == 0 {
                return;
            }
        }
        panic!("after {most} rounds changes still travel");
    }

    fn check(&self) {
        for kind in &self.kinds {
            let first = &self.nodes[0];
            let (contents, ticks) = (ledger::contents(first, kind), ledger::ticks(first, kind));
            for node in &self.nodes[1..] {
                let theirs = ledger::contents(node, kind);
                let apart = |(uuid, content): &(&String, &String)| contents.get(*uuid) != Some(*content);
                let apart: Vec<_> = theirs.iter().filter(apart).collect();
                let here: Vec<_> = apart.iter().map(|(uuid, _)| contents.get(*uuid)).collect();
                assert!(apart.is_empty(), "{kind} of {} and {}:\n{apart:#?}\n{here:#?}", node.name, first.name);
                assert_eq!(theirs.len(), contents.len(), "{kind} of {} and {}", node.name, first.name);
                assert_eq!(ledger::ticks(node, kind), ticks, "digest of {kind} of {}", node.name);
            }
            let live = ledger::markers(first, kind);
            self.ledger.check_history(kind, &live);
            if self.equal_priorities {
                self.ledger.check_winners(kind, &live);
            }
        }
        for node in &self.nodes {
            let later = Stamp::from_millis(node.provider().store.time().millis() + 86_400_000_000);
            let parked = node.run(node.provider().store.parked_due(later, 100)).unwrap();
            assert_eq!(parked, [], "parked entries of {} are left", node.name);
        }
    }
}

/// What a user does with several resources of one name: one gets the UUIDs of the others, which are deleted. The key of that one.
fn unite_within(node: &Node, kind: &'static str, name: &str) -> Option<String> {
    let mut doubles = ledger::named(node, kind, name).into_iter().map(|document| document.resource);
    let key = doubles.next()?.key;
    for double in doubles {
        if let Some(uuid) = double.uuid {
            links::rename(node, kind, &key, uuid, uuid);
        }
        node.run(node.provider().delete(&node.collection(kind), &double.key, None, None)).unwrap();
    }
    Some(key)
}

/// Line, ring, star or mesh; with unequal priorities star or tree.
pub(crate) fn edges(rng: &mut StdRng, count: usize, equal_priorities: bool) -> Vec<(usize, usize)> {
    let all = || (0..count).flat_map(|one| (one + 1..count).map(move |other| (one, other)));
    match rng.random_range(0..4) {
        0 if equal_priorities => all().collect(),
        1 if equal_priorities => (0..count).map(|one| (one, (one + 1) % count)).collect(),
        0 | 2 => (1..count).map(|other| (0, other)).collect(),
        _ => (1..count).map(|other| (rng.random_range(0..other), other)).collect(),
    }
}
