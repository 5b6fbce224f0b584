//! W1 with changes that were made here: the first `$syncSource` numbers and links them before it sends them (sync 1.2, 4.3).

use crate::Bench;
use crate::bulk::{ENTRIES, per_second};
use crate::consumer::Consumer;
use crate::databases::Database;
use crate::feed::{Node, PAGE, batch, digest_entry};
use crate::provider::Meter;
use crate::report::Measured;
use crate::resources::Kind;

/// Creates by `$batch` (core 13), then the first and the second reading of all of them.
pub fn measure(bench: &mut Bench, database: Database) {
    let size = bench.arguments.size;
    let provider = bench.provider(database, "crm");
    let bare = bench.bare(database);
    let written = per_second(size, bench.block_on(bare.fill(size, 0)).as_secs_f64());
    let read = per_second(size, bench.block_on(bare.read(1..size + 1, PAGE)).1.as_secs_f64());
    let mut consumer = Consumer::new(&provider, Kind::Accounts.plural());
    let measured =
        |what: &str, usage, baseline| Measured::rate("W1", (what, database), (ENTRIES, size), usage, baseline);

    let batches: Vec<_> = (0..size).step_by(PAGE as usize).map(|first| batch(first..first + PAGE)).collect();
    let meter = Meter::start(&[&provider]);
    for batch in &batches {
        let context = consumer.submit("$batch", "", batch);
        consumer.wait(&context);
        assert_eq!(consumer.connection.successes(), PAGE, "creates failed");
        consumer.delete(&context);
    }
    bench.add(measured(&format!("$batch, {size} creates in batches of {PAGE}"), meter.stop(), written));
    for which in ["first", "second"] {
        let digest = digest_entry(&Node(9).endpoint(Kind::Accounts), &[]);
        let meter = Meter::start(&[&provider]);
        assert_eq!(consumer.read_changes(&digest, PAGE), size, "changes are missing");
        let what = format!("source, {size} own changes in pages of {PAGE}, {which} time");
        bench.add(measured(&what, meter.stop(), read));
    }
}
