//! How fast a target decides on entries, and a source finds out what is missing.
#![allow(missing_docs, reason = "the benchmark's entry point is made by a macro")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sdata_sync::protocol::selection::missing_ranges;
use sdata_sync::protocol::{Digest, DigestEntry, Endpoint, Priority, Stamp, SyncState, Tick, Verdict, verdict};
use std::collections::BTreeMap;
use std::hint::black_box;

/// Endpoints that a digest knows.
const NODES: u64 = 20;
/// Entries of a page.
const ENTRIES: u64 = 1000;

fn node(number: u64) -> Option<Endpoint> {
    Endpoint::parse(&format!("http://n{number}.example.com/sdata/crm/sample/-/accounts")).ok()
}

/// The digest of a node that knows each other one up to a tick of its own.
fn digest(tick: impl Fn(u64) -> u64) -> Option<Digest> {
    let entry = |number| {
        let tick = Tick::new(tick(number))?;
        Some((node(number)?, DigestEntry { tick, stamp: Stamp::EPOCH, conflict_priority: Priority::LOWEST }))
    };
    Some(Digest { origin: node(0), entries: (0..NODES).map(entry).collect::<Option<BTreeMap<_, _>>>()? })
}

fn states(first_tick: u64, first_node: u64) -> Option<Vec<SyncState>> {
    let state = |number: u64| {
        let stamp = Stamp::from_millis(1_760_000_000_000 + i64::try_from(number).ok()?);
        let (endpoint, tick) = (node((first_node + number) % NODES)?, Tick::new(first_tick + number)?);
        Some(SyncState { endpoint, tick, stamp, user: None })
    };
    (0..ENTRIES).map(state).collect()
}

fn rules(criterion: &mut Criterion) {
    let digests = (digest(|node| 5_000 + node), digest(|node| 5_000 - node), digest(|_| 500));
    let (Some(source), Some(target), Some(behind)) = digests else { return };
    let (Some(incoming), Some(stored)) = (states(4_600, 0), states(4_500, 1)) else { return };
    let mut page = criterion.benchmark_group("1,000 entries");
    page.throughput(Throughput::Elements(ENTRIES));
    page.bench_function("verdicts, the source knows what is stored", |bench| {
        bench.iter(|| verdicts(black_box(&incoming), &source, black_box(&stored), &behind));
    });
    page.bench_function("verdicts, conflicts", |bench| {
        bench.iter(|| verdicts(black_box(&incoming), &behind, black_box(&stored), &behind));
    });
    page.bench_function("contained in a digest", |bench| {
        bench.iter(|| incoming.iter().filter(|state| target.contains(black_box(state))).count());
    });
    page.finish();
    let mut digests = criterion.benchmark_group("20 endpoints");
    digests.bench_function("missing ranges", |bench| bench.iter(|| missing_ranges(black_box(&source), &target)));
    digests.finish();
}

/// Decides on every entry; answers how many are to be applied.
fn verdicts(incoming: &[SyncState], source: &Digest, stored: &[SyncState], target: &Digest) -> usize {
    let decide = |(incoming, stored)| verdict(incoming, source, Some(stored), target);
    incoming.iter().zip(stored).map(decide).filter(|verdict| *verdict == Verdict::Apply).count()
}

criterion_group!(benches, rules);
criterion_main!(benches);
