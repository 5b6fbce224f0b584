//! Whom the provider knows.

use sea_orm::entity::prelude::*;

/// Whom the provider knows.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    /// Row id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Login name; unique.
    pub name: String,
    /// As a PHC string.
    pub password_hash: String,
    /// Microseconds UTC.
    pub created_at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
