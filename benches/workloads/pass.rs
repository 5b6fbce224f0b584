//! `sdata-sync pass` between two providers: from nothing, and killed in the middle and started again.

use crate::Bench;
use crate::bulk::{ENTRIES, Target, per_second};
use crate::consumer::Consumer;
use crate::databases::Database;
use crate::feed::PAGE;
use crate::provider::{Meter, Provider};
use crate::report::{Measured, Unit};
use crate::resources::Kind;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Pages that may be under way when an engine is killed.
const UNDER_WAY: u64 = 4 * PAGE;

/// One source, two targets: one for the whole pass, one for the pass that is killed.
pub fn measure(bench: &mut Bench, database: Database) {
    let size = bench.arguments.size;
    let source = bench.provider(database, "crm");
    Target { provider: &source, kind: Kind::Accounts, size }.create();
    let bare = bench.bare(database);
    let written = bench.block_on(bare.fill(size, 0));
    let (_, read) = bench.block_on(bare.read(1..size + 1, PAGE));
    let bare = per_second(size, (read + written).as_secs_f64());

    let target = bench.provider(database, "erp");
    let meter = Meter::start(&[&source, &target]);
    let entries = Engine::start(&source, &target).finish();
    let usage = meter.stop();
    assert_eq!(entries, size);
    bench.add(Measured {
        workload: "pass",
        what: format!("{size} resources between two providers"),
        database,
        unit: ENTRIES,
        value: per_second(size, usage.elapsed.as_secs_f64()),
        baseline: Some(bare),
        usage,
        note: format!("{:.1} s", usage.elapsed.as_secs_f64()),
    });
    drop(target);
    let resumed = resume(bench, &source, database);
    bench.add(resumed);
}

/// Kills the engine in the middle: a second pass must carry what is missing and no more.
fn resume(bench: &Bench, source: &Provider, database: Database) -> Measured {
    let size = bench.arguments.size;
    let target = bench.provider(database, "erp");
    let mut reader = Consumer::new(&target, Kind::Accounts.plural());
    let mut present = || {
        reader.get("?count=0");
        reader.connection.total()
    };
    let engine = Engine::start(source, &target);
    while present() < size / 2 {
        std::thread::sleep(Duration::from_millis(20));
    }
    engine.kill();
    let killed_at = present();
    let meter = Meter::start(&[source, &target]);
    let entries = Engine::start(source, &target).finish();
    let usage = meter.stop();
    assert_eq!(present(), size, "resources are missing");
    let verdict = if entries <= size - killed_at + UNDER_WAY { "did not start over" } else { "STARTED OVER" };
    Measured {
        workload: "pass",
        what: format!("{size} resources, killed in the middle: sent by the second pass"),
        database,
        unit: Unit::Count("entries"),
        value: entries as f64,
        baseline: None,
        usage,
        note: format!(
            "{killed_at} were there when the first was killed: {verdict}; {:.1} s",
            usage.elapsed.as_secs_f64()
        ),
    }
}

/// An engine's process.
struct Engine(Child);

impl Engine {
    fn start(source: &Provider, target: &Provider) -> Self {
        let kind = Kind::Accounts.plural();
        let (source, target) = (source.app.kind(kind), target.app.kind(kind));
        let mut command = Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
        command.args(["pass", "--json", "--count", "1000", "--source", &source, "--target", &target]);
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Waits for its end; answers how many entries it carried.
    fn finish(mut self) -> u64 {
        let report: serde_json::Value = serde_json::from_reader(self.0.stdout.take().unwrap()).unwrap();
        let ended = self.0.wait().unwrap();
        assert!(ended.success(), "the pass failed: {report}");
        report["passes"][0]["entries"].as_u64().unwrap()
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It has ended already unless a measurement failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
