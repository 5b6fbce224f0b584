//! What a collection knows of one endpoint (sync 4.2).

use sea_orm::entity::prelude::*;

/// What a collection knows of one endpoint (sync 4.2).
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "digest_entry")]
pub struct Model {
    /// Whose digest.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection_id: i64,
    /// About whom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub endpoint_id: i64,
    /// First tick not taken in.
    pub tick: i64,
    /// When the tick last moved; microseconds UTC.
    pub stamp: i64,
    /// 1 (wins) to 9.
    pub conflict_priority: i16,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
