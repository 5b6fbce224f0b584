//! W2 and W1: everything comes, everything is changed, everything is read.

use crate::baseline::Bare;
use crate::consumer::{Consumer, Results};
use crate::databases::Database;
use crate::feed::{Change, Feed, Node, PAGE, digest_entry};
use crate::provider::{Meter, Provider, Usage};
use crate::report::{Measured, Unit};
use crate::resources::Kind;
use crate::{Bench, Workload};

/// Changes whose pages are prepared at once while the clock stands still.
const PREPARED: u64 = 100_000;
/// One update in so many meets a version that its source does not know.
const UPDATES_PER_CONFLICT: u64 = 10;
/// What entries a second are called.
pub const ENTRIES: Unit = Unit::PerSecond("entries/s");

/// Creates, updates, reads of all in small and large pages, and updates with conflicts and references.
pub fn measure(bench: &mut Bench, database: Database) {
    let size = bench.arguments.size;
    let provider = bench.provider(database, "crm");
    let bare = bench.bare(database);
    let target = Target { provider: &provider, kind: Kind::Accounts, size };
    let (created, updated) = (target.create(), target.update());
    let bare_created = per_second(size, bench.block_on(bare.fill(size, 0)).as_secs_f64());
    let bare_updated = per_second(size, bench.block_on(bare.fill(size, 1)).as_secs_f64());
    if bench.wants(Workload::W2) {
        let figure = |what: &str, usage, baseline| written(database, (what, size), usage, baseline);
        bench.add(figure("create", created, bare_created));
        bench.add(figure("update", updated, bare_updated));
    }
    if bench.wants(Workload::W1) {
        for page in [100, PAGE] {
            let measured = read_all(bench, &provider, &bare, (database, size), page);
            bench.add(measured);
        }
    }
    if bench.wants(Workload::W2) {
        let (usage, conflicts) = Target { kind: Kind::Contacts, ..target }.update_with_conflicts();
        let measured = written(database, ("update, 10 % conflicts, 10 % references", size), usage, bare_updated);
        bench.add(Measured { note: format!("{conflicts} conflicts lost by the source"), ..measured });
    }
}

fn written(database: Database, (what, size): (&str, u64), usage: Usage, bare: f64) -> Measured {
    let what = format!("{what}, {size} in batches of {PAGE}");
    Measured::rate("W2", (&what, database), (ENTRIES, size), usage, bare)
}

/// W1: what a target that has nothing asks for.
fn read_all(bench: &Bench, provider: &Provider, bare: &Bare, (database, size): (Database, u64), page: u64) -> Measured {
    let mut consumer = Consumer::new(provider, Kind::Accounts.plural());
    let digest = digest_entry(&Node(9).endpoint(Kind::Accounts), &[]);
    let meter = Meter::start(&[provider]);
    let entries = consumer.read_changes(&digest, page);
    let usage = meter.stop();
    assert_eq!(entries, size, "changes are missing");
    // The ticks of the second version.
    let (rows, bare) = bench.block_on(bare.read(size + 1..2 * size + 1, page));
    assert_eq!(rows, size);
    let what = format!("source, {size} in pages of {page}");
    Measured::rate("W1", (&what, database), (ENTRIES, size), usage, per_second(size, bare.as_secs_f64()))
}

/// A collection that is filled and changed by sources elsewhere.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// Whose collection it is.
    pub provider: &'a Provider,
    /// Its kind.
    pub kind: Kind,
    /// Its resources.
    pub size: u64,
}

impl Target<'_> {
    /// Every resource is new.
    pub fn create(&self) -> Usage {
        let feed = Feed { kind: self.kind, node: Node(1), end_tick: self.size + 1, changes: self.size };
        let (usage, results) =
            self.apply(feed, |place| Change { number: place, version: 0, tick: place + 1, seconds: place as i64 });
        assert_eq!(results.successes, self.size, "creates failed");
        usage
    }

    /// Every resource gets its second version from the same source.
    pub fn update(&self) -> Usage {
        let (usage, results) = self.apply(self.second_version(), self.second_versions());
        assert_eq!(results.successes, self.size, "updates failed");
        usage
    }

    /// The same, but another source has changed one resource in ten meanwhile; each side wins half of these. Answers how
    /// many the source lost.
    fn update_with_conflicts(&self) -> (Usage, u64) {
        self.create();
        let conflicts = self.size / UPDATES_PER_CONFLICT;
        let meanwhile = Feed { kind: self.kind, node: Node(2), end_tick: conflicts + 1, changes: conflicts };
        let (updates, later) = (self.second_versions(), 3 * self.size as i64);
        let (_, results) = self.apply(meanwhile, |place| {
            let number = place * UPDATES_PER_CONFLICT;
            let seconds = if place % 2 == 0 { later } else { updates(number).seconds - 1 };
            Change { number, version: 2, tick: place + 1, seconds }
        });
        // It does not know of the creates, so each of these is a conflict of its own, won by the later stamp.
        assert_eq!(results.entries, conflicts);
        let (usage, results) = self.apply(self.second_version(), updates);
        (usage, self.size - results.successes)
    }

    fn second_version(&self) -> Feed {
        Feed { kind: self.kind, node: Node(1), end_tick: 2 * self.size + 1, changes: self.size }
    }

    fn second_versions(&self) -> impl Fn(u64) -> Change + use<> {
        let size = self.size;
        move |place| Change { number: place, version: 1, tick: size + place + 1, seconds: (size + place) as i64 }
    }

    /// Has a feed applied, page by page; only then the clock runs.
    pub fn apply(&self, feed: Feed, change: impl Fn(u64) -> Change) -> (Usage, Results) {
        let mut consumer = Consumer::new(self.provider, self.kind.plural());
        let (mut usage, mut results) = (Usage::default(), Results::default());
        for start in (0..feed.changes).step_by(PREPARED as usize) {
            let pages = feed.pages(start..(start + PREPARED).min(feed.changes), &change);
            let meter = Meter::start(&[self.provider]);
            let applied = consumer.apply(&pages);
            usage = usage.and(meter.stop());
            results.entries += applied.entries;
            results.successes += applied.successes;
        }
        assert_eq!(results.entries, feed.changes, "results are missing");
        (usage, results)
    }
}

/// A rate.
pub fn per_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds.max(1e-9)
}
