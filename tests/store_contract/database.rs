//! A database for one test.

use sdata_sync::protocol::Digest;
use sdata_sync::store::{CollectionId, Store, StoreError};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};
use std::fmt::Debug;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

/// A migrated database and the store on it.
#[derive(Clone)]
pub(crate) struct TestDatabase {
    pub(crate) store: Store,
    pub(crate) url: String,
}

/// A database and how to get rid of it.
pub(crate) struct Disposable {
    database: TestDatabase,
    server: Option<(String, String)>,
    _directory: Option<TempDir>,
}

pub(crate) async fn sqlite() -> Disposable {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("test.db").display());
    migrated(url, None, Some(directory)).await
}

pub(crate) async fn postgres() -> Disposable {
    on_server("TEST_POSTGRES_URL", "TEMPLATE template0").await
}

pub(crate) async fn mysql() -> Disposable {
    on_server("TEST_MYSQL_URL", "").await
}

async fn on_server(variable: &str, options: &str) -> Disposable {
    let server = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run scripts/databases"));
    let name = format!("test_{}", Uuid::new_v4().simple());
    let connection = Database::connect(&server).await.unwrap();
    connection.execute_unprepared(&format!("CREATE DATABASE {name} {options}")).await.unwrap();
    connection.close().await.unwrap();
    let mut url = Url::parse(&server).unwrap();
    url.set_path(&name);
    migrated(url.into(), Some((server, name)), None).await
}

async fn migrated(url: String, server: Option<(String, String)>, directory: Option<TempDir>) -> Disposable {
    let store = Store::connect(&url, 8).await.unwrap();
    store.migrate().await.unwrap();
    Disposable { database: TestDatabase { store, url }, server, _directory: directory }
}

/// Runs `case` on a database and drops it, also when the case fails.
pub(crate) async fn on<F, Fut>(disposable: Disposable, case: F)
where
    F: FnOnce(TestDatabase) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let outcome = tokio::spawn(case(disposable.database.clone())).await;
    disposable.database.store.close().await.unwrap();
    if let Some((server, name)) = disposable.server {
        let connection = Database::connect(&server).await.unwrap();
        let force = if server.starts_with("postgres") { "WITH (FORCE)" } else { "" };
        connection.execute_unprepared(&format!("DROP DATABASE {name} {force}")).await.unwrap();
        connection.close().await.unwrap();
    }
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure.into_panic());
    }
}

impl TestDatabase {
    /// The digest, if no change of the collection waits for its tick.
    pub(crate) async fn clean_digest(&self, collection: CollectionId) -> Result<Option<Digest>, StoreError> {
        let glance = self.store.glance(collection).await?;
        Ok((!glance.is_waiting).then_some(glance.digest))
    }

    /// The database as another process sees it.
    pub(crate) async fn other_process(&self) -> Store {
        Store::connect(&self.url, 4).await.unwrap()
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite")
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// How many rows the table has, or whatever else stands behind `FROM`.
    pub(crate) async fn rows_of(&self, table: &str) -> i64 {
        let connection = Database::connect(&self.url).await.unwrap();
        let count = Statement::from_string(
            connection.get_database_backend(),
            format!("SELECT COUNT(*) AS number FROM {table}"),
        );
        let row = connection.query_one_raw(count).await.unwrap().unwrap();
        connection.close().await.unwrap();
        row.try_get("", "number").unwrap()
    }

    /// Returns when somebody waits for a lock of this database, where there is more than one writer.
    pub(crate) async fn until_somebody_waits(&self) {
        let waiting = if self.is_postgres() {
            "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        } else {
            "information_schema.innodb_trx JOIN information_schema.processlist ON processlist.id = trx_mysql_thread_id \
             WHERE db = DATABASE() AND trx_state = 'LOCK WAIT'"
        };
        let began = Instant::now();
        while self.rows_of(waiting).await == 0 {
            assert!(began.elapsed() < Duration::from_secs(30), "nobody waits");
            // MySQL answers from what it saw a moment ago, for as long as it is asked more often.
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// How the database would answer a question, as it says it. Few rows are read faster without an index: that is not what is asked.
    pub(crate) async fn plan_of(&self, question: &str) -> String {
        let mut options = ConnectOptions::new(&self.url);
        let connection = Database::connect(options.max_connections(1).to_owned()).await.unwrap();
        let backend = connection.get_database_backend();
        if self.is_postgres() {
            connection.execute_unprepared("SET enable_seqscan = off").await.unwrap();
        }
        let explain = if self.is_sqlite() { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
        let question = Statement::from_string(backend, format!("{explain} {question}"));
        let rows = connection.query_all_raw(question).await.unwrap();
        let column = if self.is_sqlite() {
            "detail"
        } else if self.is_postgres() {
            "QUERY PLAN"
        } else {
            "key"
        };
        let lines = rows.iter().filter_map(|row| row.try_get::<Option<String>>("", column).unwrap());
        let plan = lines.collect::<Vec<_>>().join("\n");
        connection.close().await.unwrap();
        plan
    }

    /// Runs a statement behind the store's back.
    pub(crate) async fn execute(&self, sql: &str) {
        let connection = Database::connect(&self.url).await.unwrap();
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// The error of a call that must fail.
pub(crate) fn refused<T: Debug, E>(result: Result<T, E>) -> E {
    match result {
        Ok(value) => panic!("was accepted: {value:?}"),
        Err(error) => error,
    }
}
