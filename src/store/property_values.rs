//! What every write does for the property index: it keeps the values of whatever indexes the database has at that moment.
//!
//! No lock is taken for it. A writer reads what indexes there are while it holds the rows it changes, for which filling waits;
//! new rows, which filling cannot see, are looked after once more at the end, when the writer holds the collection's count.

use super::batch::in_lists;
use super::property_index::{IndexedProperty, kept};
use super::rows::{Columns, Kind, Write};
use super::{CollectionId, Content, ResourceId, StoreError, Txn};
use entities::{document, property_value};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::collections::{BTreeMap, HashSet};

const PROPERTY_VALUE: Columns<3> = Columns {
    table: "property_value",
    columns: [("index_id", Kind::BigInt), ("sort_key", Kind::Bytes), ("resource_id", Kind::BigInt)],
};

/// An index as writers know it: its id and its property.
pub(super) type KeptIndex = (i64, IndexedProperty);

/// An index, the key of a value in it, and who bears the value.
type IndexedValue = (i64, Vec<u8>, i64);

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

    /// Writes the values of indexed properties of resources that have none yet.
    pub(super) async fn index_properties(
        &mut self,
        indexes: &[KeptIndex],
        contents: &[(ResourceId, &Content)],
    ) -> Result<(), StoreError> {
        self.write_values(indexed(indexes, contents)).await
    }

    /// Makes the values in these indexes what the contents of these resources say. Most stay as they are: what is there is
    /// looked at first.
    pub(super) async fn replace_properties(
        &mut self,
        indexes: &[KeptIndex],
        ids: &[ResourceId],
        contents: &[(ResourceId, &Content)],
    ) -> Result<(), StoreError> {
        if indexes.is_empty() {
            return Ok(());
        }
        let mut before = HashSet::new();
        for list in in_lists(ids) {
            use property_value::Column::{IndexId, ResourceId, SortKey};
            let rows: Vec<IndexedValue> = property_value::Entity::find()
                .select_only()
                .columns([IndexId, SortKey, ResourceId])
                .filter(self.inner.dialect.among(ResourceId, list.into_iter().map(|id| id.0)))
                .into_tuple()
                .all(&self.transaction)
                .await?;
            before.extend(rows.into_iter().filter(|(index, ..)| indexes.iter().any(|(kept, _)| kept == index)));
        }
        let mut values = indexed(indexes, contents);
        let after: HashSet<IndexedValue> = values.iter().cloned().collect();
        let changed: HashSet<i64> = before.symmetric_difference(&after).map(|(.., resource)| *resource).collect();
        self.forget_properties(&changed.iter().copied().map(ResourceId).collect::<Vec<_>>()).await?;
        values.retain(|(.., resource)| changed.contains(resource));
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
        if self.inner.dialect.has_single_writer() {
            // While this one writes, nobody else declares.
            return Ok(());
        }
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
    async fn forget_properties(&mut self, ids: &[ResourceId]) -> Result<(), StoreError> {
        for list in in_lists(ids) {
            let theirs = self.inner.dialect.among(property_value::Column::ResourceId, list.into_iter().map(|id| id.0));
            property_value::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        }
        Ok(())
    }

    async fn write_values(&mut self, mut values: Vec<IndexedValue>) -> Result<(), StoreError> {
        // In the order of the index: fewer pages are touched, and two writers meet in one order.
        values.sort_unstable();
        let rows = values.into_iter().map(|(index, key, resource)| [index.into(), key.into(), resource.into()]);
        self.write_rows(&PROPERTY_VALUE, Write::Insert, rows.collect()).await
    }
}

/// The values of contents in these indexes.
fn indexed(indexes: &[KeptIndex], contents: &[(ResourceId, &Content)]) -> Vec<IndexedValue> {
    if indexes.is_empty() {
        return Vec::new();
    }
    let mut names: Vec<&str> = indexes.iter().filter_map(|(_, of)| of.path.first()).map(AsRef::as_ref).collect();
    names.sort_unstable();
    names.dedup();
    let mut values = Vec::with_capacity(contents.len() * indexes.len());
    for (id, content) in contents {
        let properties = content.properties.named(&names);
        values.extend(indexes.iter().map(|(index, of)| (*index, of.key(&properties), id.0)));
    }
    values
}
