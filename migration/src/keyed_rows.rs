//! Rows that SQLite keeps in the order of their key: else a table is in the order of numbers of its own, and its key in a second
//! tree that every insert writes as well. The other databases are as they are.

use crate::table::{Ddl, Table};
use sea_orm_migration::SchemaManager;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// A table whose key is not one integer.
struct Keyed {
    name: &'static str,
    /// What it is called while its rows move.
    moving: Table,
    /// Those of the key first, in its order.
    columns: &'static str,
    /// The index that finds the rows of a resource.
    by_resource: &'static str,
}

const NAMED: &str = "collection_id BIGINT NOT NULL, uuid {uuid} NOT NULL, resource_id BIGINT NOT NULL, \
                     PRIMARY KEY (collection_id, uuid)";

const KEYED: [Keyed; 4] = [
    Keyed {
        name: "unique_value",
        moving: Table {
            name: "unique_value_moving",
            columns: "collection_id BIGINT NOT NULL, property VARCHAR(100) NOT NULL, value_hash {hash} NOT NULL, \
                      resource_id BIGINT NOT NULL, PRIMARY KEY (collection_id, property, value_hash)",
            indexes: &[],
        },
        columns: "collection_id, property, value_hash, resource_id",
        by_resource: "unique_value_by_resource",
    },
    Keyed {
        name: "property_value",
        moving: Table {
            name: "property_value_moving",
            columns: "index_id BIGINT NOT NULL, sort_key {sort_key} NOT NULL, resource_id BIGINT NOT NULL, \
                      PRIMARY KEY (index_id, sort_key, resource_id)",
            indexes: &[],
        },
        columns: "index_id, sort_key, resource_id",
        by_resource: "property_value_by_resource",
    },
    Keyed {
        name: "uuid_alias",
        moving: Table { name: "uuid_alias_moving", columns: NAMED, indexes: &[] },
        columns: "collection_id, uuid, resource_id",
        by_resource: "uuid_alias_by_resource",
    },
    Keyed {
        name: "retired_uuid",
        moving: Table { name: "retired_uuid_moving", columns: NAMED, indexes: &[] },
        columns: "collection_id, uuid, resource_id",
        by_resource: "retired_uuid_by_resource",
    },
];

/// Puts rows in the order of their keys, or again of numbers of their own, where they are not.
pub(crate) async fn keep_by_key(manager: &SchemaManager<'_>, ddl: &Ddl, by_key: bool) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Sqlite {
        for table in &KEYED {
            table.keep(manager, ddl, by_key).await?;
        }
    }
    Ok(())
}

impl Keyed {
    /// Each step looks whether it was done: it may have stopped half-way.
    async fn keep(&self, manager: &SchemaManager<'_>, ddl: &Ddl, by_key: bool) -> Result<(), DbErr> {
        let Self { name, moving, columns, by_resource } = self;
        let connection = manager.get_connection();
        if manager.has_table(name).await? && self.is_by_key(manager).await? != by_key {
            connection.execute_unprepared(&format!("DROP TABLE IF EXISTS {}", moving.name)).await?;
            if by_key {
                ddl.create_by_key(manager, moving).await?;
            } else {
                ddl.create(manager, moving).await?;
            }
            let into = moving.name;
            let moved = format!("INSERT INTO {into} ({columns}) SELECT {columns} FROM {name} ORDER BY {columns}");
            connection.execute_unprepared(&moved).await?;
            connection.execute_unprepared(&format!("DROP TABLE {name}")).await?;
        }
        if !manager.has_table(name).await? {
            connection.execute_unprepared(&format!("ALTER TABLE {} RENAME TO {name}", moving.name)).await?;
        }
        let index = format!("CREATE INDEX IF NOT EXISTS {by_resource} ON {name} (resource_id)");
        connection.execute_unprepared(&index).await.map(|_| ())
    }

    async fn is_by_key(&self, manager: &SchemaManager<'_>) -> Result<bool, DbErr> {
        let query = format!("SELECT 1 FROM pragma_table_list WHERE name = '{}' AND wr = 1", self.name);
        let query = Statement::from_string(DbBackend::Sqlite, query);
        Ok(manager.get_connection().query_one_raw(query).await?.is_some())
    }
}
