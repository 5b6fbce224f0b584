//! Fewer and narrower rows: results packed, what changes of the audit have in common kept once, rows in the order of their key, and
//! no constraint that costs every insert a look-up though only this program writes; and no column that nothing is read of.

use crate::table::{Ddl, Table};
use sea_orm_migration::prelude::{
    ConnectionTrait, DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait,
};
use sea_orm_migration::sea_orm::DbBackend;

/// Packs `tracking_result`, parts `audit_chunk` from `audit_change`, drops foreign keys.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// The trait leaves the lifetime out, and async_trait needs both alike.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ddl = Ddl::of(manager).await?;
        crate::packed_results::pack(manager, &ddl).await?;
        part_chunks(manager, &ddl).await?;
        drop_constraints(manager).await?;
        crate::keyed_rows::keep_by_key(manager, &ddl, true).await?;
        drop_cancelling(manager).await?;
        ease_writing(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ddl = Ddl::of(manager).await?;
        crate::packed_results::drop_packed(manager, &ddl).await?;
        unite_chunks(manager, &ddl).await?;
        crate::keyed_rows::keep_by_key(manager, &ddl, false).await?;
        add_cancelling(manager, &ddl).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            let binary = "ALTER TABLE document ALTER COLUMN properties TYPE JSONB USING properties::jsonb";
            manager.get_connection().execute_unprepared(binary).await?;
        }
        add_constraints(manager).await
    }
}

/// Deletes of resources never happen: a resource that is deleted becomes a tombstone (sync 4.3). SQLite cannot drop a constraint, so
/// there its connections do not look.
const FOREIGN_KEYS: [(&str, &str, &str); 7] = [
    ("document", "document_resource", "resource_id"),
    ("unique_value", "unique_value_resource", "resource_id"),
    ("uuid_alias", "uuid_alias_resource", "resource_id"),
    ("property_value", "property_value_resource", "resource_id"),
    ("retired_uuid", "retired_uuid_resource", "resource_id"),
    ("united_resource", "united_resource_gone", "resource_id"),
    ("united_resource", "united_resource_stays", "stays_id"),
];

async fn drop_constraints(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for (table, constraint, _) in FOREIGN_KEYS {
        let statement = match manager.get_database_backend() {
            DbBackend::Postgres => format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint}"),
            DbBackend::MySql if has_foreign_key(manager, constraint).await? => {
                format!("ALTER TABLE {table} DROP FOREIGN KEY {constraint}")
            }
            _ => continue,
        };
        manager.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}

async fn add_constraints(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for (table, constraint, column) in FOREIGN_KEYS {
        let is_there = match manager.get_database_backend() {
            DbBackend::MySql => has_foreign_key(manager, constraint).await?,
            DbBackend::Postgres => false,
            _ => continue,
        };
        if !is_there {
            let statement = format!(
                "ALTER TABLE {table} ADD CONSTRAINT {constraint} FOREIGN KEY ({column}) REFERENCES resource (id) ON DELETE CASCADE"
            );
            manager.get_connection().execute_unprepared(&statement).await?;
        }
    }
    Ok(())
}

/// MySQL has no `IF EXISTS` for it, and may have stopped half-way.
async fn has_foreign_key(manager: &SchemaManager<'_>, constraint: &str) -> Result<bool, DbErr> {
    let query = format!(
        "SELECT 1 FROM information_schema.table_constraints \
         WHERE constraint_schema = DATABASE() AND constraint_type = 'FOREIGN KEY' AND constraint_name = '{constraint}'"
    );
    let connection = manager.get_connection();
    let query = sea_orm_migration::sea_orm::Statement::from_string(DbBackend::MySql, query);
    Ok(connection.query_one_raw(query).await?.is_some())
}

/// PostgreSQL compresses, or moves elsewhere, what makes a row longer than two kilobytes: common rows are not worth that work. Packed
/// results are compressed already.
async fn ease_writing(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        let connection = manager.get_connection();
        connection.execute_unprepared("ALTER TABLE document SET (toast_tuple_target = 8160)").await?;
        connection.execute_unprepared("ALTER TABLE tracking_result ALTER COLUMN data SET STORAGE EXTERNAL").await?;
        // Written far more often than looked into: what is to be found by a property has an index of its own.
        connection
            .execute_unprepared("ALTER TABLE document ALTER COLUMN properties TYPE JSON USING properties::json")
            .await?;
    }
    Ok(())
}

/// An operation that is to stop is a deleted one: its worker sees that where it notes how far it is.
const CANCELLING: (&str, &str) = ("tracking", "cancel_requested");

async fn drop_cancelling(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (table, column) = CANCELLING;
    if manager.has_column(table, column).await? {
        let drop = format!("ALTER TABLE {table} DROP COLUMN {column}");
        manager.get_connection().execute_unprepared(&drop).await?;
    }
    Ok(())
}

async fn add_cancelling(manager: &SchemaManager<'_>, ddl: &Ddl) -> Result<(), DbErr> {
    let (table, column) = CANCELLING;
    if !manager.has_column(table, column).await? {
        let words = ddl.with_types("{bool} NOT NULL DEFAULT FALSE");
        let add = format!("ALTER TABLE {table} ADD COLUMN {column} {words}");
        manager.get_connection().execute_unprepared(&add).await?;
    }
    Ok(())
}

const AUDIT_CHUNK: Table = Table {
    name: "audit_chunk",
    columns: "id {auto}, at BIGINT NOT NULL, run_id BIGINT, tracking_id VARCHAR(255), collection_id BIGINT NOT NULL, \
              changes BIGINT NOT NULL, failures BIGINT NOT NULL",
    indexes: &[("audit_chunk_run", "run_id", None), ("audit_chunk_at", "at", None)],
};

const SHARED: [(&str, &str); 4] = [
    ("at", "BIGINT NOT NULL DEFAULT 0"),
    ("run_id", "BIGINT"),
    ("tracking_id", "VARCHAR(255)"),
    ("collection_id", "BIGINT NOT NULL DEFAULT 0"),
];

const INDEXES_BEFORE: [(&str, &str); 4] = [
    ("audit_change_run", "run_id"),
    ("audit_change_uuid", "uuid"),
    ("audit_change_outcome", "outcome, at"),
    ("audit_change_at", "at"),
];

/// Most changes create or update; who looks for an outcome looks for the others.
const RARE: &str = "outcome NOT IN ('created', 'updated')";

/// The changes of a chunk are found by it, and one resource's by looking into each: rows that are added touch the end of an index, and
/// not a page each.
const INDEXES: [(&str, &str, Option<&str>); 2] =
    [("audit_change_chunk", "chunk_id, uuid", None), ("audit_change_rare", "outcome", Some(RARE))];

async fn part_chunks(manager: &SchemaManager<'_>, ddl: &Ddl) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    ddl.create(manager, &AUDIT_CHUNK).await?;
    if !manager.has_column("audit_change", "chunk_id").await? {
        connection.execute_unprepared("ALTER TABLE audit_change ADD COLUMN chunk_id BIGINT NOT NULL DEFAULT 0").await?;
    }
    // The first of the columns to go: while it is there, nothing is lost by beginning again.
    if manager.has_column("audit_change", "at").await? {
        let same = match manager.get_database_backend() {
            DbBackend::MySql => "<=>",
            DbBackend::Postgres => "IS NOT DISTINCT FROM",
            _ => "IS",
        };
        connection.execute_unprepared("DELETE FROM audit_chunk").await?;
        let part = "INSERT INTO audit_chunk (at, run_id, tracking_id, collection_id, changes, failures) \
                    SELECT at, run_id, tracking_id, collection_id, COUNT(*), \
                           SUM(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END) \
                    FROM audit_change GROUP BY at, run_id, tracking_id, collection_id ORDER BY MIN(id)";
        connection.execute_unprepared(part).await?;
        let name = format!(
            "UPDATE audit_change SET chunk_id = (SELECT MIN(audit_chunk.id) FROM audit_chunk \
             WHERE audit_chunk.at = audit_change.at AND audit_chunk.collection_id = audit_change.collection_id \
             AND audit_chunk.run_id {same} audit_change.run_id AND audit_chunk.tracking_id {same} audit_change.tracking_id)"
        );
        connection.execute_unprepared(&name).await?;
    }
    for (index, _) in INDEXES_BEFORE {
        ddl.drop_index(manager, ("audit_change", index)).await?;
    }
    for (column, _) in SHARED {
        if manager.has_column("audit_change", column).await? {
            connection.execute_unprepared(&format!("ALTER TABLE audit_change DROP COLUMN {column}")).await?;
        }
    }
    for (index, columns, condition) in INDEXES {
        ddl.create_index(manager, ("audit_change", index, columns), condition).await?;
    }
    Ok(())
}

async fn unite_chunks(manager: &SchemaManager<'_>, ddl: &Ddl) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    for (column, words) in SHARED {
        if !manager.has_column("audit_change", column).await? {
            let add = format!("ALTER TABLE audit_change ADD COLUMN {column} {}", ddl.with_types(words));
            connection.execute_unprepared(&add).await?;
        }
    }
    if manager.has_column("audit_change", "chunk_id").await? {
        let of_chunk = |column: &str| {
            format!("{column} = (SELECT {column} FROM audit_chunk WHERE audit_chunk.id = audit_change.chunk_id)")
        };
        let set: Vec<String> = SHARED.iter().map(|(column, _)| of_chunk(column)).collect();
        connection.execute_unprepared(&format!("UPDATE audit_change SET {}", set.join(", "))).await?;
    }
    for (index, ..) in INDEXES {
        ddl.drop_index(manager, ("audit_change", index)).await?;
    }
    if manager.has_column("audit_change", "chunk_id").await? {
        connection.execute_unprepared("ALTER TABLE audit_change DROP COLUMN chunk_id").await?;
    }
    for (index, columns) in INDEXES_BEFORE {
        ddl.create_index(manager, ("audit_change", index, columns), None).await?;
    }
    connection.execute_unprepared("DROP TABLE IF EXISTS audit_chunk").await.map(|_| ())
}
