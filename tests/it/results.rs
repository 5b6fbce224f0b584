//! `$syncResults`: a source is told what became of its changes (sync 5.7).

use crate::support::app::child;
use crate::support::messages::{N1, SyncFeed, account, account_of};
use crate::support::{App, Backend};
use rstest::rstest;
use uuid::Uuid;

fn results_url(app: &App) -> String {
    format!("{}/$syncResults?runName=Full%20run&runStamp=2026-01-01", app.kind("accounts"))
}

/// SYNC-4.1-07, SYNC-5.7-01, SYNC-5.7-02, SYNC-5.7-03: a result page as a target wrote it.
#[tokio::test]
async fn every_entry_of_a_posted_result_is_recorded_and_nothing_else_moves() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let (good, bad) = (Uuid::new_v4(), Uuid::new_v4());
    let page = SyncFeed::new(N1, &[(N1, 9, 1)])
        .with((N1, 7), &account_of(good, "A1", "one"))
        .with((N1, 8), &account_of(bad, "A1", "the code is taken"));
    let result = erp.apply("accounts", &page).await;
    crm.create("accounts", &account("C1", "own")).await;
    let (digest, resources) = (crm.digest("accounts").await, crm.resources("accounts").await);
    let receipt = crm.post(&results_url(&crm), result.body).await;
    assert_eq!(receipt.status, 200);
    assert_eq!(receipt.header("content-type"), "application/atom+xml; type=entry");
    receipt.xml();
    let changes = crm.audit_rows("changes").await;
    let told: Vec<_> = changes
        .iter()
        .map(|change| ["uuid", "outcome", "httpStatus", "runName", "runStamp"].map(|name| child(change, name)))
        .collect();
    let row = |uuid: Uuid, status: &str| {
        [uuid.to_string(), "reported".into(), status.into(), "Full run".into(), "2026-01-01".into()]
    };
    assert_eq!(told.len(), 2);
    assert!(told.contains(&row(good, "201")) && told.contains(&row(bad, "409")), "{told:?}");
    let failed = changes.iter().find(|change| child(change, "httpStatus") == "409").unwrap();
    assert!(child(failed, "message").contains("code 'A1' is taken"), "{}", child(failed, "message"));
    assert_eq!(crm.digest("accounts").await, digest);
    assert_eq!(crm.resources("accounts").await, resources);
    let events = crm.audit_rows("events").await;
    let event = events.iter().find(|event| child(event, "operation") == "resultsReceived").unwrap();
    let counts = ["entries", "failed", "httpStatus"].map(|name| child(event, name));
    assert_eq!(counts, ["2", "1", "200"]);
}

/// SYNC-3.3-01: whoever takes the results need not be the source, not even a source at all.
#[tokio::test]
async fn results_may_be_posted_to_any_endpoint() {
    let settings = [("contracts.0.kinds.accounts.sync_source", "false")];
    let app = App::start_with("crm", &Backend::Sqlite, &settings).await;
    let result = SyncFeed { mode: None, digest: None, ..SyncFeed::new(N1, &[]) }
        .raw("<entry><http:httpStatus>200</http:httpStatus><http:httpMessage>OK</http:httpMessage></entry>")
        .xml();
    assert_eq!(app.post(&results_url(&app), result).await.status, 200);
    let changes = app.audit_rows("changes").await;
    assert_eq!(changes.len(), 1);
    assert_eq!(child(&changes[0], "message"), "OK");
}

/// SYNC-4.1-07.
#[rstest]
#[tokio::test]
async fn results_are_only_posted(#[values("GET", "PUT", "DELETE")] method: &str) {
    let app = App::start("crm").await;
    let answer = app.send(app.request(method, &results_url(&app))).await;
    answer.assert_refused(405);
    assert_eq!(answer.header("allow"), "POST");
}

/// What is no feed is refused, and nothing of it is recorded.
#[rstest]
#[case::an_entry("<entry xmlns='http://www.w3.org/2005/Atom'/>")]
#[case::broken_in_the_middle("<feed xmlns='http://www.w3.org/2005/Atom'><entry/><entry></feed>")]
#[case::nothing("")]
#[tokio::test]
async fn a_result_that_is_no_feed_is_refused(#[case] body: &str) {
    let app = App::start("crm").await;
    app.post(&results_url(&app), body).await.assert_refused(400);
    assert!(app.audit_rows("changes").await.is_empty());
}
