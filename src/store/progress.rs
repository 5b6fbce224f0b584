//! What a worker writes of the operation it runs, in the transaction of the work itself.

use super::audit::to_count;
use super::{Operation, StoreError, TrackingKey, TrackingState, Txn};
use crate::protocol::Stamp;
use entities::tracking;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, UpdateMany};
use serde_json::Value;

/// An operation that is still wanted: what is deleted stays deleted.
fn wanted(key: TrackingKey) -> UpdateMany<tracking::Entity> {
    tracking::Entity::update_many()
        .filter(tracking::Column::Id.eq(key.0))
        .filter(tracking::Column::State.ne(TrackingState::Deleted.as_str()))
}

/// Ends operations with what is kept of their end, and the times of it and of their expiry.
fn ended(
    operations: UpdateMany<tracking::Entity>,
    state: TrackingState,
    column: tracking::Column,
    value: &Value,
    [now, expires_at]: [Stamp; 2],
) -> UpdateMany<tracking::Entity> {
    operations
        .col_expr(tracking::Column::State, Expr::value(state.as_str()))
        .col_expr(column, Expr::value(Some(value.clone())))
        .col_expr(tracking::Column::FinishedAt, Expr::value(now.to_micros()))
        .col_expr(tracking::Column::ExpiresAt, Expr::value(expires_at.to_micros()))
}

/// Each says whether the operation is still wanted; if not, nothing of the transaction may be kept.
impl Txn {
    /// Notes that a worker runs the operation; the time of the first begin stays.
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub(super) async fn begin_tracking(&mut self, key: TrackingKey, now: Stamp) -> Result<bool, StoreError> {
        let started = Expr::col(tracking::Column::StartedAt).if_null(now.to_micros());
        let running = wanted(key)
            .col_expr(tracking::Column::State, Expr::value(TrackingState::Running.as_str()))
            .col_expr(tracking::Column::StartedAt, started);
        self.update_tracking(running).await
    }

    /// Notes how far the operation is, and in `checkpoint` what it needs to go on from there.
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn advance(
        &mut self,
        key: TrackingKey,
        done: u64,
        total: u64,
        phase_detail: &str,
        checkpoint: &Value,
    ) -> Result<bool, StoreError> {
        let advanced = wanted(key)
            .col_expr(tracking::Column::Done, Expr::value(to_count(done)))
            .col_expr(tracking::Column::Total, Expr::value(to_count(total)))
            .col_expr(tracking::Column::PhaseDetail, Expr::value(phase_detail))
            .col_expr(tracking::Column::Outcome, Expr::value(Some(checkpoint.clone())));
        self.update_tracking(advanced).await
    }

    /// The operation is done; it goes by itself at `expires_at`.
    pub async fn finish(
        &mut self,
        key: TrackingKey,
        outcome: &Value,
        now: Stamp,
        expires_at: Stamp,
    ) -> Result<bool, StoreError> {
        self.end(key, TrackingState::Done, tracking::Column::Outcome, outcome, [now, expires_at]).await
    }

    /// The operation failed as a whole; it goes by itself at `expires_at`.
    pub async fn fail(
        &mut self,
        key: TrackingKey,
        failure: &Value,
        now: Stamp,
        expires_at: Stamp,
    ) -> Result<bool, StoreError> {
        self.end(key, TrackingState::Failed, tracking::Column::Failure, failure, [now, expires_at]).await
    }

    /// All of `operations` that wait or run fail as a whole, in every collection; they go by themselves at `expires_at`.
    pub(super) async fn fail_pending(
        &mut self,
        operations: &[Operation],
        failure: &Value,
        times: [Stamp; 2],
    ) -> Result<(), StoreError> {
        let pending = tracking::Entity::update_many()
            .filter(tracking::Column::State.is_in(TrackingState::PENDING.map(TrackingState::as_str)))
            .filter(tracking::Column::Operation.is_in(operations.iter().map(|operation| operation.as_str())));
        let failed = ended(pending, TrackingState::Failed, tracking::Column::Failure, failure, times);
        failed.exec(&self.transaction).await?;
        Ok(())
    }

    async fn end(
        &mut self,
        key: TrackingKey,
        state: TrackingState,
        column: tracking::Column,
        value: &Value,
        times: [Stamp; 2],
    ) -> Result<bool, StoreError> {
        self.update_tracking(ended(wanted(key), state, column, value, times)).await
    }

    async fn update_tracking(&mut self, update: UpdateMany<tracking::Entity>) -> Result<bool, StoreError> {
        Ok(update.exec(&self.transaction).await?.rows_affected == 1)
    }
}
