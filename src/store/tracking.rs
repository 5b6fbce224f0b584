//! Asynchronous operations: accepting, finding and ending them (core 11.5, 11.6).

use super::audit::{from_count, to_count, words};
use super::session::Session;
use super::{BodyPart, CollectionId, Event, MAX_TRACKING_ID_CHARS, RunId, Store, StoreError, Txn, retrying};
use crate::protocol::{Digest, Endpoint, Run, Stamp};
use entities::{body_part, feed_progress, sync_run, tracking, tracking_result};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, JoinType, PaginatorTrait, QueryFilter,
    QuerySelect, RelationDef, Select, Set, UpdateMany,
};
use serde_json::Value;
use std::time::Duration;

/// Operations that expire in one transaction: each may have many results.
const EXPIRED_AT_ONCE: u64 = 100;

/// How long a body without operation may be on its way: its first parts are kept while the last ones come. More than the longest
/// that `limits.body_seconds` allows.
const LONGEST_BODY: Duration = Duration::from_hours(25);

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
    /// The body: its id, from [`Store::reserve_ids`].
    pub body: Option<i64>,
    /// The parts of the body that [`Store::put_body_part`] has not kept yet: they are kept with the operation.
    pub parts: Vec<BodyPart>,
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
    /// What came of it, where there was nothing to do: then no worker will see it.
    pub done: Option<DoneAtOnce>,
    /// Who takes changes by it, and what it had taken in.
    pub peer: Option<(Endpoint, Digest)>,
}

/// The end of an operation that ended as it was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct DoneAtOnce {
    /// As for [`Txn::finish`].
    pub outcome: Value,
    /// As for [`Txn::finish`].
    pub expires_at: Stamp,
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
        // Nearly every trackingID is a new one: the database says so by itself when one is not.
        match retrying(|| self.submit_once(new)).await {
            Err(error @ StoreError::Duplicate { .. }) => match self.submitted_before(new).await? {
                Some(submission) => Ok(submission),
                None => Err(error),
            },
            other => other,
        }
    }

    async fn submit_once(&self, new: &NewTracking) -> Result<Submission, StoreError> {
        let mut txn = self.begin().await?;
        let run = match &new.run {
            Some(run) => Some(txn.run(run, new.created_at).await?),
            None => None,
        };
        let inserted = tracking::Entity::insert(row_of(new, run)).exec(&txn.transaction).await?;
        if let Some(event) = &new.event {
            txn.add_event(&Event { run, ..event.clone() }).await?;
        }
        if let Some((endpoint, digest)) = &new.peer {
            txn.note_peer(new.collection, endpoint, digest, new.created_at).await?;
        }
        if let Some(body) = new.body {
            txn.put_body_parts(body, &new.parts).await?;
        }
        txn.commit().await?;
        Ok(Submission::Accepted(TrackingKey(inserted.last_insert_id)))
    }

    /// What a trackingID that is in use says of a new submission.
    async fn submitted_before(&self, new: &NewTracking) -> Result<Option<Submission>, StoreError> {
        let used = tracking::Entity::find().filter(tracking::Column::TrackingId.eq(&new.tracking_id));
        let Some(row) = used.one(&self.inner.write).await? else { return Ok(None) };
        Ok(Some(if TrackingState::stored(&row.state)? == TrackingState::Deleted {
            Submission::UsedUp
        } else if row.collection_id == new.collection.0 && row.operation == new.operation.as_str() {
            Submission::Same
        } else {
            Submission::InUse
        }))
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
        let query = tracking::Entity::find()
            .filter(tracking::Column::TrackingId.eq(tracking_id))
            .filter(tracking::Column::CollectionId.eq(collection.0))
            .filter(tracking::Column::Operation.eq(operation.as_str()));
        self.session().first_tracking(query).await
    }

    /// How many operations of one client wait or run: of an account or, without one, of an address. They are few, and found
    /// by their state.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn pending_of(&self, principal: Option<&str>, address: Option<&str>) -> Result<u64, StoreError> {
        let pending = TrackingState::PENDING.map(TrackingState::as_str);
        let query = tracking::Entity::find().filter(tracking::Column::State.is_in(pending));
        let query = match (principal, address) {
            (Some(principal), _) => query.filter(tracking::Column::Principal.eq(principal)),
            (None, Some(address)) => {
                query.filter(tracking::Column::Principal.is_null()).filter(tracking::Column::RemoteAddress.eq(address))
            }
            (None, None) => return Ok(0),
        };
        Ok(query.count(&self.inner.read).await?)
    }

    /// Keeps an outcome or a checkpoint of an operation.
    pub async fn save_outcome(&self, key: TrackingKey, outcome: &Value) -> Result<(), StoreError> {
        tracking::Entity::update_many()
            .col_expr(tracking::Column::Outcome, Expr::value(Some(outcome.clone())))
            .filter(tracking::Column::Id.eq(key.0))
            .exec(self.single_write())
            .await?;
        Ok(())
    }

    /// Ends an operation and drops its body and results; its trackingID is used up until [`Store::expire`] forgets it.
    /// The event is recorded together with that, under its run. `now` is by the database's clock. False when it was deleted before.
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn delete_tracking(
        &self,
        record: &TrackingRecord,
        now: Stamp,
        event: Option<&Event>,
    ) -> Result<bool, StoreError> {
        let deleting = deleting(now)
            .filter(tracking::Column::Id.eq(record.key.0))
            .filter(tracking::Column::State.ne(TrackingState::Deleted.as_str()));
        retrying(|| async {
            let mut txn = self.begin().await?;
            let deleted = deleting.clone().exec(&txn.transaction).await?.rows_affected;
            if let Some(event) = event {
                let run = record.run.as_ref().map(|(id, _)| *id);
                txn.add_event(&Event { run, ..event.clone() }).await?;
            }
            // A source has neither results nor a body.
            if record.operation != Operation::SyncSource {
                txn.drop_of_trackings(vec![record.key.0], record.body.into_iter().collect()).await?;
            }
            txn.commit().await?;
            Ok(deleted > 0)
        })
        .await
    }

    /// Cleans up: some finished operations past their time become deleted; those deleted, and feeds not heard of, for `retention`
    /// are forgotten; bodies that no operation names go when none can still be on its way. Resources are never touched. `now` is by the database's clock
    /// ([`Store::time`]). Returns how many operations it deleted.
    pub async fn expire(&self, now: Stamp, retention: Duration) -> Result<u64, StoreError> {
        retrying(|| async {
            let mut txn = self.begin().await?;
            let due: Vec<i64> = tracking::Entity::find()
                .select_only()
                .column(tracking::Column::Id)
                .filter(tracking::Column::ExpiresAt.lte(now.to_micros()))
                .filter(tracking::Column::State.is_in([TrackingState::Done.as_str(), TrackingState::Failed.as_str()]))
                .limit(EXPIRED_AT_ONCE)
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
            deleting(now).filter(tracking::Column::Id.is_in(ids.iter().copied())).exec(&self.transaction).await?;
            self.drop_of_trackings(ids, bodies).await?;
        }
        Ok(deleted)
    }

    async fn drop_of_trackings(&mut self, keys: Vec<i64>, bodies: Vec<i64>) -> Result<(), StoreError> {
        let theirs = tracking_result::Column::TrackingId.is_in(keys);
        tracking_result::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        if !bodies.is_empty() {
            let theirs = body_part::Column::BodyId.is_in(bodies);
            body_part::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        }
        Ok(())
    }

    async fn forget(&mut self, now: Stamp, retention: Duration) -> Result<(), StoreError> {
        let retained_since = now.before(retention).to_micros();
        let abandoned_since = now.before(LONGEST_BODY).to_micros();
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
            .filter(body_part::Column::CreatedAt.lte(abandoned_since))
            .filter(Expr::col(body_part::Column::BodyId).in_subquery(named).not())
            .exec(&self.transaction)
            .await?;
        Ok(())
    }
}

impl<C: ConnectionTrait> Session<'_, C> {
    /// The first operation that `query` finds, with its run.
    pub(super) async fn first_tracking(
        &self,
        query: Select<tracking::Entity>,
    ) -> Result<Option<TrackingRecord>, StoreError> {
        let run: RelationDef = tracking::Entity::belongs_to(sync_run::Entity)
            .from(tracking::Column::RunId)
            .to(sync_run::Column::Id)
            .into();
        let query = query.join(JoinType::LeftJoin, run).select_also(sync_run::Entity);
        let found = query.one(self.connection).await?;
        found.map(|(row, run)| TrackingRecord::of(row, run)).transpose()
    }
}

impl TrackingRecord {
    fn of(row: tracking::Model, run: Option<sync_run::Model>) -> Result<Self, StoreError> {
        let feed = match (row.feed_hash, row.feed_end) {
            (Some(hash), Some(end)) => {
                let damaged = |hash: Vec<u8>| StoreError::Damaged(format!("a feed hash of {} bytes", hash.len()));
                Some(FeedPart { hash: hash.try_into().map_err(damaged)?, end: from_count(end) })
            }
            _ => None,
        };
        Ok(Self {
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
        })
    }
}

/// What becomes of operations that are deleted.
fn deleting(now: Stamp) -> UpdateMany<tracking::Entity> {
    tracking::Entity::update_many()
        .col_expr(tracking::Column::State, Expr::value(TrackingState::Deleted.as_str()))
        .col_expr(tracking::Column::DeletedAt, Expr::value(now.to_micros()))
}

fn row_of(new: &NewTracking, run: Option<RunId>) -> tracking::ActiveModel {
    let ended_at = new.done.as_ref().map(|_| new.created_at.to_micros());
    let state = if new.done.is_some() { TrackingState::Done } else { TrackingState::Queued };
    tracking::ActiveModel {
        collection_id: Set(new.collection.0),
        operation: Set(new.operation.as_str().to_owned()),
        tracking_id: Set(new.tracking_id.clone()),
        run_id: Set(run.map(|run| run.0)),
        state: Set(state.as_str().to_owned()),
        phase_detail: Set(new.phase_detail.clone()),
        done: Set(0),
        total: Set(0),
        request: Set(new.request.clone()),
        outcome: Set(new.done.as_ref().map(|done| done.outcome.clone())),
        failure: Set(None),
        body_id: Set(new.body),
        feed_hash: Set(new.feed.map(|feed| feed.hash.to_vec())),
        feed_end: Set(new.feed.map(|feed| to_count(feed.end))),
        principal: Set(new.principal.clone()),
        remote_address: Set(new.remote_address.clone()),
        created_at: Set(new.created_at.to_micros()),
        started_at: Set(ended_at),
        finished_at: Set(ended_at),
        expires_at: Set(new.done.as_ref().map(|done| done.expires_at.to_micros())),
        ..Default::default()
    }
}
