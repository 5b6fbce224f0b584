//! Entries that could not be applied and wait (sync 5.3).

use sea_orm::entity::prelude::*;

/// Entries that could not be applied and wait (sync 5.3).
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "parked_entry")]
pub struct Model {
    /// Row id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The target collection.
    pub collection_id: i64,
    /// The entry's UUID.
    pub uuid: Option<Uuid>,
    /// The entry's state: where.
    pub endpoint_id: Option<i64>,
    /// The entry's state: tick.
    pub tick: Option<i64>,
    /// The entry's state: when; microseconds UTC.
    pub stamp: Option<i64>,
    /// The entry's state: who.
    pub modified_by: Option<String>,
    /// What was to be done.
    pub method: String,
    /// Whether the entry is a tombstone.
    pub is_deleted: bool,
    /// As it came.
    pub payload: Option<Vec<u8>>,
    /// The feed's digest.
    #[sea_orm(column_type = "JsonBinary")]
    pub source_digest: Json,
    /// The engine's run.
    pub run_id: Option<i64>,
    /// The operation that brought it.
    pub tracking_id: Option<String>,
    /// Status of the last try.
    pub http_status: i16,
    /// Diagnosis of the last try.
    #[sea_orm(column_type = "JsonBinary")]
    pub diagnosis: Json,
    /// Tries so far.
    pub attempts: i32,
    /// Microseconds UTC.
    pub next_try_at: i64,
    /// Whether a digest that passes the entry was shown to somebody.
    pub digest_shown: bool,
    /// Microseconds UTC.
    pub parked_at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
