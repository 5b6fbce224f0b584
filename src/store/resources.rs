//! Reading resources: their metadata and their documents.

use super::batch::in_lists;
use super::dialect::Dialect;
use super::session::Session;
use super::states;
use super::{CollectionId, ResourceId, Store, StoreError, Txn};
use crate::protocol::{Stamp, SyncState};
use bytes::Bytes;
use entities::{document, resource, retired_uuid, united_resource, uuid_alias};
use sea_orm::sea_query::{Expr, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationDef, Select,
};
use std::collections::HashMap;
use std::hash::Hash;
use uuid::Uuid;

/// What is known of a resource beside its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResource {
    /// Its id in this database.
    pub id: ResourceId,
    /// `sdata:key`.
    pub key: String,
    /// `sdata:uuid`; `None` while nobody linked it.
    pub uuid: Option<Uuid>,
    /// Its last change; `None` while that waits for its tick.
    pub state: Option<SyncState>,
    /// When it was last changed.
    pub stamp: Stamp,
    /// Who changed it last.
    pub user: Option<String>,
    /// Validator of the content, as `http:etag` is written.
    pub etag: String,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// Whether its content names resources by key that had no UUID when it was written.
    pub has_key_references: bool,
    /// The stamp of the first version that was here.
    pub created: Stamp,
}

/// A resource with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What is known of it.
    pub resource: StoredResource,
    /// The content as it was written; `None` for a tombstone.
    pub payload: Option<Bytes>,
}

/// Where UUIDs are borne: by a resource, formerly by one, or by none any more but references still lead there.
const RESOURCE: Bearers<resource::Entity> =
    (resource::Entity, [resource::Column::CollectionId, resource::Column::Uuid, resource::Column::Id]);
const UUID_ALIAS: Bearers<uuid_alias::Entity> =
    (uuid_alias::Entity, [uuid_alias::Column::CollectionId, uuid_alias::Column::Uuid, uuid_alias::Column::ResourceId]);
const RETIRED_UUID: Bearers<retired_uuid::Entity> = (
    retired_uuid::Entity,
    [retired_uuid::Column::CollectionId, retired_uuid::Column::Uuid, retired_uuid::Column::ResourceId],
);

/// A table with UUIDs, and its columns for collection, UUID and resource.
type Bearers<E> = (E, [<E as EntityTrait>::Column; 3]);

/// A resource and its document as they are read together.
#[derive(FromQueryResult)]
pub(super) struct DocumentRow {
    #[sea_orm(nested)]
    resource: resource::Model,
    payload: Option<Vec<u8>>,
}

/// Resources with their payloads.
pub(super) fn with_payload() -> Select<resource::Entity> {
    let document: RelationDef = resource::Entity::belongs_to(document::Entity)
        .from(resource::Column::Id)
        .to(document::Column::ResourceId)
        .into();
    resource::Entity::find().join(JoinType::LeftJoin, document).column(document::Column::Payload)
}

impl<C: ConnectionTrait> Session<'_, C> {
    /// What rows of `resource` say, with the endpoints of their states.
    pub(super) async fn stored(&self, rows: Vec<resource::Model>) -> Result<Vec<StoredResource>, StoreError> {
        let endpoints = self.endpoints(rows.iter().filter_map(|row| row.endpoint_id).collect()).await?;
        rows.into_iter()
            .map(|row| {
                let state = (row.endpoint_id, row.tick, Some(row.modified_at));
                let state = states::from_columns(&endpoints, state, row.modified_by.clone())?;
                Ok(StoredResource {
                    id: ResourceId(row.id),
                    key: row.resource_key,
                    uuid: row.uuid,
                    state,
                    stamp: Stamp::from_micros(row.modified_at),
                    user: row.modified_by,
                    etag: row.etag,
                    deleted: row.is_deleted,
                    has_key_references: row.has_key_references,
                    created: Stamp::from_micros(row.created_at),
                })
            })
            .collect()
    }

    pub(super) async fn resources(&self, query: Select<resource::Entity>) -> Result<Vec<StoredResource>, StoreError> {
        self.stored(query.all(self.connection).await?).await
    }

    /// Runs a query made from [`with_payload`].
    pub(super) async fn documents(&self, query: Select<resource::Entity>) -> Result<Vec<Document>, StoreError> {
        self.documents_of(query.into_model::<DocumentRow>().all(self.connection).await?).await
    }

    /// Documents of rows that were read.
    pub(super) async fn documents_of(&self, rows: Vec<DocumentRow>) -> Result<Vec<Document>, StoreError> {
        let (rows, payloads): (Vec<_>, Vec<_>) = rows.into_iter().map(|row| (row.resource, row.payload)).unzip();
        let resources = self.stored(rows).await?;
        let payloads = payloads.into_iter().map(|payload| payload.map(Bytes::from));
        Ok(resources.into_iter().zip(payloads).map(|(resource, payload)| Document { resource, payload }).collect())
    }

    /// Which resources have these keys.
    pub(super) async fn ids_by_key(
        &self,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<HashMap<String, ResourceId>, StoreError> {
        let mut ids = HashMap::new();
        for list in in_lists(keys) {
            let rows: Vec<(String, i64)> = of_keys(self.inner.dialect, collection, list, resource::Entity::find())
                .select_only()
                .columns([resource::Column::ResourceKey, resource::Column::Id])
                .into_tuple()
                .all(self.connection)
                .await?;
            ids.extend(rows.into_iter().map(|(key, id)| (key, ResourceId(id))));
        }
        Ok(ids)
    }

    /// Which resources bear these UUIDs, now or formerly; who bears it now goes first.
    pub(super) async fn ids_by_uuid(
        &self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, ResourceId>, StoreError> {
        let mut ids = HashMap::new();
        for list in in_lists(uuids) {
            let former = borne(self.inner.dialect, UUID_ALIAS, collection, &list, 1);
            let query = borne(self.inner.dialect, RESOURCE, collection, &list, 0).union(UnionType::All, former).take();
            self.add_bearers(&mut ids, query).await?;
        }
        Ok(ids)
    }

    /// Where references by these UUIDs lead: to who bears it now, else formerly, else to the resource it was taken from.
    async fn ids_by_reference(
        &self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, ResourceId>, StoreError> {
        let mut ids = HashMap::new();
        for list in in_lists(uuids) {
            let query = borne(self.inner.dialect, RESOURCE, collection, &list, 0)
                .union(UnionType::All, borne(self.inner.dialect, UUID_ALIAS, collection, &list, 1))
                .union(UnionType::All, borne(self.inner.dialect, RETIRED_UUID, collection, &list, 2))
                .take();
            self.add_bearers(&mut ids, query).await?;
        }
        Ok(ids)
    }

    /// Adds the rows of a query made from [`borne`]; of two for one UUID that of the lower rank.
    async fn add_bearers(&self, ids: &mut HashMap<Uuid, ResourceId>, query: SelectStatement) -> Result<(), StoreError> {
        let mut ranks: HashMap<Uuid, i64> = HashMap::new();
        for row in self.connection.query_all(&query).await? {
            let (uuid, id, rank): (Uuid, i64, i64) =
                (row.try_get("", "uuid")?, row.try_get("", "id")?, row.try_get("", "bearer_rank")?);
            if ranks.get(&uuid).is_none_or(|best| rank < *best) {
                ranks.insert(uuid, rank);
                ids.insert(uuid, ResourceId(id));
            }
        }
        Ok(())
    }

    pub(super) async fn located_by_ids(
        &self,
        ids: &[ResourceId],
    ) -> Result<HashMap<ResourceId, StoredResource>, StoreError> {
        let mut found = HashMap::new();
        for list in in_lists(ids) {
            let query = resource::Entity::find()
                .filter(self.inner.dialect.among(resource::Column::Id, list.into_iter().map(|id| id.0)));
            found.extend(self.resources(query).await?.into_iter().map(|resource| (resource.id, resource)));
        }
        Ok(found)
    }

    async fn located_by_names<N: Eq + Hash>(
        &self,
        ids: HashMap<N, ResourceId>,
    ) -> Result<HashMap<N, StoredResource>, StoreError> {
        let resources = self.located_by_ids(&ids.values().copied().collect::<Vec<_>>()).await?;
        Ok(by_names(ids, &resources))
    }

    async fn referenced_by_uuids(
        &self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, StoredResource>, StoreError> {
        self.located_by_names(self.ids_by_reference(collection, uuids).await?).await
    }

    async fn referenced_by_keys(
        &self,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<HashMap<String, StoredResource>, StoreError> {
        let mut found = self.located_by_keys(collection, keys).await?;
        found.extend(self.located_by_names(self.united_with(&found).await?).await?);
        Ok(found)
    }

    /// With which resource those of `found` were united that are no resources of their own any more.
    pub(super) async fn united_with(
        &self,
        found: &HashMap<String, StoredResource>,
    ) -> Result<HashMap<String, ResourceId>, StoreError> {
        let may_be_united = |resource: &&StoredResource| resource.deleted && resource.uuid.is_none();
        let ids: Vec<_> = found.values().filter(may_be_united).map(|resource| resource.id.0).collect();
        let mut stays = HashMap::new();
        for list in in_lists(&ids) {
            let rows = united_resource::Entity::find()
                .filter(self.inner.dialect.among(united_resource::Column::ResourceId, list));
            let rows = rows.all(self.connection).await?.into_iter();
            stays.extend(rows.map(|row| (ResourceId(row.resource_id), ResourceId(row.stays_id))));
        }
        Ok(found.iter().filter_map(|(key, resource)| Some((key.clone(), *stays.get(&resource.id)?))).collect())
    }

    async fn located_by_keys(
        &self,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<HashMap<String, StoredResource>, StoreError> {
        let mut found = HashMap::new();
        for list in in_lists(keys) {
            let query = of_keys(self.inner.dialect, collection, list, resource::Entity::find());
            found.extend(self.resources(query).await?.into_iter().map(|resource| (resource.key.clone(), resource)));
        }
        Ok(found)
    }

    async fn documents_by_ids(&self, ids: &[ResourceId]) -> Result<HashMap<ResourceId, Document>, StoreError> {
        let mut found = HashMap::new();
        for list in in_lists(ids) {
            let query =
                with_payload().filter(self.inner.dialect.among(resource::Column::Id, list.into_iter().map(|id| id.0)));
            found.extend(self.documents(query).await?.into_iter().map(|document| (document.resource.id, document)));
        }
        Ok(found)
    }

    async fn documents_by_keys(
        &self,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<HashMap<String, Document>, StoreError> {
        let mut found = HashMap::new();
        for list in in_lists(keys) {
            let documents = self.documents(of_keys(self.inner.dialect, collection, list, with_payload())).await?;
            found.extend(documents.into_iter().map(|document| (document.resource.key.clone(), document)));
        }
        Ok(found)
    }

    async fn documents_by_uuids(
        &self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, Document>, StoreError> {
        let ids = self.ids_by_uuid(collection, uuids).await?;
        let documents = self.documents_by_ids(&ids.values().copied().collect::<Vec<_>>()).await?;
        Ok(by_names(ids, &documents))
    }
}

/// Which ids one table has for these UUIDs, and how near that is to bearing one: 0 is nearest.
fn borne<E: EntityTrait>(
    dialect: Dialect,
    (table, [collection_column, uuid, id]): Bearers<E>,
    collection: CollectionId,
    uuids: &[Uuid],
    rank: i64,
) -> SelectStatement {
    Query::select()
        .expr_as(uuid.into_expr(), "uuid")
        .expr_as(id.into_expr(), "id")
        .expr_as(Expr::val(rank), "bearer_rank")
        .from(table)
        .and_where(collection_column.eq(collection.0))
        .and_where(dialect.among(uuid, uuids.iter().copied()))
        .take()
}

/// Resources with one of these keys.
fn of_keys(
    dialect: Dialect,
    collection: CollectionId,
    keys: Vec<String>,
    query: Select<resource::Entity>,
) -> Select<resource::Entity> {
    query
        .filter(resource::Column::CollectionId.eq(collection.0))
        .filter(dialect.among(resource::Column::ResourceKey, keys))
}

/// What was found by ids, by the names that led to these.
pub(super) fn by_names<N: Eq + Hash, V: Clone>(
    ids: HashMap<N, ResourceId>,
    found: &HashMap<ResourceId, V>,
) -> HashMap<N, V> {
    ids.into_iter().filter_map(|(name, id)| Some((name, found.get(&id)?.clone()))).collect()
}

/// Resources that are not tombstones.
pub(super) fn live(collection: CollectionId, query: Select<resource::Entity>) -> Select<resource::Entity> {
    query.filter(resource::Column::CollectionId.eq(collection.0)).filter(resource::Column::IsDeleted.eq(false))
}

impl Store {
    /// Up to `limit` live resources in the order of their ids, beginning `offset` after the one after `after`.
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn live_page(
        &self,
        collection: CollectionId,
        after: Option<ResourceId>,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Document>, StoreError> {
        let mut query = live(collection, with_payload()).order_by_asc(resource::Column::Id).limit(limit);
        if let Some(after) = after {
            query = query.filter(resource::Column::Id.gt(after.0));
            // PostgreSQL may merge both tables by id: it must not begin with the first document.
            query = query.filter(document::Column::ResourceId.gt(after.0));
        }
        if offset > 0 {
            query = query.offset(offset);
        }
        self.session().documents(query).await
    }

    /// The resources with these keys, tombstones included.
    pub async fn by_keys(
        &self,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<HashMap<String, Document>, StoreError> {
        self.session().documents_by_keys(collection, keys).await
    }

    /// The resources with these UUIDs, aliases followed, tombstones included.
    pub async fn by_uuids(
        &self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, Document>, StoreError> {
        self.session().documents_by_uuids(collection, uuids).await
    }

    /// The resources with these ids.
    pub async fn by_ids(&self, ids: &[ResourceId]) -> Result<HashMap<ResourceId, Document>, StoreError> {
        self.session().documents_by_ids(ids).await
    }

    /// Where references by these UUIDs lead: as [`Store::by_uuids`], without the contents, and also by UUIDs that were taken away.
    pub async fn referenced_by_uuids(
        &self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, StoredResource>, StoreError> {
        self.session().referenced_by_uuids(collection, uuids).await
    }

    /// Where references by these keys lead: as [`Store::by_keys`], without the contents, and from a resource that was united with another one
    /// to that one.
    pub async fn referenced_by_keys(
        &self,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<HashMap<String, StoredResource>, StoreError> {
        self.session().referenced_by_keys(collection, keys).await
    }
}

impl Txn {
    /// Like [`Store::by_uuids`], without the contents, as this transaction sees it.
    pub async fn located_by_uuids(
        &mut self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, StoredResource>, StoreError> {
        let ids = self.session().ids_by_uuid(collection, uuids).await?;
        self.session().located_by_names(ids).await
    }

    /// Like [`Store::referenced_by_uuids`], as this transaction sees it.
    pub async fn referenced_by_uuids(
        &mut self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, StoredResource>, StoreError> {
        self.session().referenced_by_uuids(collection, uuids).await
    }

    /// Like [`Store::referenced_by_keys`], as this transaction sees it.
    pub async fn referenced_by_keys(
        &mut self,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<HashMap<String, StoredResource>, StoreError> {
        self.session().referenced_by_keys(collection, keys).await
    }

    /// As [`Store::by_keys`], as this transaction sees it: each with the content of that very version.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn by_keys(
        &mut self,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<HashMap<String, Document>, StoreError> {
        self.session().documents_by_keys(collection, keys).await
    }

    /// As [`Store::by_uuids`], as this transaction sees it: each with the content of that very version.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn by_uuids(
        &mut self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, Document>, StoreError> {
        self.session().documents_by_uuids(collection, uuids).await
    }

    /// The resources with these ids as they are now in this transaction: their states after [`Txn::stamp`], for example.
    pub async fn states(&mut self, ids: &[ResourceId]) -> Result<HashMap<ResourceId, StoredResource>, StoreError> {
        self.session().located_by_ids(ids).await
    }

    /// The contents of these resources; tombstones have none.
    pub async fn documents(&mut self, ids: &[ResourceId]) -> Result<HashMap<ResourceId, Bytes>, StoreError> {
        let mut found = HashMap::new();
        for list in in_lists(ids) {
            let rows: Vec<(i64, Vec<u8>)> = document::Entity::find()
                .select_only()
                .columns([document::Column::ResourceId, document::Column::Payload])
                .filter(self.inner.dialect.among(document::Column::ResourceId, list.into_iter().map(|id| id.0)))
                .into_tuple()
                .all(&self.transaction)
                .await?;
            found.extend(rows.into_iter().map(|(id, payload)| (ResourceId(id), Bytes::from(payload))));
        }
        Ok(found)
    }
}
