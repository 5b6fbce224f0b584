//! What the audit tells (sync 4.1, 5.4).

use crate::support::App;
use crate::support::app::child;
use crate::support::messages::{
    N1, N2, SAMPLE, SyncFeed, account, account_of, deleted_account, digest_entry, three_nodes,
};
use rstest::rstest;
use sdata_sync::wire::Element;
use uuid::Uuid;

fn told(row: &Element, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| child(row, name)).collect()
}

/// The events, oldest first, without reads of pages.
async fn events(app: &App) -> Vec<Element> {
    let mut events = app.audit_rows("events").await;
    events.sort_by_key(|event| {
        event.attribute("http://schemas.sage.com/sdata/2008/1", "key").unwrap().parse::<i64>().unwrap()
    });
    events
}

/// OURS-AUDIT-01, SYNC-4.1-09: one pass, told in events.
#[tokio::test]
async fn every_request_of_a_pass_is_an_event_with_its_run_and_counts() {
    let app = App::start("crm").await;
    let run = "runName=Full%20run&runStamp=2026-01-01T10%3A00";
    let kind = app.kind("accounts");
    app.get(&format!("{kind}/$syncDigest?{run}")).await;
    app.post(&format!("{kind}/$syncDigest?{run}"), digest_entry(N1, &[(N1, 2, 1)])).await;
    let (_, source) = app.run("accounts", "$syncSource", &format!("&{run}"), digest_entry(N1, &[])).await;
    app.delete(&source).await;
    let page = SyncFeed::new(N1, &three_nodes([9, 1, 1]))
        .with((N1, 7), &account_of(Uuid::new_v4(), "A1", "one"))
        .with((N1, 8), &account("A2", "without uuid"));
    let (result, target) = app.run("accounts", "$syncTarget", &format!("&{run}"), page.xml()).await;
    app.post(&format!("{kind}/$syncResults?{run}"), result.body).await;
    app.delete(&target).await;
    let events = events(&app).await;
    let operations: Vec<_> = events.iter().map(|event| child(event, "operation")).collect();
    for operation in [
        "digestRead",
        "digestWritten",
        "sourceRequested",
        "sourceRead",
        "trackingDeleted",
        "targetRequested",
        "targetApplied",
        "resultsReceived",
    ] {
        assert!(operations.iter().any(|told| told == operation), "{operation} is not in {operations:?}");
    }
    for event in &events {
        assert_eq!(
            told(event, &["runName", "runStamp"]),
            ["Full run", "2026-01-01T10:00"],
            "{}",
            child(event, "operation")
        );
        assert_eq!(told(event, &["resourceKind", "outcome", "remoteAddress"]), ["accounts", "ok", "127.0.0.1"]);
        let status: u16 = child(event, "httpStatus").parse().unwrap();
        assert!([200, 202].contains(&status));
        child(event, "durationMillis").parse::<u64>().unwrap();
        assert!(!child(event, "at").is_empty());
    }
    let applied = events.iter().find(|event| child(event, "operation") == "targetApplied").unwrap();
    let counts = ["entries", "created", "updated", "deleted", "ignored", "conflicts", "failed"];
    assert_eq!(told(applied, &counts), ["2", "1", "0", "0", "0", "0", "1"]);
    let id = target.split('\'').nth(1).unwrap();
    assert_eq!(child(applied, "trackingId"), id);
}

/// OURS-AUDIT-01, SYNC-4.1-09: what is refused is told too.
#[rstest]
#[case::digest("POST", "$syncDigest?{run}", "<x/>", "digestWritten", "400")]
#[case::digest_own_tick("PUT", "$syncDigest?{run}", "{own}", "digestWritten", "409")]
#[case::digest_method("PATCH", "$syncDigest?{run}", "", "digestWritten", "405")]
#[case::source("POST", "$syncSource?trackingID=T1&{run}", "<x/>", "sourceRequested", "400")]
#[case::source_context("GET", "$syncSource('T1')?{run}", "", "sourceRead", "404")]
#[case::target("POST", "$syncTarget?trackingID=T1&{run}", "<x/>", "targetRequested", "400")]
#[case::target_without_id("POST", "$syncTarget?{run}", "<x/>", "targetRequested", "400")]
#[case::target_context("GET", "$syncTarget?trackingID=T1&{run}", "", "targetApplied", "404")]
#[case::context("DELETE", "$syncTarget?trackingID=T1&{run}", "", "trackingDeleted", "404")]
#[case::results("POST", "$syncResults?{run}", "<x/>", "resultsReceived", "400")]
#[tokio::test]
async fn a_refused_request_is_an_event_with_its_reason(
    #[case] method: &str,
    #[case] url: &str,
    #[case] body: &str,
    #[case] operation: &str,
    #[case] status: &str,
) {
    let app = App::start("crm").await;
    let own = app.kind("accounts");
    let url = format!("{own}/{}", url.replace("{run}", "runName=r&runStamp=s"));
    let body = body.replace("{own}", &digest_entry(N1, &[(&own, 9, 1)]));
    let answer = app.send(app.request(method, &url).body(body)).await;
    assert_eq!(answer.status.to_string(), status);
    // A digest that knows too much of us is refused, and heard: that the clock stands still is an event of its own.
    let is_answer = |event: &Element| !child(event, "message").contains("its clock stands still");
    let events: Vec<_> = events(&app).await.into_iter().filter(is_answer).collect();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(told(event, &["operation", "outcome", "httpStatus"]), [operation, "refused", status]);
    assert_eq!(told(event, &["runName", "runStamp", "resourceKind"]), ["r", "s", "accounts"]);
    assert_eq!(child(event, "message"), answer.diagnosis().message);
    child(event, "durationMillis").parse::<u64>().unwrap();
}

/// OURS-AUDIT-01: also what was asked of a kind that is not there.
#[tokio::test]
async fn a_request_to_an_unknown_kind_is_an_event_too() {
    let app = App::start("crm").await;
    for (method, operation) in [("GET", "$syncDigest"), ("POST", "$syncSource"), ("POST", "$syncResults")] {
        let url = format!("{}/{operation}?runName=r&runStamp=s", app.kind("elephants"));
        assert_eq!(app.send(app.request(method, &url)).await.status, 404);
    }
    let events = events(&app).await;
    let operations: Vec<_> = events.iter().map(|event| child(event, "operation")).collect();
    assert_eq!(operations, ["digestRead", "sourceRequested", "resultsReceived"]);
    for event in &events {
        assert_eq!(
            told(event, &["outcome", "httpStatus", "runName", "resourceKind"]),
            ["refused", "404", "r", "elephants"]
        );
    }
}

/// OURS-AUDIT-02, SYNC-5.4-08: every outcome with both states, and the version that lost.
#[tokio::test]
async fn every_entry_is_a_change_with_both_states_and_the_losing_version() {
    let app = App::start("crm").await;
    let [kept, beaten, known, gone] = [(); 4].map(|()| Uuid::new_v4());
    let before = SyncFeed::new(N1, &[(N1, 9, 4)])
        .with((N1, 1), &account_of(kept, "A1", "stored and kept"))
        .with((N1, 2), &account_of(beaten, "A2", "stored and beaten"))
        .with((N1, 3), &account_of(known, "A3", "known"))
        .with((N1, 4), &account_of(gone, "A4", "gone"));
    app.apply("accounts", &before).await;
    let loses = SyncFeed::new(N2, &[(N2, 9, 8)]).with((N2, 1), &account_of(kept, "A1", "incoming &amp; &lt;lost>"));
    app.apply("accounts", &loses).await;
    let wins = SyncFeed::new(N2, &[(N2, 10, 1)]).with((N2, 9), &account_of(beaten, "A2", "incoming"));
    app.apply("accounts", &wins).await;
    let rest = SyncFeed::new(N1, &[(N1, 9, 4)])
        .with((N1, 3), &account_of(known, "A3", "known"))
        .with((N1, 5), &deleted_account(gone))
        .with((N1, 6), &account_of(known, "A3", "changed"))
        .with((N1, 7), &account("A9", "without uuid"));
    app.apply("accounts", &rest).await;
    let changes = app.audit_rows("changes").await;
    let states = ["outcome", "httpStatus", "sourceEndpoint", "sourceTick", "targetEndpoint", "targetTick"];
    let told_of = |uuid: Uuid, outcome: &str| {
        let row = changes
            .iter()
            .find(|row| child(row, "uuid") == uuid.to_string() && child(row, "outcome") == outcome)
            .unwrap_or_else(|| panic!("no {outcome} of {uuid}"));
        (told(row, &states), row)
    };
    assert_eq!(told_of(kept, "created").0, ["created", "201", N1, "1", "", ""]);
    let (lost, row) = told_of(kept, "conflictLost");
    assert_eq!(lost, ["conflictLost", "409", N2, "1", N1, "1"]);
    let payload = child(row, "losingPayload");
    let payload = Element::parse(payload.as_bytes(), &sdata_sync::wire::ReadLimits::default()).unwrap();
    assert!(payload.is(SAMPLE, "account"));
    assert_eq!(child(&payload, "name"), "incoming & <lost>");
    assert!(!child(row, "message").is_empty());
    let (won, row) = told_of(beaten, "conflictWon");
    assert_eq!(won, ["conflictWon", "200", N2, "9", N1, "2"]);
    assert!(child(row, "losingPayload").contains("stored and beaten"));
    assert_eq!(told_of(known, "ignored").0, ["ignored", "200", N1, "3", N1, "3"]);
    assert_eq!(told_of(known, "updated").0, ["updated", "200", N1, "6", N1, "3"]);
    assert_eq!(told_of(gone, "deleted").0, ["deleted", "200", N1, "5", N1, "4"]);
    let failed = changes.iter().find(|row| child(row, "outcome") == "failed").unwrap();
    assert_eq!(told(failed, &states), ["failed", "400", N1, "7", "", ""]);
    assert!(changes.iter().all(|row| told(row, &["runName", "runStamp"]) == ["test", "1"]));
    assert!(changes.iter().all(|row| !child(row, "trackingId").is_empty()));
    let keys = changes.iter().filter(|row| child(row, "outcome") != "failed").map(|row| child(row, "key"));
    assert!(keys.into_iter().all(|key| !key.is_empty()));
}

/// OURS-AUDIT-04, OURS-ERR-03.
#[rstest]
#[tokio::test]
async fn the_audit_is_only_read(
    #[values("runs", "events", "changes", "parked")] kind: &str,
    #[values("POST", "PUT", "DELETE", "PATCH")] method: &str,
) {
    let app = App::start("crm").await;
    let answer = app.send(app.request(method, &app.audit(kind))).await;
    answer.assert_refused(405);
    assert_eq!(answer.header("allow"), "GET, HEAD");
}

/// OURS-AUDIT-03: the query language works on it as on every other kind.
#[tokio::test]
async fn the_audit_answers_conditions_orders_and_selectors() {
    let app = App::start("crm").await;
    let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
    let first = SyncFeed::new(N2, &three_nodes([1, 9, 1]))
        .with((N2, 7), &account_of(one, "A1", "one"))
        .with((N2, 8), &account_of(two, "A2", "two"));
    let run = "&runName=Full%20CRM%20to%20ERP&runStamp=1";
    app.run("accounts", "$syncTarget", run, first.xml()).await;
    let second = SyncFeed::new(N1, &three_nodes([9, 1, 1])).with((N1, 8), &account_of(two, "A2", "other"));
    app.run("accounts", "$syncTarget", run, second.xml()).await;
    let rows = |kind: &'static str, query: &[(&str, &str)]| {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let url = format!("{}?{query}", app.audit(kind));
        let app = &app;
        async move { app.get(&url).await.feed().1 }
    };
    let outcomes = |rows: &[sdata_sync::wire::Entry]| -> Vec<String> {
        rows.iter().map(|row| child(row.resource().unwrap(), "outcome")).collect()
    };
    let conflict = "runName eq 'Full CRM to ERP' and outcome eq 'conflict'";
    let found = rows("changes", &[("where", conflict)]).await;
    assert_eq!(outcomes(&found), ["conflictWon"]);
    let created =
        "outcome eq 'created' and sourceTick ge 7 and sourceEndpoint like 'http%' and at lt currentTimestamp()";
    let found = rows("changes", &[("where", created), ("orderBy", "sourceTick desc")]).await;
    assert_eq!(found.iter().map(|row| child(row.resource().unwrap(), "sourceTick")).collect::<Vec<_>>(), ["8", "7"]);
    let by_uuid = format!("uuid eq '{one}' and targetTick eq null");
    assert_eq!(rows("changes", &[("where", &by_uuid)]).await.len(), 1);
    assert_eq!(rows("runs", &[("where", "changes eq 3 and failures eq 0 and runStamp eq '1'")]).await.len(), 1);
    assert_eq!(
        rows("events", &[("where", "created eq 2 and durationMillis ge 0 and httpStatus lt 300")]).await.len(),
        1
    );
    assert_eq!(rows("parked", &[("where", "message like '%' or payload eq 'x' or uuid eq 'y'")]).await.len(), 0);
    let change = app.get(&format!("{}('2')", app.audit("changes"))).await;
    assert_eq!(change.status, 200);
    assert_eq!(app.get(&format!("{}('x')", app.audit("changes"))).await.status, 404);
    let one_of = |predicate: &str| format!("{}({})", app.audit("changes"), predicate.replace(' ', "%20"));
    assert_eq!(app.get(&one_of("outcome eq 'conflictWon'")).await.status, 200);
    app.get(&one_of("outcome eq 'created'")).await.assert_refused(400);
    let bad = app.get(&format!("{}?where=nothing%20eq%201", app.audit("changes"))).await;
    bad.assert_refused(400);
}

/// OURS-AUDIT-03: paging and the schema.
#[tokio::test]
async fn the_audit_is_a_contract_with_a_schema() {
    let app = App::start("crm").await;
    app.digest("accounts").await;
    let schema = app.get(&format!("{}/sdata/crm/syncAudit/-/$schema", app.base())).await;
    assert_eq!((schema.status, schema.header("content-type")), (200, "application/xml"));
    let read = schema.xml();
    let kinds: Vec<_> = read
        .children()
        .filter_map(|element| element.attribute("http://schemas.sage.com/sdata/sme/2007", "pluralName"))
        .collect();
    assert_eq!(kinds, ["runs", "events", "changes", "parked"]);
    let (_, entries) = app.get(&app.audit("events")).await.feed();
    let event = entries[0].resource().unwrap();
    let named: Vec<_> = event.children().map(|child| child.name.to_string()).collect();
    let complex = read.children().find(|it| it.attribute("", "name") == Some("event--type")).unwrap();
    let declared: Vec<_> = complex
        .children()
        .flat_map(Element::children)
        .filter_map(|property| property.attribute("", "name").map(str::to_owned))
        .collect();
    assert_eq!(named, declared);
}

/// The log can be searched for a run and a tracking id.
#[tokio::test]
async fn log_lines_of_a_request_and_of_its_job_carry_run_and_tracking_id() {
    let app = App::start("crm").await;
    let url = format!("{}/$syncTarget?trackingID=T-77&runName=Night%20run&runStamp=s-88", app.kind("accounts"));
    let page = SyncFeed::new(N1, &[(N1, 3, 1)]).with((N1, 1), &account_of(Uuid::new_v4(), "A1", "one"));
    let answer = app.post(&url, page.xml()).await;
    app.poll(answer.header("location")).await;
    // It is said once all is done: whoever asks may know that before.
    let line = app.logged("page taken in").await;
    assert!(line.contains("T-77") && line.contains("Night run") && line.contains("s-88"), "{line}");
}
