//! What deployed engines and clients rely on, line by line (integrating.md).

use crate::support::app::child;
use crate::support::messages::{N1, SAMPLE, SyncFeed, account, account_of, digest_entry, entry};
use crate::support::{Answer, App};
use rstest::rstest;
use sdata_sync::protocol::Stamp;
use sdata_sync::wire::Element;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

const ATOM: &str = "http://www.w3.org/2005/Atom";

/// Every element of a document.
fn elements(root: &Element) -> Vec<&Element> {
    let mut all = vec![root];
    let mut at = 0;
    while let Some(element) = all.get(at).copied() {
        all.extend(element.children());
        at += 1;
    }
    all
}

/// One of every kind of answer with a body: what was asked, and the answer.
async fn answers(app: &App) -> Vec<(&'static str, Answer)> {
    let url = app.create("accounts", &account("A1", "one")).await;
    let kind = app.kind("accounts");
    let source = format!("{kind}/$syncSource?trackingID=S1&count=1");
    let target = format!("{kind}/$syncTarget?trackingID=T1");
    let page = SyncFeed::new(N1, &[(N1, 9, 1)])
        .with((N1, 1), &account_of(Uuid::new_v4(), "B1", "two"))
        .with((N1, 2), &account("B2", "without uuid"));
    let accepted = app.post(&source, digest_entry(N1, &[])).await;
    let source = app.poll(accepted.header("location")).await;
    let applied = app.post(&target, page.xml()).await;
    let result = app.poll(applied.header("location")).await;
    vec![
        ("tracking", accepted),
        ("tracking", applied),
        ("feed", source),
        ("feed", result),
        ("feed", app.get(&kind).await),
        ("feed", app.get(&app.dataset()).await),
        ("feed", app.get(&format!("{}/sdata", app.base())).await),
        ("feed", app.get(&app.audit("events")).await),
        ("entry", app.get(&url).await),
        ("entry", app.put(&url, entry(&account("A1", "three"))).await),
        ("entry", app.post(&kind, entry(&account("A3", "four"))).await),
        ("entry", app.get(&format!("{kind}/$syncDigest")).await),
        ("diagnoses", app.get(&format!("{kind}('never')")).await),
    ]
}

/// CORE-3.2-01, CORE-3.12-01, CORE-3.7-01, CORE-3.8-01, SYNC-4.2-01, CORE-3.11-01: media types, namespaces, heads.
#[tokio::test]
async fn every_document_has_the_form_that_deployed_readers_expect() {
    let app = App::start("crm").await;
    for (kind, answer) in answers(&app).await {
        let text = answer.text();
        let content_type = match kind {
            "feed" | "entry" => format!("application/atom+xml; type={kind}"),
            _ => "application/xml".to_owned(),
        };
        assert_eq!(answer.header("content-type"), content_type, "{text}");
        assert!(!text.contains("<!DOCTYPE"));
        let root = answer.xml();
        assert_eq!(&*root.name, kind, "{text}");
        if kind == "tracking" || kind == "diagnoses" {
            assert!(text.contains(&format!("<sdata:{kind} xmlns:sdata=")), "{text}");
            continue;
        }
        let start = &text[..text.find('>').map_or(0, |end| end + 1 + text[end + 1..].find('>').unwrap())];
        assert!(start.contains(&format!(r#"<{kind} xmlns="{ATOM}""#)), "Atom is the default namespace: {start}");
        for prefix in ["sdata", "sync", "http", "opensearch", "xsi"] {
            assert_eq!(text.matches(&format!("xmlns:{prefix}=")).count(), 1, "{prefix}: {text}");
            assert!(start.contains(&format!("xmlns:{prefix}=")), "declared on the root: {start}");
        }
        for place in elements(&root).into_iter().filter(|it| it.is(ATOM, "entry") || it.is(ATOM, "feed")) {
            for name in ["id", "title", "updated", "author"] {
                let found: Vec<_> = place.children().filter(|it| it.is(ATOM, name)).collect();
                assert_eq!(found.len(), 1, "{name}: {text}");
            }
            assert!(!child(place, "id").is_empty() && !child(place, "title").is_empty(), "{text}");
            assert!(Stamp::parse(&child(place, "updated")).is_some(), "{text}");
            let is_digest = child(place, "id").ends_with("$syncDigest");
            let categories = place.children().filter(|it| it.is(ATOM, "category"));
            assert_eq!(categories.count(), usize::from(!is_digest), "{text}");
            if place.is(ATOM, "entry") {
                assert_eq!(place.children().filter(|it| it.is(ATOM, "content")).count(), 1, "{text}");
            }
            let next = place.children().filter(|it| it.is(ATOM, "link") && it.attribute("", "rel") == Some("next"));
            assert!(next.count() <= 1);
        }
        for link in elements(&root).into_iter().filter(|it| it.is(ATOM, "link")) {
            assert!(link.attribute("", "href").unwrap().starts_with("http://"), "{text}");
        }
        let feed_diagnoses = root.children().filter(|it| &*it.name == "diagnosis" || &*it.name == "diagnoses").count();
        assert_eq!(feed_diagnoses, 0, "a feed that succeeded says nothing of itself");
    }
}

/// Stamps have at most three decimals and a Z.
#[tokio::test]
async fn stamps_are_written_in_one_way() {
    let app = App::start("crm").await;
    for (_, answer) in answers(&app).await {
        let root = answer.xml();
        for stamp in elements(&root).into_iter().filter(|it| it.is(ATOM, "updated") || &*it.name == "stamp") {
            let text = stamp.text();
            let whole = text.strip_suffix('Z').unwrap_or_else(|| panic!("{text}"));
            let (whole, decimals) = whole.split_once('.').unwrap_or((whole, "0"));
            assert!(whole.len() == 19 && whole.as_bytes()[10] == b'T', "{text}");
            assert!((1..=3).contains(&decimals.len()), "{text}");
        }
    }
}

/// CORE-3.10-03, CORE-3.10-01: a diagnosis in an entry has the same members as one that is alone.
#[tokio::test]
async fn diagnoses_in_entries_are_complete() {
    let app = App::start("crm").await;
    let page = SyncFeed::new(N1, &[(N1, 9, 1)]).with((N1, 2), &account("B2", "without uuid"));
    let answer = app.apply("accounts", &page).await;
    let root = answer.xml();
    let all = elements(&root);
    let diagnosis = all.iter().find(|it| &*it.name == "diagnosis").unwrap();
    let members: Vec<_> = diagnosis.children().map(|member| member.name.to_string()).collect();
    assert_eq!(members, ["severity", "sdataCode", "applicationCode", "message", "stackTrace", "payloadPath"]);
    assert_eq!(child(diagnosis, "severity"), "error");
    assert_eq!(child(diagnosis, "stackTrace"), "");
}

/// CORE-3.9-01, CORE-9.3-01: `sdata:url` and `sdata:uri`; an etag that can be used as it is.
#[tokio::test]
async fn resources_and_references_have_their_url_twice_and_etags_are_usable_verbatim() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let key = url.split('\'').nth(1).unwrap();
    let contact = format!(r#"<contact xmlns="{SAMPLE}"><lastName>x</lastName><account sdata:key="{key}"/></contact>"#);
    let contact = app.create("contacts", &contact).await;
    let read = app.get(&contact).await.entry();
    let reference = read.resource().unwrap().children().find(|it| &*it.name == "account").unwrap().clone();
    for element in [read.resource().unwrap(), &reference] {
        let sdata = |name| element.attribute("http://schemas.sage.com/sdata/2008/1", name);
        assert_eq!(sdata("url"), sdata("uri"));
        assert!(sdata("url").is_some());
    }
    let etag = app.get(&url).await.entry().etag.unwrap();
    for written in [etag.clone(), etag.trim_matches('"').to_owned()] {
        let request = app.request("PUT", &url).header("If-Match", &written);
        let answer = app.send(request.body(entry(&account("A1", "one")))).await;
        assert_eq!(answer.status, 200, "{written}: {}", answer.text());
    }
}

/// `DELETE` answers 200, not 204; polls are 202 or 200, never 303.
#[tokio::test]
async fn deletes_are_200() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    assert_eq!(app.delete(&url).await.status, 200);
    let (_, context) = app.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    assert_eq!(app.delete(&context).await.status, 200);
}

/// Never 406.
#[rstest]
#[case(None)]
#[case(Some("application/xml"))]
#[case(Some("application/atom+xml;type=entry"))]
#[case(Some("text/plain;q=0.1"))]
#[case(Some(""))]
#[case(Some("nonsense"))]
#[tokio::test]
async fn whatever_is_accepted_the_answer_is_atom(#[case] accept: Option<&str>) {
    let app = App::start("crm").await;
    for (url, content_type) in [
        (app.kind("accounts"), "application/atom+xml; type=feed"),
        (format!("{}/$syncDigest", app.kind("accounts")), "application/atom+xml; type=entry"),
        (format!("{}/$schema", app.dataset()), "application/xml"),
    ] {
        let request = app.request("GET", &url);
        let request = match accept {
            Some(accept) => request.header("Accept", accept),
            None => request,
        };
        let answer = app.send(request).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, content_type));
    }
}

/// CORE-2.11-01, CORE-3.14-01: parameters and headers that mean nothing here make no error.
#[rstest]
#[case("format=anything")]
#[case("language=xx-YY")]
#[case("include=everything")]
#[case("nobody=knows&x")]
#[case("")]
#[tokio::test]
async fn what_is_not_known_is_passed_over(#[case] query: &str) {
    let app = App::start("crm").await;
    for url in [app.dataset(), app.kind("accounts"), format!("{}/$syncDigest", app.kind("accounts"))] {
        let request = app.request("GET", &format!("{url}?{query}")).header("Accept-Language", "tlh, *;q=0");
        let answer = app.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.header("content-type").starts_with("application/atom+xml; type="));
    }
    let url = format!("{}/$syncSource?{query}", app.kind("accounts"));
    assert_eq!(app.post(&url, digest_entry(N1, &[])).await.status, 200);
}

/// An answer as it came over the wire.
struct Raw {
    head: String,
    body: String,
}

/// Sends bytes and reads until the provider closes the connection.
fn raw(app: &App, request: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(app.base().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Raw { head: head.to_lowercase(), body: body.to_owned() }
}

/// The same, but where a length is announced the connection need not be closed.
fn raw_until_complete(app: &App, request: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(app.base().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request).unwrap();
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut part).unwrap();
        bytes.extend(&part[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(read > 0, "{text}");
            continue;
        };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if read == 0 || length.is_some_and(|length| body.len() >= length) {
            return Raw { body: body.to_owned(), head };
        }
    }
}

fn path(app: &App, operation: &str) -> String {
    app.kind("accounts").trim_start_matches(&app.base()).to_owned() + operation
}

/// HTTP/1.0 knows no chunks, and closes the connection when the answer is complete.
#[tokio::test]
async fn http_1_0_is_answered_unchunked() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let page = SyncFeed::new(N1, &[(N1, 9, 1)]).with((N1, 1), &account_of(uuid, "A1", "one"));
    let (_, context) = app.run("accounts", "$syncTarget", "", page.xml()).await;
    let context = context.trim_start_matches(&app.base()).to_owned();
    for path in [path(&app, ""), path(&app, "/$syncDigest"), context] {
        let request = format!("GET {path} HTTP/1.0\r\nConnection: ");
        for connection in ["close", "keep-alive"] {
            // A kept connection is one of a known length: then the provider may leave it open.
            let answer = raw_until_complete(&app, format!("{request}{connection}\r\n\r\n").as_bytes());
            assert!(answer.head.contains(" 200 "), "{}", answer.head);
            assert!(!answer.head.contains("transfer-encoding"), "{}", answer.head);
            assert!(answer.body.starts_with("<?xml"), "{}", answer.body);
            assert!(answer.body.trim_end().ends_with("</feed>") || answer.body.trim_end().ends_with("</entry>"));
        }
    }
    let body = page.xml();
    let post = format!("POST {} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", path(&app, "/$syncTarget"), body.len());
    let answer = raw(&app, post.as_bytes());
    assert!(answer.head.contains(" 200 ") && !answer.head.contains("transfer-encoding"), "{}", answer.head);
    assert!(answer.body.contains(&uuid.to_string()) && answer.body.trim_end().ends_with("</feed>"));
}

/// `Expect: 100-continue`: the body comes when the provider says so.
#[tokio::test]
async fn a_client_that_waits_for_100_is_told_to_go_on() {
    let app = App::start("crm").await;
    let body = digest_entry(N1, &[]);
    let mut stream = TcpStream::connect(app.base().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "POST {}?trackingID=T1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        path(&app, "/$syncSource"),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
}

/// A request may come in chunks, with a byte order mark, and in small pieces.
#[tokio::test]
async fn a_chunked_request_is_read() {
    let app = App::start("crm").await;
    let page = SyncFeed::new(N1, &[(N1, 9, 1)]).with((N1, 1), &account_of(Uuid::new_v4(), "A1", "Ä"));
    let mut body = vec![0xEF, 0xBB, 0xBF];
    body.extend(page.xml().bytes());
    let mut request = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        path(&app, "/$syncTarget")
    )
    .into_bytes();
    for part in body.chunks(7) {
        request.extend(format!("{:x}\r\n", part.len()).bytes());
        request.extend(part);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    let answer = raw(&app, &request);
    assert!(answer.head.contains(" 200 "), "{}", answer.head);
    assert_eq!(child(&app.resources("accounts").await[0], "name"), "Ä");
}

/// A client that goes away in the middle of a page leaves nothing behind.
#[tokio::test]
async fn a_body_that_is_broken_off_is_not_applied() {
    let app = App::start("crm").await;
    let page = SyncFeed::new(N1, &[(N1, 9, 1)]).with((N1, 1), &account_of(Uuid::new_v4(), "A1", "one")).xml();
    let head = format!(
        "POST {}?trackingID=T1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        path(&app, "/$syncTarget"),
        page.len() + 100
    );
    let mut stream = TcpStream::connect(app.base().trim_start_matches("http://")).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(page.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Both).unwrap();
    drop(stream);
    app.get(&format!("{}/$syncTarget('T1')", app.kind("accounts"))).await.assert_refused(404);
    assert!(app.resources("accounts").await.is_empty());
    let accepted = app.post(&format!("{}/$syncTarget?trackingID=T1", app.kind("accounts")), page).await;
    assert_eq!(accepted.status, 202, "the id is still free");
}

/// What a relay does to a feed on its way.
#[tokio::test]
async fn a_feed_that_a_relay_rewrote_is_applied() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    crm.create("accounts", &account("A1", "one")).await;
    crm.create("accounts", &account("A2", "two")).await;
    let (page, _) = crm.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    let text = page.text();
    let cut = |text: &str| {
        let mut rewritten = String::new();
        for (at, part) in text.split("<sync:stamp>").enumerate() {
            match (at, part.split_once("</sync:stamp>")) {
                (0, _) | (_, None) => rewritten.push_str(part),
                (_, Some((stamp, rest))) => {
                    rewritten.push_str(&format!("<sync:stamp>{}+00:00</sync:stamp>{rest}", &stamp[..19]));
                }
            }
        }
        rewritten
    };
    let rewritten = cut(&text)
        .replace(">catchUp<", ">CatchUp<")
        .replace("<title>", "<title/><other>")
        .replace("</title>", "</other>");
    let rewritten = rewritten.replace("<updated>", "<was>").replace("</updated>", "</was>");
    let (result, _) = erp.run("accounts", "$syncTarget", "", rewritten).await;
    assert!(result.feed().1.iter().all(|entry| entry.http_status == Some(201)), "{}", result.text());
    assert_eq!(erp.resources("accounts").await.len(), 2);
    assert_eq!(crm.pass_to(&erp, "accounts").await[0].feed().1.len(), 0, "the digest was adopted");
}

/// CORE-2.16-01: what is sent is usable as it is.
#[tokio::test]
async fn urls_with_all_kinds_of_characters_lead_back() {
    let app = App::start("crm").await;
    for key in ["a b", "O'Hara", "ä/ö?ü", "100%25", "a+b&c=d", "(x)", "#1", "日本"] {
        let escaped = key.replace('&', "&amp;");
        let resource = format!(
            r#"<account xmlns="{SAMPLE}" sdata:key="{escaped}"><code>{escaped}</code><name>x</name></account>"#
        );
        let url = app.create("accounts", &resource).await;
        assert!(url.is_ascii(), "{url}");
        let read = app.get(&url).await;
        assert_eq!(child(read.entry().resource().unwrap(), "code"), key, "{url}");
        assert_eq!(read.entry().id, url);
    }
}

/// CORE-2.16-01: parameters in any language, with plus signs for spaces or not, are understood and come back in links.
#[rstest]
#[case::percent_encoded("L%C3%A4uf%20%2B1", "Läuf +1")]
#[case::plus_for_a_space("L%C3%A4uf+%2B1", "Läuf +1")]
#[case::beyond_the_basic_plane("%F0%9F%98%80", "\u{1f600}")]
#[case::reserved("a%26b%3Dc%23d", "a&b=c#d")]
#[tokio::test]
async fn parameters_with_all_kinds_of_characters_are_kept(#[case] sent: &str, #[case] meant: &str) {
    let app = App::start("crm").await;
    for code in ["A1", "A2"] {
        app.create("accounts", &account(code, "one")).await;
    }
    let url = format!("{}/$syncSource?runName={sent}&runStamp=1&count=1", app.kind("accounts"));
    let page = app.post(&url, digest_entry(N1, &[])).await;
    let next = page.feed().0.link("next").unwrap().to_owned();
    assert!(next.is_ascii(), "{next}");
    let run = Url::parse(&next).unwrap();
    let run = run.query_pairs().find(|(name, _)| name == "runName").unwrap().1.into_owned();
    assert_eq!(run, meant);
    assert_eq!(app.get(&next).await.feed().1.len(), 1);
    let runs = app.audit_rows("runs").await;
    assert_eq!(child(&runs[0], "runName"), meant);
    // An id in any language is a context's address.
    let url = format!("{}/$syncSource?trackingID={sent}", app.kind("accounts"));
    let accepted = app.post(&url, digest_entry(N1, &[])).await;
    assert!(accepted.header("location").is_ascii());
    assert_eq!(app.poll(accepted.header("location")).await.status, 200);
}
