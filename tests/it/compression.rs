//! Compressed answers and bodies (core 1.2: what HTTP offers).

use crate::support::messages::{N1, SyncFeed, account, account_of, entry};
use crate::support::{Answer, App, Backend};
use async_compression::Level;
use async_compression::tokio::write::{
    BrotliDecoder, BrotliEncoder, GzipDecoder, GzipEncoder, ZlibDecoder, ZlibEncoder, ZstdDecoder, ZstdEncoder,
};
use rstest::rstest;
use std::io::{Read, Write};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

async fn unpacked(coding: &str, packed: &[u8]) -> String {
    macro_rules! unpack {
        ($decoder:ident) => {{
            let mut decoder = $decoder::new(Vec::new());
            decoder.write_all(packed).await.unwrap();
            decoder.shutdown().await.unwrap();
            decoder.into_inner()
        }};
    }
    let text = match coding {
        "gzip" => unpack!(GzipDecoder),
        "br" => unpack!(BrotliDecoder),
        "deflate" => unpack!(ZlibDecoder),
        _ => unpack!(ZstdDecoder),
    };
    String::from_utf8(text).unwrap()
}

async fn packed(coding: &str, text: &[u8]) -> Vec<u8> {
    macro_rules! pack {
        ($encoder:ident) => {{
            let mut encoder = $encoder::with_quality(Vec::new(), Level::Fastest);
            encoder.write_all(text).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }};
    }
    match coding {
        "gzip" => pack!(GzipEncoder),
        "br" => pack!(BrotliEncoder),
        "deflate" => pack!(ZlibEncoder),
        _ => pack!(ZstdEncoder),
    }
}

async fn get(app: &App, url: &str, accept_encoding: &str) -> Answer {
    app.send(app.request("GET", url).header("Accept-Encoding", accept_encoding)).await
}

/// Also feeds that are streamed, and errors.
#[rstest]
#[case("gzip", "gzip")]
#[case("br", "br")]
#[case("zstd", "zstd")]
#[case("gzip;q=0.1, br;q=0.9", "br")]
#[case("compress, gzip", "gzip")]
#[tokio::test]
async fn answers_are_compressed_as_asked(#[case] accept_encoding: &str, #[case] coding: &str) {
    let app = App::start("crm").await;
    let feed = (0..200).fold(SyncFeed::new(N1, &[(N1, 999, 1)]), |feed, number| {
        feed.with((N1, number + 1), &account_of(Uuid::new_v4(), &format!("A{number}"), "one"))
    });
    let (result, context) = app.run("accounts", "$syncTarget", "", feed.xml()).await;
    assert_eq!(result.status, 200);
    let urls = [app.kind("accounts"), context, format!("{}/$schema", app.dataset()), app.kind("nothing")];
    for url in urls {
        let plain = app.get(&url).await;
        let answer = get(&app, &url, accept_encoding).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (plain.status, coding), "{url}");
        assert_eq!(answer.header("content-type"), plain.header("content-type"));
        assert_eq!(answer.header("vary"), "Accept, Accept-Encoding");
        assert!(answer.body.len() < plain.body.len(), "{url}");
        assert_eq!(unpacked(coding, &answer.body).await, plain.text(), "{url}");
        let etag = answer.header("etag");
        if !etag.is_empty() {
            let request =
                app.request("GET", &url).header("Accept-Encoding", accept_encoding).header("If-None-Match", etag);
            assert_eq!(app.send(request).await.status, 304, "{url}");
        }
    }
}

#[rstest]
#[case::nothing(None)]
#[case::identity(Some("identity"))]
#[case::unknown(Some("compress"))]
#[case::refused(Some("gzip;q=0, br;q=0, zstd;q=0, deflate;q=0"))]
#[tokio::test]
async fn whoever_does_not_ask_gets_it_plain(#[case] accept_encoding: Option<&str>) {
    let app = App::start("crm").await;
    let request = app.request("GET", &app.dataset());
    let request = accept_encoding.into_iter().fold(request, |request, value| request.header("Accept-Encoding", value));
    let answer = app.send(request).await;
    assert_eq!((answer.status, answer.header("content-encoding")), (200, ""));
    assert_eq!(answer.feed().1.len(), 4);
}

/// The end of a compressed body is the end of the connection there.
#[tokio::test]
async fn http_1_0_may_ask_for_compression() {
    let app = App::start("crm").await;
    let path = app.dataset().trim_start_matches(&app.base()).to_owned();
    let mut stream = std::net::TcpStream::connect(app.base().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nConnection: keep-alive\r\nAccept-Encoding: gzip\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..at]).to_ascii_lowercase();
    assert!(head.contains("content-encoding: gzip") && !head.contains("transfer-encoding"), "{head}");
    assert!(unpacked("gzip", &answer[at + 4..]).await.trim_end().ends_with("</feed>"));
}

#[rstest]
#[tokio::test]
async fn bodies_may_be_compressed(#[values("gzip", "br", "zstd", "deflate")] coding: &str) {
    let app = App::start("crm").await;
    let send = |url: String, body: Vec<u8>| app.request("POST", &url).header("Content-Encoding", coding).body(body);
    let body = packed(coding, entry(&account("A1", "one")).as_bytes()).await;
    assert_eq!(app.send(send(app.kind("accounts"), body)).await.status, 201);
    let json = packed(coding, br#"{"code":"A2","name":"two"}"#).await;
    assert_eq!(app.send(send(app.kind("accounts"), json)).await.status, 201);
    let feed = SyncFeed::new(N1, &[(N1, 9, 1)]).with((N1, 1), &account_of(Uuid::new_v4(), "A3", "three"));
    let body = packed(coding, feed.xml().as_bytes()).await;
    let answer = app.send(send(format!("{}/$syncTarget", app.kind("accounts")), body)).await;
    assert_eq!(answer.feed().1[0].http_status, Some(201));
    assert_eq!(app.resources("accounts").await.len(), 3);
}

/// The limit is one of what a body stands for, not of what it weighs.
#[rstest]
#[tokio::test]
async fn a_small_body_that_stands_for_a_large_one_is_413(
    #[values("gzip", "br", "zstd", "deflate")] coding: &str,
    #[values("", "/$syncTarget", "/$syncTarget?trackingID=T1", "/$syncSource", "/$syncDigest")] path: &str,
) {
    let mut bomb = b"<feed xmlns='http://www.w3.org/2005/Atom'>".to_vec();
    bomb.resize(20_000_000, b' ');
    let body = packed(coding, &bomb).await;
    assert!(body.len() < 100_000);
    let app = App::start_with("crm", &Backend::Sqlite, &[("limits.max_body_bytes", "1000000")]).await;
    let url = format!("{}{path}", app.kind("accounts"));
    let answer = app.send(app.request("POST", &url).header("Content-Encoding", coding).body(body)).await;
    answer.assert_refused(413);
}

#[rstest]
#[case::unknown("compress", b"<a/>", 415)]
#[case::two_at_once("gzip, br", b"<a/>", 415)]
#[case::not_what_it_says("gzip", b"<a/>", 400)]
#[case::cut_off("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xb3\x49", 400)]
#[tokio::test]
async fn bodies_that_cannot_be_unpacked_are_refused(#[case] coding: &str, #[case] body: &[u8], #[case] status: u16) {
    let app = App::start("crm").await;
    for path in ["", "/$syncTarget", "/$syncTarget?trackingID=T1"] {
        let request =
            app.request("POST", &format!("{}{path}", app.kind("accounts"))).header("Content-Encoding", coding);
        app.send(request.body(body.to_vec())).await.assert_refused(status);
    }
}
