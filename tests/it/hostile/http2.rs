//! Frames of HTTP/2, as no client would send them.

use super::KIND;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Bytes that a frame may have, as long as nobody says otherwise.
const LARGEST_FRAME: usize = 16_384;

/// How long an answer may be waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the frames of a connection are.
pub(super) struct Http2Case {
    pub(super) name: &'static str,
    pub(super) frames: Vec<u8>,
    pub(super) answer: &'static str,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header in HPACK, never indexed, not compressed.
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut bytes = Vec::new();
        match text.len() {
            short @ 0..127 => bytes.push(u8::try_from(short).unwrap()),
            long => {
                bytes.push(127);
                let mut rest = long - 127;
                while rest >= 128 {
                    bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
                bytes.push(u8::try_from(rest).unwrap());
            }
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    [vec![0x10], text(name), text(value)].concat()
}

fn fields(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let own = [(":method", method), (":scheme", "https"), (":path", path), (":authority", "localhost")];
    own.iter().chain(more).flat_map(|(name, value)| field(name, value)).collect()
}

fn get(stream: u32, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &fields("GET", path, more))
}

/// A request to end with, so that it is seen that the connection works.
fn last(stream: u32) -> Vec<u8> {
    get(stream, "/healthz", &[])
}

fn case(name: &'static str, frames: &[Vec<u8>], answer: &'static str) -> Http2Case {
    Http2Case { name, frames: [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frames.concat()].concat(), answer }
}

pub(super) fn cases() -> Vec<Http2Case> {
    let streams = |count: u32| (0..count).map(|number| number * 2 + 1);
    let reset = |stream| frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
    let rapid: Vec<_> = streams(2_000).flat_map(|stream| [get(stream, KIND, &[]), reset(stream)]).collect();
    let large = "a".repeat(10_000);
    let begun = frame(HEADERS, END_STREAM, 1, &fields("GET", KIND, &[]));
    let parts = field("x-a", &"a".repeat(40_000));
    let long: Vec<_> = parts.chunks(LARGEST_FRAME).map(|part| frame(CONTINUATION, 0, 1, part)).collect();
    let end = frame(CONTINUATION, END_HEADERS, 1, &field("x-b", ""));
    let continued = [vec![begun.clone()], vec![frame(CONTINUATION, 0, 1, &field("x-a", &large)); 3_000]].concat();
    // Each byte is `accept-encoding: gzip, deflate`, from HPACK's static table.
    let packed = |flags| frame(CONTINUATION, flags, 1, &[0x90; 1_000]);
    let endless = [vec![begun.clone()], vec![packed(0); 1_000]].concat();
    let many = [vec![begun.clone()], vec![packed(0); 59], vec![packed(END_HEADERS)]].concat();
    let table: Vec<_> = std::iter::once(fields("GET", KIND, &[]))
        .chain(std::iter::once(
            [vec![0x40], vec![3], b"x-a".to_vec(), vec![0x7f, 0x81, 0x1e], "a".repeat(4_000).into_bytes()].concat(),
        ))
        .chain(std::iter::once(vec![0xbe; 10_000]))
        .collect();
    vec![
        case("a good request", &[last(1)], "200"),
        case("requests that are taken back, 2,000 at once", &rapid, "GOAWAY ENHANCE_YOUR_CALM"),
        case("headers that do not end", &continued, "the connection ends"),
        case("60,000 headers of one byte each", &many, "the connection ends"),
        case("headers of one byte each that do not end", &endless, "the connection ends"),
        case("a header of 40,000 bytes", &[vec![begun.clone()], long, vec![end]].concat(), "431"),
        case("1,000 headers of one byte each", &[begun, packed(END_HEADERS)], "431"),
        case(
            "a small head that unpacks to 40 MB",
            &[frame(HEADERS, END_STREAM | END_HEADERS, 1, &table.concat())],
            "431",
        ),
        case(
            "headers of 20,000 bytes",
            &[
                frame(HEADERS, END_STREAM, 1, &fields("GET", KIND, &[("x-a", &large)])),
                frame(CONTINUATION, END_HEADERS, 1, &[field("x-a", &large), field("x-b", "")].concat()),
            ],
            "200",
        ),
        case("a window of nothing", &[frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]), get(1, "/healthz", &[])], "200"),
        case("a window update of nothing", &[frame(WINDOW_UPDATE, 0, 0, &[0; 4])], "GOAWAY PROTOCOL_ERROR"),
        case(
            "a window beyond its limit",
            &[
                frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
                frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
            ],
            "GOAWAY FLOW_CONTROL_ERROR",
        ),
        case("a frame above its size", &[frame(DATA, 0, 1, &[0; 20_000])], "GOAWAY FRAME_SIZE_ERROR"),
        case("data for no request", &[frame(DATA, 0, 1, b"abc")], "GOAWAY PROTOCOL_ERROR"),
        case("a stream number of the server's", &[get(2, KIND, &[])], "GOAWAY PROTOCOL_ERROR"),
        case("a stream number that goes back", &[last(5), get(3, KIND, &[])], "GOAWAY PROTOCOL_ERROR"),
        case("a push from the client", &[frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])], "GOAWAY PROTOCOL_ERROR"),
        case("settings of half a length", &[frame(SETTINGS, 0, 0, &[0; 5])], "GOAWAY PROTOCOL_ERROR"),
        case("a header in capitals", &[get(1, KIND, &[("X-A", "b")])], "GOAWAY PROTOCOL_ERROR"),
        case("a header of the connection", &[get(1, KIND, &[("connection", "close")])], "RST_STREAM PROTOCOL_ERROR"),
        case("a Transfer-Encoding", &[get(1, KIND, &[("transfer-encoding", "chunked")])], "RST_STREAM PROTOCOL_ERROR"),
        case("a line break in a header", &[get(1, KIND, &[("x-a", "b\r\nx-injected: yes")])], "GOAWAY PROTOCOL_ERROR"),
        case(
            "no method",
            &[frame(HEADERS, END_STREAM | END_HEADERS, 1, &field(":path", "/healthz"))],
            "RST_STREAM PROTOCOL_ERROR",
        ),
        case("a path twice", &[get(1, KIND, &[(":path", "/evil")])], "RST_STREAM PROTOCOL_ERROR"),
        case(
            "rubbish in place of headers",
            &[frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff; 50])],
            "GOAWAY PROTOCOL_ERROR",
        ),
        case(
            "a length that is not true",
            &[
                frame(HEADERS, END_HEADERS, 1, &fields("POST", KIND, &[("content-length", "3")])),
                frame(DATA, END_STREAM, 1, b"abcdef"),
            ],
            "RST_STREAM PROTOCOL_ERROR",
        ),
        case("10,000 pings", &[frame(PING, 0, 0, &[0; 8]).repeat(10_000), last(1)], "200"),
        case("10,000 settings", &[frame(SETTINGS, 0, 0, &[]).repeat(10_000), last(1)], "200"),
        case(
            "10,000 empty frames",
            &[
                frame(HEADERS, END_HEADERS, 1, &fields("POST", "/healthz", &[])),
                frame(DATA, 0, 1, &[]).repeat(10_000),
                last(3),
            ],
            "405",
        ),
        case("nothing after the preface", &[], "the connection ends"),
        Http2Case {
            name: "no preface",
            frames: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            answer: "the connection ends",
        },
    ]
}

/// Sends the frames, and answers with the first thing that is said to them: an answer's status, or how a stream or the
/// connection was ended.
pub(super) async fn exchange(stream: impl AsyncRead + AsyncWrite, frames: &[u8]) -> String {
    let (mut reading, mut writing) = tokio::io::split(stream);
    let write = async {
        // The provider may have gone.
        let _ = writing.write_all(frames).await;
        let _ = writing.flush().await;
        std::future::pending::<()>().await;
    };
    let read = async {
        let mut head = [0; 9];
        while reading.read_exact(&mut head).await.is_ok() {
            let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
            if reading.read_exact(&mut payload).await.is_err() {
                break;
            }
            let code =
                |from: usize| payload.get(from..from + 4).map(|code| u32::from_be_bytes(code.try_into().unwrap()));
            match head[3] {
                HEADERS => return status(&payload),
                RST_STREAM => return format!("RST_STREAM {}", error(code(0))),
                GOAWAY if code(4) != Some(0) => return format!("GOAWAY {}", error(code(4))),
                _ => {}
            }
        }
        "the connection ends".to_owned()
    };
    tokio::select! {
        () = write => unreachable!("it never ends"),
        found = tokio::time::timeout(PATIENCE, read) => found.unwrap_or_else(|_| "nothing".to_owned()),
    }
}

/// The status in the first field of an answer: from HPACK's static table, or in digits, compressed or not.
fn status(payload: &[u8]) -> String {
    match payload {
        [0x88, ..] => "200".to_owned(),
        [0x8c, ..] => "400".to_owned(),
        [0x8d, ..] => "404".to_owned(),
        [0x8e, ..] => "500".to_owned(),
        // Name from the static table; value in three bytes of Huffman's code.
        [0x48, 0x83, 0x68, 0x0d, 0xff, ..] => "405".to_owned(),
        [0x48, 0x83, 0x69, 0x90, 0xff, ..] => "431".to_owned(),
        [0x48, 0x03, digits @ ..] => String::from_utf8_lossy(&digits[..3]).into_owned(),
        other => format!("a head {:02x?}", &other[..other.len().min(8)]),
    }
}

fn error(code: Option<u32>) -> &'static str {
    match code {
        Some(0) => "NO_ERROR",
        Some(1) => "PROTOCOL_ERROR",
        Some(2) => "INTERNAL_ERROR",
        Some(3) => "FLOW_CONTROL_ERROR",
        Some(5) => "STREAM_CLOSED",
        Some(6) => "FRAME_SIZE_ERROR",
        Some(7) => "REFUSED_STREAM",
        Some(8) => "CANCEL",
        Some(9) => "COMPRESSION_ERROR",
        Some(11) => "ENHANCE_YOUR_CALM",
        _ => "another error",
    }
}
