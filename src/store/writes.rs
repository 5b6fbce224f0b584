//! Writing resources: metadata, document and unique values together.

use super::batch::{content_chunks, in_lists, row_chunks};
use super::connection::missing;
use super::dialect::Dialect;
use super::property_values::KeptIndex;
use super::states;
use super::{CollectionId, Duplicate, MAX_KEY_CHARS, Properties, ResourceId, StoreError, Txn};
use crate::protocol::{Endpoint, Stamp, SyncState};
use bytes::Bytes;
use entities::{document, resource, unique_value};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
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

/// Values of a row of `resource`.
const RESOURCE_COLUMNS: usize = 12;

impl Txn {
    /// Makes new resources: a few statements, whatever their number.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when a key, UUID, state or unique value is taken; [`StoreError::TooLong`] for a key.
    pub async fn insert(&mut self, collection: CollectionId, writes: &[ResourceWrite]) -> Result<(), StoreError> {
        let endpoints = self.endpoints_of(writes).await?;
        for chunk in row_chunks(self.inner.dialect, RESOURCE_COLUMNS, writes) {
            let rows = rows(collection, chunk, &endpoints)?;
            resource::Entity::insert_many(rows).exec_without_returning(&self.transaction).await?;
        }
        self.count_live(collection, count_of_live(writes));
        let contents = contents(writes);
        let indexes = self.kept_indexes(collection).await?;
        self.write_contents(collection, &contents, &indexes).await?;
        self.remember_inserted(collection, indexes, contents.into_iter().map(|(id, _)| id));
        Ok(())
    }

    /// Overwrites resources that this transaction has locked, each at most once in `writes`.
    ///
    /// # Errors
    /// As [`Txn::insert`].
    pub async fn update(&mut self, collection: CollectionId, writes: &[ResourceWrite]) -> Result<(), StoreError> {
        use resource::Column::{
            EndpointId, Etag, HasKeyReferences, Id, IsDeleted, ModifiedAt, ModifiedBy, ResourceKey, Tick, Uuid,
        };
        let endpoints = self.endpoints_of(writes).await?;
        let before = self.live_among(&writes.iter().map(|write| write.id).collect::<Vec<_>>()).await?;
        self.count_live(collection, count_of_live(writes) - before);
        for chunk in row_chunks(self.inner.dialect, RESOURCE_COLUMNS, writes) {
            let rows = rows(collection, chunk, &endpoints)?;
            let updated =
                [ResourceKey, Uuid, EndpointId, Tick, ModifiedAt, ModifiedBy, Etag, IsDeleted, HasKeyReferences];
            resource::Entity::insert_many(rows)
                .on_conflict(Dialect::overwrite([Id], updated))
                .exec_without_returning(&self.transaction)
                .await?;
        }
        let gone: Vec<ResourceId> =
            writes.iter().filter(|write| write.content.is_none()).map(|write| write.id).collect();
        for list in in_lists(&gone) {
            let gone = document::Column::ResourceId.is_in(list.into_iter().map(|id| id.0));
            document::Entity::delete_many().filter(gone).exec(&self.transaction).await?;
        }
        let ids: Vec<ResourceId> = writes.iter().map(|write| write.id).collect();
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
                    .filter(resource::Column::Id.is_in(list.into_iter().map(|id| id.0)))
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

    async fn forget_unique_values(&mut self, ids: &[ResourceId]) -> Result<(), StoreError> {
        for list in in_lists(ids) {
            let theirs = unique_value::Column::ResourceId.is_in(list.into_iter().map(|id| id.0));
            unique_value::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        }
        Ok(())
    }

    /// Replaces what is known of the contents of these resources.
    async fn overwrite_contents(
        &mut self,
        collection: CollectionId,
        ids: &[ResourceId],
        contents: &[(ResourceId, &Content)],
    ) -> Result<(), StoreError> {
        self.forget_unique_values(ids).await?;
        let indexes = self.kept_indexes(collection).await?;
        if !indexes.is_empty() {
            self.forget_properties(ids).await?;
        }
        self.write_contents(collection, contents, &indexes).await
    }

    async fn write_contents(
        &mut self,
        collection: CollectionId,
        contents: &[(ResourceId, &Content)],
        indexes: &[KeptIndex],
    ) -> Result<(), StoreError> {
        use document::Column::{Payload, Properties as Of, ResourceId as Id};
        for chunk in content_chunks(self.inner.dialect, 3, contents, |(_, content)| content.payload.len()) {
            let rows = chunk.iter().map(|(id, content)| document::ActiveModel {
                resource_id: Set(id.0),
                payload: Set(content.payload.to_vec()),
                properties: Set(content.properties.values()),
            });
            document::Entity::insert_many(rows)
                .on_conflict(Dialect::overwrite([Id], [Payload, Of]))
                .exec_without_returning(&self.transaction)
                .await?;
        }
        let values: Vec<_> =
            contents.iter().flat_map(|(id, content)| content.unique.iter().map(move |pair| (*id, pair))).collect();
        for chunk in row_chunks(self.inner.dialect, 4, &values) {
            let rows = chunk.iter().map(|(id, (property, value))| unique_value::ActiveModel {
                collection_id: Set(collection.0),
                property: Set(property.clone()),
                value_hash: Set(value_hash(value)),
                resource_id: Set(id.0),
            });
            let inserted = unique_value::Entity::insert_many(rows).exec_without_returning(&self.transaction).await;
            inserted.map_err(|error| StoreError::from(error).naming_duplicates(Duplicate::UniqueValue))?;
        }
        self.index_properties(indexes, contents.iter().map(|(id, content)| (*id, &content.properties))).await
    }
}

/// What stands in the index for a unique value of any length.
pub(super) fn value_hash(value: &str) -> Vec<u8> {
    blake3::hash(value.as_bytes()).as_bytes().to_vec()
}

fn count_of_live(writes: &[ResourceWrite]) -> i64 {
    i64::try_from(writes.iter().filter(|write| !write.deleted).count()).unwrap_or(i64::MAX)
}

fn contents(writes: &[ResourceWrite]) -> Vec<(ResourceId, &Content)> {
    writes.iter().filter_map(|write| Some((write.id, write.content.as_ref()?))).collect()
}

fn rows(
    collection: CollectionId,
    writes: &[ResourceWrite],
    endpoints: &HashMap<Endpoint, i64>,
) -> Result<Vec<resource::ActiveModel>, StoreError> {
    writes
        .iter()
        .map(|write| {
            let length = write.key.chars().count();
            if length > MAX_KEY_CHARS {
                return Err(StoreError::TooLong { what: "a resource's key", limit: MAX_KEY_CHARS, length });
            }
            let (endpoint, tick, stamp, user) = match &write.state {
                NewState::Unstamped(stamp) => (None, None, *stamp, write.user.clone()),
                NewState::Stamped(state) => {
                    let endpoint = endpoints.get(&state.endpoint).copied();
                    let endpoint = endpoint.ok_or_else(|| missing(format_args!("endpoint {}", state.endpoint)))?;
                    (Some(endpoint), Some(state.tick.to_i64()), state.stamp, state.user.clone().or(write.user.clone()))
                }
            };
            Ok(resource::ActiveModel {
                id: Set(write.id.0),
                collection_id: Set(collection.0),
                resource_key: Set(write.key.clone()),
                uuid: Set(write.uuid),
                endpoint_id: Set(endpoint),
                tick: Set(tick),
                modified_at: Set(stamp.to_micros()),
                modified_by: Set(user),
                etag: Set(write.etag.clone()),
                is_deleted: Set(write.deleted),
                has_key_references: Set(write.content.as_ref().is_some_and(|content| content.has_key_references)),
                // Only for a new row: an overwritten one keeps its own.
                created_at: Set(stamp.to_micros()),
            })
        })
        .collect()
}
