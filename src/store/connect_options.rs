//! How connections to the databases are made, and what they are told before anything else.

use super::dialect::Dialect;
use super::query;
use sea_orm::sqlx::{
    self, Connection, Executor,
    sqlite::{SqliteConnection, SqliteJournalMode, SqliteSynchronous},
};
use sea_orm::{ConnectOptions, DbBackend};
use std::time::{Duration, Instant};

/// How long a transaction waits for a lock, a statement for a connection.
const WAIT: Duration = Duration::from_secs(30);

/// Statements that a connection keeps prepared: of most there is one text for each of a few numbers of rows.
const STATEMENTS: usize = 512;

/// Rows that SQLite may read ahead of who asked for them.
const ROWS_AHEAD: usize = 1_000;

/// SQLite looks at the clock every so many steps of a statement: a few thousand times a second.
const STEPS: i32 = 10_000;

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

impl Dialect {
    /// How to connect to `url`, with at most `max_connections`.
    pub(super) fn connect_options(self, url: &str, max_connections: u32, role: Role) -> ConnectOptions {
        let mut options = ConnectOptions::new(url);
        options.max_connections(Ord::max(max_connections, 1)).acquire_timeout(WAIT).sqlx_logging(false);
        match self.backend() {
            DbBackend::MySql => of_mysql(&mut options, role),
            DbBackend::Postgres => of_postgres(&mut options, role),
            _ => of_sqlite(&mut options, role),
        }
        options
    }
}

fn of_mysql(options: &mut ConnectOptions, role: Role) {
    options.map_sqlx_mysql_opts(|mysql| mysql.statement_cache_capacity(STATEMENTS)).map_sqlx_mysql_pool_opts(
        move |pool| {
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
        },
    );
}

fn of_postgres(options: &mut ConnectOptions, role: Role) {
    options
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
        });
}

fn of_sqlite(options: &mut ConnectOptions, role: Role) {
    before_use(options, role).map_sqlx_sqlite_opts(move |sqlite| {
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
            .collation(query::DECIMAL, query::compare_decimals);
        match role {
            // There are many; what one does not hold the system does.
            Role::Reader | Role::Queries(_) => sqlite.pragma("query_only", "on").pragma("cache_size", "-512"),
            // UUIDs come in no order: their index should fit. Pages are copied back from a longer log less often.
            Role::Writer => sqlite
                .pragma("cache_size", "-16384")
                .pragma("wal_autocheckpoint", "4000")
                .pragma("journal_size_limit", "67108864"),
        }
    });
}

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
