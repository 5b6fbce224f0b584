//! Ids drawn in blocks, so that a multi-row insert knows its ids on every database.

use super::connection::missing;
use super::{Store, StoreError, Txn, retrying};
use entities::id_block;
use sea_orm::QuerySelect;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};
use std::ops::Range;
use tokio::sync::Mutex;

/// Ids reserved at once.
const BLOCK: i64 = 1_000;

/// Ids left out when a database was put back: by how many more than it remembers it may have given.
const FORGOTTEN: i64 = 1 << 20;

/// What is left of the block reserved last.
#[derive(Debug, Default)]
pub(super) struct IdBlock(Mutex<Range<i64>>);

impl IdBlock {
    /// Leaves the rest of the block to nobody.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = 0..0;
    }
}

impl Store {
    /// `count` ids in a row that nobody else gets; mostly from memory. Never to be called while this task has a
    /// [`super::Txn`] open: reserving is a transaction of its own, and SQLite has one writer.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn reserve_ids(&self, count: u64) -> Result<Range<i64>, StoreError> {
        let count = i64::try_from(count).map_err(super::connection::out_of_range)?;
        let mut left = self.inner.ids.0.lock().await;
        if left.end - left.start < count {
            *left = retrying(|| self.next_block(Ord::max(count, BLOCK))).await?;
        }
        let taken = left.start..left.start + count;
        left.start = taken.end;
        Ok(taken)
    }

    async fn next_block(&self, size: i64) -> Result<Range<i64>, StoreError> {
        let txn = self.begin().await?;
        let row = id_block::Entity::find_by_id(1).lock_exclusive().one(&txn.transaction).await?;
        let first = row.ok_or_else(|| missing("the row of id_block"))?.next_id;
        id_block::Entity::update_many()
            .col_expr(id_block::Column::NextId, Expr::col(id_block::Column::NextId).add(size))
            .filter(id_block::Column::Id.eq(1))
            .exec(&txn.transaction)
            .await?;
        txn.commit().await?;
        Ok(first..first + size)
    }
}

impl Txn {
    /// Leaves out the ids that a database may have given after it was backed up: what bears them comes back from peers, who know it by
    /// UUIDs and keys made of them.
    pub(super) async fn skip_forgotten_ids(&mut self) -> Result<(), StoreError> {
        if !self.forgets_ids {
            id_block::Entity::update_many()
                .col_expr(id_block::Column::NextId, Expr::col(id_block::Column::NextId).add(FORGOTTEN))
                .filter(id_block::Column::Id.eq(1))
                .exec(&self.transaction)
                .await?;
            self.forgets_ids = true;
        }
        Ok(())
    }
}
