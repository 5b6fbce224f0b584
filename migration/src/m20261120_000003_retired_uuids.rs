//! UUIDs that were taken from their resources.

use crate::table::{Ddl, Table};
use sea_orm_migration::prelude::{DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, sea_query};

/// Creates the table of UUIDs that name no resource any more, but that references kept here still hold.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// The trait leaves the lifetime out, and async_trait needs both alike.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Ddl::of(manager).await?.create(manager, &TABLE).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(sea_query::Table::drop().table(TABLE.name).if_exists().to_owned()).await
    }
}

const TABLE: Table = Table {
    name: "retired_uuid",
    columns: "collection_id BIGINT NOT NULL, uuid {uuid} NOT NULL, resource_id BIGINT NOT NULL, \
              PRIMARY KEY (collection_id, uuid), \
              CONSTRAINT retired_uuid_resource FOREIGN KEY (resource_id) REFERENCES resource (id) ON DELETE CASCADE",
    indexes: &[("retired_uuid_by_resource", "resource_id", None)],
};
