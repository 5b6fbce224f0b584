//! Connecting, transactions, and the schema's state.

use super::audit::SeenRuns;
use super::clock::DatabaseClock;
use super::connect_options::Role;
use super::database_url::DatabaseUrl;
use super::dialect::Dialect;
use super::endpoints::EndpointCache;
use super::faults::Faults;
use super::ids::IdBlock;
use super::instance::SeenTicks;
use super::peers::WrittenPeers;
use super::property_index::Indexes;
use super::property_values::Inserted;
use super::session::Session;
use super::steps::{Alone, Stepwise};
use super::{CollectionId, RunId, StoreError};
use crate::protocol::{Endpoint, Stamp, Tick};
use log::LevelFilter;
use migration::{MigrationStatus, Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A database, reachable from every part of the program: a handle, cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) dialect: Dialect,
    /// Reads outside transactions.
    pub(super) read: Alone,
    /// Transactions and single writes; one connection on SQLite, the same pool as `read` elsewhere.
    pub(super) write: Alone,
    /// Reads whose cost clients decide: where they are limited, of connections of their own, so that they do not keep others
    /// waiting either.
    pub(super) queries: Alone,
    /// Whether they have connections of their own.
    pub(super) queries_apart: bool,
    pub(super) clock: DatabaseClock,
    #[cfg_attr(not(debug_assertions), expect(dead_code, reason = "nobody plans any"))]
    pub(super) faults: Faults,
    pub(super) endpoints: EndpointCache,
    pub(super) ids: IdBlock,
    pub(super) indexes: Indexes,
    pub(super) runs: SeenRuns,
    pub(super) peers: WrittenPeers,
    /// How far own clocks were seen to be.
    pub(super) ticks: SeenTicks,
    /// The database file, where it is one.
    pub(super) file: Option<PathBuf>,
}

/// How a database is connected to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connections {
    /// The most there may be, 1 or more.
    pub most: u32,
    /// Statements that take as long, or longer, are counted and logged with their text, without the values.
    pub slow: Option<Duration>,
    /// How long a query of a client's may take: a longer one is [`StoreError::QueryTooSlow`]. Then queries have a quarter as many connections
    /// of their own, beside the others.
    pub longest_query: Option<Duration>,
}

/// A write transaction. Dropped without [`Txn::commit`] it is rolled back.
pub struct Txn {
    pub(super) transaction: Stepwise<DatabaseTransaction>,
    pub(super) inner: Arc<Inner>,
    /// What is to be added to the counts of live resources.
    pub(super) live: BTreeMap<CollectionId, i64>,
    /// What indexes that are declared meanwhile must learn of.
    pub(super) inserted: Inserted,
    /// Runs that other transactions may take for known once this one is committed.
    pub(super) runs: Vec<(Vec<u8>, RunId, Stamp)>,
    /// Peers that need not be written again for a while once this transaction is committed.
    pub(super) peers: Vec<((CollectionId, Endpoint), (blake3::Hash, Stamp))>,
    /// Own clocks as it finds or moves them.
    pub(super) own_ticks: Vec<(Endpoint, Tick)>,
    /// Whether ids that this process holds in stock may be others' by now.
    pub(super) forgets_ids: bool,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("Store").field("dialect", &self.inner.dialect).finish_non_exhaustive()
    }
}

impl fmt::Debug for Txn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Txn").field("dialect", &self.inner.dialect).finish_non_exhaustive()
    }
}

impl Store {
    /// Connects to `sqlite://file.db` (made if absent), `postgres://…` or `mysql://…`, with at most `max_connections`;
    /// SQLite has one more, for writing. A SQLite database in memory is not supported: its connections would not see each other's data.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the server does not answer, [`StoreError::Backend`] when it refuses or `url` names no database.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        let url =
            DatabaseUrl::parse(url).ok_or_else(|| DbErr::Custom(format!("a database is {}", DatabaseUrl::EXPECTED)))?;
        Self::connect_with(&url, Connections { most: max_connections, ..Connections::default() }).await
    }

    /// The same, as `connections` says.
    ///
    /// # Errors
    /// As [`Store::connect`].
    pub async fn connect_with(url: &DatabaseUrl, connections: Connections) -> Result<Self, StoreError> {
        let Connections { most, slow, longest_query } = connections;
        let dialect = Dialect::of(url.backend());
        let open = async |max_connections, role| {
            Database::connect(watched(dialect.connect_options(url.expose(), max_connections, role), slow)).await
        };
        let (mut read, mut write) = if dialect.has_single_writer() {
            let write = open(1, Role::Writer).await?;
            (open(most, Role::Reader).await?, write)
        } else {
            let pool = open(most, Role::Writer).await?;
            (pool.clone(), pool)
        };
        let queries_apart = longest_query.is_some();
        let mut queries = match longest_query {
            Some(longest) => open(most.div_ceil(4), Role::Queries(longest)).await?,
            None => read.clone(),
        };
        for connection in [&mut read, &mut write, &mut queries] {
            connection.set_metric_callback(move |statement| {
                metrics::counter!("sdata_sync_statements_total").increment(1);
                if slow.is_some_and(|slow| statement.elapsed >= slow) {
                    metrics::counter!("sdata_sync_slow_statements_total").increment(1);
                }
            });
        }
        let faults = Faults::of_environment()?;
        let clock = DatabaseClock::read(dialect, &read).await?;
        let file = url.file();
        let inner = Inner {
            dialect,
            read: Alone(Stepwise::new(read, faults.clone())),
            write: Alone(Stepwise::new(write, faults.clone())),
            queries: Alone(Stepwise::new(queries, faults.clone())),
            queries_apart,
            clock,
            faults,
            endpoints: EndpointCache::default(),
            ids: IdBlock::default(),
            indexes: Indexes::default(),
            runs: SeenRuns::default(),
            peers: WrittenPeers::default(),
            ticks: SeenTicks::beside(file.as_deref()),
            file,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Ends all connections; what is still running fails.
    ///
    /// # Errors
    /// [`StoreError::Backend`].
    pub async fn close(self) -> Result<(), StoreError> {
        self.inner.queries.0.bare().close_by_ref().await?;
        self.inner.read.0.bare().close_by_ref().await?;
        Ok(self.inner.write.0.bare().close_by_ref().await?)
    }

    /// Begins a write transaction. On SQLite it is the only one; elsewhere it runs at READ COMMITTED.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when no connection becomes free.
    pub async fn begin(&self) -> Result<Txn, StoreError> {
        // SQLite takes the write lock at once: a reader that turns writer later can only fail.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let asked = Instant::now();
        let transaction = self.inner.write.0.begin(options).await?;
        metrics::histogram!("sdata_sync_begin_seconds").record(asked.elapsed());
        Ok(Txn {
            transaction,
            inner: Arc::clone(&self.inner),
            live: BTreeMap::new(),
            inserted: Inserted::default(),
            runs: Vec::new(),
            peers: Vec::new(),
            own_ticks: Vec::new(),
            forgets_ids: false,
        })
    }

    /// The faults that are planned for this store.
    #[cfg(debug_assertions)]
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Brings the schema up to date. Several processes may do so at the same time: who loses the race waits for the winner.
    ///
    /// # Errors
    /// [`StoreError::Backend`] with what the database refused, or when a newer program has migrated it further.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        /// Another process may be at a long step, which this one finds half done: so long after the last step that was done.
        const PATIENCE: Duration = Duration::from_secs(30);
        let (mut failing, mut done) = (None, 0);
        loop {
            match Migrator::up(self.inner.write.0.bare(), None).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let status = self.migration_status().await;
                    match &status {
                        // Another process was faster.
                        Ok(steps) if steps.iter().all(|(_, applied)| *applied) => return Ok(()),
                        // More is applied than this program knows: the tables are a newer one's.
                        Err(why) if !why.is_transient() && self.is_ready().await => return Err(error.into()),
                        _ => {}
                    }
                    let steps = status.unwrap_or_default();
                    let now_done = steps.iter().filter(|(_, applied)| *applied).count();
                    if now_done > done {
                        (failing, done) = (None, now_done);
                    }
                    if failing.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
                        return Err(error.into());
                    }
                    tracing::debug!(%error, "the tables could not be brought up to date; it is tried again");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Takes the last `steps` migrations back; their data is gone.
    ///
    /// # Errors
    /// [`StoreError::Backend`] with what the database refused.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), StoreError> {
        Ok(Migrator::down(self.inner.write.0.bare(), Some(steps)).await?)
    }

    /// Every migration's name and whether it was applied, in order. Writes nothing.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn migration_status(&self) -> Result<Vec<(String, bool)>, StoreError> {
        let migrations = Migrator::get_migration_with_status_read_only(self.inner.read.0.bare()).await?;
        let applied = |status| status == MigrationStatus::Applied;
        Ok(migrations.iter().map(|one| (one.name().to_owned(), applied(one.status()))).collect())
    }

    /// Whether the database is reachable and every migration of this program applied. A newer program may have applied more: while
    /// processes are updated one after the other, those that are still to come go on.
    pub async fn is_ready(&self) -> bool {
        let applied = self.inner.dialect.statement("SELECT version FROM seaql_migrations", []);
        let Ok(rows) = self.inner.read.query_all_raw(applied).await else { return false };
        let applied: HashSet<String> = rows.iter().filter_map(|row| row.try_get_by_index(0).ok()).collect();
        Migrator::migrations().iter().all(|migration| applied.contains(migration.name()))
    }

    /// The connection for a statement that writes and is a transaction by itself.
    pub(super) fn single_write(&self) -> &Alone {
        count_commit();
        &self.inner.write
    }

    pub(super) fn session(&self) -> Session<'_, Alone> {
        Session { connection: &self.inner.read, inner: &self.inner, sees_only_committed: true }
    }

    /// Like [`Store::session`], on a connection that may write.
    pub(super) fn writing_session(&self) -> Session<'_, Alone> {
        Session { connection: &self.inner.write, inner: &self.inner, sees_only_committed: true }
    }
}

impl Txn {
    /// Makes everything done here visible and lasting.
    ///
    /// # Errors
    /// [`StoreError::CommitUnknown`] when the connection is lost: then it is not known whether the commit happened; before that,
    /// those of any write.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.write_live_counts().await?;
        self.index_inserted().await?;
        self.transaction.commit().await.map_err(|error| match StoreError::from(error) {
            StoreError::Busy(error) | StoreError::Full(error) => StoreError::CommitUnknown(error),
            error => error,
        })?;
        count_commit();
        self.inner.runs.remember(self.runs);
        self.inner.peers.remember(self.peers);
        if self.forgets_ids {
            self.inner.ids.forget().await;
        }
        self.inner.ticks.remember(self.own_ticks.iter().map(|(own, tick)| (own, *tick)));
        Ok(())
    }

    /// Undoes everything done here.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the connection is lost; the database then rolls back by itself.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.transaction.rollback().await?)
    }

    pub(super) fn session(&self) -> Session<'_, Stepwise<DatabaseTransaction>> {
        Session { connection: &self.transaction, inner: &self.inner, sees_only_committed: false }
    }
}

/// Has the driver log what is slow, and nothing else. It does so within the spans of whoever asked.
fn watched(mut options: ConnectOptions, slow: Option<Duration>) -> ConnectOptions {
    if let Some(slow) = slow {
        options
            .sqlx_logging(true)
            .sqlx_logging_level(LevelFilter::Off)
            .sqlx_slow_statements_logging_settings(LevelFilter::Warn, slow);
    }
    options
}

/// What lasts costs a write to the disk: operators see how often.
fn count_commit() {
    metrics::counter!("sdata_sync_commits_total").increment(1);
}

/// A row that must be there is not.
pub(super) fn missing(what: impl fmt::Display) -> StoreError {
    StoreError::Damaged(format!("{what} is missing"))
}

/// For numbers that a column cannot hold.
pub(super) fn out_of_range(error: impl std::error::Error) -> StoreError {
    StoreError::Backend(DbErr::Type(error.to_string()))
}
