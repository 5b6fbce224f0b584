//! Tombstones that go, and the horizons that say so (docs/adr/0007-purge-horizon.md).

use super::batch::in_lists;
use super::dialect::Dialect;
use super::session::Session;
use super::{CollectionId, ResourceId, Store, StoreError, TrackingState, Txn};
use crate::protocol::horizon::Horizons;
use crate::protocol::{Stamp, SyncState, Tick};
use entities::{parked_entry, purge_horizon, resource, retired_uuid, tracking, united_resource, uuid_alias};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// A deleted resource as it was found; it may have come to life since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The resource.
    pub id: ResourceId,
    /// Its deletion; tombstones that wait for their tick are none of these.
    pub state: SyncState,
}

impl Store {
    /// Up to `limit` tombstones behind `after`, deleted until `until`, by ascending id; and the id to go on behind, if there is more.
    /// One statement of `limit` rows, however many are young.
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn tombstones(
        &self,
        collection: CollectionId,
        after: Option<ResourceId>,
        until: Stamp,
        limit: u64,
    ) -> Result<(Vec<Tombstone>, Option<ResourceId>), StoreError> {
        let query = resource::Entity::find()
            .filter(resource::Column::CollectionId.eq(collection.0))
            .filter(resource::Column::IsDeleted.eq(true))
            .filter(resource::Column::Id.gt(after.map_or(i64::MIN, |id| id.0)))
            .order_by_asc(resource::Column::Id)
            .limit(limit);
        let found = self.session().resources(query).await?;
        let next = found.last().map(|last| last.id).filter(|_| found.len() as u64 >= limit);
        let old = found.into_iter().filter(|resource| resource.stamp <= until);
        let tombstones = old.filter_map(|resource| Some(Tombstone { id: resource.id, state: resource.state? }));
        Ok((tombstones.collect(), next))
    }

    /// Up to where tombstones of a collection are gone.
    pub async fn horizons(&self, collection: CollectionId) -> Result<Horizons, StoreError> {
        self.session().horizons(collection).await
    }
}

impl<C: ConnectionTrait> Session<'_, C> {
    async fn horizons(&self, collection: CollectionId) -> Result<Horizons, StoreError> {
        let rows = purge_horizon::Entity::find()
            .filter(purge_horizon::Column::CollectionId.eq(collection.0))
            .all(self.connection)
            .await?;
        let endpoints = self.endpoints(rows.iter().map(|row| row.endpoint_id).collect()).await?;
        let horizon =
            |row: &purge_horizon::Model| Some((endpoints.get(&row.endpoint_id)?.clone(), Tick::from_i64(row.tick)));
        Ok(rows.iter().filter_map(horizon).collect())
    }
}

impl Txn {
    /// Whether feeds wait to be taken in by a collection: what they bring may be older than what is deleted here.
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn has_waiting_feeds(&mut self, collection: CollectionId) -> Result<bool, StoreError> {
        let waiting = tracking::Entity::find()
            .select_only()
            .column(tracking::Column::Id)
            .filter(tracking::Column::CollectionId.eq(collection.0))
            .filter(tracking::Column::Operation.eq(super::Operation::SyncTarget.as_str()))
            .filter(tracking::Column::State.is_in(TrackingState::PENDING.map(TrackingState::as_str)));
        let first: Option<i64> = waiting.limit(1).into_tuple().one(&self.transaction).await?;
        Ok(first.is_some())
    }

    /// What was asked of a collection's source operations that are not deleted: whoever reads their feeds must find all of them.
    pub async fn open_source_requests(
        &mut self,
        collection: CollectionId,
    ) -> Result<Vec<serde_json::Value>, StoreError> {
        Ok(tracking::Entity::find()
            .select_only()
            .column(tracking::Column::Request)
            .filter(tracking::Column::CollectionId.eq(collection.0))
            .filter(tracking::Column::Operation.eq(super::Operation::SyncSource.as_str()))
            .filter(tracking::Column::State.is_in([
                TrackingState::Queued.as_str(),
                TrackingState::Running.as_str(),
                TrackingState::Done.as_str(),
            ]))
            .into_tuple()
            .all(&self.transaction)
            .await?)
    }

    /// As [`Store::horizons`], as this transaction sees it.
    pub async fn horizons(&mut self, collection: CollectionId) -> Result<Horizons, StoreError> {
        self.session().horizons(collection).await
    }

    /// Removes those of `tombstones` that are still what they were, with the UUIDs that lead to them, and moves the horizons; says how many
    /// went. Those stay that something here still needs: an entry that is parked, a reference by key that follows them to
    /// the resource they were united with. Only under [`Txn::lock`].
    ///
    /// # Errors
    /// Those of any write.
    pub async fn purge(&mut self, collection: CollectionId, tombstones: &[Tombstone]) -> Result<u64, StoreError> {
        let expected: BTreeMap<ResourceId, &SyncState> =
            tombstones.iter().map(|tombstone| (tombstone.id, &tombstone.state)).collect();
        let mut going = self.lock_by_ids(expected.keys().copied().collect()).await?;
        going.retain(|id, resource| resource.deleted && resource.state.as_ref() == expected.get(id).copied());
        let needed = self.needed(collection, going.values().map(|resource| (resource.id, resource.uuid))).await?;
        going.retain(|id, _| !needed.contains(id));
        let ids: Vec<i64> = going.keys().map(|id| id.0).collect();
        for list in in_lists(&ids) {
            let dialect = self.inner.dialect;
            let (aliases, retired) = (uuid_alias::Column::ResourceId, retired_uuid::Column::ResourceId);
            let aliases = dialect.among(aliases, list.iter().copied());
            uuid_alias::Entity::delete_many().filter(aliases).exec(&self.transaction).await?;
            let retired = dialect.among(retired, list.iter().copied());
            retired_uuid::Entity::delete_many().filter(retired).exec(&self.transaction).await?;
            resource::Entity::delete_many()
                .filter(dialect.among(resource::Column::Id, list))
                // Locked and looked at above; said again, because nothing that lives may ever go.
                .filter(resource::Column::IsDeleted.eq(true))
                .filter(resource::Column::Tick.is_not_null())
                .exec(&self.transaction)
                .await?;
        }
        // Nobody ever heard of what has no UUID: nobody can lack its deletion.
        let heard_of = going.values().filter(|resource| resource.uuid.is_some());
        self.raise_horizons(collection, heard_of.filter_map(|resource| resource.state.as_ref())).await?;
        Ok(ids.len() as u64)
    }

    /// Which of these tombstones something here still needs.
    async fn needed(
        &mut self,
        collection: CollectionId,
        tombstones: impl Iterator<Item = (ResourceId, Option<Uuid>)>,
    ) -> Result<HashSet<ResourceId>, StoreError> {
        let mut bearers: Vec<(Uuid, ResourceId)> = Vec::new();
        let mut ids: Vec<i64> = Vec::new();
        for (id, uuid) in tombstones {
            ids.push(id.0);
            bearers.extend(uuid.map(|uuid| (uuid, id)));
        }
        let mut needed = HashSet::new();
        for list in in_lists(&ids) {
            use united_resource::Column::{ResourceId as Gone, StaysId};
            let dialect = self.inner.dialect;
            let either = Condition::any().add(dialect.among(Gone, list.iter().copied()));
            let united = united_resource::Entity::find()
                .filter(either.add(dialect.among(StaysId, list.iter().copied())))
                .all(&self.transaction)
                .await?;
            needed.extend(united.iter().flat_map(|row| [ResourceId(row.resource_id), ResourceId(row.stays_id)]));
            let aliases = uuid_alias::Entity::find()
                .filter(dialect.among(uuid_alias::Column::ResourceId, list))
                .all(&self.transaction)
                .await?;
            bearers.extend(aliases.iter().map(|alias| (alias.uuid, ResourceId(alias.resource_id))));
        }
        let uuids: Vec<Uuid> = bearers.iter().map(|(uuid, _)| *uuid).collect();
        for list in in_lists(&uuids) {
            let parked: Vec<Option<Uuid>> = parked_entry::Entity::find()
                .select_only()
                .column(parked_entry::Column::Uuid)
                .filter(parked_entry::Column::CollectionId.eq(collection.0))
                .filter(self.inner.dialect.among(parked_entry::Column::Uuid, list))
                .into_tuple()
                .all(&self.transaction)
                .await?;
            let parked: HashSet<Uuid> = parked.into_iter().flatten().collect();
            needed.extend(bearers.iter().filter(|(uuid, _)| parked.contains(uuid)).map(|(_, id)| *id));
        }
        Ok(needed)
    }

    async fn raise_horizons<'s>(
        &mut self,
        collection: CollectionId,
        gone: impl Iterator<Item = &'s SyncState>,
    ) -> Result<(), StoreError> {
        let mut horizons = self.horizons(collection).await?;
        let before = horizons.clone();
        for state in gone {
            let horizon = horizons.entry(state.endpoint.clone()).or_default();
            *horizon = state.tick.next().max(*horizon);
        }
        horizons.retain(|endpoint, tick| before.get(endpoint) != Some(tick));
        if horizons.is_empty() {
            return Ok(());
        }
        let endpoints: Vec<_> = horizons.keys().cloned().collect();
        let ids = self.session().endpoint_ids(&endpoints).await?;
        let rows = horizons.iter().filter_map(|(endpoint, tick)| {
            Some(purge_horizon::ActiveModel {
                collection_id: Set(collection.0),
                endpoint_id: Set(*ids.get(endpoint)?),
                tick: Set(tick.to_i64()),
            })
        });
        use purge_horizon::Column::{CollectionId as Collection, EndpointId, Tick as Horizon};
        purge_horizon::Entity::insert_many(rows)
            .on_conflict(Dialect::overwrite([Collection, EndpointId], [Horizon]))
            .exec_without_returning(&self.transaction)
            .await?;
        Ok(())
    }
}
