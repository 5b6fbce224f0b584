//! A soak: three providers, each a process on a database of its own, with writers, passes, restarts and kills at random; in the
//! end all three hold the same, and everything that was acknowledged is accounted for.
//!
//! `SOAK_SECONDS` says how long (20 when not said), `SOAK_DATABASES` on what (`sqlite,postgres,mysql`), `SOAK_STEADY` which of
//! them is never stopped, `SOAK_JSON` a file for the figures. `scripts/soak` sets them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod checks;
mod client;
mod disturbances;
#[path = "../support/kinds.rs"]
mod kinds;
mod ledger;
mod memory;
mod messages;
mod network;
mod options;
mod passes;
mod report;
mod writers;

#[path = "../it/support/mod.rs"]
#[allow(dead_code, unused_imports, unreachable_pub, reason = "shared with the other tests")]
mod support;

use disturbances::disturb;
use ledger::Ledger;
use memory::Memory;
use network::Network;
use options::Options;
use passes::Passes;
use report::Report;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use writers::{WRITERS, Writer};

/// Passes that run at the same time.
const ENGINES: usize = 2;

/// What everybody shares.
struct Soak {
    network: Network,
    ledger: Ledger,
    passes: Passes,
    over: AtomicBool,
}

impl Soak {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// SYNC-2.1-01, SYNC-2.3-05, SYNC-5.3-10.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn providers_that_are_written_to_restarted_and_killed_end_alike() {
    let options = Options::from_environment();
    let network = Network::start(&options).await;
    let soak =
        Arc::new(Soak { network, ledger: Ledger::default(), passes: Passes::default(), over: AtomicBool::new(false) });
    let mut memory = Memory::default();
    let mut tasks = tokio::task::JoinSet::new();
    for node in 0..soak.network.nodes.len() {
        for number in 0..WRITERS {
            tasks.spawn(Writer::new(Arc::clone(&soak), node, number).write());
        }
    }
    for _ in 0..ENGINES {
        tasks.spawn(passes::run(Arc::clone(&soak)));
    }
    tasks.spawn(disturb(Arc::clone(&soak)));
    memory.watch(&soak.network, options.duration).await;
    soak.over.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let rounds = passes::settle(&soak).await;
    let found = checks::Found::read(&soak).await;
    let report = Report::of(&options, &soak, &memory, &found, rounds);
    report.show(&options);
    found.check(&soak);
    if options.is_long() {
        memory.check(&soak.network);
    }
}
