//! How much memory the providers use as time goes by.

use crate::network::Network;
use std::time::{Duration, Instant};

/// Between two looks.
const STEP: Duration = Duration::from_secs(1);

/// How much more the last quarter may need than the second, in percent. While a database grows its caches are filled, up to what
/// they may hold; what leaks goes on growing with every pass.
const GROWTH_PERCENT: u64 = 25;

/// Resident kibibytes of each provider at each step.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) samples: Vec<(Duration, Vec<Option<u64>>)>,
}

impl Memory {
    /// Watches for `duration`.
    pub(crate) async fn watch(&mut self, network: &Network, duration: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < duration {
            tokio::time::sleep(STEP.min(duration)).await;
            let used = network.nodes.iter().map(|node| resident(node.pid()));
            self.samples.push((begun.elapsed(), used.collect()));
        }
    }

    /// The median of one provider in the given share of the time, in percent of it.
    pub(crate) fn median(&self, node: usize, share: std::ops::Range<usize>) -> Option<u64> {
        let place = |percent: usize| self.samples.len() * percent / 100;
        let samples = self.samples.get(place(share.start)..place(share.end))?;
        let mut used: Vec<_> = samples.iter().filter_map(|(_, used)| used.get(node).copied().flatten()).collect();
        used.sort_unstable();
        used.get(used.len() / 2).copied()
    }

    /// Checks that the provider that ran all the time needs no more in the end than before.
    pub(crate) fn check(&self, network: &Network) {
        for (number, node) in network.nodes.iter().enumerate().filter(|(_, node)| node.steady) {
            let (before, after) = (self.median(number, 25..50), self.median(number, 75..100));
            let (Some(before), Some(after)) = (before, after) else { panic!("{} was not seen running", node.name) };
            let bound = before + before * GROWTH_PERCENT / 100;
            assert!(after <= bound, "{} grew from {before} KiB to {after} KiB", node.name);
        }
    }
}

/// What a process has in memory, in kibibytes; `None` when it does not run.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
