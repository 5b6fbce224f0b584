//! Values of some properties, kept in order beside the documents, so that pages of large collections can be found by them.
//!
//! Writes keep the index of every property that was declared. It is read only once it is complete: what was there before
//! is filled in bit by bit.

use super::batch::{in_lists, row_chunks};
use super::{CollectionId, ResourceId, Store, StoreError, Txn, retrying, sort_key};
use crate::query::{Field, Target, ValueType};
use entities::{document, property_index, property_value, resource};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

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

/// An index that is kept.
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

    /// The key of what properties say.
    fn key(&self, properties: &serde_json::Value) -> Vec<u8> {
        let value = self.property.path.iter().try_fold(properties, |value, name| value.get(&**name));
        sort_key::of_property(self.property.value_type, value)
    }
}

/// The indexes of every collection that declared some.
#[derive(Debug, Default)]
pub(super) struct Indexes(RwLock<HashMap<CollectionId, Arc<Vec<Index>>>>);

impl Indexes {
    /// Those of one collection.
    pub(super) fn of(&self, collection: CollectionId) -> Arc<Vec<Index>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&collection).cloned().unwrap_or_default()
    }
}

impl Store {
    /// Keeps an index of these properties of the collection from now on, and of no others. All processes on one database must
    /// declare the same.
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

    async fn try_declare(
        &self,
        collection: CollectionId,
        properties: &[IndexedProperty],
    ) -> Result<Vec<Index>, StoreError> {
        use property_index::Column::{CollectionId as Of, FilledTo};
        let txn = self.begin().await?;
        let rows = property_index::Entity::find().filter(Of.eq(collection.0)).filter(FilledTo.gte(0));
        let mut rows = rows.all(&txn.transaction).await?;
        let mut indexes = Vec::with_capacity(properties.len());
        for property in properties {
            let (name, value_type) = (property.path.join("."), type_name(property.value_type));
            let known = rows.iter().position(|row| row.property == name && row.value_type == value_type);
            let (id, complete) = match known.map(|place| rows.swap_remove(place)) {
                Some(row) => (row.id, row.is_complete),
                None => {
                    if let Some(other) = rows.iter().position(|row| row.property == name) {
                        drop_index(&txn, rows.swap_remove(other).id).await?;
                    }
                    let is_empty = resource::Entity::find()
                        .filter(resource::Column::CollectionId.eq(collection.0))
                        .one(&txn.transaction)
                        .await?
                        .is_none();
                    let row = property_index::ActiveModel {
                        collection_id: Set(collection.0),
                        property: Set(name),
                        value_type: Set(value_type.to_owned()),
                        filled_to: Set(0),
                        is_complete: Set(is_empty),
                        ..Default::default()
                    };
                    (property_index::Entity::insert(row).exec(&txn.transaction).await?.last_insert_id, is_empty)
                }
            };
            indexes.push(Index { id, property: property.clone(), complete: AtomicBool::new(complete) });
        }
        for row in rows {
            drop_index(&txn, row.id).await?;
        }
        txn.commit().await?;
        Ok(indexes)
    }

    /// Does a part of what is left to do for the collection's indexes: fills in some resources, or removes values of
    /// properties that are declared no more. Returns whether there is more to do.
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
        let mut txn = self.begin().await?;
        let row = property_index::Entity::find_by_id(index.id).lock_exclusive().one(&txn.transaction).await?;
        // Declared otherwise by a process that came later.
        let Some(row) = row.filter(|row| row.filled_to >= 0) else { return Ok(false) };
        let ids: Vec<i64> = resource::Entity::find()
            .select_only()
            .column(resource::Column::Id)
            .filter(resource::Column::CollectionId.eq(collection.0))
            .filter(resource::Column::IsDeleted.eq(false))
            .filter(resource::Column::Id.gt(row.filled_to))
            .order_by_asc(resource::Column::Id)
            .limit(FILLED_AT_ONCE)
            .into_tuple()
            .all(&txn.transaction)
            .await?;
        let complete = row.is_complete || (ids.len() as u64) < FILLED_AT_ONCE;
        let last = ids.last().copied().unwrap_or(row.filled_to);
        let ids: Vec<ResourceId> = ids.into_iter().map(ResourceId).collect();
        // Locked: a writer's newer value must not be overwritten by what is read here.
        txn.lock_by_ids(ids.clone()).await?;
        let mut values = Vec::with_capacity(ids.len());
        for list in in_lists(&ids) {
            let list: Vec<i64> = list.into_iter().map(|id| id.0).collect();
            let rows: Vec<(i64, serde_json::Value)> = document::Entity::find()
                .select_only()
                .columns([document::Column::ResourceId, document::Column::Properties])
                .filter(document::Column::ResourceId.is_in(list.iter().copied()))
                .into_tuple()
                .all(&txn.transaction)
                .await?;
            values.extend(rows.iter().map(|(id, properties)| (index.id, index.key(properties), *id)));
            property_value::Entity::delete_many()
                .filter(property_value::Column::ResourceId.is_in(list))
                .filter(property_value::Column::IndexId.eq(index.id))
                .exec(&txn.transaction)
                .await?;
        }
        txn.write_values(values).await?;
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

/// Frees the index's name; its values go later.
async fn drop_index(txn: &Txn, id: i64) -> Result<(), StoreError> {
    property_index::Entity::update_many()
        .col_expr(property_index::Column::Property, Expr::value(format!("-{id}")))
        .col_expr(property_index::Column::FilledTo, Expr::value(-1))
        .col_expr(property_index::Column::IsComplete, Expr::value(false))
        .filter(property_index::Column::Id.eq(id))
        .exec(&txn.transaction)
        .await?;
    Ok(())
}

impl Txn {
    /// Writes the values of indexed properties, of which the resources have none yet.
    pub(super) async fn index_properties<'p>(
        &mut self,
        collection: CollectionId,
        contents: impl IntoIterator<Item = (ResourceId, &'p serde_json::Value)>,
    ) -> Result<(), StoreError> {
        let indexes = self.inner.indexes.of(collection);
        if indexes.is_empty() {
            return Ok(());
        }
        let values = contents
            .into_iter()
            .flat_map(|(id, properties)| indexes.iter().map(move |index| (index.id, index.key(properties), id.0)));
        self.write_values(values.collect()).await
    }

    /// Removes the values of these resources.
    pub(super) async fn forget_properties(
        &mut self,
        collection: CollectionId,
        ids: &[ResourceId],
    ) -> Result<(), StoreError> {
        if self.inner.indexes.of(collection).is_empty() {
            return Ok(());
        }
        for list in in_lists(ids) {
            let theirs = property_value::Column::ResourceId.is_in(list.into_iter().map(|id| id.0));
            property_value::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        }
        Ok(())
    }

    async fn write_values(&mut self, mut values: Vec<(i64, Vec<u8>, i64)>) -> Result<(), StoreError> {
        // In the order of the index: fewer pages are touched, and two writers meet in one order.
        values.sort_unstable();
        for chunk in row_chunks(self.inner.dialect, 3, &values) {
            let rows = chunk.iter().map(|(index, key, resource)| property_value::ActiveModel {
                index_id: Set(*index),
                sort_key: Set(key.clone()),
                resource_id: Set(*resource),
            });
            property_value::Entity::insert_many(rows).exec_without_returning(&self.transaction).await?;
        }
        Ok(())
    }
}

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
