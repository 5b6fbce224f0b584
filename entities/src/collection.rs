//! Collections served here: one resource kind of one dataset each.

use sea_orm::entity::prelude::*;

/// Collections served here: one resource kind of one dataset each.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "collection")]
pub struct Model {
    /// Row id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// URL level 1.
    pub application: String,
    /// URL level 2.
    pub contract: String,
    /// URL level 3; `-` is the unnamed one.
    pub dataset: String,
    /// URL level 4, plural.
    pub resource_kind: String,
    /// The collection's own endpoint.
    pub endpoint_id: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
