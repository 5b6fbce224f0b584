//! No change is lost: several providers, changed at random, synchronized at random, interrupted at random, end alike.
//!
//! `CONVERGENCE_SEEDS` says how many seeds are tried (nightly: thousands); `CONVERGENCE_SEED` tries one alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod alike;
#[path = "../support/kinds.rs"]
mod kinds;
mod ledger;
mod links;
mod model;
mod network;
mod node;
mod parked;
#[path = "../support/process.rs"]
mod process;
mod requests;
mod scenario;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds tried when nothing else is said.
const SEEDS: u64 = 200;

/// Seeds that failed once, each for a fault that was mended.
const REGRESSIONS: &[u64] = &[];

/// SYNC-2.1-01, SYNC-2.1-02, SYNC-2.3-02, SYNC-2.3-03, SYNC-2.3-05.
#[test]
fn whatever_happens_all_nodes_end_alike_and_no_change_is_lost() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds: Vec<u64> = match number("CONVERGENCE_SEED") {
        Some(seed) => vec![seed],
        None => REGRESSIONS.iter().copied().chain(0..number("CONVERGENCE_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let template = node::Template::make();
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(seeds.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap()) {
                    if catch_unwind(AssertUnwindSafe(|| scenario::run(*seed, &template))).is_err() {
                        failed.lock().unwrap().push(*seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let again: Vec<String> =
        failed.iter().map(|seed| format!("CONVERGENCE_SEED={seed} cargo test --test convergence")).collect();
    assert!(
        failed.is_empty(),
        "{} of {} seeds failed; to see one alone:\n{}",
        failed.len(),
        seeds.len(),
        again.join("\n")
    );
}
