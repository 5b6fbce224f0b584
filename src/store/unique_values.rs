//! Values that nobody else in the collection may bear, and who bears them.

use super::batch::in_lists;
use super::rows::{Columns, Kind, Write};
use super::{CollectionId, Content, Duplicate, ResourceId, StoreError, Txn};
use entities::unique_value;
use sea_orm::{EntityTrait, QueryFilter, QuerySelect};
use std::collections::HashSet;

const UNIQUE_VALUE: Columns<4> = Columns {
    table: "unique_value",
    columns: [
        ("collection_id", Kind::BigInt),
        ("property", Kind::Text),
        ("value_hash", Kind::Bytes),
        ("resource_id", Kind::BigInt),
    ],
};

/// A property, what stands in the index for the value, and who bears it.
type Borne = (String, Vec<u8>, i64);

impl Txn {
    /// Writes the unique values of resources that have none yet.
    pub(super) async fn write_unique_values(
        &mut self,
        collection: CollectionId,
        contents: &[(ResourceId, &Content)],
    ) -> Result<(), StoreError> {
        self.write_borne(collection, borne(contents)).await
    }

    /// Makes the unique values of these resources what their contents say. They rarely change: what is there is looked at first.
    pub(super) async fn replace_unique_values(
        &mut self,
        collection: CollectionId,
        ids: &[ResourceId],
        contents: &[(ResourceId, &Content)],
    ) -> Result<(), StoreError> {
        let mut before = HashSet::new();
        for list in in_lists(ids) {
            use unique_value::Column::{Property, ResourceId, ValueHash};
            let rows: Vec<Borne> = unique_value::Entity::find()
                .select_only()
                .columns([Property, ValueHash, ResourceId])
                .filter(self.inner.dialect.among(ResourceId, list.into_iter().map(|id| id.0)))
                .into_tuple()
                .all(&self.transaction)
                .await?;
            before.extend(rows);
        }
        let mut values = borne(contents);
        let after: HashSet<Borne> = values.iter().cloned().collect();
        let changed: HashSet<i64> = before.symmetric_difference(&after).map(|(.., resource)| *resource).collect();
        // All are free before any is given: they may go from one of these resources to another.
        for list in in_lists(&changed.iter().copied().collect::<Vec<_>>()) {
            let theirs = self.inner.dialect.among(unique_value::Column::ResourceId, list);
            unique_value::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        }
        values.retain(|(.., resource)| changed.contains(resource));
        self.write_borne(collection, values).await
    }

    async fn write_borne(&mut self, collection: CollectionId, mut values: Vec<Borne>) -> Result<(), StoreError> {
        // In the order of the key: two writers meet in one order.
        values.sort_unstable();
        let row =
            |(property, hash, resource): Borne| [collection.0.into(), property.into(), hash.into(), resource.into()];
        let written = self.write_rows(&UNIQUE_VALUE, Write::Insert, values.into_iter().map(row).collect()).await;
        written.map_err(|error| error.naming_duplicates(Duplicate::UniqueValue))
    }
}

fn borne(contents: &[(ResourceId, &Content)]) -> Vec<Borne> {
    let values = contents.iter().flat_map(|(id, content)| content.unique.iter().map(move |pair| (*id, pair)));
    values.map(|(id, (property, value))| (property.clone(), value_hash(value), id.0)).collect()
}

/// What stands in the index for a unique value of any length.
pub(super) fn value_hash(value: &str) -> Vec<u8> {
    blake3::hash(value.as_bytes()).as_bytes().to_vec()
}
