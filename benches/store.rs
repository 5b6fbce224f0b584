//! What the store adds to a bare row: chunks of creates and updates as a target writes them, and pages as a source reads them,
//! beside the upsert and the read of the same payloads by the same driver with nothing else.
//!
//!   cargo bench --bench store -- [ROWS [CHUNK]]     100,000 rows in chunks of 400 where nothing is said
//!
//! It measures SQLite; BENCH_POSTGRES_URL and BENCH_MYSQL_URL name empty databases to measure as well. Times are those of the
//! median chunk, so that what else went on for a moment does not count; CPU is that of this process and of the database servers
//! of this machine (Linux).

// A measurement may fail at once.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use bytes::Bytes;
use sdata_sync::protocol::{Endpoint, Priority, Stamp, SyncState, Tick, TickRange};
use sdata_sync::query::ValueType;
use sdata_sync::store::{
    ChangeOutcome, ChangeRecord, CollectionId, CollectionName, Content, IndexedProperty, NewState, NewTracking,
    Operation, Position, ResourceId, ResourceWrite, ResultRow, Store, Submission, TrackingKey,
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, TransactionTrait, Value};
use serde_json::json;
use std::time::Instant;
use uuid::Uuid;

const PAGE: u64 = 1_000;

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let (rows, chunk) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(400));
    let folder = tempfile::tempdir().unwrap();
    let mut databases = vec![("SQLite", format!("sqlite://{}?mode=rwc", folder.path().join("store.db").display()))];
    for (name, variable) in [("PostgreSQL", "BENCH_POSTGRES_URL"), ("MySQL/MariaDB", "BENCH_MYSQL_URL")] {
        databases.extend(std::env::var(variable).ok().map(|url| (name, url)));
    }
    println!(
        "| {rows} rows, chunks of {chunk} | µs a row | of the bare row | CPU µs a row | of the bare row |\n|---|---|---|---|---|"
    );
    for (name, url) in databases {
        let payloads: Vec<String> = (0..rows).map(payload).collect();
        measure(name, &url, &payloads, chunk).await;
    }
}

async fn measure(name: &str, url: &str, payloads: &[String], chunk: usize) {
    let store = Store::connect(url, 4).await.unwrap();
    store.migrate().await.unwrap();
    let bare = Bare::new(url).await;
    let mut bare_costs = Vec::new();
    for _ in ["create", "update"] {
        let mut meter = Meter::new();
        for (place, part) in payloads.chunks(chunk).enumerate() {
            meter
                .measure(async || {
                    bare.upsert(place * chunk, part).await;
                    part.len()
                })
                .await;
        }
        bare_costs.push(meter.cost());
    }
    bare_costs.push(bare.read(payloads.len()).await);
    let target = Target::new(&store).await;
    let mut costs = Vec::new();
    for round in 0..2 {
        let mut meter = Meter::new();
        for (place, part) in payloads.chunks(chunk).enumerate() {
            let chunk = Chunk::new(place * chunk, part, round * payloads.len());
            meter
                .measure(async || {
                    target.take_in(&chunk).await;
                    part.len()
                })
                .await;
        }
        costs.push(meter.cost());
    }
    costs.push(target.read(payloads.len()).await);
    for ((what, ours), bare) in ["create", "update", "source page"].iter().zip(costs).zip(bare_costs) {
        let [(time, cpu), (bare_time, bare_cpu)] = [ours, bare];
        println!("| {name}, bare {what} | {bare_time:.1} | | {bare_cpu:.1} | |");
        println!("| {name}, {what} | {time:.1} | {:.2} | {cpu:.1} | {:.2} |", bare_time / time, bare_cpu / cpu);
    }
}

/// What parts of a work cost.
struct Meter {
    /// Microseconds a row, of each part.
    times: Vec<f64>,
    cpu: f64,
    rows: usize,
}

impl Meter {
    fn new() -> Self {
        Self { times: Vec::new(), cpu: 0.0, rows: 0 }
    }

    async fn measure(&mut self, work: impl AsyncFnOnce() -> usize) {
        let (started, cpu) = (Instant::now(), cpu_micros());
        let rows = work().await;
        self.times.push(started.elapsed().as_secs_f64() * 1e6 / rows as f64);
        self.cpu += cpu_micros() - cpu;
        self.rows += rows;
    }

    /// Microseconds a row of the median part, and of CPU a row of all.
    fn cost(mut self) -> (f64, f64) {
        self.times.sort_by(f64::total_cmp);
        (self.times[self.times.len() / 2], self.cpu / self.rows as f64)
    }
}

/// Microseconds that this process and the database servers have run.
fn cpu_micros() -> f64 {
    let own = format!("/proc/{}", std::process::id());
    let servers = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| {
        let command = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        ["postgres", "mariadbd", "mysqld"].contains(&command.trim())
    });
    let threads =
        servers.chain([own.into()]).flat_map(|path| std::fs::read_dir(path.join("task")).into_iter().flatten());
    let nanos = threads.flatten().filter_map(|thread| {
        let scheduled = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        scheduled.split(' ').next()?.parse::<f64>().ok()
    });
    nanos.sum::<f64>() / 1e3
}

/// About one kilobyte with some twenty properties.
fn payload(number: usize) -> String {
    let fields = (0..18).map(|field| format!("<property{field}>value {number} of {field}, and more</property{field}>"));
    format!("<code>A{number}</code><name>Account {number}</name>{}", fields.collect::<String>())
}

/// The payloads in a table of their own.
struct Bare(DatabaseConnection);

impl Bare {
    async fn new(url: &str) -> Self {
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(1);
        let connection = Database::connect(options).await.unwrap();
        let bytes = match connection.get_database_backend() {
            DbBackend::Postgres => "BYTEA",
            DbBackend::MySql => "LONGBLOB",
            _ => {
                connection.execute_unprepared("PRAGMA journal_mode = WAL").await.unwrap();
                connection.execute_unprepared("PRAGMA synchronous = FULL").await.unwrap();
                "BLOB"
            }
        };
        let table = format!("CREATE TABLE bare (id BIGINT NOT NULL PRIMARY KEY, data {bytes} NOT NULL)");
        let table = if connection.get_database_backend() == DbBackend::Sqlite {
            table.replace("BIGINT", "INTEGER")
        } else {
            table
        };
        connection.execute_unprepared(&table).await.unwrap();
        Self(connection)
    }

    async fn upsert(&self, first: usize, payloads: &[String]) {
        let backend = self.0.get_database_backend();
        let ids = (first..).map(|id| id as i64).zip(payloads);
        let (sql, values): (String, Vec<Value>) = if backend == DbBackend::Postgres {
            let (ids, payloads): (Vec<i64>, Vec<Vec<u8>>) =
                ids.map(|(id, data)| (id, data.clone().into_bytes())).unzip();
            let sql = "INSERT INTO bare SELECT * FROM UNNEST($1::bigint[], $2::bytea[]) \
                       ON CONFLICT (id) DO UPDATE SET data = excluded.data";
            (sql.to_owned(), vec![ids.into(), payloads.into()])
        } else {
            let conflict = match backend {
                DbBackend::MySql => "ON DUPLICATE KEY UPDATE data = VALUES(data)",
                _ => "ON CONFLICT (id) DO UPDATE SET data = excluded.data",
            };
            let rows = vec!["(?,?)"; payloads.len()].join(",");
            let values = ids.flat_map(|(id, data)| [id.into(), data.clone().into_bytes().into()]);
            (format!("INSERT INTO bare VALUES {rows} {conflict}"), values.collect())
        };
        let transaction = self.0.begin().await.unwrap();
        transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn read(&self, count: usize) -> (f64, f64) {
        let backend = self.0.get_database_backend();
        let place = if backend == DbBackend::Postgres { "$1" } else { "?" };
        let sql = format!("SELECT id, data FROM bare WHERE id > {place} ORDER BY id LIMIT {PAGE}");
        let (mut meter, mut last) = (Meter::new(), -1);
        while meter.rows < count {
            meter
                .measure(async || {
                    let page = Statement::from_sql_and_values(backend, &sql, [Value::from(last)]);
                    let rows = self.0.query_all_raw(page).await.unwrap();
                    let row = |row: &sea_orm::QueryResult| -> (i64, Vec<u8>) {
                        (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())
                    };
                    let rows: Vec<_> = rows.iter().map(row).collect();
                    last = rows.last().unwrap().0;
                    rows.len()
                })
                .await;
        }
        meter.cost()
    }
}

/// A collection that takes changes in, with an operation under which it does.
struct Target<'s> {
    store: &'s Store,
    collection: CollectionId,
    tracking: TrackingKey,
}

/// What a chunk of a feed says.
struct Chunk {
    uuids: Vec<Uuid>,
    states: Vec<SyncState>,
    contents: Vec<Content>,
    /// Place of its first entry in the feed.
    position: usize,
}

impl Chunk {
    fn new(first: usize, payloads: &[String], before: usize) -> Self {
        let numbers = first..first + payloads.len();
        let state = |number: usize| SyncState {
            endpoint: remote(),
            tick: Tick::new((before + number + 1) as u64).unwrap(),
            stamp: Stamp::from_millis(1_760_000_000_000 + number as i64),
            user: Some("ada".to_owned()),
        };
        let content = |payload: &String| Content {
            payload: Bytes::from(payload.clone()),
            properties: properties(payload).into(),
            unique: vec![("code".to_owned(), code(payload))],
            has_key_references: false,
        };
        Self {
            uuids: numbers.clone().map(uuid).collect(),
            states: numbers.map(state).collect(),
            contents: payloads.iter().map(content).collect(),
            position: before + first,
        }
    }
}

/// Always the same for a number, and in no order.
fn uuid(number: usize) -> Uuid {
    let mixed = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    Uuid::from_u128(mixed ^ (mixed >> 67))
}

/// What each resource has to itself.
fn code(payload: &str) -> String {
    payload.split(['<', '>']).nth(2).unwrap().to_owned()
}

fn properties(payload: &str) -> serde_json::Value {
    let pairs = payload.split("</").filter_map(|part| part.rsplit_once('<')?.1.split_once('>'));
    let pairs = pairs.map(|(name, value)| (name.to_owned(), json!(value)));
    serde_json::Value::Object(pairs.collect())
}

fn remote() -> Endpoint {
    Endpoint::parse("http://erp.example/sdata/erp/sample/-/accounts").unwrap()
}

impl<'s> Target<'s> {
    async fn new(store: &'s Store) -> Self {
        let [application, contract, dataset, resource_kind] = ["crm", "sample", "-", "accounts"].map(str::to_owned);
        let name = CollectionName { application, contract, dataset, resource_kind };
        let endpoint = Endpoint::parse("http://crm.example/sdata/crm/sample/-/accounts").unwrap();
        let collection = store.register_collection(&name, &endpoint, Priority::new(5).unwrap()).await.unwrap();
        store.intern_endpoints([&remote()]).await.unwrap();
        // As the provider does for every property that is a unique key.
        let code = IndexedProperty { path: vec!["code".into()], value_type: ValueType::Text };
        store.declare_indexes(collection, &[code]).await.unwrap();
        let operation = NewTracking {
            collection,
            operation: Operation::SyncTarget,
            tracking_id: "6f1c3c8e-0a5c-4f0e-9b86-2f5f0f3f6a11".to_owned(),
            run: None,
            phase_detail: String::new(),
            request: json!({}),
            body: None,
            parts: Vec::new(),
            feed: None,
            principal: None,
            remote_address: None,
            created_at: Stamp::from_millis(1_760_000_000_000),
            event: None,
            done: None,
            peer: None,
        };
        let Submission::Accepted(tracking) = store.submit(&operation).await.unwrap() else { panic!("not accepted") };
        Self { store, collection, tracking }
    }

    /// The statements of a chunk of `$syncTarget` (src/provider/target/chunk.rs).
    async fn take_in(&self, chunk: &Chunk) {
        let store = self.store;
        let ids = store.reserve_ids(chunk.uuids.len() as u64).await.unwrap();
        let mut txn = store.begin().await.unwrap();
        let before = txn.lock(self.collection).await.unwrap();
        let mut digest = before.clone();
        let found = txn.lock_by_uuids(self.collection, &chunk.uuids).await.unwrap();
        let now = Stamp::now();
        txn.stamp(self.collection, &mut digest, now).await.unwrap();
        let known: Vec<ResourceId> = found.values().map(|resource| resource.id).collect();
        txn.former_uuids(&known).await.unwrap();
        txn.documents(&known).await.unwrap();
        txn.parked_of(self.collection, &chunk.uuids).await.unwrap();
        txn.states_taken(self.collection, &chunk.states).await.unwrap();
        let unique: Vec<_> = chunk.contents.iter().flat_map(|content| content.unique.iter().cloned()).collect();
        txn.unique_owners(self.collection, &unique).await.unwrap();
        let (mut inserts, mut updates, mut results, mut changes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let entries = chunk.uuids.iter().zip(&chunk.states).zip(&chunk.contents).zip(ids).enumerate();
        for (place, (((uuid, state), content), id)) in entries {
            let stored = found.get(uuid);
            let write = ResourceWrite {
                id: stored.map_or(ResourceId(id), |stored| stored.id),
                key: stored.map_or_else(|| id.to_string(), |stored| stored.key.clone()),
                uuid: Some(*uuid),
                state: NewState::Stamped(state.clone()),
                user: None,
                deleted: false,
                etag: format!("\"{:032x}\"", uuid.as_u128()),
                content: Some(content.clone()),
            };
            results.push(ResultRow {
                position: (chunk.position + place) as u64,
                http_status: if stored.is_some() { 200 } else { 201 },
                http_method: if stored.is_some() { "PUT" } else { "POST" }.to_owned(),
                resource: Some(write.id),
                key: None,
                uuid: Some(*uuid),
                state: Some(state.clone()),
                version: None,
                diagnosis: None,
            });
            changes.push(ChangeRecord {
                at: now,
                run: None,
                tracking_id: Some("6f1c3c8e-0a5c-4f0e-9b86-2f5f0f3f6a11".to_owned()),
                uuid: Some(*uuid),
                key: Some(write.key.clone()),
                outcome: if stored.is_some() { ChangeOutcome::Updated } else { ChangeOutcome::Created },
                http_status: 200,
                source: Some(state.clone()),
                target: Some(state.clone()),
                message: String::new(),
                losing_payload: None,
            });
            if stored.is_some() { updates.push(write) } else { inserts.push(write) }
        }
        txn.update(self.collection, &updates).await.unwrap();
        txn.insert(self.collection, &inserts).await.unwrap();
        txn.save_digest(self.collection, &before, &digest).await.unwrap();
        txn.add_results(self.tracking, &results).await.unwrap();
        txn.add_changes(self.collection, &changes).await.unwrap();
        assert!(txn.advance(self.tracking, 1, 2, "some entries", &json!({ "created": 1 })).await.unwrap());
        txn.commit().await.unwrap();
    }

    async fn read(&self, count: usize) -> (f64, f64) {
        let ranges = [TickRange { endpoint: remote(), from: Tick::FIRST, to: Tick::MAX }];
        let (mut meter, mut after) = (Meter::new(), None);
        while meter.rows < count {
            meter
                .measure(async || {
                    let page = self.store.read_ranges(self.collection, &ranges, after, PAGE).await.unwrap();
                    let ids: Vec<_> = page.iter().map(|change| change.resource.id).collect();
                    self.store.former_uuids(&ids).await.unwrap();
                    let tick = page.last().and_then(|change| Some(change.resource.state.as_ref()?.tick)).unwrap();
                    after = Some(Position { range: 0, tick });
                    page.len()
                })
                .await;
        }
        meter.cost()
    }
}
