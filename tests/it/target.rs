//! What a target does with a page (sync 4.4, 5.3, 5.5).

use crate::support::App;
use crate::support::app::{child, tick};
use crate::support::messages::{
    N1, N2, N3, SAMPLE, SyncFeed, account, account_of, deleted_account, digest_entry, entry, three_nodes,
};
use rstest::rstest;
use sdata_sync::wire::{Entry, StateRead};
use uuid::Uuid;

fn page() -> SyncFeed {
    SyncFeed::new(N1, &three_nodes([50, 1, 1]))
}

fn statuses(entries: &[Entry]) -> Vec<u16> {
    entries.iter().map(|entry| entry.http_status.unwrap()).collect()
}

/// The names of the live accounts.
async fn names(app: &App) -> Vec<String> {
    app.resources("accounts").await.iter().map(|account| child(account, "name")).collect()
}

/// SYNC-4.3-02, SYNC-4.4-03, SYNC-5.3-02, SYNC-5.3-03, SYNC-5.3-04, SYNC-5.4-07, SYNC-1.2-02, SYNC-1.1-02.
#[tokio::test]
async fn a_result_has_one_entry_per_entry_in_order_with_all_its_members() {
    let app = App::start("crm").await;
    let (known, gone, new) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let before =
        page().with((N1, 1), &account_of(known, "A1", "old")).with((N1, 2), &account_of(gone, "A2", "to be deleted"));
    assert_eq!(statuses(&app.apply("accounts", &before).await.feed().1), [201, 201]);
    let feed = page()
        .with((N1, 10), &account_of(known, "A1", "new"))
        .with((N1, 11), &account_of(new, "A3", "created"))
        .with((N1, 12), &deleted_account(gone))
        .with((N1, 9), &account_of(known, "A1", "older"))
        .raw("<entry/>");
    let answer = app.apply("accounts", &feed).await;
    let (head, entries) = answer.feed();
    assert_eq!(tick(&answer.digest(), N1), Some(50));
    assert!(head.diagnoses.is_empty());
    assert_eq!(statuses(&entries), [200, 201, 200, 200, 400]);
    let uuids: Vec<_> = entries.iter().map(|entry| entry.uuid().and_then(Result::ok)).collect();
    assert_eq!(uuids, [Some(known), Some(new), Some(gone), Some(known), None]);
    let methods: Vec<_> = entries.iter().map(|entry| entry.http_method.as_deref().unwrap()).collect();
    assert_eq!(methods, ["PUT", "POST", "DELETE", "PUT", "POST"]);
    let messages: Vec<_> = entries.iter().map(|entry| entry.http_message.as_deref().unwrap()).collect();
    assert_eq!(messages, ["OK", "Created", "OK", "OK", "Bad Request"]);
    let ticks = entries.iter().map(|entry| match &entry.sync_state {
        StateRead::Given { endpoint: Some(endpoint), tick, .. } if endpoint.as_str() == N1 => tick.value(),
        _ => 0,
    });
    assert_eq!(ticks.collect::<Vec<_>>(), [10, 11, 12, 10, 0], "the states now in force");
    let location = entries[1].location.as_deref().unwrap();
    assert!(entries.iter().enumerate().all(|(at, entry)| at == 1 || entry.location.is_none()));
    let created = app.get(location).await;
    assert_eq!(created.entry().uuid(), Some(Ok(new)));
    assert_eq!(created.header("etag"), entries[1].etag.as_deref().unwrap());
    assert_eq!(child(entries[0].resource().unwrap(), "name"), "new");
    assert!(entries[2].is_deleted() && entries[2].resource().unwrap().content.is_empty());
    let key =
        |entry: &Entry| entry.resource()?.attribute("http://schemas.sage.com/sdata/2008/1", "key").map(str::to_owned);
    assert!(entries[..4].iter().all(|entry| key(entry).is_some_and(|key| !key.is_empty())));
    let said: Vec<_> = entries.iter().map(|entry| entry.diagnoses.len()).collect();
    assert_eq!(said, [0, 0, 0, 1, 1], "only those with something to say");
    assert_eq!(entries[3].diagnoses[0].severity.as_str(), "info");
}

/// SYNC-5.3-07, SYNC-4.4-15: what is wrong with one entry is said of that entry.
#[rstest]
#[case::no_uuid("<account xmlns='urn:sdata-sync:sample:1'><code>A2</code><name>x</name></account>", 400, "noUuid")]
#[case::bad_uuid(
    "<account xmlns='urn:sdata-sync:sample:1' sdata:uuid='no'><code>A2</code><name>x</name></account>",
    400,
    "badUuid"
)]
#[case::nil_uuid(
    "<account xmlns='urn:sdata-sync:sample:1' sdata:uuid='00000000-0000-0000-0000-000000000000'><code>A2</code><name>x</name></account>",
    400,
    "noUuid"
)]
#[case::wrong_kind(
    "<contact xmlns='urn:sdata-sync:sample:1' sdata:uuid='{uuid}'><lastName>x</lastName></contact>",
    400,
    "wrongKind"
)]
#[case::wrong_namespace(
    "<account xmlns='urn:other' sdata:uuid='{uuid}'><code>A2</code><name>x</name></account>",
    400,
    "wrongKind"
)]
#[case::empty_payload("", 400, "noUuid")]
#[case::mandatory_missing(
    "<account xmlns='urn:sdata-sync:sample:1' sdata:uuid='{uuid}'><code>A2</code></account>",
    400,
    "invalid"
)]
#[case::not_of_the_type(
    "<account xmlns='urn:sdata-sync:sample:1' sdata:uuid='{uuid}'><code>A2</code><name>x</name><active>perhaps</active></account>",
    400,
    "invalid"
)]
#[case::unknown_property(
    "<account xmlns='urn:sdata-sync:sample:1' sdata:uuid='{uuid}'><code>A2</code><name>x</name><colour>red</colour></account>",
    400,
    "invalid"
)]
#[case::unique_value_taken(
    "<account xmlns='urn:sdata-sync:sample:1' sdata:uuid='{uuid}'><code>A1</code><name>x</name></account>",
    409,
    "notUnique"
)]
#[tokio::test]
async fn an_entry_that_fails_does_not_stop_the_page(#[case] resource: &str, #[case] status: u16, #[case] code: &str) {
    let app = App::start("crm").await;
    let broken = resource.replace("{uuid}", &Uuid::new_v4().to_string());
    let feed = page()
        .with((N1, 1), &account_of(Uuid::new_v4(), "A1", "first"))
        .with((N1, 2), &broken)
        .with((N1, 3), &account_of(Uuid::new_v4(), "A3", "third"));
    let answer = app.apply("accounts", &feed).await;
    let (_, entries) = answer.feed();
    assert_eq!(statuses(&entries), [201, status, 201]);
    assert_eq!(entries[1].diagnoses[0].application_code, code);
    assert_eq!(entries[1].diagnoses[0].severity.as_str(), "error");
    assert_eq!(names(&app).await, ["first", "third"]);
    assert_eq!(app.audit_rows("parked").await.len(), 1);
    assert_eq!(tick(&answer.digest(), N1), Some(50));
}

/// SYNC-4.4-15: a state that cannot be read is the entry's fault too.
#[rstest]
#[case::none("", "noSyncState")]
#[case::empty("<sync:syncState/>", "badSyncState")]
#[case::tick_missing(
    "<sync:syncState><sync:endpoint>http://n1.example.com/a</sync:endpoint></sync:syncState>",
    "badSyncState"
)]
#[case::tick_below_0("<sync:syncState><sync:tick>-5</sync:tick></sync:syncState>", "badSyncState")]
#[case::endpoint_no_url(
    "<sync:syncState><sync:endpoint>here</sync:endpoint><sync:tick>5</sync:tick></sync:syncState>",
    "badSyncState"
)]
#[tokio::test]
async fn an_entry_without_a_state_is_reported_and_the_page_goes_on(#[case] state: &str, #[case] code: &str) {
    let app = App::start("crm").await;
    let stateless = account_of(Uuid::new_v4(), "A1", "stateless");
    let feed = page()
        .raw(&format!("<entry>{state}<sdata:payload>{stateless}</sdata:payload></entry>"))
        .with((N1, 3), &account_of(Uuid::new_v4(), "A3", "good"));
    let (_, entries) = app.apply("accounts", &feed).await.feed();
    assert_eq!(statuses(&entries), [400, 201]);
    assert_eq!(entries[0].diagnoses[0].application_code, code);
    assert_eq!(names(&app).await, ["good"]);
}

/// SYNC-4.4-05, SYNC-4.4-12: the mode in whatever letters, none, and another.
#[rstest]
#[case::catch_up(Some("catchUp"), 200, Some(9))]
#[case::capitals(Some("CATCHUP"), 200, Some(9))]
#[case::lower_case(Some("catchup"), 200, Some(9))]
#[case::none(None, 200, None)]
#[case::empty(Some(""), 200, None)]
#[case::immediate(Some("Immediate"), 200, None)]
#[case::unknown(Some("sometimes"), 400, None)]
#[tokio::test]
async fn the_mode_of_a_feed_decides_whether_its_digest_is_adopted(
    #[case] mode: Option<&str>,
    #[case] status: u16,
    #[case] n3: Option<u64>,
) {
    let app = App::start("crm").await;
    let feed = SyncFeed::new(N1, &three_nodes([50, 1, 9]))
        .in_mode(mode)
        .with((N1, 1), &account_of(Uuid::new_v4(), "A1", "one"));
    let url = format!("{}/$syncTarget?trackingID=T1&runName=r&runStamp=s", app.kind("accounts"));
    let answer = app.post(&url, feed.xml()).await;
    if status == 400 {
        answer.assert_refused(400);
        assert!(answer.diagnosis().message.contains("sometimes"));
        assert!(names(&app).await.is_empty());
        assert_eq!(app.get(&format!("{}/$syncTarget('T1')", app.kind("accounts"))).await.status, 404);
        return;
    }
    let answer = app.poll(answer.header("location")).await;
    assert_eq!(statuses(&answer.feed().1), [201]);
    assert_eq!(tick(&answer.digest(), N3), n3);
    assert_eq!(tick(&answer.digest(), N1), Some(if n3.is_some() { 50 } else { 2 }));
    let events = app.audit_rows("events").await;
    let applied = events.iter().find(|event| child(event, "operation") == "targetApplied").unwrap();
    let is_silent = mode.is_none_or(str::is_empty);
    assert_eq!(child(applied, "message").contains("syncMode"), is_silent);
}

/// SYNC-4.4-04: refused at the POST, before any operation exists.
#[rstest]
#[case::no_digest(&SyncFeed { digest: None, ..page() }.with((N1, 1), "{account}").xml())]
#[case::an_entry(&entry("{account}"))]
#[case::a_resource("{account}")]
#[case::an_error(
    r#"<sdata:diagnoses xmlns:sdata="http://schemas.sage.com/sdata/2008/1"><sdata:diagnosis/></sdata:diagnoses>"#
)]
#[case::a_tracking_payload(r#"<sdata:tracking xmlns:sdata="http://schemas.sage.com/sdata/2008/1"/>"#)]
#[case::a_digest(&digest_entry(N1, &[(N1, 5, 1)]))]
#[case::html("<html><body>Sorry</body></html>")]
#[case::nothing("")]
#[tokio::test]
async fn a_body_that_is_no_sync_feed_is_refused_at_once(#[case] body: &str) {
    let app = App::start("crm").await;
    let sent = account_of(Uuid::new_v4(), "A1", "one").replacen(
        "<account",
        r#"<account xmlns:sdata="http://schemas.sage.com/sdata/2008/1""#,
        1,
    );
    let url = format!("{}/$syncTarget?trackingID=T1", app.kind("accounts"));
    app.post(&url, body.replace("{account}", &sent)).await.assert_refused(400);
    assert_eq!(app.get(&format!("{}/$syncTarget('T1')", app.kind("accounts"))).await.status, 404);
    assert!(names(&app).await.is_empty());
    assert_eq!(app.digest("accounts").await.entries.len(), 1);
}

/// SYNC-4.4-11, SYNC-4.4-13: the spellings that occur.
#[rstest]
#[case::as_the_example_of_4_4(
    r#"<account xmlns="urn:sdata-sync:sample:1" sdata:uuid="{uuid}"><code>A1</code><name>one</name></account>"#,
    ""
)]
#[case::uuid_on_payload(
    r#"<account xmlns="urn:sdata-sync:sample:1"><code>A1</code><name>one</name></account>"#,
    r#" sdata:uuid="{uuid}""#
)]
#[case::uuid_in_capitals(
    r#"<account xmlns="urn:sdata-sync:sample:1" sdata:uuid="{UUID}"><code>A1</code><name>one</name></account>"#,
    ""
)]
#[case::uuid_in_braces(
    r#"<account xmlns="urn:sdata-sync:sample:1" sdata:uuid="{{uuid}}"><code>A1</code><name>one</name></account>"#,
    ""
)]
#[case::other_prefixes(r#"<x:account xmlns:x="urn:sdata-sync:sample:1" xmlns:y="http://schemas.sage.com/sdata/2008/1" y:uuid="{uuid}"><x:name>one</x:name><x:code>A1</x:code></x:account>"#, "")]
#[tokio::test]
async fn uuids_and_namespaces_are_read_as_they_come(#[case] resource: &str, #[case] on_payload: &str) {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let fill =
        |text: &str| text.replace("{uuid}", &uuid.to_string()).replace("{UUID}", &uuid.to_string().to_uppercase());
    let mut feed = page().with((N1, 1), &fill(resource));
    feed.entries[0] = feed.entries[0].replace("<sdata:payload", &format!("<sdata:payload{}", fill(on_payload)));
    let (_, entries) = app.apply("accounts", &feed).await.feed();
    assert_eq!(statuses(&entries), [201], "{:?}", entries[0].diagnoses);
    assert_eq!(entries[0].uuid(), Some(Ok(uuid)));
    assert_eq!(names(&app).await, ["one"]);
    for namespace in ["sdata", "sync"] {
        let gone = format!(r#"<account xmlns="{SAMPLE}" sdata:uuid="{uuid}" {namespace}:isDeleted="TRUE"/>"#);
        let (_, entries) = app.apply("accounts", &page().with((N1, 7), &gone)).await.feed();
        assert_eq!(statuses(&entries), [200]);
        assert!(names(&app).await.is_empty());
    }
}

/// SYNC-4.4-13: entries before the digest, the head's elements at the end, and everything default-namespaced.
#[tokio::test]
async fn elements_of_a_feed_are_taken_in_any_order_and_with_any_prefix() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let sync = "http://schemas.sage.com/sdata/sync/2008/1";
    let xml = format!(
        r#"<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry>
        <payload xmlns="http://schemas.sage.com/sdata/2008/1" xmlns:s="http://schemas.sage.com/sdata/2008/1">
          <account xmlns="{SAMPLE}" s:uuid="{uuid}"><name>one</name><code>A1</code></account></payload>
        <syncState xmlns="{sync}"><stamp>2026-01-01T00:00:00</stamp><tick> 4 </tick><endpoint>{N1}</endpoint></syncState></a:entry>
        <other xmlns="urn:unknown"><digest/></other>
        <digest xmlns="{sync}"><digestEntry><conflictPriority>1</conflictPriority><stamp/><tick>5</tick><endpoint>{N1}</endpoint></digestEntry><origin>{N1}</origin></digest>
        <syncMode xmlns="{sync}"> CatchUp </syncMode></a:feed>"#
    );
    let (answer, _) = app.run("accounts", "$syncTarget", "", xml).await;
    assert_eq!(statuses(&answer.feed().1), [201]);
    assert_eq!(tick(&answer.digest(), N1), Some(5));
}

/// SYNC-4.3-07.
#[rstest]
#[case::empty("<sync:endpoint/>")]
#[case::absent("")]
#[tokio::test]
async fn a_state_without_endpoint_is_of_the_feeds_origin(#[case] endpoint: &str) {
    let app = App::start("crm").await;
    let mut feed = page().with((N1, 4), &account_of(Uuid::new_v4(), "A1", "one"));
    feed.entries[0] = feed.entries[0].replace(&format!("<sync:endpoint>{N1}</sync:endpoint>"), endpoint);
    let (_, entries) = app.apply("accounts", &feed).await.feed();
    assert_eq!(statuses(&entries), [201]);
    let StateRead::Given { endpoint, tick, .. } = &entries[0].sync_state else { panic!("no state") };
    assert_eq!((endpoint.as_ref().unwrap().as_str(), tick.value()), (N1, 4));
}

/// SYNC-5.6-03.
#[tokio::test]
async fn a_page_is_refused_while_the_pages_before_it_were_not_taken() {
    let app = App::start("crm").await;
    let url = format!("{}/$syncTarget?trackingID=", app.kind("accounts"));
    let mut second = page().with((N1, 2), &account_of(Uuid::new_v4(), "A2", "second"));
    second.start_index = Some(2);
    app.post(&format!("{url}T1"), second.xml()).await.assert_refused(409);
    assert!(names(&app).await.is_empty());
    assert_eq!(tick(&app.digest("accounts").await, N1), None);
    let mut first = SyncFeed { id: second.id.clone(), ..page() }.with_next();
    first = first.with((N1, 1), &account_of(Uuid::new_v4(), "A1", "first"));
    assert_eq!(app.apply("accounts", &first).await.status, 200);
    assert_eq!(statuses(&app.apply("accounts", &second).await.feed().1), [201]);
    let mut fourth = SyncFeed { id: second.id.clone(), ..page() };
    fourth.start_index = Some(4);
    app.post(&format!("{url}T4"), fourth.xml()).await.assert_refused(409);
    second.id = format!("{N1}/$syncSource('another')");
    app.post(&format!("{url}T5"), second.xml()).await.assert_refused(409);
    assert_eq!(names(&app).await, ["first", "second"]);
}

/// SYNC-5.3-06: the method of an entry; without one the payload and what is stored decide.
#[rstest]
#[case::nothing_said("", false, true, 200, "PUT", &["new"])]
#[case::nothing_said_of_a_new_one("", false, false, 201, "POST", &["new"])]
#[case::nothing_said_and_deleted("", true, true, 200, "DELETE", &[])]
#[case::put("PUT", false, true, 200, "PUT", &["new"])]
#[case::put_of_a_new_one("PUT", false, false, 201, "POST", &["new"])]
#[case::post_of_a_known_one("POST", false, true, 200, "PUT", &["new"])]
#[case::delete("DELETE", false, true, 200, "DELETE", &[])]
#[case::lower_case("delete", false, true, 200, "DELETE", &[])]
#[case::get("GET", false, true, 405, "PUT", &["old"])]
#[tokio::test]
async fn the_method_of_an_entry_is_honoured(
    #[case] method: &str,
    #[case] deleted: bool,
    #[case] known: bool,
    #[case] status: u16,
    #[case] done: &str,
    #[case] left: &[&str],
) {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    if known {
        app.apply("accounts", &page().with((N1, 1), &account_of(uuid, "A1", "old"))).await;
    }
    let sent = if deleted { deleted_account(uuid) } else { account_of(uuid, "A1", "new") };
    let mut feed = page().with((N1, 2), &sent);
    if !method.is_empty() {
        let element = format!("<entry><http:httpMethod>{method}</http:httpMethod>");
        feed.entries[0] = feed.entries[0].replacen("<entry>", &element, 1);
    }
    let (_, entries) = app.apply("accounts", &feed).await.feed();
    assert_eq!(statuses(&entries), [status]);
    assert_eq!(entries[0].http_method.as_deref(), Some(done));
    assert_eq!(names(&app).await, left);
}

/// CORE-9.2-01, CORE-9.2-02: a peer may send part of a resource.
#[tokio::test]
async fn what_a_peer_leaves_out_stays_and_nil_clears() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let all = format!(
        r#"<account xmlns="{SAMPLE}" sdata:uuid="{uuid}"><code>A1</code><name>one</name><phone>1</phone><email>a@b</email></account>"#
    );
    app.apply("accounts", &page().with((N1, 1), &all)).await;
    let part =
        format!(r#"<account xmlns="{SAMPLE}" sdata:uuid="{uuid}"><name>two</name><phone xsi:nil="true"/></account>"#);
    let (_, entries) = app.apply("accounts", &page().with((N1, 2), &part)).await.feed();
    assert_eq!(statuses(&entries), [200], "{:?}", entries[0].diagnoses);
    let account = &app.resources("accounts").await[0];
    let values = ["code", "name", "phone", "email"].map(|name| child(account, name));
    assert_eq!(values, ["A1", "two", "", "a@b"]);
}

/// SYNC-3.2-01, SYNC-2.1-02: pages are posted as they were read.
#[tokio::test]
async fn a_source_page_posted_byte_for_byte_is_applied() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    for n in 0..120 {
        crm.create("accounts", &account(&format!("A{n}"), &format!("Ä &amp; &lt;{n}>"))).await;
    }
    let results = crm.pass_to(&erp, "accounts").await;
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| result.feed().1.iter().all(|entry| entry.http_status == Some(201))));
    assert_eq!(names(&erp).await, names(&crm).await);
    assert_eq!(crm.pass_to(&erp, "accounts").await[0].feed().1.len(), 0, "a second pass finds nothing to do");
    assert_eq!(erp.pass_to(&crm, "accounts").await[0].feed().1.len(), 0, "nothing bounces back");
}

/// OURS-LIB-01: the body says what it is, not the header.
#[rstest]
#[case::none(None)]
#[case::plain_atom(Some("application/atom+xml"))]
#[case::with_type(Some("application/atom+xml; type=feed"))]
#[case::with_charset(Some("application/atom+xml;charset=utf-8;type=feed"))]
#[case::entry_type(Some("application/atom+xml; type=entry"))]
#[case::xml(Some("text/xml"))]
#[case::json(Some("application/json"))]
#[case::form(Some("application/x-www-form-urlencoded"))]
#[case::odd(Some("ATOM"))]
#[tokio::test]
async fn a_feed_is_known_by_its_root_whatever_the_content_type_says(#[case] content_type: Option<&str>) {
    let app = App::start("crm").await;
    let mut body = b"\xEF\xBB\xBF".to_vec();
    body.extend(page().with((N1, 1), &account_of(Uuid::new_v4(), "A1", "one")).xml().bytes());
    let mut request = app.request("POST", &format!("{}/$syncTarget", app.kind("accounts"))).body(body);
    if let Some(content_type) = content_type {
        request = request.header("Content-Type", content_type);
    }
    assert_eq!(statuses(&app.send(request).await.feed().1), [201]);
}

/// Two changes of one resource on one page are applied one after the other.
#[tokio::test]
async fn a_page_may_name_a_resource_twice() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let feed = page()
        .with((N1, 1), &account_of(uuid, "A1", "first"))
        .with((N1, 2), &account_of(uuid, "A1", "second"))
        .with((N1, 3), &deleted_account(uuid))
        .with((N1, 4), &account_of(uuid, "A1", "again"));
    let (_, entries) = app.apply("accounts", &feed).await.feed();
    assert_eq!(statuses(&entries), [201, 200, 200, 200]);
    assert_eq!(names(&app).await, ["again"]);
}

/// SYNC-1.1-04: a resource keeps one identity however its UUID is written.
#[tokio::test]
async fn a_uuid_in_other_letters_is_the_same_resource() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    app.apply("accounts", &page().with((N1, 1), &account_of(uuid, "A1", "one"))).await;
    let sent = account_of(uuid, "A1", "two").replace(&uuid.to_string(), &uuid.to_string().to_uppercase());
    assert_eq!(statuses(&app.apply("accounts", &page().with((N1, 2), &sent)).await.feed().1), [200]);
    assert_eq!(names(&app).await, ["two"]);
}

/// The relay N2 sends N1's change of a resource after N1 itself has: it is known already.
#[tokio::test]
async fn a_change_that_comes_by_two_ways_is_applied_once() {
    let app = App::start("crm").await;
    let sent = account_of(Uuid::new_v4(), "A1", "one");
    assert_eq!(statuses(&app.apply("accounts", &page().with((N1, 1), &sent)).await.feed().1), [201]);
    let relayed = SyncFeed::new(N2, &three_nodes([2, 3, 1])).with((N1, 1), &sent);
    let answer = app.apply("accounts", &relayed).await;
    assert_eq!(statuses(&answer.feed().1), [200]);
    assert_eq!(answer.feed().1[0].diagnoses[0].application_code, "ignored");
}

/// SYNC-5.6-03: a page waits for those before it that were accepted, and is refused when one of them is cancelled.
#[rstest]
#[case::all_are_carried_out(false)]
#[case::the_first_is_cancelled(true)]
#[tokio::test]
async fn pages_may_be_posted_before_the_earlier_ones_are_done(#[case] cancelled: bool) {
    let app = App::start("crm").await;
    let feed = SyncFeed::new(N1, &[(N1, 9000, 1)]);
    let first = (1..=4000)
        .fold(feed.clone(), |page, n| page.with((N1, n), &account_of(Uuid::new_v4(), &format!("A{n}"), "one")));
    let mut second = feed.with((N1, 8000), &account_of(Uuid::new_v4(), "Z", "last"));
    second.start_index = Some(4001);
    let url = format!("{}/$syncTarget?trackingID=", app.kind("accounts"));
    let one = app.post(&format!("{url}T1"), first.with_next().xml()).await;
    let two = app.post(&format!("{url}T2"), second.xml()).await;
    assert_eq!((one.status, two.status), (202, 202));
    if cancelled {
        assert_eq!(app.delete(one.header("location")).await.status, 200);
        app.poll(two.header("location")).await.assert_refused(409);
        let digest = app.digest("accounts").await;
        assert!(tick(&digest, N1).is_none_or(|tick| tick <= 4000), "nothing behind the cancelled page is covered");
        return;
    }
    assert_eq!(statuses(&app.poll(two.header("location")).await.feed().1), [201]);
    assert_eq!(app.get(one.header("location")).await.feed().1.len(), 4000, "the first was done before it");
    assert_eq!(tick(&app.digest("accounts").await, N1), Some(9000));
}

/// SYNC-5.5-02: a page of nothing but totals is no last page; whoever posts it on must not adopt what it did not bring.
#[tokio::test]
async fn a_page_without_entries_of_a_feed_that_has_some_adopts_nothing() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    for code in ["A1", "A2", "A3"] {
        crm.create("accounts", &account(code, "one")).await;
    }
    let (page, context) = crm.run("accounts", "$syncSource", "&count=0", digest_entry(N1, &[])).await;
    let (head, entries) = page.feed();
    assert_eq!((entries.len(), head.total_results), (0, Some(3)));
    let next = head.link("next").expect("there is more");
    assert_eq!(crm.get(next).await.feed().1.len(), 3);
    for body in [page.text(), page.text().replace("rel=\"next\"", "rel=\"more\"")] {
        let (result, _) = erp.run("accounts", "$syncTarget", "", body).await;
        assert_eq!(tick(&result.digest(), &crm.kind("accounts")), None, "{}", result.text());
    }
    for after in ["99.1", "-1.2", "0.99999999999999999999", "x", ".", "0.0", "1.9223372036854775807"] {
        let answer = crm.get(&format!("{context}?count=2&after={after}")).await;
        assert!(answer.status < 500, "{after}: {}", answer.text());
    }
    assert_eq!(crm.pass_to(&erp, "accounts").await[0].feed().1.len(), 3);
}

/// What XML has to say the same thing in another way.
#[tokio::test]
async fn text_is_read_whatever_way_it_is_written() {
    let app = App::start("crm").await;
    let sent = format!(
        r#"<!-- a comment --><?sort by-name?><account xmlns="{SAMPLE}" sdata:uuid="{}"><code><![CDATA[A&1]]></code>
        <name>a&#x20AC;<!-- in between -->b&amp;<![CDATA[<c>]]>&#13;</name><notes xml:space="preserve">  two
  lines </notes></account>"#,
        Uuid::new_v4()
    );
    let (_, entries) = app.apply("accounts", &page().with((N1, 1), &sent)).await.feed();
    assert_eq!(statuses(&entries), [201], "{:?}", entries[0].diagnoses);
    let account = &app.resources("accounts").await[0];
    assert_eq!([child(account, "code"), child(account, "notes")], ["A&1", "  two\n  lines "]);
    assert!(child(account, "name").starts_with("a€b&<c>"), "{}", child(account, "name"));
    let (page, _) = app.run("accounts", "$syncSource", "", digest_entry(N2, &[])).await;
    let passed_on = page.feed().1.remove(0);
    for name in ["code", "name", "notes"] {
        assert_eq!(child(passed_on.resource().unwrap(), name), child(account, name));
    }
}

/// Stamps as other platforms write them.
#[rstest]
#[case::as_ours("2026-03-04T05:06:07.089Z", "2026-03-04T05:06:07.089Z")]
#[case::seconds("2026-03-04T05:06:07Z", "2026-03-04T05:06:07Z")]
#[case::seven_decimals("2026-03-04T05:06:07.0891234Z", "2026-03-04T05:06:07.089Z")]
#[case::offset("2026-03-04T06:06:07.089+01:00", "2026-03-04T05:06:07.089Z")]
#[case::zero_offset("2026-03-04T05:06:07+00:00", "2026-03-04T05:06:07Z")]
#[case::no_zone("2026-03-04T05:06:07.089", "2026-03-04T05:06:07.089Z")]
#[case::white_space(" 2026-03-04T05:06:07Z ", "2026-03-04T05:06:07Z")]
#[case::year_1("0001-01-01T00:00:00", "0001-01-01T00:00:00Z")]
#[tokio::test]
async fn stamps_are_read_as_they_come_and_written_in_one_way(#[case] sent: &str, #[case] written: &str) {
    let app = App::start("crm").await;
    let feed = page().stamped((N1, 1, sent), &account_of(Uuid::new_v4(), "A1", "one"));
    let answer = app.apply("accounts", &feed).await;
    assert_eq!(statuses(&answer.feed().1), [201], "{}", answer.text());
    let (page, _) = app.run("accounts", "$syncSource", "", digest_entry(N2, &[])).await;
    let state = format!("<sync:stamp>{written}</sync:stamp>");
    for text in [answer.text(), page.text()] {
        let states = text.split("<sync:syncState>").nth(1).unwrap();
        assert!(states.contains(&state), "{states}");
    }
}

/// A mistake of an operator: source and target are the same.
#[tokio::test]
async fn a_pass_to_oneself_changes_nothing() {
    let app = App::start("crm").await;
    for code in ["A1", "A2"] {
        app.create("accounts", &account(code, "one")).await;
    }
    let digest = app.digest("accounts").await;
    let (everything, _) = app.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    let before = app.resources("accounts").await;
    let (result, _) = app.run("accounts", "$syncTarget", "", everything.body).await;
    assert_eq!(statuses(&result.feed().1), [200, 200]);
    assert!(result.feed().1.iter().all(|entry| entry.diagnoses[0].application_code == "ignored"));
    assert_eq!(app.pass_to(&app, "accounts").await[0].feed().1.len(), 0);
    assert_eq!(app.digest("accounts").await, digest);
    assert_eq!(app.resources("accounts").await, before);
}
