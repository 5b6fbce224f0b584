//! JSON, and packed bodies.

use super::KIND;
use super::case::Answer::{Fine, Refused};
use super::case::{Answer, Case};
use async_compression::Level;
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use tokio::io::AsyncWriteExt;

fn sent(name: &str, body: impl Into<Vec<u8>>, answer: Answer) -> Case {
    Case::post(name, KIND, "Content-Type: application/json\r\n", body, answer)
}

fn results(name: &str, body: String, answer: Answer) -> Case {
    Case::post(name, format!("{KIND}/$syncResults"), "Content-Type: application/json\r\n", body, answer)
}

fn packed(name: &str, coding: &str, body: impl Into<Vec<u8>>, answer: Answer) -> Case {
    Case::post(name, KIND, &format!("Content-Encoding: {coding}\r\n"), body, answer)
}

pub(super) fn cases() -> Vec<Case> {
    let (bad, invalid) = (Refused(400, "badJson"), Refused(400, "invalid"));
    vec![
        sent("100,000 arrays", "[".repeat(100_000), bad),
        sent("100,000 arrays in a member", format!("{{\"a\":{}", "[".repeat(100_000)), bad),
        sent("100,000 objects", "{\"a\":".repeat(100_000), bad),
        sent("70 levels that close", format!("{}1{}", "{\"a\":".repeat(70), "}".repeat(70)), bad),
        sent("a number of 900,000 digits", format!("{{\"code\":{}}}", "9".repeat(900_000)), bad),
        sent("a number with 900,000 zeros", format!("{{\"code\":0.{}1}}", "0".repeat(900_000)), bad),
        sent("a number with a huge exponent", r#"{"code":"J1","name":"a","creditLimit":1e999999999}"#, bad),
        sent("NaN", r#"{"code":NaN}"#, bad),
        sent("a number with leading zeros", r#"{"code":007}"#, bad),
        sent("a member twice", r#"{"code":"a","code":"b"}"#, bad),
        sent("a member twice, once escaped", r#"{"code":"a","cod\u0065":"b"}"#, bad),
        sent("a list of resources twice", r#"{"$resources":[],"$resources":[]}"#, bad),
        sent("a member's name of 500,000 bytes", format!("{{\"{}\":1}}", "a".repeat(500_000)), Refused(400, "badXml")),
        sent("a text of 500,000 bytes", format!("{{\"code\":\"{}\"}}", "a".repeat(500_000)), Refused(400, "badXml")),
        sent(
            "a text of 90,000 escapes",
            format!("{{\"code\":\"{}\"}}", "\\u0041".repeat(90_000)),
            Refused(400, "badXml"),
        ),
        sent("100,000 numbers", format!("{{\"code\":[{}1]}}", "1,".repeat(100_000)), Refused(400, "badXml")),
        sent(
            "100,000 members",
            format!("{{{}\"z\":1}}", (0..60_000).map(|n| format!("\"a{n}\":1,")).collect::<String>()),
            Refused(400, "badXml"),
        ),
        sent("a list", "[]", bad),
        sent("a text alone", "\"a\"", bad),
        sent("nothing", "", bad),
        sent("null", "null", bad),
        sent("a document that does not end", r#"{"code":"a"#, bad),
        sent("two documents", "{}{}", bad),
        sent("a comma at the end", r#"{"code":"a",}"#, bad),
        sent("a comment", r#"{/**/"code":"a"}"#, bad),
        sent("single quotes", "{'code':'a'}", bad),
        sent("a line break in a text", "{\"code\":\"a\nb\"}", bad),
        sent("half a surrogate pair", r#"{"code":"\ud800","name":"a"}"#, bad),
        sent("a text that is no UTF-8", b"{\"code\":\"\xff\"}".to_vec(), bad),
        sent("NUL escaped", r#"{"code":"\u0000","name":"a"}"#, Refused(400, "badXml")),
        sent("a prototype", r#"{"__proto__":{"admin":true},"constructor":{}}"#, invalid),
        sent("objects where texts belong", r#"{"code":{"$gt":""},"name":{"$ne":null}}"#, invalid),
        sent("UTF-16", "{\"code\":\"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), bad),
        sent(
            "a feed of 100,000 entries in place of one",
            format!("{{\"$resources\":[{}{{}}]}}", "{},".repeat(100_000)),
            Refused(400, "badBody"),
        ),
        results(
            "100,000 results, 1,000 times as many as may be",
            format!("{{\"$resources\":[{}{{}}]}}", "{},".repeat(100_000)),
            Refused(400, "badXml"),
        ),
        results(
            "results that are four times as long as XML",
            format!(
                "{{\"$resources\":[{}{{}}]}}",
                format!("{{\"$httpMessage\":\"{}\"}},", "<".repeat(60_000)).repeat(15)
            ),
            Refused(413, "tooLarge"),
        ),
        packed("a coding nobody knows", "compress", "<a/>", Refused(415, "contentCoding")),
        packed("two codings at once", "gzip, gzip", "<a/>", Refused(415, "contentCoding")),
        packed("a coding of 10,000 bytes", &"a".repeat(10_000), "<a/>", Refused(415, "contentCoding")),
        packed("gzip that is none", "gzip", "<a/>", Refused(400, "bodyBroken")),
        packed(
            "gzip that is cut off",
            "gzip",
            b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xb3\x49".to_vec(),
            Refused(400, "bodyBroken"),
        ),
        packed(
            "zstd with a window of 2 GiB",
            "zstd",
            b"\x28\xb5\x2f\xfd\x00\xa8\x21\x00\x00ab".to_vec(),
            Refused(400, "bodyBroken"),
        ),
        packed("a good coding in capitals around nothing", "IDENTITY", "{}", invalid),
        Case::post("a good object", KIND, "", r#"{"code":"J9","name":"a","unknown":{"a":[1]}}"#, invalid),
        Case::http("a GET with a body of another length", "GET", KIND, "Content-Length: 0\r\n", Fine(200)),
    ]
}

/// Small bodies that stand for large ones.
pub(super) async fn bombs() -> Vec<Case> {
    macro_rules! pack {
        ($encoder:ident, $body:expr) => {{
            let mut encoder = $encoder::with_quality(Vec::new(), Level::Fastest);
            encoder.write_all($body).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }};
    }
    let bomb = vec![b' '; 50_000_000];
    let large = Refused(413, "tooLarge");
    let gzip = pack!(GzipEncoder, &bomb);
    let twice = pack!(GzipEncoder, &gzip);
    let bad = Refused(400, "badXml");
    vec![
        packed("50 MB in gzip", "gzip", gzip.clone(), large).and_ends(),
        packed("50 MB in gzip, called x-gzip", "X-GZIP", gzip, large).and_ends(),
        packed("50 MB in brotli", "br", pack!(BrotliEncoder, &bomb), large).and_ends(),
        packed("50 MB in zstd", "zstd", pack!(ZstdEncoder, &bomb), large).and_ends(),
        packed("50 MB in deflate", "deflate", pack!(ZlibEncoder, &bomb), large).and_ends(),
        packed("gzip in gzip, of which one is told", "gzip", twice, bad),
    ]
}
