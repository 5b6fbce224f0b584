//! What queries need: when a resource came to be here, live resources counted, and values of properties in order.

use crate::table::{Ddl, Table};
use sea_orm_migration::prelude::{
    ConnectionTrait, DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, sea_query,
};

/// Adds `resource.created_at` and the tables of counts and of the property index.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// The trait leaves the lifetime out, and async_trait needs both alike.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ddl = Ddl::of(manager).await?;
        let connection = manager.get_connection();
        // MySQL may have stopped half-way before: each step looks whether it was done.
        if !manager.has_column("resource", "created_at").await? {
            connection
                .execute_unprepared("ALTER TABLE resource ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0")
                .await?;
        }
        connection.execute_unprepared("UPDATE resource SET created_at = modified_at WHERE created_at = 0").await?;
        for table in TABLES {
            ddl.create(manager, table).await?;
        }
        let count = "INSERT INTO live_count (collection_id, shard, live) \
                     SELECT collection_id, 0, COUNT(*) FROM resource \
                     WHERE is_deleted = FALSE AND NOT EXISTS (SELECT 1 FROM live_count) GROUP BY collection_id";
        connection.execute_unprepared(count).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES.iter().rev() {
            manager.drop_table(sea_query::Table::drop().table(table.name).if_exists().to_owned()).await?;
        }
        let connection = manager.get_connection();
        connection.execute_unprepared("ALTER TABLE resource DROP COLUMN created_at").await?;
        Ok(())
    }
}

const TABLES: &[Table] = &[
    // A collection's count is the sum of its shards: writers that end at the same moment mostly meet different rows.
    Table {
        name: "live_count",
        columns: "collection_id BIGINT NOT NULL, shard SMALLINT NOT NULL, live BIGINT NOT NULL, \
                  PRIMARY KEY (collection_id, shard)",
        indexes: &[],
    },
    Table {
        name: "property_index",
        columns: "id {auto}, collection_id BIGINT NOT NULL, property VARCHAR(255) NOT NULL, \
                  value_type VARCHAR(16) NOT NULL, filled_to BIGINT NOT NULL, is_complete {bool} NOT NULL, \
                  wanted_at BIGINT NOT NULL, \
                  CONSTRAINT property_index_unique UNIQUE (collection_id, property, value_type)",
        indexes: &[],
    },
    Table {
        name: "property_value",
        columns: "index_id BIGINT NOT NULL, sort_key {sort_key} NOT NULL, resource_id BIGINT NOT NULL, \
                  PRIMARY KEY (index_id, sort_key, resource_id), \
                  CONSTRAINT property_value_resource FOREIGN KEY (resource_id) REFERENCES resource (id) ON DELETE CASCADE",
        indexes: &[("property_value_by_resource", "resource_id", None)],
    },
];
