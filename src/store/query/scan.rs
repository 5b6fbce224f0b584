//! Reading an index in order: every statement is a range of its primary key.

use super::plan::{KeyRange, Lookup};
use crate::store::property_index::Index;
use crate::store::{ResourceId, Store, StoreError};
use entities::property_value;
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};

/// A value and who bears it: a place in an index.
pub(super) type Place = (Vec<u8>, ResourceId);

/// Walks through some keys of an index: by value, and where values are equal by id, which ascends in either direction.
pub(super) struct Scan<'i> {
    index: &'i Index,
    range: KeyRange,
    descending: bool,
    /// The place the walk has come to.
    at: Option<Place>,
}

impl<'i> Scan<'i> {
    pub(super) fn new(index: &'i Index, range: KeyRange, descending: bool, after: Option<Place>) -> Self {
        Self { index, range, descending, at: after }
    }

    /// The next places, `count` of them; fewer only at the end.
    pub(super) async fn next(&mut self, store: &Store, count: u64) -> Result<Vec<Place>, StoreError> {
        let mut places = Vec::new();
        if let Some((key, after)) = self.at.clone() {
            places = self.of_key(store, key, Some(after), count).await?;
        }
        while (places.len() as u64) < count {
            let left = count - places.len() as u64;
            let beyond = places.last().or(self.at.as_ref()).map(|(key, _)| key.clone());
            let found = self.beyond(store, beyond, left).await?;
            let is_end = (found.len() as u64) < left;
            if self.descending {
                self.take_descending(store, found, is_end, left, &mut places).await?;
            } else {
                places.extend(found);
            }
            if is_end {
                break;
            }
        }
        self.at = places.last().cloned().or(self.at.take());
        Ok(places)
    }

    /// Values that descend come with descending ids, as the index has them: the ids of each value are turned round, and
    /// those of the last one are read again if they were cut off.
    async fn take_descending(
        &self,
        store: &Store,
        mut found: Vec<Place>,
        is_end: bool,
        count: u64,
        places: &mut Vec<Place>,
    ) -> Result<(), StoreError> {
        let before = places.len() as u64;
        let cut_off = found.last().filter(|_| !is_end).map(|(key, _)| key.clone());
        found.retain(|(key, _)| Some(key) != cut_off.as_ref());
        for group in found.chunk_by(|one, other| one.0 == other.0) {
            places.extend(group.iter().rev().cloned());
        }
        if let Some(key) = cut_off {
            let left = count.saturating_sub(places.len() as u64 - before);
            places.extend(self.of_key(store, key, None, left).await?);
        }
        Ok(())
    }

    /// Bearers of one value.
    async fn of_key(
        &self,
        store: &Store,
        key: Vec<u8>,
        after: Option<ResourceId>,
        count: u64,
    ) -> Result<Vec<Place>, StoreError> {
        let mut query = of_index(self.index).filter(property_value::Column::SortKey.eq(key));
        if let Some(after) = after {
            query = query.filter(property_value::Column::ResourceId.gt(after.0));
        }
        read(store, query.order_by_asc(property_value::Column::ResourceId).limit(count)).await
    }

    /// Values behind one, or from the beginning, as the index has them.
    async fn beyond(&self, store: &Store, key: Option<Vec<u8>>, count: u64) -> Result<Vec<Place>, StoreError> {
        use property_value::Column::{IndexId, ResourceId as Id, SortKey};
        let query = of_index(self.index).filter(within(&self.range));
        let (query, order) = match (self.descending, key) {
            (false, Some(key)) => (query.filter(SortKey.gt(key)), Order::Asc),
            (true, Some(key)) => (query.filter(SortKey.lt(key)), Order::Desc),
            (false, None) => (query, Order::Asc),
            (true, None) => (query, Order::Desc),
        };
        // The index's first column is named so that the order is plainly that of the primary key.
        let query = query.order_by(IndexId, order.clone()).order_by(SortKey, order.clone()).order_by(Id, order);
        read(store, query.limit(count)).await
    }
}

impl Lookup<'_> {
    /// Who bears such a value, if these are not more than `most`.
    pub(super) async fn bearers(&self, store: &Store, most: u64) -> Result<Option<Vec<ResourceId>>, StoreError> {
        let mut ids = Vec::new();
        for range in &self.ranges {
            let query = of_index(self.index).filter(within(range)).limit(most + 1 - ids.len() as u64);
            ids.extend(read(store, query).await?.into_iter().map(|(_, id)| id));
            if ids.len() as u64 > most {
                return Ok(None);
            }
        }
        Ok(Some(ids))
    }

    /// How many bear such a value.
    pub(super) async fn count(&self, store: &Store) -> Result<u64, StoreError> {
        let mut count = 0;
        for range in &self.ranges {
            count += of_index(self.index).filter(within(range)).count(&store.inner.queries).await?;
        }
        Ok(count)
    }
}

fn of_index(index: &Index) -> Select<property_value::Entity> {
    property_value::Entity::find()
        .select_only()
        .columns([property_value::Column::SortKey, property_value::Column::ResourceId])
        .filter(property_value::Column::IndexId.eq(index.id))
}

fn within(range: &KeyRange) -> Condition {
    use property_value::Column::SortKey;
    let low = range.low.clone().map(|(key, included)| if included { SortKey.gte(key) } else { SortKey.gt(key) });
    let high = range.high.clone().map(|(key, included)| if included { SortKey.lte(key) } else { SortKey.lt(key) });
    Condition::all().add_option(low).add_option(high)
}

async fn read(store: &Store, query: Select<property_value::Entity>) -> Result<Vec<Place>, StoreError> {
    let rows: Vec<(Vec<u8>, i64)> = query.into_tuple().all(&store.inner.queries).await?;
    Ok(rows.into_iter().map(|(key, id)| (key, ResourceId(id))).collect())
}
