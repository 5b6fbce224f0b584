//! Results of a batch keep the version of the resource that they tell of.

use crate::table::Ddl;
use sea_orm_migration::prelude::{
    ConnectionTrait, DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait,
};

/// Adds columns to `tracking_result`.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Empty in rows of before, and in results that tell of the version in force.
const COLUMNS: [(&str, &str); 6] = [
    ("resource_key", "VARCHAR(255)"),
    ("etag", "VARCHAR(40)"),
    ("created_at", "BIGINT"),
    ("modified_at", "BIGINT"),
    ("modified_by", "{text}"),
    ("payload", "{bytes}"),
];

const TABLE: &str = "tracking_result";

// The trait leaves the lifetime out, and async_trait needs both alike.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ddl = Ddl::of(manager).await?;
        for (column, words) in COLUMNS {
            // MySQL and SQLite may have stopped half-way.
            if !manager.has_column(TABLE, column).await? {
                let statement = format!("ALTER TABLE {TABLE} ADD COLUMN {column} {}", ddl.with_types(words));
                manager.get_connection().execute_unprepared(&statement).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (column, _) in COLUMNS {
            if manager.has_column(TABLE, column).await? {
                let statement = format!("ALTER TABLE {TABLE} DROP COLUMN {column}");
                manager.get_connection().execute_unprepared(&statement).await?;
            }
        }
        Ok(())
    }
}
