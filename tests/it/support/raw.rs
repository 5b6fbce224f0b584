//! Requests byte for byte, as no client would write them.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may be waited for: longer than any time a test sets for the provider.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawAnswer {
    /// `None` when the connection ended without an answer.
    pub status: Option<u16>,
    /// The head of the last answer, as it came.
    pub head: String,
    /// The body of the last answer, chunks put together.
    pub body: Vec<u8>,
    /// Answers that came, interim ones not counted.
    pub answers: usize,
}

impl RawAnswer {
    /// A header's value, trimmed; the first of several.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// Sends `bytes` on a connection of their own, ends the sending half when `ends`, and reads until the connection ends.
pub async fn exchange(server: SocketAddr, bytes: &[u8], ends: bool) -> RawAnswer {
    let stream = TcpStream::connect(server).await.unwrap();
    exchange_on(stream, bytes, ends).await
}

/// The same on a connection that is there.
pub async fn exchange_on(stream: impl AsyncRead + AsyncWrite, bytes: &[u8], ends: bool) -> RawAnswer {
    let (mut reading, mut writing) = tokio::io::split(stream);
    let write = async {
        // The provider may have answered, and gone.
        if writing.write_all(bytes).await.is_ok() && ends {
            let _ = writing.shutdown().await;
        }
    };
    let mut received = Vec::new();
    let read = async {
        let mut buffer = vec![0; 64 << 10];
        // A reset is an end, too.
        while let Ok(count @ 1..) = reading.read(&mut buffer).await {
            received.extend_from_slice(&buffer[..count]);
        }
    };
    let both = async { tokio::join!(write, read) };
    assert!(tokio::time::timeout(PATIENCE, both).await.is_ok(), "the connection stays open");
    parse(&received)
}

/// Takes what was received apart.
fn parse(mut received: &[u8]) -> RawAnswer {
    let mut answer = RawAnswer { status: None, head: String::new(), body: Vec::new(), answers: 0 };
    while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&received[..end]).into_owned();
        received = &received[end + 4..];
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        if status.is_some_and(|status: u16| status < 200) {
            continue;
        }
        let (body, rest) = body(&head, received);
        received = rest;
        answer = RawAnswer { status, head, body, answers: answer.answers + 1 };
    }
    answer
}

fn body<'r>(head: &str, received: &'r [u8]) -> (Vec<u8>, &'r [u8]) {
    if header(head, "transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return chunks(received);
    }
    let length = header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(received.len());
    let (body, rest) = received.split_at(length.min(received.len()));
    (body.to_vec(), rest)
}

fn chunks(mut received: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut body = Vec::new();
    while let Some(end) = received.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&received[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        received = &received[end + 2..];
        let Some(size @ 1..) = size else {
            return (body, received.get(2..).unwrap_or_default());
        };
        body.extend_from_slice(received.get(..size).unwrap_or(received));
        received = received.get(size + 2..).unwrap_or_default();
    }
    (body, received)
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(known, _)| known.trim().eq_ignore_ascii_case(name));
    values.next().map(|(_, value)| value.trim())
}
