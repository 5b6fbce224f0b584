//! What is refused, and how (core 3.10, 6.10).

use crate::support::app::child;
use crate::support::messages::{N1, SAMPLE, SyncFeed, account, account_of, digest_entry, entry};
use crate::support::{App, Backend};
use rstest::rstest;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// CORE-6.10-03, CORE-3.10-01, CORE-3.10-02: every level has its own code.
#[rstest]
#[case("/other", "ApplicationDiagnosis")]
#[case("/sdata/other", "ApplicationNotFound")]
#[case("/sdata/other/sample/-/accounts", "ApplicationNotFound")]
#[case("/sdata/crm/other", "ContractNotFound")]
#[case("/sdata/crm/other/-/accounts/$syncDigest", "ContractNotFound")]
#[case("/sdata/crm/sample/other", "DatasetNotFound")]
#[case("/sdata/crm/sample/other/accounts('1')", "DatasetNotFound")]
#[case("/sdata/crm/sample/-/others", "ResourceKindNotFound")]
#[case("/sdata/crm/sample/-/account", "ResourceKindNotFound")]
#[case("/sdata/crm/sample/-/others/$syncSource", "ResourceKindNotFound")]
#[case("/sdata/crm/sample/-/accounts('never')", "ApplicationDiagnosis")]
#[case("/sdata/crm/sample/-/accounts('')", "ApplicationDiagnosis")]
#[case("/sdata/crm/sample/-/accounts/$other", "ApplicationDiagnosis")]
#[case("/sdata/crm/sample/-/accounts/$syncDigest/more", "ApplicationDiagnosis")]
#[case("/sdata/crm/sample/-/accounts/$syncSource('never')", "ApplicationDiagnosis")]
#[case("/sdata/crm/syncAudit/other/runs", "DatasetNotFound")]
#[case("/sdata/crm/syncAudit/-/others", "ResourceKindNotFound")]
#[tokio::test]
async fn what_is_not_there_is_404_with_the_code_of_its_level(#[case] path: &str, #[case] code: &str) {
    let app = App::start("crm").await;
    for method in ["GET", "POST", "DELETE"] {
        if path.ends_with("')") || path.ends_with("never')") {
            continue;
        }
        let answer = app.send(app.request(method, &format!("{}{path}", app.base()))).await;
        answer.assert_refused(404);
        assert_eq!(answer.diagnosis().sdata_code.as_str(), code);
    }
    let answer = app.get(&format!("{}{path}", app.base())).await;
    answer.assert_refused(404);
    assert_eq!(answer.diagnosis().sdata_code.as_str(), code);
}

/// CORE-6.10-02, CORE-3.10-01: URLs that the specification has and this provider has not (core 6.9).
#[rstest]
#[case("$service")]
#[case("$service/close")]
#[case("accounts/$service")]
#[case("accounts/$SERVICE/close")]
#[case("accounts/$queries")]
#[case("accounts/$queries/best")]
#[case("accounts('1')/$service/close")]
#[tokio::test]
async fn what_is_not_implemented_is_501(#[case] path: &str) {
    let app = App::start("crm").await;
    for method in ["GET", "POST"] {
        let answer = app.send(app.request(method, &format!("{}/{path}", app.dataset()))).await;
        answer.assert_refused(501);
        assert_eq!(answer.diagnosis().application_code, "notImplemented");
        assert!(answer.diagnosis().message.starts_with('$'), "{}", answer.text());
    }
}

/// CORE-6.10-02, CORE-3.10-02.
#[rstest]
#[case("accounts?where=name%20eq", "BadWhereSyntax")]
#[case("accounts(name%20eq)", "BadWhereSyntax")]
#[case("accounts('open", "BadUrlSyntax")]
#[case("accounts('O'Hara')", "BadUrlSyntax")]
#[case("accounts%FF", "BadUrlSyntax")]
#[case("accounts/$syncSource(T1)", "BadUrlSyntax")]
#[case("accounts?startIndex=x", "BadQueryParameter")]
#[tokio::test]
async fn a_url_that_cannot_be_understood_is_400(#[case] path: &str, #[case] code: &str) {
    let app = App::start("crm").await;
    let answer = app.get(&format!("{}/{path}", app.dataset())).await;
    answer.assert_refused(400);
    assert_eq!(answer.diagnosis().sdata_code.as_str(), code);
}

/// OURS-ERR-03, SYNC-4.1-04, SYNC-4.1-06, SYNC-4.1-07: `Allow` says what the URL takes, and the URL takes it.
#[rstest]
#[case("/healthz", "GET, HEAD")]
#[case("/readyz", "GET, HEAD")]
#[case("/metrics", "GET, HEAD")]
#[case("/sdata", "GET, HEAD")]
#[case("/sdata/crm", "GET, HEAD")]
#[case("/sdata/crm/sample", "GET, HEAD")]
#[case("/sdata/crm/sample/-", "GET, HEAD")]
#[case("/sdata/crm/sample/-/$schema", "GET, HEAD")]
#[case("/sdata/crm/sample/-/accounts", "GET, HEAD, POST")]
#[case("/sdata/crm/sample/-/accounts/$schema", "GET, HEAD")]
#[case("/sdata/crm/sample/-/accounts('1')", "GET, HEAD, PUT, DELETE")]
#[case("/sdata/crm/sample/-/accounts/$syncDigest", "GET, HEAD, PUT, POST")]
#[case("/sdata/crm/sample/-/accounts/$syncSource", "POST")]
#[case("/sdata/crm/sample/-/accounts/$syncSource('1')", "GET, HEAD, DELETE")]
#[case("/sdata/crm/sample/-/accounts/$syncTarget", "POST")]
#[case("/sdata/crm/sample/-/accounts/$syncTarget('1')", "GET, HEAD, DELETE")]
#[case("/sdata/crm/sample/-/accounts/$syncResults", "POST")]
#[case("/sdata/crm/syncAudit", "GET, HEAD")]
#[case("/sdata/crm/syncAudit/-", "GET, HEAD")]
#[case("/sdata/crm/syncAudit/-/$schema", "GET, HEAD")]
#[case("/sdata/crm/syncAudit/-/runs", "GET, HEAD")]
#[tokio::test]
async fn a_method_that_a_url_does_not_have_is_405_with_allow(#[case] path: &str, #[case] allow: &str) {
    let app = App::start("crm").await;
    let url = format!("{}{path}", app.base());
    let allowed: Vec<_> = allow.split(", ").collect();
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"] {
        let answer = app.send(app.request(method, &url)).await;
        if allowed.contains(&method) {
            assert_ne!(answer.status, 405, "{method}: {}", answer.text());
        } else {
            answer.assert_refused(405);
            assert_eq!(answer.header("allow"), allow, "{method}");
        }
    }
    let head = app.send(app.request("HEAD", &url)).await;
    assert_eq!(head.status == 405, !allowed.contains(&"HEAD"));
    assert!(head.body.is_empty());
}

/// A body of the least limit that can be configured, and one byte.
const LIMIT: usize = 65_536;

/// OURS-ERR-02: with and without an announced length, and nothing of it is applied.
#[rstest]
#[case("POST", "accounts/$syncTarget?trackingID=T1")]
#[case("POST", "accounts/$syncTarget")]
#[case("POST", "accounts/$syncSource?trackingID=T1")]
#[case("POST", "accounts/$syncDigest")]
#[case("PUT", "accounts/$syncDigest")]
#[case("POST", "accounts/$syncResults")]
#[case("POST", "accounts")]
#[tokio::test]
async fn a_body_above_the_limit_is_413(
    #[case] method: &str,
    #[case] path: &str,
    #[values(true, false)] announced: bool,
) {
    let limit = LIMIT.to_string();
    let app = App::start_with("crm", &Backend::Sqlite, &[("limits.max_body_bytes", limit.as_str())]).await;
    let padding = format!("<!--{}-->", "x".repeat(LIMIT));
    let body = match path {
        path if path.contains("syncTarget") || path.contains("syncResults") => {
            SyncFeed::new(N1, &[(N1, 9, 1)]).with((N1, 1), &account_of(Uuid::new_v4(), "A1", "one")).raw(&padding).xml()
        }
        path if path.contains('$') => digest_entry(N1, &[(N1, 9, 1)]) + padding.as_str(),
        _ => entry(&account("A1", "one")) + padding.as_str(),
    };
    let request = app.request(method, &format!("{}/{path}", app.dataset()));
    let request = match announced {
        true => request.body(body),
        false => {
            let parts: Vec<_> =
                body.as_bytes().chunks(10_000).map(|part| Ok::<_, std::io::Error>(part.to_vec())).collect();
            request.body(reqwest::Body::wrap_stream(futures_util::stream::iter(parts)))
        }
    };
    let answer = app.send(request).await;
    answer.assert_refused(413);
    assert!(answer.diagnosis().message.contains(&limit));
    assert!(app.resources("accounts").await.is_empty());
    assert_eq!(app.digest("accounts").await.entries.len(), 1);
}

/// XML that is broken, hostile or not what was asked for. `{account}` stands for a good resource.
const BROKEN: [(&str, &str); 30] = [
    ("nothing", ""),
    ("white space", " \n "),
    ("text", "hello"),
    ("a lone tag", "<"),
    ("json of something else", r#"{"entries":[]}"#),
    ("json that ends early", r#"{"$resources":[{"code":"A2""#),
    ("json that goes on", r#"{"code":"A2"}}"#),
    ("json that says something twice", r#"{"code":"A2","code":"A3"}"#),
    ("json that is no object", r#"["A2"]"#),
    ("an unclosed feed", "<feed xmlns='http://www.w3.org/2005/Atom'><entry><payload>{account}"),
    ("a wrong end", "<feed xmlns='http://www.w3.org/2005/Atom'></entry>"),
    ("two roots", "<feed xmlns='http://www.w3.org/2005/Atom'/><feed/>"),
    ("text behind the root", "<feed xmlns='http://www.w3.org/2005/Atom'/>more"),
    ("an undeclared prefix", "<feed xmlns='http://www.w3.org/2005/Atom'><sync:digest/></feed>"),
    ("an attribute twice", "<feed xmlns='http://www.w3.org/2005/Atom' a='1' a='2'/>"),
    ("an attribute without quotes", "<feed xmlns=http://www.w3.org/2005/Atom/>"),
    ("an open entity", "<feed xmlns='http://www.w3.org/2005/Atom'><title>a & b</title></feed>"),
    ("an unknown entity", "<feed xmlns='http://www.w3.org/2005/Atom'><title>&nbsp;</title></feed>"),
    ("a forbidden character", "<feed xmlns='http://www.w3.org/2005/Atom'><title>&#1;</title></feed>"),
    ("a character of no plane", "<feed xmlns='http://www.w3.org/2005/Atom'><title>&#x110000;</title></feed>"),
    ("an open comment", "<feed xmlns='http://www.w3.org/2005/Atom'><!-- </feed>"),
    ("an open section", "<feed xmlns='http://www.w3.org/2005/Atom'><![CDATA[ </feed>"),
    ("a declaration in the middle", "<feed xmlns='http://www.w3.org/2005/Atom'><?xml version='1.0'?></feed>"),
    ("another encoding", "<?xml version='1.0' encoding='iso-8859-1'?><feed xmlns='http://www.w3.org/2005/Atom'/>"),
    ("a document type", "<!DOCTYPE feed><feed xmlns='http://www.w3.org/2005/Atom'/>"),
    (
        "an external entity",
        "<!DOCTYPE feed [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><feed xmlns='http://www.w3.org/2005/Atom'><title>&x;</title></feed>",
    ),
    (
        "entities that grow",
        "<!DOCTYPE feed [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>]><feed xmlns='http://www.w3.org/2005/Atom'><title>&b;</title></feed>",
    ),
    ("no namespace", "<feed><entry><payload>{account}</payload></entry></feed>"),
    ("another root", "<html xmlns='http://www.w3.org/1999/xhtml'><body/></html>"),
    ("a wrong namespace", "<entry xmlns='http://www.w3.org/2005/atom'>{account}</entry>"),
];

/// OURS-ERR-01, CORE-3.10-01, CORE-3.14-02: every URL that takes a body.
#[rstest]
#[case("POST", "accounts/$syncTarget?trackingID={id}")]
#[case("POST", "accounts/$syncTarget")]
#[case("POST", "accounts/$syncSource?trackingID={id}")]
#[case("POST", "accounts/$syncSource")]
#[case("POST", "accounts/$syncDigest")]
#[case("PUT", "accounts/$syncDigest")]
#[case("POST", "accounts/$syncResults")]
#[case("POST", "accounts")]
#[case("PUT", "accounts('{key}')")]
#[tokio::test]
async fn broken_xml_is_400_and_changes_nothing(#[case] method: &str, #[case] path: &str) {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "as it was")).await;
    let key = url.split('\'').nth(1).unwrap();
    let (before, digest) = (app.resources("accounts").await, app.digest("accounts").await);
    let deep = format!("{}{}", "<a>".repeat(20_000), "</a>".repeat(20_000));
    let wide = format!("<a {}/>", (0..20_000).map(|n| format!("a{n}='' ")).collect::<String>());
    let long = format!("<{0}/>", "a".repeat(200_000));
    let mut bodies: Vec<(&str, Vec<u8>)> = BROKEN
        .iter()
        .map(|(what, body)| (*what, body.replace("{account}", &account("A2", "sneaked in")).into_bytes()))
        .collect();
    bodies.push(("very deep", deep.into_bytes()));
    bodies.push(("very wide", wide.into_bytes()));
    bodies.push(("a very long name", long.into_bytes()));
    bodies.push(("utf-16", "<feed/>".encode_utf16().flat_map(u16::to_le_bytes).collect()));
    bodies.push(("no utf-8", b"<feed xmlns='http://www.w3.org/2005/Atom'><title>\xff\xfe</title></feed>".to_vec()));
    bodies.push(("nul", b"<feed xmlns='http://www.w3.org/2005/Atom'>\0</feed>".to_vec()));
    for (what, body) in bodies {
        let path = path.replace("{id}", &Uuid::new_v4().to_string()).replace("{key}", key);
        let request = app.request(method, &format!("{}/{path}", app.dataset())).header("If-Match", "*");
        let answer = app.send(request.body(body)).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        answer.assert_refused(400);
        assert!(!answer.text().contains("root:"), "{what}: reads a file");
    }
    assert_eq!(app.resources("accounts").await, before);
    assert_eq!(app.digest("accounts").await, digest);
    assert!(app.audit_rows("changes").await.is_empty());
}

/// OURS-ERR-01: depth within one entry of a page whose head is good.
#[tokio::test]
async fn a_payload_that_is_too_deep_is_refused() {
    let app = App::start("crm").await;
    let deep = format!("{}{}", "<a>".repeat(2_000), "</a>".repeat(2_000));
    let resource =
        format!(r#"<account xmlns="{SAMPLE}" sdata:uuid="{}"><code>A1</code>{deep}</account>"#, Uuid::new_v4());
    let page = SyncFeed::new(N1, &[(N1, 9, 1)]).with((N1, 1), &resource);
    let answer = app.post(&format!("{}/$syncTarget?trackingID=T1", app.kind("accounts")), page.xml()).await;
    answer.assert_refused(400);
    assert!(app.resources("accounts").await.is_empty());
}

/// CORE-8.5-03, CORE-3.10-04: the element at fault is named, in the message and as a path.
#[rstest]
#[case::mandatory("<code>A1</code>", "account/name")]
#[case::type_of_a_value("<code>A1</code><name>x</name><active>perhaps</active>", "account/active")]
#[case::enumeration("<code>A1</code><name>x</name><type>Friend</type>", "account/type")]
#[case::length("<code>123456789012345678901234567890123</code><name>x</name>", "account/code")]
#[case::pattern("<code>A1</code><name>x</name><email>nobody</email>", "account/email")]
#[case::unknown("<code>A1</code><name>x</name><colour>red</colour>", "account/colour")]
#[case::twice("<code>A1</code><name>x</name><name>y</name>", "account/name")]
#[case::inside(
    "<code>A1</code><name>x</name><postalAddress><countryCode>Germany</countryCode></postalAddress>",
    "account/postalAddress/countryCode"
)]
#[case::nil("<code>A1</code><name xsi:nil='true'/>", "account/name")]
#[case::children_of_a_value("<code>A1</code><name><b>x</b></name>", "account/name")]
#[tokio::test]
async fn a_payload_that_violates_the_schema_is_told_where(#[case] content: &str, #[case] path: &str) {
    let app = App::start("crm").await;
    let body = entry(&format!(r#"<account xmlns="{SAMPLE}">{content}</account>"#));
    let answer = app.post(&app.kind("accounts"), body).await;
    answer.assert_refused(400);
    let diagnosis = answer.diagnosis();
    assert_eq!(diagnosis.payload_path, path);
    assert!(diagnosis.message.contains(path), "{}", diagnosis.message);
    assert!(app.resources("accounts").await.is_empty());
}

/// CORE-8.5-02, CORE-3.10-04.
#[tokio::test]
async fn a_value_that_must_be_unique_is_409() {
    let app = App::start("crm").await;
    app.create("accounts", &account("A1", "one")).await;
    let other = app.create("accounts", &account("A2", "two")).await;
    for answer in [
        app.post(&app.kind("accounts"), entry(&account("A1", "three"))).await,
        app.put(&other, entry(&account("A1", "two"))).await,
    ] {
        answer.assert_refused(409);
        assert!(answer.diagnosis().payload_path.ends_with("code"), "{}", answer.text());
        assert!(answer.diagnosis().message.contains("A1"));
    }
    let codes: Vec<_> = app.resources("accounts").await.iter().map(|account| child(account, "code")).collect();
    assert_eq!(codes, ["A1", "A2"]);
}

/// OURS-HEALTH-01.
#[tokio::test]
async fn health_and_metrics_answer_without_data() {
    let app = App::start("crm").await;
    let page =
        SyncFeed::new(N1, &[(N1, 9, 1)]).with((N1, 1), &account_of(Uuid::new_v4(), "A1", "a-name-nobody-else-has"));
    assert_eq!(app.apply("accounts", &page).await.status, 200);
    for path in ["healthz", "readyz", "metrics"] {
        let mut answer = app.get(&format!("{}/{path}", app.base())).await;
        // It is counted once all is done: whoever asks may know that before.
        let (entries, began) =
            (r#"sdata_sync_entries_total{resource_kind="accounts",outcome="created"} 1"#, Instant::now());
        while path == "metrics" && !answer.text().contains(entries) {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", answer.text());
            answer = app.get(&format!("{}/{path}", app.base())).await;
        }
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/plain"));
        assert!(!answer.body.is_empty());
        assert!(!answer.text().contains("a-name-nobody-else-has"));
        if path == "metrics" {
            let requests = r#"sdata_sync_requests_total{method="POST",status="202"} 1"#;
            assert!(answer.text().contains(requests), "{}", answer.text());
        }
    }
}

/// OURS-ERR-01: whatever is asked, by whatever method, with whatever parameters, the provider stands.
#[rstest]
#[case("/")]
#[case("//")]
#[case("/sdata//crm")]
#[case("/sdata/crm/sample/-/accounts/../../..")]
#[case("/sdata/crm/sample/-/..%2f..%2f..%2fetc%2fpasswd")]
#[case("/sdata/crm/sample/-/%2e%2e/%2e%2e.xsd")]
#[case("/sdata/crm/sample/-/accounts(%27%27%27)")]
#[case("/sdata/crm/sample/-/accounts('%00')")]
#[case("/sdata/crm/sample/-/accounts(')')")]
#[case("/sdata/crm/sample/-/accounts?%ff=%fe&&==&count")]
#[case("/sdata/crm/sample/-/accounts?_after=-1")]
#[case("/sdata/crm/sample/-/accounts?_after=99999999999999999999999")]
#[case("/sdata/crm/sample/-/accounts/$syncSource?trackingID=%00&runName=%00&runStamp=%ff")]
#[case("/sdata/crm/sample/-/accounts/$syncDigest?runName=%00")]
#[case("/sdata/crm/sample/-/accounts/$syncTarget('%F0%9F%98%80')")]
#[tokio::test]
async fn odd_urls_are_answered(#[case] path: &str) {
    let app = App::start("crm").await;
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        for body in [String::new(), digest_entry(N1, &[]), SyncFeed::new(N1, &[]).xml(), entry(&account("A1", "x"))] {
            let answer = app.send(app.request(method, &format!("{}{path}", app.base())).body(body)).await;
            assert!(answer.status < 500, "{method}: {}", answer.text());
            assert!(!answer.text().contains("root:"));
            if answer.status >= 400 && method != "HEAD" {
                answer.assert_refused(answer.status);
            }
        }
    }
    assert_eq!(app.get(&format!("{}/healthz", app.base())).await.status, 200);
    assert!(!app.log().contains("panicked"), "{}", app.log());
}

/// OURS-ERR-02, CORE-3.10-01: a client that is still sending reads the answer, not a broken connection.
#[rstest]
#[case::above_the_limit("POST", "accounts/$syncTarget?trackingID=T1", 413)]
#[case::above_the_limit_of_an_entry("POST", "accounts/$syncDigest", 413)]
#[case::no_such_kind("POST", "others/$syncTarget?trackingID=T1", 404)]
#[case::no_such_method("PATCH", "accounts/$syncTarget?trackingID=T1", 405)]
#[case::broken_at_the_start("POST", "accounts/$syncTarget?trackingID=T1", 400)]
#[tokio::test]
async fn a_large_body_that_is_refused_is_answered(
    #[case] method: &str,
    #[case] path: &str,
    #[case] status: u16,
    #[values(true, false)] announced: bool,
) {
    let limit = if status == 400 { "67108864" } else { "65536" };
    let app = App::start_with("crm", &Backend::Sqlite, &[("limits.max_body_bytes", limit)]).await;
    let start = if status == 400 { "<broken" } else { "<feed xmlns='http://www.w3.org/2005/Atom'><!--" };
    let body = format!("{start}{}", "x".repeat(30 << 20));
    let request = app.request(method, &format!("{}/{path}", app.dataset()));
    let request = match announced {
        true => request.body(body),
        false => {
            let parts: Vec<_> =
                body.as_bytes().chunks(64 << 10).map(|part| Ok::<_, std::io::Error>(part.to_vec())).collect();
            request.body(reqwest::Body::wrap_stream(futures_util::stream::iter(parts)))
        }
    };
    app.send(request).await.assert_refused(status);
}
