//! Changes sent as they happen (sync 5.8).

use crate::support::App;
use crate::support::app::{child, tick};
use crate::support::messages::{N1, N2, N3, SyncFeed, account, account_of, digest_entry, entry, node, three_nodes};
use rstest::rstest;
use uuid::Uuid;

/// An application at (6, 11, 10), the target digest of the example.
async fn example() -> App {
    let app = App::start("crm").await;
    let url = format!("{}/$syncDigest", app.kind("accounts"));
    assert_eq!(app.post(&url, digest_entry(N1, &three_nodes([6, 11, 10]))).await.status, 200);
    app
}

/// An immediate feed with accounts of these states.
fn immediate(source: [u64; 3], states: &[(u8, u64)]) -> SyncFeed {
    let feed = SyncFeed::new(N1, &three_nodes(source)).in_mode(Some("immediate"));
    states.iter().fold(feed, |feed, (n, tick)| {
        feed.with((node(*n), *tick), &account_of(Uuid::new_v4(), &format!("A{n}-{tick}"), "one"))
    })
}

async fn ticks(app: &App) -> [u64; 3] {
    let digest = app.digest("accounts").await;
    [N1, N2, N3].map(|node| tick(&digest, node).unwrap())
}

/// SYNC-5.8-01, SYNC-5.8-03, SYNC-5.8-04.
#[rstest]
#[case::the_example(&[(1, 6)], [7, 11, 10])]
#[case::two_in_a_row(&[(1, 6), (1, 7)], [8, 11, 10])]
#[case::each_endpoint_by_itself(&[(2, 11), (1, 6), (2, 12)], [7, 13, 10])]
#[case::something_known_already(&[(1, 4), (1, 5), (1, 6)], [7, 11, 10])]
#[case::no_entries(&[], [6, 11, 10])]
#[tokio::test]
async fn changes_that_go_on_without_a_gap_are_applied_and_no_digest_is_adopted(
    #[case] states: &[(u8, u64)],
    #[case] after: [u64; 3],
) {
    let app = example().await;
    let (_, entries) = app.apply("accounts", &immediate([20, 30, 40], states)).await.feed();
    assert_eq!(entries.len(), states.len());
    assert!(entries.iter().all(|entry| entry.http_status == Some(201)));
    assert_eq!(ticks(&app).await, after);
}

/// SYNC-5.8-02.
#[rstest]
#[case::before_the_first(&[(1, 7)])]
#[case::between_two(&[(1, 6), (1, 8)])]
#[case::of_the_second_endpoint(&[(1, 6), (2, 12)])]
#[case::at_the_end_of_the_page(&[(1, 6), (1, 7), (3, 10), (3, 12)])]
#[tokio::test]
async fn a_gap_refuses_the_whole_feed(#[case] states: &[(u8, u64)], #[values(true, false)] with_tracking: bool) {
    let app = example().await;
    let body = immediate([20, 30, 40], states).xml();
    let answer = match with_tracking {
        true => app.run("accounts", "$syncTarget", "", body).await.0,
        false => app.post(&format!("{}/$syncTarget", app.kind("accounts")), body).await,
    };
    answer.assert_refused(400);
    assert_eq!(answer.diagnosis().application_code, "gap");
    assert!(app.resources("accounts").await.is_empty());
    assert_eq!(ticks(&app).await, [6, 11, 10]);
    assert!(app.audit_rows("changes").await.is_empty());
    let events = app.audit_rows("events").await;
    assert!(events.iter().any(|event| child(event, "outcome") == "failed" && child(event, "httpStatus") == "400"));
}

/// SYNC-5.8-04: an endpoint that the target does not know starts at 1.
#[rstest]
#[case::at_1(1, 201)]
#[case::at_0(0, 201)]
#[case::at_2(2, 400)]
#[tokio::test]
async fn an_unknown_endpoint_starts_at_1(#[case] first: u64, #[case] status: u16) {
    let app = App::start("crm").await;
    let (answer, _) = app.run("accounts", "$syncTarget", "", immediate([9, 9, 9], &[(2, first)]).xml()).await;
    match status {
        400 => answer.assert_refused(400),
        _ => assert_eq!(answer.feed().1[0].http_status, Some(status)),
    }
}

/// SYNC-5.8-05.
#[rstest]
#[case::the_incoming_wins(1, 9, 200, "incoming")]
#[case::the_stored_wins(9, 1, 409, "stored")]
#[tokio::test]
async fn conflicts_of_immediate_changes_are_decided_by_the_same_rules(
    #[case] incoming: u8,
    #[case] stored: u8,
    #[case] status: u16,
    #[case] winner: &str,
) {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let before = SyncFeed::new(N2, &[(N2, 5, stored)]).with((N2, 4), &account_of(uuid, "A1", "stored"));
    assert_eq!(app.apply("accounts", &before).await.status, 200);
    let page = SyncFeed::new(N1, &[(N1, 2, incoming)])
        .in_mode(Some("immediate"))
        .with((N1, 1), &account_of(uuid, "A1", "incoming"));
    let (_, entries) = app.apply("accounts", &page).await.feed();
    assert_eq!(entries[0].http_status, Some(status));
    assert_eq!(child(&app.resources("accounts").await[0], "name"), winner);
}

/// SYNC-3.4-01: the feed that was refused is not needed any more.
#[tokio::test]
async fn what_immediate_mode_did_not_deliver_comes_with_the_next_pass() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let own = crm.kind("accounts");
    let mut url = String::new();
    for n in 1..=3 {
        url = crm.create("accounts", &account(&format!("A{n}"), "one")).await;
    }
    crm.pass_to(&erp, "accounts").await;
    for name in ["two", "three"] {
        crm.put(&url, entry(&account("A3", name))).await;
        crm.digest("accounts").await;
    }
    let uuid = crm.get(&url).await.entry().uuid().unwrap().unwrap();
    let late = SyncFeed::new(&own, &[(&own, 6, 5)])
        .in_mode(Some("immediate"))
        .with((&own, 5), &account_of(uuid, "A3", "three"));
    erp.run("accounts", "$syncTarget", "", late.xml()).await.0.assert_refused(400);
    let results = crm.pass_to(&erp, "accounts").await;
    assert_eq!(results[0].feed().1.len(), 1);
    assert!(erp.resources("accounts").await.iter().any(|account| child(account, "name") == "three"));
    assert_eq!(tick(&erp.digest("accounts").await, &own), Some(6));
}
