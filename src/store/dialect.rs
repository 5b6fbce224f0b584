//! Everything in which statements of the databases differ.

use super::Pool;
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Expr, OnConflict, ValueType};
use sea_orm::sqlx;
use sea_orm::{ColumnTrait, DatabaseConnection, DbBackend, ExprTrait, Statement, Value};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect(DbBackend);

impl Dialect {
    /// The one of a connection.
    pub(super) const fn of(backend: DbBackend) -> Self {
        Self(backend)
    }

    /// Which of the three it is.
    pub(super) const fn backend(self) -> DbBackend {
        self.0
    }

    /// Its name, for people.
    pub(super) const fn name(self) -> &'static str {
        match self.0 {
            DbBackend::MySql => "mysql",
            DbBackend::Postgres => "postgres",
            _ => "sqlite",
        }
    }

    /// The connections of a pool.
    pub(super) fn pool(self, name: &'static str, connection: &DatabaseConnection) -> Pool {
        let (size, idle, most) = match self.0 {
            DbBackend::MySql => sizes(connection.get_mysql_connection_pool()),
            DbBackend::Postgres => sizes(connection.get_postgres_connection_pool()),
            _ => sizes(connection.get_sqlite_connection_pool()),
        };
        Pool { name, used: size.saturating_sub(idle), idle, most }
    }

    /// Whether there is one writer at a time and reads go to connections of their own.
    pub(super) fn has_single_writer(self) -> bool {
        self.0 == DbBackend::Sqlite
    }

    /// Most values bound to one statement.
    pub(super) const fn max_bound_values(self) -> usize {
        match self.0 {
            DbBackend::MySql | DbBackend::Postgres => 65_000,
            _ => 32_000,
        }
    }

    /// Bytes where no column says what they are: MySQL would take them for a text.
    pub(super) fn bytes(self, bytes: Vec<u8>) -> Expr {
        let value = Expr::val(bytes);
        if self.0 == DbBackend::MySql { value.cast_as("BINARY") } else { value }
    }

    /// The database's clock, in microseconds UTC.
    pub(super) const fn now(self) -> &'static str {
        match self.0 {
            DbBackend::MySql => "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
            DbBackend::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
            _ => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000",
        }
    }

    /// Whether a column has one of these values: on PostgreSQL one text for any number of them.
    pub(super) fn among<C: ColumnTrait, V: Into<Value> + ValueType>(
        self,
        column: C,
        values: impl IntoIterator<Item = V>,
    ) -> Expr {
        match self.0 {
            DbBackend::Postgres => {
                let values = values.into_iter().map(Into::into).collect();
                column.into_expr().eq(PgFunc::any(Expr::val(Value::Array(V::array_type(), Some(Box::new(values))))))
            }
            _ => column.is_in(values),
        }
    }

    /// What sums of integers are made integers by.
    pub(super) const fn integer(self) -> &'static str {
        match self.0 {
            DbBackend::MySql => "SIGNED",
            _ => "BIGINT",
        }
    }

    /// A statement written with `?` for its values.
    pub(super) fn statement(self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        let sql = match self.0 {
            DbBackend::Postgres => numbered(sql),
            _ => sql.to_owned(),
        };
        Statement::from_sql_and_values(self.0, sql, values)
    }

    /// Has unstamped resources found by their index. The others know by themselves that it is the shortest.
    pub(super) const fn by_unstamped(self) -> &'static str {
        match self.0 {
            DbBackend::MySql => "FORCE INDEX (resource_unstamped)",
            _ => "",
        }
    }

    /// Gives every unstamped resource of a collection a tick, in the order of their changes: one statement, so that nobody sees
    /// half of it. A row that another transaction is writing at this moment stays unstamped: to wait for a slow writer, or to
    /// deadlock with one, would gain nothing, as its version is not there yet (tick rule 2).
    pub(super) fn stamp(self, collection: i64, own_endpoint: i64, first_tick: i64) -> Statement {
        // MySQL and MariaDB lock what they scan, so the way through the indexes is given: a scan of the table would wait for every writer.
        let index = self.by_unstamped();
        let free = match self.0 {
            DbBackend::MySql | DbBackend::Postgres => "FOR UPDATE SKIP LOCKED",
            _ => "",
        };
        let numbered = format!(
            "SELECT id, ROW_NUMBER() OVER (ORDER BY modified_at, id) AS place \
             FROM (SELECT id, modified_at FROM resource {index} WHERE collection_id = ? AND tick IS NULL {free}) AS waiting"
        );
        match self.0 {
            DbBackend::MySql => self.statement(
                &format!(
                    "UPDATE ({numbered}) AS unstamped \
                     STRAIGHT_JOIN resource FORCE INDEX (PRIMARY) ON resource.id = unstamped.id \
                     SET resource.endpoint_id = ?, resource.tick = ? + unstamped.place"
                ),
                [collection.into(), own_endpoint.into(), (first_tick - 1).into()],
            ),
            _ => self.statement(
                &format!(
                    "UPDATE resource SET endpoint_id = ?, tick = ? + unstamped.place \
                     FROM ({numbered}) AS unstamped WHERE unstamped.id = resource.id"
                ),
                [own_endpoint.into(), (first_tick - 1).into(), collection.into()],
            ),
        }
    }

    /// Locks the row of a collection together with others who do, against who locks it alone; where writers come one
    /// by one there is nothing to do.
    pub(super) fn share_collection(self, collection: i64) -> Option<Statement> {
        let share = match self.0 {
            DbBackend::MySql => "LOCK IN SHARE MODE",
            DbBackend::Postgres => "FOR SHARE",
            _ => return None,
        };
        Some(self.statement(&format!("SELECT id FROM collection WHERE id = ? {share}"), [collection.into()]))
    }

    /// Adds to one shard of a collection's count.
    pub(super) fn add_to_live_count(self, collection: i64, shard: i16, more: i64) -> Statement {
        let conflict = match self.0 {
            DbBackend::MySql => "ON DUPLICATE KEY UPDATE live = live + VALUES(live)",
            _ => "ON CONFLICT (collection_id, shard) DO UPDATE SET live = live_count.live + excluded.live",
        };
        let insert = format!("INSERT INTO live_count (collection_id, shard, live) VALUES (?, ?, ?) {conflict}");
        self.statement(&insert, [collection.into(), shard.into(), more.into()])
    }

    /// Overwrites `updated` where a row with the same `key` is there.
    pub(super) fn overwrite<C: ColumnTrait>(
        key: impl IntoIterator<Item = C>,
        updated: impl IntoIterator<Item = C>,
    ) -> OnConflict {
        OnConflict::columns(key).update_columns(updated).to_owned()
    }

    /// Leaves a row with the same `key` as it is. MySQL has no such clause: it is told to write what is there already.
    pub(super) fn keep<C: ColumnTrait>(self, key: C) -> OnConflict {
        match self.0 {
            DbBackend::MySql => OnConflict::column(key).update_column(key).to_owned(),
            _ => OnConflict::column(key).do_nothing().to_owned(),
        }
    }
}

/// Connections that are open, those of them that are free, and the most there may be.
fn sizes<D: sqlx::Database>(pool: &sqlx::Pool<D>) -> (u32, u32, u32) {
    (pool.size(), pool.num_idle().try_into().unwrap_or(u32::MAX), pool.options().get_max_connections())
}

/// `?` as PostgreSQL's `$1`, `$2` …; no statement here has a question mark in a text.
fn numbered(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() + 16);
    for (before, part) in sql.split('?').enumerate() {
        if before > 0 {
            numbered.push_str(&format!("${before}"));
        }
        numbered.push_str(part);
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_numbers_its_values() {
        assert_eq!(numbered("a = ? AND b = ?"), "a = $1 AND b = $2");
    }
}
