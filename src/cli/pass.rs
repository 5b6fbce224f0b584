//! `sdata-sync pass`: one run of the engine.

use super::ENTRIES_FAILED;
use super::output::{print, table, usage, warn};
use super::progress::Progress;
use super::remote::RemoteArgs;
use super::stop_signals::StopSignals;
use crate::engine::{Address, PassReport, RetryPolicy, RunOutcome, RunPlan, RunReport};
use crate::protocol::{Run, Stamp};
use clap::Args;
use comfy_table::CellAlignment;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Carries the changes of one collection, or of all common collections of a dataset, to another provider
///
/// Exit code: 0 all applied, 3 finished with failed entries, 1 the pass failed, 2 usage.
#[derive(Debug, Args)]
pub(super) struct PassArgs {
    /// Where the changes are: the URL of a collection or of a dataset
    #[arg(long, value_name = "URL", value_parser = Address::parse)]
    source: Address,
    /// Where they go: the URL of a collection or of a dataset
    #[arg(long, value_name = "URL", value_parser = Address::parse)]
    target: Address,
    /// Carries changes back, too, collection by collection
    #[arg(long)]
    both: bool,
    /// Carries everything instead of changes alone, for a target that lacks deletions which the source does not keep any more
    #[arg(long)]
    full: bool,
    /// The name under which both providers record the run
    #[arg(long, value_name = "NAME", default_value = "sdata-sync pass")]
    run_name: String,
    /// Entries on a page; the source decides unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[command(flatten)]
    remote: RemoteArgs,
    /// Prints one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl PassArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let run = Run { name: self.run_name, stamp: Stamp::now().to_string() };
        let plan = match RunPlan::new(self.source, self.target, run, self.both, self.count) {
            Ok(plan) => plan.in_full(self.full),
            Err(error) => return Ok(usage(&error)),
        };
        let progress = Arc::new(Progress::new(!self.json && stderr().is_terminal()));
        let remote = self.remote.client(plan.urls(), RetryPolicy::default(), progress.clone())?;
        let cancel = CancellationToken::new();
        let interrupt = tokio::spawn(cancel_when_stopped(cancel.clone()));
        let report = plan.make(&remote, &cancel).await;
        interrupt.abort();
        progress.finish();
        if self.json {
            print(serde_json::to_string(&report)?)?;
        } else {
            print(summary(&report))?;
        }
        Ok(exit_code(&report))
    }
}

/// Whoever asks the process to stop has the pass end in good order: its contexts are deleted.
pub(super) async fn cancel_when_stopped(cancel: CancellationToken) {
    if let Ok(mut signals) = StopSignals::new()
        && signals.next().await.is_ok()
    {
        warn("interrupted: deleting what the pass left at the providers");
        cancel.cancel();
    }
}

fn exit_code(report: &RunReport) -> ExitCode {
    if let Some(failure) = &report.failure {
        warn(format_args!("error: {failure}"));
    }
    match report.outcome {
        RunOutcome::Ok => ExitCode::SUCCESS,
        RunOutcome::Failures => ExitCode::from(ENTRIES_FAILED),
        RunOutcome::Failed => ExitCode::FAILURE,
    }
}

/// The run as a table, and how it ended in a sentence.
pub(super) fn summary(report: &RunReport) -> String {
    let mut table = table([
        "Resource kind",
        "From",
        "To",
        "Pages",
        "Entries",
        "Created",
        "Updated",
        "Deleted",
        "Ignored",
        "Conflicts won",
        "Conflicts lost",
        "Failed",
        "Seconds",
    ]);
    for pass in &report.passes {
        table.add_row(row(pass));
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let failed: u64 = report.passes.iter().map(|pass| pass.counts.failed).sum();
    let ending = match report.outcome {
        RunOutcome::Ok => "Every entry was applied.".to_owned(),
        RunOutcome::Failures => format!("Finished, but {failed} entries could not be applied."),
        RunOutcome::Failed => "The run failed; what is in the table was done.".to_owned(),
    };
    format!("Run \"{}\" of {}\n{table}\n{ending}", report.run_name, report.run_stamp)
}

fn row(pass: &PassReport) -> [String; 13] {
    let counts = &pass.counts;
    [
        pass.resource_kind.clone(),
        place(&pass.source),
        place(&pass.target),
        counts.pages.to_string(),
        counts.entries.to_string(),
        counts.created.to_string(),
        counts.updated.to_string(),
        counts.deleted.to_string(),
        counts.ignored.to_string(),
        counts.conflicts_won.to_string(),
        counts.conflicts_lost.to_string(),
        counts.failed.to_string(),
        format!("{:.1}", pass.duration.as_secs_f64()),
    ]
}

/// A collection's URL in short: the host, and the application where the URL has its usual shape.
pub(super) fn place(collection: &str) -> String {
    match host_and_application(collection) {
        Some((host, application)) => format!("{host} {application}"),
        None => without_scheme(collection).to_owned(),
    }
}

/// Host and application in the URL of a collection, where it has its usual shape.
pub(super) fn host_and_application(collection: &str) -> Option<(&str, &str)> {
    let segments: Vec<&str> = without_scheme(collection).split('/').collect();
    match *segments.as_slice() {
        [host, .., application, _contract, _dataset, _kind] => Some((host, application)),
        _ => None,
    }
}

fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Counts, EngineError};
    use std::time::Duration;

    fn report(outcome: RunOutcome, failed: u64, failure: Option<EngineError>) -> RunReport {
        let counts = Counts { pages: 1, entries: 4, created: 3, conflicts_lost: 1, failed, ..Counts::default() };
        let pass = PassReport {
            source: "http://127.0.0.1:5493/sdata/crm/sample/-/accounts".to_owned(),
            target: "https://erp.example.com/sdata/erp/sample/-/accounts".to_owned(),
            resource_kind: "accounts".to_owned(),
            counts,
            duration: Duration::from_millis(1234),
            failure: failure.clone(),
        };
        let (run_name, run_stamp) = ("nightly".to_owned(), "2008-10-30T17:23:08Z".to_owned());
        RunReport { run_name, run_stamp, outcome, passes: vec![pass], failure }
    }

    /// SYNC-7.1-02.
    #[test]
    fn the_exit_code_says_how_the_run_ended() {
        let code = |outcome, failed, failure| exit_code(&report(outcome, failed, failure));
        assert_eq!(code(RunOutcome::Ok, 0, None), ExitCode::SUCCESS, "lost conflicts are no failures");
        assert_eq!(code(RunOutcome::Failures, 2, None), ExitCode::from(3));
        assert_eq!(code(RunOutcome::Failed, 0, Some(EngineError::Cancelled)), ExitCode::from(1));
    }

    #[test]
    fn the_summary_names_the_run_its_passes_and_its_end() {
        let text = summary(&report(RunOutcome::Failures, 2, None));
        for part in
            ["Run \"nightly\" of 2008-10-30T17:23:08Z", "accounts", "127.0.0.1:5493 crm", "erp.example.com erp", "1.2"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.ends_with("Finished, but 2 entries could not be applied."), "{text}");
    }
}
