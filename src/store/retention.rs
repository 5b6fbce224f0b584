//! The audit's old rows: they go a few at a time, the oldest first, so that no statement holds anything for long.

use super::{Store, StoreError, retrying};
use crate::protocol::Stamp;
use entities::{audit_change, audit_chunk, audit_event, parked_entry, sync_run, tracking};
use sea_orm::sea_query::{Expr, IntoIden, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

/// Chunks of changes that go at once: each holds some hundred.
const CHUNKS: u64 = 10;

/// Events or runs that go at once.
const ROWS: u64 = 1_000;

impl Store {
    /// Removes some events from before `before`; says how many.
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn forget_events(&self, before: Stamp) -> Result<u64, StoreError> {
        retrying(|| async {
            let txn = self.begin().await?;
            let ids: Vec<i64> = audit_event::Entity::find()
                .select_only()
                .column(audit_event::Column::Id)
                .filter(audit_event::Column::At.lt(before.to_micros()))
                .order_by_asc(audit_event::Column::At)
                .limit(ROWS)
                .into_tuple()
                .all(&txn.transaction)
                .await?;
            if ids.is_empty() {
                return Ok(0);
            }
            let gone = audit_event::Column::Id.is_in(ids);
            let gone = audit_event::Entity::delete_many().filter(gone).exec(&txn.transaction).await?;
            txn.commit().await?;
            Ok(gone.rows_affected)
        })
        .await
    }

    /// Removes some changes from before `before`, all of a chunk together; says how many.
    pub async fn forget_changes(&self, before: Stamp) -> Result<u64, StoreError> {
        retrying(|| async {
            let txn = self.begin().await?;
            let ids: Vec<i64> = audit_chunk::Entity::find()
                .select_only()
                .column(audit_chunk::Column::Id)
                .filter(audit_chunk::Column::At.lt(before.to_micros()))
                .order_by_asc(audit_chunk::Column::At)
                .limit(CHUNKS)
                .into_tuple()
                .all(&txn.transaction)
                .await?;
            if ids.is_empty() {
                return Ok(0);
            }
            let theirs = audit_change::Column::ChunkId.is_in(ids.iter().copied());
            let gone = audit_change::Entity::delete_many().filter(theirs).exec(&txn.transaction).await?;
            let chunks = audit_chunk::Column::Id.is_in(ids);
            let chunks = audit_chunk::Entity::delete_many().filter(chunks).exec(&txn.transaction).await?;
            txn.commit().await?;
            Ok(gone.rows_affected + chunks.rows_affected)
        })
        .await
    }

    /// Removes some runs that were last heard of before `before` and of which nothing else is kept; says how many.
    pub async fn forget_runs(&self, before: Stamp) -> Result<u64, StoreError> {
        retrying(|| async {
            let txn = self.begin().await?;
            let mut idle = sync_run::Entity::find()
                .select_only()
                .column(sync_run::Column::Id)
                .filter(sync_run::Column::LastSeen.lt(before.to_micros()))
                .order_by_asc(sync_run::Column::Id)
                .limit(ROWS);
            for used in [
                runs_of(audit_event::Entity, audit_event::Column::RunId),
                runs_of(audit_chunk::Entity, audit_chunk::Column::RunId),
                runs_of(tracking::Entity, tracking::Column::RunId),
                runs_of(parked_entry::Entity, parked_entry::Column::RunId),
            ] {
                idle = idle.filter(Expr::exists(used).not());
            }
            let ids: Vec<i64> = idle.into_tuple().all(&txn.transaction).await?;
            if ids.is_empty() {
                return Ok(0);
            }
            // One that was used again since it was read has moved on.
            let gone = sync_run::Column::Id.is_in(ids).and(sync_run::Column::LastSeen.lt(before.to_micros()));
            let gone = sync_run::Entity::delete_many().filter(gone).exec(&txn.transaction).await?;
            txn.commit().await?;
            Ok(gone.rows_affected)
        })
        .await
    }
}

/// The rows of `table` that are of a run.
fn runs_of<E: EntityTrait, C: ColumnTrait>(table: E, run: C) -> SelectStatement {
    let is_of_it = Expr::col((table.into_iden(), run)).equals((sync_run::Entity, sync_run::Column::Id));
    Query::select().expr(Expr::val(1)).from(table).and_where(is_of_it).take()
}
