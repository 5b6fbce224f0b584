//! Requests that are none, or that two readers would take for different ones.

use super::case::Answer::{Bare, Ends, Fine, Refused};
use super::case::Case;
use super::{KIND, ONE};

/// A request to the collection, head as written.
fn with(name: &str, head: &str, answer: super::case::Answer) -> Case {
    Case::bytes(name, format!("GET {KIND} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n"), answer)
}

/// A POST to the collection, framing and body as written.
fn body(name: &str, head: &str, body: &str, answer: super::case::Answer) -> Case {
    Case::bytes(
        name,
        format!("POST {KIND} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n{body}"),
        answer,
    )
}

/// The bytes as the client's whole connection.
fn only(name: &str, bytes: impl Into<Vec<u8>>, answer: super::case::Answer) -> Case {
    Case::bytes(name, bytes, answer).and_ends()
}

pub(super) fn cases() -> Vec<Case> {
    let length = |value: &str| format!("Content-Length: {value}\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";
    vec![
        body("Content-Length and Transfer-Encoding at once", &(length("4") + chunked), "0\r\n\r\n", Bare(400)),
        body(
            "Transfer-Encoding and Content-Length at once",
            &(chunked.to_owned() + &length("4")),
            "0\r\n\r\n",
            Bare(400),
        ),
        body("two different Content-Lengths", &(length("3") + &length("4")), "abcd", Bare(400)),
        body("the same Content-Length twice", &(length("4") + &length("4")), "abcd", Bare(400)),
        body("a list of Content-Lengths", &length("4, 4"), "abcd", Bare(400)),
        body("a negative Content-Length", &length("-1"), "", Bare(400)),
        body("a Content-Length with a sign", &length("+4"), "abcd", Bare(400)),
        body("a hexadecimal Content-Length", &length("0x4"), "abcd", Bare(400)),
        body("an empty Content-Length", &length(""), "", Bare(400)),
        body("a Content-Length with a fraction", &length("4.0"), "abcd", Bare(400)),
        body("a Content-Length beyond 64 bits", &length("99999999999999999999"), "", Bare(400)),
        body("the largest Content-Length of 64 bits", &length("18446744073709551615"), "", Refused(413, "tooLarge"))
            .and_ends(),
        body("a Content-Length above the limit", &length("1000001"), "", Refused(413, "tooLarge")).and_ends(),
        body("a Content-Length that says more than comes", &length("50"), "<a/>", Refused(400, "bodyBroken"))
            .and_ends(),
        body("gzip as Transfer-Encoding", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", Bare(400)),
        body("chunked twice", "Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n", Bare(400)),
        body(
            "two Transfer-Encodings",
            &(chunked.to_owned() + "Transfer-Encoding: identity\r\n"),
            "0\r\n\r\n",
            Bare(400),
        ),
        body("an unknown Transfer-Encoding", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", Bare(400)),
        body("a Transfer-Encoding behind a vertical tab", "Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n", Bare(400)),
        body(
            "a Transfer-Encoding with a space before the colon",
            "Transfer-Encoding : chunked\r\n",
            "0\r\n\r\n",
            Bare(400),
        ),
        body("a chunk whose size is no number", chunked, "zz\r\nabc\r\n0\r\n\r\n", Refused(400, "bodyBroken")),
        body(
            "a chunk whose size is beyond 64 bits",
            chunked,
            "fffffffffffffffff\r\nabc\r\n",
            Refused(400, "bodyBroken"),
        ),
        body("a chunk of nearly 2^64 bytes", chunked, "fffffffffffffff0\r\nabc", Refused(400, "bodyBroken")).and_ends(),
        body("a chunk of a negative size", chunked, "-3\r\nabc\r\n0\r\n\r\n", Refused(400, "bodyBroken")),
        body("a chunk longer than it says", chunked, "3\r\nabcdef\r\n0\r\n\r\n", Refused(400, "bodyBroken")),
        body("chunks that do not end", chunked, "4\r\n<a/>\r\n", Refused(400, "bodyBroken")).and_ends(),
        body(
            "a chunk with an extension of 100,000 bytes",
            chunked,
            &format!("4;{}\r\n<a/>\r\n0\r\n\r\n", "x".repeat(100_000)),
            Refused(400, "badBody"),
        ),
        body("a chunked body with bare line feeds", chunked, "4\n<a/>\n0\n\n", Refused(400, "bodyBroken")),
        body(
            "trailers that are headers",
            chunked,
            "4\r\n<a/>\r\n0\r\nContent-Length: 9\r\n\r\n",
            Refused(400, "badBody"),
        ),
        Case::bytes(
            "Transfer-Encoding in HTTP/1.0",
            format!("POST {KIND} HTTP/1.0\r\nHost: localhost\r\n{chunked}\r\n4\r\n<a/>\r\n0\r\n\r\n"),
            Bare(400),
        )
        .and_ends(),
        with("a request in the body of a GET", &format!("Content-Length: {}\r\n\r\n{ONE}", ONE.len() + 2), Fine(200)),
        with("a folded header", "X-A: b\r\n c: d\r\n", Bare(400)),
        with("a header behind a bare carriage return", "X-A: b\rX-B: c\r\n", Bare(400)),
        with("a space before a header's colon", "X-A : b\r\n", Bare(400)),
        with("a header without a colon", "X-A\r\n", Bare(400)),
        with("a header without a name", ": b\r\n", Bare(400)),
        with("NUL in a header's value", "X-A: b\0c\r\n", Bare(400)),
        with("NUL in a header's name", "X-\0A: b\r\n", Bare(400)),
        with("DEL in a header's value", "X-A: b\x7fc\r\n", Bare(400)),
        with("UTF-8 in a header's name", "X-Ä: b\r\n", Bare(400)),
        with("two Hosts", "Host: b\r\n", Bare(400)),
        Case::bytes(
            "bare line feeds",
            format!("GET {KIND} HTTP/1.1\nHost: localhost\nConnection: close\n\n"),
            Fine(200),
        ),
        only("NUL in the request line", format!("GET {KIND}\0 HTTP/1.1\r\nHost: localhost\r\n\r\n"), Bare(400)),
        only("a space in the target", format!("GET {KIND} x HTTP/1.1\r\nHost: localhost\r\n\r\n"), Bare(400)),
        only("a tab between method and target", format!("GET\t{KIND} HTTP/1.1\r\nHost: localhost\r\n\r\n"), Bare(400)),
        only("no target", "GET HTTP/1.1\r\nHost: localhost\r\n\r\n", Bare(400)),
        only("a target without a slash", "GET sdata HTTP/1.1\r\nHost: localhost\r\n\r\n", Refused(421, "foreignName")),
        only("UTF-8 in the target, not escaped", "GET /sdata/ä HTTP/1.1\r\nHost: localhost\r\n\r\n", Bare(400)),
        only("no Host", format!("GET {KIND} HTTP/1.1\r\nConnection: close\r\n\r\n"), Bare(400)),
        only(
            "a target with a foreign host",
            format!("GET http://evil.example.com{KIND} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            Refused(421, "foreignName"),
        ),
        only(
            "a target with user and password",
            format!("GET http://a:b@localhost{KIND} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            Fine(200),
        ),
        only("a target of another scheme", "GET file:///etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", Bare(400)),
        only(
            "CONNECT",
            "CONNECT evil.example.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            Refused(421, "foreignName"),
        ),
        only("an asterisk as target", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", Refused(404, "notFound")),
        only(
            "TRACE",
            format!("TRACE {KIND} HTTP/1.1\r\nHost: localhost\r\nX-Secret: b\r\n\r\n"),
            Refused(405, "methodNotAllowed"),
        ),
        only(
            "a method in lower case",
            format!("get {KIND} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            Refused(405, "methodNotAllowed"),
        ),
        only(
            "a method nobody knows",
            format!("FROBNICATE {KIND} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            Refused(405, "methodNotAllowed"),
        ),
        only(
            "a method of 10,000 letters",
            format!("{} {KIND} HTTP/1.1\r\nHost: localhost\r\n\r\n", "A".repeat(10_000)),
            Refused(405, "methodNotAllowed"),
        ),
        only(
            "a method with a control character",
            format!("GE\x01T {KIND} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            Bare(400),
        ),
        only("HTTP/0.9", format!("GET {KIND}\r\n"), Bare(400)),
        only("HTTP/2.0 in the request line", format!("GET {KIND} HTTP/2.0\r\nHost: localhost\r\n\r\n"), Bare(400)),
        only("HTTP/1.9", format!("GET {KIND} HTTP/1.9\r\nHost: localhost\r\n\r\n"), Bare(400)),
        only("another protocol", format!("GET {KIND} ICAP/1.0\r\nHost: localhost\r\n\r\n"), Bare(400)),
        only(
            "empty lines before the request",
            format!("\r\n\r\nGET {KIND} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            Fine(200),
        ),
        only("100,000 empty lines", "\r\n".repeat(100_000), Bare(431)),
        only("the preface of HTTP/2 in clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Bare(400)),
        only("a TLS hello in clear", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03".to_vec(), Bare(400)),
        only("binary rubbish", (0..=255_u8).rev().cycle().take(4_000).collect::<Vec<_>>(), Bare(400)),
        only("nothing", "", Ends),
        only("half a request line", "GET /sda", Ends),
        only("half a head", format!("GET {KIND} HTTP/1.1\r\nHost:"), Ends),
        Case::bytes("a head that does not go on", "GET /sdata HTTP/1.1\r\nHost: localhost\r\n", Bare(408)),
        Case::bytes(
            "a body that does not come",
            format!("POST {KIND} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n<a"),
            Refused(408, "tooSlow"),
        ),
        Case::bytes(
            "a chunked body that does not go on",
            format!("POST {KIND} HTTP/1.1\r\nHost: localhost\r\n{chunked}\r\n2\r\n<a\r\n"),
            Refused(408, "tooSlow"),
        ),
        Case::bytes(
            "a body that does not come, for an operation",
            format!(
                "POST {KIND}/$syncTarget?trackingID=slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n<feed"
            ),
            Refused(408, "tooSlow"),
        ),
        Case::bytes("a second head that does not go on", format!("{ONE}GET /sdata"), Fine(200)),
        Case::bytes(
            "a hundred requests at once",
            format!("{}{}", ONE.repeat(99), ONE.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")),
            Fine(200),
        ),
        with("an upgrade to HTTP/2", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", Fine(200)),
        with(
            "an upgrade to a web socket",
            "Upgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\nSec-WebSocket-Version: 13\r\n",
            Fine(200),
        )
        .and_ends(),
        with(
            "another Host",
            "X-Host: evil.example.com\r\nX-Forwarded-Host: evil.example.com\r\nX-Original-URL: /evil\r\n",
            Fine(200),
        ),
        Case::bytes(
            "a lying Host",
            format!("GET {KIND} HTTP/1.1\r\nHost: evil.example.com\r\nConnection: close\r\n\r\n"),
            Refused(421, "foreignName"),
        ),
        Case::bytes(
            "a Host that is none",
            format!("GET {KIND} HTTP/1.1\r\nHost: \"><script>\r\nConnection: close\r\n\r\n"),
            Refused(421, "foreignName"),
        ),
        with(
            "forwarding that nobody was trusted with",
            "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=_x;host=evil.example.com\r\n",
            Fine(200),
        ),
        body("Expect with something else", "Expect: 200-ok\r\nContent-Length: 4\r\n", "<a/>", Refused(400, "badBody")),
        body(
            "Expect with rubbish",
            "Expect: \"\\\", 100-continue, \r\nContent-Length: 4\r\n",
            "<a/>",
            Refused(400, "badBody"),
        ),
        body(
            "Expect and a body above the limit",
            "Expect: 100-continue\r\nContent-Length: 99999999\r\n",
            "",
            Refused(413, "tooLarge"),
        )
        .and_ends(),
    ]
}
