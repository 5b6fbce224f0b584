//! What users did, and what must be true of it at the end.

use crate::kinds::{KINDS, marker_property};
use crate::node::Node;
use sdata_sync::protocol::{Digest, Endpoint, Stamp};
use sdata_sync::store::Document;
use sdata_sync::wire::names::SDATA;
use sdata_sync::wire::{Element, Node as Content};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// The mark of a change: which version of which resource.
pub(crate) type Marker = String;

/// One change that a user made.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) marker: Marker,
    /// The version it replaced; `None` for a creation.
    pub(crate) replaced: Option<Marker>,
    pub(crate) stamp: Stamp,
    pub(crate) endpoint: Endpoint,
    pub(crate) deleted: bool,
}

/// Everything users did, by kind and name of the resource.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    changes: BTreeMap<(&'static str, String), Vec<Change>>,
    /// Names of resources whose UUIDs somebody changed: a version with other UUIDs is one of the node where that was done,
    /// so that its users alone do not say which version must win.
    relinked: BTreeSet<String>,
    count: u32,
}

impl Ledger {
    /// A new marker for a change of the resource called `name`: its name stands in it.
    pub(crate) fn marker(&mut self, name: &str) -> Marker {
        self.count += 1;
        format!("{name} v{}", self.count)
    }

    pub(crate) fn note(&mut self, kind: &'static str, name: &str, change: Change) {
        self.changes.entry((kind, name.to_owned())).or_default().push(change);
    }

    pub(crate) fn note_relinked(&mut self, name: &str) {
        self.relinked.insert(name.to_owned());
    }

    /// What must be there at the end, by the rule that holds when priorities are equal: of all changes of a resource the latest, of those the one
    /// of the smallest endpoint.
    pub(crate) fn check_winners(&self, kind: &str, live: &BTreeMap<String, Marker>) {
        let is_of_users = |(of, name): &(&str, String)| *of == kind && !self.relinked.contains(name);
        for ((_, name), changes) in self.changes.iter().filter(|(resource, _)| is_of_users(resource)) {
            let order = |a: &&Change, b: &&Change| (a.stamp, &b.endpoint).cmp(&(b.stamp, &a.endpoint));
            let winner = changes.iter().max_by(order).unwrap();
            let expected = (!winner.deleted).then_some(&winner.marker);
            assert_eq!(live.get(name), expected, "{kind} {name}: {changes:#?}");
        }
    }

    /// What must be true whatever the priorities: nothing is there that a user had seen and replaced or deleted, and nothing is gone that nobody deleted.
    pub(crate) fn check_history(&self, kind: &str, live: &BTreeMap<String, Marker>) {
        for ((_, name), changes) in self.changes.iter().filter(|((of, _), _)| *of == kind) {
            let replaced: BTreeSet<_> = changes.iter().filter_map(|change| change.replaced.as_ref()).collect();
            match live.get(name) {
                Some(marker) => {
                    assert!(changes.iter().any(|change| change.marker == *marker), "{kind} {name}: {changes:#?}");
                    let came_back = replaced.contains(marker) && !self.relinked.contains(name);
                    assert!(!came_back, "{kind} {name}: {marker} came back: {changes:#?}");
                }
                None => assert!(changes.iter().any(|change| change.deleted), "{kind} {name} is lost: {changes:#?}"),
            }
        }
        let known = |name: &String| {
            self.changes.contains_key(&(KINDS.iter().find(|of| **of == kind).copied().unwrap(), name.clone()))
        };
        assert!(live.keys().all(known), "{kind}: what nobody made is there");
    }
}

/// The live resources of a node, by kind: canonical payload by UUID.
pub(crate) fn contents(node: &Node, kind: &str) -> BTreeMap<String, String> {
    let canonical = |document: &Document| {
        let mut element = element(node, kind, document);
        without_keys(&mut element);
        (document.resource.uuid.unwrap().to_string(), element.to_xml().unwrap())
    };
    documents(node, kind).iter().map(canonical).collect()
}

/// The markers of the live resources of a node, by name.
pub(crate) fn markers(node: &Node, kind: &str) -> BTreeMap<String, Marker> {
    let marker = |document: &Document| {
        let marker = marker_of(node, kind, document);
        (marker.split(' ').next().unwrap().to_owned(), marker)
    };
    let found: Vec<_> = documents(node, kind).iter().map(marker).collect();
    let by_name: BTreeMap<_, _> = found.iter().cloned().collect();
    assert_eq!(by_name.len(), found.len(), "a resource is there twice: {found:?}");
    by_name
}

/// The marker of one resource.
pub(crate) fn marker_of(node: &Node, kind: &str, document: &Document) -> Marker {
    let element = element(node, kind, document);
    element.children().find(|child| *child.name == *marker_property(kind)).unwrap().text().into_owned()
}

/// The live resources of this name: several while nobody has linked what several nodes made.
pub(crate) fn named(node: &Node, kind: &str, name: &str) -> Vec<Document> {
    let is_it = |document: &Document| marker_of(node, kind, document).split(' ').next() == Some(name);
    documents(node, kind).into_iter().filter(is_it).collect()
}

/// The UUID of the resource with this key.
pub(crate) fn uuid(node: &Node, kind: &str, key: &str) -> Option<Uuid> {
    documents(node, kind).into_iter().find(|document| document.resource.key == key)?.resource.uuid
}

/// The live resources of a node.
pub(crate) fn documents(node: &Node, kind: &str) -> Vec<Document> {
    node.run(node.provider().store.live_page(node.collection(kind).id, None, 0, 10_000)).unwrap()
}

/// The ticks of a node's digest.
pub(crate) fn ticks(node: &Node, kind: &str) -> HashMap<Endpoint, u64> {
    let digest: Digest = node.run(node.provider().read_digest(&node.collection(kind))).unwrap();
    digest.entries.iter().map(|(endpoint, entry)| (endpoint.clone(), entry.tick.value())).collect()
}

fn element(node: &Node, kind: &str, document: &Document) -> Element {
    node.collection(kind).element(document.payload.as_deref().unwrap()).unwrap()
}

/// Keys are each application's own.
fn without_keys(element: &mut Element) {
    element.remove_attribute(SDATA, "key");
    for child in &mut element.content {
        if let Content::Element(child) = child {
            without_keys(child);
        }
    }
}
