//! Synchronization metadata of every resource, tombstones included (sync 4.3).

use sea_orm::entity::prelude::*;

/// Synchronization metadata of every resource, tombstones included (sync 4.3).
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource")]
pub struct Model {
    /// From `id_block`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// Its collection.
    pub collection_id: i64,
    /// `sdata:key`, this application's own.
    pub resource_key: String,
    /// `sdata:uuid`, once linked.
    pub uuid: Option<Uuid>,
    /// Where the last change was made; null while unstamped.
    pub endpoint_id: Option<i64>,
    /// Tick of the last change; null while unstamped.
    pub tick: Option<i64>,
    /// Stamp of the last change; microseconds UTC.
    pub modified_at: i64,
    /// User of the last change.
    pub modified_by: Option<String>,
    /// Validator of the content, without quotes.
    pub etag: String,
    /// Whether it is a tombstone.
    pub is_deleted: bool,
    /// Whether the payload names resources by key that have no UUID yet.
    pub has_key_references: bool,
    /// Stamp of the first version that was here; microseconds UTC.
    pub created_at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
