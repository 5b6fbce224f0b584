//! Work that one process does at a time.

use sea_orm::entity::prelude::*;

/// Work that one process does at a time.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "duty")]
pub struct Model {
    /// Which work.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Who does it.
    pub owner: Option<String>,
    /// Microseconds UTC, by the clock of the database.
    pub lease_until: i64,
    /// When it was last done; microseconds UTC, by the clock of the database.
    pub done_at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
