//! Results of an operation, entry by entry (sync 5.3): written once, read in order and dropped with it. So a row of the table holds
//! as many as were recorded together, packed.

use super::audit::{from_count, to_count};
use super::{Duplicate, ResourceId, Store, StoreError, TrackingKey, Txn};
use crate::protocol::{Endpoint, Stamp, SyncState, Tick};
use bytes::Bytes;
use entities::tracking_result;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Most bytes of contents in one row, before they are packed.
const PACKED_BYTES: usize = 4 << 20;

/// The result of one request entry.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultRow {
    /// The entry's place in the request, from 0.
    pub position: u64,
    /// `http:httpStatus`.
    pub http_status: u16,
    /// `http:httpMethod`: what was done; at most 16 characters.
    pub http_method: String,
    /// The resource concerned.
    pub resource: Option<ResourceId>,
    /// Its key, where the result must name it even when it is gone.
    pub key: Option<String>,
    /// Its UUID.
    pub uuid: Option<Uuid>,
    /// The state now in force.
    pub state: Option<SyncState>,
    /// The version that the result tells of, where that is not the one in force when it is read.
    pub version: Option<Version>,
    /// What is to be said of it.
    pub diagnosis: Option<Value>,
}

/// A resource as it was when an entry was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Validator of the content.
    pub etag: String,
    /// When it was last changed.
    pub stamp: Stamp,
    /// When the resource came to be here.
    pub created: Stamp,
    /// By whom.
    pub user: Option<String>,
    /// The content.
    pub payload: Bytes,
}

impl Txn {
    /// Adds results of an operation: one statement for hundreds, unless their positions have gaps or their versions are large.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when a position has a result already.
    pub async fn add_results(&mut self, key: TrackingKey, results: &[ResultRow]) -> Result<(), StoreError> {
        for run in results.chunk_by(|one, next| one.position + 1 == next.position) {
            let mut rest = run;
            while !rest.is_empty() {
                let mut bytes = 0;
                let fitting = rest.iter().take_while(|result| {
                    bytes += result.version.as_ref().map_or(0, |version| version.payload.len());
                    bytes <= PACKED_BYTES
                });
                let (part, others) = rest.split_at(Ord::max(fitting.count(), 1));
                self.add_packed(key, part).await?;
                rest = others;
            }
        }
        Ok(())
    }

    /// Adds results whose positions follow one another.
    async fn add_packed(&mut self, key: TrackingKey, results: &[ResultRow]) -> Result<(), StoreError> {
        use tracking_result::Column::{Data, Entries, FirstPosition, TrackingId};
        let Some(first) = results.first().map(|result| to_count(result.position)) else { return Ok(()) };
        let entries = to_count(results.len() as u64);
        let there = Query::select()
            .expr(Expr::val(1))
            .from(tracking_result::Entity)
            .and_where(TrackingId.eq(key.0))
            .and_where(FirstPosition.lt(first + entries))
            .and_where(Expr::col(FirstPosition).add(Expr::col(Entries)).gt(first))
            .take();
        let row = Query::select()
            .expr(Expr::val(key.0))
            .expr(Expr::val(first))
            .expr(Expr::val(entries))
            .expr(self.inner.dialect.bytes(packed::pack(results)?))
            .and_where(Expr::exists(there).not())
            .take();
        let mut insert = Query::insert();
        insert.into_table(tracking_result::Entity).columns([TrackingId, FirstPosition, Entries, Data]);
        insert.select_from(row).map_err(|error| StoreError::Damaged(error.to_string()))?;
        match self.transaction.execute(&insert).await?.rows_affected() {
            0 => Err(StoreError::Duplicate { what: Duplicate::Other }),
            _ => Ok(()),
        }
    }
}

impl Store {
    /// Up to `limit` results of an operation in the order of the request, from position `from`.
    ///
    /// # Errors
    /// Those of any read; [`StoreError::Damaged`] for what cannot be unpacked.
    pub async fn results(&self, key: TrackingKey, from: u64, limit: u64) -> Result<Vec<ResultRow>, StoreError> {
        use tracking_result::Column::{Data, Entries, FirstPosition, TrackingId};
        let end = from.saturating_add(limit);
        let rows: Vec<(i64, Vec<u8>)> = tracking_result::Entity::find()
            .select_only()
            .columns([FirstPosition, Data])
            .filter(TrackingId.eq(key.0))
            .filter(FirstPosition.lt(to_count(end)))
            .filter(Expr::col(FirstPosition).add(Expr::col(Entries)).gt(to_count(from)))
            .order_by_asc(FirstPosition)
            .into_tuple()
            .all(&self.inner.read)
            .await?;
        let mut results = Vec::new();
        for (first, data) in rows {
            let unpacked = packed::unpack(from_count(first), &data)?;
            results.extend(unpacked.into_iter().filter(|result| (from..end).contains(&result.position)));
        }
        Ok(results)
    }
}

/// What stands in a row: an LZ4 block with a list in JSON, then the contents of the versions in its order.
mod packed {
    use super::{Bytes, Deserialize, Endpoint, ResourceId, ResultRow, Serialize, Stamp, StoreError, SyncState, Tick};
    use super::{Uuid, Value, Version};
    use std::borrow::Cow;

    #[derive(Serialize, Deserialize)]
    struct List<'r> {
        /// Those of the states, each once.
        endpoints: Vec<Endpoint>,
        #[serde(borrow)]
        entries: Vec<Entry<'r>>,
    }

    #[derive(Serialize, Deserialize)]
    struct Entry<'r> {
        status: u16,
        #[serde(borrow)]
        method: Cow<'r, str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resource: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<Cow<'r, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uuid: Option<Uuid>,
        /// Index of the endpoint, tick, stamp, user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<(usize, Tick, Stamp, Option<Cow<'r, str>>)>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Told<'r>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        diagnosis: Option<Cow<'r, Value>>,
    }

    #[derive(Serialize, Deserialize)]
    struct Told<'r> {
        etag: Cow<'r, str>,
        stamp: Stamp,
        created: Stamp,
        user: Option<Cow<'r, str>>,
        /// Bytes of its content.
        length: usize,
    }

    pub(super) fn pack(results: &[ResultRow]) -> Result<Vec<u8>, StoreError> {
        let mut endpoints: Vec<Endpoint> = Vec::new();
        let entries = results.iter().map(|result| Entry {
            status: result.http_status,
            method: Cow::from(&result.http_method),
            resource: result.resource.map(|resource| resource.0),
            key: result.key.as_deref().map(Cow::from),
            uuid: result.uuid,
            state: result.state.as_ref().map(|state| {
                let place = endpoints.iter().position(|endpoint| *endpoint == state.endpoint).unwrap_or_else(|| {
                    endpoints.push(state.endpoint.clone());
                    endpoints.len() - 1
                });
                (place, state.tick, state.stamp, state.user.as_deref().map(Cow::from))
            }),
            version: result.version.as_ref().map(|version| Told {
                etag: Cow::from(&version.etag),
                stamp: version.stamp,
                created: version.created,
                user: version.user.as_deref().map(Cow::from),
                length: version.payload.len(),
            }),
            diagnosis: result.diagnosis.as_ref().map(Cow::Borrowed),
        });
        let entries = entries.collect();
        let mut data = serde_json::to_vec(&List { endpoints, entries }).map_err(damaged)?;
        for version in results.iter().filter_map(|result| result.version.as_ref()) {
            data.extend_from_slice(&version.payload);
        }
        Ok(lz4_flex::compress_prepend_size(&data))
    }

    pub(super) fn unpack(first: u64, data: &[u8]) -> Result<Vec<ResultRow>, StoreError> {
        let data = Bytes::from(lz4_flex::decompress_size_prepended(data).map_err(damaged)?);
        let mut lists = serde_json::Deserializer::from_slice(&data).into_iter::<List<'_>>();
        let list = lists.next().transpose().map_err(damaged)?.ok_or_else(|| damaged("no list"))?;
        let mut contents = data.slice(lists.byte_offset()..);
        let mut result = |(entry, position): (Entry<'_>, u64)| {
            let state = entry.state.map(|(place, tick, stamp, user)| {
                let endpoint = list.endpoints.get(place).cloned().ok_or_else(|| damaged("no such endpoint"))?;
                Ok::<_, StoreError>(SyncState { endpoint, tick, stamp, user: user.map(Cow::into_owned) })
            });
            let version = entry.version.map(|told| {
                if told.length > contents.len() {
                    return Err(damaged("a content is cut off"));
                }
                Ok(Version {
                    etag: told.etag.into_owned(),
                    stamp: told.stamp,
                    created: told.created,
                    user: told.user.map(Cow::into_owned),
                    payload: contents.split_to(told.length),
                })
            });
            Ok(ResultRow {
                position,
                http_status: entry.status,
                http_method: entry.method.into_owned(),
                resource: entry.resource.map(ResourceId),
                key: entry.key.map(Cow::into_owned),
                uuid: entry.uuid,
                state: state.transpose()?,
                version: version.transpose()?,
                diagnosis: entry.diagnosis.map(Cow::into_owned),
            })
        };
        list.entries.into_iter().zip(first..).map(&mut result).collect()
    }

    fn damaged(what: impl std::fmt::Display) -> StoreError {
        StoreError::Damaged(format!("results of an operation: {what}"))
    }
}
