//! `$syncDigest`, and how a digest moves (sync 4.1, 4.2, 5.1, 5.5).

use crate::support::App;
use crate::support::app::{child, tick};
use crate::support::messages::{
    N1, N2, N3, SyncFeed, account, account_of, digest, digest_entry, entry, node, three_nodes,
};
use rstest::rstest;
use sdata_sync::protocol::{Digest, Stamp};
use sdata_sync::wire::Element;
use uuid::Uuid;

fn digest_url(app: &App) -> String {
    format!("{}/$syncDigest", app.kind("accounts"))
}

/// The ticks of the three nodes of the examples.
fn ticks(digest: &Digest) -> [Option<u64>; 3] {
    [N1, N2, N3].map(|node| tick(digest, node))
}

/// An application whose accounts have taken in the three nodes' changes up to these ticks.
async fn app_at(known: [u64; 3]) -> App {
    let app = App::start("crm").await;
    let answer = app.post(&digest_url(&app), digest_entry(N1, &three_nodes(known))).await;
    assert_eq!(ticks(&answer.digest()), known.map(Some));
    app
}

/// SYNC-4.1-01, SYNC-4.2-01, SYNC-4.2-03, SYNC-4.2-06, SYNC-4.2-07, SYNC-5.1-01.
#[tokio::test]
async fn the_digest_of_a_new_collection_is_an_entry_that_knows_itself_at_tick_1() {
    let settings = [("contracts.0.kinds.accounts.conflict_priority", "3")];
    let app = App::start_with("crm", &crate::support::Backend::Sqlite, &settings).await;
    let answer = app.get(&digest_url(&app)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/atom+xml; type=entry");
    let read = answer.entry();
    assert_eq!(read.id, digest_url(&app));
    assert!(!read.title.is_empty());
    let own_link = read.links.iter().find(|link| link.rel == "self").unwrap();
    assert_eq!(own_link.href, digest_url(&app));
    let xml = answer.xml();
    let payload = xml.children().find(|child| &*child.name == "payload").unwrap();
    let digest = payload.children().next().unwrap();
    assert!(digest.is("http://schemas.sage.com/sdata/sync/2008/1", "digest"));
    assert_eq!(child(digest, "origin"), app.kind("accounts"));
    let entries: Vec<_> = digest.children().filter(|child| &*child.name == "digestEntry").collect();
    let names: Vec<_> = entries[0].children().map(|child| child.name.to_string()).collect();
    assert_eq!(names, ["endpoint", "tick", "stamp", "conflictPriority"]);
    assert_eq!(entries.len(), 1);
    assert_eq!(child(entries[0], "endpoint"), app.kind("accounts"));
    assert_eq!(child(entries[0], "tick"), "1");
    assert_eq!(child(entries[0], "conflictPriority"), "3");
    let stamp = child(entries[0], "stamp");
    assert_eq!(read.updated, Stamp::parse(&stamp), "the digest is as old as what it says");
    assert!(stamp.ends_with('Z') && Stamp::parse(&stamp).is_some_and(|stamp| stamp <= Stamp::now()), "{stamp}");
}

/// SYNC-2.2-01, SYNC-2.2-02, SYNC-4.3-04.
#[tokio::test]
async fn the_own_tick_is_one_above_the_last_change_and_writes_between_two_looks_are_one_change() {
    let app = App::start("crm").await;
    let own = app.kind("accounts");
    let url = app.create("accounts", &account("A1", "one")).await;
    app.create("accounts", &account("A2", "two")).await;
    assert_eq!(tick(&app.digest("accounts").await, &own), Some(3));
    for name in ["one again", "one once more"] {
        assert_eq!(app.put(&url, entry(&account("A1", name))).await.status, 200);
    }
    assert_eq!(tick(&app.digest("accounts").await, &own), Some(4));
    assert_eq!(tick(&app.digest("accounts").await, &own), Some(4), "reading moves nothing");
    assert_eq!(app.delete(&url).await.status, 200);
    assert_eq!(tick(&app.digest("accounts").await, &own), Some(5));
}

/// SYNC-4.1-02, SYNC-4.2-02, SYNC-4.2-04.
#[tokio::test]
async fn a_posted_digest_is_merged_and_answered_as_stored() {
    let app = app_at([5, 8, 8]).await;
    let posted = digest_entry(N2, &[(N1, 4, 4), (N2, 9, 7), (N3, 8, 6)]);
    let answer = app.post(&digest_url(&app), posted).await;
    assert_eq!(answer.header("content-type"), "application/atom+xml; type=entry");
    let merged = answer.digest();
    assert_eq!(ticks(&merged), [Some(5), Some(9), Some(8)]);
    let priorities = three_nodes([0; 3]).map(|(node, _, _)| {
        merged.entries[&sdata_sync::protocol::Endpoint::parse(node).unwrap()].conflict_priority.value()
    });
    assert_eq!(priorities, [1, 7, 6], "taken over where the tick is not older");
    assert_eq!(merged.origin.as_ref().unwrap().as_str(), app.kind("accounts"));
    assert_eq!(tick(&merged, &app.kind("accounts")), Some(1));
    assert_eq!(app.digest("accounts").await, merged);
}

/// SYNC-4.1-03: an endpoint that the body does not name stays as it is.
#[tokio::test]
async fn a_digest_that_is_put_sets_remote_ticks_exactly_and_their_changes_come_again() {
    let app = App::start("crm").await;
    let feed = SyncFeed::new(N1, &three_nodes([6, 1, 1])).with((N1, 5), &account_of(Uuid::new_v4(), "A1", "one"));
    assert_eq!(app.apply("accounts", &feed).await.feed().1[0].http_status, Some(201));
    let answer = app.put(&digest_url(&app), digest_entry(N1, &[(N1, 2, 4)])).await;
    assert_eq!(ticks(&answer.digest()), [Some(2), Some(1), Some(1)]);
    assert_eq!(app.digest("accounts").await, answer.digest());
    let again = app.apply("accounts", &feed).await;
    assert_eq!(again.feed().1[0].http_status, Some(200), "the same change is ignored");
    assert_eq!(ticks(&again.digest()), [Some(6), Some(1), Some(1)]);
}

/// SYNC-4.1-05.
#[rstest]
#[case::post_higher("POST", 4, 409)]
#[case::post_equal("POST", 3, 200)]
#[case::post_lower("POST", 2, 200)]
#[case::put_higher("PUT", 4, 409)]
#[case::put_equal("PUT", 3, 200)]
#[case::put_lower("PUT", 2, 409)]
#[tokio::test]
async fn the_own_tick_never_moves_from_outside(#[case] method: &str, #[case] own: u64, #[case] status: u16) {
    let app = App::start("crm").await;
    for code in ["A1", "A2"] {
        app.create("accounts", &account(code, "two changes make tick 3")).await;
    }
    let before = app.digest("accounts").await;
    let endpoint = app.kind("accounts");
    let body = digest_entry(N1, &[(&endpoint, own, 1), (N1, 7, 2)]);
    let answer = app.send(app.request(method, &digest_url(&app)).body(body)).await;
    assert_eq!(answer.status, status, "{}", answer.text());
    let after = app.digest("accounts").await;
    if status == 409 {
        answer.assert_refused(409);
        assert_eq!(tick(&after, N1), tick(&before, N1), "nothing of the body is taken");
        // A higher one is heard as a proof, and then peers are asked for what may be forgotten (SYNC-2.1-04).
        assert!(tick(&after, &endpoint) <= Some(3));
    } else {
        assert_eq!(tick(&after, &endpoint), Some(3));
        assert_eq!(tick(&after, N1), Some(7));
        let own = &after.entries[&sdata_sync::protocol::Endpoint::parse(&endpoint).unwrap()];
        assert_eq!(own.conflict_priority.value(), 5, "the own priority is the configuration's");
    }
}

/// SYNC-4.2-05, SYNC-4.2-08, SYNC-5.2-04: a digest that cannot be kept is refused and changes nothing.
#[rstest]
#[case::priority_0(&digest_entry(N1, &[(N1, 5, 0)]))]
#[case::priority_10(&digest_entry(N1, &[(N1, 5, 10)]))]
#[case::no_priority(&digest_entry(N1, &[(N1, 5, 1)]).replace("<sync:conflictPriority>1</sync:conflictPriority>", ""))]
#[case::tick_below_0(&digest_entry(N1, &[(N1, 5, 1)]).replace("<sync:tick>5<", "<sync:tick>-1<"))]
#[case::tick_with_decimals(&digest_entry(N1, &[(N1, 5, 1)]).replace("<sync:tick>5<", "<sync:tick>5.5<"))]
#[case::tick_above_64_bits(&digest_entry(N1, &[(N1, 5, 1)]).replace("<sync:tick>5<", "<sync:tick>18446744073709551616<"))]
#[case::tick_missing(&digest_entry(N1, &[(N1, 5, 1)]).replace("<sync:tick>5</sync:tick>", ""))]
#[case::endpoint_no_url(&digest_entry(N1, &[("here", 5, 1)]))]
#[case::endpoint_empty(&digest_entry(N1, &[("", 5, 1)]))]
#[case::no_digest(&entry(""))]
#[case::a_resource(&entry(&account("A1", "one")))]
#[case::a_feed(&SyncFeed::new(N1, &[(N1, 5, 1)]).xml())]
#[case::a_tracking_payload(r#"<sdata:tracking xmlns:sdata="http://schemas.sage.com/sdata/2008/1"/>"#)]
#[case::nothing("")]
#[tokio::test]
async fn a_body_that_is_no_digest_is_refused(#[case] body: &str, #[values("POST", "PUT")] method: &str) {
    let app = App::start("crm").await;
    let before = app.digest("accounts").await;
    app.send(app.request(method, &digest_url(&app)).body(body.to_owned())).await.assert_refused(400);
    assert_eq!(app.digest("accounts").await, before);
}

/// SYNC-4.2-05, SYNC-4.2-07, SYNC-4.2-08: what a pass tolerates is never written.
#[tokio::test]
async fn foreign_ticks_of_minus_1_and_0_and_priority_0_are_read_but_never_written() {
    let app = App::start("crm").await;
    let feed = SyncFeed::new(N1, &three_nodes([6, 1, 0])).with((N1, 5), &account_of(Uuid::new_v4(), "A1", "one"));
    let mut feed = feed;
    let foreign = feed.digest.unwrap().replace("<sync:tick>1<", "<sync:tick>-1<");
    feed.digest = Some(foreign.replace(">1</sync:conflictPriority>", ">0</sync:conflictPriority>"));
    let answer = app.apply("accounts", &feed).await;
    assert_eq!(answer.feed().1[0].http_status, Some(201));
    for answer in [answer, app.get(&digest_url(&app)).await] {
        assert_eq!(ticks(&answer.digest()), [Some(6), None, None], "nothing is known of the other two");
        assert!(answer.text().contains("<sync:conflictPriority>1</sync:conflictPriority>"), "{}", answer.text());
        let written: Vec<_> = answer.text().split("<sync:tick>").skip(1).map(|rest| rest[..2].to_owned()).collect();
        assert!(written.iter().all(|tick| !tick.starts_with('-') && tick != "0<"), "{written:?}");
    }
    let asked = digest_entry("", &[(N1, 0, 0), (N2, 5, 0)]).replace("<sync:tick>0<", "<sync:tick>-1<");
    let (page, _) = app.run("accounts", "$syncSource", "", asked).await;
    assert_eq!(page.feed().1.len(), 1, "-1 means that nothing is there yet");
}

/// SYNC-3.1-01.
#[tokio::test]
async fn the_host_header_has_no_part_in_an_endpoint() {
    let app = App::start("crm").await;
    let answer = app.send(app.request("GET", &digest_url(&app)).header("Host", "192.0.2.7")).await;
    assert_eq!(answer.digest().origin.unwrap().as_str(), app.kind("accounts"));
    assert!(!answer.text().contains("192.0.2.7"), "{}", answer.text());
    let submitted = app.request("POST", &format!("{}/$syncSource?trackingID=T1", app.kind("accounts")));
    let body = digest_entry(N1, &[]);
    let answer = app.send(submitted.header("Host", "192.0.2.7").body(body)).await;
    assert_eq!(answer.header("location"), format!("{}/$syncSource('T1')", app.kind("accounts")));
}

/// SYNC-3.1-02.
#[rstest]
#[case::scheme_and_host_case("HTTP://N1.Example.COM/sdata/app/contract/-/accounts")]
#[case::default_port("http://n1.example.com:80/sdata/app/contract/-/accounts")]
#[case::trailing_slash("http://n1.example.com/sdata/app/contract/-/accounts/")]
#[case::percent_encoding("http://n1.example.com/sdata/app/contract/%2D/account%73")]
#[tokio::test]
async fn spellings_of_one_url_are_one_endpoint(#[case] spelling: &str) {
    let app = app_at([5, 8, 8]).await;
    let merged = app.post(&digest_url(&app), digest_entry(N1, &[(spelling, 6, 1)])).await.digest();
    assert_eq!(ticks(&merged), [Some(6), Some(8), Some(8)]);
    assert_eq!(merged.entries.len(), 4);
}

/// SYNC-4.1-04.
#[rstest]
#[tokio::test]
async fn a_digest_has_no_other_methods(#[values("DELETE", "PATCH", "OPTIONS")] method: &str) {
    let app = App::start("crm").await;
    let answer = app.send(app.request(method, &digest_url(&app))).await;
    answer.assert_refused(405);
    assert_eq!(answer.header("allow"), "GET, HEAD, PUT, POST");
}

/// SYNC-2.5-03, SYNC-2.5-04: the provider is N2 of the example; N1 sends what N2 lacks.
#[tokio::test]
async fn after_the_example_of_sync_2_5_the_target_has_what_the_source_had() {
    let app = app_at([5, 8, 8]).await;
    let feed = SyncFeed::new(N1, &three_nodes([6, 7, 9]))
        .with((N1, 5), &account_of(Uuid::new_v4(), "A1", "of n1"))
        .with((N3, 8), &account_of(Uuid::new_v4(), "A3", "of n3"));
    let answer = app.apply("accounts", &feed).await;
    assert_eq!(ticks(&answer.digest()), [Some(6), Some(8), Some(9)]);
    let (erp, crm) = (App::start("erp").await, app);
    crm.pass_to(&erp, "accounts").await;
    erp.pass_to(&crm, "accounts").await;
    let (one, other) = (crm.digest("accounts").await, erp.digest("accounts").await);
    let ticks =
        |digest: &Digest| digest.entries.iter().map(|(url, entry)| (url.clone(), entry.tick)).collect::<Vec<_>>();
    assert_eq!(ticks(&one), ticks(&other));
    assert_eq!(one.entries.len(), 5);
}

/// SYNC-5.5-01, SYNC-5.5-02, SYNC-5.5-03: the example of sync 5.5, in two pages.
#[tokio::test]
async fn the_digest_moves_with_every_entry_and_is_adopted_at_the_end_of_the_last_page_only() {
    let app = app_at([5, 11, 8]).await;
    let mut page = SyncFeed::new(N1, &three_nodes([6, 10, 10]))
        .with((N1, 5), &account_of(Uuid::new_v4(), "A1", "of n1"))
        .with((N3, 8), &account_of(Uuid::new_v4(), "A3", "of n3"))
        .with_next();
    assert_eq!(ticks(&app.apply("accounts", &page).await.digest()), [Some(6), Some(11), Some(9)]);
    (page.next, page.start_index) = (None, Some(3));
    page.entries.clear();
    assert_eq!(ticks(&app.apply("accounts", &page).await.digest()), [Some(6), Some(11), Some(10)]);
    assert_eq!(ticks(&app.digest("accounts").await), [Some(6), Some(11), Some(10)]);
}

/// SYNC-5.5-04.
#[tokio::test]
async fn remote_priorities_come_with_the_digest_of_a_feed_and_the_own_one_does_not() {
    let app = app_at([5, 8, 8]).await;
    let own = app.kind("accounts");
    let feed = SyncFeed::new(N1, &[(N1, 5, 7), (N2, 7, 7), (N3, 9, 7), (&own, 1, 7)]);
    let digest = app.apply("accounts", &feed).await.digest();
    let priority =
        |url: &str| digest.entries[&sdata_sync::protocol::Endpoint::parse(url).unwrap()].conflict_priority.value();
    assert_eq!([N1, N2, N3, &own].map(priority), [7, 2, 7, 5], "N2's entry there is older than ours");
}

/// SYNC-5.5-05.
#[tokio::test]
async fn entries_that_are_ignored_or_lose_move_the_digest_too() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let first = SyncFeed::new(N1, &three_nodes([6, 1, 1])).with((N1, 5), &account_of(uuid, "A1", "one"));
    app.apply("accounts", &first).await;
    let loser = SyncFeed::new(N3, &[(N1, 3, 1), (N3, 4, 3)])
        .in_mode(None)
        .with((N3, 3), &account_of(uuid, "A1", "lost"))
        .with((N1, 4), &account_of(uuid, "A1", "old"));
    let answer = app.apply("accounts", &loser).await;
    let statuses: Vec<_> = answer.feed().1.iter().map(|entry| entry.http_status.unwrap()).collect();
    assert_eq!(statuses, [409, 200]);
    assert_eq!(ticks(&answer.digest()), [Some(6), Some(1), Some(4)]);
}

/// SYNC-2.1-03, SYNC-2.1-04: whether the feed's digest, the one of a `$syncSource` or one that is written tells of it. Nothing is sent
/// until whoever told has brought what it knows; then the clock goes on far above.
#[rstest]
#[tokio::test]
async fn a_database_put_back_in_time_numbers_nothing_below_what_its_peers_know(
    #[values("$syncSource", "$syncTarget", "$syncDigest")] operation: &str,
) {
    let app = App::start("crm").await;
    let own = app.kind("accounts");
    app.create("accounts", &account("A1", "made after the database was put back")).await;
    let peers = [(&*own, 40, 1), (N1, 3, 2)];
    match operation {
        "$syncSource" => {
            let (answer, _) = app.run("accounts", operation, "&runName=r&runStamp=s", digest_entry(N1, &peers)).await;
            answer.assert_refused(409);
            assert_eq!(answer.diagnosis().application_code, "recovering");
        }
        "$syncDigest" => app.post(&digest_url(&app), digest_entry(N1, &peers)).await.assert_refused(409),
        _ => {
            // Its feed ends nothing where it is one of several pages.
            let page = SyncFeed::new(N1, &peers).with_next().with((N1, 2), &account_of(Uuid::new_v4(), "A2", "theirs"));
            app.apply("accounts", &page).await;
        }
    }
    assert_eq!(tick(&app.digest("accounts").await, &own), Some(1), "what waits gets no tick");
    let refused = app.post(&format!("{own}/$syncSource?trackingID=x"), digest_entry(N1, &[])).await;
    refused.assert_refused(409);
    assert!(app.log().contains("the database was put back in time"), "{}", app.log());
    app.apply("accounts", &SyncFeed::new(N1, &peers)).await;
    let (page, _) = app.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    let (_, entries) = page.feed();
    let sdata_sync::wire::StateRead::Given { tick, .. } = &entries[0].sync_state else { panic!("no state") };
    assert!(tick.value() > 40, "{tick}");
    let events = app.audit_rows("events").await;
    let told = events.iter().map(|event| child(event, "message")).collect::<Vec<_>>().join("\n");
    assert!(told.contains("its clock stands still from tick 1") && told.contains("the clock goes on"), "{told}");
}

/// SYNC-4.2-02: also when they are many.
#[tokio::test]
async fn a_digest_may_know_many_endpoints() {
    let app = App::start("crm").await;
    let urls: Vec<_> = (0..300).map(|n| format!("http://n{n}.example.com/accounts")).collect();
    let entries: Vec<_> = urls.iter().map(|url| (url.as_str(), 7, 3)).collect();
    let merged = app.post(&digest_url(&app), digest_entry(N1, &entries)).await.digest();
    assert_eq!(merged.entries.len(), 301);
    assert!(urls.iter().all(|url| tick(&merged, url) == Some(7)));
}

/// A digest is found by namespace and name wherever an entry has it; other elements beside it do not matter.
#[tokio::test]
async fn a_digest_is_read_with_default_namespaces_and_without_an_entry_around_it() {
    let app = App::start("crm").await;
    let prefixed = digest(N1, &[(N1, 5, 1)]);
    let plain = prefixed.replace("sync:", "").replacen(
        "<digest>",
        r#"<digest xmlns="http://schemas.sage.com/sdata/sync/2008/1">"#,
        1,
    );
    assert_eq!(tick(&app.post(&digest_url(&app), plain.clone()).await.digest(), N1), Some(5));
    let wrapped = entry(&plain.replace("<tick>5<", "<tick>6<"));
    assert_eq!(tick(&app.post(&digest_url(&app), wrapped).await.digest(), node(1)), Some(6));
    assert!(Element::parse(plain.as_bytes(), &sdata_sync::wire::ReadLimits::default()).is_ok());
}

/// SYNC-2.1-03: what was lost with the database comes back from a peer, and what is changed here afterwards is new.
#[tokio::test]
async fn own_changes_that_were_lost_come_back_from_a_peer() {
    let app = App::start("crm").await;
    let own = app.kind("accounts");
    app.create("accounts", &account("A2", "made after the database was put back")).await;
    let lost = account_of(Uuid::new_v4(), "A1", "lost and found");
    let feed = SyncFeed::new(N1, &[(&own, 6, 5), (N1, 2, 5)]).with((&own, 5), &lost);
    let answer = app.apply("accounts", &feed).await;
    assert_eq!(answer.feed().1[0].http_status, Some(201));
    assert!(tick(&answer.digest(), &own) > Some(6));
    assert_eq!(app.resources("accounts").await.len(), 2);
    let (page, _) = app.run("accounts", "$syncSource", "", digest_entry(N1, &[(&own, 6, 5), (N1, 2, 5)])).await;
    let (_, entries) = page.feed();
    let sdata_sync::wire::StateRead::Given { tick, .. } = &entries[0].sync_state else { panic!("no state") };
    assert!(entries.len() == 1 && tick.value() > 5, "the change made here is above what was lost: {tick}");
}

/// OURS-ERR-01, SYNC-4.2-08: a tick that leaves no room above it would be the end of a clock.
#[rstest]
#[case::in_the_digest_of_a_target("$syncSource")]
#[case::in_the_digest_of_a_feed("$syncTarget")]
#[case::in_a_state("state")]
#[case::in_a_state_of_somebody_else("other")]
#[tokio::test]
async fn no_tick_that_is_sent_ends_a_clock(#[case] place: &str, #[values(1 << 62, i64::MAX as u64)] high: u64) {
    let app = App::start("crm").await;
    let own = app.kind("accounts");
    let endpoint = if place == "other" { N1 } else { &own };
    let state = SyncFeed::new(N1, &[(N1, 2, 5)]).with((endpoint, high), &account_of(Uuid::new_v4(), "A0", "far"));
    let (operation, body) = match place {
        "$syncSource" => ("$syncSource", digest_entry(N1, &[(&own, high, 1)])),
        "$syncTarget" => ("$syncTarget", SyncFeed::new(N1, &[(&own, high, 1)]).xml()),
        _ => ("$syncTarget", state.xml()),
    };
    let answer = app.post(&format!("{own}/{operation}"), body).await;
    assert!(answer.status < 500, "{}", answer.text());
    for n in 1..=3 {
        app.create("accounts", &account(&format!("A{n}"), "one")).await;
    }
    let (page, _) = app.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    let sent = page.feed().1.len();
    assert!(sent >= 3, "{sent}");
    assert!(tick(&page.digest(), &own).unwrap() >= 4);
    let other = App::start("erp").await;
    app.pass_to(&other, "accounts").await;
    assert_eq!(other.resources("accounts").await.len(), sent, "everybody can read what this leaves");
}
