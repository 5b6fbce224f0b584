//! Entries that could not be applied and wait to be tried again (sync 5.3): only so may the digest pass them.

use super::audit::{from_status, to_status};
use super::batch::{content_chunks, in_lists};
use super::session::Session;
use super::states;
use super::{CollectionId, RunId, Store, StoreError, Txn};
use crate::protocol::{Digest, Endpoint, Stamp, SyncState};
use bytes::Bytes;
use entities::parked_entry;
use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Select, Set,
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A parked entry in this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParkedId(pub i64);

/// An entry to be parked.
#[derive(Debug, Clone, PartialEq)]
pub struct ParkedWrite {
    /// Its UUID, where it has one.
    pub uuid: Option<Uuid>,
    /// Its state, where it has one.
    pub state: Option<SyncState>,
    /// What was to be done; at most 16 characters.
    pub method: String,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// Its payload as the caller wants it back.
    pub payload: Option<Bytes>,
    /// The digest of the feed it came with: what it is to be decided by.
    pub source_digest: Digest,
    /// In which run it came.
    pub run: Option<RunId>,
    /// In which tracking, by the consumer's name.
    pub tracking_id: Option<String>,
    /// Status of the try that failed.
    pub http_status: u16,
    /// Why it failed.
    pub diagnosis: Value,
    /// When to try again.
    pub next_try_at: Stamp,
    /// When it was parked.
    pub parked_at: Stamp,
}

/// A parked entry as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ParkedEntry {
    /// Its id here.
    pub id: ParkedId,
    /// For which collection.
    pub collection: CollectionId,
    /// What was parked; `http_status`, `diagnosis` and `next_try_at` are those of the last try.
    pub entry: ParkedWrite,
    /// Tries so far.
    pub attempts: u32,
    /// Whether a digest that passes the entry was shown to somebody: then nobody will send it again.
    pub digest_shown: bool,
}

impl ParkedEntry {
    /// Why it could not be applied.
    #[must_use]
    pub fn message(&self) -> &str {
        self.entry.diagnosis.get("message").and_then(|message| message.as_str()).unwrap_or_default()
    }
}

/// About what an entry of a digest takes as JSON.
const DIGEST_ENTRY_BYTES: usize = 160;

/// What makes a parked entry the same as another.
#[derive(FromQueryResult)]
struct Identity {
    id: i64,
    uuid: Option<Uuid>,
    endpoint_id: Option<i64>,
    tick: Option<i64>,
}

impl Txn {
    /// Parks entries. One that is parked already, by UUID and state, is replaced. Only under [`Txn::lock`].
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn park(&mut self, collection: CollectionId, entries: &[ParkedWrite]) -> Result<(), StoreError> {
        const COLUMNS: usize = 18;
        let endpoints = states::endpoints_of(entries.iter().filter_map(|entry| entry.state.as_ref()));
        let ids = self.session().endpoint_ids(&endpoints).await?;
        self.drop_replaced(collection, entries, &ids).await?;
        let size = |entry: &ParkedWrite| {
            entry.payload.as_ref().map_or(0, Bytes::len) + entry.source_digest.entries.len() * DIGEST_ENTRY_BYTES
        };
        for chunk in content_chunks(self.inner.dialect, COLUMNS, entries, size) {
            let rows: Result<Vec<_>, StoreError> = chunk.iter().map(|entry| row_of(collection, entry, &ids)).collect();
            parked_entry::Entity::insert_many(rows?).exec_without_returning(&self.transaction).await?;
        }
        Ok(())
    }

    async fn drop_replaced(
        &mut self,
        collection: CollectionId,
        entries: &[ParkedWrite],
        ids: &HashMap<Endpoint, i64>,
    ) -> Result<(), StoreError> {
        let identity = |entry: &ParkedWrite| {
            let state = entry.state.as_ref()?;
            Some((entry.uuid, *ids.get(&state.endpoint)?, state.tick.to_i64()))
        };
        let identities: BTreeSet<_> = entries.iter().filter_map(identity).collect();
        let ticks: Vec<i64> = identities.iter().map(|(_, _, tick)| *tick).collect();
        let mut replaced = Vec::new();
        for list in in_lists(&ticks) {
            let rows = parked_entry::Entity::find()
                .select_only()
                .columns([parked_entry::Column::Id, parked_entry::Column::Uuid])
                .columns([parked_entry::Column::EndpointId, parked_entry::Column::Tick])
                .filter(parked_entry::Column::CollectionId.eq(collection.0))
                .filter(self.inner.dialect.among(parked_entry::Column::Tick, list))
                .into_model::<Identity>()
                .all(&self.transaction)
                .await?;
            replaced.extend(rows.into_iter().filter_map(|row| {
                identities.contains(&(row.uuid, row.endpoint_id?, row.tick?)).then_some(ParkedId(row.id))
            }));
        }
        self.unpark(&replaced).await
    }

    /// Whether anything of the collection is parked: mostly nothing is.
    pub async fn has_parked(&mut self, collection: CollectionId) -> Result<bool, StoreError> {
        let one = parked_entry::Entity::find()
            .select_only()
            .column(parked_entry::Column::Id)
            .filter(parked_entry::Column::CollectionId.eq(collection.0))
            .limit(1);
        Ok(one.into_tuple::<i64>().one(&self.transaction).await?.is_some())
    }

    /// What is parked under these UUIDs.
    pub async fn parked_of(
        &mut self,
        collection: CollectionId,
        uuids: &[Uuid],
    ) -> Result<Vec<ParkedEntry>, StoreError> {
        let mut found = Vec::new();
        for list in in_lists(uuids) {
            let query = parked_entry::Entity::find()
                .filter(parked_entry::Column::CollectionId.eq(collection.0))
                .filter(self.inner.dialect.among(parked_entry::Column::Uuid, list))
                .order_by_asc(parked_entry::Column::Id);
            found.extend(self.session().parked(query).await?);
        }
        Ok(found)
    }

    /// Up to `limit` parked entries of a collection after `after`, in the order they were parked; fewer where their payloads have
    /// more than `bytes` together, but one if there is any.
    pub async fn parked_batch(
        &mut self,
        collection: CollectionId,
        after: Option<ParkedId>,
        (limit, bytes): (u64, u64),
    ) -> Result<Vec<ParkedEntry>, StoreError> {
        let after = after.map_or(0, |after| after.0);
        let sizes: Vec<(i64, i64)> = parked_entry::Entity::find()
            .select_only()
            .column(parked_entry::Column::Id)
            .expr(Expr::cust(format!("CAST(COALESCE(LENGTH(payload), 0) AS {})", self.inner.dialect.integer())))
            .filter(parked_entry::Column::CollectionId.eq(collection.0))
            .filter(parked_entry::Column::Id.gt(after))
            .order_by_asc(parked_entry::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(&self.transaction)
            .await?;
        let mut sum = 0_u64;
        let fits = |(_, size): &&(i64, i64)| {
            let is_first = sum == 0;
            sum = sum.saturating_add(Ord::max(size.unsigned_abs(), 1));
            is_first || sum <= bytes
        };
        let Some((last, _)) = sizes.iter().take_while(fits).last() else { return Ok(Vec::new()) };
        let query = parked_entry::Entity::find()
            .filter(parked_entry::Column::CollectionId.eq(collection.0))
            .filter(parked_entry::Column::Id.gt(after))
            .filter(parked_entry::Column::Id.lte(*last))
            .order_by_asc(parked_entry::Column::Id);
        self.session().parked(query).await
    }

    /// Takes entries out: they were applied, or something newer was.
    pub async fn unpark(&mut self, ids: &[ParkedId]) -> Result<(), StoreError> {
        for list in in_lists(ids) {
            let theirs = self.inner.dialect.among(parked_entry::Column::Id, list.into_iter().map(|id| id.0));
            parked_entry::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        }
        Ok(())
    }

    /// Notes that another try of these entries failed: when to try again, with which status and diagnosis.
    pub async fn retry_failed(&mut self, failed: &[(ParkedId, Stamp, u16, Value)]) -> Result<(), StoreError> {
        use parked_entry::Column::{Attempts, Diagnosis, HttpStatus, Id, NextTryAt};
        const FAILED_PER_STATEMENT: usize = 100;
        for chunk in failed.chunks(FAILED_PER_STATEMENT) {
            let (mut next_try_at, mut status, mut diagnosis) = Default::default();
            for (id, next, http_status, said) in chunk {
                let is_it = || Id.eq(id.0);
                next_try_at = CaseStatement::case(next_try_at, is_it(), Expr::value(next.to_micros()));
                status = CaseStatement::case(status, is_it(), Expr::value(to_status(*http_status)));
                diagnosis = CaseStatement::case(diagnosis, is_it(), Expr::value(said.clone()));
            }
            parked_entry::Entity::update_many()
                .col_expr(Attempts, Expr::col(Attempts).add(1))
                .col_expr(NextTryAt, next_try_at.into())
                .col_expr(HttpStatus, status.into())
                .col_expr(Diagnosis, diagnosis.into())
                .filter(Id.is_in(chunk.iter().map(|(id, ..)| id.0)))
                .exec(&self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Notes that the collection's digest was shown to somebody, who will not send again what is parked here.
    pub async fn mark_digest_shown(&mut self, collection: CollectionId) -> Result<(), StoreError> {
        parked_entry::Entity::update_many()
            .col_expr(parked_entry::Column::DigestShown, Expr::value(true))
            .filter(parked_entry::Column::CollectionId.eq(collection.0))
            .filter(parked_entry::Column::DigestShown.eq(false))
            .exec(&self.transaction)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Up to `limit` collections with entries whose next try is due; `now` is by the database's clock.
    ///
    /// # Errors
    /// Those of any read or write, as for all below.
    pub async fn parked_due(&self, now: Stamp, limit: u64) -> Result<Vec<CollectionId>, StoreError> {
        let due: Vec<i64> = parked_entry::Entity::find()
            .select_only()
            .column(parked_entry::Column::CollectionId)
            .distinct()
            .filter(parked_entry::Column::NextTryAt.lte(now.to_micros()))
            .limit(limit)
            .into_tuple()
            .all(&self.inner.read)
            .await?;
        Ok(due.into_iter().map(CollectionId).collect())
    }

    /// Makes these entries, or all, due now. Returns how many.
    pub async fn parked_retry_now(&self, ids: Option<&[ParkedId]>, now: Stamp) -> Result<u64, StoreError> {
        let update = parked_entry::Entity::update_many()
            .col_expr(parked_entry::Column::NextTryAt, Expr::value(now.to_micros()))
            .filter(chosen(ids));
        Ok(update.exec(self.single_write()).await?.rows_affected)
    }

    /// Throws these entries away, or all. Returns how many.
    pub async fn parked_discard(&self, ids: Option<&[ParkedId]>) -> Result<u64, StoreError> {
        let delete = parked_entry::Entity::delete_many().filter(chosen(ids));
        Ok(delete.exec(self.single_write()).await?.rows_affected)
    }
}

fn chosen(ids: Option<&[ParkedId]>) -> Condition {
    ids.map_or_else(Condition::all, |ids| {
        Condition::all().add(parked_entry::Column::Id.is_in(ids.iter().map(|id| id.0)))
    })
}

impl<C: ConnectionTrait> Session<'_, C> {
    pub(super) async fn parked(&self, query: Select<parked_entry::Entity>) -> Result<Vec<ParkedEntry>, StoreError> {
        let rows = query.all(self.connection).await?;
        let endpoints = self.endpoints(rows.iter().filter_map(|row| row.endpoint_id).collect()).await?;
        rows.into_iter()
            .map(|row| {
                let state = (row.endpoint_id, row.tick, row.stamp);
                let state = states::from_columns(&endpoints, state, row.modified_by)?;
                let source_digest = serde_json::from_value(row.source_digest)
                    .map_err(|error| StoreError::Damaged(format!("digest of parked entry {}: {error}", row.id)))?;
                Ok(ParkedEntry {
                    id: ParkedId(row.id),
                    collection: CollectionId(row.collection_id),
                    entry: ParkedWrite {
                        uuid: row.uuid,
                        state,
                        method: row.method,
                        deleted: row.is_deleted,
                        payload: row.payload.map(Bytes::from),
                        source_digest,
                        run: row.run_id.map(RunId),
                        tracking_id: row.tracking_id,
                        http_status: from_status(row.http_status),
                        diagnosis: row.diagnosis,
                        next_try_at: Stamp::from_micros(row.next_try_at),
                        parked_at: Stamp::from_micros(row.parked_at),
                    },
                    attempts: u32::try_from(row.attempts).unwrap_or_default(),
                    digest_shown: row.digest_shown,
                })
            })
            .collect()
    }
}

fn row_of(
    collection: CollectionId,
    entry: &ParkedWrite,
    endpoints: &HashMap<Endpoint, i64>,
) -> Result<parked_entry::ActiveModel, StoreError> {
    let state = entry.state.as_ref();
    let source_digest = serde_json::to_value(&entry.source_digest)
        .map_err(|error| StoreError::Damaged(format!("a feed's digest: {error}")))?;
    Ok(parked_entry::ActiveModel {
        collection_id: Set(collection.0),
        uuid: Set(entry.uuid),
        endpoint_id: Set(state.and_then(|state| endpoints.get(&state.endpoint).copied())),
        tick: Set(state.map(|state| state.tick.to_i64())),
        stamp: Set(state.map(|state| state.stamp.to_micros())),
        modified_by: Set(state.and_then(|state| state.user.clone())),
        method: Set(entry.method.clone()),
        is_deleted: Set(entry.deleted),
        payload: Set(entry.payload.as_ref().map(|payload| payload.to_vec())),
        source_digest: Set(source_digest),
        run_id: Set(entry.run.map(|run| run.0)),
        tracking_id: Set(entry.tracking_id.clone()),
        http_status: Set(to_status(entry.http_status)),
        diagnosis: Set(entry.diagnosis.clone()),
        attempts: Set(1),
        next_try_at: Set(entry.next_try_at.to_micros()),
        digest_shown: Set(false),
        parked_at: Set(entry.parked_at.to_micros()),
        ..Default::default()
    })
}
