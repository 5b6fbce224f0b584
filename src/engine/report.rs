//! What a run comes to.

use super::EngineError;
use super::outcome::EntryOutcome;
use crate::protocol::Run;
use serde::Serialize;
use std::time::Duration;

/// What became of a pass's entries. Every entry of a result counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Pages that the target applied.
    pub pages: u64,
    /// Entries on these pages.
    pub entries: u64,
    /// New at the target.
    pub created: u64,
    /// Changed at the target.
    pub updated: u64,
    /// Deleted at the target.
    pub deleted: u64,
    /// Already there, or there in a later version.
    pub ignored: u64,
    /// Conflicts that the incoming entry won.
    pub conflicts_won: u64,
    /// Conflicts that the target's version won.
    pub conflicts_lost: u64,
    /// Not applied.
    pub failed: u64,
}

impl Counts {
    /// Counts one entry of a result.
    pub(super) fn count(&mut self, outcome: EntryOutcome) {
        let counter = match outcome {
            EntryOutcome::Created => &mut self.created,
            EntryOutcome::Updated => &mut self.updated,
            EntryOutcome::Deleted => &mut self.deleted,
            EntryOutcome::Ignored => &mut self.ignored,
            EntryOutcome::ConflictWon => &mut self.conflicts_won,
            EntryOutcome::ConflictLost => &mut self.conflicts_lost,
            EntryOutcome::Failed => &mut self.failed,
        };
        *counter += 1;
    }
}

/// What one pass came to: one resource kind in one direction.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PassReport {
    /// The source collection.
    pub source: String,
    /// The target collection.
    pub target: String,
    /// The resource kind's plural name.
    pub resource_kind: String,
    /// What became of the entries, also of those before a failure.
    #[serde(flatten)]
    pub counts: Counts,
    /// How long it took, in milliseconds.
    #[serde(rename = "durationMillis", serialize_with = "as_millis")]
    pub duration: Duration,
    /// Why the pass failed, if it did.
    #[serde(skip)]
    pub failure: Option<EngineError>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RunOutcome {
    /// Everything was applied; conflicts that the target won are no failures.
    Ok,
    /// Every pass came to its end, but there are entries that failed.
    Failures,
    /// A pass failed.
    Failed,
}

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// The run's name.
    pub run_name: String,
    /// The run's stamp.
    pub run_stamp: String,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Its passes in order, up to the first that failed.
    pub passes: Vec<PassReport>,
    /// Why the run failed, if it did: its last pass's reason, or what kept it from making one.
    #[serde(skip)]
    pub failure: Option<EngineError>,
}

impl RunReport {
    /// Sums up passes.
    pub(super) fn of(run: &Run, passes: Vec<PassReport>, failure: Option<EngineError>) -> Self {
        let outcome = match failure {
            Some(_) => RunOutcome::Failed,
            None if passes.iter().any(|pass| pass.counts.failed > 0) => RunOutcome::Failures,
            None => RunOutcome::Ok,
        };
        Self { run_name: run.name.clone(), run_stamp: run.stamp.clone(), outcome, passes, failure }
    }
}

fn as_millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
