//! What became of every entry, with both states.

use sea_orm::entity::prelude::*;

/// What became of every entry, with both states.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_change")]
pub struct Model {
    /// Row id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// With what it was recorded.
    pub chunk_id: i64,
    /// The resource's UUID.
    pub uuid: Option<Uuid>,
    /// Its key.
    pub resource_key: Option<String>,
    /// What became of the entry.
    pub outcome: String,
    /// Its status.
    pub http_status: i16,
    /// Incoming state: where.
    pub source_endpoint_id: Option<i64>,
    /// Incoming state: tick.
    pub source_tick: Option<i64>,
    /// Incoming state: when; microseconds UTC.
    pub source_stamp: Option<i64>,
    /// Stored state: where.
    pub target_endpoint_id: Option<i64>,
    /// Stored state: tick.
    pub target_tick: Option<i64>,
    /// Stored state: when; microseconds UTC.
    pub target_stamp: Option<i64>,
    /// In words.
    pub message: String,
    /// The version that lost a conflict.
    pub losing_payload: Option<String>,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
