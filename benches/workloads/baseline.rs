//! What the database does with the fewest statements: the same rows through the same driver, no HTTP, no XML.
//!
//! One table of (id, uuid, tick, stamp, key, payload of 1 KB), with the index that pages by tick need.

use crate::databases::{Database, Served};
use crate::resources::Kind;
use crate::support::Backend;
use sea_orm::sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use sea_orm::sqlx::postgres::{PgPool, PgPoolOptions};
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, AssertSqlSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

/// Connections, as the provider has by default.
const CONNECTIONS: u32 = 8;
/// Rows of one statement.
const BATCH: u64 = 1000;
/// Rows prepared before the clock starts.
const PREPARED: u64 = 100_000;

const TABLE: &str = "CREATE TABLE bare (id BIGINT NOT NULL PRIMARY KEY, uuid {uuid} NOT NULL, tick BIGINT NOT NULL, stamp BIGINT NOT NULL, \
                     item_key VARCHAR(64) NOT NULL, payload {bytes} NOT NULL)";
const COLUMNS: &str = "id, uuid, tick, stamp, item_key, payload";
const POSTGRES_UPSERT: &str = "INSERT INTO bare (id, uuid, tick, stamp, item_key, payload) \
    SELECT * FROM UNNEST($1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[]) \
    ON CONFLICT (id) DO UPDATE SET uuid = excluded.uuid, tick = excluded.tick, stamp = excluded.stamp, \
    item_key = excluded.item_key, payload = excluded.payload";
const SQLITE_CONFLICT: &str = "ON CONFLICT (id) DO UPDATE SET uuid = excluded.uuid, tick = excluded.tick, stamp = excluded.stamp, \
    item_key = excluded.item_key, payload = excluded.payload";
const MYSQL_CONFLICT: &str = "ON DUPLICATE KEY UPDATE uuid = VALUES(uuid), tick = VALUES(tick), stamp = VALUES(stamp), \
    item_key = VALUES(item_key), payload = VALUES(payload)";

type Read = (i64, Uuid, i64, i64, String, Vec<u8>);

/// A row.
pub struct Row {
    id: i64,
    uuid: Uuid,
    tick: i64,
    stamp: i64,
    key: String,
    payload: Vec<u8>,
}

impl Row {
    /// The row of an account in a version; its tick follows those of the versions before.
    pub fn new(number: u64, version: u64, tick: u64) -> Self {
        let mut payload = String::with_capacity(1_200);
        Kind::Accounts.write(&mut payload, number, version, "");
        Self {
            id: number as i64,
            uuid: Kind::Accounts.uuid(number),
            tick: tick as i64,
            stamp: 1_760_000_000_000 + tick as i64,
            key: number.to_string(),
            payload: payload.into_bytes(),
        }
    }
}

/// The bare table in a fresh database.
pub struct Bare {
    driver: Driver,
    /// Multi-row VALUES of a whole batch, made once so that the driver finds its prepared statement.
    batch_text: Arc<str>,
    one_text: Arc<str>,
    _folder: Option<TempDir>,
    _served: Option<Served>,
}

#[derive(Clone)]
enum Driver {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    MySql(MySqlPool),
}

/// Multi-row VALUES, for the drivers that have no arrays.
macro_rules! upsert_values {
    ($pool:expr, $text:expr, $rows:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($text));
        for row in $rows {
            query = query.bind(row.id).bind(row.uuid).bind(row.tick).bind(row.stamp).bind(&row.key).bind(&row.payload);
        }
        query.execute($pool).await.unwrap();
    }};
}

/// Rows by tick; each driver writes its placeholders in its own way.
macro_rules! read_range {
    ($pool:expr, $sql:expr, $from:expr, $to:expr) => {{
        let rows: Vec<Read> = sqlx::query_as($sql).bind($from).bind($to).fetch_all($pool).await.unwrap();
        rows
    }};
}

impl Bare {
    /// The table in a fresh database of a kind, with the store's own settings for what a commit means.
    pub async fn create(database: Database) -> Self {
        let (folder, served) = match database {
            Database::Sqlite => (Some(tempfile::tempdir().unwrap()), None),
            Database::Postgres | Database::Mariadb => (None, Some(database.fresh().await)),
        };
        let url = match served.as_ref().map(|served| &served.backend) {
            Some(Backend::Server(url)) => url.as_str(),
            Some(Backend::Sqlite) | None => "",
        };
        let driver = Driver::connect(database, folder.as_ref(), url).await;
        let conflict = if database == Database::Mariadb { MYSQL_CONFLICT } else { SQLITE_CONFLICT };
        let text = |rows: u64| Arc::from(values_text(rows, conflict));
        let bare = Self { driver, batch_text: text(BATCH), one_text: text(1), _folder: folder, _served: served };
        let (uuid, bytes) = match database {
            Database::Sqlite => ("BLOB", "BLOB"),
            Database::Postgres => ("UUID", "BYTEA"),
            Database::Mariadb => ("BINARY(16)", "MEDIUMBLOB"),
        };
        bare.execute(&TABLE.replace("{uuid}", uuid).replace("{bytes}", bytes)).await;
        bare.execute("CREATE INDEX bare_tick ON bare (tick)").await;
        bare
    }

    /// Upserts `count` accounts in a version, a batch in each commit; rows are prepared while the clock stands still.
    pub async fn fill(&self, count: u64, version: u64) -> Duration {
        let mut elapsed = Duration::ZERO;
        let mut number = 0;
        while number < count {
            let end = (number + PREPARED).min(count);
            let rows: Vec<Row> =
                (number..end).map(|number| Row::new(number, version, version * count + number + 1)).collect();
            let began = Instant::now();
            for batch in rows.chunks(BATCH as usize) {
                self.upsert(batch).await;
            }
            elapsed += began.elapsed();
            number = end;
        }
        elapsed
    }

    /// Upserts rows in one statement and one commit.
    pub async fn upsert(&self, rows: &[Row]) {
        let text = match rows.len() as u64 {
            BATCH => Arc::clone(&self.batch_text),
            1 => Arc::clone(&self.one_text),
            other => panic!("no statement was prepared for {other} rows"),
        };
        match &self.driver {
            Driver::Sqlite(pool) => upsert_values!(pool, text, rows),
            Driver::MySql(pool) => upsert_values!(pool, text, rows),
            Driver::Postgres(pool) => upsert_arrays(pool, rows).await,
        }
    }

    /// Reads the rows with ticks in `ticks`, in pages; answers how many there were, and how long it took.
    pub async fn read(&self, ticks: std::ops::Range<u64>, page: u64) -> (u64, Duration) {
        let began = Instant::now();
        let (mut rows, mut bytes) = (0, 0);
        for from in ticks.clone().step_by(page as usize) {
            let to = (from + page).min(ticks.end);
            let read = self.driver.read(from as i64, to as i64).await;
            rows += read.len() as u64;
            bytes += read.iter().map(|row| row.4.len() + row.5.len()).sum::<usize>();
        }
        assert!(bytes > 0, "nothing was read");
        (rows, began.elapsed())
    }

    /// Look-ups of one small row per second, by so many clients at once.
    pub async fn look_ups(&self, clients: usize, seconds: f64, ids: u64) -> f64 {
        let done = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let clients = (0..clients).map(|client| {
            let (driver, done) = (self.driver.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut id = client as u64;
                while began.elapsed().as_secs_f64() < seconds {
                    driver.look_up((id % ids) as i64).await;
                    done.fetch_add(1, Ordering::Relaxed);
                    id += 7;
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
    }

    /// Reads one whole row.
    pub async fn read_one(&self, tick: u64) {
        self.driver.read(tick as i64, tick as i64 + 1).await;
    }

    async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql);
        match &self.driver {
            Driver::Sqlite(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
            Driver::Postgres(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
            Driver::MySql(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
        }
    }
}

impl Driver {
    async fn connect(database: Database, folder: Option<&TempDir>, url: &str) -> Self {
        match database {
            Database::Sqlite => {
                let file = folder.map(|folder| folder.path().join("bare.db")).unwrap_or_default();
                let options = SqliteConnectOptions::new()
                    .filename(file)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full);
                Self::Sqlite(SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await.unwrap())
            }
            Database::Postgres => {
                Self::Postgres(PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await.unwrap())
            }
            Database::Mariadb => {
                Self::MySql(MySqlPoolOptions::new().max_connections(CONNECTIONS).connect(url).await.unwrap())
            }
        }
    }

    async fn read(&self, from: i64, to: i64) -> Vec<Read> {
        const QUESTION: &str =
            "SELECT id, uuid, tick, stamp, item_key, payload FROM bare WHERE tick >= ? AND tick < ? ORDER BY tick";
        const DOLLAR: &str =
            "SELECT id, uuid, tick, stamp, item_key, payload FROM bare WHERE tick >= $1 AND tick < $2 ORDER BY tick";
        match self {
            Self::Sqlite(pool) => read_range!(pool, QUESTION, from, to),
            Self::Postgres(pool) => read_range!(pool, DOLLAR, from, to),
            Self::MySql(pool) => read_range!(pool, QUESTION, from, to),
        }
    }

    async fn look_up(&self, id: i64) -> i64 {
        const QUESTION: &str = "SELECT tick FROM bare WHERE id = ?";
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(QUESTION).bind(id).fetch_one(pool).await.unwrap(),
            Self::MySql(pool) => sqlx::query_scalar(QUESTION).bind(id).fetch_one(pool).await.unwrap(),
            Self::Postgres(pool) => {
                sqlx::query_scalar("SELECT tick FROM bare WHERE id = $1").bind(id).fetch_one(pool).await.unwrap()
            }
        }
    }
}

async fn upsert_arrays(pool: &PgPool, rows: &[Row]) {
    let query = sqlx::query(POSTGRES_UPSERT)
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.uuid).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.tick).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.stamp).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.payload.as_slice()).collect::<Vec<_>>());
    query.execute(pool).await.unwrap();
}

fn values_text(rows: u64, conflict: &str) -> String {
    let values = vec!["(?, ?, ?, ?, ?, ?)"; rows as usize].join(", ");
    format!("INSERT INTO bare ({COLUMNS}) VALUES {values} {conflict}")
}
