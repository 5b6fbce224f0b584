//! Targets and headers that are too large, cannot be, or try to get out.

use super::KIND;
use super::case::Answer::{Bare, Ends, Fine, Refused};
use super::case::{Answer, Case};

fn with(name: &str, headers: impl AsRef<str>, answer: Answer) -> Case {
    Case::http(name, "GET", KIND, headers.as_ref(), answer)
}

fn in_kind(name: &str, rest: impl AsRef<str>, answer: Answer) -> Case {
    Case::get(name, format!("{KIND}{}", rest.as_ref()), answer)
}

pub(super) fn cases() -> Vec<Case> {
    let headers = |count: usize| (0..count).map(|number| format!("X-{number}: a\r\n")).collect::<String>();
    let syntax = Refused(400, "BadUrlSyntax");
    let nothing = Refused(404, "notFound");
    let mut cases = vec![
        with("70 headers", headers(70), Refused(431, "headTooLarge")),
        with("200 headers", headers(200), Bare(431)),
        with("a header of 40,000 bytes", format!("X-A: {}\r\n", "a".repeat(40_000)), Refused(431, "headTooLarge")),
        with("a header of 200,000 bytes", format!("X-A: {}\r\n", "a".repeat(200_000)), Bare(431)),
        with(
            "a header's name of 40,000 bytes",
            format!("X-{}: a\r\n", "A".repeat(40_000)),
            Refused(431, "headTooLarge"),
        ),
        with("a header's name of 70,000 bytes", format!("X-{}: a\r\n", "A".repeat(70_000)), Ends),
        with("a cookie of 20,000 bytes", format!("Cookie: a={}\r\n", "a".repeat(20_000)), Fine(200)),
        with("cookies that are none", "Cookie: ;;=;a;\"=,\x01\r\n".replace('\x01', ""), Fine(200)),
        with("an Accept of 5,000 ranges", format!("Accept: {}\r\n", "a/b;q=0.1,".repeat(3_000)), Fine(200)),
        with("an Accept that is none", "Accept: ;;;q=,/,*\r\n", Fine(200)),
        with(
            "an Accept-Encoding with any weight",
            "Accept-Encoding: gzip;q=99999999999999999999, br;q=-1\r\n",
            Fine(200),
        ),
        with(
            "an Accept-Encoding of 3,000 codings",
            format!("Accept-Encoding: {}\r\n", "a;q=0.1,".repeat(3_000)),
            Fine(200),
        ),
        with(
            "If-None-Match with 5,000 validators",
            format!("If-None-Match: {}\r\n", "\"abc\",".repeat(5_000)),
            Fine(200),
        ),
        with("If-None-Match that does not close", "If-None-Match: \"abc\r\n", Fine(200)),
        with("If-Modified-Since in the year 99999", "If-Modified-Since: Sat, 01 Jan 99999 00:00:00 GMT\r\n", Fine(200)),
        with("a range of a byte", "Range: bytes=0-0\r\n", Fine(200)),
        with("3,000 ranges that overlap", format!("Range: bytes={}0-\r\n", "0-,".repeat(3_000)), Fine(200)),
        with("a range beyond 64 bits", "Range: bytes=99999999999999999999-\r\n", Fine(200)),
        with("credentials that are none", "Authorization: Basic !!!!\r\n", Fine(200)),
        with("credentials of 20,000 bytes", format!("Authorization: Bearer {}\r\n", "a".repeat(20_000)), Fine(200)),
        with("HTTP's method overridden in a GET", "X-HTTP-Method-Override: DELETE\r\n", Fine(200)),
        Case::post(
            "HTTP's method overridden with another",
            KIND,
            "X-HTTP-Method-Override: TRACE\r\n",
            "<a/>",
            Refused(400, "badBody"),
        ),
        Case::post(
            "HTTP's method overridden with rubbish",
            KIND,
            "X-HTTP-Method-Override: DELETE, PUT\r\n",
            "<a/>",
            Refused(400, "badBody"),
        ),
        Case::http("PUT of a collection", "PUT", KIND, "", Refused(405, "methodNotAllowed")),
        Case::http("DELETE of a collection", "DELETE", KIND, "", Refused(405, "methodNotAllowed")),
        Case::http("DELETE of a dataset", "DELETE", "/sdata/crm/sample/-", "", Refused(405, "methodNotAllowed")),
        Case::http(
            "DELETE of the audit",
            "DELETE",
            "/sdata/crm/syncAudit/-/changes",
            "",
            Refused(405, "methodNotAllowed"),
        ),
        Case::http("PUT without a body", "PUT", format!("{KIND}('1')"), "", Refused(400, "badXml")),
        Case::http(
            "If-Match with a line of quotes",
            "DELETE",
            format!("{KIND}('none')"),
            &format!("If-Match: {}\r\n", "\"".repeat(9_000)),
            nothing,
        ),
        Case::post(
            "a Content-Type that is none",
            KIND,
            "Content-Type: /;;charset=\"\r\n",
            "<a/>",
            Refused(400, "badBody"),
        ),
        Case::post(
            "a Content-Type in UTF-7",
            KIND,
            "Content-Type: application/xml; charset=utf-7\r\n",
            "+ADw-a/+AD4-",
            Refused(400, "badXml"),
        ),
        Case::post(
            "a form",
            KIND,
            "Content-Type: multipart/form-data; boundary=x\r\n",
            "--x\r\n\r\n1\r\n--x--",
            Refused(400, "badXml"),
        ),
        // The target.
        in_kind("a URL of 20,000 bytes", format!("?x={}", "a".repeat(20_000)), Refused(414, "urlTooLong")),
        in_kind("a path of 20,000 bytes", format!("/{}", "a".repeat(20_000)), Refused(414, "urlTooLong")),
        in_kind("a URL of 70,000 bytes", format!("?x={}", "a".repeat(70_000)), Bare(400)),
        in_kind("a URL of 200,000 bytes", format!("?x={}", "a".repeat(200_000)), Bare(431)),
        in_kind("100 parameters", format!("?{}", "a=b&".repeat(100)), Refused(400, "BadQueryParameter")),
        in_kind("5,000 ampersands", format!("?{}", "&".repeat(5_000)), Refused(400, "BadQueryParameter")),
        in_kind("a parameter 30 times", format!("?{}", "count=1&".repeat(30)), Fine(200)),
        in_kind("an escape that is none, in the query", "?x=%zz&y=%", Fine(200)),
        in_kind("bytes that are no UTF-8, in the query", "?x=%ff%fe%c0%af", Fine(200)),
        in_kind("an escape that is none, in the path", "%zz", Refused(404, "ResourceKindNotFound")),
        in_kind("bytes that are no UTF-8, in the path", "%ff", syntax),
        in_kind("an overlong slash, in the path", "%c0%af", syntax),
        in_kind("half a surrogate, in the path", "%ed%a0%80", syntax),
        in_kind("NUL in the path", "%00", syntax),
        in_kind("NUL in a key", "('a%00b')", syntax),
        in_kind("a line break in the path", "%0d%0aX-Injected:%20yes", Refused(404, "ResourceKindNotFound")),
        in_kind("a line break in a key", "('a%0d%0aX-Injected:%20yes')", nothing),
        in_kind("a slash in a key", "('..%2f..%2f..%2fetc%2fpasswd')", nothing),
        in_kind("a key in double escapes", "('%2527')", nothing),
        in_kind("a key of 10,000 characters", format!("('{}')", "k".repeat(10_000)), nothing),
        in_kind("a key with SQL in it", "('1%27%27%20or%20%27%27%3d%27%27')", nothing),
        in_kind("a key whose quote is not closed", "('a", syntax),
        in_kind("parentheses that are not closed", "(((((", syntax),
        in_kind(
            "a thousand parentheses in a selector",
            format!("{}{}", "(".repeat(1_000), ")".repeat(1_000)),
            Refused(400, "BadWhereSyntax"),
        ),
        in_kind("a UUID that is none", "/$linked('x')", nothing),
        in_kind("a UUID of 10,000 characters", format!("/$linked('{}')", "0".repeat(10_000)), nothing),
        in_kind("a trackingID nobody gave", "/$syncSource('%27%3b%20drop%20table%20tracking')", syntax),
        in_kind("a property of a property of a property", format!("('1'){}", "/name".repeat(500)), syntax),
        Case::get("a path out of the folder", "/assets/../../../etc/passwd", nothing),
        Case::get("a path out of the folder, escaped", "/assets/%2e%2e/%2e%2e/etc/passwd", nothing),
        Case::get("a path out of the folder, its slashes escaped", "/assets/..%2f..%2f..%2fetc%2fpasswd", nothing),
        Case::get("a path out of the folder, with backslashes", "/assets/..\\..\\etc\\passwd", nothing),
        Case::get("a path out of the folder, escaped twice", "/assets/%252e%252e%252fetc%252fpasswd", nothing),
        Case::get(
            "a schema out of its folder",
            "/sdata/crm/sample/-/..%2f..%2fsecret.xsd",
            Refused(404, "ResourceKindNotFound"),
        ),
        Case::get("5,000 slashes", "/".repeat(5_000), nothing),
        Case::get("5,000 segments", "/a".repeat(5_000), nothing),
        Case::get("a path of dots", "/./.././sdata/./crm", nothing),
        Case::get("a host in place of a path", "//evil.example.com/sdata", nothing),
        Case::get("a matrix parameter", "/sdata;x=1/crm", nothing),
        Case::get(
            "an unknown application with markup",
            "/sdata/%3cimg%20src=x%20onerror=alert%3e",
            Refused(404, "ApplicationNotFound"),
        ),
    ];
    // What comes back in Location must stay within it.
    let tracking = |name: &str, id: &str, answer| {
        let digest = super::digest();
        Case::post(name, format!("{KIND}/$syncSource?trackingID={id}"), "", digest, answer)
    };
    cases.extend([
        tracking("a line break in a trackingID", "a%0d%0aX-Injected:%20yes", Fine(202)),
        tracking("markup and quotes in a trackingID", "%22%3e%3cscript%3e%27%27", Fine(202)),
        tracking("a path in a trackingID", "..%2f..%2f..%2f", Fine(202)),
        tracking("Chinese in a trackingID", "%e4%b8%ad%e6%96%87", Fine(202)),
        tracking("NUL in a trackingID", "a%00b", Fine(202)),
        tracking("a trackingID of 300 bytes", &"a".repeat(300), Refused(400, "BadQueryParameter")),
        tracking("a trackingID that is no UTF-8", "%ff%fe", Fine(202)),
        tracking("markup in a run's name", "run&runName=%3c%2fa%3e%0d%0aX-Injected:%20yes&runStamp=%00", Fine(202)),
        tracking("a run's name of 10,000 bytes", &format!("long&runName={}", "r".repeat(10_000)), Fine(202)),
    ]);
    cases
}
