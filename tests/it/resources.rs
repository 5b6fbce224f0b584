//! Single resources and collections (core 6 to 10).

use crate::support::App;
use crate::support::app::child;
use crate::support::messages::{SAMPLE, account, entry};
use rstest::rstest;
use sdata_sync::wire::Element;
use sdata_sync::wire::names::SDATA;
use uuid::Uuid;

fn sdata<'e>(resource: &'e Element, name: &str) -> Option<&'e str> {
    resource.attribute(SDATA, name)
}

/// CORE-8.1-01, CORE-7.1-01, CORE-2.2-01, CORE-9.3-01, CORE-3.7-01, CORE-3.8-02, CORE-3.12-01.
#[tokio::test]
async fn a_posted_entry_is_created_and_read_back() {
    let app = App::start("crm").await;
    let created = app.post(&app.kind("accounts"), entry(&account("A1", "one"))).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("content-type"), "application/atom+xml; type=entry");
    let location = created.header("location");
    let read = app.get(location).await;
    assert_eq!(read.status, 200);
    assert_eq!(read.header("content-type"), "application/atom+xml; type=entry");
    assert_eq!(read.body, created.body, "the entry as stored");
    let (one, text) = (read.entry(), read.text());
    assert_eq!(one.id, location);
    assert!(!one.title.is_empty() && !one.content.is_empty() && one.updated.is_some());
    assert!(one.links.iter().any(|link| link.rel == "self" && link.href == location));
    assert_eq!(read.header("etag"), one.etag.as_deref().unwrap());
    let resource = one.resource().unwrap();
    assert!(resource.is(SAMPLE, "account"));
    assert_eq!(location, format!("{}('{}')", app.kind("accounts"), sdata(resource, "key").unwrap()));
    assert_eq!(sdata(resource, "url"), Some(location));
    assert_eq!(resource.uuid(), None);
    let phone = resource.children().find(|property| &*property.name == "phone").unwrap();
    assert!(phone.is_nil() && phone.content.is_empty());
    assert_eq!(text.matches("<category").count(), 1, "{text}");
    assert!(text.contains(r#"term="resource""#), "{text}");
    assert_eq!(app.get(&format!("{}('never')", app.kind("accounts"))).await.status, 404);
}

/// CORE-6.1-01, CORE-3.3-01, CORE-3.2-01, CORE-3.12-01, CORE-2.13-01.
#[tokio::test]
async fn a_collection_is_a_feed_of_its_resources() {
    let app = App::start("crm").await;
    let empty = app.get(&app.kind("accounts")).await;
    let (head, entries) = empty.feed();
    assert!(entries.is_empty());
    assert_eq!(head.total_results, Some(0));
    for code in ["A1", "A2"] {
        app.create("accounts", &account(code, "one")).await;
    }
    let answer = app.get(&app.kind("accounts")).await;
    assert_eq!(answer.header("content-type"), "application/atom+xml; type=feed");
    let (head, entries) = answer.feed();
    assert_eq!((head.id.as_str(), head.total_results, entries.len()), (&*app.kind("accounts"), Some(2), 2));
    assert!(answer.text().contains(r#"term="collection""#), "{}", answer.text());
    assert!(entries.iter().all(|entry| entry.resource().is_some_and(|resource| resource.is(SAMPLE, "account"))));
    assert!(head.link("self").is_some_and(|own| own.starts_with(&app.kind("accounts"))));
    let schema = head.link("http://schemas.sage.com/sdata/link-relations/schema").unwrap();
    assert!([200, 302].contains(&app.get(schema).await.status));
    assert_eq!(head.link("http://schemas.sage.com/sdata/link-relations/post"), Some(&*app.kind("accounts")));
    for entry in &entries {
        let alone = app.get(&entry.id).await.entry();
        assert_eq!((&alone.etag, alone.resource()), (&entry.etag, entry.resource()));
    }
}

/// CORE-7.5-01, CORE-9.5-01, CORE-10.1-01, CORE-10.4-01.
#[tokio::test]
async fn a_deleted_resource_is_gone_and_one_that_never_was_is_unknown() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    assert_eq!(app.delete(&url).await.status, 200);
    app.get(&url).await.assert_refused(410);
    app.delete(&url).await.assert_refused(410);
    app.put(&url, entry(&account("A1", "two"))).await.assert_refused(410);
    assert!(app.resources("accounts").await.is_empty());
    let never = format!("{}('never')", app.kind("accounts"));
    app.get(&never).await.assert_refused(404);
    app.delete(&never).await.assert_refused(404);
    app.put(&never, entry(&account("A1", "two"))).await.assert_refused(404);
    app.create("accounts", &account("A1", "the code is free again")).await;
}

/// CORE-9.1-01, CORE-9.2-01, CORE-9.2-02, CORE-9.2-06.
#[tokio::test]
async fn a_put_changes_what_it_names_and_leaves_the_rest() {
    let app = App::start("crm").await;
    let all = format!(
        r#"<account xmlns="{SAMPLE}"><code>A1</code><name>one</name><phone>1</phone><email>a@b</email><balance>7</balance>
        <postalAddress><street>Main</street><city>Bath</city></postalAddress></account>"#
    );
    let url = app.create("accounts", &all).await;
    let before = app.get(&url).await;
    let part = format!(
        r#"<account xmlns="{SAMPLE}"><name>two</name><phone xsi:nil="true"/><balance>99</balance>
        <postalAddress><city>York</city></postalAddress></account>"#
    );
    let answer = app.put(&url, entry(&part)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(app.get(&url).await.body, answer.body);
    assert_ne!(answer.header("etag"), before.header("etag"));
    let changed = answer.entry();
    let resource = changed.resource().unwrap();
    let values = ["code", "name", "phone", "email", "balance"].map(|name| child(resource, name));
    assert_eq!(values, ["A1", "two", "", "a@b", ""], "the balance is read-only for clients");
    let address = resource.children().find(|property| &*property.name == "postalAddress").unwrap();
    assert_eq!([child(address, "street"), child(address, "city")], ["Main", "York"]);
}

/// CORE-9.3-02, CORE-10.2-01: 412 with the entry as it is now.
#[rstest]
#[case("PUT")]
#[case("DELETE")]
#[tokio::test]
async fn a_version_that_is_out_of_date_is_412_with_the_current_entry(#[case] method: &str) {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let old = app.get(&url).await.header("etag").to_owned();
    app.put(&url, entry(&account("A1", "two"))).await;
    let current = app.get(&url).await;
    let request = app.request(method, &url).header("If-Match", &old);
    let answer = app.send(request.body(entry(&account("A1", "three")))).await;
    assert_eq!(answer.status, 412);
    assert_eq!(answer.header("content-type"), "application/atom+xml; type=entry");
    assert_eq!(answer.body, current.body);
    assert_eq!(answer.header("etag"), current.header("etag"));
    assert_eq!(app.get(&url).await.body, current.body, "nothing was changed");
    let request = app.request(method, &url).header("If-Match", format!("\"x\", {}", current.header("etag")));
    assert_eq!(app.send(request.body(entry(&account("A1", "three")))).await.status, 200);
}

/// CORE-9.3-03, CORE-10.2-01.
#[tokio::test]
async fn a_put_without_if_match_is_refused_and_a_delete_without_goes_on() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let answer = app.send(app.request("PUT", &url).body(entry(&account("A1", "two")))).await;
    answer.assert_refused(400);
    assert!(answer.diagnosis().message.contains("If-Match"));
    assert_eq!(child(app.get(&url).await.entry().resource().unwrap(), "name"), "one");
    assert_eq!(app.delete(&url).await.status, 200);
}

/// CORE-9.1-02.
#[tokio::test]
async fn a_post_may_stand_for_put_and_delete() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let put = app.request("POST", &url).header("X-HTTP-Method-Override", "put").header("If-Match", "*");
    assert_eq!(app.send(put.body(entry(&account("A1", "two")))).await.status, 200);
    assert_eq!(child(app.get(&url).await.entry().resource().unwrap(), "name"), "two");
    let delete = app.request("POST", &url).header("X-HTTP-Method-Override", "DELETE");
    assert_eq!(app.send(delete).await.status, 200);
    assert_eq!(app.get(&url).await.status, 410);
    let get = app.request("GET", &app.kind("accounts")).header("X-HTTP-Method-Override", "DELETE");
    assert_eq!(app.send(get).await.status, 200, "only a POST stands for others");
}

/// CORE-8.5-01.
#[tokio::test]
async fn the_same_post_with_a_uuid_makes_one_resource() {
    let app = App::start("crm").await;
    let sent = account("A1", "one").replacen("<account", &format!(r#"<account sdata:uuid="{}""#, Uuid::new_v4()), 1);
    let first = app.post(&app.kind("accounts"), entry(&sent)).await;
    let again = app.post(&app.kind("accounts"), entry(&sent)).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(app.resources("accounts").await.len(), 1);
    app.put(first.header("location"), entry(&account("A1", "changed"))).await;
    app.post(&app.kind("accounts"), entry(&sent)).await.assert_refused(409);
    assert_eq!(child(&app.resources("accounts").await[0], "name"), "changed");
}

/// CORE-2.2-01, CORE-2.2-03.
#[rstest]
#[case("X-1")]
#[case("O''Hara")]
#[case("")]
#[tokio::test]
async fn a_client_may_give_the_key(#[case] quoted: &str) {
    let app = App::start("crm").await;
    let key = quoted.replace("''", "'");
    let sent = account("A1", "one").replacen("<account", &format!(r#"<account sdata:key="{key}""#), 1);
    let url = app.create("accounts", &sent).await;
    if key.is_empty() {
        assert!(!sdata(&app.resources("accounts").await[0], "key").unwrap().is_empty(), "it gets one");
        return;
    }
    assert_eq!(url, format!("{}('{quoted}')", app.kind("accounts")));
    let other = sent.replace("A1", "A2");
    app.post(&app.kind("accounts"), entry(&other)).await.assert_refused(409);
}

/// A body of the wrong kind is told what would be right.
#[rstest]
#[case::another_kind(r#"<contact xmlns="urn:sdata-sync:sample:1"><lastName>x</lastName></contact>"#)]
#[case::another_namespace(r#"<account xmlns="urn:other"><code>A1</code><name>x</name></account>"#)]
#[case::nothing("")]
#[tokio::test]
async fn a_payload_of_another_kind_is_refused(#[case] resource: &str) {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    for answer in [app.post(&app.kind("accounts"), entry(resource)).await, app.put(&url, entry(resource)).await] {
        answer.assert_refused(400);
        assert!(answer.diagnosis().message.contains("account"), "{}", answer.text());
    }
    assert_eq!(app.resources("accounts").await.len(), 1);
}

/// CORE-2.9-01, CORE-3.12-01: from the top to a resource by links alone.
#[tokio::test]
async fn every_level_lists_the_next_one() {
    let app = App::start("crm").await;
    let resource = app.create("accounts", &account("A1", "one")).await;
    let mut url = format!("{}/sdata", app.base());
    for (term, next) in [
        ("provider", format!("{}/sdata/crm", app.base())),
        ("application", format!("{}/sdata/crm/sample", app.base())),
        ("contract", app.dataset()),
        ("dataset", app.kind("accounts")),
        ("collection", resource),
    ] {
        let answer = app.get(&url).await;
        assert_eq!(answer.header("content-type"), "application/atom+xml; type=feed");
        assert!(answer.text().contains(&format!(r#"term="{term}""#)), "{}", answer.text());
        let (head, entries) = answer.feed();
        assert_eq!(head.id, url);
        assert!(entries.iter().any(|entry| entry.id == next), "{next} is not at {url}");
        url = next;
    }
    assert_eq!(app.get(&url).await.status, 200);
}

/// CORE-2.1-01: datasets of one contract know nothing of each other.
#[tokio::test]
async fn datasets_do_not_see_each_others_resources() {
    let settings = [("contracts.0.datasets", r#"["-", "north"]"#)];
    let app = App::start_with("crm", &crate::support::Backend::Sqlite, &settings).await;
    app.create("accounts", &account("A1", "in the unnamed one")).await;
    let north = app.dataset().replace("/-", "/north");
    let url = format!("{north}/accounts");
    assert!(app.get(&url).await.feed().1.is_empty());
    assert_eq!(app.post(&url, entry(&account("A1", "in the north"))).await.status, 201);
    assert_eq!(app.get(&url).await.feed().1.len(), 1);
    assert_eq!(app.resources("accounts").await.len(), 1);
    let digest = app.get(&format!("{url}/$syncDigest")).await.digest();
    assert_eq!(digest.origin.unwrap().as_str(), url);
    assert_eq!(digest.entries.len(), 1);
}
