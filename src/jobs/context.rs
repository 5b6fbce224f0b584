//! The context of an operation, as its consumer reads and deletes it (core 11.5).

use super::runner::seconds_between;
use super::target::from_json;
use super::{Jobs, measures};
use crate::protocol::{Tracking, operation};
use crate::provider::audit::{Origin, event};
use crate::provider::batch::BatchOutcome;
use crate::provider::error::Failure;
use crate::provider::source::{SourceContext, to_json};
use crate::provider::target::chunk::TargetOutcome;
use crate::provider::{Collection, Error};
use crate::store::{EventOperation, EventOutcome, Operation, Position, TrackingKey, TrackingRecord, TrackingState};
use std::time::{Duration, Instant};

/// How often a synchronous request looks whether another process finished its job.
const WATCH: Duration = Duration::from_millis(200);

/// How long an answer may wait for a job that is about to end.
const A_MOMENT: Duration = Duration::from_millis(100);

/// An operation that is known here.
#[derive(Debug)]
pub struct Context {
    /// Its key in the store.
    pub key: TrackingKey,
    /// The run it belongs to.
    pub run: Option<crate::protocol::Run>,
    /// How far it is.
    pub state: ContextState,
}

/// How far an operation is.
#[derive(Debug)]
pub enum ContextState {
    /// It waits or runs: 202.
    Running(Tracking),
    /// A source feed is ready: 200.
    Source(Box<SourceContext>),
    /// A result feed is ready: 200.
    Target(Box<TargetOutcome>),
    /// The results of a batch are ready: 200.
    Batch(BatchOutcome),
    /// It failed as a whole: its own status.
    Failed(Failure),
}

impl Jobs {
    /// The context of `operation` with this tracking id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there never was one, [`Error::Gone`] when it was deleted.
    pub async fn context(&self, collection: &Collection, operation: Operation, id: &str) -> Result<Context, Error> {
        let record = self.record(collection, operation, id).await?;
        let key = record.key;
        let run = Origin::of(&record).run;
        let state = match record.state {
            TrackingState::Queued | TrackingState::Running => ContextState::Running(self.tracking(&record)),
            TrackingState::Failed => ContextState::Failed(from_json(record.failure.unwrap_or_default())?),
            TrackingState::Deleted => return Err(gone(collection, operation, id)),
            TrackingState::Done => {
                let outcome = record.outcome.unwrap_or_default();
                match operation {
                    Operation::SyncSource => ContextState::Source(Box::new(from_json(outcome)?)),
                    Operation::SyncTarget => ContextState::Target(Box::new(from_json(outcome)?)),
                    Operation::Batch | Operation::LinkedBatch => ContextState::Batch(from_json(outcome)?),
                }
            }
        };
        Ok(Context { key, run, state })
    }

    /// The context once its job is done: for requests that are answered synchronously.
    ///
    /// # Errors
    /// As [`Jobs::context`].
    pub async fn finished_context(
        &self,
        collection: &Collection,
        operation: Operation,
        id: &str,
    ) -> Result<Context, Error> {
        self.context_within(collection, operation, id, Duration::MAX).await
    }

    /// The context when its job is done, or as it stands after a moment: most jobs end before a consumer would ask again.
    ///
    /// # Errors
    /// As [`Jobs::context`].
    pub async fn polled_context(
        &self,
        collection: &Collection,
        operation: Operation,
        id: &str,
    ) -> Result<Context, Error> {
        self.context_within(collection, operation, id, A_MOMENT).await
    }

    async fn context_within(
        &self,
        collection: &Collection,
        operation: Operation,
        id: &str,
        patience: Duration,
    ) -> Result<Context, Error> {
        let began = Instant::now();
        loop {
            let finished = self.finished.notified();
            let context = self.context(collection, operation, id).await?;
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() || !matches!(context.state, ContextState::Running(_)) {
                return Ok(context);
            }
            // The time-out is for jobs that another process finishes.
            let _ = tokio::time::timeout(left.min(WATCH), finished).await;
        }
    }

    /// Ends a context; a running operation is cancelled between two chunks (core 11.5).
    ///
    /// # Errors
    /// As [`Jobs::context`].
    pub async fn delete_context(
        &self,
        collection: &Collection,
        operation: Operation,
        id: &str,
        origin: &Origin,
    ) -> Result<(), Error> {
        let started = Instant::now();
        let record = self.record(collection, operation, id).await?;
        if record.state == TrackingState::Deleted {
            return Err(gone(collection, operation, id));
        }
        let now = self.provider.now();
        // The DELETE names no run; the operation it ends does.
        let deleted = EventOperation::TrackingDeleted;
        let event = event(collection, origin, deleted, EventOutcome::Ok, 200, (started, now));
        let store = &self.provider.store;
        let is_deleted = store.delete_tracking(&record, store.time(), Some(&event)).await?;
        if is_deleted && (record.operation, record.state) == (Operation::SyncSource, TrackingState::Done) {
            measures::passed(&record, &collection.name.resource_kind, now);
        }
        Ok(())
    }

    /// Remembers where a page of a source feed ended, for consumers that ask for pages by number.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remember_page_end(
        &self,
        key: TrackingKey,
        mut context: SourceContext,
        next_start: u64,
        end: &Position,
    ) -> Result<(), Error> {
        if context.page_ends.insert(next_start, *end).as_ref() == Some(end) {
            return Ok(());
        }
        Ok(self.provider.store.save_outcome(key, &to_json(&context)?).await?)
    }

    async fn record(&self, collection: &Collection, operation: Operation, id: &str) -> Result<TrackingRecord, Error> {
        let record = self.provider.store.tracking(collection.id, operation, id).await?;
        record.ok_or_else(|| Error::no_such("operation with trackingID", id))
    }

    /// What is told of an operation that waits for `elapsed` seconds.
    pub(super) fn queued(&self, elapsed: u32) -> Tracking {
        let detail = "the operation is accepted and waits for its turn";
        Tracking::of_progress("Waiting", detail, 0, 0, elapsed, self.settings.polling_millis)
    }

    /// What is told of an operation that has ended to who has just asked for it: its answer is 202 all the same.
    pub(super) fn ended(&self) -> Tracking {
        Tracking::of_progress("Done", "the operation has ended", 1, 1, 0, self.settings.polling_millis)
    }

    fn tracking(&self, record: &TrackingRecord) -> Tracking {
        let elapsed = seconds_between(record.created_at, self.provider.now());
        let (phase, detail) = match (record.state, record.operation) {
            (TrackingState::Queued, _) => return self.queued(elapsed),
            (_, Operation::SyncSource) => ("Collecting", "looking for what the target lacks"),
            (_, Operation::SyncTarget | Operation::Batch | Operation::LinkedBatch) => {
                ("Applying", record.phase_detail.as_str())
            }
        };
        Tracking::of_progress(phase, detail, record.done, record.total, elapsed, self.settings.polling_millis)
    }
}

/// The operation's name in URLs.
#[must_use]
pub const fn url_name(operation: Operation) -> &'static str {
    match operation {
        Operation::SyncSource => operation::SYNC_SOURCE,
        Operation::SyncTarget => operation::SYNC_TARGET,
        Operation::Batch => operation::BATCH,
        Operation::LinkedBatch => operation::LINKED_BATCH,
    }
}

fn gone(collection: &Collection, operation: Operation, id: &str) -> Error {
    Error::Gone(collection.context_url(url_name(operation), id))
}
