//! Reads that hold what they read until the end of the transaction.

use super::batch::in_lists;
use super::lookups::Lookup;
use super::resources::by_names;
use super::rows::Kind;
use super::unique_values::value_hash;
use super::{CollectionId, ResourceId, StoreError, StoredResource, Txn};
use crate::protocol::{Endpoint, SyncState, Tick};
use entities::resource;
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Value};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Resources that are locked, by what names them.
#[derive(Debug, Default)]
pub struct Locked {
    /// By their keys.
    pub by_key: HashMap<String, StoredResource>,
    /// By their UUIDs, current and former ones.
    pub by_uuid: HashMap<Uuid, StoredResource>,
}

impl Txn {
    /// The resources with these keys and UUIDs, aliases followed, locked: nobody changes them before this transaction ends.
    /// Always in the order of ids, whatever names them, so that two who lock the same resources do not wait for each other.
    ///
    /// # Errors
    /// [`StoreError::Busy`] as a deadlock's victim, when a lock is held too long, or when a UUID went to another resource
    /// meanwhile; as for all below.
    pub async fn lock_named(
        &mut self,
        collection: CollectionId,
        keys: &[String],
        uuids: &[Uuid],
    ) -> Result<Locked, StoreError> {
        let by_key = self.session().ids_by_key(collection, keys).await?;
        let by_uuid = self.session().ids_by_uuid(collection, uuids).await?;
        // A database locks rows as it finds them, and by the key of the table it finds them in this order.
        let locked = self.lock_by_ids(by_key.values().chain(by_uuid.values()).copied().collect()).await?;
        // A key stays what it is; a UUID may have gone elsewhere before the lock was had.
        let is_borne = |(uuid, id): &(&Uuid, &ResourceId)| locked.get(id).is_some_and(|it| it.uuid == Some(**uuid));
        let former: Vec<_> = by_uuid.iter().filter(|it| !is_borne(it)).map(|(uuid, _)| *uuid).collect();
        let now = self.session().ids_by_uuid(collection, &former).await?;
        if former.iter().any(|uuid| now.get(uuid) != by_uuid.get(uuid)) {
            return Err(StoreError::uuid_went());
        }
        Ok(Locked { by_key: by_names(by_key, &locked), by_uuid: by_names(by_uuid, &locked) })
    }

    /// These resources, locked in the order of their ids.
    pub(super) async fn lock_by_ids(
        &mut self,
        mut ids: Vec<ResourceId>,
    ) -> Result<HashMap<ResourceId, StoredResource>, StoreError> {
        ids.sort_unstable();
        ids.dedup();
        let mut locked = HashMap::new();
        for list in in_lists(&ids) {
            let query = resource::Entity::find()
                .filter(self.inner.dialect.among(resource::Column::Id, list.into_iter().map(|id| id.0)))
                .order_by_asc(resource::Column::Id)
                .lock_exclusive();
            let resources = self.session().resources(query).await?;
            locked.extend(resources.into_iter().map(|resource| (resource.id, resource)));
        }
        Ok(locked)
    }

    /// As [`Txn::lock_named`], by keys alone.
    pub async fn lock_by_keys(
        &mut self,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<HashMap<String, StoredResource>, StoreError> {
        Ok(self.lock_named(collection, keys, &[]).await?.by_key)
    }

    /// As [`Txn::lock_named`], by UUIDs alone.
    pub async fn lock_by_uuids(
        &mut self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<HashMap<Uuid, StoredResource>, StoreError> {
        Ok(self.lock_named(collection, &[], uuids).await?.by_uuid)
    }

    /// Like [`super::Store::referenced_by_keys`], locked.
    pub async fn lock_referenced_by_keys(
        &mut self,
        collection: CollectionId,
        keys: &[String],
    ) -> Result<HashMap<String, StoredResource>, StoreError> {
        let mut locked = self.lock_by_keys(collection, keys).await?;
        let united_with = self.session().united_with(&locked).await?;
        let stay = self.lock_by_ids(united_with.values().copied().collect()).await?;
        locked.extend(by_names(united_with, &stay));
        Ok(locked)
    }

    /// Which resources bear these states already: a second one with the same endpoint and tick must be refused (sync 4.3).
    pub async fn states_taken(
        &mut self,
        collection: CollectionId,
        states: &[SyncState],
    ) -> Result<HashMap<(Endpoint, Tick), ResourceId>, StoreError> {
        let mut ticks: HashMap<&Endpoint, HashSet<Tick>> = HashMap::new();
        for state in states {
            ticks.entry(&state.endpoint).or_default().insert(state.tick);
        }
        let mut taken = HashMap::new();
        for (endpoint, ticks) in ticks {
            let Some(id) = self.session().known_endpoint(endpoint).await? else { continue };
            let lookup = Lookup {
                table: "resource",
                columns: &["tick", "id"],
                with: vec![("collection_id", collection.0.into()), ("endpoint_id", id.into())],
                by: ("tick", Kind::BigInt),
                lock: false,
            };
            for list in in_lists(&ticks.into_iter().map(Tick::to_i64).collect::<Vec<_>>()) {
                let values: Vec<_> = list.into_iter().map(Value::from).collect();
                let lookup = lookup.among(self.inner.dialect, &values);
                for row in self.transaction.query_all_raw(lookup).await? {
                    let (tick, id) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                    taken.insert((endpoint.clone(), Tick::from_i64(tick)), ResourceId(id));
                }
            }
        }
        Ok(taken)
    }

    /// Which resources bear these values of unique properties, given as (property, value). Locked, so that an owner cannot give
    /// its value away meanwhile.
    pub async fn unique_owners(
        &mut self,
        collection: CollectionId,
        values: &[(String, String)],
    ) -> Result<HashMap<(String, String), ResourceId>, StoreError> {
        let mut by_property: HashMap<&str, HashMap<Vec<u8>, &(String, String)>> = HashMap::new();
        for pair in values {
            by_property.entry(&pair.0).or_default().insert(value_hash(&pair.1), pair);
        }
        let mut owners = HashMap::new();
        for (property, values) in by_property {
            let lookup = Lookup {
                table: "unique_value",
                columns: &["value_hash", "resource_id"],
                with: vec![("collection_id", collection.0.into()), ("property", property.into())],
                by: ("value_hash", Kind::Bytes),
                lock: true,
            };
            for list in in_lists(&values.keys().cloned().collect::<Vec<_>>()) {
                let hashes: Vec<_> = list.into_iter().map(Value::from).collect();
                let lookup = lookup.among(self.inner.dialect, &hashes);
                for row in self.transaction.query_all_raw(lookup).await? {
                    let hash: Vec<u8> = row.try_get_by_index(0)?;
                    if let Some(pair) = values.get(&hash) {
                        owners.insert((*pair).clone(), ResourceId(row.try_get_by_index(1)?));
                    }
                }
            }
        }
        Ok(owners)
    }
}
