//! Working jobs off: one worker, one lane at a time.

use super::{Jobs, measures};
use crate::protocol::Stamp;
use crate::provider::audit::{Origin, event};
use crate::provider::batch::Request;
use crate::provider::linking::LinkEntry;
use crate::provider::source::to_json;
use crate::provider::{Collection, Error, Lease};
use crate::store::{CollectionId, EventOperation, EventOutcome, Operation, StoreError, TrackingRecord};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{Instrument, Span};

/// How long an idle worker waits before it looks for work of processes that died. Work submitted here wakes it at once.
const IDLE: Duration = Duration::from_millis(500);

/// How long a worker waits after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What a worker that ends a job does with the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// It has it still.
    Kept,
    /// It gave it back together with the job's end.
    GivenBack,
}

impl Jobs {
    pub(super) async fn work(self, lease: Lease) {
        let served: Vec<_> = self.provider.collections().map(|collection| collection.id).collect();
        while !self.stop.is_cancelled() {
            let now = self.provider.now();
            match self.provider.store.claim(&lease.owner, lease.duration, &served, now).await {
                Ok(Some(record)) => {
                    measures::begun(&record, now);
                    self.run_one(record, &lease).await;
                }
                Ok(None) => self.wait(IDLE).await,
                Err(error) => {
                    tracing::warn!(%error, "no work could be claimed");
                    self.wait(AFTER_FAILURE).await;
                }
            }
        }
    }

    async fn wait(&self, longest: Duration) {
        tokio::select! {
            () = self.work.notified() => {}
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(longest) => {}
        }
    }

    async fn run_one(&self, record: TrackingRecord, lease: &Lease) {
        let origin = Origin::of(&record);
        let collection = self.provider.collection_by_id(record.collection).map(Arc::clone);
        let span = span_of(&record, &origin, collection.as_deref());
        let lane = self.run_guarded(&record, collection, &origin, lease).instrument(span).await;
        if lane == Lane::Kept
            && let Err(error) = self.provider.store.release(record.collection, &lease.owner).await
        {
            tracing::warn!(%error, "a lane could not be given back; its lease will run out");
        }
        self.finished.notify_waiters();
        // Others may have waited for this lane.
        self.work.notify_one();
    }

    /// Runs the job beside a heartbeat that keeps its lane.
    async fn run_guarded(
        &self,
        record: &TrackingRecord,
        collection: Option<Arc<Collection>>,
        origin: &Origin,
        lease: &Lease,
    ) -> Lane {
        let started = Instant::now();
        let Some(collection) = collection else {
            tracing::error!(
                collection = record.collection.0,
                "a job of a collection that is not served any more waits"
            );
            self.wait(AFTER_FAILURE).await;
            return Lane::Kept;
        };
        let done = tokio::select! {
            biased;
            done = self.run_operation(record, &collection, origin, lease, started) => done,
            lost = self.keep_lane(record.collection, lease) => Err(Error::Store(lost)),
        };
        measures::ended(record.operation, &done, started);
        match done {
            Ok(lane) => return lane,
            Err(Error::Store(StoreError::LaneLost)) => tracing::warn!("the lane was taken over by another process"),
            Err(Error::Cancelled) => self.clean_up(record).await,
            // Whether an unknown commit happened stands in the job's record, which is read again.
            Err(error) if error.passes() => {
                tracing::warn!(%error, "the job waits for the store");
                self.wait(AFTER_FAILURE).await;
            }
            Err(error) => self.fail(record, &collection, origin, lease, &error, started).await,
        }
        Lane::Kept
    }

    async fn run_operation(
        &self,
        record: &TrackingRecord,
        collection: &Arc<Collection>,
        origin: &Origin,
        lease: &Lease,
        started: Instant,
    ) -> Result<Lane, Error> {
        match record.operation {
            Operation::SyncSource => self.run_source(record, collection, lease).await,
            Operation::SyncTarget => self.run_target(record, collection, origin, lease, started).await,
            Operation::Batch => self.run_batch::<Request>(record, collection, lease).await,
            Operation::LinkedBatch => self.run_batch::<LinkEntry>(record, collection, lease).await,
        }
    }

    /// Only ends when the lane is lost.
    async fn keep_lane(&self, collection: CollectionId, lease: &Lease) -> StoreError {
        loop {
            tokio::time::sleep(lease.duration / 3).await;
            match self.provider.store.extend(collection, &lease.owner, lease.duration).await {
                Err(StoreError::LaneLost) => return StoreError::LaneLost,
                Err(error) => tracing::warn!(%error, "the lease could not be extended"),
                Ok(()) => {}
            }
        }
    }

    async fn clean_up(&self, record: &TrackingRecord) {
        tracing::info!("the job was cancelled");
        if let Err(error) = self.provider.store.delete_tracking(record, self.provider.store.time(), None).await {
            tracing::warn!(%error, "a cancelled job could not be cleaned up; it will expire");
        }
    }

    /// Keeps why the operation failed as a whole: its tracking URL answers so from now on (core 11.5, decided).
    async fn fail(
        &self,
        record: &TrackingRecord,
        collection: &Collection,
        origin: &Origin,
        lease: &Lease,
        error: &Error,
        started: Instant,
    ) {
        tracing::error!(%error, "the job failed");
        let kept = crate::store::retrying(|| async {
            let failure = error.failure();
            // The audit is of synchronization: a batch is none of its operations.
            let operation = match record.operation {
                Operation::SyncSource => Some(EventOperation::SourceRequested),
                Operation::SyncTarget => Some(EventOperation::TargetApplied),
                Operation::Batch | Operation::LinkedBatch => None,
            };
            let now = self.provider.now();
            let mut txn = self.provider.store.begin().await?;
            lease.hold(&mut txn, record.collection).await?;
            if let Some(operation) = operation {
                let (outcome, times) = (EventOutcome::Failed, (started, now));
                let mut event = event(collection, origin, operation, outcome, failure.status, times);
                event.message = error.to_string();
                event.run = origin.run_id(&mut txn, now).await?;
                txn.add_event(&event).await?;
            }
            if !txn.fail(record.key, &to_json(&failure)?, now, self.expiry()).await? {
                // Its consumer deleted it meanwhile, and its body with it: that is why it failed.
                return Ok(());
            }
            Ok::<_, Error>(txn.commit().await?)
        })
        .await;
        if let Err(error) = kept {
            tracing::error!(%error, "the failure could not be kept; the job will be tried again");
            self.wait(AFTER_FAILURE).await;
        }
    }
}

/// What every log line of a job carries.
fn span_of(record: &TrackingRecord, origin: &Origin, collection: Option<&Collection>) -> Span {
    let run = origin.run.clone().unwrap_or_default();
    tracing::info_span!(
        "job",
        operation = record.operation.as_str(),
        resource_kind = collection.map(|collection| collection.name.resource_kind.as_str()),
        tracking_id = record.tracking_id,
        run_name = run.name,
        run_stamp = run.stamp,
        principal = origin.principal.as_deref(),
    )
}

/// Seconds from `from` until `now`.
pub(super) fn seconds_between(from: Stamp, now: Stamp) -> u32 {
    u32::try_from(now.since(from).as_secs()).unwrap_or(u32::MAX)
}
