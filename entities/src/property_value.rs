//! Values of indexed properties, in order.

use sea_orm::entity::prelude::*;

/// Values of indexed properties, in order.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "property_value")]
pub struct Model {
    /// The index.
    #[sea_orm(primary_key, auto_increment = false)]
    pub index_id: i64,
    /// The value, encoded so that bytes are ordered as values are.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sort_key: Vec<u8>,
    /// Who bears it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource_id: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
