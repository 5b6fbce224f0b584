//! How a target reads the feeds of others (sync 4.3, 4.4; core 1.2).

use crate::support::App;
use crate::support::app::{child, names, statuses, tick};
use crate::support::messages::{N1, N2, N3, SAMPLE, SyncFeed, account_of, digest_entry, entry, page, three_nodes};
use rstest::rstest;
use sdata_sync::wire::StateRead;
use uuid::Uuid;

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
