//! Passes between nodes, page by page, so that others can go on between two pages.

use crate::node::Node;
use bytes::Bytes;
use sdata_sync::jobs::ContextState;
use sdata_sync::protocol::paging::PageRequest;
use sdata_sync::provider::audit::Origin;
use sdata_sync::provider::source::{SourceContext, SourceRequest, source_head};
use sdata_sync::store::{Operation, Position};
use sdata_sync::wire::ReadLimits;
use sdata_sync::wire::{Entry, FeedReader, FeedWriter, Link};
use std::time::Duration;
use uuid::Uuid;

/// A source feed that is being carried to a target.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) kind: &'static str,
    id: String,
    context: SourceContext,
    start_index: u64,
    count: u64,
    after: Option<Position>,
    /// Entries carried so far.
    pub(crate) entries: u64,
}

fn origin() -> Origin {
    Origin { tracking_id: Some(Uuid::new_v4().to_string()), ..Origin::default() }
}

/// Asks `source` for what `target` lacks.
pub(crate) fn begin(nodes: &[Node], source: usize, target: usize, kind: &'static str, count: u64) -> Feed {
    let (from, to) = (&nodes[source], &nodes[target]);
    let target_digest = to.run(to.provider().read_digest(&to.collection(kind))).unwrap();
    let collection = from.collection(kind);
    let origin = origin();
    let request = SourceRequest { target_digest, count: None };
    from.run(from.jobs().submit_source(&collection, &request, &origin)).unwrap();
    let id = origin.tracking_id.unwrap();
    let context = from.run(from.jobs().finished_context(&collection, Operation::SyncSource, &id)).unwrap();
    let ContextState::Source(context) = context.state else { panic!("{:?}", context.state) };
    Feed { source, target, kind, id, context: *context, start_index: 1, count, after: None, entries: 0 }
}

/// A page on its way: its bytes, and whether it is the last.
struct Carried {
    body: Bytes,
    entries: u64,
    next: Option<Position>,
}

impl Feed {
    fn read(&self, nodes: &[Node]) -> Carried {
        let from = &nodes[self.source];
        let collection = from.collection(self.kind);
        let page = PageRequest { start_index: self.start_index, count: self.count };
        let read = from.run(from.provider().source_page(&collection, &self.context, page, self.after)).unwrap();
        let url = collection.context_url("$syncSource", &self.id);
        let links = read.next.iter().map(|_| Link::feed("next", &format!("{url}?more"), "Next page")).collect();
        let entries = read.changes.len() as u64;
        let next = read.next;
        let mut feed = FeedWriter::begin(&source_head(&collection, &self.context, &url, links, page)).unwrap();
        read.into_entries(&collection).for_each(|entry| feed.entry(&entry).unwrap());
        Carried { body: feed.finish().unwrap(), entries, next }
    }

    /// Submits the next page to the target and lets it work no longer than `longest`; answers the trackingID and what follows.
    fn submit(&self, nodes: &[Node]) -> (String, Carried) {
        let to = &nodes[self.target];
        let carried = self.read(nodes);
        let origin = origin();
        let stream = futures_util::stream::iter([Ok(carried.body.clone())]);
        to.run(to.jobs().submit_target(&to.collection(self.kind), Box::pin(stream), &origin)).unwrap();
        (origin.tracking_id.unwrap(), carried)
    }

    /// Carries one page; true when it was the last.
    pub(crate) fn carry(&mut self, nodes: &[Node]) -> bool {
        let (id, carried) = self.submit(nodes);
        self.finish(nodes, &id, &carried)
    }

    /// Carries one page while the target is killed at a random moment; true when it was the last.
    pub(crate) fn carry_through_a_crash(&mut self, nodes: &mut [Node], after: Duration) -> bool {
        let (id, carried) = self.submit(nodes);
        let to = &nodes[self.target];
        let collection = to.collection(self.kind);
        to.run_for(after, to.jobs().finished_context(&collection, Operation::SyncTarget, &id));
        nodes[self.target].crash();
        self.finish(nodes, &id, &carried)
    }

    /// Submits one page and leaves it alone: killed with its target, or its context deleted while it may be running.
    pub(crate) fn abandon(self, nodes: &mut [Node], after: Duration, killed: bool) {
        let (id, _) = self.submit(nodes);
        let to = &nodes[self.target];
        let collection = to.collection(self.kind);
        to.run_for(after, to.jobs().finished_context(&collection, Operation::SyncTarget, &id));
        if killed {
            nodes[self.target].crash();
        } else {
            to.run(to.jobs().delete_context(&collection, Operation::SyncTarget, &id, &Origin::default())).unwrap();
        }
    }

    fn finish(&mut self, nodes: &[Node], id: &str, carried: &Carried) -> bool {
        let to = &nodes[self.target];
        let collection = to.collection(self.kind);
        let context = to.run(to.jobs().finished_context(&collection, Operation::SyncTarget, id)).unwrap();
        let ContextState::Target(outcome) = context.state else { panic!("{:?}", context.state) };
        assert_eq!(outcome.entries, carried.entries);
        let results = to.run(to.provider().result_entries(&collection, context.key, 0, carried.entries + 1)).unwrap();
        let (given, sent) = (results.iter().map(uuid_of_result), entries(&carried.body));
        assert_eq!(given.len(), sent.len(), "one result per entry");
        for (given, sent) in given.zip(&sent) {
            // In order; under the UUID that the resource has here by now.
            let is_here = || to.run(to.provider().store.by_uuids(collection.id, &named(sent))).unwrap();
            let is_it = given == sent.uuid().and_then(Result::ok)
                || is_here().values().any(|document| document.resource.uuid == given);
            assert!(is_it, "{given:?} answers {sent:?}");
        }
        to.run(to.jobs().delete_context(&collection, Operation::SyncTarget, id, &Origin::default())).unwrap();
        self.start_index += carried.entries;
        self.entries += carried.entries;
        self.after = carried.next;
        if self.after.is_none() {
            let from = &nodes[self.source];
            let collection = from.collection(self.kind);
            let nobody = Origin::default();
            from.run(from.jobs().delete_context(&collection, Operation::SyncSource, &self.id, &nobody)).unwrap();
        }
        self.after.is_none()
    }
}

fn uuid_of_result(entry: &sdata_sync::wire::EntryOut) -> Option<Uuid> {
    match &entry.payload {
        Some(sdata_sync::wire::PayloadOut::Resource(resource)) => resource.uuid,
        _ => None,
    }
}

fn entries(page: &[u8]) -> Vec<Entry> {
    let mut reader = FeedReader::new(page, ReadLimits::default()).unwrap();
    std::iter::from_fn(|| reader.next_entry().unwrap()).collect()
}

/// All UUIDs by which the sender of an entry knows its resource.
fn named(entry: &Entry) -> Vec<Uuid> {
    let former = entry.resource().unwrap().former_uuids();
    entry.uuid().and_then(Result::ok).into_iter().chain(former).collect()
}

/// A whole pass; answers how many entries it carried.
pub(crate) fn pass(nodes: &[Node], source: usize, target: usize, kind: &'static str, count: u64) -> u64 {
    let mut feed = begin(nodes, source, target, kind, count);
    while !feed.carry(nodes) {}
    feed.entries
}

/// A pass in each direction.
pub(crate) fn both_ways(nodes: &[Node], one: usize, other: usize, kind: &'static str) {
    pass(nodes, one, other, kind, 100);
    pass(nodes, other, one, kind, 100);
}
