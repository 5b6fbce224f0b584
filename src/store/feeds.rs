//! How much of a feed that comes in pages was taken (sync 5.6): a page behind a gap must be refused.

use super::audit::{from_count, to_count};
use super::dialect::Dialect;
use super::{CollectionId, Store, StoreError, TrackingState, Txn};
use entities::{feed_progress, tracking};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};

impl Store {
    /// Entries taken from the start of a feed; 0 for one never seen.
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn feed_taken(&self, collection: CollectionId, feed: &[u8; 32]) -> Result<u64, StoreError> {
        let row = feed_progress::Entity::find_by_id((collection.0, feed.to_vec())).one(&self.inner.read).await?;
        Ok(row.map_or(0, |row| from_count(row.taken)))
    }

    /// The largest end among the pages of a feed that are queued or running; 0 when there is none.
    pub async fn pending_feed_end(&self, collection: CollectionId, feed: &[u8; 32]) -> Result<u64, StoreError> {
        let end: Option<Option<i64>> = tracking::Entity::find()
            .select_only()
            .column_as(tracking::Column::FeedEnd.max(), "feed_end")
            .filter(tracking::Column::State.is_in(TrackingState::PENDING.map(TrackingState::as_str)))
            .filter(tracking::Column::CollectionId.eq(collection.0))
            .filter(tracking::Column::FeedHash.eq(feed.to_vec()))
            .into_tuple()
            .one(&self.inner.read)
            .await?;
        Ok(end.flatten().map_or(0, from_count))
    }
}

impl Txn {
    /// Notes that a feed was taken up to the entry number `taken`, counted from 1. Unless it `begins` anew, what was taken
    /// before stays taken.
    pub async fn set_feed_taken(
        &mut self,
        collection: CollectionId,
        feed: &[u8; 32],
        taken: u64,
        begins: bool,
    ) -> Result<(), StoreError> {
        let before = feed_progress::Entity::find_by_id((collection.0, feed.to_vec())).one(&self.transaction).await?;
        let before = before.filter(|_| !begins).map_or(0, |row| from_count(row.taken));
        let taken = taken.max(before);
        use feed_progress::Column::{CollectionId, FeedHash, Taken, UpdatedAt};
        let row = feed_progress::ActiveModel {
            collection_id: Set(collection.0),
            feed_hash: Set(feed.to_vec()),
            taken: Set(to_count(taken)),
            updated_at: Set(self.inner.clock.micros()),
        };
        feed_progress::Entity::insert_many([row])
            .on_conflict(Dialect::overwrite([CollectionId, FeedHash], [Taken, UpdatedAt]))
            .exec_without_returning(&self.transaction)
            .await?;
        Ok(())
    }
}
