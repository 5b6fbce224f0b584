//! What a worker writes of the operation it runs, in the transaction of the work itself.

use super::audit::to_count;
use super::{StoreError, TrackingKey, TrackingState, Txn};
use crate::protocol::Stamp;
use entities::tracking;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, UpdateMany};
use serde_json::Value;

/// An operation that was not deleted meanwhile: what is deleted stays deleted.
fn present(key: TrackingKey) -> UpdateMany<tracking::Entity> {
    tracking::Entity::update_many()
        .filter(tracking::Column::Id.eq(key.0))
        .filter(tracking::Column::State.ne(TrackingState::Deleted.as_str()))
}

impl Txn {
    /// Whether the operation should stop: it was deleted, or asked to.
    ///
    /// # Errors
    /// Those of any read or write, as for all below.
    pub async fn is_cancelled(&mut self, key: TrackingKey) -> Result<bool, StoreError> {
        let row: Option<(bool, String)> = tracking::Entity::find_by_id(key.0)
            .select_only()
            .columns([tracking::Column::CancelRequested, tracking::Column::State])
            .into_tuple()
            .one(&self.transaction)
            .await?;
        Ok(row.is_none_or(|(requested, state)| requested || state == TrackingState::Deleted.as_str()))
    }

    /// Notes that a worker runs the operation; the time of the first begin stays.
    pub async fn begin_tracking(&mut self, key: TrackingKey, now: Stamp) -> Result<(), StoreError> {
        let started = Expr::col(tracking::Column::StartedAt).if_null(now.to_micros());
        present(key)
            .col_expr(tracking::Column::State, Expr::value(TrackingState::Running.as_str()))
            .col_expr(tracking::Column::StartedAt, started)
            .exec(&self.transaction)
            .await?;
        Ok(())
    }

    /// Notes how far the operation is, and in `checkpoint` what it needs to go on from there.
    pub async fn advance(
        &mut self,
        key: TrackingKey,
        done: u64,
        total: u64,
        phase_detail: &str,
        checkpoint: &Value,
    ) -> Result<(), StoreError> {
        present(key)
            .col_expr(tracking::Column::Done, Expr::value(to_count(done)))
            .col_expr(tracking::Column::Total, Expr::value(to_count(total)))
            .col_expr(tracking::Column::PhaseDetail, Expr::value(phase_detail))
            .col_expr(tracking::Column::Outcome, Expr::value(Some(checkpoint.clone())))
            .exec(&self.transaction)
            .await?;
        Ok(())
    }

    /// The operation is done; it goes by itself at `expires_at`.
    pub async fn finish(
        &mut self,
        key: TrackingKey,
        outcome: &Value,
        now: Stamp,
        expires_at: Stamp,
    ) -> Result<(), StoreError> {
        self.end(key, TrackingState::Done, tracking::Column::Outcome, outcome, [now, expires_at]).await
    }

    /// The operation failed as a whole; it goes by itself at `expires_at`.
    pub async fn fail(
        &mut self,
        key: TrackingKey,
        failure: &Value,
        now: Stamp,
        expires_at: Stamp,
    ) -> Result<(), StoreError> {
        self.end(key, TrackingState::Failed, tracking::Column::Failure, failure, [now, expires_at]).await
    }

    async fn end(
        &mut self,
        key: TrackingKey,
        state: TrackingState,
        column: tracking::Column,
        value: &Value,
        [now, expires_at]: [Stamp; 2],
    ) -> Result<(), StoreError> {
        present(key)
            .col_expr(tracking::Column::State, Expr::value(state.as_str()))
            .col_expr(column, Expr::value(Some(value.clone())))
            .col_expr(tracking::Column::FinishedAt, Expr::value(now.to_micros()))
            .col_expr(tracking::Column::ExpiresAt, Expr::value(expires_at.to_micros()))
            .exec(&self.transaction)
            .await?;
        Ok(())
    }
}
