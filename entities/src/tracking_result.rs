//! Results of an operation, packed.

use sea_orm::entity::prelude::*;

/// Results of an operation, packed: those that were recorded together.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tracking_result")]
pub struct Model {
    /// The operation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tracking_id: i64,
    /// Position of the first one's request entry, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub first_position: i64,
    /// How many follow one another from there.
    pub entries: i64,
    /// What they say; the store's own.
    pub data: Vec<u8>,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
