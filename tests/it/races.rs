//! Writers and passes at the same time: every acknowledged change reaches the other side.

use crate::support::app::child;
use crate::support::messages::{account, entry};
use crate::support::{App, Kind};
use rstest::rstest;
use sdata_sync::protocol::{Endpoint, Priority, Stamp};
use sdata_sync::store::{CollectionId, CollectionName, Content, NewState, ResourceId, ResourceWrite, Store};
use sdata_sync::wire::Element;
use sdata_sync::wire::names::SDATA;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Requests each writer sends at least.
const REQUESTS: usize = 60;

/// Passes, each way, that run beside the writers at least.
const PASSES: usize = 4;

/// What writers were told is done: the name of each of their accounts by its code, `None` for a deleted one.
type Acknowledged = BTreeMap<String, Option<String>>;

/// The names of live accounts by UUID and code.
async fn contents(app: &App) -> BTreeMap<(String, String), String> {
    let row = |account: &Element| {
        let uuid = account.attribute(SDATA, "uuid").unwrap_or("not linked").to_lowercase();
        ((uuid, child(account, "code")), child(account, "name"))
    };
    app.resources("accounts").await.iter().map(row).collect()
}

/// Creates, changes and deletes accounts of its own, and changes one that all writers share.
async fn write(app: Arc<App>, writer: usize, shared: String, passes: Arc<AtomicUsize>) -> Acknowledged {
    let mut acknowledged = BTreeMap::new();
    let mut urls: Vec<(String, String)> = Vec::new();
    for number in (0..).take_while(|number| *number < REQUESTS || passes.load(Ordering::SeqCst) < PASSES) {
        let name = format!("{writer}-{number}");
        match number % 6 {
            0 | 1 => {
                let url = app.create("accounts", &account(&name, &name)).await;
                urls.push((name.clone(), url));
                acknowledged.insert(name.clone(), Some(name));
            }
            2 | 3 => {
                let (code, url) = &urls[number * 7 % urls.len()];
                assert_eq!(app.put(url, entry(&account(code, &name))).await.status, 200);
                acknowledged.insert(code.clone(), Some(name));
            }
            4 => assert_eq!(app.put(&shared, entry(&account(shared_code(writer), &name))).await.status, 200),
            _ => {
                let (code, url) = urls.swap_remove(number * 5 % urls.len());
                assert_eq!(app.delete(&url).await.status, 200);
                acknowledged.insert(code, None);
            }
        }
    }
    acknowledged
}

/// Writers 0 to 2 write on one side, writer 3 on the other.
fn shared_code(writer: usize) -> &'static str {
    if writer < 3 { "shared" } else { "other" }
}

/// SYNC-2.2-03, SYNC-2.1-02, SYNC-2.5-04: on every database.
#[rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_among_concurrent_writers_lose_no_acknowledged_change(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let crm = Arc::new(storage.start("crm", &[]).await);
    let erp = Arc::new(App::start("erp").await);
    let shared = crm.create("accounts", &account("shared", "first")).await;
    let other = erp.create("accounts", &account("other", "first")).await;
    let passes = Arc::new(AtomicUsize::new(0));
    let mut writers: Vec<_> = (0..3)
        .map(|writer| tokio::spawn(write(Arc::clone(&crm), writer, shared.clone(), Arc::clone(&passes))))
        .collect();
    writers.push(tokio::spawn(write(Arc::clone(&erp), 3, other, Arc::clone(&passes))));
    while writers.iter().any(|writer| !writer.is_finished()) {
        crm.pass_to(&erp, "accounts").await;
        erp.pass_to(&crm, "accounts").await;
        passes.fetch_add(1, Ordering::SeqCst);
    }
    let mut acknowledged = Acknowledged::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    crm.pass_to(&erp, "accounts").await;
    erp.pass_to(&crm, "accounts").await;
    let here = contents(&crm).await;
    assert_eq!(here, contents(&erp).await);
    let names: BTreeMap<_, _> = here.into_iter().map(|((_, code), name)| (code, name)).collect();
    for (code, name) in &acknowledged {
        assert_eq!(names.get(code), name.as_ref(), "{code}");
    }
    let of_writers = names.keys().filter(|code| !["shared", "other"].contains(&code.as_str())).count();
    assert_eq!(of_writers, acknowledged.values().flatten().count());
    let ticks = |digest: sdata_sync::protocol::Digest| -> Vec<_> {
        digest.entries.into_iter().map(|(endpoint, entry)| (endpoint, entry.tick)).collect()
    };
    assert_eq!(ticks(crm.digest("accounts").await), ticks(erp.digest("accounts").await));
}

/// A second process on the provider's database, whose transactions last as long as it likes.
struct SlowWriter {
    store: Store,
    collection: CollectionId,
}

impl SlowWriter {
    async fn on(url: &str, app: &App) -> Self {
        let store = Store::connect(url, 2).await.unwrap();
        let name = CollectionName {
            application: "crm".to_owned(),
            contract: "sample".to_owned(),
            dataset: "-".to_owned(),
            resource_kind: "accounts".to_owned(),
        };
        let endpoint = Endpoint::parse(&app.kind("accounts")).unwrap();
        let collection = store.register_collection(&name, &endpoint, Priority::new(5).unwrap()).await.unwrap();
        Self { store, collection }
    }

    fn account(&self, id: ResourceId, key: &str, code: &str, name: &str) -> ResourceWrite {
        let namespace = crate::support::messages::SAMPLE;
        let payload = format!("<code xmlns=\"{namespace}\">{code}</code><name xmlns=\"{namespace}\">{name}</name>");
        ResourceWrite {
            id,
            key: key.to_owned(),
            uuid: None,
            state: NewState::Unstamped(Stamp::now()),
            user: None,
            deleted: false,
            etag: format!("\"{code}-{name}\""),
            content: Some(Content {
                payload: payload.into_bytes().into(),
                properties: serde_json::json!({ "code": code, "name": name }).into(),
                unique: vec![("code".to_owned(), code.to_owned())],
                has_key_references: false,
            }),
        }
    }
}

/// SYNC-2.2-03: two transactions that began before a digest was shown and end after it.
#[rstest]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_committed_after_a_later_one_was_sent_is_sent_too(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let crm = storage.start("crm", &[]).await;
    let erp = App::start("erp").await;
    let old = crm.create("accounts", &account("old", "before")).await;
    crm.pass_to(&erp, "accounts").await;
    let slow = SlowWriter::on(storage.url(), &crm).await;
    let mut creation = slow.store.begin().await.unwrap();
    let id = ResourceId(slow.store.reserve_ids(1).await.unwrap().start);
    creation.insert(slow.collection, &[slow.account(id, &id.0.to_string(), "late", "late")]).await.unwrap();
    let mut update = slow.store.begin().await.unwrap();
    let key = old.split('\'').nth(1).unwrap();
    let stored = update.lock_by_keys(slow.collection, &[key.to_owned()]).await.unwrap().remove(key).unwrap();
    let changed = ResourceWrite { uuid: stored.uuid, ..slow.account(stored.id, key, "old", "after") };
    update.update(slow.collection, &[changed]).await.unwrap();
    // Both wait; others commit, and their changes travel with a digest that passes everything.
    crm.create("accounts", &account("quick", "quick")).await;
    crm.pass_to(&erp, "accounts").await;
    assert_eq!(codes(&erp).await, ["old before", "quick quick"]);
    creation.commit().await.unwrap();
    crm.pass_to(&erp, "accounts").await;
    assert_eq!(codes(&erp).await, ["late late", "old before", "quick quick"]);
    update.commit().await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    crm.pass_to(&erp, "accounts").await;
    assert_eq!(codes(&erp).await, ["late late", "old after", "quick quick"]);
    assert_eq!(contents(&crm).await, contents(&erp).await);
    slow.store.close().await.unwrap();
}

async fn codes(app: &App) -> Vec<String> {
    let mut codes: Vec<_> = contents(app).await.into_iter().map(|((_, code), name)| format!("{code} {name}")).collect();
    codes.sort();
    codes
}
