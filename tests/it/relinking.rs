//! UUIDs that change while two and three applications are synchronized (sync 1.2).

use crate::support::app::{child, later, statuses};
use crate::support::messages::{N1, N2, SAMPLE, SyncFeed, account, account_of, digest_entry, entry, link_to};
use crate::support::{Answer, App};
use rstest::rstest;
use sdata_sync::wire::Element;
use sdata_sync::wire::names::SDATA;
use uuid::Uuid;

const LINKING: &str = "urn:sdata-sync:linking:1";

fn link_url(app: &App, uuid: Uuid) -> String {
    format!("{}/$linked('{uuid}')", app.kind("accounts"))
}

async fn link(app: &App, url: &str, uuid: Option<Uuid>) -> Uuid {
    let answer = app.post(&format!("{}/$linked", app.kind("accounts")), link_to(url, uuid)).await;
    assert!([200, 201].contains(&answer.status), "{}", answer.text());
    answer.entry().uuid().unwrap().unwrap()
}

/// Points `uuid` at the account, or gives its link another UUID.
async fn relink(app: &App, uuid: Uuid, url: &str, to: Option<Uuid>) {
    let answer = app.put(&link_url(app, uuid), link_to(url, to)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn rename(app: &App, url: &str, name: &str) {
    let changed = format!(r#"<account xmlns="{SAMPLE}"><name>{name}</name></account>"#);
    assert_eq!(app.put(url, entry(&changed)).await.status, 200);
}

/// A pass in each direction; the statuses of all results.
async fn both_ways(one: &App, other: &App) -> Vec<u16> {
    let there = one.pass_to(other, "accounts").await;
    let back = other.pass_to(one, "accounts").await;
    statuses_of(&there).into_iter().chain(statuses_of(&back)).collect()
}

fn statuses_of(results: &[Answer]) -> Vec<u16> {
    results.iter().flat_map(|page| statuses(&page.feed().1)).collect()
}

/// UUID, code and name of each account, in the order of codes.
async fn accounts(app: &App) -> Vec<(Uuid, String, String)> {
    let row = |account: &Element| (account.uuid().unwrap().unwrap(), child(account, "code"), child(account, "name"));
    let mut rows: Vec<_> = app.resources("accounts").await.iter().map(row).collect();
    rows.sort_by(|one, other| one.1.cmp(&other.1));
    rows
}

async fn url_of(app: &App, code: &str) -> String {
    let all = app.resources("accounts").await;
    let account = all.iter().find(|account| child(account, "code") == code).unwrap();
    account.attribute(SDATA, "url").unwrap().to_owned()
}

/// The URL that a contact's reference to its account has.
async fn account_of_contact(app: &App, contact: &str) -> String {
    let contact = app.get(contact).await.entry();
    let contact = contact.resource().unwrap();
    let reference = contact.children().find(|child| &*child.name == "account").unwrap();
    reference.attribute(SDATA, "url").unwrap_or_default().to_owned()
}

async fn parked(app: &App) -> usize {
    app.audit_rows("parked").await.len()
}

fn row(uuid: Uuid, code: &str, name: &str) -> (Uuid, String, String) {
    (uuid, code.to_owned(), name.to_owned())
}

/// SYNC-1.2-01, SYNC-1.3-07: neither was linked before.
#[tokio::test]
async fn two_resources_linked_under_one_uuid_become_one() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let here = crm.create("accounts", &account("A1", "crm")).await;
    later().await;
    let there = erp.create("accounts", &account("A1", "erp")).await;
    let uuid = link(&crm, &here, None).await;
    assert_eq!(link(&erp, &there, Some(uuid)).await, uuid);
    both_ways(&crm, &erp).await;
    // The later of the two changes stands.
    assert_eq!(accounts(&crm).await, [row(uuid, "A1", "erp")]);
    assert_eq!(accounts(&erp).await, accounts(&crm).await);
    rename(&crm, &here, "changed").await;
    both_ways(&crm, &erp).await;
    assert_eq!(accounts(&erp).await, [row(uuid, "A1", "changed")]);
    assert_eq!(url_of(&erp, "A1").await, there);
}

/// SYNC-1.2-05, SYNC-1.2-04: one account in two applications that were synchronized before they were linked, so that each
/// refuses the other's. The loser of the two UUIDs gives way.
#[tokio::test]
async fn after_a_clash_the_loser_takes_the_winners_uuid() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let here = crm.create("accounts", &account("A1", "crm")).await;
    later().await;
    let there = erp.create("accounts", &account("A1", "erp")).await;
    assert_eq!(both_ways(&crm, &erp).await, [409, 409]);
    assert_eq!((parked(&crm).await, parked(&erp).await), (1, 1));
    let (winner, loser) = (accounts(&crm).await[0].0, accounts(&erp).await[0].0);
    relink(&erp, loser, &there, Some(winner)).await;
    both_ways(&crm, &erp).await;
    both_ways(&crm, &erp).await;
    assert_eq!(accounts(&crm).await, [row(winner, "A1", "erp")]);
    assert_eq!(accounts(&erp).await, accounts(&crm).await);
    assert_eq!((parked(&crm).await, parked(&erp).await), (0, 0));
    assert_eq!((url_of(&crm, "A1").await, url_of(&erp, "A1").await), (here, there));
    // The first application has learned the loser's UUID.
    assert_eq!(crm.get(&link_url(&crm, loser)).await.entry().uuid(), Some(Ok(winner)));
}

/// SYNC-1.2-05: who was linked with the loser adopts the winner's UUID, and what it changes meanwhile is not lost.
#[rstest]
#[tokio::test]
async fn a_uuid_change_travels_on(#[values(false, true)] late_change: bool) {
    let (crm, erp, shop) = (App::start("crm").await, App::start("erp").await, App::start("shop").await);
    let there = erp.create("accounts", &account("A1", "erp")).await;
    let loser = link(&erp, &there, None).await;
    both_ways(&erp, &shop).await;
    let shops = url_of(&shop, "A1").await;
    let contact =
        format!(r#"<contact xmlns="{SAMPLE}"><lastName>x</lastName><account sdata:uuid="{loser}"/></contact>"#);
    let contact = shop.create("contacts", &contact).await;
    let here = crm.create("accounts", &account("A1", "crm")).await;
    let winner = link(&crm, &here, None).await;
    relink(&erp, loser, &there, Some(winner)).await;
    if late_change {
        rename(&shop, &shops, "late").await;
    }
    for _ in 0..2 {
        both_ways(&shop, &erp).await;
        both_ways(&erp, &crm).await;
    }
    let name = if late_change { "late" } else { "crm" };
    for app in [&crm, &erp, &shop] {
        assert_eq!(accounts(app).await, [row(winner, "A1", name)]);
        assert_eq!(parked(app).await, 0);
    }
    assert_eq!(url_of(&shop, "A1").await, shops, "it is the same resource");
    // The reference by the former UUID leads to it.
    assert_eq!(account_of_contact(&shop, &contact).await, shops);
    // And changes go both ways again.
    rename(&crm, &here, "after").await;
    both_ways(&crm, &erp).await;
    both_ways(&erp, &shop).await;
    assert_eq!(accounts(&shop).await, [row(winner, "A1", "after")]);
}

/// SYNC-1.2-05: the feed lists former UUIDs in a namespace of its own, and only where there are any.
#[tokio::test]
async fn the_feed_tells_former_uuids() {
    let app = App::start("crm").await;
    let one = app.create("accounts", &account("A1", "one")).await;
    app.create("accounts", &account("A2", "two")).await;
    let (former, current) = (link(&app, &one, None).await, Uuid::new_v4());
    relink(&app, former, &one, Some(current)).await;
    let (page, _) = app.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    let (_, entries) = page.feed();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| entry.resource().unwrap())
        .map(|account| (child(account, "code"), account.attribute(LINKING, "formerUuids").map(str::to_owned)))
        .collect();
    assert!(told.contains(&("A1".to_owned(), Some(former.to_string()))), "{told:?}");
    assert!(told.contains(&("A2".to_owned(), None)), "{told:?}");
}

/// SYNC-1.3-11, SYNC-1.2-03, SYNC-1.1-02: what the UUID pointed at before is a resource of its own from then on; nothing is lost.
#[tokio::test]
async fn a_uuid_that_points_at_another_resource_does_so_everywhere() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let one = crm.create("accounts", &account("A1", "one")).await;
    let two = crm.create("accounts", &account("A2", "two")).await;
    let uuid = link(&crm, &one, None).await;
    both_ways(&crm, &erp).await;
    let second = accounts(&crm).await[1].0;
    relink(&crm, uuid, &two, None).await;
    both_ways(&crm, &erp).await;
    both_ways(&crm, &erp).await;
    let here = accounts(&crm).await;
    assert_eq!(here[1], row(uuid, "A2", "two"));
    assert_eq!((&*here[0].1, here.len()), ("A1", 2));
    assert!(![uuid, second].contains(&here[0].0), "it has a new UUID");
    assert_eq!(accounts(&erp).await, here);
    assert_eq!((parked(&crm).await, parked(&erp).await), (0, 0));
    let gone = erp.audit_rows("changes").await;
    let united: Vec<_> = gone.iter().filter(|change| child(change, "outcome") == "deleted").collect();
    assert_eq!(united.len(), 1, "the double is in the audit");
    assert!(child(united[0], "losingPayload").contains("A2") || child(united[0], "losingPayload").contains("A1"));
    for url in [one, two] {
        assert_eq!(crm.get(&url).await.status, 200);
    }
}

/// SYNC-1.3-12, SYNC-1.2-03, SYNC-1.2-04: a feed that is open when a link is deleted sends no entry without UUID, and the
/// resource comes with the next pass, as a new one.
#[tokio::test]
async fn an_unlinked_resource_gets_a_new_uuid_when_it_is_sent_again() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let mut urls = Vec::new();
    for number in 1..=3 {
        urls.push(crm.create("accounts", &account(&format!("A{number}"), "name")).await);
    }
    let key = urls[2].split('\'').nth(1).unwrap();
    let uuid = link(&crm, &urls[2], None).await;
    let contact = format!(r#"<contact xmlns="{SAMPLE}"><lastName>x</lastName><account sdata:key="{key}"/></contact>"#);
    let contact = crm.create("contacts", &contact).await;
    let (page, context) = crm.run("accounts", "$syncSource", "&count=2", digest_entry(N1, &[])).await;
    let next = page.feed().0.link("next").unwrap().to_owned();
    assert_eq!(crm.delete(&link_url(&crm, uuid)).await.status, 200);
    let unlinked = crm.get(&link_url(&crm, uuid)).await;
    assert_eq!((unlinked.status, &*unlinked.diagnosis().application_code), (404, "unlinked"));
    let (head, entries) = crm.get(&next).await.feed();
    assert_eq!((head.link("next"), entries.len()), (None, 0));
    crm.delete(&context).await;
    both_ways(&crm, &erp).await;
    let here = accounts(&crm).await;
    assert_eq!(here.len(), 3);
    assert_ne!(here[2].0, uuid);
    assert_eq!(accounts(&erp).await, here);
    // The reference, kept by the UUID, still leads to it.
    assert_eq!(account_of_contact(&crm, &contact).await, urls[2]);
    let found = crm.get(&format!("{}?where=account.code eq 'A3'", crm.kind("contacts"))).await;
    assert_eq!(found.feed().1.len(), 1, "{}", found.text());
    // What comes under the former UUID is a new resource.
    let other = SyncFeed::new(N2, &[(N2, 6, 1)]).with((N2, 5), &account_of(uuid, "A9", "new"));
    let (_, results) = crm.apply("accounts", &other).await.feed();
    assert_eq!(results[0].http_status, Some(201));
    assert_eq!(accounts(&crm).await.len(), 4);
}

/// SYNC-1.2-05: a peer that knows nothing of former UUIDs sends the same account under another UUID: it waits, with the
/// reason, until somebody links the two.
#[tokio::test]
async fn a_foreign_peers_new_uuid_waits_until_somebody_links_it() {
    let app = App::start("crm").await;
    let (before, after) = (Uuid::new_v4(), Uuid::new_v4());
    let feed =
        |tick, uuid, name| SyncFeed::new(N1, &[(N1, tick + 1, 1)]).with((N1, tick), &account_of(uuid, "A1", name));
    app.apply("accounts", &feed(5, before, "before")).await;
    let (_, results) = app.apply("accounts", &feed(6, after, "after")).await.feed();
    assert_eq!(results[0].http_status, Some(409));
    assert_eq!(results[0].diagnoses[0].application_code, "notUnique");
    relink(&app, before, &url_of(&app, "A1").await, Some(after)).await;
    app.apply("accounts", &SyncFeed::new(N1, &[(N1, 7, 1)])).await;
    assert_eq!(accounts(&app).await, [row(after, "A1", "after")]);
    assert_eq!(parked(&app).await, 0);
}

/// SYNC-2.1-02, SYNC-1.2-05: one of two resources that turn out to be one was deleted elsewhere meanwhile. Nobody deleted the
/// other one.
#[rstest]
#[tokio::test]
async fn a_deletion_does_not_take_a_resource_along_that_was_linked_in_its_place(
    #[values(false, true)] told_first: bool,
) {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let one = crm.create("accounts", &account("A1", "one")).await;
    let two = crm.create("accounts", &account("A2", "two")).await;
    let uuid = link(&crm, &one, None).await;
    both_ways(&crm, &erp).await;
    let theirs = url_of(&erp, "A2").await;
    assert_eq!(erp.delete(&url_of(&erp, "A1").await).await.status, 200);
    relink(&crm, uuid, &two, None).await;
    if told_first {
        assert_eq!(statuses_of(&erp.pass_to(&crm, "accounts").await), [409], "the later change stands");
    }
    for _ in 0..2 {
        both_ways(&crm, &erp).await;
    }
    let here = accounts(&crm).await;
    assert_eq!((here.len(), &here[1]), (2, &row(uuid, "A2", "two")));
    assert_eq!(accounts(&erp).await, here);
    assert_eq!((url_of(&crm, "A2").await, url_of(&erp, "A2").await), (two, theirs));
    assert_eq!((parked(&crm).await, parked(&erp).await), (0, 0));
}

/// SYNC-1.2-04, SYNC-6.1-02: a reference by the key of a resource that went when it was united with another one leads to that, and
/// is sent by its UUID.
#[tokio::test]
async fn references_by_key_follow_a_resource_that_was_united_with_another() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let one = crm.create("accounts", &account("A1", "one")).await;
    let uuid = link(&crm, &one, None).await;
    both_ways(&crm, &erp).await;
    let there = erp.create("accounts", &account("A2", "two")).await;
    let key = there.split('\'').nth(1).unwrap();
    let contact = format!(r#"<contact xmlns="{SAMPLE}"><lastName>x</lastName><account sdata:key="{key}"/></contact>"#);
    let contact = erp.create("contacts", &contact).await;
    erp.pass_to(&crm, "accounts").await;
    let two = url_of(&crm, "A2").await;
    relink(&crm, uuid, &two, None).await;
    both_ways(&crm, &erp).await;
    assert_eq!(accounts(&erp).await, accounts(&crm).await);
    assert_eq!(erp.get(&there).await.status, 410);
    assert_eq!(account_of_contact(&erp, &contact).await, url_of(&erp, "A2").await);
    let found = erp.get(&format!("{}?where=account.code eq 'A2'", erp.kind("contacts"))).await;
    assert_eq!(found.feed().1.len(), 1, "{}", found.text());
    erp.pass_to(&crm, "contacts").await;
    let (_, contacts) = crm.get(&crm.kind("contacts")).await.feed();
    assert_eq!(account_of_contact(&crm, &contacts[0].id).await, two);
}

/// SYNC-1.2-05: what is parked under a former UUID of a resource is replaced by a later version that comes under the current one.
#[tokio::test]
async fn a_later_version_under_another_uuid_replaces_what_is_parked() {
    let app = App::start("crm").await;
    let [other, before, after] = [(); 3].map(|()| Uuid::new_v4());
    let feed = |tick: u64, resource: &str| {
        SyncFeed::new(N1, &[(N1, tick + 1, 1)]).stamped((N1, tick, &format!("2026-01-01T00:00:{tick:02}Z")), resource)
    };
    app.apply("accounts", &feed(4, &account_of(other, "A2", "other"))).await;
    app.apply("accounts", &feed(5, &account_of(before, "A1", "first"))).await;
    app.apply("accounts", &feed(6, &account_of(before, "A2", "clashes"))).await;
    relink(&app, before, &url_of(&app, "A1").await, Some(after)).await;
    assert_eq!(parked(&app).await, 1);
    app.apply("accounts", &feed(7, &account_of(after, "A1", "last"))).await;
    assert_eq!(accounts(&app).await, [row(after, "A1", "last"), row(other, "A2", "other")]);
    assert_eq!(parked(&app).await, 0);
}
