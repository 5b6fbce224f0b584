//! Contexts of asynchronous operations (core 3.11, 11.5, 11.6; sync 5.2, 5.3).

use crate::support::app::child;
use crate::support::messages::{N1, SyncFeed, account, account_of, batch, digest_entry, posted};
use crate::support::{Answer, App, Backend};
use rstest::rstest;
use uuid::Uuid;

/// The operations that have contexts.
const OPERATIONS: [&str; 3] = ["$syncSource", "$syncTarget", "$batch"];

/// What an operation takes.
fn body(operation: &str) -> String {
    match operation {
        "$syncSource" => digest_entry(N1, &[]),
        "$batch" => batch(&[posted(&account("B1", "one")), posted(&account("B1", "its code is taken"))]),
        _ => feed(1).xml(),
    }
}

/// A page with so many accounts.
fn feed(accounts: u64) -> SyncFeed {
    let feed = SyncFeed::new(N1, &[(N1, accounts + 1, 1)]);
    (1..=accounts).fold(feed, |feed, n| feed.with((N1, n), &account_of(Uuid::new_v4(), &format!("A{n}"), "one")))
}

fn operation_url(app: &App, operation: &str) -> String {
    format!("{}/{operation}", app.kind("accounts"))
}

/// Checks a 202: its headers and the six members of its body.
fn assert_accepted(answer: &Answer, location: &str) -> u64 {
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.header("location"), location);
    assert_eq!(answer.header("content-type"), "application/xml");
    let tracking = answer.xml();
    assert!(tracking.is("http://schemas.sage.com/sdata/2008/1", "tracking"));
    let members: Vec<_> = tracking.children().map(|member| member.name.to_string()).collect();
    let all = ["phase", "phaseDetail", "progress", "elapsedSeconds", "remainingSeconds", "pollingMillis"];
    assert_eq!(members, all);
    assert!(tracking.children().all(|member| member.is("http://schemas.sage.com/sdata/2008/1", &member.name)));
    assert!(!child(&tracking, "phase").is_empty());
    let progress: f64 = child(&tracking, "progress").parse().unwrap();
    assert!((0.0..=100.0).contains(&progress));
    assert!((100..=10_000).contains(&child(&tracking, "pollingMillis").parse::<u64>().unwrap()));
    child(&tracking, "remainingSeconds").parse::<u64>().unwrap();
    child(&tracking, "elapsedSeconds").parse().unwrap()
}

/// SYNC-4.1-08, SYNC-5.2-01, SYNC-5.3-01, CORE-3.11-01, CORE-11.5-01, CORE-11.5-02, CORE-11.6-02, CORE-13.5-01.
#[rstest]
#[tokio::test]
async fn a_context_lives_from_its_post_to_its_delete(
    #[values("$syncSource", "$syncTarget", "$batch")] operation: &str,
) {
    let app = App::start("crm").await;
    let post = format!("{}?trackingID=T%201'x&runName=r&runStamp=s", operation_url(&app, operation));
    let location = format!("{}('T%201''x')", operation_url(&app, operation));
    assert_accepted(&app.post(&post, body(operation)).await, &location);
    let first = app.poll(&location).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("content-type"), "application/atom+xml; type=feed");
    assert_eq!(app.get(&location).await.body, first.body, "as often as wanted");
    assert_eq!(app.delete(&location).await.status, 200);
    app.get(&location).await.assert_refused(410);
    app.delete(&location).await.assert_refused(410);
    app.post(&post, body(operation)).await.assert_refused(409);
    app.get(&location).await.assert_refused(410);
    let unknown = format!("{}('never')", operation_url(&app, operation));
    app.get(&unknown).await.assert_refused(404);
    app.delete(&unknown).await.assert_refused(404);
}

/// CORE-11.6-01, CORE-13.5-01: also when it has ended; the work is done once.
#[rstest]
#[tokio::test]
async fn the_same_post_again_is_the_same_operation(#[values("$syncSource", "$syncTarget", "$batch")] operation: &str) {
    let app = App::start("crm").await;
    let post = format!("{}?trackingID=T1", operation_url(&app, operation));
    let location = format!("{}('T1')", operation_url(&app, operation));
    let sent = body(operation);
    assert_accepted(&app.post(&post, sent.clone()).await, &location);
    assert_accepted(&app.post(&post, sent.clone()).await, &location);
    let first = app.poll(&location).await;
    assert_accepted(&app.post(&post, sent).await, &location);
    assert_eq!(app.get(&location).await.body, first.body);
    let changes = app.audit_rows("changes").await.len();
    assert_eq!(changes, if operation == "$syncTarget" { 1 } else { 0 });
    let accounts = app.resources("accounts").await.len();
    assert_eq!(accounts, if operation == "$syncSource" { 0 } else { 1 });
}

/// CORE-11.6-02: another operation or another collection.
#[rstest]
#[tokio::test]
async fn an_id_in_use_elsewhere_is_refused(#[values("$syncSource", "$syncTarget", "$batch")] operation: &str) {
    let app = App::start("crm").await;
    let post = format!("{}?trackingID=T1", operation_url(&app, operation));
    assert_eq!(app.post(&post, body(operation)).await.status, 202);
    let other = OPERATIONS.into_iter().find(|other| *other != operation).unwrap();
    let answer = app.post(&format!("{}?trackingID=T1", operation_url(&app, other)), body(other)).await;
    answer.assert_refused(409);
    let elsewhere = format!("{}/{operation}?trackingID=T1", app.kind("contacts"));
    app.post(&elsewhere, body(operation)).await.assert_refused(409);
    app.get(&elsewhere).await.assert_refused(404);
    assert_eq!(app.poll(&format!("{}('T1')", operation_url(&app, operation))).await.status, 200);
}

/// SYNC-4.1-12, CORE-11.6-03: what deployed engines write.
#[rstest]
#[case("$syncSource", "trackingID")]
#[case("$syncSource", "trackingId")]
#[case("$syncsource", "trackingid")]
#[case("$SYNCTARGET", "TRACKINGID")]
#[case("$syncTarget", "TrackingID")]
#[case("$Batch", "trackingid")]
#[tokio::test]
async fn parameter_and_operation_may_be_written_in_any_letters(#[case] operation: &str, #[case] parameter: &str) {
    let app = App::start("crm").await;
    let url = format!("{}?{parameter}=T1", operation_url(&app, operation));
    let canonical = OPERATIONS.into_iter().find(|name| name.eq_ignore_ascii_case(operation)).unwrap();
    let location = format!("{}('T1')", operation_url(&app, canonical));
    assert_accepted(&app.post(&url, body(canonical)).await, &location);
    let done = app.poll(&location).await;
    assert_eq!(app.get(&url).await.body, done.body);
    assert_eq!(app.get(&format!("{}('T1')", operation_url(&app, operation))).await.body, done.body);
    assert_eq!(app.delete(&url).await.status, 200);
    app.get(&url).await.assert_refused(410);
    app.get(&location).await.assert_refused(410);
}

/// SYNC-5.3-11: the feed at once, and its links lead to the other pages.
#[tokio::test]
async fn without_a_tracking_id_the_source_answers_at_once() {
    let app = App::start("crm").await;
    for n in 0..5 {
        app.create("accounts", &account(&format!("A{n}"), "one")).await;
    }
    let url = format!("{}?count=2", operation_url(&app, "$syncSource"));
    let mut page = app.post(&url, digest_entry(N1, &[])).await;
    assert_eq!(page.header("content-type"), "application/atom+xml; type=feed");
    let mut seen = Vec::new();
    loop {
        let (head, entries) = page.feed();
        seen.extend(entries.iter().map(|entry| child(entry.resource().unwrap(), "code")));
        let Some(next) = head.link("next") else { break };
        page = app.get(next).await;
    }
    assert_eq!(seen, ["A0", "A1", "A2", "A3", "A4"]);
}

/// CORE-11.5-05, CORE-13.5-01: what was carried out until then stays, the rest is never begun.
#[tokio::test]
async fn a_deleted_batch_is_cancelled() {
    let app = App::start_with("crm", &Backend::Sqlite, &[("tracking.workers", "1")]).await;
    let url = operation_url(&app, "$batch");
    let entries: Vec<_> = (0..6000).map(|n| posted(&account(&format!("B{n}"), "one"))).collect();
    let first = app.post(&format!("{url}?trackingID=T1"), batch(&entries)).await;
    assert_eq!(first.status, 202);
    let location = first.header("location");
    assert_eq!(app.delete(location).await.status, 200);
    app.get(location).await.assert_refused(410);
    // The lane is serial: when a later batch of the collection is done, the cancelled one has ended.
    let (_, later) = app.post(&url, batch(&[posted(&account("B5999", "last"))])).await.feed();
    assert_eq!(later[0].http_status, Some(201));
    assert!(app.resources("accounts").await.len() < 6000);
}

/// SYNC-5.3-11.
#[tokio::test]
async fn without_a_tracking_id_the_target_answers_with_the_result() {
    let app = App::start("crm").await;
    let page = app.post(&operation_url(&app, "$syncTarget"), feed(3).xml()).await;
    let (head, entries) = page.feed();
    assert_eq!(entries.len(), 3);
    let own = head.link("self").unwrap();
    assert_eq!(app.get(own).await.feed().1.len(), 3, "the context is kept under an id of our own");
    assert_eq!(app.delete(own.split('?').next().unwrap()).await.status, 200);
}

/// SYNC-4.1-06.
#[rstest]
#[case::without_an_id("", "GET", "POST")]
#[case::without_an_id("", "DELETE", "POST")]
#[case::without_an_id("", "PUT", "POST")]
#[case::of_a_context("('T1')", "POST", "GET, HEAD, DELETE")]
#[case::of_a_context("('T1')", "PUT", "GET, HEAD, DELETE")]
#[case::of_a_context("?trackingID=T1", "PATCH", "GET, HEAD, DELETE")]
#[tokio::test]
async fn operations_and_contexts_have_no_other_methods(
    #[case] selector: &str,
    #[case] method: &str,
    #[case] allow: &str,
    #[values("$syncSource", "$syncTarget", "$batch")] operation: &str,
) {
    let app = App::start("crm").await;
    let url = format!("{}{selector}", operation_url(&app, operation));
    let answer = app.send(app.request(method, &url).body(body(operation))).await;
    answer.assert_refused(405);
    assert_eq!(answer.header("allow"), allow);
}

/// CORE-11.5-03: and progress does not fall either.
#[tokio::test]
async fn elapsed_seconds_and_progress_only_grow() {
    let app = App::start("crm").await;
    let url = format!("{}?trackingID=T1", operation_url(&app, "$syncTarget"));
    let location = format!("{}('T1')", operation_url(&app, "$syncTarget"));
    let mut answer = app.post(&url, feed(3000).xml()).await;
    let (mut elapsed, mut progress) = (0, 0.0);
    while answer.status == 202 {
        let now = assert_accepted(&answer, &location);
        let done: f64 = child(&answer.xml(), "progress").parse().unwrap();
        assert!(now >= elapsed && done >= progress, "{now} after {elapsed}, {done} after {progress}");
        (elapsed, progress) = (now, done);
        answer = app.get(&location).await;
    }
    assert_eq!(answer.feed().1.len(), 3000);
}

/// CORE-11.5-04: an immediate feed with a gap can be found wanting only by its job.
#[tokio::test]
async fn an_operation_that_failed_answers_with_its_status_as_often_as_asked() {
    let app = App::start("crm").await;
    let url = format!("{}?trackingID=T1", operation_url(&app, "$syncTarget"));
    let page = SyncFeed::new(N1, &[(N1, 9, 1)])
        .in_mode(Some("immediate"))
        .with((N1, 8), &account_of(Uuid::new_v4(), "A1", "one"));
    let answer = app.post(&url, page.xml()).await;
    assert_eq!(answer.status, 202);
    let location = answer.header("location").to_owned();
    for _ in 0..2 {
        let failed = app.poll(&location).await;
        failed.assert_refused(400);
        assert_eq!(failed.diagnosis().application_code, "gap");
    }
    assert_eq!(app.delete(&location).await.status, 200);
    app.get(&location).await.assert_refused(410);
}

/// CORE-11.5-05: what was applied until then stays, the rest is never begun.
#[tokio::test]
async fn a_deleted_operation_is_cancelled() {
    let app = App::start_with("crm", &Backend::Sqlite, &[("tracking.workers", "1")]).await;
    let url = operation_url(&app, "$syncTarget");
    let page = feed(6000);
    let first = app.post(&format!("{url}?trackingID=T1"), page.xml()).await;
    assert_eq!(first.status, 202);
    let location = first.header("location");
    assert_eq!(app.delete(location).await.status, 200);
    app.get(location).await.assert_refused(410);
    // The lane is serial: when a later page of the collection is done, the cancelled one has ended.
    let later = SyncFeed::new(N1, &[]).in_mode(None);
    assert_eq!(app.apply("accounts", &later).await.status, 200);
    let applied = app.resources("accounts").await.len();
    assert!(applied < 6000, "{applied} applied");
    let known = crate::support::app::tick(&app.digest("accounts").await, N1).unwrap_or(1);
    assert_eq!(known, applied as u64 + 1, "the digest covers what was applied and nothing else");
}

/// CORE-11.5-06: and an operation that was accepted is carried out after the crash.
#[rstest]
#[tokio::test]
async fn an_accepted_operation_outlives_a_crash(#[values("$syncSource", "$syncTarget", "$batch")] operation: &str) {
    let mut app = App::start("crm").await;
    let url = format!("{}?trackingID=T1", operation_url(&app, operation));
    let answer = app.post(&url, body(operation)).await;
    assert_eq!(answer.status, 202);
    app.kill();
    app.restart().await;
    let done = app.poll(answer.header("location")).await;
    assert_eq!(done.status, 200, "{}", done.text());
}

/// A tracking id is opaque; what cannot be kept is refused.
#[rstest]
#[case::of_255_bytes(255, 202)]
#[case::of_256_bytes(256, 400)]
#[tokio::test]
async fn a_tracking_id_has_a_limit(#[case] bytes: usize, #[case] status: u16) {
    let app = App::start("crm").await;
    let url = format!("{}?trackingID={}", operation_url(&app, "$syncSource"), "x".repeat(bytes));
    let answer = app.post(&url, digest_entry(N1, &[])).await;
    assert_eq!(answer.status, status);
    if status == 400 {
        answer.assert_refused(400);
    }
}

/// Ids that a URL must escape come back as they were sent, in a Location that works.
#[rstest]
#[case("{E0B4B3D8-1C7B-4B5E-9F0A-000000000001}", "%7BE0B4B3D8-1C7B-4B5E-9F0A-000000000001%7D")]
#[case("a/b", "a%2Fb")]
#[case("ä ?#%", "%C3%A4%20%3F%23%25")]
#[tokio::test]
async fn an_id_comes_back_as_it_was_sent(#[case] id: &str, #[case] escaped: &str) {
    let app = App::start("crm").await;
    let url = format!("{}?trackingID={escaped}", operation_url(&app, "$syncSource"));
    let answer = app.post(&url, digest_entry(N1, &[])).await;
    let location = answer.header("location").to_owned();
    assert_eq!(location, format!("{}('{escaped}')", operation_url(&app, "$syncSource")));
    assert_eq!(app.poll(&location).await.status, 200);
    let events = app.audit_rows("events").await;
    assert!(events.iter().all(|event| child(event, "trackingId") == id));
    assert_eq!(app.get(&url).await.status, 200);
}
