//! What changes that were recorded together have in common.

use sea_orm::entity::prelude::*;

/// What changes that were recorded together have in common.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_chunk")]
pub struct Model {
    /// Row id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Microseconds UTC.
    pub at: i64,
    /// The engine's run.
    pub run_id: Option<i64>,
    /// The operation.
    pub tracking_id: Option<String>,
    /// The collection.
    pub collection_id: i64,
    /// How many changes.
    pub changes: i64,
    /// How many of them with outcome `failed`.
    pub failures: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
