//! Conditional GET: 304 for whoever has the answer already, and never wrongly (core 6.6).

use crate::support::app::child;
use crate::support::messages::{N1, SAMPLE, SyncFeed, account, account_of, digest_entry, entry};
use crate::support::{Answer, App};
use rstest::rstest;
use uuid::Uuid;

async fn get_unless(app: &App, url: &str, etag: &str) -> Answer {
    app.send(app.request("GET", url).header("If-None-Match", etag)).await
}

/// CORE-6.6-01.
#[rstest]
#[case::provider("/sdata")]
#[case::application("/sdata/crm")]
#[case::contract("/sdata/crm/sample")]
#[case::dataset("/sdata/crm/sample/-")]
#[case::feed("/sdata/crm/sample/-/accounts")]
#[case::page("/sdata/crm/sample/-/accounts?startIndex=2&count=1")]
#[case::empty_feed("/sdata/crm/sample/-/products")]
#[case::entry("/sdata/crm/sample/-/accounts('1')")]
#[case::digest("/sdata/crm/sample/-/accounts/$syncDigest")]
#[case::schema("/sdata/crm/sample/-/$schema")]
#[case::registered_contracts("/sdata/$system/registry/-/contracts")]
#[case::registered_contract("/sdata/$system/registry/-/contracts('sample')")]
#[case::audit_of_runs("/sdata/crm/syncAudit/-/runs")]
#[case::audit_schema("/sdata/crm/syncAudit/-/$schema")]
#[tokio::test]
async fn what_is_unchanged_is_not_sent_again(#[case] path: &str) {
    let app = App::start("crm").await;
    for code in ["A1", "A2"] {
        app.create(
            "accounts",
            &account(code, "one").replace(
                "<account ",
                &format!("<account xmlns:sdata=\"http://schemas.sage.com/sdata/2008/1\" sdata:key=\"{}\" ", &code[1..]),
            ),
        )
        .await;
    }
    let url = format!("{}{path}", app.base());
    for accept in ["application/atom+xml", "application/json"] {
        let first = app.send(app.request("GET", &url).header("Accept", accept)).await;
        assert_eq!(first.status, 200, "{}", first.text());
        let etag = first.header("etag");
        assert!(etag.starts_with('"') && etag.ends_with('"'), "a strong etag: {etag}");
        assert_eq!(
            (first.header("cache-control"), first.header("vary")),
            ("private, no-cache", "Accept, Accept-Encoding")
        );
        for list in [etag.to_owned(), format!("\"other\", {etag}"), format!("W/{etag}"), "*".to_owned()] {
            let request = app.request("GET", &url).header("Accept", accept).header("If-None-Match", list);
            let again = app.send(request).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{}", again.text());
            assert_eq!((again.header("etag"), again.header("cache-control")), (etag, "private, no-cache"));
        }
        let request = app.request("GET", &url).header("Accept", accept).header("If-None-Match", "\"other\"");
        assert_eq!(app.send(request).await.status, 200);
        let head = app.send(app.request("HEAD", &url).header("Accept", accept)).await;
        assert_eq!((head.status, head.header("etag"), head.body.len()), (200, etag, 0));
        let request = app.request("HEAD", &url).header("Accept", accept).header("If-None-Match", etag);
        assert_eq!(app.send(request).await.status, 304);
    }
}

/// CORE-6.6-01: representations differ in their etags, and none of them is taken for another.
#[tokio::test]
async fn the_etag_of_one_representation_does_not_stand_for_another() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    for url in [url, app.kind("accounts"), format!("{}/$syncDigest", app.kind("accounts"))] {
        let atom = app.get(&url).await.header("etag").to_owned();
        let request = app.request("GET", &url).header("Accept", "application/json").header("If-None-Match", atom);
        assert_eq!(app.send(request).await.status, 200, "{url}");
    }
}

/// CORE-6.6-01.
#[tokio::test]
async fn an_entry_with_its_schema_is_another_than_without() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let with = format!("{url}?includeSchema=true");
    let (plain, inlined) = (app.get(&url).await, app.get(&with).await);
    assert_eq!(get_unless(&app, &with, plain.header("etag")).await.status, 200);
    assert_eq!(get_unless(&app, &url, inlined.header("etag")).await.status, 200);
    assert_eq!(get_unless(&app, &with, inlined.header("etag")).await.status, 304);
    assert_eq!(inlined.entry().etag.as_deref(), Some(inlined.header("etag")));
    let request = app.request("PUT", &url).header("If-Match", inlined.header("etag"));
    assert_eq!(app.send(request.body(entry(&account("A1", "two")))).await.status, 200, "the version is the same");
}

/// CORE-6.6-01: whatever changes what is shown changes the validator.
#[tokio::test]
async fn every_change_is_sent() {
    let app = App::start("crm").await;
    let (feed, digest) = (app.kind("accounts"), format!("{}/$syncDigest", app.kind("accounts")));
    let mut known = Vec::new();
    let mut changed = async |what: &str| {
        for url in [&feed, &digest] {
            let etag = app.get(url).await.header("etag").to_owned();
            assert!(!known.contains(&(url.clone(), etag.clone())), "{what}: {url} is said to be as before");
            known.push((url.clone(), etag));
        }
    };
    changed("nothing yet").await;
    let first = app.create("accounts", &account("A1", "one")).await;
    changed("created").await;
    let second = app.create("accounts", &account("A2", "two")).await;
    changed("a second").await;
    let renamed = crate::support::messages::entry(&account("A1", "eins"));
    assert_eq!(app.put(&first, renamed).await.status, 200);
    changed("updated").await;
    assert_eq!(app.put(&first, crate::support::messages::entry(&account("A1", "one"))).await.status, 200);
    changed("updated back").await;
    assert_eq!(app.delete(&second).await.status, 200);
    changed("deleted").await;
    let page = SyncFeed::new(N1, &[(N1, 9, 1)])
        .stamped((N1, 3, "2001-01-01T00:00:00Z"), &account_of(Uuid::new_v4(), "A3", "old"));
    assert_eq!(app.apply("accounts", &page).await.status, 200);
    changed("an old change came by synchronization").await;
}

/// CORE-6.6-01: an entry shows where its references lead, which may change while the resource does not.
#[tokio::test]
async fn an_entry_whose_reference_arrives_is_sent_again() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let contact =
        format!(r#"<contact xmlns="{SAMPLE}"><lastName>Doe</lastName><account sdata:uuid="{uuid}"/></contact>"#);
    let page = SyncFeed::new(N1, &[(N1, 9, 1)])
        .with((N1, 3), &contact.replacen("<contact ", &format!("<contact sdata:uuid=\"{}\" ", Uuid::new_v4()), 1));
    let (_, results) = app.apply("contacts", &page).await.feed();
    let url = results[0].location.clone().unwrap();
    let before = app.get(&url).await;
    let etag = before.header("etag").to_owned();
    assert_eq!(get_unless(&app, &url, &etag).await.status, 304);
    let page = SyncFeed::new(N1, &[(N1, 9, 1)]).with((N1, 4), &account_of(uuid, "A1", "one"));
    assert_eq!(app.apply("accounts", &page).await.status, 200);
    let after = get_unless(&app, &url, &etag).await;
    assert_eq!(after.status, 200, "the reference now has a key");
    assert_ne!(after.header("etag"), etag);
    // The resource itself is unchanged: the etag of before is still good for changing it.
    let body =
        crate::support::messages::entry(&format!(r#"<contact xmlns="{SAMPLE}"><firstName>Jo</firstName></contact>"#));
    let changed = app.send(app.request("PUT", &url).header("If-Match", &etag).body(body)).await;
    assert_eq!((changed.status, child(changed.entry().resource().unwrap(), "firstName")), (200, "Jo".to_owned()));
}

/// CORE-9.3-01: any etag ever sent for the version can be used, whatever became of it on the way.
#[tokio::test]
async fn etags_of_feeds_entries_and_representations_are_good_for_if_match() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let atom = app.get(&url).await;
    assert_eq!(atom.entry().etag.as_deref(), Some(atom.header("etag")));
    let feed = app.get(&app.kind("accounts")).await;
    assert_eq!(feed.feed().1[0].etag.as_deref(), Some(atom.header("etag")));
    let json = app.send(app.request("GET", &url).header("Accept", "application/json")).await;
    let packed = app.send(app.request("GET", &url).header("Accept-Encoding", "gzip")).await;
    assert_eq!(packed.header("etag"), format!("W/{}", atom.header("etag")));
    let etags =
        [atom.header("etag"), json.header("etag"), packed.header("etag"), atom.header("etag").trim_matches('"')];
    for etag in etags {
        let body = crate::support::messages::entry(&account("A1", "one"));
        let answer = app.send(app.request("PUT", &url).header("If-Match", etag).body(body)).await;
        assert_eq!(answer.status, 200, "{etag}: {}", answer.text());
    }
}

/// CORE-6.6-01: pages of an operation's result are the same as long as it is there.
#[tokio::test]
async fn a_page_of_a_source_feed_is_unchanged_until_a_resource_leaves_it() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let (page, context) = app.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    let etag = page.header("etag").to_owned();
    assert_eq!(get_unless(&app, &context, &etag).await.status, 304);
    assert_eq!(app.put(&url, crate::support::messages::entry(&account("A1", "two"))).await.status, 200);
    app.digest("accounts").await;
    assert_eq!(get_unless(&app, &context, &etag).await.status, 200);
}

/// Time alone says enough of what does not change while the provider runs, and of nothing else.
#[tokio::test]
async fn if_modified_since_is_understood_where_last_modified_is_sent() {
    let app = App::start("crm").await;
    let since = |url: String, date: String| {
        let request = app.request("GET", &url).header("If-Modified-Since", date);
        async { app.send(request).await.status }
    };
    for url in [format!("{}/$schema", app.dataset()), app.dataset()] {
        let modified = app.get(&url).await.header("last-modified").to_owned();
        assert_eq!(since(url.clone(), modified).await, 304);
        assert_eq!(since(url.clone(), "Sat, 01 Jan 2000 00:00:00 GMT".to_owned()).await, 200);
        assert_eq!(since(url, "yesterday".to_owned()).await, 200);
    }
    let url = app.create("accounts", &account("A1", "one")).await;
    for url in [url, app.kind("accounts"), format!("{}/$syncDigest", app.kind("accounts"))] {
        assert_eq!(app.get(&url).await.header("last-modified"), "");
        assert_eq!(since(url, "Fri, 01 Jan 2100 00:00:00 GMT".to_owned()).await, 200);
    }
}
