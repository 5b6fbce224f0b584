//! `sdata-sync serve` as a process: how it ends, and what it will not do.

use crate::support::messages::{account, entry};
use crate::support::{App, Authority, Backend};
use rstest::rstest;
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a supervisor does; an engine that asks again finds everything that was answered.
#[cfg(unix)]
#[tokio::test]
async fn a_provider_told_to_stop_ends_well_and_keeps_its_audit() {
    let mut app = App::start("crm").await;
    assert_eq!(app.get(&format!("{}/$syncDigest", app.kind("accounts"))).await.status, 200);
    let status = app.terminate();
    assert!(status.success(), "{status}\n{}", app.log());
    assert!(app.log().contains("stopping"), "{}", app.log());
    app.restart().await;
    let events = app.audit_rows("events").await;
    assert_eq!(events.len(), 1, "the event of the request before the stop was written");
}

/// CORE-5.2-02.
#[rstest]
#[case::without_authentication("none", "security.authentication must be \"basic\"")]
#[case::credentials_in_clear("basic", "security.authentication is \"basic\", which needs connections")]
fn an_address_that_is_not_loopback_is_not_served_in_clear_and_nothing_is_made(#[case] word: &str, #[case] why: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
    let authentication = format!("security.authentication={word}");
    serve.arg("serve").args(["--set", "server.listen=0.0.0.0:5493", "--set", "server.base_url=http://a"]);
    let output = serve.args(["--set", &authentication]).current_dir(folder.path()).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(why), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// How long something that is looked for again and again may take to come about, also on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// A request whose body has come but for its last byte.
#[cfg(unix)]
async fn nearly_sent(app: &App) -> (TcpStream, u8) {
    let body = entry(&account("A1", "one"));
    let (last, most) = body.as_bytes().split_last().unwrap();
    let path = app.kind("accounts").replace(&app.base(), "");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The body is asked for: the request is under way.
    const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut interim = [0; GO_ON.len()];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(interim, GO_ON);
    stream.write_all(most).await.unwrap();
    (stream, *last)
}

/// OURS-EDGE-05.
#[cfg(unix)]
#[tokio::test]
async fn a_request_under_way_is_answered_before_the_provider_ends() {
    let mut app = App::start("crm").await;
    let (mut stream, last) = nearly_sent(&app).await;
    app.ask_to_stop();
    app.logged("stopping").await;
    stream.write_all(&[last]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(TcpStream::connect(app.address()).await.is_err(), "nobody is let in any more");
    assert!(app.ended().success(), "{}", app.log());
    app.restart().await;
    assert_eq!(app.resources("accounts").await.len(), 1);
}

/// Whoever holds a connection, or sends a body a byte at a time, does not keep the provider.
#[cfg(unix)]
#[tokio::test]
async fn nobody_keeps_a_provider_from_ending() {
    let mut app = App::start_with("crm", &Backend::Sqlite, &[("server.shutdown_seconds", "3")]).await;
    let (_slow, _) = nearly_sent(&app).await;
    let mut idle = TcpStream::connect(app.address()).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let began = Instant::now();
    assert!(app.terminate().success(), "{}", app.log());
    // Without the limit it would be the fifteen minutes that a body may take.
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut app = App::start_with("crm", &Backend::Sqlite, &[("server.shutdown_seconds", "600")]).await;
    let (_slow, _) = nearly_sent(&app).await;
    app.ask_to_stop();
    app.logged("stopping").await;
    app.ask_to_stop();
    assert_eq!(app.ended().code(), Some(1), "{}", app.log());
    assert!(app.log().contains("told to stop once more"), "{}", app.log());
}

/// Who asks on a connection that is there is told to go elsewhere.
#[cfg(unix)]
#[tokio::test]
async fn a_provider_that_is_about_to_end_is_not_ready() {
    let mut app = App::start_tls("crm", &Authority::new(), &[]).await;
    let text = entry(&account("A1", "one"));
    let (go_on, told) = tokio::sync::oneshot::channel::<()>();
    let (first, rest) = (text[..10].to_owned(), text[10..].to_owned());
    let body = async_stream::stream! {
        yield Ok::<_, io::Error>(first);
        // An error means that the test has failed.
        let _ = told.await;
        yield Ok(rest);
    };
    let request = app.request("POST", &app.kind("accounts")).body(reqwest::Body::wrap_stream(body));
    let ready = format!("{}/readyz", app.base());
    let (answer, ()) = tokio::join!(app.send(request), async {
        assert_eq!(app.get(&ready).await.status, 200);
        app.ask_to_stop();
        app.logged("stopping").await;
        let began = Instant::now();
        let mut answer = app.get(&ready).await;
        while answer.status == 200 {
            assert!(began.elapsed() < SOON, "it is ready still:\n{}", app.log());
            answer = app.get(&ready).await;
        }
        assert_eq!((answer.status, answer.text().as_str()), (503, "stopping\n"));
        assert_eq!(answer.header("retry-after"), "2");
        go_on.send(()).unwrap();
    });
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(app.ended().success(), "{}", app.log());
}

/// Whoever needs no TLS needs no authorities either.
#[tokio::test(flavor = "multi_thread")]
async fn health_is_asked_for_also_where_no_authority_is_known() {
    let app = App::start("crm").await;
    let nothing = tempfile::NamedTempFile::new().unwrap();
    let mut health = Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
    health.args(["health", &app.base()]).env("SSL_CERT_FILE", nothing.path()).env_remove("SSL_CERT_DIR");
    let output = tokio::task::spawn_blocking(move || health.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"ready\n");
}
