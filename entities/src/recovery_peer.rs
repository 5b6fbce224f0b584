//! Endpoints whose changes such a collection still waits for.

use sea_orm::entity::prelude::*;

/// Endpoints whose changes such a collection still waits for.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recovery_peer")]
pub struct Model {
    /// The collection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection_id: i64,
    /// Who has to bring a feed to its end.
    #[sea_orm(primary_key, auto_increment = false)]
    pub endpoint_id: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
