//! What shows that a database was put back, what a collection that gets back what it forgot waits for, who takes changes from here,
//! and which tombstones are gone. Runs that nothing is kept of any more are found by index.

use crate::table::{Ddl, Table};
use sea_orm_migration::prelude::{
    ConnectionTrait, DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, sea_query,
};

/// Creates `instance`, `recovery`, `recovery_peer`, `peer`, `purge_horizon` and `duty`, and an index by run where there was none.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// The trait leaves the lifetime out, and async_trait needs both alike.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ddl = Ddl::of(manager).await?;
        for table in TABLES {
            ddl.create(manager, table).await?;
        }
        for (table, index) in BY_RUN {
            ddl.create_index(manager, (table, index, "run_id"), None).await?;
        }
        let purging = "INSERT INTO duty (name, owner, lease_until, done_at) SELECT 'purge', NULL, 0, 0 \
                       WHERE NOT EXISTS (SELECT 1 FROM duty)";
        manager.get_connection().execute_unprepared(purging).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ddl = Ddl::of(manager).await?;
        for (table, index) in BY_RUN {
            ddl.drop_index(manager, (table, index)).await?;
        }
        for table in TABLES.iter().rev() {
            manager.drop_table(sea_query::Table::drop().table(table.name).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}

/// Tables with rows of a run that have no index by it, and what it is called.
const BY_RUN: [(&str, &str); 2] = [("tracking", "tracking_run"), ("parked_entry", "parked_entry_run")];

const TABLES: &[Table] = &[
    // Never altered, never rebuilt: when it was created is part of what is compared.
    Table {
        name: "instance",
        columns: "id {id}, epoch VARCHAR(36) NOT NULL, place VARCHAR(255) NOT NULL",
        indexes: &[],
    },
    Table {
        name: "recovery",
        columns: "collection_id {id}, since BIGINT NOT NULL, floor_tick BIGINT NOT NULL, is_ambiguous {bool} NOT NULL, \
                  known_tick BIGINT NOT NULL, proof_feed {hash}, cause {text} NOT NULL",
        indexes: &[],
    },
    Table {
        name: "recovery_peer",
        columns: "collection_id BIGINT NOT NULL, endpoint_id BIGINT NOT NULL, PRIMARY KEY (collection_id, endpoint_id)",
        indexes: &[],
    },
    Table {
        name: "peer",
        columns: "collection_id BIGINT NOT NULL, endpoint_id BIGINT NOT NULL, digest {json} NOT NULL, \
                  seen_at BIGINT NOT NULL, PRIMARY KEY (collection_id, endpoint_id)",
        indexes: &[],
    },
    Table {
        name: "purge_horizon",
        columns: "collection_id BIGINT NOT NULL, endpoint_id BIGINT NOT NULL, tick BIGINT NOT NULL, \
                  PRIMARY KEY (collection_id, endpoint_id)",
        indexes: &[],
    },
    Table {
        name: "duty",
        columns: "name VARCHAR(32) NOT NULL PRIMARY KEY, owner VARCHAR(255), lease_until BIGINT NOT NULL, \
                  done_at BIGINT NOT NULL",
        indexes: &[],
    },
];
