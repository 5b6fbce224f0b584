//! What every write does for the property index: it keeps the values of whatever indexes the database has at that moment.
//!
//! No lock is taken for it. A writer reads what indexes there are while it holds the rows it changes, for which filling waits;
//! new rows, which filling cannot see, are looked after once more at the end, when the writer holds the collection's count.

use super::batch::in_lists;
use super::property_index::{IndexedProperty, kept};
use super::rows::{Columns, Kind, Write};
use super::{CollectionId, Properties, ResourceId, StoreError, Txn};
use entities::{document, property_value};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::collections::BTreeMap;

const PROPERTY_VALUE: Columns<3> = Columns {
    table: "property_value",
    columns: [("index_id", Kind::BigInt), ("sort_key", Kind::Bytes), ("resource_id", Kind::BigInt)],
};

/// An index as writers know it: its id and its property.
pub(super) type KeptIndex = (i64, IndexedProperty);

/// What a transaction inserted.
#[derive(Debug, Default)]
pub(super) struct Inserted(BTreeMap<CollectionId, (Vec<KeptIndex>, Vec<ResourceId>)>);

impl Inserted {
    /// Whether something was inserted into this collection.
    pub(super) fn is_of(&self, collection: CollectionId) -> bool {
        self.0.contains_key(&collection)
    }
}

impl Txn {
    /// The indexes that the database has of the collection now. To be asked for only while the resources are locked.
    pub(super) async fn kept_indexes(&self, collection: CollectionId) -> Result<Vec<KeptIndex>, StoreError> {
        let rows = kept(collection).all(&self.transaction).await?;
        Ok(rows.iter().filter_map(|row| Some((row.id, IndexedProperty::of_row(row)?))).collect())
    }

    /// Writes the values of indexed properties, of which the resources have none yet.
    pub(super) async fn index_properties<'p>(
        &mut self,
        indexes: &[KeptIndex],
        contents: impl IntoIterator<Item = (ResourceId, &'p Properties)>,
    ) -> Result<(), StoreError> {
        if indexes.is_empty() {
            return Ok(());
        }
        let mut values = Vec::new();
        for (id, properties) in contents {
            let properties = properties.values();
            values.extend(indexes.iter().map(|(index, of)| (*index, of.key(&properties), id.0)));
        }
        self.write_values(values).await
    }

    /// Remembers new resources, whose values these indexes have, until this transaction ends.
    pub(super) fn remember_inserted(
        &mut self,
        collection: CollectionId,
        indexes: Vec<KeptIndex>,
        ids: impl IntoIterator<Item = ResourceId>,
    ) {
        // The first list is the shortest: values that a later one has are written again.
        self.inserted.0.entry(collection).or_insert_with(|| (indexes, Vec::new())).1.extend(ids);
    }

    /// Gives indexes that were declared meanwhile the values of new resources. Who fills these indexes has waited for the
    /// count, so this comes behind [`Txn::write_live_counts`].
    pub(super) async fn index_inserted(&mut self) -> Result<(), StoreError> {
        for (collection, (known, ids)) in std::mem::take(&mut self.inserted.0) {
            let mut late = self.kept_indexes(collection).await?;
            late.retain(|index| !known.contains(index));
            if !late.is_empty() {
                self.index_anew(&late, &ids).await?;
            }
        }
        Ok(())
    }

    /// Gives these indexes the values of what documents say now, in place of any they have.
    pub(super) async fn index_anew(&mut self, indexes: &[KeptIndex], ids: &[ResourceId]) -> Result<(), StoreError> {
        use property_value::Column::{IndexId, ResourceId as Of};
        let mut values = Vec::with_capacity(ids.len() * indexes.len());
        for list in in_lists(ids) {
            let list: Vec<i64> = list.into_iter().map(|id| id.0).collect();
            let rows: Vec<(i64, serde_json::Value)> = document::Entity::find()
                .select_only()
                .columns([document::Column::ResourceId, document::Column::Properties])
                .filter(self.inner.dialect.among(document::Column::ResourceId, list.iter().copied()))
                .into_tuple()
                .all(&self.transaction)
                .await?;
            for (id, properties) in &rows {
                values.extend(indexes.iter().map(|(index, of)| (*index, of.key(properties), *id)));
            }
            property_value::Entity::delete_many()
                .filter(self.inner.dialect.among(Of, list))
                .filter(IndexId.is_in(indexes.iter().map(|(index, _)| *index)))
                .exec(&self.transaction)
                .await?;
        }
        self.write_values(values).await
    }

    /// Removes the values of these resources.
    pub(super) async fn forget_properties(&mut self, ids: &[ResourceId]) -> Result<(), StoreError> {
        for list in in_lists(ids) {
            let theirs = self.inner.dialect.among(property_value::Column::ResourceId, list.into_iter().map(|id| id.0));
            property_value::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        }
        Ok(())
    }

    async fn write_values(&mut self, mut values: Vec<(i64, Vec<u8>, i64)>) -> Result<(), StoreError> {
        // In the order of the index: fewer pages are touched, and two writers meet in one order.
        values.sort_unstable();
        let rows = values.into_iter().map(|(index, key, resource)| [index.into(), key.into(), resource.into()]);
        self.write_rows(&PROPERTY_VALUE, Write::Insert, rows.collect()).await
    }
}
