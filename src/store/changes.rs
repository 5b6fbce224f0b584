//! Change sets: what a source sends, read by range (sync 2.5, 5.2).

use super::resource_rows::with_payload;
use super::session::Session;
use super::{CollectionId, Document, Store, StoreError, Txn};
use crate::protocol::{Tick, TickRange};
use entities::resource;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde::{Deserialize, Serialize};

/// A resource of a change set; its state is always there.
pub type Change = Document;

/// The place of one change in a list of ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Index of the range.
    pub range: usize,
    /// The change's tick.
    pub tick: Tick,
}

/// The changes of one range. Tombstones without UUID are none: nobody outside ever heard of the resource.
fn in_range(
    query: Select<resource::Entity>,
    collection: CollectionId,
    endpoint: i64,
    range: &TickRange,
) -> Select<resource::Entity> {
    query
        .filter(resource::Column::CollectionId.eq(collection.0))
        .filter(resource::Column::EndpointId.eq(endpoint))
        .filter(resource::Column::Tick.gte(range.from.to_i64()))
        .filter(resource::Column::Tick.lt(range.to.to_i64()))
        .filter(Condition::any().add(resource::Column::IsDeleted.eq(false)).add(resource::Column::Uuid.is_not_null()))
}

impl<C: ConnectionTrait> Session<'_, C> {
    /// Changes of `ranges` after `after`, in their order, that `narrowed` leaves in.
    async fn changes(
        &self,
        collection: CollectionId,
        ranges: &[TickRange],
        after: Option<Position>,
        limit: u64,
        narrowed: impl Fn(Select<resource::Entity>) -> Select<resource::Entity>,
    ) -> Result<Vec<Change>, StoreError> {
        let mut changes: Vec<Change> = Vec::new();
        let first = after.map_or(0, |position| position.range);
        for (index, range) in ranges.iter().enumerate().skip(first) {
            let left = limit.saturating_sub(changes.len() as u64);
            if left == 0 {
                break;
            }
            let mut range = range.clone();
            if let Some(position) = after.filter(|position| position.range == index) {
                range.from = range.from.max(position.tick.next());
            }
            if range.from >= range.to {
                continue;
            }
            let Some(endpoint) = self.known_endpoint(&range.endpoint).await? else { continue };
            let query = narrowed(in_range(with_payload(), collection, endpoint, &range));
            changes.extend(self.documents(query.order_by_asc(resource::Column::Tick).limit(left)).await?);
        }
        Ok(changes)
    }

    async fn count_of(&self, collection: CollectionId, range: &TickRange) -> Result<u64, StoreError> {
        let Some(endpoint) = self.known_endpoint(&range.endpoint).await? else { return Ok(0) };
        Ok(in_range(resource::Entity::find(), collection, endpoint, range).count(self.connection).await?)
    }
}

impl Store {
    /// Up to `limit` changes of `ranges` after `after`: range by range in their order, by ascending tick in each, with contents.
    /// One statement for every range that is reached; the cost does not depend on the position. Not a snapshot: a resource changed
    /// since has left its range and comes with the next pass.
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn read_ranges(
        &self,
        collection: CollectionId,
        ranges: &[TickRange],
        after: Option<Position>,
        limit: u64,
    ) -> Result<Vec<Change>, StoreError> {
        self.session().changes(collection, ranges, after, limit, |query| query).await
    }

    /// The position of the change number `offset`, counted from 1: what `after` must be to read on behind it. `None` for 0;
    /// the end of the last range when there are fewer changes.
    pub async fn position_at(
        &self,
        collection: CollectionId,
        ranges: &[TickRange],
        offset: u64,
    ) -> Result<Option<Position>, StoreError> {
        let session = self.session();
        let Some(mut before) = offset.checked_sub(1) else { return Ok(None) };
        for (index, range) in ranges.iter().enumerate() {
            let Some(endpoint) = session.known_endpoint(&range.endpoint).await? else { continue };
            let query = in_range(resource::Entity::find(), collection, endpoint, range);
            let tick: Option<Option<i64>> = query
                .select_only()
                .column(resource::Column::Tick)
                .order_by_asc(resource::Column::Tick)
                .offset(before)
                .limit(1)
                .into_tuple()
                .one(&self.inner.read)
                .await?;
            if let Some(tick) = tick.flatten() {
                return Ok(Some(Position { range: index, tick: Tick::from_i64(tick) }));
            }
            before = before.saturating_sub(session.count_of(collection, range).await?);
        }
        Ok(ranges.len().checked_sub(1).map(|range| Position { range, tick: Tick::MAX }))
    }
}

impl Txn {
    /// How many changes [`Store::read_ranges`] would give.
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn count_ranges(&mut self, collection: CollectionId, ranges: &[TickRange]) -> Result<u64, StoreError> {
        let mut count = 0;
        for range in ranges.iter().filter(|range| range.from < range.to) {
            count += self.session().count_of(collection, range).await?;
        }
        Ok(count)
    }

    /// Up to `limit` changes of `ranges` whose content names resources by key that had no UUID when it was written; locked, so
    /// that no writer's version is lost when the content is replaced. What a writer was faster with is left out.
    pub async fn with_key_references(
        &mut self,
        collection: CollectionId,
        ranges: &[TickRange],
        limit: u64,
    ) -> Result<Vec<Change>, StoreError> {
        let unresolved = |query: Select<resource::Entity>| query.filter(resource::Column::HasKeyReferences.eq(true));
        let found = self.session().changes(collection, ranges, None, limit, unresolved).await?;
        let ids: Vec<_> = found.iter().map(|change| change.resource.id).collect();
        let mut locked = self.lock_by_ids(ids).await?;
        locked.retain(|_, resource| resource.state.is_some() && !resource.deleted && resource.has_key_references);
        let ids: Vec<_> = locked.keys().copied().collect();
        let mut contents = self.documents(&ids).await?;
        let documents = locked.into_iter().map(|(id, resource)| Change { resource, payload: contents.remove(&id) });
        Ok(documents.collect())
    }
}
