//! W3: nothing changed.

use crate::Bench;
use crate::bulk::Target;
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
        let before = bench.block_on(database.counters());
        let passes = Repeated::by(clients, seconds, &provider, Consumer::empty_pass);
        let after = bench.block_on(database.counters());
        let note = passes.note(&before, &after);
        let what = format!("empty passes, {clients} at once");
        bench.add(Measured { note, ..passes.measured(&what, database, "passes/s", look_ups) });
        if clients > 1 {
            let digests = Repeated::by(clients, seconds, &provider, |consumer| consumer.get("/$syncDigest"));
            let what = format!("digest GETs, {clients} at once");
            bench.add(digests.measured(&what, database, "requests/s", look_ups));
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

    /// What a single pass comes to: polls, and what the server counted.
    fn note(&self, before: &[(String, f64)], after: &[(String, f64)]) -> String {
        let each = |count: f64| count / self.count.max(1) as f64;
        let counted = before.iter().zip(after).map(|((name, before), (_, after))| (name.as_str(), after - before));
        let all = std::iter::once(("polls", self.polls as f64)).chain(counted);
        all.map(|(name, count)| format!("{name} {:.1}", each(count))).collect::<Vec<_>>().join(", ")
    }

    fn measured(&self, what: &str, database: Database, unit: &'static str, baseline: f64) -> Measured {
        Measured::rate("W3", (what, database), (Unit::PerSecond(unit), self.count), self.usage, baseline)
    }
}
