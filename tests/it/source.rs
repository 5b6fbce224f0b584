//! What a source sends (sync 2.5, 4.3, 4.4, 5.2).

use crate::support::app::{child, tick};
use crate::support::messages::{
    N1, N2, N3, SAMPLE, SyncFeed, account, account_of, deleted_account, digest_entry, entry, three_nodes,
};
use crate::support::{Answer, App};
use rstest::rstest;
use sdata_sync::protocol::{Stamp, SyncMode};
use sdata_sync::wire::{Element, Entry, StateRead};
use uuid::Uuid;

/// The first page for a target with this digest.
async fn source(app: &App, kind: &str, known: &[(&str, u64, u8)]) -> Answer {
    app.run(kind, "$syncSource", "&runName=test&runStamp=1&count=100", digest_entry(N2, known)).await.0
}

/// Where and when an entry was changed.
fn state(entry: &Entry) -> (String, u64, Stamp) {
    let StateRead::Given { endpoint, tick, stamp, .. } = &entry.sync_state else { panic!("{:?}", entry.sync_state) };
    (endpoint.as_ref().unwrap().to_string(), tick.value(), stamp.unwrap())
}

fn states(entries: &[Entry]) -> Vec<(String, u64)> {
    entries.iter().map(state).map(|(endpoint, tick, _)| (endpoint, tick)).collect()
}

/// The resource element of an entry.
fn resource(entry: &Entry) -> &Element {
    entry.resource().unwrap()
}

/// An application that knows (6, 7, 9) and has resources changed at N1, N2 and N3.
async fn relay(ticks: [u64; 3], changes: &[(&str, u64)]) -> App {
    let app = App::start("crm").await;
    let feed = changes.iter().fold(SyncFeed::new(N1, &three_nodes(ticks)), |feed, (endpoint, tick)| {
        let code = format!("A{tick}-{}", &endpoint[8..9]);
        feed.with((endpoint, *tick), &account_of(Uuid::new_v4(), &code, "relayed"))
    });
    assert_eq!(app.apply("accounts", &feed).await.status, 200);
    app
}

/// SYNC-2.5-01, SYNC-2.5-02, SYNC-4.4-09: the two passes of the example.
#[rstest]
#[case::n1_to_n2([6, 7, 9], &[(N1, 4), (N1, 5), (N2, 6), (N3, 7), (N3, 8)], [5, 8, 8], &[(N1, 5), (N3, 8)])]
#[case::n2_to_n1([6, 8, 9], &[(N1, 5), (N2, 6), (N2, 7), (N3, 8)], [6, 7, 9], &[(N2, 7)])]
#[tokio::test]
async fn only_what_the_target_lacks_is_sent(
    #[case] known: [u64; 3],
    #[case] changes: &[(&str, u64)],
    #[case] target: [u64; 3],
    #[case] sent: &[(&str, u64)],
) {
    let app = relay(known, changes).await;
    let answer = source(&app, "accounts", &three_nodes(target)).await;
    let sent: Vec<_> = sent.iter().map(|(endpoint, tick)| ((*endpoint).to_owned(), *tick)).collect();
    assert_eq!(states(&answer.feed().1), sent);
    assert_eq!([N1, N2, N3].map(|node| tick(&answer.digest(), node).unwrap()), known);
}

/// SYNC-5.2-02, SYNC-4.4-09: an empty digest means "send everything".
#[tokio::test]
async fn an_endpoint_that_the_target_does_not_know_is_sent_from_its_beginning() {
    let app = relay([6, 7, 9], &[(N1, 1), (N1, 5), (N2, 6), (N3, 8)]).await;
    app.create("accounts", &account("own", "of this endpoint")).await;
    let own = app.kind("accounts");
    let answer = source(&app, "accounts", &[]).await;
    let (head, entries) = answer.feed();
    assert_eq!(head.total_results, Some(5));
    let mut all = states(&entries);
    let grouped = all.clone();
    all.sort();
    let mut expected = vec![(N1.into(), 1), (N1.into(), 5), (N2.into(), 6), (N3.into(), 8), (own, 1)];
    expected.sort();
    assert_eq!(all, expected);
    let position = |tick| grouped.iter().position(|state| *state == (N1.to_owned(), tick)).unwrap();
    assert_eq!(position(5), position(1) + 1, "grouped by endpoint, ticks ascending: {grouped:?}");
}

/// SYNC-4.3-01, SYNC-4.4-01, SYNC-4.4-02, SYNC-4.4-06, CORE-3.8-02, CORE-3.9-01.
#[tokio::test]
async fn an_entry_carries_its_state_its_uuid_and_every_property_it_has() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one &amp; &lt;two>")).await;
    let answer = source(&app, "accounts", &[]).await;
    assert_eq!(answer.header("content-type"), "application/atom+xml; type=feed");
    let (head, entries) = answer.feed();
    assert_eq!(head.sync_mode, Some(SyncMode::CatchUp));
    assert!(answer.text().contains(">catchUp</sync:syncMode>"), "{}", answer.text());
    assert_eq!(tick(&answer.digest(), &app.kind("accounts")), Some(2));
    assert_eq!(state(&entries[0]).0, app.kind("accounts"));
    assert_eq!(state(&entries[0]).1, 1);
    assert_eq!(entries[0].http_method.as_deref(), Some("PUT"));
    let account = resource(&entries[0]);
    assert!(account.is(SAMPLE, "account"));
    assert!(account.uuid().unwrap().is_ok());
    assert_eq!(child(account, "name"), "one & <two>");
    let properties: Vec<_> = account.children().map(|child| (&*child.name, child.is_nil())).collect();
    assert_eq!(properties.len(), 14, "all of the schema: {properties:?}");
    assert!(properties.contains(&("code", false)) && properties.contains(&("phone", true)), "{properties:?}");
    let sdata = |name| account.attribute("http://schemas.sage.com/sdata/2008/1", name).unwrap();
    assert_eq!((sdata("url"), sdata("uri")), (&*url, &*url));
    assert_eq!(url, format!("{}('{}')", app.kind("accounts"), sdata("key")));
}

/// SYNC-4.4-07, SYNC-5.4-01.
#[tokio::test]
async fn a_deleted_resource_is_an_empty_element_with_uuid_and_flag() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let feed = SyncFeed::new(N1, &three_nodes([3, 1, 1]))
        .with((N1, 1), &account_of(uuid, "A1", "one"))
        .with((N1, 2), &deleted_account(Uuid::new_v4()));
    let statuses: Vec<_> = app.apply("accounts", &feed).await.feed().1.iter().map(|e| e.http_status.unwrap()).collect();
    assert_eq!(statuses, [201, 200], "the tombstone of what was never here is recorded");
    let resources = app.resources("accounts").await;
    let url = resources[0].attribute("http://schemas.sage.com/sdata/2008/1", "url").unwrap();
    assert_eq!(app.delete(url).await.status, 200);
    let (_, entries) = source(&app, "accounts", &[]).await.feed();
    assert_eq!(entries.len(), 2);
    for entry in &entries {
        assert!(entry.is_deleted());
        assert_eq!(entry.http_method.as_deref(), Some("DELETE"));
        assert!(resource(entry).content.is_empty());
    }
    assert!(entries.iter().any(|entry| entry.uuid() == Some(Ok(uuid))));
}

/// SYNC-4.4-14, SYNC-4.4-02.
#[tokio::test]
async fn an_empty_change_set_is_a_feed_with_the_digest_and_no_entries() {
    let app = App::start("crm").await;
    app.create("accounts", &account("A1", "one")).await;
    let own = app.kind("accounts");
    assert_eq!(tick(&app.digest("accounts").await, &own), Some(2));
    let answer = source(&app, "accounts", &[(&own, 2, 5)]).await;
    let (head, entries) = answer.feed();
    assert!(entries.is_empty());
    assert_eq!((head.total_results, head.start_index, head.items_per_page), (Some(0), Some(1), Some(100)));
    assert_eq!(head.sync_mode, Some(SyncMode::CatchUp));
    assert_eq!(head.link("next"), None);
    assert_eq!(tick(&head.digest.unwrap(), &own), Some(2));
}

/// SYNC-1.2-01, SYNC-1.2-03, SYNC-1.1-01, SYNC-1.1-03.
#[tokio::test]
async fn a_resource_gets_its_uuid_when_it_is_first_sent_and_keeps_it() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    assert_eq!(app.get(&url).await.entry().uuid(), None, "reading links nothing");
    assert_eq!(resource(&app.get(&app.kind("accounts")).await.feed().1[0]).uuid(), None);
    let (_, entries) = source(&app, "accounts", &[]).await.feed();
    let uuid = entries[0].uuid().unwrap().unwrap();
    assert_eq!(uuid.get_version_num(), 8, "derived, to be the same again after a restore");
    assert_eq!(app.get(&url).await.entry().uuid(), Some(Ok(uuid)));
    app.put(&url, entry(&account("A1", "two"))).await;
    let (_, entries) = source(&app, "accounts", &[]).await.feed();
    assert_eq!(entries[0].uuid(), Some(Ok(uuid)));
}

/// OURS-SCALE-01: so that a target can take it.
#[tokio::test]
async fn a_page_ends_before_its_count_where_its_entries_are_large() {
    let app = App::start("crm").await;
    let large = account("A1", "large")
        .replace("</account>", &format!("<website>http://a/{}</website></account>", "x".repeat(6 << 20)));
    for code in ["A1", "A2", "A3"] {
        app.create("accounts", &large.replace("A1", code)).await;
    }
    let answer = source(&app, "accounts", &[]).await;
    let (head, entries) = answer.feed();
    assert_eq!((head.total_results, head.items_per_page, entries.len()), (Some(3), Some(2), 2));
    let next = head.link("next").unwrap().to_owned();
    assert!(next.contains("startIndex=3"), "{next}");
    let (head, entries) = app.get(&next).await.feed();
    assert_eq!((child(resource(&entries[0]), "code"), entries.len()), ("A3".to_owned(), 1));
    assert_eq!(head.link("next"), None);
}

/// SYNC-4.3-05, SYNC-4.3-06, SYNC-4.4-10: a relay passes on what it was given, unchanged.
#[tokio::test]
async fn a_relay_passes_on_every_property_and_the_state_with_stamp_and_user() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let sent = format!(
        r#"<account xmlns="{SAMPLE}" sdata:uuid="{uuid}"><code>A1</code><name>one</name><type>Supplier</type><active>true</active>
        <phone>+44 1</phone><creditLimit>10.5</creditLimit><openedOn>2020-02-29</openedOn><balance>3.25</balance>
        <postalAddress><street>Main &amp; Side</street><city>Ÿ城</city></postalAddress><notes>a
b</notes></account>"#
    );
    let user = "<sync:stamp>2019-03-04T05:06:07.089Z</sync:stamp><sync:user>somebody</sync:user>";
    let mut feed = SyncFeed::new(N1, &three_nodes([6, 1, 1])).with((N1, 5), &sent);
    feed.entries[0] = feed.entries[0].replace("<sync:stamp>2026-01-01T00:00:00Z</sync:stamp>", user);
    assert_eq!(app.apply("accounts", &feed).await.feed().1[0].http_status, Some(201));
    let (_, entries) = source(&app, "accounts", &[]).await.feed();
    assert_eq!(state(&entries[0]), (N1.to_owned(), 5, Stamp::parse("2019-03-04T05:06:07.089Z").unwrap()));
    let StateRead::Given { user, .. } = &entries[0].sync_state else { panic!("no state") };
    assert_eq!(user.as_deref(), Some("somebody"));
    let account = resource(&entries[0]);
    let scalars = ["code", "type", "active", "phone", "creditLimit", "openedOn", "balance", "notes"];
    let values = scalars.map(|name| child(account, name));
    assert_eq!(values, ["A1", "Supplier", "true", "+44 1", "10.5", "2020-02-29", "3.25", "a\nb"]);
    let address = account.children().find(|child| &*child.name == "postalAddress").unwrap();
    assert_eq!((child(address, "street"), child(address, "city")), ("Main & Side".into(), "Ÿ城".into()));
}

/// SYNC-2.3-05: the version that is replaced comes from the future.
#[tokio::test]
async fn a_change_made_here_is_later_than_the_version_it_replaces() {
    let app = App::start("crm").await;
    let sent = account_of(Uuid::new_v4(), "A1", "from the future");
    let feed = SyncFeed::new(N1, &three_nodes([6, 1, 1])).stamped((N1, 5, "2090-01-01T00:00:00Z"), &sent);
    app.apply("accounts", &feed).await;
    let resources = app.resources("accounts").await;
    let url = resources[0].attribute("http://schemas.sage.com/sdata/2008/1", "url").unwrap();
    assert_eq!(app.put(url, entry(&account("A1", "changed here"))).await.status, 200);
    let (_, entries) = source(&app, "accounts", &[]).await.feed();
    let changed = state(&entries[0]);
    assert_eq!((changed.0, changed.1), (app.kind("accounts"), 1));
    assert_eq!(changed.2, Stamp::parse("2090-01-01T00:00:00.001Z").unwrap());
}

/// SYNC-4.3-03.
#[tokio::test]
async fn every_change_has_a_tick_of_its_own() {
    let app = App::start("crm").await;
    for n in 0..5 {
        app.create("accounts", &account(&format!("A{n}"), "one")).await;
    }
    let (_, entries) = source(&app, "accounts", &[]).await.feed();
    let ticks: Vec<_> = states(&entries).into_iter().map(|(_, tick)| tick).collect();
    assert_eq!(ticks, [1, 2, 3, 4, 5]);
}

/// SYNC-4.4-08, SYNC-6.1-01, SYNC-6.1-05.
#[tokio::test]
async fn an_order_is_sent_with_its_lines_and_with_references_by_uuid_alone() {
    let app = App::start("crm").await;
    let account_url = app.create("accounts", &account("A1", "one")).await;
    let product = format!(r#"<product xmlns="{SAMPLE}"><sku>P1</sku><name>Nail</name></product>"#);
    let product_url = app.create("products", &product).await;
    let key = |url: &str| url.split('\'').nth(1).unwrap().to_owned();
    let order = |quantity: u32| {
        format!(
            r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>O1</orderNumber><account sdata:key="{}"/>
            <orderLines sdata:deleteMissing="true"><salesOrderLine><lineNumber>1</lineNumber><product sdata:key="{}"/>
            <quantity>{quantity}</quantity></salesOrderLine></orderLines></salesOrder>"#,
            key(&account_url),
            key(&product_url)
        )
    };
    let url = app.create("salesOrders", &order(1)).await;
    let (_, entries) = source(&app, "salesOrders", &[]).await.feed();
    let sent = resource(&entries[0]);
    let part = |parent: &Element, name: &str| parent.children().find(|child| &*child.name == name).unwrap().clone();
    let reference = part(sent, "account");
    assert!(reference.content.is_empty());
    assert_eq!(reference.uuid(), app.get(&account_url).await.entry().uuid(), "the account was linked for it");
    assert_eq!(reference.attributes.len(), 1, "{reference:?}");
    let lines = part(sent, "orderLines");
    assert_eq!(lines.attribute("http://schemas.sage.com/sdata/2008/1", "deleteMissing"), Some("true"));
    let line = part(&lines, "salesOrderLine");
    assert!(line.uuid().unwrap().is_ok());
    assert_eq!(part(&line, "product").uuid(), app.get(&product_url).await.entry().uuid());
    assert!(!answer_has_states_within(&entries), "a child has no state");
    let (before, own) = (states(&entries), app.kind("salesOrders"));
    assert_eq!(before, [(own.clone(), 1)]);
    assert_eq!(app.put(&url, entry(&order(2))).await.status, 200);
    let (_, entries) = source(&app, "salesOrders", &[]).await.feed();
    assert_eq!(states(&entries), [(own, 2)], "a changed line is a change of its order");
}

fn answer_has_states_within(entries: &[Entry]) -> bool {
    fn within(element: &Element) -> bool {
        &*element.name == "syncState" || element.children().any(within)
    }
    entries.iter().filter_map(Entry::resource).any(within)
}

/// SYNC-4.4-02, SYNC-5.6-01, SYNC-5.2-03: what changes between two pages is left for the next pass, the rest comes once.
#[rstest]
#[case::following_next(false)]
#[case::by_start_index(true)]
#[tokio::test]
async fn a_resource_changed_between_two_pages_makes_no_other_be_skipped(#[case] by_number: bool) {
    let app = App::start("crm").await;
    let mut urls = Vec::new();
    for n in 0..6 {
        urls.push(app.create("accounts", &account(&format!("A{n}"), "one")).await);
    }
    let (mut page, context) = app.run("accounts", "$syncSource", "&count=2", digest_entry(N1, &[])).await;
    let digest = page.digest();
    let (mut seen, mut start) = (Vec::new(), 1);
    loop {
        let (head, entries) = page.feed();
        assert_eq!(head.digest.as_ref(), Some(&digest), "the same on all pages");
        assert_eq!(head.start_index, Some(start));
        start += entries.len() as u64;
        seen.extend(entries.iter().map(|entry| child(resource(entry), "code")));
        if seen.len() == 2 {
            // One that was sent, and one that was not.
            for n in [0, 3] {
                app.put(&urls[n], entry(&account(&format!("A{n}"), "changed"))).await;
            }
            app.digest("accounts").await;
        }
        let Some(next) = head.link("next") else { break };
        let by_hand = format!("{context}?startIndex={start}&count=2");
        page = app.get(if by_number { &by_hand } else { next }).await;
    }
    assert_eq!(seen, ["A0", "A1", "A2", "A4", "A5"]);
    let known: Vec<_> = digest.entries.iter().map(|(url, entry)| (url.to_string(), entry.tick.value(), 5)).collect();
    let known: Vec<_> = known.iter().map(|(url, tick, priority)| (url.as_str(), *tick, *priority)).collect();
    let (_, entries) = source(&app, "accounts", &known).await.feed();
    let codes: Vec<_> = entries.iter().map(|entry| child(resource(entry), "code")).collect();
    assert_eq!(codes, ["A0", "A3"], "they come with the next pass");
}
