//! UUIDs that were taken from their resources; references kept here still follow them (sync 1.2, 1.3).

use sea_orm::entity::prelude::*;

/// UUIDs that were taken from their resources; references kept here still follow them (sync 1.2, 1.3).
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "retired_uuid")]
pub struct Model {
    /// The collection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection_id: i64,
    /// The UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub uuid: Uuid,
    /// Who bore it.
    pub resource_id: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
