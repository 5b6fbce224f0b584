//! Live resources of a collection, in shards whose sum it is.

use sea_orm::entity::prelude::*;

/// Live resources of a collection, in shards whose sum it is.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "live_count")]
pub struct Model {
    /// The collection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection_id: i64,
    /// One of a few rows, so that writers seldom meet.
    #[sea_orm(primary_key, auto_increment = false)]
    pub shard: i16,
    /// May be negative: only the sum is a count.
    pub live: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
