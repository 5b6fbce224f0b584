//! `$linked` and `$linked('{uuid}')`: linking, reading and changing links (sync 1.1 to 1.3).

use crate::support::app::{child, statuses};
use crate::support::messages::{N1, SAMPLE, account, account_of, batch as feed, digest_entry, entry, link_to};
use crate::support::{Answer, App};
use rstest::rstest;
use sdata_sync::wire::names::SDATA;
use uuid::Uuid;

fn links(app: &App) -> String {
    format!("{}/$linked", app.kind("accounts"))
}

fn link(app: &App, uuid: impl std::fmt::Display) -> String {
    format!("{}('{uuid}')", links(app))
}

/// PUT without If-Match.
async fn put(app: &App, url: &str, body: String) -> Answer {
    app.send(app.request("PUT", url).header("Content-Type", "application/atom+xml").body(body)).await
}

async fn linked(app: &App, url: &str, uuid: Uuid) {
    let answer = app.post(&links(app), link_to(url, Some(uuid))).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// The UUID that an account shows.
async fn uuid_of(app: &App, url: &str) -> Option<Uuid> {
    app.get(url).await.entry().uuid().map(Result::unwrap)
}

/// The codes of the accounts that are listed as linked.
async fn listed(app: &App) -> Vec<String> {
    let (_, entries) = app.get(&links(app)).await.feed();
    entries.iter().map(|entry| child(entry.resource().unwrap(), "code")).collect()
}

/// SYNC-1.3-06, SYNC-1.3-07, SYNC-1.1-01, SYNC-1.1-03, SYNC-1.1-04, SYNC-1.2-01.
#[rstest]
#[tokio::test]
async fn a_resource_is_linked_under_the_uuid_that_is_sent_or_a_new_one(#[values(true, false)] given: bool) {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    assert_eq!(uuid_of(&app, &url).await, None);
    let wanted = given.then(Uuid::new_v4);
    let answer = app.post(&links(&app), link_to(&url, wanted)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let sent = answer.entry();
    let uuid = sent.uuid().unwrap().unwrap();
    assert_eq!(wanted.unwrap_or(uuid), uuid);
    assert_eq!(uuid.get_version_num(), 4);
    assert_eq!(answer.header("location"), link(&app, uuid));
    assert_eq!(sent.id, link(&app, uuid));
    let resource = sent.resource().unwrap();
    assert_eq!(resource.attribute(SDATA, "url"), Some(&*url));
    assert!(!resource.attribute(SDATA, "key").unwrap().is_empty());
    assert_eq!(child(resource, "code"), "A1");
    assert_eq!(uuid_of(&app, &url).await, Some(uuid));
    let read = app.get(&link(&app, uuid.to_string().to_uppercase())).await;
    assert_eq!((read.status, read.entry()), (200, sent));
    assert_eq!(read.header("content-type"), "application/atom+xml; type=entry");
}

/// SYNC-1.3-08, SYNC-1.3-09, SYNC-1.1-02.
#[tokio::test]
async fn a_linked_resource_can_be_linked_again_but_only_as_it_is() {
    let app = App::start("crm").await;
    let one = app.create("accounts", &account("A1", "one")).await;
    let two = app.create("accounts", &account("A2", "two")).await;
    let uuid = Uuid::new_v4();
    linked(&app, &one, uuid).await;
    for again in [None, Some(uuid)] {
        let answer = app.post(&links(&app), link_to(&one, again)).await;
        assert_eq!((answer.status, answer.entry().uuid()), (200, Some(Ok(uuid))));
    }
    app.post(&links(&app), link_to(&one, Some(Uuid::new_v4()))).await.assert_refused(409);
    app.post(&links(&app), link_to(&two, Some(uuid))).await.assert_refused(409);
    assert_eq!((uuid_of(&app, &one).await, uuid_of(&app, &two).await), (Some(uuid), None));
}

/// SYNC-1.3-10.
#[rstest]
#[case::no_url(|_: &App| String::new())]
#[case::no_such_resource(|app: &App| format!(r#"sdata:url="{}('never')""#, app.kind("accounts")))]
#[case::another_kind(|app: &App| format!(r#"sdata:url="{}('1')""#, app.kind("contacts")))]
#[case::another_provider(|_: &App| r#"sdata:url="http://other.example.com/sdata/crm/sample/-/accounts('1')""#.to_owned())]
#[case::no_uuid(|app: &App| format!(r#"sdata:url="{}('1')" sdata:uuid="no""#, app.kind("accounts")))]
#[tokio::test]
async fn a_link_that_names_no_resource_of_the_kind_is_refused(#[case] attributes: fn(&App) -> String) {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let body = entry(&format!(r#"<account xmlns="{SAMPLE}" {}/>"#, attributes(&app)));
    app.post(&links(&app), body).await.assert_refused(400);
    assert_eq!(uuid_of(&app, &url).await, None);
}

/// SYNC-1.3-10: as deployed clients spell it, and without the host.
#[rstest]
#[case::uri(|url: &str| format!(r#"sdata:uri="{url}""#))]
#[case::key(|url: &str| format!(r#"sdata:key="{}""#, url.split('\'').nth(1).unwrap()))]
#[case::path(|url: &str| format!(r#"sdata:url="/{}""#, url.splitn(4, '/').nth(3).unwrap()))]
#[case::escaped(|url: &str| format!(r#"sdata:url="{}""#, url.replace('\'', "%27")))]
#[tokio::test]
async fn a_resource_is_named_in_several_ways(#[case] attributes: fn(&str) -> String) {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let body = entry(&format!(r#"<account xmlns="{SAMPLE}" {}/>"#, attributes(&url)));
    let answer = app.post(&links(&app), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(uuid_of(&app, &url).await.is_some());
}

/// SYNC-1.3-02, SYNC-1.3-03, SYNC-1.3-05, SYNC-1.3-04.
#[tokio::test]
async fn the_linked_resources_are_listed_page_by_page() {
    let app = App::start("crm").await;
    let mut urls = Vec::new();
    for number in 1..=7 {
        urls.push(app.create("accounts", &account(&format!("A{number}"), "name")).await);
    }
    for index in [0, 1, 3, 4, 6] {
        linked(&app, &urls[index], Uuid::new_v4()).await;
    }
    // A deleted resource is linked no more.
    assert_eq!(app.delete(&urls[1]).await.status, 200);
    let (mut next, mut codes) = (Some(format!("{}?count=2&unknown=1", links(&app))), Vec::new());
    while let Some(url) = next {
        let (head, entries) = app.get(&url).await.feed();
        assert_eq!((head.total_results, head.items_per_page), (Some(4), Some(2)));
        assert_eq!(head.id, links(&app));
        for entry in &entries {
            let resource = entry.resource().unwrap();
            assert_eq!(entry.id, link(&app, entry.uuid().unwrap().unwrap()));
            assert!(urls.iter().any(|url| resource.attribute(SDATA, "url") == Some(url)));
            codes.push(child(resource, "code"));
        }
        next = head.link("next").map(str::to_owned);
    }
    assert_eq!(codes, ["A1", "A4", "A5", "A7"]);
    let (head, entries) = app.get(&format!("{}?startIndex=4&count=5&select=", links(&app))).await.feed();
    assert_eq!((head.start_index, entries.len()), (Some(4), 1));
    let resource = entries[0].resource().unwrap();
    assert_eq!(resource.attribute(SDATA, "url"), Some(&*urls[6]));
    assert_eq!(resource.children().count(), 0);
}

/// SYNC-1.3-11, SYNC-1.3-14, SYNC-1.2-05.
#[tokio::test]
async fn a_uuid_is_pointed_at_another_resource_without_if_match() {
    let app = App::start("crm").await;
    let one = app.create("accounts", &account("A1", "one")).await;
    let two = app.create("accounts", &account("A2", "two")).await;
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    linked(&app, &one, first).await;
    linked(&app, &two, second).await;
    let answer = put(&app, &link(&app, first), link_to(&two, Some(first))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("etag"), "");
    assert_eq!(answer.entry(), app.get(&link(&app, first)).await.entry());
    assert_eq!(child(answer.entry().resource().unwrap(), "code"), "A2");
    assert_eq!((uuid_of(&app, &one).await, uuid_of(&app, &two).await), (None, Some(first)));
    // The UUID that it bore before is still its own.
    let former = app.get(&link(&app, second)).await;
    assert_eq!((former.status, former.entry().id), (200, link(&app, first)));
    app.post(&links(&app), link_to(&one, Some(second))).await.assert_refused(409);
    put(&app, &link(&app, second), link_to(&one, None)).await.assert_refused(409);
    assert_eq!(listed(&app).await, ["A2"]);
    // Once more, and to what it is already: nothing changes.
    assert_eq!(put(&app, &link(&app, first), link_to(&two, None)).await.status, 200);
    assert_eq!(uuid_of(&app, &two).await, Some(first));
}

/// SYNC-1.3-11, SYNC-1.2-05.
#[tokio::test]
async fn a_link_gets_another_uuid_and_the_former_one_stays_known() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let other = app.create("accounts", &account("A2", "two")).await;
    let (loser, winner) = (Uuid::new_v4(), Uuid::new_v4());
    linked(&app, &url, loser).await;
    put(&app, &link(&app, loser), link_to(&other, Some(winner))).await.assert_refused(400);
    let answer = put(&app, &link(&app, loser), link_to(&url, Some(winner))).await;
    assert_eq!((answer.status, answer.entry().id), (200, link(&app, winner)));
    assert_eq!(uuid_of(&app, &url).await, Some(winner));
    for uuid in [loser, winner] {
        assert_eq!(app.get(&link(&app, uuid)).await.entry().uuid(), Some(Ok(winner)));
    }
    // And back.
    assert_eq!(put(&app, &link(&app, winner), link_to(&url, Some(loser))).await.status, 200);
    assert_eq!(app.get(&link(&app, winner)).await.entry().uuid(), Some(Ok(loser)));
}

/// SYNC-1.3-12, SYNC-1.3-01.
#[tokio::test]
async fn deleting_a_link_leaves_the_resource() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let (former, uuid) = (Uuid::new_v4(), Uuid::new_v4());
    linked(&app, &url, former).await;
    assert_eq!(put(&app, &link(&app, former), link_to(&url, Some(uuid))).await.status, 200);
    let answer = app.delete(&link(&app, uuid)).await;
    assert_eq!((answer.status, answer.text()), (200, String::new()));
    assert_eq!((app.get(&url).await.status, uuid_of(&app, &url).await), (200, None));
    assert_eq!(listed(&app).await, [] as [String; 0]);
    for gone in [former, uuid] {
        app.get(&link(&app, gone)).await.assert_refused(404);
        app.delete(&link(&app, gone)).await.assert_refused(404);
        put(&app, &link(&app, gone), link_to(&url, None)).await.assert_refused(404);
    }
    linked(&app, &url, uuid).await;
    assert_eq!(uuid_of(&app, &url).await, Some(uuid));
    // Of two UUIDs a former one alone can go.
    assert_eq!(put(&app, &link(&app, uuid), link_to(&url, Some(former))).await.status, 200);
    assert_eq!(app.delete(&link(&app, uuid)).await.status, 200);
    assert_eq!((app.get(&link(&app, uuid)).await.status, uuid_of(&app, &url).await), (404, Some(former)));
}

/// SYNC-1.3-01.
#[rstest]
#[case::links("PUT", "", "GET, HEAD, POST")]
#[case::links_of_all("DELETE", "", "GET, HEAD, POST")]
#[case::one_link("POST", "('6BF4E3A6-0001-4000-8000-000000000000')", "GET, HEAD, PUT, DELETE")]
#[tokio::test]
async fn the_methods_of_links_are_these(#[case] method: &str, #[case] selector: &str, #[case] allow: &str) {
    let app = App::start("crm").await;
    let answer = app.send(app.request(method, &format!("{}{selector}", links(&app)))).await;
    answer.assert_refused(405);
    assert_eq!(answer.header("allow"), allow);
    app.get(&link(&app, "no-uuid")).await.assert_refused(404);
    app.get(&link(&app, Uuid::new_v4())).await.assert_refused(404);
}

/// SYNC-1.3-01: a deleted resource's link is gone, and its UUID can be given to another.
#[tokio::test]
async fn the_uuid_of_a_deleted_resource_can_be_given_to_another() {
    let app = App::start("crm").await;
    let peer = App::start("erp").await;
    let one = app.create("accounts", &account("A1", "one")).await;
    let uuid = Uuid::new_v4();
    linked(&app, &one, uuid).await;
    app.pass_to(&peer, "accounts").await;
    assert_eq!(app.delete(&one).await.status, 200);
    app.get(&link(&app, uuid)).await.assert_refused(410);
    app.delete(&link(&app, uuid)).await.assert_refused(410);
    put(&app, &link(&app, uuid), link_to(&one, None)).await.assert_refused(410);
    app.post(&links(&app), link_to(&one, None)).await.assert_refused(400);
    app.pass_to(&peer, "accounts").await;
    assert!(peer.resources("accounts").await.is_empty());
    let two = app.create("accounts", &account("A1", "again")).await;
    linked(&app, &two, uuid).await;
    app.pass_to(&peer, "accounts").await;
    let there = peer.resources("accounts").await;
    assert_eq!((there.len(), there[0].uuid(), child(&there[0], "name")), (1, Some(Ok(uuid)), "again".to_owned()));
}

/// SYNC-1.2-01, SYNC-1.2-03: reading links none; a change set does, and what it linked is listed.
#[tokio::test]
async fn what_a_change_set_linked_is_listed() {
    let app = App::start("crm").await;
    app.create("accounts", &account("A1", "one")).await;
    assert_eq!(listed(&app).await, [] as [String; 0]);
    app.digest("accounts").await;
    assert_eq!(listed(&app).await, [] as [String; 0]);
    app.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    assert_eq!(listed(&app).await, ["A1"]);
}

/// SYNC-1.2-02.
#[tokio::test]
async fn what_a_peer_sent_is_linked_under_its_uuid() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let page = crate::support::messages::SyncFeed::new(N1, &[(N1, 6, 1)]).with((N1, 5), &account_of(uuid, "A1", "one"));
    app.apply("accounts", &page).await;
    let read = app.get(&link(&app, uuid)).await;
    assert_eq!((read.status, child(read.entry().resource().unwrap(), "code")), (200, "A1".to_owned()));
}

/// An entry of a batch of links.
fn ask(method: &str, id: &str, attributes: &str) -> String {
    format!(
        r#"<entry><id>{id}</id><http:httpMethod>{method}</http:httpMethod><sdata:payload><account xmlns="{SAMPLE}" {attributes}/></sdata:payload></entry>"#
    )
}

fn named(url: &str, uuid: Option<Uuid>) -> String {
    let uuid = uuid.map(|uuid| format!(r#" sdata:uuid="{uuid}""#)).unwrap_or_default();
    format!(r#"sdata:url="{url}"{uuid}"#)
}

/// SYNC-1.3-15: each entry as its single request, and as those before it leave things.
#[tokio::test]
async fn many_links_go_in_one_request() {
    let app = App::start("crm").await;
    let mut urls = Vec::new();
    for number in 1..=4 {
        urls.push(app.create("accounts", &account(&format!("A{number}"), "name")).await);
    }
    let [first, second, third, unknown] = [(); 4].map(|()| Uuid::new_v4());
    let batch = [
        ask("POST", "", &named(&urls[0], Some(first))),
        ask("POST", "", &named(&urls[1], None)),
        ask("POST", "", &named(&urls[0], None)),
        ask("POST", "", &named(&urls[2], Some(first))),
        ask("POST", "", &named(&urls[2], Some(second))),
        ask("PUT", &link(&app, second), &named(&urls[2], Some(third))),
        ask("GET", &link(&app, second), ""),
        ask("GET", &link(&app, unknown), ""),
        ask("DELETE", &link(&app, first), ""),
        ask("GET", &link(&app, first), ""),
        ask("POST", "", &named(&format!("{}('never')", app.kind("accounts")), None)),
        ask("PATCH", &link(&app, third), ""),
        ask("DELETE", &urls[2], ""),
    ];
    let answer = app.post(&format!("{}/$batch", links(&app)), feed(&batch)).await;
    let (head, entries) = answer.feed();
    assert_eq!(head.total_results, Some(13));
    assert_eq!(statuses(&entries), [201, 201, 200, 409, 201, 200, 200, 404, 200, 404, 400, 405, 400]);
    assert_eq!(entries[0].location, Some(link(&app, first)));
    assert_eq!((entries[0].id.clone(), entries[0].uuid()), (link(&app, first), Some(Ok(first))));
    assert_eq!(child(entries[0].resource().unwrap(), "code"), "A1");
    let made = entries[1].uuid().unwrap().unwrap();
    assert_eq!(entries[1].location, Some(link(&app, made)));
    assert_eq!((entries[6].id.clone(), entries[6].uuid()), (link(&app, third), Some(Ok(third))));
    assert!(entries[8].resource().is_none());
    assert!(entries.iter().all(|entry| entry.diagnoses.is_empty() == (entry.http_status < Some(400))));
    assert_eq!(listed(&app).await, ["A2", "A3"]);
}

/// SYNC-1.3-15, CORE-13.5-01.
#[tokio::test]
async fn a_batch_of_links_is_an_operation_with_a_tracking_id() {
    let app = App::start("crm").await;
    let mut batch = Vec::new();
    for number in 1..=5 {
        let url = app.create("accounts", &account(&format!("A{number}"), "name")).await;
        batch.push(ask("POST", "", &named(&url, None)));
    }
    let url = format!("{}/$batch", links(&app));
    let answer = app.post(&format!("{url}?trackingID=many"), feed(&batch)).await;
    assert_eq!((answer.status, answer.header("location")), (202, &*format!("{url}('many')")));
    let (_, entries) = app.poll(answer.header("location")).await.feed();
    assert_eq!(statuses(&entries), [201; 5]);
    assert_eq!(listed(&app).await.len(), 5);
    assert_eq!(app.delete(&format!("{url}('many')")).await.status, 200);
    app.get(&format!("{url}('many')")).await.assert_refused(410);
    let wrong = app.get(&url).await;
    wrong.assert_refused(405);
    assert_eq!(wrong.header("allow"), "POST");
}

/// SYNC-1.3-04: what can be asked of a collection can be asked of its links.
#[tokio::test]
async fn links_are_filtered_and_sorted() {
    let app = App::start("crm").await;
    for number in 1..=4 {
        let url = app.create("accounts", &account(&format!("A{number}"), "name")).await;
        if number > 1 {
            linked(&app, &url, Uuid::new_v4()).await;
        }
    }
    let (head, entries) = app.get(&format!("{}?where=code lt 'A4'&orderBy=code desc", links(&app))).await.feed();
    let codes: Vec<_> = entries.iter().map(|entry| child(entry.resource().unwrap(), "code")).collect();
    assert_eq!((head.total_results, codes), (Some(2), vec!["A3".to_owned(), "A2".to_owned()]));
}
