//! Asynchronous operations (core 11.5).

use sea_orm::entity::prelude::*;

/// Asynchronous operations (core 11.5).
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tracking")]
pub struct Model {
    /// Row id; also the order of arrival.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The collection operated on.
    pub collection_id: i64,
    /// Which operation.
    pub operation: String,
    /// The consumer's name for it; unique, compared byte for byte.
    pub tracking_id: String,
    /// The engine's run.
    pub run_id: Option<i64>,
    /// queued, running, done, failed or deleted.
    pub state: String,
    /// What it is at.
    pub phase_detail: String,
    /// Steps done.
    pub done: i64,
    /// Steps in all.
    pub total: i64,
    /// What was asked.
    #[sea_orm(column_type = "JsonBinary")]
    pub request: Json,
    /// What came of it, or a checkpoint.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub outcome: Option<Json>,
    /// Why it failed as a whole.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub failure: Option<Json>,
    /// The request body in `body_part`.
    pub body_id: Option<i64>,
    /// The feed the request is a page of, 32 bytes.
    pub feed_hash: Option<Vec<u8>>,
    /// Entries of that feed up to the end of the page.
    pub feed_end: Option<i64>,
    /// Who asked.
    pub principal: Option<String>,
    /// From where.
    pub remote_address: Option<String>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC.
    pub started_at: Option<i64>,
    /// Microseconds UTC.
    pub finished_at: Option<i64>,
    /// When it goes by itself; microseconds UTC.
    pub expires_at: Option<i64>,
    /// When it became used up; microseconds UTC.
    pub deleted_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
