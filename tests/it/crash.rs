//! Killed at any moment: nothing is lost, nothing applied twice, nothing forgotten that was promised.
//!
//! `SDATA_SYNC_NIGHTLY=1` kills many more times.

use crate::support::app::{child, tick};
use crate::support::messages::{SyncFeed, account, account_of, batch, digest_entry, posted};
use crate::support::{Answer, App, Kind};
use rand::RngExt;
use rstest::rstest;
use sdata_sync::wire::Entry;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use uuid::Uuid;

const PEER: &str = "http://peer.example.com/sdata/app/sample/-/accounts";

/// Entries of a page that is killed.
const ENTRIES: usize = 2_000;

/// Times each operation is killed.
fn kills() -> usize {
    if std::env::var_os("SDATA_SYNC_NIGHTLY").is_some() { 50 } else { 3 }
}

/// Sleeps until any moment of something that takes about `duration`.
async fn any_moment(duration: Duration) {
    let micros = u64::try_from(duration.as_micros()).unwrap();
    tokio::time::sleep(Duration::from_micros(rand::rng().random_range(0..=micros))).await;
}

/// The answer of a context when its job is done; what the provider logged, where it failed.
async fn finished(app: &App, location: &str) -> Answer {
    let answer = app.poll(location).await;
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), app.log());
    answer
}

/// Has an operation begun: where its context is, and since when. Once it is known how long one `takes`, the provider is
/// killed and started again at any moment of that.
async fn begun(app: &mut App, url: &str, body: String, takes: Option<Duration>) -> (String, Instant) {
    let answer = app.post(url, body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let location = answer.header("location").to_owned();
    let began = Instant::now();
    if let Some(takes) = takes {
        any_moment(takes).await;
        app.restart().await;
    }
    (location, began)
}

/// A page with changes `from` … of the peer, and their UUIDs in order.
fn page(round: usize) -> (SyncFeed, Vec<Uuid>) {
    let first = round * ENTRIES + 1;
    let mut feed = SyncFeed::new(PEER, &[(PEER, (first + ENTRIES) as u64, 5)]);
    let uuids: Vec<_> = (0..ENTRIES).map(|_| Uuid::new_v4()).collect();
    for (number, uuid) in uuids.iter().enumerate() {
        let code = format!("{round}-{number}");
        feed = feed.with((PEER, (first + number) as u64), &account_of(*uuid, &code, &code));
    }
    (feed, uuids)
}

fn uuids(entries: &[Entry]) -> Vec<Uuid> {
    entries.iter().map(|entry| entry.uuid().unwrap().unwrap()).collect()
}

/// What the audit says of one round's entries: an outcome for each UUID.
async fn outcomes(app: &App) -> Vec<(Uuid, String)> {
    let changes = app.audit_rows("changes").await;
    changes.iter().map(|change| (child(change, "uuid").parse().unwrap(), child(change, "outcome"))).collect()
}

/// SYNC-5.3-10, CORE-11.5-06: exactly once, on every database.
#[rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_taken_in_exactly_once_however_often_its_provider_is_killed(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let mut app = storage.start("crm", &[]).await;
    // The first is not killed: it shows how long one takes.
    let mut takes = None;
    for round in 0..=kills() {
        let (feed, sent) = page(round);
        let url = format!("{}/$syncTarget?trackingID=round{round}&runName=crash&runStamp=1", app.kind("accounts"));
        let (location, began) = begun(&mut app, &url, feed.xml(), takes).await;
        let (_, results) = finished(&app, &location).await.feed();
        takes = takes.or(Some(began.elapsed()));
        assert_eq!(uuids(&results), sent, "a result for each entry, in order");
        assert!(results.iter().all(|entry| entry.http_status == Some(201)));
        let digest = app.digest("accounts").await;
        assert_eq!(tick(&digest, PEER), Some(((round + 1) * ENTRIES + 1) as u64));
        // The same id is the same operation, also for a process that never saw it begin.
        assert_eq!(app.post(&url, feed.xml()).await.status, 202);
        assert_eq!(app.get(&location).await.feed().1.len(), ENTRIES);
        assert_eq!(app.delete(&location).await.status, 200);
    }
    let outcomes = outcomes(&app).await;
    let once: BTreeSet<_> = outcomes.iter().map(|(uuid, _)| *uuid).collect();
    assert_eq!(outcomes.len(), (kills() + 1) * ENTRIES);
    assert_eq!(once.len(), outcomes.len());
    assert!(outcomes.iter().all(|(_, outcome)| outcome == "created"));
    assert_eq!(app.resources("accounts").await.len(), (kills() + 1) * ENTRIES);
}

/// CORE-13.5-01, CORE-11.5-06: exactly once, on every database; also what an entry did to a resource of an earlier one.
#[rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_carried_out_exactly_once_however_often_its_provider_is_killed(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let mut app = storage.start("crm", &[]).await;
    // The first is not killed: it shows how long one takes.
    let mut takes = None;
    for round in 0..=kills() {
        // Keys, so that a POST that is carried out a second time is refused; every tenth is deleted again.
        let keyed = |n: usize| {
            account(&format!("{round}-{n}"), "one").replacen(
                "<account",
                &format!(r#"<account sdata:key="{round}-{n}""#),
                1,
            )
        };
        let deleted = |n: usize| {
            let url = format!("{}('{round}-{n}')", app.kind("accounts"));
            format!("<entry><id>{url}</id><http:httpMethod>DELETE</http:httpMethod></entry>")
        };
        let posts = (0..ENTRIES).map(|n| posted(&keyed(n)));
        let entries: Vec<_> = posts.chain((0..ENTRIES).step_by(10).map(deleted)).collect();
        let url = format!("{}/$batch?trackingID=round{round}", app.kind("accounts"));
        let (location, began) = begun(&mut app, &url, batch(&entries), takes).await;
        let (_, results) = finished(&app, &location).await.feed();
        takes = takes.or(Some(began.elapsed()));
        let statuses: Vec<_> = results.iter().filter_map(|entry| entry.http_status).collect();
        assert_eq!(statuses, [vec![201; ENTRIES], vec![200; ENTRIES / 10]].concat());
        // The same id is the same batch, also for a process that never saw it begin.
        assert_eq!(app.post(&url, batch(&entries)).await.status, 202);
        assert_eq!(app.delete(&location).await.status, 200);
        let left = (round + 1) * (ENTRIES - ENTRIES / 10);
        assert_eq!(
            app.get(&format!("{}?count=0", app.kind("accounts"))).await.feed().0.total_results,
            Some(left as u64)
        );
    }
}

/// SYNC-5.3-10, CORE-11.5-06, CORE-6.4-01: the feed of a source that is killed while it is made and while it is read.
#[rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_feed_is_whole_however_often_its_provider_is_killed(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let mut app = storage.start("crm", &[]).await;
    let (feed, sent) = page(0);
    assert_eq!(app.apply("accounts", &feed).await.status, 200);
    let expected: BTreeSet<_> = sent.into_iter().collect();
    let mut takes = None;
    for round in 0..=kills() {
        let query = format!("trackingID=round{round}&runName=crash&runStamp=2&count=700");
        let url = format!("{}/$syncSource?{query}", app.kind("accounts"));
        let (location, began) = begun(&mut app, &url, digest_entry(PEER, &[]), takes).await;
        let (mut seen, mut next) = (Vec::new(), Some(location.clone()));
        while let Some(page) = next {
            let (head, entries) = finished(&app, &page).await.feed();
            takes = takes.or(Some(began.elapsed()));
            seen.extend(uuids(&entries));
            next = head.link("next").map(str::to_owned);
            if next.is_some() && seen.len() == 700 {
                app.restart().await;
            }
        }
        assert_eq!(seen.len(), ENTRIES);
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!(app.delete(&location).await.status, 200);
    }
}

/// CORE-11.5-06, CORE-11.6-01: what was not sent whole is no operation.
#[rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test]
async fn an_upload_cut_off_by_a_crash_leaves_nothing_behind(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let mut app = storage.start("crm", &[]).await;
    let (feed, sent) = page(0);
    let url = format!("{}/$syncTarget?trackingID=cut", app.kind("accounts"));
    let body = feed.xml().into_bytes();
    let mut connection = TcpStream::connect(app.base().trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/atom+xml\r\nContent-Length: {}\r\n\r\n",
        url.trim_start_matches(&app.base()),
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&body[..body.len() / 2]).await.unwrap();
    connection.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.restart().await;
    let context = format!("{}/$syncTarget('cut')", app.kind("accounts"));
    assert_eq!(app.get(&context).await.status, 404);
    assert_eq!(app.resources("accounts").await.len(), 0);
    assert_eq!(app.post(&url, body).await.status, 202);
    assert_eq!(uuids(&app.poll(&context).await.feed().1), sent);
}
