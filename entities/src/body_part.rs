//! Request bodies, in parts.

use sea_orm::entity::prelude::*;

/// Request bodies, in parts.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "body_part")]
pub struct Model {
    /// From `id_block`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub body_id: i64,
    /// Number of the part, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub part: i32,
    /// Opaque.
    pub data: Vec<u8>,
    /// Microseconds UTC.
    pub created_at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
