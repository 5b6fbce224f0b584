//! Runs of engines (sync 4.1).

use sea_orm::entity::prelude::*;

/// Runs of engines (sync 4.1).
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sync_run")]
pub struct Model {
    /// Row id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// BLAKE3 of name and stamp, 32 bytes; unique.
    pub run_hash: Vec<u8>,
    /// Exactly as sent.
    pub run_name: String,
    /// Exactly as sent.
    pub run_stamp: String,
    /// The stamp as a time where it is one; microseconds UTC.
    pub run_time: Option<i64>,
    /// Microseconds UTC.
    pub first_seen: i64,
    /// Microseconds UTC.
    pub last_seen: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
