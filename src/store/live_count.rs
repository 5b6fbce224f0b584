//! How many live resources a collection has, without counting them.

use super::batch::in_lists;
use super::connection::out_of_range;
use super::resources::live;
use super::{CollectionId, ResourceId, Store, StoreError, Txn, retrying};
use entities::{live_count, resource};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QuerySelect};
use std::collections::HashMap;

/// Rows whose sum is the count: two writers that end at the same moment wait for one another once in so many times, and
/// only for the length of a commit.
const SHARDS: i16 = 16;

impl Store {
    /// How many live resources the collection has.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn live_count(&self, collection: CollectionId) -> Result<u64, StoreError> {
        // A program that does not count may have made it less than nothing.
        Ok(u64::try_from(counted(&self.inner.read, collection).await?).unwrap_or_default())
    }

    /// Counts the collection's live resources and mends the count, which a program of before it existed does not keep.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn recount_live(&self, collection: CollectionId) -> Result<(), StoreError> {
        if missed(&self.inner.read, collection).await? == 0 {
            return Ok(());
        }
        retrying(|| async {
            let mut txn = self.begin().await?;
            txn.hold_live_counts(collection).await?;
            let missed = missed(&txn.transaction, collection).await?;
            txn.count_live(collection, missed);
            txn.commit().await
        })
        .await
    }
}

/// What the shards add up to.
async fn counted(connection: &impl ConnectionTrait, collection: CollectionId) -> Result<i64, StoreError> {
    let rows = live_count::Entity::find().filter(live_count::Column::CollectionId.eq(collection.0));
    Ok(rows.all(connection).await?.iter().map(|row| row.live).sum())
}

/// By how much the live resources are more than what was counted.
async fn missed(connection: &impl ConnectionTrait, collection: CollectionId) -> Result<i64, StoreError> {
    let live = live(collection, resource::Entity::find()).count(connection).await?;
    Ok(i64::try_from(live).map_err(out_of_range)? - counted(connection, collection).await?)
}

impl Txn {
    /// Remembers that so many resources of the collection came to life (or, below zero, died) until this transaction ends.
    pub(super) fn count_live(&mut self, collection: CollectionId, more: i64) {
        *self.live.entry(collection).or_default() += more;
    }

    /// Which of these resources are tombstones or have no UUID, and whether they are tombstones.
    pub(super) async fn dead_or_unlinked(&self, ids: &[ResourceId]) -> Result<HashMap<ResourceId, bool>, StoreError> {
        let mut found = HashMap::new();
        for list in in_lists(ids) {
            let rows: Vec<(i64, bool)> = resource::Entity::find()
                .select_only()
                .columns([resource::Column::Id, resource::Column::IsDeleted])
                .filter(self.inner.dialect.among(resource::Column::Id, list.into_iter().map(|id| id.0)))
                .filter(resource::Column::IsDeleted.eq(true).or(resource::Column::Uuid.is_null()))
                .into_tuple()
                .all(&self.transaction)
                .await?;
            found.extend(rows.into_iter().map(|(id, dead)| (ResourceId(id), dead)));
        }
        Ok(found)
    }

    /// The last statements before a commit. Collections go in the order of their ids, so that two writers do not wait for
    /// each other.
    pub(super) async fn write_live_counts(&mut self) -> Result<(), StoreError> {
        for (collection, more) in std::mem::take(&mut self.live) {
            // Who inserted must wait for who holds the counts, and the other way round, also where nothing is to be added.
            if more != 0 || self.inserted.is_of(collection) {
                let shard = rand::random_range(0..SHARDS);
                let statement = self.inner.dialect.add_to_live_count(collection.0, shard, more);
                self.transaction.execute_raw(statement).await?;
            }
        }
        Ok(())
    }

    /// Waits for transactions that counted resources of the collection and are about to end; others wait for this one.
    pub(super) async fn hold_live_counts(&mut self, collection: CollectionId) -> Result<(), StoreError> {
        for shard in 0..SHARDS {
            let statement = self.inner.dialect.add_to_live_count(collection.0, shard, 0);
            self.transaction.execute_raw(statement).await?;
        }
        Ok(())
    }
}
