//! How pages of a large collection are read: plans and times. `scripts/plans` runs it.

// A measurement may fail at once.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use bytes::Bytes;
use sdata_sync::protocol::{Endpoint, Priority, Stamp};
use sdata_sync::query::{Comparison, Expression, Field, Literal, OrderKey, Target, ValueType};
use sdata_sync::store::{
    CollectionId, CollectionName, Content, IndexedProperty, NewState, ResourceId, ResourceWrite, Selection, Store,
};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PAGE: u64 = 100;
const WRITTEN_AT_ONCE: usize = 2_000;
const REPEATED: u32 = 5;

#[tokio::main]
async fn main() {
    let count = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let mut databases = vec![("SQLite", format!("sqlite://{}", folder.path().join("plans.db").display()))];
    for (name, variable) in [("PostgreSQL", "PLANS_POSTGRES_URL"), ("MySQL/MariaDB", "PLANS_MYSQL_URL")] {
        databases.extend(std::env::var(variable).ok().map(|url| (name, url)));
    }
    for (name, url) in databases {
        measure(name, &url, count).await;
    }
}

async fn measure(name: &str, url: &str, count: usize) {
    println!("\n## {name}, {count} resources\n");
    let store = Store::connect(url, 4).await.unwrap();
    store.migrate().await.unwrap();
    let collection = collection(&store).await;
    let indexed = ["name", "postalAddress.countryCode"].map(property);
    store.declare_indexes(collection, &indexed).await.unwrap();
    let started = Instant::now();
    fill(&store, collection, count).await;
    println!("filled in {:.0} s, two properties indexed", started.elapsed().as_secs_f64());
    let connection = Database::connect(url).await.unwrap();
    if connection.get_database_backend() == DbBackend::Postgres {
        connection.execute_unprepared("VACUUM ANALYZE").await.unwrap();
    }
    times(&store, collection, count).await;
    plans(&connection, collection).await;
}

async fn collection(store: &Store) -> CollectionId {
    let [application, contract, dataset, resource_kind] = ["crm", "sample", "-", "accounts"].map(str::to_owned);
    let endpoint = Endpoint::parse("http://plans.example/sdata/crm/sample/-/accounts").unwrap();
    let name = CollectionName { application, contract, dataset, resource_kind };
    store.register_collection(&name, &endpoint, Priority::new(5).unwrap()).await.unwrap()
}

fn path(dotted: &str) -> Vec<Arc<str>> {
    dotted.split('.').map(Arc::from).collect()
}

fn property(dotted: &str) -> IndexedProperty {
    IndexedProperty { path: path(dotted), value_type: ValueType::Text }
}

/// Names in no order of the ids; a tenth of the resources in each of ten countries.
async fn fill(store: &Store, collection: CollectionId, count: usize) {
    let countries = ["AT", "BE", "CH", "DE", "ES", "FR", "GB", "IT", "NL", "PT"];
    let places: Vec<usize> = (0..count).collect();
    for chunk in places.chunks(WRITTEN_AT_ONCE) {
        let ids = store.reserve_ids(chunk.len() as u64).await.unwrap();
        let writes = ids.zip(chunk).map(|(id, place)| {
            let name = format!("name {:07}", place * 7_919 % 10_000_019);
            let country = countries[place % countries.len()];
            ResourceWrite {
                id: ResourceId(id),
                key: format!("A{place}"),
                uuid: None,
                state: NewState::Unstamped(Stamp::from_millis(1_760_000_000_000)),
                user: None,
                deleted: false,
                etag: "\"0\"".to_owned(),
                content: Some(Content {
                    payload: Bytes::from(format!("<code>A{place}</code><name>{name}</name>{}", " ".repeat(400))),
                    properties: json!({
                        "code": format!("A{place}"), "name": name, "creditLimit": (place % 1_000).to_string(),
                        "postalAddress": { "countryCode": country },
                    })
                    .into(),
                    unique: Vec::new(),
                    has_key_references: false,
                }),
            }
        });
        let writes: Vec<_> = writes.collect();
        let mut txn = store.begin().await.unwrap();
        txn.insert(collection, &writes).await.unwrap();
        txn.commit().await.unwrap();
    }
}

fn field(dotted: &str, value_type: ValueType) -> Field {
    Field { through: Vec::new(), target: Target::Property(path(dotted)), value_type }
}

fn equal(dotted: &str, value: &str) -> Expression {
    let field = Expression::Field(field(dotted, ValueType::Text));
    let value = Expression::Literal(Literal::Text(value.to_owned()));
    Expression::Compare(Comparison::Equal, Box::new(field), Box::new(value))
}

fn by(dotted: &str, filter: Option<Expression>) -> Selection {
    let order = vec![OrderKey { field: field(dotted, ValueType::Text), descending: false }];
    Selection { filter, order, ..Selection::default() }
}

async fn times(store: &Store, collection: CollectionId, count: usize) {
    let middle = count as u64 / 2;
    let germans = by("name", Some(equal("postalAddress.countryCode", "DE")));
    let named = Selection { filter: Some(equal("name", "name 0007919")), ..Selection::default() };
    let everything = Selection::default();
    let credit = Expression::Compare(
        Comparison::Equal,
        Box::new(Expression::Field(field("creditLimit", ValueType::Number))),
        Box::new(Expression::Literal(Literal::Number("17".to_owned()))),
    );
    let scanned = Selection { filter: Some(credit), ..Selection::default() };
    println!("\n| what | milliseconds |\n|---|---|");
    for (what, selection) in [
        ("first page, no condition", &everything),
        ("first page by name", &by("name", None)),
        ("first page of one country, by name", &germans),
        ("one name", &named),
        ("first page by a property without index", &scanned),
    ] {
        report(what, async || drop(store.select(collection, selection, None, 0, PAGE).await.unwrap())).await;
    }
    for (what, selection, at) in [
        ("page in the middle by `next`, no condition", &everything, middle),
        ("page in the middle by `next`, by name", &by("name", None), middle),
        ("page in the middle of one country by `next`, by name", &germans, middle / 10),
    ] {
        let before = store.select(collection, selection, None, at, 1).await.unwrap();
        let cursor = before.first().map(|selected| selected.cursor.clone());
        report(what, async || drop(store.select(collection, selection, cursor.as_ref(), 0, PAGE).await.unwrap())).await;
    }
    let key = [format!("A{middle}")];
    report("single read by key", async || drop(store.by_keys(collection, &key).await.unwrap())).await;
    for (what, selection) in [
        ("count of all", &everything),
        ("count of one country", &Selection { order: Vec::new(), ..germans.clone() }),
        ("count by a property without index", &scanned),
    ] {
        report(what, async || {
            store.selected_count(collection, selection).await.unwrap();
        })
        .await;
    }
}

/// The best of a few times: what it costs, not what else went on.
async fn report(what: &str, work: impl AsyncFn()) {
    let mut best = Duration::MAX;
    for _ in 0..REPEATED {
        let started = Instant::now();
        work().await;
        best = best.min(started.elapsed());
    }
    println!("| {what} | {:.1} |", best.as_secs_f64() * 1000.0);
}

/// The plans of the statements that such pages are made of.
async fn plans(connection: &sea_orm::DatabaseConnection, collection: CollectionId) {
    let backend = connection.get_database_backend();
    let key = match backend {
        DbBackend::Postgres => "'\\x016e'::bytea",
        _ => "x'016e'",
    };
    let along = format!(
        "SELECT sort_key, resource_id FROM property_value WHERE index_id = 1 AND sort_key > {key} \
         ORDER BY index_id, sort_key, resource_id LIMIT 100"
    );
    let ids: Vec<String> = (1_000..1_100).map(|id: u32| id.to_string()).collect();
    let false_ = if backend == DbBackend::Sqlite { "0" } else { "FALSE" };
    let documents =
        "SELECT resource.*, document.payload FROM resource LEFT JOIN document ON resource.id = document.resource_id";
    let of = format!("resource.collection_id = {} AND resource.is_deleted = {false_}", collection.0);
    for (what, statement) in [
        ("along an index", along),
        ("documents of what it names", format!("{documents} WHERE {of} AND resource.id IN ({})", ids.join(", "))),
        ("behind an id", format!("{documents} WHERE {of} AND resource.id > 5000 ORDER BY resource.id LIMIT 100")),
        ("by key", format!("{documents} WHERE resource.collection_id = {} AND resource_key IN ('A17')", collection.0)),
    ] {
        let explain = if backend == DbBackend::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
        let rows = connection.query_all_raw(Statement::from_string(backend, format!("{explain} {statement}"))).await;
        println!("\n{what}:");
        for row in rows.unwrap() {
            println!("    {}", line(backend, &row));
        }
    }
}

fn line(backend: DbBackend, row: &sea_orm::QueryResult) -> String {
    match backend {
        DbBackend::Sqlite => row.try_get("", "detail").unwrap(),
        DbBackend::Postgres => {
            let plan: String = row.try_get("", "QUERY PLAN").unwrap();
            plan.chars().take(140).collect()
        }
        _ => {
            let column = |name: &str| row.try_get::<Option<String>>("", name).ok().flatten().unwrap_or_default();
            format!("{} {} key={} {}", column("table"), column("type"), column("key"), column("Extra"))
        }
    }
}
