//! Properties whose values are kept in order.

use sea_orm::entity::prelude::*;

/// Properties whose values are kept in order.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "property_index")]
pub struct Model {
    /// Row id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The collection.
    pub collection_id: i64,
    /// Names of structures, then of the property, with dots between.
    pub property: String,
    /// What the values are.
    pub value_type: String,
    /// Resources up to this id have their values in the index.
    pub filled_to: i64,
    /// Whether all have; only then is it read.
    pub is_complete: bool,
    /// When a process last declared it, in microseconds since 1970 by the database's clock.
    pub wanted_at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
