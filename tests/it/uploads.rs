//! Bodies that do not come to their end.

use crate::support::messages::{N1, SyncFeed, account};
use crate::support::{Answer, App, Backend};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

/// More than a worker of the server has threads for work that blocks, unless it is told otherwise, on a machine of two processors.
const UPLOADS: usize = 560;

/// Uploads may be as slow as they like for longer than anybody else waits.
const LIMITS: [(&str, &str); 7] = [
    ("security.authentication", "basic"),
    ("limits.requests", "600"),
    ("limits.requests_per_client", "600"),
    ("limits.connections", "700"),
    ("limits.connections_per_address", "650"),
    ("limits.max_body_bytes", "1000000"),
    ("limits.body_bytes_per_second", "1"),
];

/// Begins to send a page of accounts: the provider reads what has come of it.
async fn begun(app: &App, authorization: &str, number: usize, start: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    let path = app.kind("accounts").replace(&app.base(), "");
    let head = format!(
        "POST {path}/$syncTarget?trackingID={number} HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\n\
         Expect: 100-continue\r\nContent-Length: 900000\r\n\r\n",
        app.address()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&interim), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(start.as_bytes()).await.unwrap();
    stream
}

/// OURS-EDGE-04: neither from logging in nor from an answer that is compressed.
#[tokio::test]
async fn many_slow_uploads_keep_nobody_from_being_served() {
    let mut app = App::start_with("crm", &Backend::Sqlite, &LIMITS).await;
    app.add_user("slow", "synchronizer", "*").await;
    app.add_user("other", "reader", "*").await;
    app.act_as(Some("slow"));
    let request = app.request("GET", &app.dataset()).build().unwrap();
    let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
    let xml = SyncFeed::new(N1, &[(N1, 2, 1)]).xml();
    let start = xml.split_at(xml.len() / 2).0;
    let mut uploads = Vec::new();
    for number in 0..UPLOADS {
        uploads.push(begun(&app, &authorization, number, start).await);
    }
    app.act_as(Some("other"));
    // Once for every worker of the server, and again.
    for _ in 0..8 {
        let fresh = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        let request = app.request("GET", &format!("{}/$schema", app.dataset())).build().unwrap();
        let mut again = fresh.get(request.url().clone()).header("accept-encoding", "gzip");
        again = again.headers(request.headers().clone());
        let answer = again.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["content-encoding"] == "gzip"), (200, true));
        assert!(answer.bytes().await.unwrap().len() > 1_000);
    }
}

/// OURS-EDGE-04: what an entry takes that does not come to its end is given back when its client goes.
#[tokio::test]
async fn an_entry_that_never_ends_takes_a_share_of_the_memory_and_no_more() {
    let app = App::start_with("crm", &Backend::Sqlite, &LIMITS[5..]).await;
    let page = SyncFeed::new(N1, &[(N1, 2, 1)]).with((N1, 1), &account("A1", "one")).xml();
    let (start, end) = page.split_at(page.find("<account").unwrap());
    // As elements, that is more than half of what all bodies may take.
    let large = format!("{start}<many>{}</many>{end}", "<a/>".repeat(200_000));
    let held = begun(&app, "none", 0, large.split_at(large.len() - 1_000).0).await;
    let answers = async |wanted: fn(&Answer) -> bool| {
        let began = Instant::now();
        loop {
            let url = format!("{}/$syncTarget?trackingID={}", app.kind("accounts"), Uuid::new_v4());
            let answer = app.post(&url, large.clone()).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{} {}", answer.status, answer.text());
        }
    };
    let refused = answers(|answer| answer.status == 503).await;
    refused.assert_refused(503);
    assert!(refused.diagnosis().message.contains("fill the memory one client may have"), "{}", refused.text());
    // A small page finds room.
    assert_eq!(app.run("accounts", "$syncTarget", "", page.as_bytes()).await.0.status, 200);
    drop(held);
    answers(|answer| answer.status != 503).await;
}
