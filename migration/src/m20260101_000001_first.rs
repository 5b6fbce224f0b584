//! The first schema.

use crate::table::{Ddl, Table};
use sea_orm_migration::prelude::{
    ConnectionTrait, DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, sea_query,
};

/// Creates every table.
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
        // The row that every process takes its blocks of ids from.
        let first_block = "INSERT INTO id_block (id, next_id) SELECT 1, 1 WHERE NOT EXISTS (SELECT 1 FROM id_block)";
        manager.get_connection().execute_unprepared(first_block).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES.iter().rev() {
            manager.drop_table(sea_query::Table::drop().table(table.name).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}

/// In the order of their references. No table refers to `collection` by a foreign key: on PostgreSQL and MySQL an
/// insert would then lock the collection's row, and ordinary writes must never wait for the collection's clock.
const TABLES: &[Table] = &[
    Table { name: "id_block", columns: "id {id}, next_id BIGINT NOT NULL", indexes: &[] },
    Table {
        name: "endpoint",
        columns: "id {auto}, url VARCHAR(700) NOT NULL, CONSTRAINT endpoint_url_unique UNIQUE (url)",
        indexes: &[],
    },
    Table {
        name: "collection",
        columns: "id {auto}, application VARCHAR(128) NOT NULL, contract VARCHAR(128) NOT NULL, \
                  dataset VARCHAR(128) NOT NULL, resource_kind VARCHAR(128) NOT NULL, endpoint_id BIGINT NOT NULL, \
                  CONSTRAINT collection_name_unique UNIQUE (application, contract, dataset, resource_kind)",
        indexes: &[],
    },
    Table {
        name: "digest_entry",
        columns: "collection_id BIGINT NOT NULL, endpoint_id BIGINT NOT NULL, tick BIGINT NOT NULL, \
                  stamp BIGINT NOT NULL, conflict_priority SMALLINT NOT NULL, PRIMARY KEY (collection_id, endpoint_id)",
        indexes: &[],
    },
    Table {
        name: "resource",
        columns: "id {id}, collection_id BIGINT NOT NULL, resource_key VARCHAR(255) NOT NULL, uuid {uuid}, \
                  endpoint_id BIGINT, tick BIGINT, modified_at BIGINT NOT NULL, modified_by {text}, \
                  etag VARCHAR(40) NOT NULL, is_deleted {bool} NOT NULL, has_key_references {bool} NOT NULL, \
                  CONSTRAINT resource_key_unique UNIQUE (collection_id, resource_key), \
                  CONSTRAINT resource_uuid_unique UNIQUE (collection_id, uuid), \
                  CONSTRAINT resource_state_unique UNIQUE (collection_id, endpoint_id, tick)",
        indexes: &[
            ("resource_live", "collection_id, is_deleted, id", None),
            ("resource_unstamped", "collection_id, tick", Some("tick IS NULL")),
        ],
    },
    Table {
        name: "document",
        columns: "resource_id {id}, payload {bytes} NOT NULL, properties {json} NOT NULL, \
                  CONSTRAINT document_resource FOREIGN KEY (resource_id) REFERENCES resource (id) ON DELETE CASCADE",
        indexes: &[],
    },
    Table {
        name: "unique_value",
        columns: "collection_id BIGINT NOT NULL, property VARCHAR(100) NOT NULL, value_hash {hash} NOT NULL, \
                  resource_id BIGINT NOT NULL, PRIMARY KEY (collection_id, property, value_hash), \
                  CONSTRAINT unique_value_resource FOREIGN KEY (resource_id) REFERENCES resource (id) ON DELETE CASCADE",
        indexes: &[("unique_value_by_resource", "resource_id", None)],
    },
    Table {
        name: "uuid_alias",
        columns: "collection_id BIGINT NOT NULL, uuid {uuid} NOT NULL, resource_id BIGINT NOT NULL, \
                  PRIMARY KEY (collection_id, uuid), \
                  CONSTRAINT uuid_alias_resource FOREIGN KEY (resource_id) REFERENCES resource (id) ON DELETE CASCADE",
        indexes: &[("uuid_alias_by_resource", "resource_id", None)],
    },
    Table {
        name: "lane",
        columns: "collection_id {id}, owner VARCHAR(255), lease_until BIGINT NOT NULL",
        indexes: &[],
    },
    Table {
        name: "tracking",
        columns: "id {auto}, collection_id BIGINT NOT NULL, operation VARCHAR(32) NOT NULL, \
                  tracking_id VARCHAR(255) NOT NULL, run_id BIGINT, state VARCHAR(16) NOT NULL, \
                  phase_detail {text} NOT NULL, done BIGINT NOT NULL, total BIGINT NOT NULL, request {json} NOT NULL, \
                  outcome {json}, failure {json}, body_id BIGINT, feed_hash {hash}, feed_end BIGINT, principal {text}, \
                  remote_address {text}, created_at BIGINT NOT NULL, started_at BIGINT, finished_at BIGINT, \
                  expires_at BIGINT, deleted_at BIGINT, cancel_requested {bool} NOT NULL, \
                  CONSTRAINT tracking_tracking_id_unique UNIQUE (tracking_id)",
        indexes: &[
            ("tracking_queue", "state, collection_id, id", None),
            ("tracking_expiry", "expires_at", None),
            ("tracking_body", "body_id", None),
        ],
    },
    Table {
        name: "body_part",
        columns: "body_id BIGINT NOT NULL, part INTEGER NOT NULL, data {bytes} NOT NULL, created_at BIGINT NOT NULL, \
                  PRIMARY KEY (body_id, part)",
        indexes: &[("body_part_age", "created_at", None)],
    },
    Table {
        name: "tracking_result",
        columns: "tracking_id BIGINT NOT NULL, position BIGINT NOT NULL, http_status SMALLINT NOT NULL, \
                  http_method VARCHAR(16) NOT NULL, resource_id BIGINT, uuid {uuid}, endpoint_id BIGINT, tick BIGINT, \
                  stamp BIGINT, state_user {text}, diagnosis {json}, PRIMARY KEY (tracking_id, position)",
        indexes: &[],
    },
    Table {
        name: "feed_progress",
        columns: "collection_id BIGINT NOT NULL, feed_hash {hash} NOT NULL, taken BIGINT NOT NULL, \
                  updated_at BIGINT NOT NULL, PRIMARY KEY (collection_id, feed_hash)",
        indexes: &[("feed_progress_age", "updated_at", None)],
    },
    Table {
        name: "parked_entry",
        columns: "id {auto}, collection_id BIGINT NOT NULL, uuid {uuid}, endpoint_id BIGINT, tick BIGINT, \
                  stamp BIGINT, modified_by {text}, method VARCHAR(16) NOT NULL, is_deleted {bool} NOT NULL, \
                  payload {bytes}, source_digest {json} NOT NULL, run_id BIGINT, tracking_id VARCHAR(255), \
                  http_status SMALLINT NOT NULL, diagnosis {json} NOT NULL, attempts INTEGER NOT NULL, \
                  next_try_at BIGINT NOT NULL, digest_shown {bool} NOT NULL, parked_at BIGINT NOT NULL",
        indexes: &[("parked_entry_uuid", "collection_id, uuid", None), ("parked_entry_due", "next_try_at", None)],
    },
    Table {
        name: "sync_run",
        columns: "id {auto}, run_hash {hash} NOT NULL, run_name {text} NOT NULL, run_stamp {text} NOT NULL, \
                  run_time BIGINT, first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL, \
                  CONSTRAINT sync_run_hash_unique UNIQUE (run_hash)",
        indexes: &[],
    },
    Table {
        name: "audit_event",
        columns: "id {auto}, at BIGINT NOT NULL, run_id BIGINT, tracking_id VARCHAR(255), collection_id BIGINT, \
                  application {text} NOT NULL, contract {text} NOT NULL, dataset {text} NOT NULL, \
                  resource_kind {text} NOT NULL, operation VARCHAR(32) NOT NULL, outcome VARCHAR(16) NOT NULL, \
                  http_status SMALLINT NOT NULL, entries BIGINT NOT NULL, created BIGINT NOT NULL, \
                  updated BIGINT NOT NULL, deleted BIGINT NOT NULL, ignored BIGINT NOT NULL, conflicts BIGINT NOT NULL, \
                  failed BIGINT NOT NULL, duration_millis BIGINT NOT NULL, principal {text}, remote_address {text}, \
                  message {text} NOT NULL",
        indexes: &[
            ("audit_event_run", "run_id", None),
            ("audit_event_outcome", "outcome, at", None),
            ("audit_event_at", "at", None),
        ],
    },
    Table {
        name: "audit_change",
        columns: "id {auto}, at BIGINT NOT NULL, run_id BIGINT, tracking_id VARCHAR(255), \
                  collection_id BIGINT NOT NULL, uuid {uuid}, resource_key VARCHAR(255), outcome VARCHAR(16) NOT NULL, \
                  http_status SMALLINT NOT NULL, source_endpoint_id BIGINT, source_tick BIGINT, source_stamp BIGINT, \
                  target_endpoint_id BIGINT, target_tick BIGINT, target_stamp BIGINT, message {text} NOT NULL, \
                  losing_payload {text}",
        indexes: &[
            ("audit_change_run", "run_id", None),
            ("audit_change_uuid", "uuid", None),
            ("audit_change_outcome", "outcome, at", None),
            ("audit_change_at", "at", None),
        ],
    },
    Table {
        name: "account",
        columns: "id {auto}, name VARCHAR(128) NOT NULL, role VARCHAR(32) NOT NULL, scope VARCHAR(512) NOT NULL, \
                  password_hash VARCHAR(255) NOT NULL, created_at BIGINT NOT NULL, \
                  CONSTRAINT account_name_unique UNIQUE (name)",
        indexes: &[],
    },
];
