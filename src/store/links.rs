//! Giving UUIDs to resources and taking them back (sync 1.1 to 1.3).

use super::batch::{in_lists, row_chunks};
use super::connection::missing;
use super::dialect::Dialect;
use super::resources::live;
use super::rows::{Columns, Kind, Write};
use super::session::Session;
use super::{CollectionId, ResourceId, Store, StoreError, Txn};
use crate::protocol::{Stamp, Tick, Uuids, uuids};
use entities::{collection, resource, retired_uuid, united_resource, uuid_alias};
use sea_orm::sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_orm::sea_query::{CaseStatement, Expr, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Select, Set,
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

const UUID: Columns<2> = Columns { table: "resource", columns: [("id", Kind::BigInt), ("uuid", Kind::Uuid)] };

const STATE: Columns<4> = Columns {
    table: "resource",
    columns: [
        ("id", Kind::BigInt),
        ("endpoint_id", Kind::BigInt),
        ("tick", Kind::BigInt),
        ("modified_at", Kind::BigInt),
    ],
};

const ALWAYS: &str = "1 = 1";

/// Rows of one `UPDATE` that gives each a value of its own.
const ROWS_PER_UPDATE: usize = 256;

impl Store {
    /// Whether any resource of the collection bore another UUID before; in most collections none did.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn has_former_uuids(&self, collection: CollectionId) -> Result<bool, StoreError> {
        let aliases = uuid_alias::Entity::find().filter(uuid_alias::Column::CollectionId.eq(collection.0));
        let found: Option<i64> = aliases
            .select_only()
            .column(uuid_alias::Column::ResourceId)
            .limit(1)
            .into_tuple()
            .one(&self.inner.read)
            .await?;
        Ok(found.is_some())
    }

    /// The UUIDs that these resources bore before, for those that bore any.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn former_uuids(&self, ids: &[ResourceId]) -> Result<HashMap<ResourceId, BTreeSet<Uuid>>, StoreError> {
        self.session().former_uuids(ids).await
    }

    /// Whether there is anything for [`Txn::link_unsent`].
    ///
    /// # Errors
    /// Those of any read.
    pub async fn has_unlinked(&self, collection: CollectionId, from: Tick) -> Result<bool, StoreError> {
        self.session().has_unlinked(collection, from).await
    }
}

impl<C: ConnectionTrait> Session<'_, C> {
    async fn has_unlinked(&self, collection: CollectionId, from: Tick) -> Result<bool, StoreError> {
        let found: Option<(i64, i64)> = unsent(collection, from).limit(1).into_tuple().one(self.connection).await?;
        Ok(found.is_some())
    }

    async fn former_uuids(&self, ids: &[ResourceId]) -> Result<HashMap<ResourceId, BTreeSet<Uuid>>, StoreError> {
        let mut found: HashMap<_, BTreeSet<_>> = HashMap::new();
        for list in in_lists(ids) {
            let theirs = self.inner.dialect.among(uuid_alias::Column::ResourceId, list.into_iter().map(|id| id.0));
            for row in uuid_alias::Entity::find().filter(theirs).all(self.connection).await? {
                found.entry(ResourceId(row.resource_id)).or_default().insert(row.uuid);
            }
        }
        Ok(found)
    }
}

impl Txn {
    /// As [`Store::has_unlinked`], as this transaction sees it.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn has_unlinked(&mut self, collection: CollectionId, from: Tick) -> Result<bool, StoreError> {
        self.session().has_unlinked(collection, from).await
    }

    /// As [`Store::former_uuids`], as this transaction sees it.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn former_uuids(
        &mut self,
        ids: &[ResourceId],
    ) -> Result<HashMap<ResourceId, BTreeSet<Uuid>>, StoreError> {
        self.session().former_uuids(ids).await
    }

    /// Gives UUIDs to up to `limit` live resources that have none and will be sent (sync 1.2): whose change waits for its tick,
    /// or is an own one at or after `from`. Returns how many; less than `limit` means that none is left. It waits for whoever is
    /// writing one: not under [`Txn::lock`].
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn link_unsent(&mut self, collection: CollectionId, from: Tick, limit: u64) -> Result<u64, StoreError> {
        self.link_some(collection, unsent(collection, from).limit(limit)).await
    }

    /// The same for own changes at or after `from` alone: those that a change set beginning at `from` may send.
    pub async fn link_stamped(&mut self, collection: CollectionId, from: Tick, limit: u64) -> Result<u64, StoreError> {
        let row = collection::Entity::find_by_id(collection.0).one(&self.transaction).await?;
        let own = row.ok_or_else(|| missing(format_args!("collection {}", collection.0)))?.endpoint_id;
        let stamped = unlinked(collection)
            .filter(resource::Column::EndpointId.eq(own))
            .filter(resource::Column::Tick.gte(from.to_i64()))
            .order_by_asc(resource::Column::Tick)
            .limit(limit);
        self.link_some(collection, stamped).await
    }

    async fn link_some(
        &mut self,
        collection: CollectionId,
        unlinked: Select<resource::Entity>,
    ) -> Result<u64, StoreError> {
        let found: Vec<(i64, i64)> = unlinked.into_tuple().all(&self.transaction).await?;
        let found = found.into_iter().map(|(id, created)| (ResourceId(id), Stamp::from_micros(created)));
        let links = self.fresh_uuids(collection, &found.collect::<Vec<_>>()).await?;
        self.link(&links).await?;
        Ok(links.len() as u64)
    }

    /// The UUIDs that resources of one collection get, given with the stamps of their first versions: those that they get always. Only
    /// where one is or was somebody's, or was taken away, a random one: what it named must not come back (sync 1.3).
    pub async fn fresh_uuids(
        &mut self,
        collection: CollectionId,
        resources: &[(ResourceId, Stamp)],
    ) -> Result<Vec<(ResourceId, Uuid)>, StoreError> {
        if resources.is_empty() {
            return Ok(Vec::new());
        }
        let missing = || missing(format_args!("collection {}", collection.0));
        let row = collection::Entity::find_by_id(collection.0).one(&self.transaction).await?;
        let own_id = row.ok_or_else(missing)?.endpoint_id;
        let own = self.session().endpoints(vec![own_id]).await?.remove(&own_id).ok_or_else(missing)?;
        let derived = resources.iter().map(|(id, created)| (*id, uuids::derived(&own, id.0, *created)));
        let derived: Vec<_> = derived.collect();
        let uuids: Vec<_> = derived.iter().map(|(_, uuid)| *uuid).collect();
        let borne = self.session().ids_by_reference(collection, &uuids).await?;
        let fresh = |(id, uuid)| (id, if borne.contains_key(&uuid) { Uuid::new_v4() } else { uuid });
        Ok(derived.into_iter().map(fresh).collect())
    }

    /// Gives resources of one collection a UUID; one that has a UUID when it is reached keeps that: somebody else was faster.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when another resource bears the UUID.
    pub async fn link(&mut self, links: &[(ResourceId, Uuid)]) -> Result<(), StoreError> {
        self.give(links, "resource.uuid IS NULL").await
    }

    /// These resources, which this transaction has locked, are known by these UUIDs from now on and by no others. Only under
    /// [`Txn::lock`].
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when a resource that is not among them bears one of the current UUIDs.
    pub async fn set_uuids(
        &mut self,
        collection: CollectionId,
        resources: &[(ResourceId, Uuids)],
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = resources.iter().map(|(id, _)| id.0).collect();
        let named: Vec<Uuid> = resources.iter().flat_map(|(_, uuids)| uuids.all()).collect();
        for list in in_lists(&ids) {
            // All are free before any is given: they may go from one of these resources to another.
            resource::Entity::update_many()
                .col_expr(resource::Column::Uuid, Expr::value(None::<Uuid>))
                .filter(self.inner.dialect.among(resource::Column::Id, list.iter().copied()))
                .exec(&self.transaction)
                .await?;
            let theirs = self.inner.dialect.among(uuid_alias::Column::ResourceId, list);
            uuid_alias::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        }
        self.forget_uuids(collection, &named).await?;
        let current = resources.iter().filter_map(|(id, uuids)| Some((*id, uuids.current?)));
        self.give(&current.collect::<Vec<_>>(), ALWAYS).await?;
        let former = resources.iter().flat_map(|(id, uuids)| uuids.former.iter().map(|uuid| (*id, *uuid)));
        let former: Vec<_> = former.collect();
        for chunk in row_chunks(self.inner.dialect, 3, &former) {
            let rows = chunk.iter().map(|(id, uuid)| uuid_alias::ActiveModel {
                collection_id: Set(collection.0),
                uuid: Set(*uuid),
                resource_id: Set(id.0),
            });
            uuid_alias::Entity::insert_many(rows).exec_without_returning(&self.transaction).await?;
        }
        Ok(())
    }

    /// These UUIDs name nothing any more: what comes under one is a new resource (sync 1.3). References kept here still lead to
    /// the resource beside it, until somebody else bears the UUID. Only after [`Txn::set_uuids`], under [`Txn::lock`].
    pub async fn retire_uuids(
        &mut self,
        collection: CollectionId,
        retired: &[(Uuid, ResourceId)],
    ) -> Result<(), StoreError> {
        self.forget_uuids(collection, &retired.iter().map(|(uuid, _)| *uuid).collect::<Vec<_>>()).await?;
        for chunk in row_chunks(self.inner.dialect, 3, retired) {
            let rows = chunk.iter().map(|(uuid, id)| retired_uuid::ActiveModel {
                collection_id: Set(collection.0),
                uuid: Set(*uuid),
                resource_id: Set(id.0),
            });
            retired_uuid::Entity::insert_many(rows).exec_without_returning(&self.transaction).await?;
        }
        Ok(())
    }

    /// The first of each pair turned out to be the second (sync 1.2): references kept here by its key follow. Only under
    /// [`Txn::lock`].
    pub async fn unite(&mut self, united: &[(ResourceId, ResourceId)]) -> Result<(), StoreError> {
        use united_resource::Column::{ResourceId as Gone, StaysId};
        for chunk in united.chunks(ROWS_PER_UPDATE) {
            // Those that went into one that goes now.
            let mut stays = CaseStatement::new();
            for (gone, stay) in chunk {
                stays = stays.case(StaysId.eq(gone.0), Expr::value(stay.0));
            }
            united_resource::Entity::update_many()
                .col_expr(StaysId, stays.into())
                .filter(StaysId.is_in(chunk.iter().map(|(gone, _)| gone.0)))
                .exec(&self.transaction)
                .await?;
            let rows = chunk
                .iter()
                .map(|(gone, stay)| united_resource::ActiveModel { resource_id: Set(gone.0), stays_id: Set(stay.0) });
            united_resource::Entity::insert_many(rows)
                .on_conflict(Dialect::overwrite([Gone], [StaysId]))
                .exec_without_returning(&self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Makes resources that this transaction has locked wait for a new tick, as a change made at the given time does.
    pub async fn unstamp(&mut self, changed: &[(ResourceId, Stamp)]) -> Result<(), StoreError> {
        let row = |(id, stamp): &(ResourceId, Stamp)| {
            [id.0.into(), None::<i64>.into(), None::<i64>.into(), stamp.to_micros().into()]
        };
        self.write_rows(&STATE, Write::Set(ALWAYS), changed.iter().map(row).collect()).await
    }

    /// Notes who made the last change of resources that this transaction has locked.
    pub async fn set_user(&mut self, ids: &[ResourceId], user: &str) -> Result<(), StoreError> {
        for list in in_lists(ids) {
            resource::Entity::update_many()
                .col_expr(resource::Column::ModifiedBy, Expr::value(user))
                .filter(self.inner.dialect.among(resource::Column::Id, list.into_iter().map(|id| id.0)))
                .exec(&self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Nobody was ever known by these UUIDs.
    async fn forget_uuids(&mut self, collection: CollectionId, uuids: &[Uuid]) -> Result<(), StoreError> {
        for list in in_lists(uuids) {
            uuid_alias::Entity::delete_many()
                .filter(uuid_alias::Column::CollectionId.eq(collection.0))
                .filter(self.inner.dialect.among(uuid_alias::Column::Uuid, list.iter().copied()))
                .exec(&self.transaction)
                .await?;
            retired_uuid::Entity::delete_many()
                .filter(retired_uuid::Column::CollectionId.eq(collection.0))
                .filter(self.inner.dialect.among(retired_uuid::Column::Uuid, list))
                .exec(&self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Gives many rows a UUID each, where `condition` holds when the row is reached. In the order of their ids: two who do so
    /// do not wait for each other.
    async fn give(&mut self, links: &[(ResourceId, Uuid)], condition: &'static str) -> Result<(), StoreError> {
        let mut links = links.to_vec();
        links.sort_unstable();
        let rows = links.into_iter().map(|(id, uuid)| [id.0.into(), uuid.into()]).collect();
        self.write_rows(&UUID, Write::Set(condition), rows).await
    }
}

/// The ids of live resources without a UUID, and the stamps of their first versions.
fn unlinked(collection: CollectionId) -> Select<resource::Entity> {
    live(collection, resource::Entity::find())
        .select_only()
        .column(resource::Column::Id)
        .column(resource::Column::CreatedAt)
        .filter(resource::Column::Uuid.is_null())
}

/// Those of them that a change set beginning at `from` sends once all is stamped. Looked up by the UUID they do not have: whatever
/// is done in several steps does not go over what has one by now again.
fn unsent(collection: CollectionId, from: Tick) -> Select<resource::Entity> {
    let own = Query::select()
        .column(collection::Column::EndpointId)
        .from(collection::Entity)
        .and_where(collection::Column::Id.eq(collection.0))
        .take();
    let is_own = Expr::col(resource::Column::EndpointId).in_subquery(own);
    let sent = Condition::all().add(is_own).add(resource::Column::Tick.gte(from.to_i64()));
    let mut unsent = unlinked(collection).filter(Condition::any().add(resource::Column::Tick.is_null()).add(sent));
    // MySQL and MariaDB would go by ticks.
    QuerySelect::query(&mut unsent).force_index("resource_uuid_unique", IndexHintScope::All);
    unsent
}
