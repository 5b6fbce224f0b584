//! Endpoints that take changes from here, and the digest that each showed last.

use sea_orm::entity::prelude::*;

/// Endpoints that take changes from here, and the digest that each showed last.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "peer")]
pub struct Model {
    /// The collection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection_id: i64,
    /// Who takes its changes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub endpoint_id: i64,
    /// What it had taken in.
    #[sea_orm(column_type = "JsonBinary")]
    pub digest: Json,
    /// Microseconds UTC.
    pub seen_at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
