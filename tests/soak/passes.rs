//! Passes: the engine as users start it, some of them killed in the middle.

use crate::Soak;
use crate::network::Node;
use rand::RngExt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// One of so many passes is killed.
const KILLED_ONE_IN: u32 = 12;
/// When it is killed, in milliseconds after its start.
const KILLED_AFTER_MILLIS: std::ops::Range<u64> = 50..3_000;
/// Between two passes of one engine, in milliseconds.
const PAUSE_MILLIS: std::ops::Range<u64> = 0..1_500;
/// Rounds of passes between all providers after which nothing may travel any more.
const ROUNDS: usize = 12;

/// How a pass ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Ok,
    /// Entries failed: an order may travel before what it refers to.
    Failures,
    Failed(String),
    Killed,
}

/// One run of the engine between two datasets, in both directions.
#[derive(Debug, Clone)]
pub(crate) struct PassMade {
    pub(crate) run_name: String,
    pub(crate) ended: Ended,
    /// A provider of it was not there all the time.
    pub(crate) disturbed: bool,
    pub(crate) duration: Duration,
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) said: Said,
}

/// How often the engine warned of something.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Said {
    /// A request was sent again.
    pub(crate) again: u64,
    /// A pass began again, because a provider had forgotten it.
    pub(crate) anew: u64,
    /// A context could not be deleted.
    pub(crate) left: u64,
}

/// All passes.
#[derive(Default)]
pub(crate) struct Passes {
    pub(crate) made: Mutex<Vec<PassMade>>,
    number: AtomicU64,
}

impl PassMade {
    /// Whether contexts of it may be left at the providers: nobody was there to delete them, or somebody said so.
    pub(crate) fn may_leave_contexts(&self) -> bool {
        self.ended == Ended::Killed || self.said.left > 0
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or_default()
    }
}

/// Makes passes between any two providers until the soak is over.
pub(crate) async fn run(soak: Arc<Soak>) {
    while !soak.is_over() {
        let nodes = &soak.network.nodes;
        let source = rand::rng().random_range(0..nodes.len());
        let target = (source + rand::rng().random_range(1..nodes.len())) % nodes.len();
        let is_killed = rand::rng().random_ratio(1, KILLED_ONE_IN);
        let killed_after = is_killed.then(|| Duration::from_millis(rand::rng().random_range(KILLED_AFTER_MILLIS)));
        pass(&soak, &nodes[source], &nodes[target], killed_after).await;
        let pause = rand::rng().random_range(PAUSE_MILLIS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// Makes passes between all providers until nothing is carried any more; how many rounds it took.
pub(crate) async fn settle(soak: &Soak) -> usize {
    let nodes = &soak.network.nodes;
    for round in 1..=ROUNDS {
        let mut carried = 0;
        for source in 0..nodes.len() {
            for target in source + 1..nodes.len() {
                let made = pass(soak, &nodes[source], &nodes[target], None).await;
                let log = match &made.ended {
                    Ended::Failed(reason) => format!("{reason}\n{}", nodes[target].log().await),
                    _ => String::new(),
                };
                assert!(matches!(made.ended, Ended::Ok | Ended::Failures), "{made:?}\n{log}");
                carried += made.count("entries");
            }
        }
        if carried == 0 {
            return round;
        }
    }
    panic!("after {ROUNDS} rounds changes still travel");
}

async fn pass(soak: &Soak, source: &Node, target: &Node, killed_after: Option<Duration>) -> PassMade {
    let begun = Instant::now();
    let number = soak.passes.number.fetch_add(1, Ordering::Relaxed);
    let run_name = format!("soak {number}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
    command.args(["pass", "--both", "--json", "--count", "50", "--run-name", &run_name]);
    command.args(["--source", &source.dataset, "--target", &target.dataset]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let made = command.output();
    let output = match killed_after {
        // Dropped, it is killed.
        Some(after) => tokio::time::timeout(after, made).await.ok(),
        None => Some(made.await),
    };
    let (ended, counts, said) = match output {
        None => (Ended::Killed, BTreeMap::new(), Said::default()),
        Some(output) => outcome(&output.unwrap()),
    };
    let disturbed = source.was_gone_since(begun) || target.was_gone_since(begun);
    let made = PassMade { run_name, ended, disturbed, duration: begun.elapsed(), counts, said };
    soak.passes.made.lock().unwrap().push(made.clone());
    made
}

fn outcome(output: &std::process::Output) -> (Ended, BTreeMap<String, u64>, Said) {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let mut counts = BTreeMap::new();
    for pass in report["passes"].as_array().into_iter().flatten() {
        for (name, count) in pass.as_object().into_iter().flatten() {
            *counts.entry(name.clone()).or_default() += count.as_u64().unwrap_or_default();
        }
    }
    let log = String::from_utf8_lossy(&output.stderr);
    let lines = |words: &str| log.lines().filter(|line| line.contains(words)).count() as u64;
    let said =
        Said { again: lines("trying again"), anew: lines("the pass begins again"), left: lines("left to expire") };
    let ended = match output.status.code() {
        Some(0) => Ended::Ok,
        Some(3) => Ended::Failures,
        _ => Ended::Failed(log.trim().to_owned()),
    };
    (ended, counts, said)
}
