//! Two processes on one database: one finishes what the other began.

use crate::support::app::{child, tick};
use crate::support::messages::{SyncFeed, account_of};
use crate::support::{App, Kind};
use rstest::rstest;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use uuid::Uuid;

const PEER: &str = "http://peer.example.com/sdata/app/sample/-/accounts";

/// Entries of the page.
const ENTRIES: usize = 6_000;

/// How long a lane stays with a dead process, and some more for a busy machine.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(60);

/// The same URL at another process of the application.
fn at(process: &App, of: &App, url: &str) -> String {
    url.replacen(&of.base(), &process.base(), 1)
}

/// SYNC-5.3-10, CORE-11.5-01, CORE-11.5-06: on the databases that processes can share.
#[rstest]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_of_a_process_that_died_is_finished_by_another(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let mut first = storage.start("crm", &[]).await;
    let base = first.base();
    let second = storage.start("crm", &[("server.base_url", &base)]).await;
    let mut feed = SyncFeed::new(PEER, &[(PEER, ENTRIES as u64 + 1, 5)]);
    let sent: Vec<_> = (0..ENTRIES).map(|_| Uuid::new_v4()).collect();
    for (number, uuid) in sent.iter().enumerate() {
        feed = feed.with((PEER, number as u64 + 1), &account_of(*uuid, &format!("A{number}"), "name"));
    }
    let url = format!("{}/$syncTarget?trackingID=taken-over&runName=r&runStamp=1", first.kind("accounts"));
    let answer = first.post(&url, feed.xml()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let location = answer.header("location").to_owned();
    let there = at(&second, &first, &location);
    // Some is done, and the rest is left.
    while second.get(&there).await.progress() == Some(0.0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.kill();
    let killed = Instant::now();
    assert_eq!(second.get(&there).await.status, 202, "the page was taken in before its process could be killed");
    let (_, results) = second.poll(&there).await.feed();
    assert!(killed.elapsed() < TAKEN_OVER_WITHIN);
    let done: Vec<_> = results.iter().map(|entry| entry.uuid().unwrap().unwrap()).collect();
    assert_eq!(done, sent);
    assert_eq!(tick(&second.digest("accounts").await, PEER), Some(ENTRIES as u64 + 1));
    // The links of the second process lead to the first.
    first.restart().await;
    let changes = first.audit_rows("changes").await;
    let once: BTreeSet<_> = changes.iter().map(|change| child(change, "uuid")).collect();
    assert_eq!((changes.len(), once.len()), (ENTRIES, ENTRIES));
    assert!(changes.iter().all(|change| child(change, "outcome") == "created"));
}

/// SYNC-5.6-01, CORE-11.5-01: a feed that one process made is read at another, page by page.
#[rstest]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_goes_on_at_another_process(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let mut first = storage.start("crm", &[]).await;
    let base = first.base();
    let second = storage.start("crm", &[("server.base_url", &base)]).await;
    let target = App::start("erp").await;
    for number in 0..30 {
        first.create("accounts", &crate::support::messages::account(&format!("A{number}"), "name")).await;
    }
    let digest = target.get(&format!("{}/$syncDigest", target.kind("accounts"))).await;
    let (page, _) = first.run("accounts", "$syncSource", "&count=20", digest.body).await;
    let (head, entries) = page.feed();
    assert_eq!(entries.len(), 20);
    assert_eq!(target.run("accounts", "$syncTarget", "", page.body).await.0.status, 200);
    first.kill();
    let next = at(&second, &first, head.link("next").unwrap());
    let page = second.get(&next).await;
    assert_eq!(page.feed().1.len(), 10);
    assert_eq!(target.run("accounts", "$syncTarget", "", page.body).await.0.status, 200);
    assert_eq!(target.resources("accounts").await.len(), 30);
    let endpoint = format!("{base}/sdata/crm/sample/-/accounts");
    assert_eq!(tick(&target.digest("accounts").await, &endpoint), Some(31));
}
