//! Reading resources: their metadata and their documents.

use super::batch::in_lists;
use super::dialect::Dialect;
use super::lookups::Lookup;
use super::resource_rows::{COLUMNS, DocumentRow, ResourceRow, with_payload};
use super::rows::Kind;
use super::session::Session;
use super::states;
use super::{CollectionId, ResourceId, Store, StoreError, Txn};
use crate::protocol::{Stamp, SyncState};
use bytes::Bytes;
use entities::{document, resource, united_resource};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, Value};
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

/// Where UUIDs are borne: by a resource, formerly by one, or by none any more but references still lead there. Each a table, and its
/// columns with the UUID and the resource, beside the place in this list: the nearest bearer goes first.
const BEARERS: [(&str, [&str; 3]); 3] = [
    ("resource", ["uuid", "id", "0 AS bearer_rank"]),
    ("uuid_alias", ["uuid", "resource_id", "1 AS bearer_rank"]),
    ("retired_uuid", ["uuid", "resource_id", "2 AS bearer_rank"]),
];

impl<C: ConnectionTrait> Session<'_, C> {
    /// What rows of `resource` say, with the endpoints of their states.
    async fn stored(&self, rows: Vec<ResourceRow>) -> Result<Vec<StoredResource>, StoreError> {
        let endpoints = self.endpoints(rows.iter().filter_map(|row| row.endpoint).collect()).await?;
        rows.into_iter()
            .map(|row| {
                let state = (row.endpoint, row.tick, Some(row.modified_at));
                let state = states::from_columns(&endpoints, state, row.modified_by.clone())?;
                Ok(StoredResource {
                    id: ResourceId(row.id),
                    key: row.key,
                    uuid: row.uuid,
                    state,
                    stamp: Stamp::from_micros(row.modified_at),
                    user: row.modified_by,
                    etag: row.etag,
                    deleted: row.deleted,
                    has_key_references: row.has_key_references,
                    created: Stamp::from_micros(row.created_at),
                })
            })
            .collect()
    }

    pub(super) async fn resources(&self, query: Select<resource::Entity>) -> Result<Vec<StoredResource>, StoreError> {
        let query = query.select_only().columns(COLUMNS);
        self.stored(query.into_model::<ResourceRow>().all(self.connection).await?).await
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
        let lookup = Lookup {
            table: "resource",
            columns: &["resource_key", "id"],
            with: vec![("collection_id", collection.0.into())],
            by: ("resource_key", Kind::Text),
            lock: false,
        };
        let mut ids = HashMap::new();
        for list in in_lists(keys) {
            let values: Vec<_> = list.into_iter().map(Value::from).collect();
            let lookup = lookup.among(self.inner.dialect, &values);
            for row in self.connection.query_all_raw(lookup).await? {
                ids.insert(row.try_get_by_index(0)?, ResourceId(row.try_get_by_index(1)?));
            }
        }
        Ok(ids)
    }

    /// Which resources bear these UUIDs, now or formerly; who bears it now goes first.
    pub(super) async fn ids_by_uuid(
        &self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, ResourceId>, StoreError> {
        self.ids_by_bearers(&BEARERS[..2], collection, uuids).await
    }

    /// Where references by these UUIDs lead: to who bears it now, else formerly, else to the resource it was taken from.
    pub(super) async fn ids_by_reference(
        &self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, ResourceId>, StoreError> {
        self.ids_by_bearers(&BEARERS, collection, uuids).await
    }

    async fn ids_by_bearers(
        &self,
        bearers: &[(&str, [&str; 3])],
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, ResourceId>, StoreError> {
        let lookup = |(table, columns)| Lookup {
            table,
            columns,
            with: vec![("collection_id", collection.0.into())],
            by: ("uuid", Kind::Uuid),
            lock: false,
        };
        let lookups: Vec<_> = bearers.iter().map(|(table, columns)| lookup((table, columns))).collect();
        let mut found: HashMap<Uuid, (i32, ResourceId)> = HashMap::new();
        for list in in_lists(uuids) {
            let values: Vec<_> = list.into_iter().map(Value::from).collect();
            let lookups = Lookup::among_all(&lookups, self.inner.dialect, &values);
            for row in self.connection.query_all_raw(lookups).await? {
                let (uuid, bearer) = (row.try_get_by_index(0)?, ResourceId(row.try_get_by_index(1)?));
                let rank: i32 = row.try_get_by_index(2)?;
                found.entry(uuid).and_modify(|best| *best = Ord::min(*best, (rank, bearer))).or_insert((rank, bearer));
            }
        }
        Ok(found.into_iter().map(|(uuid, (_, bearer))| (uuid, bearer)).collect())
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

    /// The id of the live resource number `place`, counted from 0 in the order of ids.
    pub(super) async fn live_id(&self, collection: CollectionId, place: u64) -> Result<Option<ResourceId>, StoreError> {
        let query = live(collection, resource::Entity::find())
            .select_only()
            .column(resource::Column::Id)
            .order_by_asc(resource::Column::Id)
            .offset(place)
            .limit(1);
        let id: Option<i64> = query.into_tuple().one(&self.inner.read).await?;
        Ok(id.map(ResourceId))
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
