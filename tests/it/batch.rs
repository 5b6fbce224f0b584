//! `$batch`: many requests in one (core 13).

use crate::support::app::{child, statuses};
use crate::support::messages::{SAMPLE, account, account_of, batch as feed, entry, posted as post};
use crate::support::{Answer, App, Backend, Kind};
use rstest::rstest;
use sdata_sync::wire::Entry;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

const PEER: &str = "http://peer.example.com/sdata/app/sample/-/accounts";

fn url(app: &App) -> String {
    format!("{}/$batch", app.kind("accounts"))
}

/// An entry of a batch: what is to be done, with which resource, and what is sent.
fn ask(method: &str, id: &str, more: &str, resource: &str) -> String {
    format!(
        "<entry><id>{id}</id><title/><http:httpMethod>{method}</http:httpMethod>{more}\
         <sdata:payload>{resource}</sdata:payload></entry>"
    )
}

fn put(id: &str, etag: &str, resource: &str) -> String {
    ask("PUT", id, &format!("<http:ifMatch>{}</http:ifMatch>", etag.replace('"', "&quot;")), resource)
}

fn get(id: &str) -> String {
    format!("<entry><id>{id}</id><http:httpMethod>GET</http:httpMethod></entry>")
}

fn delete(id: &str) -> String {
    format!("<entry><id>{id}</id><http:httpMethod>DELETE</http:httpMethod></entry>")
}

/// Sends a batch and answers its result entries; the answer is 200 whatever they say.
async fn batch(app: &App, entries: &[String]) -> Vec<Entry> {
    let answer = app.post(&url(app), feed(entries)).await;
    assert_eq!(answer.header("content-type"), "application/atom+xml; type=feed", "{}", answer.text());
    results(&answer, entries.len())
}

/// The entries of a result, each with what every one must have.
fn results(answer: &Answer, count: usize) -> Vec<Entry> {
    let (head, entries) = answer.feed();
    assert_eq!((entries.len(), head.total_results), (count, Some(count as u64)), "{}", answer.text());
    for entry in &entries {
        assert!(entry.http_status.is_some() && entry.http_message.is_some() && entry.http_method.is_some());
        assert_eq!(entry.location.is_some(), entry.http_status == Some(201));
        assert_eq!(entry.etag.is_some(), entry.resource().is_some());
        assert_eq!(entry.diagnoses.is_empty(), entry.http_status < Some(400), "{:?}", entry.diagnoses);
    }
    entries
}

fn name(entry: &Entry) -> String {
    entry.resource().map(|resource| child(resource, "name")).unwrap_or_default()
}

/// CORE-13.1-01, CORE-13.3-01, CORE-13.3-02, CORE-13.4-01, CORE-13.4-02, CORE-13.4-03.
#[tokio::test]
async fn each_entry_is_carried_out_as_its_single_request_would_be() {
    let app = App::start("crm").await;
    let changed = app.create("accounts", &account("A1", "one")).await;
    let read = app.create("accounts", &account("A2", "two")).await;
    let gone = app.create("accounts", &account("A3", "three")).await;
    let stale = app.create("accounts", &account("A4", "four")).await;
    let etag = app.get(&changed).await.header("etag").to_owned();
    let old = app.get(&stale).await.header("etag").to_owned();
    app.put(&stale, entry(&account("A4", "four, changed"))).await;
    let never = format!("{}('never')", app.kind("accounts"));
    let entries = batch(
        &app,
        &[
            post(&account("A5", "five")),
            put(&changed, &etag, &format!(r#"<account xmlns="{SAMPLE}"><name>changed</name></account>"#)),
            get(&read),
            delete(&gone),
            put(&stale, &old, &account("A4", "lost")),
            ask("PUT", &read, "", &account("A2", "no ifMatch")),
            get(&never),
            delete(&gone),
            post(&account("A2", "its code is taken")),
            post(&format!(r#"<account xmlns="{SAMPLE}"><name>no code</name></account>"#)),
            post(&account("A3", "this code is free again")),
            ask("PATCH", &read, "", &account("A2", "x")),
        ],
    )
    .await;
    assert_eq!(statuses(&entries), [201, 200, 200, 200, 412, 400, 404, 410, 409, 400, 201, 405]);
    let methods: Vec<_> = entries.iter().map(|entry| entry.http_method.as_deref().unwrap_or_default()).collect();
    let asked = ["POST", "PUT", "GET", "DELETE", "PUT", "PUT", "GET", "DELETE", "POST", "POST", "POST", "PATCH"];
    assert_eq!(methods, asked);
    let messages: Vec<_> = entries.iter().take(5).map(|entry| entry.http_message.as_deref().unwrap()).collect();
    assert_eq!(messages, ["Created", "OK", "OK", "OK", "Precondition Failed"]);
    let created = app.get(entries[0].location.as_deref().unwrap()).await;
    assert_eq!((&created.entry().etag, created.entry().resource()), (&entries[0].etag, entries[0].resource()));
    assert_eq!(entries[0].id, created.entry().id);
    assert_eq!([1, 2, 4].map(|n| name(&entries[n])), ["changed", "two", "four, changed"]);
    assert_eq!([&entries[1], &entries[2], &entries[3]].map(|entry| entry.id.as_str()), [&changed, &read, &gone]);
    assert!(entries[3].payload.is_none());
    let now = app.get(&changed).await;
    assert_eq!(Some(now.header("etag")), entries[1].etag.as_deref());
    assert_eq!(child(now.entry().resource().unwrap(), "code"), "A1", "what was not sent stays");
    assert_eq!(app.get(&gone).await.status, 410);
    assert!(entries[5].diagnoses[0].message.contains("If-Match"), "{:?}", entries[5].diagnoses);
    assert_eq!(entries[8].diagnoses[0].payload_path, "code");
    assert_eq!(app.resources("accounts").await.len(), 5);
}

/// CORE-13.3-01: what an earlier entry did is true for a later one.
#[tokio::test]
async fn an_entry_sees_what_the_entries_before_it_did() {
    let app = App::start("crm").await;
    let key = |code: &str| account(code, code).replacen("<account", &format!(r#"<account sdata:key="{code}""#), 1);
    let at = |key: &str| format!("{}('{key}')", app.kind("accounts"));
    let uuid = Uuid::new_v4();
    let by_uuid = format!(r#"<account xmlns="{SAMPLE}" sdata:uuid="{uuid}"><name>by UUID</name></account>"#);
    let entries = batch(
        &app,
        &[
            post(&key("K1")),
            get(&at("K1")),
            put(&at("K1"), "*", &account("K1", "second")),
            get(&at("K1")),
            delete(&at("K1")),
            get(&at("K1")),
            post(&key("K1")),
            post(&account("K1", "the code is free, and without a key it gets one")),
            post(&account("K1", "taken now")),
            post(&account_of(uuid, "U1", "with a UUID")),
            put("", "*", &by_uuid),
            delete(&format!("urn:uuid:{uuid}")),
            post(&account_of(uuid, "U1", "with a UUID")),
        ],
    )
    .await;
    assert_eq!(statuses(&entries), [201, 200, 200, 200, 200, 410, 409, 201, 409, 201, 200, 200, 409]);
    assert_eq!([0, 1, 2, 3].map(|n| name(&entries[n])), ["K1", "K1", "second", "second"], "each as it was then");
    assert_ne!(entries[1].etag, entries[3].etag);
    assert_eq!(entries[0].etag, entries[1].etag);
    assert_eq!([9, 10].map(|n| name(&entries[n])), ["with a UUID", "by UUID"]);
    assert_eq!(entries[11].id, entries[9].id);
    assert_eq!(app.resources("accounts").await.len(), 1);
}

/// CORE-13.3-01, CORE-8.5-01: the same POST again is the same resource, also within one batch.
#[tokio::test]
async fn a_post_with_the_same_uuid_again_is_answered_as_before() {
    let app = App::start("crm").await;
    let sent = account_of(Uuid::new_v4(), "A1", "one");
    let entries = batch(&app, &[post(&sent), post(&sent)]).await;
    assert_eq!(statuses(&entries), [201, 201]);
    assert_eq!(entries[0].location, entries[1].location);
    let again = batch(&app, &[post(&sent)]).await;
    assert_eq!((again[0].http_status, &again[0].location), (Some(201), &entries[0].location));
    assert_eq!(app.resources("accounts").await.len(), 1);
    let changed = batch(&app, &[put(&entries[0].id, "*", &account("A1", "changed")), post(&sent)]).await;
    assert_eq!(statuses(&changed), [200, 409]);
}

/// SYNC-1.3-12, CORE-13.3-01: what was known by the UUID before its link was deleted is neither found nor answered under it,
/// although references still lead there.
#[tokio::test]
async fn a_uuid_whose_link_was_deleted_is_free_for_a_new_resource() {
    let app = App::start("crm").await;
    let (uuid, links) = (Uuid::new_v4(), format!("{}/$linked", app.kind("accounts")));
    let url = app.create("accounts", &account("C1", "one")).await;
    let link = format!(r#"<account xmlns="{SAMPLE}" sdata:url="{url}" sdata:uuid="{uuid}"/>"#);
    assert_eq!(app.post(&links, entry(&link)).await.status, 201);
    assert_eq!(app.delete(&format!("{links}('{uuid}')")).await.status, 200);
    let clash = batch(&app, &[post(&account_of(uuid, "C1", "clashes"))]).await;
    assert_eq!(statuses(&clash), [409]);
    assert_eq!((&*clash[0].diagnoses[0].application_code, &*clash[0].diagnoses[0].payload_path), ("notUnique", "code"));
    let entries = batch(&app, &[get(&format!("urn:uuid:{uuid}")), post(&account_of(uuid, "C2", "two"))]).await;
    assert_eq!(statuses(&entries), [404, 201]);
    assert_eq!(name(&entries[1]), "two");
    assert_eq!(app.resources("accounts").await.len(), 2);
    let read = batch(&app, &[get(&format!("urn:uuid:{uuid}"))]).await;
    assert_eq!(name(&read[0]), "two");
}

/// CORE-13.3-01: references by key and by UUID to what was created before, also in another batch.
#[tokio::test]
async fn references_lead_to_what_was_created_before() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let made = batch(&app, &[post(&account_of(uuid, "A1", "one")), post(&account("A2", "two"))]).await;
    let key = made[1].resource().and_then(|resource| resource.attribute("http://schemas.sage.com/sdata/2008/1", "key"));
    let contact = |reference: &str| {
        let name = reference.replace(['"', ':', '='], " ");
        format!(r#"<contact xmlns="{SAMPLE}"><lastName>{name}</lastName><account {reference}/></contact>"#)
    };
    let references =
        [format!(r#"sdata:uuid="{uuid}""#), format!(r#"sdata:key="{}""#, key.unwrap()), r#"sdata:key="no""#.to_owned()];
    let entries = references.map(|reference| post(&contact(&reference)));
    let answer = app.post(&format!("{}/$batch", app.kind("contacts")), feed(&entries)).await;
    let entries = results(&answer, 3);
    assert_eq!(statuses(&entries), [201, 201, 400]);
    let leads_to = |entry: &Entry| {
        let contact = entry.resource().unwrap();
        let account = contact.children().find(|property| &*property.name == "account").unwrap();
        account.attribute("http://schemas.sage.com/sdata/2008/1", "url").unwrap_or_default().to_owned()
    };
    assert_eq!([leads_to(&entries[0]), leads_to(&entries[1])], [made[0].id.clone(), made[1].id.clone()]);
}

/// CORE-13.6-01: nothing is done.
#[rstest]
#[case::an_entry(entry(&account("A1", "one")), "feed")]
#[case::a_resource(account("A1", "one"), "feed")]
#[case::no_xml("POST me".to_owned(), "")]
#[case::broken_behind_a_good_entry(feed(&[post(&account("A1", "one"))]).replace("</feed>", "<entry>"), "")]
#[case::nothing(String::new(), "")]
#[tokio::test]
async fn a_batch_that_is_no_feed_is_refused_as_a_whole(#[case] body: String, #[case] said: &str) {
    let app = App::start("crm").await;
    for query in ["", "?trackingID=b1"] {
        let answer = app.post(&format!("{}{query}", url(&app)), body.clone()).await;
        answer.assert_refused(400);
        assert!(answer.diagnosis().message.contains(said), "{}", answer.text());
    }
    assert!(app.resources("accounts").await.is_empty());
    assert_eq!(app.get(&format!("{}('b1')", url(&app))).await.status, 404);
}

/// CORE-13.3-01: how an entry may say which resource it is about.
#[tokio::test]
async fn an_entry_names_its_resource_by_id_or_by_what_stands_for_it() {
    let app = App::start("crm").await;
    let one = app.create("accounts", &account("A1", "one")).await;
    let key = one.split('\'').nth(1).unwrap();
    let kind = app.kind("accounts");
    let named = |attribute: &str| {
        format!(
            r#"<entry><http:httpMethod>GET</http:httpMethod><sdata:payload><account xmlns="{SAMPLE}" {attribute}/></sdata:payload></entry>"#
        )
    };
    let entries = batch(
        &app,
        &[
            get(&one),
            get(&one.replace('\'', "%27").replace("http://", "HTTP://")),
            get(&format!("accounts('{key}')")),
            format!("<entry><http:httpMethod>get</http:httpMethod><http:location>{one}</http:location></entry>"),
            named(&format!(r#"sdata:url="{one}""#)),
            named(&format!(r#"sdata:key="{key}""#)),
            get(&kind),
            get(&one.replace("/accounts(", "/contacts(")),
            get(&one.replace("127.0.0.1", "other.example.com")),
            get("accounts('open"),
            "<entry><http:httpMethod>GET</http:httpMethod></entry>".to_owned(),
            format!("<entry><id>{one}</id></entry>"),
            format!("<entry><sdata:payload>{}</sdata:payload></entry>", account("A2", "without a method a POST")),
        ],
    )
    .await;
    assert_eq!(statuses(&entries), [200, 200, 200, 200, 200, 200, 400, 400, 400, 400, 400, 400, 201]);
    assert!(entries.iter().take(6).all(|entry| entry.id == one && name(entry) == "one"));
}

/// CORE-13.6-01: an id that is the URL of the collection names no resource; only its own entry fails.
#[tokio::test]
async fn an_entry_about_the_whole_collection_is_refused_alone() {
    let app = App::start("crm").await;
    let kind = app.kind("accounts");
    let changed = account("A9", "all of them");
    for id in [kind.as_str(), "accounts", &format!("{kind}?where=code eq 'A1'")] {
        let entries = [get(id), put(id, "*", &changed), delete(id), post(&account("A1", "one"))];
        let results = batch(&app, &entries).await;
        assert_eq!(statuses(&results)[..3], [400, 400, 400], "{id}");
        assert!(results[0].diagnoses[0].message.contains("is no resource of this collection"), "{results:?}");
    }
    assert_eq!(app.resources("accounts").await.len(), 1);
}

/// CORE-3.3-01, CORE-13.4-01: the feed has the links that the collection has.
#[tokio::test]
async fn the_result_leads_to_schema_and_template() {
    let app = App::start("crm").await;
    let (head, _) = app.post(&url(&app), feed(&[post(&account("A1", "one"))])).await.feed();
    let (collection, _) = app.get(&app.kind("accounts")).await.feed();
    for rel in ["schema", "template", "post"] {
        let rel = format!("http://schemas.sage.com/sdata/link-relations/{rel}");
        assert!(head.link(&rel).is_some() && head.link(&rel) == collection.link(&rel), "{rel}");
    }
}

/// CORE-13.4-01: in pages only for who asks for pages.
#[tokio::test]
async fn the_result_of_five_thousand_entries_comes_whole_and_in_order() {
    let app = App::start("crm").await;
    let entries: Vec<_> = (0..5_000).map(|n| post(&account(&format!("A{n}"), &format!("number {n}")))).collect();
    let made = batch(&app, &entries).await;
    assert!(made.iter().all(|entry| entry.http_status == Some(201)));
    assert!(made.iter().enumerate().all(|(n, entry)| name(entry) == format!("number {n}")));
    assert_eq!(app.resources("accounts").await.len(), 5_000);
    let changes: Vec<_> = made
        .iter()
        .enumerate()
        .map(|(n, made)| match n % 3 {
            0 => put(&made.id, made.etag.as_deref().unwrap(), &account(&format!("A{n}"), "changed")),
            1 => get(&made.id),
            _ => delete(&made.id),
        })
        .collect();
    let accepted = app.post(&format!("{}?trackingID=b", url(&app)), feed(&changes)).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let location = accepted.header("location").to_owned();
    let done = results(&app.poll(&location).await, 5_000);
    assert!(done.iter().all(|entry| entry.http_status == Some(200)), "{:?}", statuses(&done));
    assert!(done.iter().zip(&made).all(|(done, made)| done.id == made.id));
    assert_eq!(app.resources("accounts").await.len(), 3_334);
    let (head, page) = app.get(&format!("{location}?count=700&startIndex=1401")).await.feed();
    assert_eq!((head.start_index, head.items_per_page, page.len()), (Some(1_401), Some(700), 700));
    assert_eq!(page[0].id, made[1_400].id);
    assert!(head.link("next").is_some_and(|next| next.contains("startIndex=2101")));
}

/// CORE-13.3-01, CORE-13.4-02: what the contract does not let single requests do, entries cannot either.
#[rstest]
#[case("canPost", "POST", [405, 200, 200, 200])]
#[case("canPut", "PUT", [201, 405, 200, 200])]
#[case("canDelete", "DELETE", [201, 200, 200, 405])]
#[tokio::test]
async fn an_entry_whose_method_the_kind_does_not_take_is_405(
    #[case] flag: &str,
    #[case] method: &str,
    #[case] expected: [u16; 4],
) {
    let contract = tempfile::tempdir().unwrap();
    let sample = std::fs::read_to_string("contracts/sample.xsd").unwrap();
    let file = contract.path().join("sample.xsd");
    std::fs::write(&file, sample.replacen(&format!(r#"sme:{flag}="true""#), &format!(r#"sme:{flag}="false""#), 1))
        .unwrap();
    let app = App::start_with(
        "crm",
        &Backend::Sqlite,
        &[("contracts.0.name", "sample"), ("contracts.0.schema", file.to_str().unwrap())],
    )
    .await;
    let uuid = Uuid::new_v4();
    let change =
        crate::support::messages::SyncFeed::new(PEER, &[(PEER, 2, 5)]).with((PEER, 1), &account_of(uuid, "A1", "one"));
    let (_, taken) = app.apply("accounts", &change).await.feed();
    let one = &taken[0].id;
    let entries =
        batch(&app, &[post(&account("A2", "two")), put(one, "*", &account("A1", "changed")), get(one), delete(one)])
            .await;
    assert_eq!(statuses(&entries), expected);
    let refused = entries.iter().find(|entry| entry.http_status == Some(405)).unwrap();
    assert_eq!(refused.http_method.as_deref(), Some(method));
    assert!(refused.diagnoses[0].message.contains("accounts do not take"), "{:?}", refused.diagnoses);
    assert!(refused.resource().is_none());
}

/// CORE-8.5-01, CORE-8.5-02: at the same moment, on every database.
#[rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_posts_at_the_same_time_make_one_resource_each(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let app = Arc::new(storage.start("crm", &[]).await);
    let with_uuid: Vec<_> =
        (0..30).map(|n| account_of(Uuid::from_u128(n + 1), &format!("U{n}"), "the same each time")).collect();
    let with_code: Vec<_> = (0..30).map(|n| account(&format!("C{n}"), "one of many")).collect();
    let single = |sent: Vec<String>| {
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let mut statuses = Vec::new();
            for sent in sent {
                statuses.push(app.post(&app.kind("accounts"), entry(&sent)).await.status);
            }
            statuses
        })
    };
    let whole = |sent: Vec<String>| {
        let app = Arc::clone(&app);
        tokio::spawn(
            async move { statuses(&batch(&app, &sent.iter().map(|sent| post(sent)).collect::<Vec<_>>()).await) },
        )
    };
    let uuids = [single(with_uuid.clone()), single(with_uuid.clone()), whole(with_uuid.clone())];
    let codes = [single(with_code.clone()), single(with_code.clone()), whole(with_code.clone())];
    for answered in uuids {
        assert_eq!(answered.await.unwrap(), [201; 30], "the same request again");
    }
    let mut created = 0;
    for answered in codes {
        let answered = answered.await.unwrap();
        assert!(answered.iter().all(|status| [201, 409].contains(status)), "{answered:?}");
        created += answered.iter().filter(|status| **status == 201).count();
    }
    assert_eq!(created, 30);
    let accounts = app.resources("accounts").await;
    let codes: BTreeSet<_> = accounts.iter().map(|account| child(account, "code")).collect();
    assert_eq!((accounts.len(), codes.len()), (60, 60));
}

/// CORE-13.4-01, CORE-13.4-02: what the store does not take is one entry's failure, wherever it stands.
#[tokio::test]
async fn an_entry_that_cannot_be_stored_fails_alone() {
    let app = App::start("crm").await;
    let refusal = "CREATE TRIGGER refusal BEFORE INSERT ON resource WHEN NEW.resource_key IN ('K30', 'K700') \
                   BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    app.alter(refusal).await;
    let sent = |n| account(&format!("A{n}"), "one").replacen("<account", &format!(r#"<account sdata:key="K{n}""#), 1);
    let entries = batch(&app, &(0..900).map(|n| post(&sent(n))).collect::<Vec<_>>()).await;
    let failed: Vec<_> = (0..900).filter(|n| entries[*n].http_status != Some(201)).collect();
    assert_eq!(failed, [30, 700]);
    assert_eq!([entries[30].http_status, entries[700].http_status], [Some(500); 2]);
    assert_eq!(entries[30].id, format!("{}('K30')", app.kind("accounts")));
    assert_eq!(app.resources("accounts").await.len(), 898);
}

/// CORE-13.4-01, CORE-13.4-02: a key that no resource can have is one entry's failure, and leads nowhere wherever it stands.
#[rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_longer_than_any_leads_nowhere(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let app = storage.start("crm", &[]).await;
    for long in ["x".repeat(201), "x".repeat(300), "%C3%A4".repeat(101), "x".repeat(5000)] {
        let url = format!("{}('{long}')", app.kind("accounts"));
        let keyed = account("K", "K").replacen("<account", &format!(r#"<account sdata:key="{long}""#), 1);
        let (one, two) = (format!("1{}", long.len()), format!("2{}", long.len()));
        let entries = [
            post(&account(&one, "one")),
            get(&url),
            put(&url, "*", &account("K", "K")),
            delete(&url),
            post(&keyed),
            post(&account(&two, "two")),
        ];
        let entries = batch(&app, &entries).await;
        assert_eq!(statuses(&entries), [201, 404, 404, 404, 400, 201]);
        assert!(entries[1].diagnoses[0].message.len() < 500);

        let link = format!(r#"<account xmlns="{SAMPLE}" sdata:url="{url}"/>"#);
        let links = format!("{}/$linked", app.kind("accounts"));
        assert_eq!(app.post(&links, entry(&link)).await.status, 400);
        let linked = app.post(&format!("{links}/$batch"), feed(&[post(&link)])).await;
        assert_eq!(statuses(&results(&linked, 1)), [400]);

        let order = format!("{}('{long}')", app.kind("salesOrders"));
        let asked = [
            app.get(&url).await,
            app.delete(&url).await,
            app.send(app.request("PUT", &url).header("If-Match", "*").body(entry(&account("K", "K")))).await,
            app.get(&format!("{url}/name")).await,
            app.get(&format!("{order}/orderLines")).await,
            app.get(&format!("{order}/orderLines('1')")).await,
            app.get(&format!("{order}/account")).await,
            app.delete(&format!("{order}/orderLines('1')")).await,
        ];
        assert_eq!(asked.map(|answer| answer.status), [404; 8]);
    }
    assert_eq!(app.resources("accounts").await.len(), 8);
}

/// CORE-13.4-01, CORE-13.4-02.
#[tokio::test]
async fn a_link_that_cannot_be_stored_fails_alone() {
    let app = App::start("crm").await;
    let sent = |n| account(&format!("A{n}"), "one").replacen("<account", &format!(r#"<account sdata:key="K{n}""#), 1);
    batch(&app, &(0..20).map(|n| post(&sent(n))).collect::<Vec<_>>()).await;
    let refusal = "CREATE TRIGGER refusal BEFORE UPDATE ON resource WHEN NEW.resource_key IN ('K3', 'K17') \
                   BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    app.alter(refusal).await;
    let links: Vec<_> = (0..20).map(|n| post(&format!(r#"<account xmlns="{SAMPLE}" sdata:key="K{n}"/>"#))).collect();
    let answer = app.post(&format!("{}/$linked/$batch", app.kind("accounts")), feed(&links)).await;
    let (_, entries) = answer.feed();
    let failed: Vec<_> = (0..20).filter(|n| entries[*n].http_status != Some(201)).collect();
    assert_eq!(failed, [3, 17]);
    assert_eq!([entries[3].http_status, entries[17].http_status], [Some(500); 2]);
}

/// CORE-13.5-01: a batch is no operation of the audit; its run stands with its tracking.
#[tokio::test]
async fn a_batch_leaves_no_synchronization_event_and_its_changes_are_synchronized() {
    let app = App::start("crm").await;
    let before = app.digest("accounts").await;
    let answer =
        app.post(&format!("{}?runName=nightly&runStamp=1", url(&app)), feed(&[post(&account("A1", "one"))])).await;
    assert_eq!(statuses(&results(&answer, 1)), [201]);
    assert!(app.audit_rows("changes").await.is_empty());
    let operations: BTreeSet<_> =
        app.audit_rows("events").await.iter().map(|event| child(event, "operation")).collect();
    assert_eq!(operations, BTreeSet::from(["digestRead".to_owned()]));
    let own = before.origin.unwrap();
    assert!(app.digest("accounts").await.tick_of(&own) > before.entries[&own].tick);
}
