//! Giving UUIDs to resources and taking them back (sync 1.1 to 1.3).

use super::batch::{in_lists, row_chunks};
use super::connection::missing;
use super::resources::with_payload;
use super::{CollectionId, Document, ResourceId, Store, StoreError, Txn};
use crate::protocol::Tick;
use entities::{collection, resource, uuid_alias};
use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, Set};
use uuid::Uuid;

/// Live resources that have a UUID.
fn linked(collection: CollectionId, query: Select<resource::Entity>) -> Select<resource::Entity> {
    query
        .filter(resource::Column::CollectionId.eq(collection.0))
        .filter(resource::Column::IsDeleted.eq(false))
        .filter(resource::Column::Uuid.is_not_null())
}

impl Store {
    /// Up to `limit` linked live resources in the order of their ids, beginning `offset` after the one after `after` (sync 1.3).
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn linked_page(
        &self,
        collection: CollectionId,
        after: Option<ResourceId>,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Document>, StoreError> {
        let mut query = linked(collection, with_payload()).order_by_asc(resource::Column::Id).limit(limit);
        if let Some(after) = after {
            query = query.filter(resource::Column::Id.gt(after.0));
        }
        if offset > 0 {
            query = query.offset(offset);
        }
        self.session().documents(query).await
    }

    /// How many linked live resources the collection has.
    pub async fn linked_count(&self, collection: CollectionId) -> Result<u64, StoreError> {
        Ok(linked(collection, resource::Entity::find()).count(&self.inner.read).await?)
    }
}

impl Txn {
    /// Gives random UUIDs to up to `limit` live resources that have none and are unstamped, or own changes at or after `from`:
    /// those that a change set beginning at `from` may send (sync 1.2). Returns how many; less than `limit` means that none is left.
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn link_unlinked(&mut self, collection: CollectionId, from: Tick, limit: u64) -> Result<u64, StoreError> {
        let row = collection::Entity::find_by_id(collection.0).one(&self.transaction).await?;
        let own = row.ok_or_else(|| missing(format_args!("collection {}", collection.0)))?.endpoint_id;
        let unlinked = || {
            resource::Entity::find()
                .select_only()
                .column(resource::Column::Id)
                .filter(resource::Column::CollectionId.eq(collection.0))
                .filter(resource::Column::Uuid.is_null())
                .filter(resource::Column::IsDeleted.eq(false))
        };
        let unstamped = unlinked().filter(resource::Column::Tick.is_null()).limit(limit);
        let mut ids: Vec<i64> = unstamped.into_tuple().all(&self.transaction).await?;
        let left = limit.saturating_sub(ids.len() as u64);
        if left > 0 {
            let stamped = unlinked()
                .filter(resource::Column::EndpointId.eq(own))
                .filter(resource::Column::Tick.gte(from.to_i64()))
                .order_by_asc(resource::Column::Tick)
                .limit(left);
            ids.extend(stamped.into_tuple::<i64>().all(&self.transaction).await?);
        }
        let links: Vec<_> = ids.into_iter().map(|id| (ResourceId(id), Uuid::new_v4())).collect();
        self.set_uuids(&links, Condition::all().add(resource::Column::Uuid.is_null())).await?;
        Ok(links.len() as u64)
    }

    /// Links resources of one collection: each gets its UUID; the UUID that it had stays known as an alias, and an alias that
    /// becomes a UUID again is none any more. Only under [`Txn::lock`].
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when another resource bears the UUID.
    pub async fn link(&mut self, collection: CollectionId, links: &[(ResourceId, Uuid)]) -> Result<(), StoreError> {
        let ids: Vec<ResourceId> = links.iter().map(|(id, _)| *id).collect();
        let stored = self.session().located_by_ids(&ids).await?;
        let given: Vec<Uuid> = links.iter().map(|(_, uuid)| *uuid).collect();
        for list in in_lists(&given) {
            uuid_alias::Entity::delete_many()
                .filter(uuid_alias::Column::CollectionId.eq(collection.0))
                .filter(uuid_alias::Column::Uuid.is_in(list))
                .exec(&self.transaction)
                .await?;
        }
        self.set_uuids(links, Condition::all()).await?;
        let replaced = links.iter().filter_map(|(id, uuid)| {
            let former = stored.get(id)?.uuid.filter(|former| former != uuid && !given.contains(former))?;
            Some((*id, former))
        });
        let replaced: Vec<(ResourceId, Uuid)> = replaced.collect();
        for chunk in row_chunks(self.inner.dialect, 3, &replaced) {
            let rows = chunk.iter().map(|(id, former)| uuid_alias::ActiveModel {
                collection_id: Set(collection.0),
                uuid: Set(*former),
                resource_id: Set(id.0),
            });
            uuid_alias::Entity::insert_many(rows).exec_without_returning(&self.transaction).await?;
        }
        Ok(())
    }

    /// Takes the UUIDs and aliases of these resources away: what comes under them is a new resource (sync 1.3). Only under [`Txn::lock`].
    pub async fn unlink(&mut self, ids: &[ResourceId]) -> Result<(), StoreError> {
        for list in in_lists(ids) {
            let list: Vec<i64> = list.into_iter().map(|id| id.0).collect();
            resource::Entity::update_many()
                .col_expr(resource::Column::Uuid, Expr::value(None::<Uuid>))
                .filter(resource::Column::Id.is_in(list.iter().copied()))
                .exec(&self.transaction)
                .await?;
            let theirs = uuid_alias::Column::ResourceId.is_in(list);
            uuid_alias::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        }
        Ok(())
    }

    /// One `UPDATE` for many rows with a value each, where `condition` holds when the row is reached: somebody else may have
    /// been faster.
    async fn set_uuids(&mut self, links: &[(ResourceId, Uuid)], condition: Condition) -> Result<(), StoreError> {
        const LINKS_PER_STATEMENT: usize = 256;
        for chunk in links.chunks(LINKS_PER_STATEMENT) {
            let mut uuid_of = CaseStatement::new();
            for (id, uuid) in chunk {
                uuid_of = uuid_of.case(resource::Column::Id.eq(id.0), Expr::value(*uuid));
            }
            resource::Entity::update_many()
                .col_expr(resource::Column::Uuid, uuid_of.into())
                .filter(resource::Column::Id.is_in(chunk.iter().map(|(id, _)| id.0)))
                .filter(condition.clone())
                .exec(&self.transaction)
                .await?;
        }
        Ok(())
    }
}
