//! Tokens that machines show instead of name and password.

use sea_orm::entity::prelude::*;

/// Tokens that machines show instead of name and password.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_token")]
pub struct Model {
    /// Row id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Whose it is.
    pub account_id: i64,
    /// What it is for, in the words of who made it.
    pub label: String,
    /// BLAKE3 of the token; unique. The token itself is kept nowhere.
    pub token_hash: Vec<u8>,
    /// Microseconds UTC.
    pub created_at: i64,
    /// Microseconds UTC; it is good for nothing from then on.
    pub expires_at: Option<i64>,
    /// Microseconds UTC, exact to an hour.
    pub last_used_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
