//! Feed readers that know nothing of SData: what they understand of our feeds is what we meant.

use crate::support::App;
use crate::support::messages::{N1, SAMPLE, digest_entry, entry};
use crate::support::validators::read_feeds;
use atom_syndication::{Category, Feed, FixedDateTime, Link, Person};
use serde_json::{Value, json};

/// What any of these readers would rather not meet in a name.
const AWKWARD: [&str; 6] = [
    "Größe & Söhne <Müller>",
    "日本語 Ελλάδα العربية 😀",
    "&amp; is written &lt;amp&gt;",
    "<b>bold</b> <script>alert(1)</script>",
    "]]> \"double\" 'single' %41 {0}",
    "a  b",
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A provider with an account of each awkward name; answers the accounts' URLs.
async fn awkward() -> (App, Vec<String>) {
    let settings = [("application.title", "Vertrieb & Einkauf <Süd>")];
    let app = App::start_with("crm", &crate::support::Backend::Sqlite, &settings).await;
    let mut urls = Vec::new();
    for (number, name) in AWKWARD.iter().enumerate() {
        let account = format!(
            r#"<account xmlns="{SAMPLE}" sdata:key="K'{number} ü/"><code>{number}</code><name>{}</name></account>"#,
            escaped(name)
        );
        urls.push(app.post(&app.kind("accounts"), entry(&account)).await.header("location").to_owned());
    }
    (app, urls)
}

/// The feed as `atom_syndication` understands it, in the shape of tests/validators/read_feeds.py.
fn by_syndication(body: &[u8]) -> Value {
    let feed = Feed::read_from(body).unwrap();
    let entry = |entry: &atom_syndication::Entry| {
        let content = entry.content.iter().map(|content| content.value.as_deref().unwrap_or_default());
        let mut said = head(&entry.id, &entry.title, entry.updated, &entry.authors, &entry.links, &entry.categories);
        said["content"] = content.collect();
        said
    };
    let mut said = head(&feed.id, &feed.title, feed.updated, &feed.authors, &feed.links, &feed.categories);
    said["entries"] = feed.entries.iter().map(entry).collect();
    said
}

fn head(
    id: &str,
    title: &str,
    updated: FixedDateTime,
    authors: &[Person],
    links: &[Link],
    categories: &[Category],
) -> Value {
    let link = |link: &Link| json!({"rel": link.rel, "href": link.href, "type": link.mime_type, "title": link.title});
    let category = |of: &Category| json!({"term": of.term, "scheme": of.scheme, "label": of.label});
    json!({
        "id": id,
        "title": title,
        "updated": updated.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        "author": authors[0].name,
        "links": links.iter().map(link).collect::<Vec<_>>(),
        "categories": categories.iter().map(category).collect::<Vec<_>>(),
    })
}

/// CORE-3.2-01, CORE-3.3-01, CORE-3.7-01, CORE-3.12-01: two readers, feeds of every kind.
#[tokio::test]
async fn independent_readers_understand_the_same() {
    let (app, urls) = awkward().await;
    app.delete(&urls[1]).await;
    let (changes, _) = app.run("accounts", "$syncSource", "&count=4", digest_entry(N1, &[])).await;
    let mut bodies = vec![changes.body];
    let places =
        ["", "/crm", "/crm/sample", "/crm/sample/-", "/crm/sample/-/accounts?count=2", "/crm/sample/-/products"];
    for place in places.into_iter().chain(["/crm/syncAudit/-/events"]) {
        bodies.push(app.get(&format!("{}/sdata{place}", app.base())).await.body);
    }
    let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
    for (body, mut understood) in bodies.iter().zip(read_feeds(&bodies)) {
        let version = understood.as_object_mut().unwrap().remove("version");
        assert_eq!(version, Some(json!("atom10")), "it is Atom 1.0 to anybody");
        assert_eq!(understood, by_syndication(body), "{}", String::from_utf8_lossy(body));
    }
}

/// CORE-3.7-01, CORE-3.14-02, CORE-2.16-01: and it is what was meant, whatever characters it has.
#[tokio::test]
async fn readers_understand_what_was_meant() {
    let (app, urls) = awkward().await;
    let url = app.kind("accounts");
    let body = app.get(&format!("{url}?count=4")).await.body;
    for feed in [read_feeds(&[&body]).remove(0), by_syndication(&body)] {
        assert_eq!(feed["id"], json!(url));
        assert_eq!(feed["title"], json!("Vertrieb & Einkauf <Süd> | Account"));
        assert_eq!(feed["author"], json!("Vertrieb & Einkauf <Süd>"));
        let link = |rel: &str| {
            let links = feed["links"].as_array().unwrap().iter().filter(|link| link["rel"] == rel);
            let hrefs: Vec<_> = links.map(|link| link["href"].as_str().unwrap().to_owned()).collect();
            assert_eq!(hrefs.len(), 1, "{rel}: {hrefs:?}");
            hrefs[0].clone()
        };
        assert_eq!(link("self"), format!("{url}?startIndex=1&count=4"));
        assert_eq!(link("last"), format!("{url}?startIndex=5&count=4"));
        assert_eq!(app.get(&link("next")).await.feed().1.len(), 2, "links can be followed as they are read");
        assert_eq!(app.get(&link("http://schemas.sage.com/sdata/link-relations/schema")).await.status, 302);
        let entries = feed["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 4);
        for ((entry, name), url) in entries.iter().zip(AWKWARD).zip(&urls) {
            assert_eq!(entry["id"], json!(url));
            assert!(entry["title"].as_str().unwrap().contains(name), "{entry} of {name}");
            assert_eq!(entry["content"], json!([entry["title"]]));
            assert_eq!(entry["author"], json!("crm"));
            let category = &entry["categories"][0];
            assert_eq!(category["term"], json!("resource"));
            assert_eq!(category["scheme"], json!("http://schemas.sage.com/sdata/categories"));
            assert_eq!(entry["links"][0]["rel"], json!("self"));
            assert_eq!(entry["links"][0]["href"], json!(url));
            assert_eq!(app.get(url).await.status, 200);
        }
    }
}
