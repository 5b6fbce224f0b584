//! Results of an operation, entry by entry (sync 5.3).

use super::audit::{from_count, from_status, to_count, to_status};
use super::batch::content_chunks;
use super::states;
use super::{ResourceId, Store, StoreError, TrackingKey, Txn};
use crate::protocol::SyncState;
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
    /// Its UUID.
    pub uuid: Option<Uuid>,
    /// The state now in force.
    pub state: Option<SyncState>,
    /// What is to be said of it.
    pub diagnosis: Option<Value>,
}

impl Txn {
    /// Adds results of an operation: one statement for hundreds.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when a position has a result already.
    pub async fn add_results(&mut self, key: TrackingKey, results: &[ResultRow]) -> Result<(), StoreError> {
        const COLUMNS: usize = 11;
        let endpoints = states::endpoints_of(results.iter().filter_map(|result| result.state.as_ref()));
        let ids = self.session().endpoint_ids(&endpoints).await?;
        let size = |result: &ResultRow| result.diagnosis.as_ref().map_or(0, |diagnosis| diagnosis.to_string().len());
        for chunk in content_chunks(self.inner.dialect, COLUMNS, results, size) {
            let rows = chunk.iter().map(|result| {
                let state = result.state.as_ref();
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
                    uuid: row.uuid,
                    state,
                    diagnosis: row.diagnosis,
                })
            })
            .collect()
    }
}
