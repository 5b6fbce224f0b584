//! The schema history of sdata-sync.
//!
//! Frozen: a migration that was released is never edited, and none refers to the entities, which move on.

mod keyed_rows;
mod m20260101_000001_first;
mod m20261120_000001_batch_results;
mod m20261120_000002_queries;
mod m20261120_000003_retired_uuids;
mod m20261120_000004_speed;
mod m20261129_000005_access;
mod m20261129_000006_restore_and_growth;
mod packed_results;
mod table;

use sea_orm_migration::MigrationTrait;
pub use sea_orm_migration::{MigrationStatus, MigratorTrait};

/// Brings a database up to the schema this program needs, or down again.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000001_first::Migration),
            Box::new(m20261120_000001_batch_results::Migration),
            Box::new(m20261120_000002_queries::Migration),
            Box::new(m20261120_000003_retired_uuids::Migration),
            Box::new(m20261120_000004_speed::Migration),
            Box::new(m20261129_000005_access::Migration),
            Box::new(m20261129_000006_restore_and_growth::Migration),
        ]
    }
}
