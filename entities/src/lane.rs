//! Which worker runs a collection's jobs.

use sea_orm::entity::prelude::*;

/// Which worker runs a collection's jobs.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lane")]
pub struct Model {
    /// The collection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection_id: i64,
    /// The worker; null when free.
    pub owner: Option<String>,
    /// End of its lease by the database's clock; microseconds UTC.
    pub lease_until: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
