//! The figures of a soak, as a table and as JSON.

use crate::Soak;
use crate::checks::Found;
use crate::memory::Memory;
use crate::network::Node;
use crate::options::Options;
use crate::passes::{Ended, PassMade};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Rows of the table of memory.
const ROWS: usize = 12;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    seconds: u64,
    passes: u64,
    passes_killed: u64,
    /// By what was said, without what differs from one to the next.
    passes_failed: BTreeMap<String, u64>,
    passes_with_failed_entries: u64,
    /// Requests that engines sent again, and passes that they began again.
    requests_repeated: u64,
    passes_begun_again: u64,
    slowest_pass_millis: u64,
    /// Those of every kind and direction.
    entries: BTreeMap<&'static str, u64>,
    writes: Writes,
    resources: usize,
    rounds_until_quiet: usize,
    providers: Vec<Provider>,
    /// Seconds, and resident KiB of each provider; none where it did not run.
    memory: Vec<(u64, Vec<Option<u64>>)>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Writes {
    acknowledged: u64,
    unanswered: u64,
    refused: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    name: String,
    database: String,
    kills: u64,
    restarts: u64,
    /// Rows of its audit, and those of conflicts.
    changes: u64,
    conflicts: u64,
    contexts_left: usize,
    /// Medians, in KiB, of the second and the last quarter of the time.
    memory_before: Option<u64>,
    memory_after: Option<u64>,
}

const COUNTS: [&str; 8] =
    ["entries", "created", "updated", "deleted", "ignored", "conflictsWon", "conflictsLost", "failed"];

impl Report {
    pub(crate) fn of(options: &Options, soak: &Soak, memory: &Memory, found: &Found, rounds: usize) -> Self {
        let passes = soak.passes.made.lock().unwrap();
        let count = |is: &dyn Fn(&PassMade) -> bool| passes.iter().filter(|pass| is(pass)).count() as u64;
        let mut failed = BTreeMap::new();
        for pass in &*passes {
            if let Ended::Failed(reason) = &pass.ended {
                *failed.entry(reason_of(reason)).or_default() += 1;
            }
        }
        let slowest = passes.iter().map(|pass| pass.duration).max().unwrap_or_default();
        let (acknowledged, unanswered, refused) = soak.ledger.counts();
        let provider = |(number, node): (usize, &Node)| Provider {
            name: node.name.clone(),
            database: format!("{:?}", node.kind).to_lowercase(),
            kills: node.kills.load(Ordering::Relaxed),
            restarts: node.restarts.load(Ordering::Relaxed),
            changes: found.holdings[number].changes,
            conflicts: found.holdings[number].conflicts,
            contexts_left: found.holdings[number].contexts.len(),
            memory_before: memory.median(number, 25..50),
            memory_after: memory.median(number, 75..100),
        };
        let step = memory.samples.len().div_ceil(ROWS).max(1);
        let samples = memory.samples.iter().step_by(step);
        Self {
            seconds: options.duration.as_secs(),
            passes: passes.len() as u64,
            passes_killed: count(&|pass| pass.ended == Ended::Killed),
            passes_failed: failed,
            passes_with_failed_entries: count(&|pass| pass.ended == Ended::Failures),
            requests_repeated: passes.iter().map(|pass| pass.said.again).sum(),
            passes_begun_again: passes.iter().map(|pass| pass.said.anew).sum(),
            slowest_pass_millis: u64::try_from(slowest.as_millis()).unwrap_or(u64::MAX),
            entries: COUNTS.map(|name| (name, passes.iter().map(|pass| pass.count(name)).sum())).into(),
            writes: Writes { acknowledged, unanswered, refused },
            resources: found.live(),
            rounds_until_quiet: rounds,
            providers: soak.network.nodes.iter().enumerate().map(provider).collect(),
            memory: samples.map(|(at, used)| (at.as_secs(), used.clone())).collect(),
        }
    }

    /// Prints the table; writes the JSON where it is wanted.
    pub(crate) fn show(&self, options: &Options) {
        println!("{self}");
        if let Some(file) = &options.json {
            std::fs::write(file, serde_json::to_vec_pretty(self).unwrap()).unwrap();
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let failed: u64 = self.passes_failed.values().sum();
        writeln!(f, "\n{} seconds, {} live resources in the end", self.seconds, self.resources)?;
        writeln!(
            f,
            "runs of both directions: {}; killed {}, failed {failed}, with failed entries {}; slowest {} ms; quiet after {} rounds",
            self.passes,
            self.passes_killed,
            self.passes_with_failed_entries,
            self.slowest_pass_millis,
            self.rounds_until_quiet
        )?;
        let Self { requests_repeated, passes_begun_again, .. } = self;
        writeln!(f, "requests sent again: {requests_repeated}; passes begun again: {passes_begun_again}")?;
        for (reason, times) in &self.passes_failed {
            writeln!(f, "  {times:5} x {reason}")?;
        }
        let entries: Vec<_> = COUNTS.iter().map(|name| format!("{name} {}", self.entries[name])).collect();
        writeln!(f, "entries: {}", entries.join(", "))?;
        let Writes { acknowledged, unanswered, refused } = self.writes;
        writeln!(f, "writes: {acknowledged} acknowledged, {unanswered} without an answer, {refused} refused")?;
        for provider in &self.providers {
            let Provider { name, database, kills, restarts, changes, conflicts, contexts_left, .. } = provider;
            writeln!(
                f,
                "{name} on {database}: {kills} kills, {restarts} restarts, {changes} audited changes, {conflicts} conflicts, \
                 {contexts_left} contexts left by killed engines, memory {} then {} MiB",
                mebibytes(provider.memory_before),
                mebibytes(provider.memory_after)
            )?;
        }
        writeln!(f, "MiB after seconds:")?;
        for (at, used) in &self.memory {
            let used: String = used.iter().map(|used| format!("{:>8}", mebibytes(*used))).collect();
            writeln!(f, "{at:8}{used}")?;
        }
        Ok(())
    }
}

fn mebibytes(kibibytes: Option<u64>) -> String {
    kibibytes.map_or_else(|| "-".to_owned(), |kibibytes| format!("{}", kibibytes / 1024))
}

/// What was said, without URLs and numbers.
fn reason_of(said: &str) -> String {
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let words = last.split_whitespace().map(|word| if word.contains("://") { "URL" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
