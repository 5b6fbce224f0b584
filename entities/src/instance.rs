//! Which database this is: one row.

use sea_orm::entity::prelude::*;

/// Which database this is: one row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instance")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// A UUID, renewed when the database is found to have been put back.
    pub epoch: String,
    /// Where it lives, as the database itself says.
    pub place: String,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
