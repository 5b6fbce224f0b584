//! Collections that get back what they have forgotten.

use sea_orm::entity::prelude::*;

/// Collections that get back what they have forgotten.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recovery")]
pub struct Model {
    /// The collection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection_id: i64,
    /// Microseconds UTC.
    pub since: i64,
    /// The first own tick that may be forgotten.
    pub floor_tick: i64,
    /// Whether ticks from there on may have been given twice.
    pub is_ambiguous: bool,
    /// The highest own tick that anybody knows.
    pub known_tick: i64,
    /// The feed whose digest gave the proof, 32 bytes.
    pub proof_feed: Option<Vec<u8>>,
    /// What showed it.
    pub cause: String,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
