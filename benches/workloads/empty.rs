//! W3: nothing changed.

use crate::Bench;
use crate::bulk::{Target, per_second};
use crate::consumer::Consumer;
use crate::databases::Database;
use crate::feed::PAGE;
use crate::provider::{Meter, Provider, Usage};
use crate::report::{Measured, Unit};
use crate::resources::Kind;
use std::time::{Duration, Instant};

/// Resources of the collection in which nothing changes.
const RESOURCES: u64 = 10 * PAGE;

/// Whole empty passes by one and by eight clients, then digests alone.
pub fn measure(bench: &mut Bench, database: Database) {
    let provider = bench.provider(database, "crm");
    Target { provider: &provider, kind: Kind::Accounts, size: RESOURCES }.create();
    let bare = bench.bare(database);
    bench.block_on(bare.fill(RESOURCES, 0));
    let seconds = bench.arguments.seconds;
    for clients in [1, 8] {
        let look_ups = bench.block_on(bare.look_ups(clients, seconds, RESOURCES));
        let passes = Repeated::by(clients, seconds, &provider, Consumer::empty_pass);
        let note = format!("{:.1} polls a pass", passes.polls as f64 / passes.count as f64);
        let what = format!("empty passes, {clients} at once");
        bench.add(Measured { note, ..passes.measured(what, database, "passes/s", look_ups) });
        if clients > 1 {
            let digests = Repeated::by(clients, seconds, &provider, |consumer| consumer.get("/$syncDigest"));
            let what = format!("digest GETs, {clients} at once");
            bench.add(digests.measured(what, database, "requests/s", look_ups));
        }
    }
}

/// Something done again and again by clients side by side.
struct Repeated {
    count: u64,
    polls: u64,
    usage: Usage,
}

impl Repeated {
    fn by(clients: usize, seconds: f64, provider: &Provider, work: impl Fn(&mut Consumer) + Sync) -> Self {
        let meter = Meter::start(&[provider]);
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let client = || {
            let mut consumer = Consumer::new(provider, Kind::Accounts.plural());
            let mut count = 0;
            while Instant::now() < end {
                work(&mut consumer);
                count += 1;
            }
            (count, consumer.polls)
        };
        let counts: Vec<(u64, u64)> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        let usage = meter.stop();
        Self { count: counts.iter().map(|one| one.0).sum(), polls: counts.iter().map(|one| one.1).sum(), usage }
    }

    fn measured(&self, what: String, database: Database, unit: &'static str, baseline: f64) -> Measured {
        Measured {
            workload: "W3",
            what,
            database,
            unit: Unit::PerSecond(unit),
            value: per_second(self.count, self.usage.elapsed.as_secs_f64()),
            baseline: Some(baseline),
            usage: self.usage,
            note: String::new(),
        }
    }
}
