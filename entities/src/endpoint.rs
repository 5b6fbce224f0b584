//! Endpoints by their canonical URL: everybody a collection ever heard of.

use sea_orm::entity::prelude::*;

/// Endpoints by their canonical URL: everybody a collection ever heard of.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "endpoint")]
pub struct Model {
    /// Row id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The normalised URL; unique, compared byte for byte.
    pub url: String,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
