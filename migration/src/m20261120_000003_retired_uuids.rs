//! UUIDs that were taken from their resources, and resources that turned out to be others.

use crate::table::{Ddl, Table};
use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, sea_query};

/// Creates the tables of UUIDs and of resources that are none any more, but that references kept here still hold.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// The trait leaves the lifetime out, and async_trait needs both alike.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ddl = Ddl::of(manager).await?;
        for table in &TABLES {
            ddl.create(manager, table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in &TABLES {
            manager.drop_table(sea_query::Table::drop().table(table.name).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}

const TABLES: [Table; 2] = [
    Table {
        name: "retired_uuid",
        columns: "collection_id BIGINT NOT NULL, uuid {uuid} NOT NULL, resource_id BIGINT NOT NULL, \
                  PRIMARY KEY (collection_id, uuid), \
                  CONSTRAINT retired_uuid_resource FOREIGN KEY (resource_id) REFERENCES resource (id) ON DELETE CASCADE",
        indexes: &[("retired_uuid_by_resource", "resource_id", None)],
    },
    Table {
        name: "united_resource",
        columns: "resource_id {id}, stays_id BIGINT NOT NULL, \
                  CONSTRAINT united_resource_gone FOREIGN KEY (resource_id) REFERENCES resource (id) ON DELETE CASCADE, \
                  CONSTRAINT united_resource_stays FOREIGN KEY (stays_id) REFERENCES resource (id) ON DELETE CASCADE",
        indexes: &[("united_resource_by_stays", "stays_id", None)],
    },
];
