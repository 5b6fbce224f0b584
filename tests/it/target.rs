//! What a target does with a page (sync 4.4, 5.3, 5.5).

use crate::support::App;
use crate::support::app::{child, names, statuses, tick};
use crate::support::messages::{
    N1, N2, SAMPLE, SyncFeed, account, account_of, deleted_account, digest_entry, page, three_nodes,
};
use rstest::rstest;
use sdata_sync::protocol::etag;
use sdata_sync::wire::{Entry, StateRead};
use uuid::Uuid;

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
    assert_eq!(etag::version(created.header("etag")), etag::version(entries[1].etag.as_deref().unwrap()));
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

#[tokio::test]
async fn a_value_that_is_taken_changes_nothing_for_the_other_entries_of_its_page() {
    let app = App::start("crm").await;
    app.apply("accounts", &page().with((N1, 1), &account_of(Uuid::new_v4(), "A1", "first"))).await;
    let feed = page()
        .with((N1, 2), &account_of(Uuid::new_v4(), "A1", "second"))
        .with((N1, 3), &account_of(Uuid::new_v4(), "A3", "third"));
    let (_, entries) = app.apply("accounts", &feed).await.feed();
    assert_eq!(statuses(&entries), [409, 201]);
    assert_eq!(names(&app).await, ["first", "third"]);
    // Its key is the one every new resource gets.
    let location = entries[1].location.as_deref().unwrap_or_default();
    let key = location.split('\'').nth(1).unwrap_or_default();
    assert!(!key.is_empty() && key.bytes().all(|digit| digit.is_ascii_digit()), "{location}");
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
    let feed = SyncFeed::new(N1, &[(N1, 90, 1)]);
    let first =
        (1..=40).fold(feed.clone(), |page, n| page.with((N1, n), &account_of(Uuid::new_v4(), &format!("A{n}"), "one")));
    let mut second = feed.with((N1, 80), &account_of(Uuid::new_v4(), "Z", "last"));
    second.start_index = Some(41);
    app.hold_lanes().await;
    let url = format!("{}/$syncTarget?trackingID=", app.kind("accounts"));
    let one = app.post(&format!("{url}T1"), first.with_next().xml()).await;
    let two = app.post(&format!("{url}T2"), second.xml()).await;
    assert_eq!((one.status, two.status), (202, 202));
    if cancelled {
        assert_eq!(app.delete(one.header("location")).await.status, 200);
    }
    app.release_lanes().await;
    if cancelled {
        app.poll(two.header("location")).await.assert_refused(409);
        let digest = app.digest("accounts").await;
        assert!(tick(&digest, N1).is_none_or(|tick| tick <= 40), "nothing behind the cancelled page is covered");
        return;
    }
    assert_eq!(statuses(&app.poll(two.header("location")).await.feed().1), [201]);
    assert_eq!(app.get(one.header("location")).await.feed().1.len(), 40, "the first was done before it");
    assert_eq!(tick(&app.digest("accounts").await, N1), Some(90));
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
        let answer = crm.get(&format!("{context}?count=2&_after={after}")).await;
        assert!(answer.status < 500, "{after}: {}", answer.text());
    }
    assert_eq!(crm.pass_to(&erp, "accounts").await[0].feed().1.len(), 3);
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

/// SYNC-2.1-03: only the entry is refused. Neither the digest passes it nor is it kept: our clock could never get there.
#[tokio::test]
async fn a_state_with_a_tick_of_ours_that_no_backup_explains_is_refused_alone() {
    let app = App::start("crm").await;
    let own = app.kind("accounts");
    let far = 1 << 40;
    let feed = page()
        .with((&own, far), &account_of(Uuid::new_v4(), "A1", "cannot be"))
        .with((N1, 7), &account_of(Uuid::new_v4(), "A2", "can be"));
    let answer = app.apply("accounts", &feed).await;
    let entries = answer.feed().1;
    assert_eq!(statuses(&entries), [400, 201]);
    let message = &entries[0].diagnoses[0].message;
    assert!(message.contains(&far.to_string()) && message.contains("no backup is that old"), "{message}");
    assert_eq!((tick(&answer.digest(), &own), tick(&answer.digest(), N1)), (Some(1), Some(50)));
    assert!(app.audit_rows("parked").await.is_empty());
    app.create("accounts", &account("A3", "numbered next")).await;
    assert_eq!(tick(&app.digest("accounts").await, &own), Some(2));
}

/// SYNC-2.1-03.
#[tokio::test]
async fn a_digest_with_a_tick_of_ours_that_no_backup_explains_is_refused() {
    let app = App::start("crm").await;
    let own = app.kind("accounts");
    let far = [(N1, 50, 1), (own.as_str(), 1 << 40, 5)];
    let feed = SyncFeed::new(N1, &far).with((N1, 7), &account_of(Uuid::new_v4(), "A1", "of no use"));
    let (answer, _) = app.run("accounts", "$syncTarget", "", feed.xml()).await;
    answer.assert_refused(400);
    let (answer, _) = app.run("accounts", "$syncSource", "", digest_entry(N1, &far)).await;
    answer.assert_refused(400);
    assert_eq!(tick(&app.digest("accounts").await, &own), Some(1));
    assert_eq!(names(&app).await, [""; 0]);
}
