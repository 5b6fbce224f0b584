//! Up to where tombstones of an endpoint are gone.

use sea_orm::entity::prelude::*;

/// Up to where tombstones of an endpoint are gone.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "purge_horizon")]
pub struct Model {
    /// The collection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection_id: i64,
    /// Whose tombstones.
    #[sea_orm(primary_key, auto_increment = false)]
    pub endpoint_id: i64,
    /// The first tick above all that are gone.
    pub tick: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
