//! Results of an operation, entry by entry (sync 5.3).

use super::audit::{from_count, from_status, to_count, to_status};
use super::batch::content_chunks;
use super::states;
use super::{ResourceId, Store, StoreError, TrackingKey, Txn};
use crate::protocol::{Stamp, SyncState};
use bytes::Bytes;
use entities::tracking_result;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::Value;
use uuid::Uuid;

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
    /// Adds results of an operation: one statement for hundreds.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when a position has a result already.
    pub async fn add_results(&mut self, key: TrackingKey, results: &[ResultRow]) -> Result<(), StoreError> {
        const COLUMNS: usize = 17;
        let endpoints = states::endpoints_of(results.iter().filter_map(|result| result.state.as_ref()));
        let ids = self.session().endpoint_ids(&endpoints).await?;
        let size = |result: &ResultRow| {
            let diagnosis = result.diagnosis.as_ref().map_or(0, |diagnosis| diagnosis.to_string().len());
            diagnosis + result.version.as_ref().map_or(0, |version| version.payload.len())
        };
        for chunk in content_chunks(self.inner.dialect, COLUMNS, results, size) {
            let rows = chunk.iter().map(|result| {
                let (state, version) = (result.state.as_ref(), result.version.as_ref());
                tracking_result::ActiveModel {
                    tracking_id: Set(key.0),
                    position: Set(to_count(result.position)),
                    http_status: Set(to_status(result.http_status)),
                    http_method: Set(result.http_method.clone()),
                    resource_id: Set(result.resource.map(|resource| resource.0)),
                    uuid: Set(result.uuid),
                    endpoint_id: Set(state.and_then(|state| ids.get(&state.endpoint).copied())),
                    tick: Set(state.map(|state| state.tick.to_i64())),
                    stamp: Set(state.map(|state| state.stamp.to_micros())),
                    state_user: Set(state.and_then(|state| state.user.clone())),
                    diagnosis: Set(result.diagnosis.clone()),
                    resource_key: Set(result.key.clone()),
                    etag: Set(version.map(|version| version.etag.clone())),
                    modified_at: Set(version.map(|version| version.stamp.to_micros())),
                    created_at: Set(version.map(|version| version.created.to_micros())),
                    modified_by: Set(version.and_then(|version| version.user.clone())),
                    payload: Set(version.map(|version| version.payload.to_vec())),
                }
            });
            tracking_result::Entity::insert_many(rows).exec_without_returning(&self.transaction).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Up to `limit` results of an operation in the order of the request, from position `from`.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn results(&self, key: TrackingKey, from: u64, limit: u64) -> Result<Vec<ResultRow>, StoreError> {
        let rows = tracking_result::Entity::find()
            .filter(tracking_result::Column::TrackingId.eq(key.0))
            .filter(tracking_result::Column::Position.gte(to_count(from)))
            .order_by_asc(tracking_result::Column::Position)
            .limit(limit)
            .all(&self.inner.read)
            .await?;
        let endpoints = self.session().endpoints(rows.iter().filter_map(|row| row.endpoint_id).collect()).await?;
        rows.into_iter()
            .map(|row| {
                let state = (row.endpoint_id, row.tick, row.stamp);
                let state = states::from_columns(&endpoints, state, row.state_user)?;
                Ok(ResultRow {
                    position: from_count(row.position),
                    http_status: from_status(row.http_status),
                    http_method: row.http_method,
                    resource: row.resource_id.map(ResourceId),
                    key: row.resource_key,
                    uuid: row.uuid,
                    state,
                    version: version(row.etag, (row.created_at, row.modified_at), row.modified_by, row.payload),
                    diagnosis: row.diagnosis,
                })
            })
            .collect()
    }
}

fn version(
    etag: Option<String>,
    (created_at, modified_at): (Option<i64>, Option<i64>),
    user: Option<String>,
    payload: Option<Vec<u8>>,
) -> Option<Version> {
    Some(Version {
        etag: etag?,
        created: Stamp::from_micros(created_at?),
        stamp: Stamp::from_micros(modified_at?),
        user,
        payload: Bytes::from(payload?),
    })
}
