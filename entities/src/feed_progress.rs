//! How much of a feed that comes in pages was taken.

use sea_orm::entity::prelude::*;

/// How much of a feed that comes in pages was taken.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_progress")]
pub struct Model {
    /// The target collection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection_id: i64,
    /// Names the feed, 32 bytes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub feed_hash: Vec<u8>,
    /// Entries taken from its start.
    pub taken: i64,
    /// Microseconds UTC.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
