//! What was asked of this provider and how it ended.

use sea_orm::entity::prelude::*;

/// What was asked of this provider and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
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
    /// The collection, where there is one.
    pub collection_id: Option<i64>,
    /// URL level 1, as asked.
    pub application: String,
    /// URL level 2, as asked.
    pub contract: String,
    /// URL level 3, as asked.
    pub dataset: String,
    /// URL level 4, as asked.
    pub resource_kind: String,
    /// What was asked.
    pub operation: String,
    /// ok, refused or failed.
    pub outcome: String,
    /// Status of the answer.
    pub http_status: i16,
    /// Entries concerned.
    pub entries: i64,
    /// Of these created.
    pub created: i64,
    /// Of these updated.
    pub updated: i64,
    /// Of these deleted.
    pub deleted: i64,
    /// Of these ignored.
    pub ignored: i64,
    /// Of these in conflict.
    pub conflicts: i64,
    /// Of these failed.
    pub failed: i64,
    /// Milliseconds.
    pub duration_millis: i64,
    /// Who asked.
    pub principal: Option<String>,
    /// From where.
    pub remote_address: Option<String>,
    /// In words.
    pub message: String,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
