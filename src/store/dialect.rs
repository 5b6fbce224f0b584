//! Everything in which the databases differ.

use super::{Duplicate, Pool};
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Expr, OnConflict, ValueType};
use sea_orm::sqlx::{
    self, Connection, Executor,
    error::DatabaseError,
    mysql::MySqlDatabaseError,
    postgres::PgDatabaseError,
    sqlite::{SqliteConnection, SqliteError, SqliteJournalMode, SqliteSynchronous},
};
use sea_orm::{
    ColumnTrait, ConnAcquireErr, ConnectOptions, DatabaseConnection, DbBackend, DbErr, ExprTrait, RuntimeErr,
    Statement, Value,
};
use std::time::{Duration, Instant};

/// How long a transaction waits for a lock, a statement for a connection.
const WAIT: Duration = Duration::from_secs(30);

/// Statements that a connection keeps prepared: of most there is one text for each of a few numbers of rows.
const STATEMENTS: usize = 512;

/// Rows that SQLite may read ahead of who asked for them.
const ROWS_AHEAD: usize = 1_000;

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

    /// How to connect to `url`, with at most `max_connections`.
    pub(super) fn connect_options(self, url: &str, max_connections: u32, role: Role) -> ConnectOptions {
        let mut options = ConnectOptions::new(url);
        options.max_connections(Ord::max(max_connections, 1)).acquire_timeout(WAIT).sqlx_logging(false);
        match self.0 {
            DbBackend::MySql => options
                .map_sqlx_mysql_opts(|mysql| mysql.statement_cache_capacity(STATEMENTS))
                .map_sqlx_mysql_pool_opts(move |pool| {
                    pool.after_connect(move |connection, _| {
                        Box::pin(async move {
                            connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
                            connection.execute("SET SESSION innodb_lock_wait_timeout = 30").await?;
                            let Role::Queries(longest) = role else { return Ok(()) };
                            // What is MariaDB's, in seconds, and what is MySQL's.
                            let (seconds, millis) = (longest.as_secs_f64(), longest.as_millis());
                            let set = format!(
                                "SET SESSION /*M! max_statement_time = {seconds} */ /*!50708 max_execution_time = {millis} */"
                            );
                            connection.execute(sqlx::AssertSqlSafe(set)).await.map(|_| ())
                        })
                    })
                }),
            DbBackend::Postgres => options
                .map_sqlx_postgres_opts(|postgres| postgres.statement_cache_capacity(STATEMENTS))
                .map_sqlx_postgres_pool_opts(move |pool| {
                    pool.after_connect(move |connection, _| {
                        Box::pin(async move {
                            connection.execute("SET default_transaction_isolation = 'read committed'").await?;
                            // What is looked up here has an index: a table that was filled a moment ago, or when the plan was made,
                            // is never so small that it should be read as a whole. Such estimates must not start the compiler either.
                            connection.execute("SET enable_seqscan = off; SET jit = off").await?;
                            connection.execute("SET lock_timeout = '30s'").await?;
                            let Role::Queries(longest) = role else { return Ok(()) };
                            let set = format!("SET statement_timeout = {}", longest.as_millis());
                            connection.execute(sqlx::AssertSqlSafe(set)).await.map(|_| ())
                        })
                    })
                }),
            _ => before_use(&mut options, role).map_sqlx_sqlite_opts(move |sqlite| {
                let sqlite = sqlite
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    // The program itself keeps what refers to a resource true (migration of November 2026).
                    .foreign_keys(false)
                    .busy_timeout(WAIT)
                    .statement_cache_capacity(STATEMENTS)
                    // A page of rows crosses over from SQLite's thread without waiting for its reader again and again.
                    .row_buffer_size(ROWS_AHEAD)
                    // Letter case counts in `like` (core 2.12), and prefixes can be looked up.
                    .pragma("case_sensitive_like", "on")
                    .collation(super::query::DECIMAL, super::query::compare_decimals);
                match role {
                    // There are many; what one does not hold the system does.
                    Role::Reader | Role::Queries(_) => sqlite.pragma("query_only", "on").pragma("cache_size", "-512"),
                    // UUIDs come in no order: their index should fit. Pages are copied back from a longer log less often.
                    Role::Writer => sqlite
                        .pragma("cache_size", "-16384")
                        .pragma("wal_autocheckpoint", "4000")
                        .pragma("journal_size_limit", "67108864"),
                }
            }),
        };
        options
    }
}

/// Connections that are open, those of them that are free, and the most there may be.
fn sizes<D: sqlx::Database>(pool: &sqlx::Pool<D>) -> (u32, u32, u32) {
    (pool.size(), pool.num_idle().try_into().unwrap_or(u32::MAX), pool.options().get_max_connections())
}

/// What connections are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Reading alone.
    Reader,
    /// Everything.
    Writer,
    /// Reading what clients ask for in ways of their own, each statement so long at most.
    Queries(Duration),
}

/// SQLite looks at the clock every so many steps of a statement: a few thousand times a second.
const STEPS: i32 = 10_000;

/// What is done with a connection of SQLite whenever it is used: what runs too long is ended, for which SQLite has no setting, and
/// one that was left in the middle of a transaction is closed.
fn before_use(options: &mut ConnectOptions, role: Role) -> &mut ConnectOptions {
    let Role::Queries(longest) = role else {
        // A full disk undoes a transaction by itself. The driver's own rollback then fails, and it goes on believing
        // that there is a transaction: on such a connection none could ever begin.
        return options.map_sqlx_sqlite_before_acquire(|connection, _| {
            Box::pin(async move { Ok(!connection.is_in_transaction()) })
        });
    };
    options
        .map_sqlx_sqlite_pool_opts(move |pool| {
            pool.after_connect(move |connection, _| Box::pin(set_deadline(connection, longest)))
        })
        // A statement takes a connection, and gives it back.
        .map_sqlx_sqlite_before_acquire(move |connection, _| {
            Box::pin(async move { set_deadline(connection, longest).await.map(|()| true) })
        })
}

async fn set_deadline(connection: &mut SqliteConnection, longest: Duration) -> Result<(), sqlx::Error> {
    let until = Instant::now() + longest;
    connection.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < until);
    Ok(())
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

/// Whether the database ended a statement because it ran too long.
pub(super) fn is_timed_out(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else {
        return false;
    };
    let Some(error) = error.as_database_error() else { return false };
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        // MariaDB's number, and MySQL's.
        return [1969, 3024].contains(&error.number());
    }
    let code = error.code().unwrap_or_default();
    match error.try_downcast_ref::<SqliteError>() {
        Some(_) => code == "9",
        None => code == "57014",
    }
}

/// Whether the same may work when tried again.
pub(super) fn is_transient(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => true,
        _ => match driver_error(error) {
            Some(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed) => true,
            Some(sqlx::Error::Database(error)) => is_passing(error.as_ref()),
            _ => false,
        },
    }
}

/// Whether a statement asks for what this server does not have, or does not let this user have.
pub(super) fn is_beyond_server(error: &DbErr) -> bool {
    let Some(sqlx::Error::Database(error)) = driver_error(error) else { return false };
    // Of PostgreSQL: an undefined function, and a privilege that is missing.
    error.code().is_some_and(|code| matches!(code.as_ref(), "42883" | "42501"))
}

/// Whether there was no room for what was to be written.
pub(super) fn is_full(error: &DbErr) -> bool {
    let Some(sqlx::Error::Database(error)) = driver_error(error) else { return false };
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        // Disk full.
        return error.code().is_some_and(|code| code == "53100");
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        // Disk full, a file that is full, a temporary file that could not be written.
        return [1021, 1114, 3].contains(&error.number());
    }
    // SQLITE_FULL, and SQLITE_IOERR_SHMSIZE: the same for the index of the log.
    let is_sqlite = error.try_downcast_ref::<SqliteError>().is_some();
    is_sqlite && error.code().is_some_and(|code| matches!(code.as_ref(), "13" | "4874"))
}

fn driver_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// Why the database did not do it this time, in a word.
pub(super) fn reason(error: &DbErr) -> &'static str {
    match error {
        DbErr::ConnectionAcquire(_) => "pool",
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => match error.as_ref() {
            sqlx::Error::PoolTimedOut => "pool",
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => "connection",
            sqlx::Error::Database(error) => reason_of_code(error.as_ref()),
            _ => "other",
        },
        _ => "other",
    }
}

fn reason_of_code(error: &dyn DatabaseError) -> &'static str {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        return "busy";
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return match error.number() {
            1213 => "deadlock",
            1020 => "serialization",
            1205 => "lock",
            _ => "connection",
        };
    }
    match code.as_ref() {
        "40P01" => "deadlock",
        "40001" => "serialization",
        "55P03" => "lock",
        _ => "connection",
    }
}

/// Whether the database's own error code is one that passes.
fn is_passing(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        // Serialization failure, deadlock, lock timeout, out of memory, too many connections, shutting down or starting up, a server
        // that takes no writes (any more, or not yet), connection lost.
        let codes = ["40001", "40P01", "55P03", "53200", "53300", "57P01", "57P02", "57P03", "25006"];
        return codes.contains(&code.as_ref()) || code.starts_with("08");
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        // Record changed, too many connections, shutdown, lock wait timeout, deadlock, a server that takes no writes, interrupted,
        // connection lost.
        return [1020, 1040, 1053, 1205, 1213, 1290, 1317, 1836, 1927, 4031].contains(&error.number());
    }
    if error.try_downcast_ref::<SqliteError>().is_some() {
        // The low byte of an extended code is the primary one: SQLITE_BUSY or SQLITE_LOCKED.
        return code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6));
    }
    false
}

/// Which value a message of a broken unique constraint is about: PostgreSQL and MySQL name the constraint, SQLite the columns.
pub(super) fn duplicate(message: &str) -> Duplicate {
    // MySQL's message begins with the value, which anybody can choose.
    let constraint = message.rsplit_once(" for key ").map_or(message, |(_, constraint)| constraint);
    let about = |words: [&str; 2]| words.iter().any(|word| constraint.contains(word));
    if about(["resource_key_unique", "resource.resource_key"]) {
        Duplicate::Key
    } else if about(["resource_uuid_unique", "resource.uuid"]) {
        Duplicate::Uuid
    } else if about(["resource_state_unique", "resource.tick"]) {
        Duplicate::State
    } else {
        Duplicate::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::postgres("duplicate key value violates unique constraint \"resource_key_unique\"", Duplicate::Key)]
    #[case::mysql("Duplicate entry '1-a' for key 'resource.resource_uuid_unique'", Duplicate::Uuid)]
    #[case::mariadb("Duplicate entry '1-1-5' for key 'resource_state_unique'", Duplicate::State)]
    #[case::sqlite("UNIQUE constraint failed: resource.collection_id, resource.resource_key", Duplicate::Key)]
    #[case::sqlite_state(
        "UNIQUE constraint failed: resource.collection_id, resource.endpoint_id, resource.tick",
        Duplicate::State
    )]
    #[case::a_value_that_looks_like_a_name("Duplicate entry 'resource_key_unique' for key 'PRIMARY'", Duplicate::Other)]
    fn the_constraint_is_recognised(#[case] message: &str, #[case] what: Duplicate) {
        assert_eq!(duplicate(message), what);
    }

    #[test]
    fn postgres_numbers_its_values() {
        assert_eq!(numbered("a = ? AND b = ?"), "a = $1 AND b = $2");
    }
}
