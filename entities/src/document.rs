//! Content of live resources.

use sea_orm::entity::prelude::*;

/// Content of live resources.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "document")]
pub struct Model {
    /// Whose content.
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource_id: i64,
    /// As a sync feed sends it; opaque here.
    pub payload: Vec<u8>,
    /// Filterable properties.
    #[sea_orm(column_type = "JsonBinary")]
    pub properties: Json,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
