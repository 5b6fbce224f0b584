//! Values of properties that must be unique in their collection.

use sea_orm::entity::prelude::*;

/// Values of properties that must be unique in their collection.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "unique_value")]
pub struct Model {
    /// The collection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection_id: i64,
    /// Property name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub property: String,
    /// BLAKE3 of the value, 32 bytes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub value_hash: Vec<u8>,
    /// Who bears the value.
    pub resource_id: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
