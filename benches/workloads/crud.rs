//! Single writes and reads at a steady pace: alone, and while a pass is applied at full speed.

use crate::Bench;
use crate::baseline::{Bare, Row};
use crate::bulk::{Target, per_second};
use crate::consumer::Consumer;
use crate::databases::Database;
use crate::feed::{Change, Feed, Node, PAGE, single};
use crate::provider::{Meter, Provider, Usage};
use crate::report::{Measured, Unit, percentile};
use crate::resources::Kind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Resources that are there before.
const RESOURCES: u64 = 10 * PAGE;
/// Between the starts of two writes, and of two reads.
const PACE: Duration = Duration::from_millis(10);
/// Numbers of resources that single writes create: no pass has them.
const FIRST_CREATED: u64 = 50_000_000;

/// Latencies without and under a pass that creates resources in the same collection.
pub fn measure(bench: &mut Bench, database: Database) {
    let provider = bench.provider(database, "crm");
    Target { provider: &provider, kind: Kind::Accounts, size: RESOURCES }.create();
    let bare = bench.bare(database);
    bench.block_on(bare.fill(RESOURCES, 0));
    let seconds = bench.arguments.seconds;
    let bare = bare_latencies(bench, &bare, seconds);
    let clients = Clients::new(&provider);

    let meter = Meter::start(&[&provider]);
    let alone = clients.work(0, || std::thread::sleep(Duration::from_secs_f64(seconds)));
    report(bench, database, ("alone", &alone), &bare, meter.stop(), "");

    let size = bench.arguments.size;
    let pages = pages_of_others(size);
    let mut consumer = Consumer::new(&provider, Kind::Accounts.plural());
    let mut usage = Usage::default();
    let latencies = clients.work(1, || {
        let meter = Meter::start(&[&provider]);
        assert_eq!(consumer.apply(&pages).successes, size);
        usage = meter.stop();
    });
    let note = format!("; the pass: {:.0} entries/s", per_second(size, usage.elapsed.as_secs_f64()));
    report(bench, database, ("under a pass", &latencies), &bare, usage, &note);
}

/// The pages of a pass that is about none of the resources that are there.
fn pages_of_others(size: u64) -> Vec<Vec<u8>> {
    let end_tick = RESOURCES + size + 1;
    let feed = Feed { kind: Kind::Accounts, node: Node(1), end_tick, changes: size };
    feed.pages(0..size, |place| {
        let number = RESOURCES + place;
        Change { number, version: 0, tick: number + 1, seconds: number as i64 }
    })
}

/// Milliseconds of each write and each read.
struct Latencies {
    writes: Vec<f64>,
    reads: Vec<f64>,
}

fn report(
    bench: &mut Bench,
    database: Database,
    (when, latencies): (&str, &Latencies),
    bare: &Latencies,
    usage: Usage,
    note: &str,
) {
    let kinds = [("writes", &latencies.writes, &bare.writes), ("reads", &latencies.reads, &bare.reads)];
    for (kind, values, bare) in kinds {
        for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
            bench.add(Measured {
                workload: "CRUD",
                what: format!("{kind} {when}, {name}"),
                database,
                unit: Unit::Millis,
                value: percentile(values, part),
                baseline: Some(percentile(bare, part)),
                usage,
                note: format!("{:.0} {kind}/s{note}", per_second(values.len() as u64, usage.elapsed.as_secs_f64())),
            });
        }
    }
}

/// A row upserted in its own commit, and a row read, at the same pace.
fn bare_latencies(bench: &Bench, bare: &Bare, seconds: f64) -> Latencies {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let until = || Instant::now() < end;
    let writes = paced(until, |turn| {
        let row = [Row::new(turn % RESOURCES, 1, FIRST_CREATED + turn)];
        bench.block_on(bare.upsert(&row));
    });
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let reads = paced(|| Instant::now() < end, |turn| bench.block_on(bare.read_one(1 + RESOURCES / 2 + turn)));
    Latencies { writes, reads }
}

/// A client that writes and one that reads.
struct Clients<'a> {
    provider: &'a Provider,
    keys: Vec<String>,
}

impl<'a> Clients<'a> {
    fn new(provider: &'a Provider) -> Self {
        let mut consumer = Consumer::new(provider, Kind::Accounts.plural());
        consumer.get(&format!("?count={PAGE}"));
        Self { provider, keys: consumer.connection.keys() }
    }

    /// Writes and reads from before `meanwhile` until after it. What one `round` creates, no other does.
    fn work(&self, round: u64, meanwhile: impl FnOnce()) -> Latencies {
        let is_over = AtomicBool::new(false);
        let goes_on = || !is_over.load(Ordering::Relaxed);
        std::thread::scope(|scope| {
            let writes = scope.spawn(|| self.write(round, goes_on));
            let reads = scope.spawn(|| self.read(goes_on));
            meanwhile();
            is_over.store(true, Ordering::Relaxed);
            Latencies { writes: writes.join().unwrap(), reads: reads.join().unwrap() }
        })
    }

    /// By turns a new resource and a change of one that is there.
    fn write(&self, round: u64, goes_on: impl Fn() -> bool) -> Vec<f64> {
        let mut consumer = Consumer::new(self.provider, Kind::Accounts.plural());
        let kind = consumer.kind.clone();
        paced(goes_on, |turn| {
            let number = FIRST_CREATED + round * PAGE * PAGE + turn;
            if turn % 2 == 0 {
                consumer.connection.expect(201, "POST", &kind, &single(number, 0));
            } else {
                let key = &self.keys[turn as usize % self.keys.len()];
                consumer.connection.expect(200, "PUT", &format!("{kind}('{key}')"), &single(number, 0));
            }
        })
    }

    fn read(&self, goes_on: impl Fn() -> bool) -> Vec<f64> {
        let mut consumer = Consumer::new(self.provider, Kind::Accounts.plural());
        paced(goes_on, |turn| consumer.get(&format!("('{}')", self.keys[turn as usize % self.keys.len()])))
    }
}

/// Works once every [`PACE`] as long as `goes_on`; answers the milliseconds of each piece of work. Turns that are missed
/// because one took too long are not made up for: a queue of the client's own would be measured, not the server's.
fn paced(goes_on: impl Fn() -> bool, mut work: impl FnMut(u64)) -> Vec<f64> {
    let mut latencies = Vec::new();
    let mut due = Instant::now();
    while goes_on() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let began = Instant::now();
        work(latencies.len() as u64);
        latencies.push(began.elapsed().as_secs_f64() * 1000.0);
        due = (due + PACE).max(Instant::now());
    }
    latencies
}
