//! What an account may do, and where.

use sea_orm::entity::prelude::*;

/// What an account may do, and where.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_grant")]
pub struct Model {
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: i64,
    /// What it may do.
    #[sea_orm(primary_key, auto_increment = false)]
    pub role: String,
    /// Where: application/contract/dataset/kind, or the beginning of that.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
