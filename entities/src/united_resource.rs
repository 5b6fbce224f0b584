//! Resources that turned out to be others; references kept here still follow them (sync 1.2).

use sea_orm::entity::prelude::*;

/// Resources that turned out to be others; references kept here still follow them (sync 1.2).
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "united_resource")]
pub struct Model {
    /// The one that went.
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource_id: i64,
    /// The one that stays; never one that went itself.
    pub stays_id: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
