//! The real program dies before and after each commit of an operation, one after the other: planned, so that none is left out
//! by chance (`crash.rs` kills at random moments).

use crate::support::app::{child, tick};
use crate::support::messages::{SyncFeed, account, account_of, digest_entry};
use crate::support::{App, Kind};
use rstest::rstest;
use std::collections::BTreeSet;
use uuid::Uuid;

const PEER: &str = "http://peer.example.com/sdata/app/sample/-/accounts";

/// Entries of a page; the first resource comes again in the middle, so that it is taken in two chunks.
const ENTRIES: usize = 20;

/// Plans a crash at a commit, counted from when the operation is written down.
fn planned(side: &str, commit: usize) -> String {
    format!("crash,{side},commit,{commit},INSERT INTO tracking (")
}

/// Starts the provider with a crash planned, has `url` answered by it, and starts one without when it has died or is through. Says
/// whether it died, and where the context is.
async fn posted_through_a_crash(app: &mut App, plan: &str, url: &str, body: &str) -> (bool, String) {
    app.restart_with(&[("SDATA_SYNC_FAULTS", plan)]).await;
    let post =
        |app: &App| app.request("POST", url).header("Content-Type", "application/atom+xml").body(body.to_owned());
    // The crash may come with this request or with those that follow.
    let context = match post(app).send().await {
        Ok(answer) => {
            assert_eq!(answer.status(), 202);
            answer.headers()["location"].to_str().unwrap().to_owned()
        }
        Err(_) => String::new(),
    };
    let mut is_asked = !context.is_empty();
    while is_asked {
        match app.request("GET", &context).send().await {
            Ok(answer) if answer.status() == 202 => {}
            Ok(answer) => {
                assert_eq!(answer.status(), 200);
                // Between a commit and the crash after it, it is seen to be done. A provider that is told to stop gets to where
                // it dies, if it is about to.
                app.ask_to_stop();
                is_asked = false;
            }
            Err(_) => is_asked = false,
        }
    }
    app.died().await;
    let died = !app.ended().success();
    app.restart().await;
    let again = app.post(url, body).await;
    assert_eq!(again.status, 202, "the same trackingID is the same operation: {}", again.text());
    (died, again.header("location").to_owned())
}

/// OURS-FAULT-01, SYNC-5.3-10, CORE-11.5-06.
#[rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_taken_in_exactly_once_whichever_commit_its_provider_dies_at(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let mut app = storage.start("crm", &[]).await;
    let (mut deaths, mut sent) = (0, 0);
    let plans = (0..4).flat_map(|commit| ["before", "after"].map(|side| planned(side, commit)));
    for (round, plan) in plans.enumerate() {
        let mut feed = SyncFeed::new(PEER, &[(PEER, (sent + ENTRIES + 1) as u64, 5)]);
        let mut uuids: Vec<_> = (0..ENTRIES).map(|_| Uuid::new_v4()).collect();
        uuids[ENTRIES / 2] = uuids[0];
        for (number, uuid) in uuids.iter().enumerate() {
            let code = if *uuid == uuids[0] { format!("{round}") } else { format!("{round}-{number}") };
            feed = feed.with((PEER, (sent + number + 1) as u64), &account_of(*uuid, &code, &number.to_string()));
        }
        sent += ENTRIES;
        let url = format!("{}/$syncTarget?trackingID=planned{round}&runName=planned&runStamp=1", app.kind("accounts"));
        let (died, context) = posted_through_a_crash(&mut app, &plan, &url, &feed.xml()).await;
        deaths += usize::from(died);
        let (_, results) = app.poll(&context).await.feed();
        let given: Vec<_> = results.iter().map(|entry| entry.uuid().unwrap().unwrap()).collect();
        assert_eq!(given, uuids, "a result for each entry, in order: {plan}");
        assert_eq!(tick(&app.digest("accounts").await, PEER), Some(sent as u64 + 1), "{plan}");
        assert_eq!(app.delete(&context).await.status, 200);
    }
    assert!(deaths >= 7, "the provider died only {deaths} times");
    let changes = app.audit_rows("changes").await;
    let ticks: BTreeSet<_> = changes.iter().map(|change| child(change, "sourceTick")).collect();
    assert_eq!((changes.len(), ticks.len()), (sent, sent), "every entry once");
    assert_eq!(app.resources("accounts").await.len(), sent / ENTRIES * (ENTRIES - 1));
}

/// OURS-FAULT-01, SYNC-5.2-01, CORE-11.5-06.
#[rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_feed_is_whole_whichever_commit_its_provider_dies_at(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let mut app = storage.start("crm", &[]).await;
    let mut deaths = 0;
    let plans = (0..4).flat_map(|commit| ["before", "after"].map(|side| planned(side, commit)));
    for (round, plan) in plans.enumerate() {
        // Something that has neither UUID nor tick yet.
        app.create("accounts", &account(&format!("S{round}"), "name")).await;
        let url = format!("{}/$syncSource?trackingID=planned{round}&runName=planned&runStamp=1", app.kind("accounts"));
        let body = digest_entry(PEER, &[(PEER, 1, 5)]);
        let (died, context) = posted_through_a_crash(&mut app, &plan, &url, &body).await;
        deaths += usize::from(died);
        let (head, entries) = app.poll(&context).await.feed();
        let uuids: BTreeSet<_> = entries.iter().map(|entry| entry.uuid().unwrap().unwrap()).collect();
        assert_eq!((entries.len(), uuids.len()), (round + 1, round + 1), "{plan}");
        let own = app.kind("accounts");
        assert_eq!(tick(&head.digest.unwrap(), &own), Some(round as u64 + 2), "{plan}");
        assert_eq!(app.delete(&context).await.status, 200);
    }
    assert!(deaths >= 6, "the provider died only {deaths} times");
}
