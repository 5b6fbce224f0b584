//! Values of some properties, kept in order beside the documents, so that pages of large collections can be found by them.
//!
//! The table `property_index` says of which properties; `property_values` keeps them with every write. An index is read only
//! once it is complete: what was there before is filled in bit by bit.
//!
//! Processes of one database may differ in what they declare, as they do while one after the other is restarted with other
//! settings: each keeps the indexes of all, reads its own, and drops only what none has wanted for long.

use super::lanes::micros;
use super::{CollectionId, ResourceId, Store, StoreError, retrying, sort_key};
use crate::query::{Field, Target, ValueType};
use entities::{property_index, property_value, resource};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, Set};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Resources that are filled in, or values that are removed, in one transaction.
const FILLED_AT_ONCE: u64 = 500;

/// A property whose values are to be found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedProperty {
    /// Names of structures, then its own.
    pub path: Vec<Arc<str>>,
    /// What its values are.
    pub value_type: ValueType,
}

impl IndexedProperty {
    /// What a row of the table is about; `None` for types of a later version.
    pub(super) fn of_row(row: &property_index::Model) -> Option<Self> {
        let value_type = *TYPES.iter().find(|value_type| type_name(**value_type) == row.value_type)?;
        Some(Self { path: row.property.split('.').map(Arc::from).collect(), value_type })
    }

    /// The key of what properties say.
    pub(super) fn key(&self, properties: &serde_json::Value) -> Vec<u8> {
        let value = self.path.iter().try_fold(properties, |value, name| value.get(&**name));
        sort_key::of_property(self.value_type, value)
    }
}

/// An index that this process reads.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) id: i64,
    pub(super) property: IndexedProperty,
    complete: AtomicBool,
}

impl Index {
    /// Whether the field is what the index is about, and the index knows all.
    pub(super) fn serves(&self, field: &Field) -> bool {
        let is_its = matches!(&field.target, Target::Property(path) if *path == self.property.path);
        is_its && field.through.is_empty() && self.complete.load(Ordering::Acquire)
    }
}

/// The indexes that this process declared, by collection.
#[derive(Debug, Default)]
pub(super) struct Indexes(RwLock<HashMap<CollectionId, Arc<Vec<Index>>>>);

impl Indexes {
    /// Those of one collection.
    pub(super) fn of(&self, collection: CollectionId) -> Arc<Vec<Index>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&collection).cloned().unwrap_or_default()
    }
}

impl Store {
    /// Wants an index of these properties of the collection from now on, and reads no others. Every process on the database keeps
    /// it from then on.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn declare_indexes(
        &self,
        collection: CollectionId,
        properties: &[IndexedProperty],
    ) -> Result<(), StoreError> {
        let declared = retrying(|| async {
            match self.try_declare(collection, properties).await {
                // Another process declared it at the same moment.
                Err(StoreError::Duplicate { .. }) => self.try_declare(collection, properties).await,
                declared => declared,
            }
        })
        .await?;
        self.inner.indexes.0.write().unwrap_or_else(PoisonError::into_inner).insert(collection, Arc::new(declared));
        Ok(())
    }

    /// Says again that this process wants what it declared; to be repeated well within the time after which indexes are dropped.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn renew_indexes(&self, collection: CollectionId) -> Result<(), StoreError> {
        let indexes = self.inner.indexes.of(collection);
        let properties: Vec<_> = indexes.iter().map(|index| index.property.clone()).collect();
        self.declare_indexes(collection, &properties).await
    }

    async fn try_declare(
        &self,
        collection: CollectionId,
        properties: &[IndexedProperty],
    ) -> Result<Vec<Index>, StoreError> {
        let now = self.now().await?;
        let txn = self.begin().await?;
        let rows = kept(collection).order_by_asc(property_index::Column::Id).lock_exclusive();
        let rows = rows.all(&txn.transaction).await?;
        let mut indexes = Vec::with_capacity(properties.len());
        for property in properties {
            let known = rows.iter().find(|row| IndexedProperty::of_row(row).as_ref() == Some(property));
            let (id, complete) = match known {
                Some(row) => (row.id, row.is_complete),
                None => {
                    let row = property_index::ActiveModel {
                        collection_id: Set(collection.0),
                        property: Set(property.path.join(".")),
                        value_type: Set(type_name(property.value_type).to_owned()),
                        filled_to: Set(0),
                        is_complete: Set(false),
                        wanted_at: Set(now),
                        ..Default::default()
                    };
                    (property_index::Entity::insert(row).exec(&txn.transaction).await?.last_insert_id, false)
                }
            };
            indexes.push(Index { id, property: property.clone(), complete: AtomicBool::new(complete) });
        }
        property_index::Entity::update_many()
            .col_expr(property_index::Column::WantedAt, Expr::value(now))
            .filter(property_index::Column::Id.is_in(indexes.iter().map(|index| index.id)))
            .exec(&txn.transaction)
            .await?;
        txn.commit().await?;
        Ok(indexes)
    }

    /// Drops the collection's indexes that no process has declared or renewed for so long. Their values go with
    /// [`Store::tend_indexes`].
    ///
    /// # Errors
    /// Those of any write.
    pub async fn drop_unwanted_indexes(
        &self,
        collection: CollectionId,
        unwanted_for: Duration,
    ) -> Result<(), StoreError> {
        use property_index::Column::{FilledTo, Id, IsComplete, Property, WantedAt};
        let before = self.now().await?.saturating_sub(micros(unwanted_for));
        let own = self.inner.indexes.of(collection);
        retrying(|| async {
            let txn = self.begin().await?;
            let unwanted = kept(collection)
                .filter(WantedAt.lte(before))
                .filter(Id.is_not_in(own.iter().map(|index| index.id)))
                .order_by_asc(Id)
                .lock_exclusive();
            for row in unwanted.all(&txn.transaction).await? {
                // Frees the name, too.
                property_index::Entity::update_many()
                    .col_expr(Property, Expr::value(format!("-{}", row.id)))
                    .col_expr(FilledTo, Expr::value(-1))
                    .col_expr(IsComplete, Expr::value(false))
                    .filter(Id.eq(row.id))
                    .exec(&txn.transaction)
                    .await?;
            }
            txn.commit().await
        })
        .await
    }

    /// Does a part of what is left to do for the collection's indexes: fills in some resources, or removes values of
    /// indexes that were dropped. Returns whether there is more to do.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn tend_indexes(&self, collection: CollectionId) -> Result<bool, StoreError> {
        for index in self.inner.indexes.of(collection).iter() {
            if !index.complete.load(Ordering::Acquire) {
                let complete = retrying(|| self.fill(collection, index)).await?;
                index.complete.store(complete, Ordering::Release);
                return Ok(true);
            }
        }
        retrying(|| self.remove_dropped(collection)).await
    }

    /// Fills in the next resources; whether these were the last.
    async fn fill(&self, collection: CollectionId, index: &Index) -> Result<bool, StoreError> {
        let row = property_index::Entity::find_by_id(index.id).one(&self.inner.write).await?;
        if row.is_some_and(|row| row.filled_to == 0 && !row.is_complete) {
            // New resources of writers that did not see the index yet must be seen here.
            let mut txn = self.begin().await?;
            txn.hold_live_counts(collection).await?;
            txn.commit().await?;
        }
        let mut txn = self.begin().await?;
        let row = property_index::Entity::find_by_id(index.id).lock_exclusive().one(&txn.transaction).await?;
        let Some(row) = row.filter(|row| row.filled_to >= 0) else {
            // Dropped while this process did not renew it.
            drop(txn);
            self.renew_indexes(collection).await?;
            return Ok(false);
        };
        // Whoever stamps leaves out what is locked: a change that was acknowledged long ago would miss a pass because of this.
        txn.lock(collection).await?;
        // Tombstones, too: one may be coming to life at this moment.
        let ids: Vec<i64> = resource::Entity::find()
            .select_only()
            .column(resource::Column::Id)
            .filter(resource::Column::CollectionId.eq(collection.0))
            .filter(resource::Column::Id.gt(row.filled_to))
            .order_by_asc(resource::Column::Id)
            .limit(FILLED_AT_ONCE)
            .into_tuple()
            .all(&txn.transaction)
            .await?;
        let complete = row.is_complete || (ids.len() as u64) < FILLED_AT_ONCE;
        let last = ids.last().copied().unwrap_or(row.filled_to);
        let ids: Vec<ResourceId> = ids.into_iter().map(ResourceId).collect();
        // Locked: a writer's newer value must not be overwritten by what is read here. A writer reads what indexes there are
        // once it holds the lock.
        txn.lock_by_ids(ids.clone()).await?;
        txn.index_anew(&[(index.id, index.property.clone())], &ids).await?;
        property_index::Entity::update_many()
            .col_expr(property_index::Column::FilledTo, Expr::value(last))
            .col_expr(property_index::Column::IsComplete, Expr::value(complete))
            .filter(property_index::Column::Id.eq(index.id))
            .exec(&txn.transaction)
            .await?;
        txn.commit().await?;
        Ok(complete)
    }

    /// Removes some values of an index that was dropped, at last the index itself; whether there may be more.
    async fn remove_dropped(&self, collection: CollectionId) -> Result<bool, StoreError> {
        use property_index::Column::{CollectionId as Of, FilledTo};
        let dropped = property_index::Entity::find().filter(Of.eq(collection.0)).filter(FilledTo.lt(0));
        let Some(row) = dropped.one(&self.inner.read).await? else { return Ok(false) };
        let txn = self.begin().await?;
        let ids: Vec<i64> = property_value::Entity::find()
            .select_only()
            .column(property_value::Column::ResourceId)
            .filter(property_value::Column::IndexId.eq(row.id))
            .order_by_asc(property_value::Column::SortKey)
            .limit(FILLED_AT_ONCE)
            .into_tuple()
            .all(&txn.transaction)
            .await?;
        if ids.is_empty() {
            property_index::Entity::delete_by_id(row.id).exec(&txn.transaction).await?;
        } else {
            property_value::Entity::delete_many()
                .filter(property_value::Column::IndexId.eq(row.id))
                .filter(property_value::Column::ResourceId.is_in(ids))
                .exec(&txn.transaction)
                .await?;
        }
        txn.commit().await?;
        Ok(true)
    }
}

/// The indexes of a collection that every write keeps.
pub(super) fn kept(collection: CollectionId) -> Select<property_index::Entity> {
    use property_index::Column::{CollectionId as Of, FilledTo};
    property_index::Entity::find().filter(Of.eq(collection.0)).filter(FilledTo.gte(0))
}

const TYPES: [ValueType; 7] = [
    ValueType::Text,
    ValueType::Number,
    ValueType::Boolean,
    ValueType::Date,
    ValueType::Time,
    ValueType::Timestamp,
    ValueType::Uuid,
];

/// As the table says it.
const fn type_name(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "text",
        ValueType::Number => "number",
        ValueType::Boolean => "boolean",
        ValueType::Date => "date",
        ValueType::Time => "time",
        ValueType::Timestamp => "timestamp",
        ValueType::Uuid => "uuid",
    }
}
