//! A collection's clock: its lock, its digest, and the stamping of what changed (sync 2.2, 4.2).

use super::batch::row_chunks;
use super::connection::missing;
use super::dialect::Dialect;
use super::session::Session;
use super::{CollectionId, Store, StoreError, Txn};
use crate::protocol::{Digest, DigestEntry, Endpoint, Priority, Stamp, Tick};
use entities::{collection, digest_entry, endpoint, resource};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect, Set,
};
use std::collections::HashMap;

/// One entry of a digest as it is read.
#[derive(FromQueryResult)]
struct EntryRow {
    url: String,
    tick: i64,
    stamp: i64,
    conflict_priority: i16,
    is_own: bool,
    is_waiting: bool,
}

impl Store {
    /// The digest, if no change of the collection waits for its tick; else `None`, and [`Txn::stamp`] is needed.
    /// One statement, and so one moment: it costs neither a lock nor a write where nothing changed.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for a digest that cannot be.
    pub async fn clean_digest(&self, collection: CollectionId) -> Result<Option<Digest>, StoreError> {
        let rows = self.session().digest_rows(collection).await?;
        if rows.iter().any(|row| row.is_waiting) { Ok(None) } else { digest_of(collection, rows).map(Some) }
    }
}

impl<C: ConnectionTrait> Session<'_, C> {
    async fn digest_rows(&self, collection: CollectionId) -> Result<Vec<EntryRow>, StoreError> {
        let unstamped = Query::select()
            .expr(Expr::val(1))
            .from(resource::Entity)
            .and_where(resource::Column::CollectionId.eq(collection.0))
            .and_where(resource::Column::Tick.is_null())
            .take();
        let own = Expr::col((collection::Entity, collection::Column::EndpointId))
            .eq(Expr::col((digest_entry::Entity, digest_entry::Column::EndpointId)));
        let query = digest_entry::Entity::find()
            .select_only()
            .columns([digest_entry::Column::Tick, digest_entry::Column::Stamp, digest_entry::Column::ConflictPriority])
            .column(endpoint::Column::Url)
            .column_as(own, "is_own")
            .column_as(Expr::exists(unstamped), "is_waiting")
            .join(
                JoinType::InnerJoin,
                digest_entry::Entity::belongs_to(endpoint::Entity)
                    .from(digest_entry::Column::EndpointId)
                    .to(endpoint::Column::Id)
                    .into(),
            )
            .join(
                JoinType::InnerJoin,
                digest_entry::Entity::belongs_to(collection::Entity)
                    .from(digest_entry::Column::CollectionId)
                    .to(collection::Column::Id)
                    .into(),
            )
            .filter(digest_entry::Column::CollectionId.eq(collection.0));
        Ok(query.into_model::<EntryRow>().all(self.connection).await?)
    }
}

impl Txn {
    /// Locks the collection's clock until the end of the transaction and reads its digest. Only who holds this lock gives ticks,
    /// writes states or the digest, or changes the UUIDs of a resource; ordinary writes never take it.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another transaction holds the lock too long; [`StoreError::Damaged`] for a digest that cannot be.
    pub async fn lock(&mut self, collection: CollectionId) -> Result<Digest, StoreError> {
        let row = collection::Entity::find_by_id(collection.0).lock_exclusive().one(&self.transaction).await?;
        row.ok_or_else(|| missing(format_args!("collection {}", collection.0)))?;
        // A statement of its own: at READ COMMITTED it sees what the last holder of the lock wrote.
        digest_of(collection, self.session().digest_rows(collection).await?)
    }

    /// Keeps the UUIDs of the collection's resources as they are until the end of the transaction: a new resource whose UUID somebody
    /// chose is looked up and inserted under this lock, so that the UUID does not become a former one of another in between.
    /// Shared with others who do the same; whoever holds [`Txn::lock`] is waited for.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when that takes too long.
    pub async fn lock_uuids(&mut self, collection: CollectionId) -> Result<(), StoreError> {
        if let Some(lock) = self.inner.dialect.share_collection(collection.0) {
            self.transaction.query_one_raw(lock).await?;
        }
        Ok(())
    }

    /// Gives every unstamped resource of the collection its tick, in the order of the changes, in one statement; moves the own
    /// entry of `digest` and of the stored digest past them. Returns how many. What another transaction is writing at this moment
    /// stays unstamped. Only under [`Txn::lock`].
    ///
    /// # Errors
    /// Those of any write.
    pub async fn stamp(
        &mut self,
        collection: CollectionId,
        digest: &mut Digest,
        now: Stamp,
    ) -> Result<u64, StoreError> {
        let own = own_endpoint(digest)?;
        let own_id = self.session().endpoint_id(&own).await?;
        let first = digest.tick_of(&own).max(Tick::FIRST);
        let stamping = self.inner.dialect.stamp(collection.0, own_id, first.to_i64());
        let stamped = self.transaction.execute_raw(stamping).await?.rows_affected();
        if stamped == 0 {
            return Ok(0);
        }
        // Asked, not reckoned: no tick may ever be above the digest, whatever the statement did.
        let highest: Option<Option<i64>> = resource::Entity::find()
            .select_only()
            .column_as(resource::Column::Tick.max(), "tick")
            .filter(resource::Column::CollectionId.eq(collection.0))
            .filter(resource::Column::EndpointId.eq(own_id))
            .into_tuple()
            .one(&self.transaction)
            .await?;
        let highest = highest.flatten().ok_or_else(|| missing("the highest tick"))?;
        let before = digest.clone();
        if let Some(entry) = digest.entries.get_mut(&own) {
            entry.tick = Tick::from_i64(highest).next();
            entry.stamp = now;
        }
        self.save_digest(collection, &before, digest).await?;
        Ok(stamped)
    }

    /// Takes the ticks of own changes made after `stamp` away, so that they are stamped anew: after a restore they bear ticks
    /// that peers have seen on other changes. Only under [`Txn::lock`].
    ///
    /// # Errors
    /// Those of any write.
    pub async fn unstamp_own_after(
        &mut self,
        collection: CollectionId,
        digest: &Digest,
        stamp: Stamp,
    ) -> Result<(), StoreError> {
        let own_id = self.session().endpoint_id(&own_endpoint(digest)?).await?;
        resource::Entity::update_many()
            .col_expr(resource::Column::Tick, Expr::value(None::<i64>))
            .col_expr(resource::Column::EndpointId, Expr::value(None::<i64>))
            .filter(resource::Column::CollectionId.eq(collection.0))
            .filter(resource::Column::EndpointId.eq(own_id))
            .filter(resource::Column::ModifiedAt.gt(stamp.to_micros()))
            .exec(&self.transaction)
            .await?;
        Ok(())
    }

    /// Writes the entries of `after` that differ from `before`, in one statement. Only under [`Txn::lock`].
    ///
    /// # Errors
    /// Those of any write.
    pub async fn save_digest(
        &mut self,
        collection: CollectionId,
        before: &Digest,
        after: &Digest,
    ) -> Result<(), StoreError> {
        let is_new = |(endpoint, entry): &(&Endpoint, &DigestEntry)| before.entries.get(*endpoint) != Some(*entry);
        let changed: Vec<(&Endpoint, &DigestEntry)> = after.entries.iter().filter(is_new).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let endpoints: Vec<Endpoint> = changed.iter().map(|(endpoint, _)| (*endpoint).clone()).collect();
        let ids = self.session().endpoint_ids(&endpoints).await?;
        use digest_entry::Column::{CollectionId, ConflictPriority, EndpointId, Stamp, Tick};
        const COLUMNS: usize = 5;
        for chunk in row_chunks(self.inner.dialect, COLUMNS, &changed) {
            let rows = chunk.iter().filter_map(|(endpoint, entry)| row(collection, &ids, endpoint, entry));
            digest_entry::Entity::insert_many(rows)
                .on_conflict(Dialect::overwrite([CollectionId, EndpointId], [Tick, Stamp, ConflictPriority]))
                .exec_without_returning(&self.transaction)
                .await?;
        }
        Ok(())
    }
}

fn row(
    collection: CollectionId,
    ids: &HashMap<Endpoint, i64>,
    endpoint: &Endpoint,
    entry: &DigestEntry,
) -> Option<digest_entry::ActiveModel> {
    Some(digest_entry::ActiveModel {
        collection_id: Set(collection.0),
        endpoint_id: Set(*ids.get(endpoint)?),
        tick: Set(entry.tick.to_i64()),
        stamp: Set(entry.stamp.to_micros()),
        conflict_priority: Set(i16::from(entry.conflict_priority.value())),
    })
}

/// Whose digest it is.
fn own_endpoint(digest: &Digest) -> Result<Endpoint, StoreError> {
    digest.origin.clone().ok_or_else(|| missing("the own entry of a digest"))
}

fn digest_of(collection: CollectionId, rows: Vec<EntryRow>) -> Result<Digest, StoreError> {
    let mut digest = Digest::default();
    for row in rows {
        let damaged = |what: &dyn std::fmt::Display| {
            StoreError::Damaged(format!("digest of collection {}, endpoint {}: {what}", collection.0, row.url))
        };
        let endpoint = Endpoint::parse(&row.url).map_err(|error| damaged(&error))?;
        let priority = u8::try_from(row.conflict_priority).ok().and_then(Priority::new);
        let entry = DigestEntry {
            tick: Tick::from_i64(row.tick),
            stamp: Stamp::from_micros(row.stamp),
            conflict_priority: priority
                .ok_or_else(|| damaged(&format_args!("conflict priority {}", row.conflict_priority)))?,
        };
        if row.is_own {
            digest.origin = Some(endpoint.clone());
        }
        digest.entries.insert(endpoint, entry);
    }
    own_endpoint(&digest)?;
    Ok(digest)
}
