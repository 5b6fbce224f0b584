//! Asynchronous operations: accepting, finding and ending them (core 11.5, 11.6).

use super::audit::{from_count, to_count, words};
use super::session::Session;
use super::{CollectionId, Event, MAX_TRACKING_ID_CHARS, RunId, Store, StoreError, Txn, retrying};
use crate::protocol::{Run, Stamp};
use entities::{body_part, feed_progress, sync_run, tracking, tracking_result};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, Set};
use serde_json::Value;
use std::time::Duration;

/// An operation in this database; keys grow in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackingKey(pub i64);

words! {
    /// What an operation does.
    Operation {
        /// `$syncSource`.
        SyncSource = "syncSource",
        /// `$syncTarget`.
        SyncTarget = "syncTarget",
        /// `$batch`.
        Batch = "batch",
        /// `$linked/$batch`.
        LinkedBatch = "linkedBatch",
    }
}

words! {
    /// Where an operation stands.
    TrackingState {
        /// It waits for a worker.
        Queued = "queued",
        /// A worker began it; the worker may be dead meanwhile.
        Running = "running",
        /// It is done and its result can be read.
        Done = "done",
        /// It failed as a whole.
        Failed = "failed",
        /// It is gone; its trackingID is used up.
        Deleted = "deleted",
    }
}

impl TrackingState {
    /// Those of operations that still need a worker.
    pub(super) const PENDING: [Self; 2] = [Self::Queued, Self::Running];
}

/// The page of a feed that an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPart {
    /// Names the feed.
    pub hash: [u8; 32],
    /// Entries of the feed up to the end of this page.
    pub end: u64,
}

/// An operation to be accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTracking {
    /// On which collection.
    pub collection: CollectionId,
    /// What.
    pub operation: Operation,
    /// The consumer's name for it, exactly as sent; at most [`MAX_TRACKING_ID_CHARS`] characters.
    pub tracking_id: String,
    /// The engine's run.
    pub run: Option<Run>,
    /// What it is at.
    pub phase_detail: String,
    /// What was asked; the caller's own.
    pub request: Value,
    /// The body, from [`Store::put_body_part`].
    pub body: Option<i64>,
    /// The page it takes, for a target.
    pub feed: Option<FeedPart>,
    /// Who asked.
    pub principal: Option<String>,
    /// From which address.
    pub remote_address: Option<String>,
    /// When.
    pub created_at: Stamp,
    /// Recorded together with the operation, under its run.
    pub event: Option<Event>,
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submission {
    /// It is queued.
    Accepted(TrackingKey),
    /// This operation is there already; nothing was written.
    Same,
    /// The trackingID names another operation or one on another collection.
    InUse,
    /// The trackingID named an operation that is gone.
    UsedUp,
}

/// An operation as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackingRecord {
    /// Its key here.
    pub key: TrackingKey,
    /// On which collection.
    pub collection: CollectionId,
    /// What.
    pub operation: Operation,
    /// The consumer's name for it.
    pub tracking_id: String,
    /// The engine's run.
    pub run: Option<(RunId, Run)>,
    /// Where it stands.
    pub state: TrackingState,
    /// What it is at.
    pub phase_detail: String,
    /// Steps done.
    pub done: u64,
    /// Steps in all; 0 while nobody knows.
    pub total: u64,
    /// What was asked.
    pub request: Value,
    /// What came of it, or a checkpoint.
    pub outcome: Option<Value>,
    /// Why it failed as a whole.
    pub failure: Option<Value>,
    /// Its body.
    pub body: Option<i64>,
    /// The page it takes.
    pub feed: Option<FeedPart>,
    /// Who asked.
    pub principal: Option<String>,
    /// From which address.
    pub remote_address: Option<String>,
    /// When it was accepted.
    pub created_at: Stamp,
    /// When a worker first began it.
    pub started_at: Option<Stamp>,
    /// When it was done or failed.
    pub finished_at: Option<Stamp>,
    /// When it goes by itself.
    pub expires_at: Option<Stamp>,
    /// Whether it should stop.
    pub cancel_requested: bool,
}

impl Store {
    /// Accepts an operation, durably, once: also when the same is submitted twice at the same time.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] for the trackingID.
    pub async fn submit(&self, new: &NewTracking) -> Result<Submission, StoreError> {
        let length = new.tracking_id.chars().count();
        if length > MAX_TRACKING_ID_CHARS {
            return Err(StoreError::TooLong { what: "a trackingID", limit: MAX_TRACKING_ID_CHARS, length });
        }
        match retrying(|| self.submit_once(new)).await {
            // Somebody else was first; what he submitted is visible now.
            Err(StoreError::Duplicate { .. }) => retrying(|| self.submit_once(new)).await,
            other => other,
        }
    }

    async fn submit_once(&self, new: &NewTracking) -> Result<Submission, StoreError> {
        let mut txn = self.begin().await?;
        let used = tracking::Entity::find().filter(tracking::Column::TrackingId.eq(&new.tracking_id));
        if let Some(row) = used.one(&txn.transaction).await? {
            return Ok(if TrackingState::stored(&row.state)? == TrackingState::Deleted {
                Submission::UsedUp
            } else if new.body.is_some() && row.body_id == new.body {
                // Our own: its first commit happened, though its answer was lost.
                Submission::Accepted(TrackingKey(row.id))
            } else if row.collection_id == new.collection.0 && row.operation == new.operation.as_str() {
                Submission::Same
            } else {
                Submission::InUse
            });
        }
        let run = match &new.run {
            Some(run) => Some(txn.run(run, new.created_at).await?),
            None => None,
        };
        let inserted = tracking::Entity::insert(row_of(new, run)).exec(&txn.transaction).await?;
        if let Some(event) = &new.event {
            txn.add_event(&Event { run, ..event.clone() }).await?;
        }
        txn.commit().await?;
        Ok(Submission::Accepted(TrackingKey(inserted.last_insert_id)))
    }

    /// The operation that `tracking_id` names on this collection, also one that is deleted.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn tracking(
        &self,
        collection: CollectionId,
        operation: Operation,
        tracking_id: &str,
    ) -> Result<Option<TrackingRecord>, StoreError> {
        let row = tracking::Entity::find()
            .filter(tracking::Column::TrackingId.eq(tracking_id))
            .filter(tracking::Column::CollectionId.eq(collection.0))
            .filter(tracking::Column::Operation.eq(operation.as_str()))
            .one(&self.inner.read)
            .await?;
        match row {
            Some(row) => self.session().tracking_record(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// Asks a running operation to stop; its worker sees it in [`Txn::is_cancelled`].
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn request_cancel(&self, key: TrackingKey) -> Result<(), StoreError> {
        tracking::Entity::update_many()
            .col_expr(tracking::Column::CancelRequested, Expr::value(true))
            .filter(tracking::Column::Id.eq(key.0))
            .exec(&self.inner.write)
            .await?;
        Ok(())
    }

    /// Keeps an outcome or a checkpoint of an operation.
    pub async fn save_outcome(&self, key: TrackingKey, outcome: &Value) -> Result<(), StoreError> {
        tracking::Entity::update_many()
            .col_expr(tracking::Column::Outcome, Expr::value(Some(outcome.clone())))
            .filter(tracking::Column::Id.eq(key.0))
            .exec(&self.inner.write)
            .await?;
        Ok(())
    }

    /// Ends an operation and drops its body and results; its trackingID is used up until [`Store::expire`] forgets it.
    /// False when it was deleted before.
    pub async fn delete_tracking(&self, key: TrackingKey, now: Stamp) -> Result<bool, StoreError> {
        retrying(|| async {
            let mut txn = self.begin().await?;
            let deleted = txn.mark_deleted(&[key.0], now).await?;
            txn.commit().await?;
            Ok(deleted > 0)
        })
        .await
    }

    /// Cleans up: finished operations past their time become deleted; those deleted, and feeds not heard of, for `retention`
    /// are forgotten; bodies that no operation names go after an hour. Resources are never touched. Returns how many operations it deleted.
    pub async fn expire(&self, now: Stamp, retention: Duration) -> Result<u64, StoreError> {
        retrying(|| async {
            let mut txn = self.begin().await?;
            let due: Vec<i64> = tracking::Entity::find()
                .select_only()
                .column(tracking::Column::Id)
                .filter(tracking::Column::ExpiresAt.lte(now.to_micros()))
                .filter(tracking::Column::State.is_in([TrackingState::Done.as_str(), TrackingState::Failed.as_str()]))
                .into_tuple()
                .all(&txn.transaction)
                .await?;
            let deleted = txn.mark_deleted(&due, now).await?;
            txn.forget(now, retention).await?;
            txn.commit().await?;
            Ok(deleted)
        })
        .await
    }
}

impl Txn {
    async fn mark_deleted(&mut self, keys: &[i64], now: Stamp) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for list in super::batch::in_lists(keys) {
            let rows = tracking::Entity::find()
                .filter(tracking::Column::Id.is_in(list))
                .filter(tracking::Column::State.ne(TrackingState::Deleted.as_str()))
                .lock_exclusive()
                .all(&self.transaction)
                .await?;
            let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
            let bodies: Vec<i64> = rows.iter().filter_map(|row| row.body_id).collect();
            deleted += ids.len() as u64;
            tracking::Entity::update_many()
                .col_expr(tracking::Column::State, Expr::value(TrackingState::Deleted.as_str()))
                .col_expr(tracking::Column::DeletedAt, Expr::value(now.to_micros()))
                .col_expr(tracking::Column::CancelRequested, Expr::value(true))
                .filter(tracking::Column::Id.is_in(ids.iter().copied()))
                .exec(&self.transaction)
                .await?;
            let theirs = tracking_result::Column::TrackingId.is_in(ids);
            tracking_result::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
            let theirs = body_part::Column::BodyId.is_in(bodies);
            body_part::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        }
        Ok(deleted)
    }

    async fn forget(&mut self, now: Stamp, retention: Duration) -> Result<(), StoreError> {
        let micros = |age: Duration| i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        let retained_since = now.to_micros().saturating_sub(micros(retention));
        let hour_ago = now.to_micros().saturating_sub(micros(Duration::from_secs(3_600)));
        // A worker may have written results after its operation was deleted.
        let deleted = || tracking::Column::State.eq(TrackingState::Deleted.as_str());
        let gone = Query::select().column(tracking::Column::Id).from(tracking::Entity).cond_where(deleted()).take();
        tracking_result::Entity::delete_many()
            .filter(Expr::col(tracking_result::Column::TrackingId).in_subquery(gone))
            .exec(&self.transaction)
            .await?;
        tracking::Entity::delete_many()
            .filter(Condition::all().add(deleted()).add(tracking::Column::DeletedAt.lte(retained_since)))
            .exec(&self.transaction)
            .await?;
        feed_progress::Entity::delete_many()
            .filter(feed_progress::Column::UpdatedAt.lte(retained_since))
            .exec(&self.transaction)
            .await?;
        let named = Query::select()
            .column(tracking::Column::BodyId)
            .from(tracking::Entity)
            .and_where(tracking::Column::BodyId.is_not_null())
            .take();
        body_part::Entity::delete_many()
            .filter(body_part::Column::CreatedAt.lte(hour_ago))
            .filter(Expr::col(body_part::Column::BodyId).in_subquery(named).not())
            .exec(&self.transaction)
            .await?;
        Ok(())
    }
}

impl<C: ConnectionTrait> Session<'_, C> {
    pub(super) async fn tracking_record(&self, row: tracking::Model) -> Result<TrackingRecord, StoreError> {
        let run = match row.run_id {
            Some(id) => sync_run::Entity::find_by_id(id).one(self.connection).await?,
            None => None,
        };
        let feed = match (row.feed_hash, row.feed_end) {
            (Some(hash), Some(end)) => {
                let damaged = |hash: Vec<u8>| StoreError::Damaged(format!("a feed hash of {} bytes", hash.len()));
                Some(FeedPart { hash: hash.try_into().map_err(damaged)?, end: from_count(end) })
            }
            _ => None,
        };
        Ok(TrackingRecord {
            key: TrackingKey(row.id),
            collection: CollectionId(row.collection_id),
            operation: Operation::stored(&row.operation)?,
            tracking_id: row.tracking_id,
            run: run.map(|run| (RunId(run.id), Run { name: run.run_name, stamp: run.run_stamp })),
            state: TrackingState::stored(&row.state)?,
            phase_detail: row.phase_detail,
            done: from_count(row.done),
            total: from_count(row.total),
            request: row.request,
            outcome: row.outcome,
            failure: row.failure,
            body: row.body_id,
            feed,
            principal: row.principal,
            remote_address: row.remote_address,
            created_at: Stamp::from_micros(row.created_at),
            started_at: row.started_at.map(Stamp::from_micros),
            finished_at: row.finished_at.map(Stamp::from_micros),
            expires_at: row.expires_at.map(Stamp::from_micros),
            cancel_requested: row.cancel_requested,
        })
    }
}

fn row_of(new: &NewTracking, run: Option<RunId>) -> tracking::ActiveModel {
    tracking::ActiveModel {
        collection_id: Set(new.collection.0),
        operation: Set(new.operation.as_str().to_owned()),
        tracking_id: Set(new.tracking_id.clone()),
        run_id: Set(run.map(|run| run.0)),
        state: Set(TrackingState::Queued.as_str().to_owned()),
        phase_detail: Set(new.phase_detail.clone()),
        done: Set(0),
        total: Set(0),
        request: Set(new.request.clone()),
        outcome: Set(None),
        failure: Set(None),
        body_id: Set(new.body),
        feed_hash: Set(new.feed.map(|feed| feed.hash.to_vec())),
        feed_end: Set(new.feed.map(|feed| to_count(feed.end))),
        principal: Set(new.principal.clone()),
        remote_address: Set(new.remote_address.clone()),
        created_at: Set(new.created_at.to_micros()),
        cancel_requested: Set(false),
        ..Default::default()
    }
}
