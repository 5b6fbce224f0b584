//! W4: 1,000 changes among many resources, and whatever else must not cost more because there are many.

use crate::Bench;
use crate::baseline::{Bare, Row};
use crate::bulk::{ENTRIES, Target, per_second};
use crate::consumer::Consumer;
use crate::databases::Database;
use crate::feed::{Change, Feed, Node, PAGE, digest_entry};
use crate::provider::{Meter, Provider, Usage};
use crate::report::{Measured, Unit, median};
use crate::resources::Kind;
use std::time::{Duration, Instant};

/// Changes among all of them.
const CHANGES: u64 = PAGE;
/// How often changes are made and read in a collection that was filled once.
const REPEATED: u64 = 3;
/// Single requests that a latency is the median of …
const REQUESTS: u64 = 200;
/// … or as many as this time allows.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fills a collection from nothing, then measures what should not depend on its size.
pub fn measure(bench: &mut Bench, database: Database, among: u64) {
    let provider = bench.provider(database, "crm");
    let target = Target { provider: &provider, kind: Kind::Accounts, size: among };
    let filled = target.create();
    let bare = bench.bare(database);
    let bare_filled = per_second(among, bench.block_on(bare.fill(among, 0)).as_secs_f64());
    let collection = Collection { provider: &provider, bare: &bare, database, among };
    let from_nothing = ("from nothing", ENTRIES, per_second(among, filled.elapsed.as_secs_f64()));
    bench.add(collection.measured(from_nothing, Some(bare_filled), filled));
    for round in 0..REPEATED {
        let written = collection.write_changes(bench, &target, round);
        bench.add(written);
        let read = collection.read_changes(bench, round);
        bench.add(read);
    }
    for measured in collection.requests(bench) {
        bench.add(measured);
    }
}

/// A collection beside the bare table with the same resources.
struct Collection<'a> {
    provider: &'a Provider,
    bare: &'a Bare,
    database: Database,
    among: u64,
}

impl Collection<'_> {
    /// As target: a page of changes that lie all over the collection.
    fn write_changes(&self, bench: &Bench, target: &Target<'_>, round: u64) -> Measured {
        let (first_tick, step) = (self.first_tick(round), self.among / CHANGES);
        let number = |place: u64| place * step + round % step;
        let feed = Feed { kind: Kind::Accounts, node: Node(1), end_tick: first_tick + CHANGES, changes: CHANGES };
        let (usage, results) = target.apply(feed, |place| {
            let tick = first_tick + place;
            Change { number: number(place), version: round + 1, tick, seconds: tick as i64 }
        });
        assert_eq!(results.successes, CHANGES);
        let rows: Vec<Row> = (0..CHANGES).map(|place| Row::new(number(place), round + 1, first_tick + place)).collect();
        let began = Instant::now();
        bench.block_on(self.bare.upsert(&rows));
        let bare = per_second(CHANGES, began.elapsed().as_secs_f64());
        let value = per_second(CHANGES, usage.elapsed.as_secs_f64());
        self.measured(("1,000 changes, target", ENTRIES, value), Some(bare), usage)
    }

    /// As source: context and pages for a target that lacks only these changes.
    fn read_changes(&self, bench: &Bench, round: u64) -> Measured {
        let first_tick = self.first_tick(round);
        let mut consumer = Consumer::new(self.provider, Kind::Accounts.plural());
        let known = Node(1).endpoint(Kind::Accounts);
        let digest = digest_entry(&Node(9).endpoint(Kind::Accounts), &[(&known, first_tick)]);
        let meter = Meter::start(&[self.provider]);
        let entries = consumer.read_changes(&digest, PAGE);
        let usage = meter.stop();
        assert_eq!(entries, CHANGES);
        let (rows, bare) = bench.block_on(self.bare.read(first_tick..first_tick + CHANGES, PAGE));
        assert_eq!(rows, CHANGES);
        let value = per_second(CHANGES, usage.elapsed.as_secs_f64());
        self.measured(("1,000 changes, source", ENTRIES, value), Some(per_second(CHANGES, bare.as_secs_f64())), usage)
    }

    /// Latencies: a digest, a single resource, pages in the middle.
    fn requests(&self, bench: &Bench) -> Vec<Measured> {
        let look_up_millis = 1000.0 / bench.block_on(self.bare.look_ups(1, 1.0, self.among));
        let mut consumer = Consumer::new(self.provider, Kind::Accounts.plural());
        let middle = format!("?count=100&startIndex={}", self.among / 2);
        consumer.get(&middle);
        let (key, next) = (consumer.connection.keys().remove(0), consumer.connection.next().unwrap());
        let next = next.strip_prefix(&consumer.kind).unwrap().to_owned();
        let (mut low, half) = (0, self.among / 2);
        let bare_page = median_millis(|| {
            low = (low + 100) % (self.among / 4);
            bench.block_on(self.bare.read(half + low..half + low + 100, 100));
        });
        let requests = [
            ("digest", "/$syncDigest".to_owned(), look_up_millis),
            ("single resource", format!("('{key}')"), look_up_millis),
            ("page of 100 in the middle, by next", next, bare_page),
            ("page of 100 in the middle, by startIndex", middle, bare_page),
        ];
        let measured = requests.map(|(what, below, bare)| {
            let meter = Meter::start(&[self.provider]);
            let value = median_millis(|| consumer.get(&below));
            self.measured((what, Unit::Millis, value), Some(bare), meter.stop())
        });
        measured.into()
    }

    /// The tick of a round's first change: those of the resources, then those of the rounds before.
    fn first_tick(&self, round: u64) -> u64 {
        self.among + 1 + round * CHANGES
    }

    fn measured(&self, (what, unit, value): (&str, Unit, f64), baseline: Option<f64>, usage: Usage) -> Measured {
        let what = format!("{what}, among {}", self.among);
        Measured { workload: "W4", what, database: self.database, unit, value, baseline, usage, note: String::new() }
    }
}

/// What a request takes, again and again.
fn median_millis(mut request: impl FnMut()) -> f64 {
    let (mut millis, began) = (Vec::new(), Instant::now());
    while (millis.len() as u64) < REQUESTS && began.elapsed() < PATIENCE {
        let asked = Instant::now();
        request();
        millis.push(asked.elapsed().as_secs_f64() * 1000.0);
    }
    median(&millis)
}
