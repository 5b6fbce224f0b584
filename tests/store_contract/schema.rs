//! The schema's way up and down.

use crate::database::{TestDatabase, refused};
use crate::jobs::{new, submit};
use crate::sample::{accounts, at, content, insert, new_ids, remote, state, update, write};
use sdata_sync::protocol::paging::PageRequest;
use sdata_sync::protocol::{Run, Uuids};
use sdata_sync::query::ValueType;
use sdata_sync::store::{AuditFilter, Content, IndexedProperty, ResourceId, ResourceWrite, ResultRow, Store, Version};
use serde_json::json;
use uuid::Uuid;

pub(crate) async fn the_schema_goes_up_and_down(db: TestDatabase) {
    assert!(db.store.is_ready().await);
    let all = db.store.migration_status().await.unwrap();
    assert!(all.iter().all(|(_, is_applied)| *is_applied), "{all:?}");
    db.store.migrate_down(u32::try_from(all.len()).unwrap()).await.unwrap();
    assert!(!db.store.is_ready().await);
    let status = db.store.migration_status().await.unwrap();
    assert_eq!(status[0], ("m20260101_000001_first".to_owned(), false));
    assert!(status.iter().all(|(_, is_applied)| !is_applied), "{status:?}");
    db.store.migrate().await.unwrap();
    assert!(db.store.is_ready().await);
    assert_eq!(db.store.reserve_ids(1).await.unwrap(), 1..2);
    // A newer process has migrated: this one goes on until it is replaced.
    db.execute("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_newer', 0)").await;
    assert!(db.store.is_ready().await);
    assert!(db.store.migrate().await.is_err(), "an older program is not started on it");
}

/// The migration that packs what is kept, and gives it another order.
const SPEED: &str = "m20261120_000004_speed";

/// How many migrations go back until `name` is undone, whatever came after it.
async fn down_to_before(store: &Store, name: &str) -> u32 {
    let all = store.migration_status().await.unwrap();
    let position = all.iter().position(|(migration, _)| migration == name).unwrap();
    u32::try_from(all.len() - position).unwrap()
}

/// What the first schema kept of results and changes, a row each, is read as before by the one that packs them.
pub(crate) async fn results_and_changes_of_before_are_kept(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    db.store.intern_endpoints([&remote(1)]).await.unwrap();
    let tracking = submit(&db.store, &new(collection, "T-1")).await;
    let nightly = Run { name: "nightly".to_owned(), stamp: "1".to_owned() };
    let mut txn = db.store.begin().await.unwrap();
    let run = txn.run(&nightly, at(0)).await.unwrap();
    txn.commit().await.unwrap();
    db.store.migrate_down(down_to_before(&db.store, SPEED).await).await.unwrap();
    let uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    let bytes = |hex: &str| if db.is_postgres() { format!("'\\x{hex}'") } else { format!("X'{hex}'") };
    let uuid_value = if db.is_postgres() { format!("'{uuid}'") } else { bytes(&uuid.simple().to_string()) };
    let endpoint = format!("(SELECT id FROM endpoint WHERE url = '{}')", remote(1).as_str());
    let micros = at(5).to_micros();
    for (position, rest) in [
        (0, format!("201, 'POST', 7, {uuid_value}, {endpoint}, 5, {micros}, 'ada', NULL, NULL, NULL, NULL, NULL, NULL, NULL")),
        (1, "400, 'PUT', NULL, NULL, NULL, NULL, NULL, NULL, '[{\"message\": \"no\"}]', 'k', NULL, NULL, NULL, NULL, NULL".to_owned()),
        (3, format!("200, 'GET', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '1', {micros}, {micros}, NULL, {}", bytes("3c612f3e"))),
    ] {
        db.execute(&format!(
            "INSERT INTO tracking_result (tracking_id, position, http_status, http_method, resource_id, uuid, endpoint_id, tick, stamp, \
             state_user, diagnosis, resource_key, etag, created_at, modified_at, modified_by, payload) VALUES ({}, {position}, {rest})",
            tracking.0
        ))
        .await;
    }
    for (run, outcome) in
        [(run.0.to_string(), "created"), ("NULL".to_owned(), "updated"), (run.0.to_string(), "failed")]
    {
        db.execute(&format!(
            "INSERT INTO audit_change (at, run_id, tracking_id, collection_id, uuid, outcome, http_status, message) \
             VALUES ({micros}, {run}, 'T-1', {}, {uuid_value}, '{outcome}', 200, '')",
            collection.0
        ))
        .await;
    }
    db.store.migrate().await.unwrap();
    let none = ResultRow {
        position: 0,
        http_status: 201,
        http_method: "POST".to_owned(),
        resource: None,
        key: None,
        uuid: None,
        state: None,
        version: None,
        diagnosis: None,
    };
    let mut changed = state(&remote(1), 5);
    changed.user = Some("ada".to_owned());
    let version = Version { etag: "1".to_owned(), stamp: at(5), created: at(5), user: None, payload: "<a/>".into() };
    let expected = [
        ResultRow { resource: Some(ResourceId(7)), uuid: Some(uuid), state: Some(changed), ..none.clone() },
        ResultRow {
            position: 1,
            http_status: 400,
            http_method: "PUT".to_owned(),
            key: Some("k".to_owned()),
            diagnosis: Some(json!([{ "message": "no" }])),
            ..none.clone()
        },
        ResultRow { position: 3, http_status: 200, http_method: "GET".to_owned(), version: Some(version), ..none },
    ];
    assert_eq!(db.store.results(tracking, 0, 10).await.unwrap(), expected);
    let all = PageRequest { start_index: 1, count: 10 };
    let changes = db.store.changes(&AuditFilter::default(), all).await.unwrap().rows;
    let told: Vec<_> = changes
        .iter()
        .map(|row| (row.record.run, row.record.outcome.as_str(), row.record.at, row.record.uuid))
        .collect();
    let (moment, uuid) = (at(5), Some(uuid));
    assert_eq!(
        told,
        [(Some(run), "created", moment, uuid), (None, "updated", moment, uuid), (Some(run), "failed", moment, uuid)]
    );
    assert!(changes.iter().all(|row| row.record.tracking_id.as_deref() == Some("T-1")));
    let runs = db.store.runs(&AuditFilter::default(), all).await.unwrap().rows;
    assert_eq!((runs[0].changes, runs[0].failures), (2, 1));
}

/// What resources are found by is kept whichever way the schema keeps it.
pub(crate) async fn names_and_values_of_before_are_kept(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let name = IndexedProperty { path: vec!["name".into()], value_type: ValueType::Text };
    db.store.declare_indexes(collection, &[name]).await.unwrap();
    let ids = new_ids(&db.store, 2).await;
    let value = |id: ResourceId| ("code".to_owned(), id.0.to_string());
    let bears = |id: ResourceId| {
        let written = write(id, &id.0.to_string(), "a", at(0));
        ResourceWrite { content: Some(Content { unique: vec![value(id)], ..content("a") }), ..written }
    };
    insert(&db.store, collection, &[bears(ids[0]), bears(ids[1])]).await;
    let [current, former, retired] = std::array::from_fn(|_| Uuid::new_v4());
    let mut txn = db.store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    let uuids = Uuids { current: Some(current), former: [former].into() };
    txn.set_uuids(collection, &[(ids[0], uuids)]).await.unwrap();
    txn.retire_uuids(collection, &[(retired, ids[1])]).await.unwrap();
    txn.commit().await.unwrap();
    for step in ["down", "up"] {
        if step == "down" {
            db.store.migrate_down(down_to_before(&db.store, SPEED).await).await
        } else {
            db.store.migrate().await
        }
        .unwrap();
        for (table, count) in [("unique_value", 2), ("property_value", 2), ("uuid_alias", 1), ("retired_uuid", 1)] {
            assert_eq!(db.rows_of(table).await, count, "{table} {step}");
        }
    }
    let mut txn = db.store.begin().await.unwrap();
    let owners = txn.unique_owners(collection, &[value(ids[0]), value(ids[1])]).await.unwrap();
    assert_eq!((owners[&value(ids[0])], owners[&value(ids[1])]), (ids[0], ids[1]));
    drop(txn);
    let found = db.store.referenced_by_uuids(collection, &[current, former, retired]).await.unwrap();
    assert_eq!([current, former, retired].map(|uuid| found[&uuid].id), [ids[0], ids[0], ids[1]]);
    let nobody = ResourceWrite { content: Some(content("b")), ..bears(ids[0]) };
    update(&db.store, collection, &[nobody]).await;
    let mut txn = db.store.begin().await.unwrap();
    let owners = txn.unique_owners(collection, &[value(ids[0]), value(ids[1])]).await.unwrap();
    assert_eq!(owners.into_values().collect::<Vec<_>>(), [ids[1]]);
}

pub(crate) async fn several_processes_may_migrate_at_the_same_time(db: TestDatabase) {
    let all = db.store.migration_status().await.unwrap().len();
    db.store.migrate_down(u32::try_from(all).unwrap()).await.unwrap();
    let (one, two) = (db.other_process().await, db.other_process().await);
    let (first, second) = tokio::join!(one.migrate(), two.migrate());
    first.unwrap();
    second.unwrap();
    assert!(db.store.is_ready().await);
}

pub(crate) async fn a_server_that_does_not_answer_is_a_passing_failure(db: TestDatabase) {
    if db.is_sqlite() {
        // A file that cannot be made does not become possible by waiting.
        let error = refused(Store::connect("sqlite:///nowhere/at/all/test.db", 1).await);
        assert!(!error.is_transient(), "{error}");
    } else {
        let scheme = db.url.split(':').next().unwrap();
        let error = refused(Store::connect(&format!("{scheme}://nobody@127.0.0.1:1/none"), 1).await);
        assert!(error.is_transient(), "{error}");
    }
}
