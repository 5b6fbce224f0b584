//! A collection's clock: its lock, its digest, and the stamping of what changed (sync 2.2, 4.2).

use super::batch::row_chunks;
use super::connection::missing;
use super::dialect::Dialect;
use super::session::Session;
use super::{CollectionId, Store, StoreError, Txn};
use crate::protocol::{Digest, DigestEntry, Endpoint, Priority, Stamp, Tick};
use entities::{collection, digest_entry, resource};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, QuerySelect, Set};
use std::collections::HashMap;

/// One entry of a digest as it is read.
struct EntryRow {
    url: String,
    tick: i64,
    stamp: i64,
    conflict_priority: i16,
    is_own: bool,
    is_waiting: bool,
    is_owing: bool,
    is_recovering: bool,
}

/// A digest at a glance: it costs neither a lock nor a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// As it is stored.
    pub digest: Digest,
    /// Whether changes wait for their ticks.
    pub is_waiting: bool,
    /// Whether [`Txn::mark_digest_shown`] would have something to mark.
    pub is_owing: bool,
    /// Whether the clock stands still.
    pub is_recovering: bool,
    /// Whether the own tick is below one seen before: [`Txn::lock_clock`] says for sure.
    pub seems_fallen: bool,
}

impl Store {
    /// The digest and how it stands. One statement, and so one moment.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for a digest that cannot be, as for all below.
    pub async fn glance(&self, collection: CollectionId) -> Result<Glance, StoreError> {
        let rows = self.session().digest_rows(collection).await?;
        let any = |is: fn(&EntryRow) -> bool| rows.iter().any(is);
        let (is_waiting, is_owing) = (any(|row| row.is_waiting), any(|row| row.is_owing));
        let is_recovering = any(|row| row.is_recovering);
        let digest = digest_of(collection, rows)?;
        let own = own_endpoint(&digest)?;
        let own_tick = digest.tick_of(&own);
        let seems_fallen = !is_recovering && self.inner.ticks.fallen_from(&own, own_tick).is_some();
        // What another process gave is never to be given again either.
        self.inner.ticks.remember([(&own, own_tick)]);
        Ok(Glance { digest, is_waiting, is_owing, is_recovering, seems_fallen })
    }
}

/// A digest's entries; whether one is the own one; whether changes wait for their ticks; whether entries are parked that nobody
/// was shown a digest of; and whether the clock stands still.
const DIGEST: &str = "SELECT endpoint.url, digest_entry.tick, digest_entry.stamp, digest_entry.conflict_priority, \
    collection.endpoint_id = digest_entry.endpoint_id, \
    EXISTS (SELECT 1 FROM resource WHERE collection_id = collection.id AND tick IS NULL), \
    EXISTS (SELECT 1 FROM parked_entry WHERE collection_id = collection.id AND digest_shown = FALSE), \
    EXISTS (SELECT 1 FROM recovery WHERE collection_id = collection.id) \
    FROM collection JOIN digest_entry ON digest_entry.collection_id = collection.id \
    JOIN endpoint ON endpoint.id = digest_entry.endpoint_id WHERE collection.id = ?";

impl<C: ConnectionTrait> Session<'_, C> {
    async fn digest_rows(&self, collection: CollectionId) -> Result<Vec<EntryRow>, StoreError> {
        let query = self.inner.dialect.statement(DIGEST, [collection.0.into()]);
        let rows = self.connection.query_all_raw(query).await?;
        let entry = |row: &QueryResult| {
            Ok(EntryRow {
                url: row.try_get_by_index(0)?,
                tick: row.try_get_by_index(1)?,
                stamp: row.try_get_by_index(2)?,
                conflict_priority: row.try_get_by_index(3)?,
                is_own: row.try_get_by_index(4)?,
                is_waiting: row.try_get_by_index(5)?,
                is_owing: row.try_get_by_index(6)?,
                is_recovering: row.try_get_by_index(7)?,
            })
        };
        rows.iter().map(entry).collect()
    }
}

impl Txn {
    /// Locks the collection's clock until the end of the transaction and reads its digest. Only who holds this lock gives ticks,
    /// writes states or the digest, or changes the UUIDs of a resource; ordinary writes never take it.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another transaction holds the lock too long; [`StoreError::Damaged`] for a digest that cannot be.
    pub async fn lock(&mut self, collection: CollectionId) -> Result<Digest, StoreError> {
        Ok(self.lock_digest(collection).await?.0)
    }

    /// The same, and whether the clock stands still.
    pub(super) async fn lock_digest(&mut self, collection: CollectionId) -> Result<(Digest, bool), StoreError> {
        let row = collection::Entity::find_by_id(collection.0).lock_exclusive().one(&self.transaction).await?;
        row.ok_or_else(|| missing(format_args!("collection {}", collection.0)))?;
        // A statement of its own: at READ COMMITTED it sees what the last holder of the lock wrote.
        let rows = self.session().digest_rows(collection).await?;
        let is_recovering = rows.iter().any(|row| row.is_recovering);
        Ok((digest_of(collection, rows)?, is_recovering))
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
        let own = changed.iter().filter(|(endpoint, _)| Some(*endpoint) == after.origin.as_ref());
        self.own_ticks.extend(own.map(|(endpoint, entry)| ((*endpoint).clone(), entry.tick)));
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
pub(super) fn own_endpoint(digest: &Digest) -> Result<Endpoint, StoreError> {
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
