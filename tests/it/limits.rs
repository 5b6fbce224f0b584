//! What one client may have at once, and who a client is.

use crate::support::app::child;
use crate::support::app::client;
use crate::support::messages::{N1, SAMPLE, SyncFeed, account, account_of, batch, digest_entry, posted};
use crate::support::raw::exchange;
use crate::support::{App, Authority, Backend};
use futures_util::future::join_all;
use reqwest::Version;
use rstest::rstest;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use uuid::Uuid;

/// How long something that is looked for again and again may take to come about, also on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// A request that is under way until its body comes.
async fn begun(app: &App) -> TcpStream {
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    let path = app.kind("accounts").replace(&app.base(), "");
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n<");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// OURS-EDGE-04.
#[rstest]
#[case::of_one_client("limits.requests_per_client", "1 of your requests")]
#[case::of_all("limits.requests", "1 requests are under way")]
#[tokio::test]
async fn a_request_too_many_is_503_and_load_balancers_are_answered(#[case] setting: &str, #[case] said: &str) {
    let app = App::start_with("crm", &Backend::Sqlite, &[(setting, "1")]).await;
    let began = Instant::now();
    let mut held = Vec::new();
    let refused = loop {
        // It may itself be the one too many, while the other is answered.
        held.push(begun(&app).await);
        let answer = app.get(&app.dataset()).await;
        if answer.status != 200 {
            break answer;
        }
        assert!(began.elapsed() < SOON, "the second request is let in");
    };
    refused.assert_refused(503);
    assert_eq!(refused.diagnosis().sdata_code.as_str(), "ApplicationUnavailable");
    assert!(refused.diagnosis().message.starts_with(said), "{}", refused.text());
    assert_eq!(refused.header("retry-after"), "2");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(app.get(&format!("{}{path}", app.base())).await.status, 200, "{path}");
    }
    // Whoever leaves makes room.
    drop(held);
    while app.get(&app.dataset()).await.status != 200 {
        assert!(began.elapsed() < SOON, "nobody is let in again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_connection_too_many_is_told_so() {
    let app = App::start_with("crm", &Backend::Sqlite, &[("limits.connections_per_address", "8")]).await;
    let began = Instant::now();
    let mut held = Vec::new();
    for _ in 0..12 {
        held.push(TcpStream::connect(app.address()).await.unwrap());
    }
    // All are held until all were asked: whoever leaves makes room for the next.
    let answers = join_all(held.iter_mut().map(asked)).await;
    let (let_in, told): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.starts_with(OK));
    let told = &told[0];
    assert!(told.starts_with("HTTP/1.1 503 Service Unavailable\r\n") && told.contains("Retry-After: 2"), "{told}");
    assert!(told.contains("<sdata:sdataCode>ApplicationUnavailable<"), "{told}");
    assert!((7..=8).contains(&let_in.len()), "{} are let in, besides the test's own", let_in.len());
    drop(held);
    while !app.request("GET", &app.dataset()).send().await.is_ok_and(|answer| answer.status() == 200) {
        assert!(began.elapsed() < SOON, "nobody is let in again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How an answer to a good request begins.
const OK: &str = "HTTP/1.1 200 ";

/// Asks on a connection, and leaves it open: the beginning of an answer, or all of what is said to who is not let in.
async fn asked(stream: &mut TcpStream) -> String {
    // Who is not let in need not ask, and may find that the provider is gone.
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut answer = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut answer).await {
        if answer.starts_with(OK.as_bytes()) {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// OURS-EDGE-04: the same operation again is no further one.
#[tokio::test]
async fn an_operation_too_many_is_429() {
    let app = App::start_with("crm", &Backend::Sqlite, &[("limits.jobs_per_client", "1")]).await;
    let page = SyncFeed::new(N1, &[(N1, 2, 1)]).with((N1, 1), &account_of(Uuid::new_v4(), "A1", "one")).xml();
    let url = |kind: &str, id: &str| format!("{}/$syncTarget?trackingID={id}", app.kind(kind));
    app.hold_lanes().await;
    let accepted = app.post(&url("accounts", "T1"), page.clone()).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let refused = app.post(&url("contacts", "T2"), SyncFeed::new(N1, &[(N1, 9, 1)]).xml()).await;
    refused.assert_refused(429);
    assert_eq!((refused.diagnosis().application_code.as_str(), refused.header("retry-after")), ("tooManyJobs", "2"));
    assert_eq!(app.post(&url("accounts", "T1"), page).await.status, 202, "it is the same");
    // What is done at once is no job.
    let products = app.kind("products");
    let digest = digest_entry(N1, &[(N1, 9, 1), (&products, 1, 5)]);
    let source = app.post(&format!("{products}/$syncSource?trackingID=T3"), digest).await;
    assert_eq!(source.status, 202, "{}", source.text());
    app.release_lanes().await;
    assert_eq!(app.poll(accepted.header("location")).await.status, 200);
    assert_eq!(app.post(&url("contacts", "T2"), SyncFeed::new(N1, &[(N1, 9, 1)]).xml()).await.status, 202);
}

/// As one of `$syncTarget` is; a batch has no operation of its own in the audit.
#[rstest]
#[case::of_resources("$batch")]
#[case::of_links("$linked/$batch")]
#[tokio::test]
async fn a_batch_too_many_is_in_the_audit(#[case] operation: &str) {
    let app = App::start_with("crm", &Backend::Sqlite, &[("limits.jobs_per_client", "1")]).await;
    app.hold_lanes().await;
    let page = SyncFeed::new(N1, &[(N1, 2, 1)]).with((N1, 1), &account_of(Uuid::new_v4(), "A1", "one"));
    let accepted = app.post(&format!("{}/$syncTarget?trackingID=T1", app.kind("accounts")), page.xml()).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let url = format!("{}/{operation}?trackingID=T2", app.kind("contacts"));
    let refused = app.post(&url, batch(&[])).await;
    refused.assert_refused(429);
    assert_eq!(refused.diagnosis().application_code, "tooManyJobs");
    let rows = app.audit_rows("events").await;
    let told: Vec<_> = rows.iter().filter(|row| child(row, "httpStatus") == "429").collect();
    assert_eq!(told.len(), 1, "{rows:#?}");
    let seen = ["operation", "outcome", "resourceKind", "remoteAddress"].map(|name| child(told[0], name));
    assert_eq!(seen, ["accessRefused", "refused", "contacts", "127.0.0.1"]);
    let asked = format!("POST /sdata/crm/sample/-/contacts/{operation}: ");
    assert!(child(told[0], "message").starts_with(&asked), "{rows:#?}");
}

/// OURS-EDGE-02: the audit has the address of the client where a proxy is trusted, and of the connection else.
#[rstest]
#[case::not_trusted("[\"10.0.0.0/8\"]", "192.0.2.7", "127.0.0.1")]
#[case::trusted("[\"10.0.0.0/8\", \"127.0.0.1\"]", "192.0.2.7", "192.0.2.7")]
#[case::through_another("[\"10.0.0.0/8\", \"127.0.0.0/8\"]", "203.0.113.1, 192.0.2.7, 10.1.1.1", "192.0.2.7")]
#[case::rubbish("[\"127.0.0.0/8\"]", "<script>", "127.0.0.1")]
#[case::rubbish_before_it("[\"127.0.0.0/8\"]", "\u{fc}, 192.0.2.7", "192.0.2.7")]
#[tokio::test]
async fn only_a_trusted_proxy_says_who_asks(#[case] trusted: &str, #[case] said: &str, #[case] address: &str) {
    let app = App::start_with("crm", &Backend::Sqlite, &[("server.trusted_proxies", trusted)]).await;
    let url = format!("{}/$syncDigest", app.kind("accounts"));
    let request = app.request("GET", &url).header("X-Forwarded-For", said).header("X-Forwarded-Proto", "https");
    let answer = app.send(request.header("X-Forwarded-Host", "evil.example.com")).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text().contains("evil"), "{}", answer.text());
    let is_trusted = address != "127.0.0.1";
    assert_eq!(answer.headers.contains_key("strict-transport-security"), is_trusted);
    let events = app.audit_rows("events").await;
    assert_eq!(child(&events[0], "remoteAddress"), address);
}

/// A proxy on this machine is not itself the client of what came to it in clear, whatever the client wrote.
#[rstest]
#[case::without_a_proxy(&[], 401)]
#[case::in_clear(&[("X-Forwarded-Proto", "http")], 403)]
#[case::in_clear_from_elsewhere(&[("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "http")], 403)]
#[case::in_clear_with_what_is_no_ascii(&[("X-Forwarded-For", "\u{fc}"), ("X-Forwarded-Proto", "http")], 403)]
#[case::not_said_how(&[("X-Forwarded-For", "192.0.2.7")], 403)]
#[case::not_said_how_with_what_is_no_ascii(&[("X-Forwarded-For", "\u{fc}")], 403)]
#[case::by_tls(&[("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")], 401)]
#[tokio::test]
async fn credentials_are_asked_for_only_where_the_way_to_a_trusted_proxy_is_private(
    #[case] headers: &[(&str, &str)],
    #[case] status: u16,
) {
    let settings = [("security.authentication", "basic"), ("server.trusted_proxies", "[\"127.0.0.0/8\"]")];
    let app = App::start_with("crm", &Backend::Sqlite, &settings).await;
    let request = app.request("GET", &app.kind("accounts"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = app.send(request).await;
    answer.assert_refused(status);
    let code = if status == 401 { "unauthenticated" } else { "notPrivate" };
    assert_eq!(answer.diagnosis().application_code, code);
}

/// What a client may keep, and what browsers are told.
#[tokio::test]
async fn answers_are_for_who_asked_and_pages_run_nothing() {
    let app = App::start("crm").await;
    app.create("accounts", &account("A1", "one")).await;
    let accounts = app.kind("accounts");
    for (answer, kept) in [
        (app.get(&accounts).await, "private, no-cache"),
        (app.get(&format!("{accounts}('none')")).await, "no-store"),
        (app.post(&accounts, "<a/>").await, "no-store"),
        (app.get(&format!("{}/healthz", app.base())).await, "private, no-cache"),
    ] {
        assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), (kept, "nosniff"));
        assert!(!answer.headers.contains_key("strict-transport-security"));
    }
    let page = app.send(app.request("GET", &accounts).header("Accept", "text/html")).await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"));
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(page.header("permissions-policy").contains("camera=()"));
}

/// A client that begins a second request and stops is not waited for, nor one that asks nothing.
#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_ends() {
    let app = App::start_with("crm", &Backend::Sqlite, &[("limits.head_seconds", "1")]).await;
    let one = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(exchange(app.address(), format!("{one}GET /healthz HT").as_bytes(), false).await.answers, 1);
    assert_eq!(exchange(app.address(), one.as_bytes(), false).await.answers, 1);
    assert_eq!(exchange(app.address(), b"", false).await.status, Some(408));
}

/// OURS-EDGE-06: a page whose name leads to this machine is shown nothing, whatever the browser takes the provider for.
#[tokio::test]
async fn without_authentication_only_own_names_are_answered() {
    let authority = Authority::new();
    let (plain, tls) = (App::start("crm").await, App::start_tls("crm", &authority, &[]).await);
    for (app, version) in [(&plain, Version::HTTP_11), (&tls, Version::HTTP_2)] {
        let browser = client(None).tls_danger_accept_invalid_certs(true).resolve("evil.example.com", app.address());
        let browser = browser.resolve("localhost", app.address()).build().unwrap();
        let answer = async |host: &str, url: &str| {
            let answer = browser.get(url.replace("127.0.0.1", host)).send().await.unwrap();
            assert_eq!(answer.version(), version);
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let accounts = app.kind("accounts");
        for own in ["127.0.0.1", "localhost"] {
            assert_eq!(answer(own, &accounts).await.0, 200, "{own}");
        }
        for url in [accounts.as_str(), &app.audit("runs"), &format!("{accounts}/$syncDigest")] {
            let (status, said) = answer("evil.example.com", url).await;
            assert_eq!(status, 421, "{url}: {said}");
            assert!(said.contains("<sdata:applicationCode>foreignName<"), "{said}");
        }
        assert_eq!(answer("evil.example.com", &format!("{}/healthz", app.base())).await.0, 200);
        let refusals = app.audit_rows("events").await;
        let refusal = refusals.iter().find(|event| child(event, "operation") == "accessRefused").unwrap();
        assert_eq!(child(refusal, "httpStatus"), "421");
    }
    // Who must show who they are is found out by that.
    let asking = App::start_with("crm", &Backend::Sqlite, &[("security.authentication", "basic")]).await;
    let request = asking.request("GET", &asking.kind("accounts")).header("Host", "evil.example.com");
    asking.send(request).await.assert_refused(401);
}

/// A client that takes an answer slowly, but takes it, gets all of it: neither the time for a head nor that for a connection
/// on which nothing is asked counts meanwhile.
#[tokio::test]
async fn a_download_that_is_slow_and_steady_is_not_cut_off() {
    const ACCOUNTS: usize = 700;
    let app = App::start_with("crm", &Backend::Sqlite, &[("limits.head_seconds", "1")]).await;
    // As many bytes as a text may have.
    let notes = "\u{5b57}".repeat(4000);
    let account = |number| {
        format!(r#"<account xmlns="{SAMPLE}"><code>A{number}</code><name>n</name><notes>{notes}</notes></account>"#)
    };
    let made: Vec<_> = (0..ACCOUNTS).map(|number| posted(&account(number))).collect();
    let made = app.post(&format!("{}/$batch", app.kind("accounts")), batch(&made)).await;
    assert_eq!(made.status, 200, "{}", made.text());

    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut stream = socket.connect(app.address()).await.unwrap();
    let path = app.kind("accounts").replace(&app.base(), "");
    let request = format!("GET {path}?count={ACCOUNTS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let (began, mut received, mut some) = (Instant::now(), Vec::new(), vec![0; 32 << 10]);
    while let count @ 1.. = stream.read(&mut some).await.unwrap() {
        received.extend_from_slice(&some[..count]);
        tokio::time::sleep(Duration::from_millis(16)).await;
    }
    assert!(began.elapsed() > Duration::from_secs(4), "it was slow: {:?}", began.elapsed());
    let received = String::from_utf8_lossy(&received);
    assert!(received.starts_with("HTTP/1.1 200 OK"), "{}", received.lines().next().unwrap_or_default());
    assert_eq!(received.matches("<entry>").count() + received.matches("<entry ").count(), ACCOUNTS);
    assert!(received.trim_end().ends_with("</feed>"));
}
