//! Accounts with grants, and access tokens.

use crate::table::{Ddl, Table};
use sea_orm_migration::prelude::{
    ConnectionTrait, DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait,
};

/// Takes role and scope out of the table of accounts, which nobody used until now: an account has any number of them.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// The trait leaves the lifetime out, and async_trait needs both alike.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // MySQL commits each table by itself: a process may have died after some of them.
        replace(manager, &["access_token", "account_grant", "account"], &TABLES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, &["access_token", "account_grant", "account"], &BEFORE).await
    }
}

async fn replace(manager: &SchemaManager<'_>, gone: &[&str], tables: &[Table]) -> Result<(), DbErr> {
    for name in gone {
        manager.get_connection().execute_unprepared(&format!("DROP TABLE IF EXISTS {name}")).await?;
    }
    let ddl = Ddl::of(manager).await?;
    for table in tables {
        ddl.create(manager, table).await?;
    }
    Ok(())
}

const TABLES: [Table; 3] = [
    Table {
        name: "account",
        columns: "id {auto}, name VARCHAR(64) NOT NULL, password_hash VARCHAR(255) NOT NULL, created_at BIGINT NOT NULL, \
                  CONSTRAINT account_name_unique UNIQUE (name)",
        indexes: &[],
    },
    Table {
        name: "account_grant",
        columns: "account_id BIGINT NOT NULL, role VARCHAR(32) NOT NULL, scope VARCHAR(512) NOT NULL, \
                  PRIMARY KEY (account_id, role, scope), \
                  CONSTRAINT account_grant_account FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE",
        indexes: &[],
    },
    Table {
        name: "access_token",
        columns: "id {auto}, account_id BIGINT NOT NULL, label VARCHAR(255) NOT NULL, token_hash {hash} NOT NULL, \
                  created_at BIGINT NOT NULL, expires_at BIGINT, last_used_at BIGINT, \
                  CONSTRAINT access_token_hash_unique UNIQUE (token_hash), \
                  CONSTRAINT access_token_account FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE",
        indexes: &[("access_token_by_account", "account_id", None)],
    },
];

const BEFORE: [Table; 1] = [Table {
    name: "account",
    columns: "id {auto}, name VARCHAR(128) NOT NULL, role VARCHAR(32) NOT NULL, scope VARCHAR(512) NOT NULL, \
              password_hash VARCHAR(255) NOT NULL, created_at BIGINT NOT NULL, \
              CONSTRAINT account_name_unique UNIQUE (name)",
    indexes: &[],
}];
