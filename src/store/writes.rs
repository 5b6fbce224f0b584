//! Writing resources: metadata, document and unique values together.

use super::batch::in_lists;
use super::connection::missing;
use super::rows::{Columns, Kind, Write};
use super::states;
use super::{CollectionId, MAX_KEY_CHARS, Properties, ResourceId, StoreError, Txn};
use crate::protocol::{Endpoint, Stamp, SyncState};
use bytes::Bytes;
use entities::{document, resource};
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, QueryFilter, Value};
use std::collections::HashMap;
use uuid::Uuid;

/// A resource as it shall be.
#[derive(Debug, Clone)]
pub struct ResourceWrite {
    /// From [`super::Store::reserve_ids`] when it is new.
    pub id: ResourceId,
    /// `sdata:key`, at most [`MAX_KEY_CHARS`] characters.
    pub key: String,
    /// `sdata:uuid` as it is now; another UUID is given by [`Txn::link`] and [`Txn::set_uuids`] alone.
    pub uuid: Option<Uuid>,
    /// The change that makes it so.
    pub state: NewState,
    /// Who made the change.
    pub user: Option<String>,
    /// Whether it becomes a tombstone.
    pub deleted: bool,
    /// Validator of the content, at most 40 characters, as `http:etag` is written.
    pub etag: String,
    /// The content; `None` for a tombstone, whose document and unique values go.
    pub content: Option<Content>,
}

/// The state that a write leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewState {
    /// A change made here at this time; it gets its tick when one is needed (sync 2.2).
    Unstamped(Stamp),
    /// A change made elsewhere, with its state. Only under [`Txn::lock`].
    Stamped(SyncState),
}

/// What a live resource holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// As a sync feed sends it.
    pub payload: Bytes,
    /// The filterable properties.
    pub properties: Properties,
    /// Values that nobody else in the collection may bear: (property, value).
    pub unique: Vec<(String, String)>,
    /// Whether the payload names resources by key that have no UUID yet.
    pub has_key_references: bool,
}

const RESOURCE: Columns<12> = Columns {
    table: "resource",
    columns: [
        ("id", Kind::BigInt),
        ("collection_id", Kind::BigInt),
        ("resource_key", Kind::Text),
        ("uuid", Kind::Uuid),
        ("endpoint_id", Kind::BigInt),
        ("tick", Kind::BigInt),
        ("modified_at", Kind::BigInt),
        ("modified_by", Kind::Text),
        ("etag", Kind::Text),
        ("is_deleted", Kind::Bool),
        ("has_key_references", Kind::Bool),
        ("created_at", Kind::BigInt),
    ],
};

/// What a change of a resource overwrites; its key and its collection stay. The last two, which indexes are about, only for those that
/// die, come to life or have no UUID yet: no index has to be looked after for what is not named.
const CHANGED: [&str; 8] =
    ["endpoint_id", "tick", "modified_at", "modified_by", "etag", "has_key_references", "is_deleted", "uuid"];

const DOCUMENT: Columns<3> = Columns {
    table: "document",
    columns: [("resource_id", Kind::BigInt), ("payload", Kind::Bytes), ("properties", Kind::Json)],
};

impl Txn {
    /// Makes new resources: a few statements, whatever their number.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when a key, UUID, state or unique value is taken; [`StoreError::TooLong`] for a key.
    pub async fn insert(&mut self, collection: CollectionId, writes: &[ResourceWrite]) -> Result<(), StoreError> {
        let endpoints = self.endpoints_of(writes).await?;
        self.write_rows(&RESOURCE, Write::Insert, rows(collection, writes, &endpoints)?).await?;
        self.count_live(collection, count_of_live(writes));
        let contents = contents(writes);
        let indexes = self.kept_indexes(collection).await?;
        self.write_documents(&contents).await?;
        self.write_unique_values(collection, &contents).await?;
        self.index_properties(&indexes, &contents).await?;
        self.remember_inserted(collection, indexes, contents.into_iter().map(|(id, _)| id));
        Ok(())
    }

    /// Overwrites resources that this transaction has locked, each at most once in `writes`.
    ///
    /// # Errors
    /// As [`Txn::insert`].
    pub async fn update(&mut self, collection: CollectionId, writes: &[ResourceWrite]) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        let endpoints = self.endpoints_of(writes).await?;
        let ids: Vec<ResourceId> = writes.iter().map(|write| write.id).collect();
        let before = self.dead_or_unlinked(&ids).await?;
        let turns = |write: &&ResourceWrite| before.get(&write.id).copied().unwrap_or_default() != write.deleted;
        let revived = writes.iter().filter(turns).filter(|write| !write.deleted).count();
        let died = writes.iter().filter(turns).filter(|write| write.deleted).count();
        self.count_live(collection, signed(revived)? - signed(died)?);
        let (turning, staying): (Vec<_>, Vec<_>) =
            writes.iter().partition(|write| turns(write) || before.contains_key(&write.id));
        let [staying_columns @ .., _, _] = &CHANGED;
        self.write_rows(&RESOURCE, Write::Change(staying_columns), rows(collection, staying, &endpoints)?).await?;
        self.write_rows(&RESOURCE, Write::Change(&CHANGED), rows(collection, turning, &endpoints)?).await?;
        let gone: Vec<ResourceId> =
            writes.iter().filter(|write| write.content.is_none()).map(|write| write.id).collect();
        for list in in_lists(&gone) {
            let gone = self.inner.dialect.among(document::Column::ResourceId, list.into_iter().map(|id| id.0));
            document::Entity::delete_many().filter(gone).exec(&self.transaction).await?;
        }
        self.overwrite_contents(collection, &ids, &contents(writes)).await
    }

    /// Replaces the contents of live resources of one collection and nothing else: it is no change (references that gained a UUID,
    /// for example).
    ///
    /// # Errors
    /// As [`Txn::insert`].
    pub async fn replace_content(
        &mut self,
        collection: CollectionId,
        contents: &[(ResourceId, Content)],
    ) -> Result<(), StoreError> {
        for flag in [false, true] {
            let ids = contents.iter().filter(|(_, content)| content.has_key_references == flag).map(|(id, _)| *id);
            for list in in_lists(&ids.collect::<Vec<_>>()) {
                resource::Entity::update_many()
                    .col_expr(resource::Column::HasKeyReferences, Expr::value(flag))
                    .filter(self.inner.dialect.among(resource::Column::Id, list.into_iter().map(|id| id.0)))
                    .exec(&self.transaction)
                    .await?;
            }
        }
        let ids: Vec<ResourceId> = contents.iter().map(|(id, _)| *id).collect();
        let contents: Vec<_> = contents.iter().map(|(id, content)| (*id, content)).collect();
        self.overwrite_contents(collection, &ids, &contents).await
    }

    async fn endpoints_of(&mut self, writes: &[ResourceWrite]) -> Result<HashMap<Endpoint, i64>, StoreError> {
        let states = writes.iter().filter_map(|write| match &write.state {
            NewState::Stamped(state) => Some(state),
            NewState::Unstamped(_) => None,
        });
        self.session().endpoint_ids(&states::endpoints_of(states)).await
    }

    /// Replaces what is known of the contents of these resources.
    async fn overwrite_contents(
        &mut self,
        collection: CollectionId,
        ids: &[ResourceId],
        contents: &[(ResourceId, &Content)],
    ) -> Result<(), StoreError> {
        self.write_documents(contents).await?;
        self.replace_unique_values(collection, ids, contents).await?;
        let indexes = self.kept_indexes(collection).await?;
        self.replace_properties(&indexes, ids, contents).await
    }

    async fn write_documents(&mut self, contents: &[(ResourceId, &Content)]) -> Result<(), StoreError> {
        let rows = contents
            .iter()
            .map(|(id, content)| [id.0.into(), content.payload.to_vec().into(), content.properties.to_string().into()]);
        self.write_rows(&DOCUMENT, Write::Overwrite(&["payload", "properties"]), rows.collect()).await
    }
}

fn count_of_live(writes: &[ResourceWrite]) -> i64 {
    i64::try_from(writes.iter().filter(|write| !write.deleted).count()).unwrap_or(i64::MAX)
}

fn contents(writes: &[ResourceWrite]) -> Vec<(ResourceId, &Content)> {
    writes.iter().filter_map(|write| Some((write.id, write.content.as_ref()?))).collect()
}

fn signed(count: usize) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(super::connection::out_of_range)
}

fn rows<'w>(
    collection: CollectionId,
    writes: impl IntoIterator<Item = &'w ResourceWrite>,
    endpoints: &HashMap<Endpoint, i64>,
) -> Result<Vec<[Value; 12]>, StoreError> {
    let row = |write: &ResourceWrite| {
        let length = write.key.chars().count();
        if length > MAX_KEY_CHARS {
            return Err(StoreError::TooLong { what: "a resource's key", limit: MAX_KEY_CHARS, length });
        }
        let (endpoint, tick, stamp, user) = match &write.state {
            NewState::Unstamped(stamp) => (None, None, *stamp, &write.user),
            NewState::Stamped(state) => {
                let endpoint = endpoints.get(&state.endpoint).copied();
                let endpoint = endpoint.ok_or_else(|| missing(format_args!("endpoint {}", state.endpoint)))?;
                let user = if state.user.is_some() { &state.user } else { &write.user };
                (Some(endpoint), Some(state.tick.to_i64()), state.stamp, user)
            }
        };
        Ok([
            write.id.0.into(),
            collection.0.into(),
            write.key.clone().into(),
            write.uuid.into(),
            endpoint.into(),
            tick.into(),
            stamp.to_micros().into(),
            user.clone().into(),
            write.etag.clone().into(),
            write.deleted.into(),
            write.content.as_ref().is_some_and(|content| content.has_key_references).into(),
            // Only for a new row: an overwritten one keeps its own.
            stamp.to_micros().into(),
        ])
    };
    writes.into_iter().map(row).collect()
}
