//! XML that grows, does not end, or says what cannot be.

use super::KIND;
use super::case::Answer::{Fine, Refused};
use super::case::{Answer, Case};
use crate::support::messages::{N1, SyncFeed, account, account_of, batch, digest_entry, entry, posted};
use uuid::Uuid;

const ATOM: &str = "xmlns='http://www.w3.org/2005/Atom'";

fn sent(name: &str, body: impl Into<Vec<u8>>, answer: Answer) -> Case {
    Case::post(name, KIND, "Content-Type: application/atom+xml\r\n", body, answer)
}

/// A page for `$syncTarget`, awaited.
fn page(name: &str, body: impl Into<Vec<u8>>, answer: Answer) -> Case {
    Case::post(name, format!("{KIND}/$syncTarget"), "", body, answer)
}

fn digest(name: &str, body: impl Into<Vec<u8>>, answer: Answer) -> Case {
    Case::post(name, format!("{KIND}/$syncDigest"), "", body, answer)
}

pub(super) fn cases() -> Vec<Case> {
    let bad = Refused(400, "badXml");
    let feed = |inside: &str| format!("<feed {ATOM}>{inside}</feed>");
    let in_entry = |inside: &str| format!("<entry {ATOM}>{inside}</entry>");
    let name_of = |name: &str| entry(&account("H1", name));
    let state = |tick: &str, stamp: &str| {
        let uuid = Uuid::from_u128(7);
        let good = SyncFeed::new(N1, &[(N1, 9, 1)]).with((N1, 3), &account_of(uuid, "H1", "one")).xml();
        let good = good.replacen("<sync:tick>3<", &format!("<sync:tick>{tick}<"), 1);
        let (head, entry) = good.split_once("<entry>").unwrap();
        format!("{head}<entry>{}", entry.replacen("2026-01-01T00:00:00Z", stamp, 1))
    };
    let laughs = (1..10).fold("<!DOCTYPE l [<!ENTITY l0 'lol'>".to_owned(), |text, n| {
        text + &format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10))
    });
    vec![
        sent("a billion laughs", format!("{laughs}]><entry {ATOM}><title>&l9;</title></entry>"), bad),
        sent(
            "entities that grow with their square",
            format!("<!DOCTYPE a [<!ENTITY a '{}'>]><a>{}</a>", "a".repeat(50_000), "&a;".repeat(50_000)),
            bad,
        ),
        sent(
            "an external entity",
            format!("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>{}", in_entry("<title>&x;</title>")),
            bad,
        ),
        sent(
            "an external entity from the network",
            format!("<!DOCTYPE a [<!ENTITY x SYSTEM 'http://127.0.0.1:1/'>]>{}", in_entry("&x;")),
            bad,
        ),
        sent("a parameter entity", "<!DOCTYPE a [<!ENTITY % x SYSTEM 'file:///etc/passwd'>%x;]><a/>", bad),
        sent("an external document type", "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/a.dtd'><a/>", bad),
        sent("a document type in lower case", "<!doctype a><a/>", bad),
        sent("a document type behind a comment", "<!-- --><!DOCTYPE a><a/>", bad),
        sent("a style sheet", format!("<?xml-stylesheet href='http://127.0.0.1:1/'?>{}", name_of("&undefined;")), bad),
        sent(
            "an XInclude in a payload",
            entry(
                "<account xmlns='urn:sdata-sync:sample:1'><xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd' parse='text'/></account>",
            ),
            Refused(400, "invalid"),
        ),
        sent(
            "a schema location",
            entry("<account xmlns='urn:sdata-sync:sample:1' xsi:schemaLocation='a http://127.0.0.1:1/a.xsd'/>"),
            Refused(400, "invalid"),
        ),
        sent("100,000 levels", "<a>".repeat(100_000), bad),
        sent("100,000 levels that close", format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000)), bad),
        sent(
            "100 levels in a payload",
            in_entry(&format!(
                "<payload xmlns='http://schemas.sage.com/sdata/2008/1'>{}{}</payload>",
                "<a>".repeat(100),
                "</a>".repeat(100)
            )),
            bad,
        ),
        sent(
            "100,000 attributes",
            format!("<entry {ATOM} {}/>", (0..90_000).map(|n| format!("a{n}=''")).collect::<Vec<_>>().join(" ")),
            bad,
        ),
        sent(
            "30,000 declarations of namespaces",
            format!(
                "<entry {ATOM} {}/>",
                (0..30_000).map(|n| format!("xmlns:a{n}='u{n}'")).collect::<Vec<_>>().join(" ")
            ),
            bad,
        ),
        sent(
            "declarations of namespaces on 60 levels",
            in_entry(&(0..60).map(|n| format!("<a xmlns:p{n}='u'>")).collect::<String>()),
            bad,
        ),
        sent("a namespace of 500,000 bytes", format!("<entry xmlns='{}'/>", "u".repeat(500_000)), bad),
        sent("a namespace of 2,049 bytes", in_entry(&format!("<a xmlns='{}'/>", "u".repeat(2_049))), bad),
        sent(
            "a namespace of 2,048 bytes in what is passed over",
            in_entry(&format!("<a xmlns='{}'/>", "u".repeat(2_048))),
            Refused(400, "badBody"),
        ),
        sent("an element's name of 500,000 bytes", format!("<{}/>", "a".repeat(500_000)), bad),
        sent("an element's name of 300 bytes", in_entry(&format!("<{}/>", "a".repeat(300))), bad),
        sent("an attribute's name of 500,000 bytes", format!("<a {}=''/>", "a".repeat(500_000)), bad),
        sent("an attribute's value of 500,000 bytes", format!("<a b='{}'/>", "a".repeat(500_000)), bad),
        sent("a text of 500,000 bytes", name_of(&"a".repeat(500_000)), bad),
        sent("a text of 100,000 pieces", name_of(&"a<!-- -->".repeat(80_000)), bad),
        sent("a text of 90,000 references", name_of(&"&#65;".repeat(90_000)), bad),
        sent("a comment of 500,000 bytes", format!("<!--{}-->{}", "a".repeat(500_000), in_entry("")), bad),
        sent("an instruction of 500,000 bytes", format!("<?a {}?>{}", "a".repeat(500_000), in_entry("")), bad),
        sent("a CDATA section of 500,000 bytes", name_of(&format!("<![CDATA[{}]]>", "a".repeat(500_000))), bad),
        sent("100,000 comments", format!("{}{}", "<!---->".repeat(100_000), in_entry("<a")), bad),
        sent(
            "50,000 elements in a payload",
            entry(&format!("<account xmlns='urn:sdata-sync:sample:1'>{}</account>", "<a/>".repeat(50_000))),
            bad,
        ),
        sent("white space alone", " ".repeat(900_000), bad),
        sent("nothing", "", bad),
        sent("a comment that does not end", format!("<!--{}", "-".repeat(900)), bad),
        sent("a section that does not end", "<a><![CDATA[ ]] >", bad),
        sent("a tag that does not end", "<a b='", bad),
        sent("a document that does not end", "<entry xmlns='http://www.w3.org/2005/Atom'><title>", bad),
        sent("a wrong end", "<a></b>", bad),
        sent("an end without a start", "</a>", bad),
        sent("two roots", "<a/><b/>", bad),
        sent("text behind the root", format!("{}evil", in_entry("")), bad),
        sent("an attribute twice", "<a b='' b=''/>", bad),
        sent("an attribute twice by two prefixes", "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", bad),
        sent("a prefix nobody declared", "<a:b/>", bad),
        sent("the prefix xml as something else", "<a xmlns:xml='u'/>", bad),
        sent("the prefix xmlns declared", "<a xmlns:xmlns='u'/>", bad),
        sent("a name with two colons", "<a:b:c xmlns:a='u'/>", bad),
        sent("a name that begins with a digit", "<1a/>", bad),
        sent("'<' in a value", "<a b='<'/>", bad),
        sent("the character NUL as a reference", in_entry("<title>&#0;</title>"), bad),
        sent("a surrogate as a reference", in_entry("<title>&#xD800;</title>"), bad),
        sent("a reference beyond all characters", in_entry("<title>&#x110000;</title>"), bad),
        sent("a reference of 1,000 digits", in_entry(&format!("<title>&#{};</title>", "9".repeat(1_000))), bad),
        sent("a negative reference", in_entry("<title>&#-1;</title>"), bad),
        sent("a non-character", in_entry("<title>\u{FFFF}</title>"), bad),
        sent("NUL in a text", in_entry("<title>\0</title>"), bad),
        sent(
            "a text that is no UTF-8",
            b"<entry xmlns='http://www.w3.org/2005/Atom'><title>\xff\xfe</title></entry>".to_vec(),
            bad,
        ),
        sent(
            "an overlong NUL",
            b"<entry xmlns='http://www.w3.org/2005/Atom'><title>\xc0\x80</title></entry>".to_vec(),
            bad,
        ),
        sent("an overlong '<'", b"<entry xmlns='http://www.w3.org/2005/Atom'>\xc0\xbca/></entry>".to_vec(), bad),
        sent("half a surrogate pair", b"<entry xmlns='http://www.w3.org/2005/Atom'>\xed\xa0\x80</entry>".to_vec(), bad),
        sent("UTF-16", "\u{feff}<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), bad),
        sent("UTF-7 declared", "<?xml version='1.0' encoding='utf-7'?><a/>", bad),
        sent(
            "an encoding of 10,000 bytes",
            format!("<?xml version='1.0' encoding='{}'?><a/>", "u".repeat(10_000)),
            bad,
        ),
        sent("XML 2.0", "<?xml version='2.0'?><a/>", bad),
        sent("another root", "<html/>", Refused(400, "badBody")),
        sent("an entry without a payload", in_entry("<title>a</title>"), Refused(400, "badBody")),
        sent(
            "a resource of another kind",
            entry("<contact xmlns='urn:sdata-sync:sample:1'/>"),
            Refused(400, "badBody"),
        ),
        sent("a resource of another namespace", entry("<account xmlns='urn:evil'/>"), Refused(400, "badBody")),
        sent("markup as a value", name_of("<script>alert(1)</script>"), Refused(400, "invalid")),
        sent(
            "a number of 100,000 digits",
            entry(&format!(
                "<account xmlns='urn:sdata-sync:sample:1'><code>H2</code><name>a</name><creditLimit>{}</creditLimit></account>",
                "9".repeat(60_000)
            )),
            Refused(400, "invalid"),
        ),
        sent(
            "a UUID that is none",
            entry("<account xmlns='urn:sdata-sync:sample:1' sdata:uuid='x'><code>H3</code><name>a</name></account>"),
            Refused(400, "badBody"),
        ),
        // Synchronization.
        page("an entry in place of a feed", in_entry(""), bad),
        page("a feed without a digest", feed(""), Refused(400, "badBody")),
        page(
            "200 entries, twice as many as may be",
            SyncFeed::new(N1, &[(N1, 9, 1)]).raw(&"<entry/>".repeat(200)).xml(),
            bad,
        ),
        page(
            "a feed that ends in an entry",
            SyncFeed::new(N1, &[(N1, 9, 1)]).raw("<entry>").xml().replace("</feed>", ""),
            bad,
        ),
        page("a mode nobody knows", SyncFeed::new(N1, &[(N1, 9, 1)]).in_mode(Some("destroy")).xml(), bad),
        page(
            "a page that comes before its first",
            SyncFeed { start_index: Some(100), ..SyncFeed::new(N1, &[(N1, 9, 1)]) }.xml(),
            Refused(409, "outOfOrder"),
        ),
        page(
            "a page at the end of all numbers",
            SyncFeed { start_index: Some(u64::MAX), ..SyncFeed::new(N1, &[(N1, 9, 1)]) }.xml(),
            Refused(409, "outOfOrder"),
        ),
        page("a tick beyond 64 bits", state("99999999999999999999", "2026-01-01T00:00:00Z"), Fine(200)),
        page("a tick with a fraction", state("1.5", "2026-01-01T00:00:00Z"), Fine(200)),
        page("a stamp in the year 999999", state("3", "999999-01-01T00:00:00Z"), Fine(200)),
        page("a stamp that is none", state("3", "yesterday"), Fine(200)),
        page("an endpoint that is none", SyncFeed::new("javascript:alert(1)", &[(N1, 9, 1)]).xml(), bad),
        digest("a digest of our own tick, higher", digest_entry(N1, &[("{own}", 999_999, 1)]), Refused(409, "ownTick")),
        digest("a priority of 10", digest_entry(N1, &[(N1, 9, 10)]), bad),
        digest("a tick at the end of all numbers", digest_entry(N1, &[(N1, u64::MAX, 1)]), bad),
        digest(
            "an endpoint of 10,000 bytes",
            digest_entry(N1, &[(&format!("http://a/{}", "a".repeat(10_000)), 9, 1)]),
            bad,
        ),
        digest("the same endpoint twice", digest_entry(N1, &[(N1, 9, 1), (N1, 8, 1)]), Fine(200)),
        Case::post(
            "a batch of 200 entries, twice as many as may be",
            format!("{KIND}/$batch"),
            "",
            batch(&vec![posted(&account("H4", "a")); 200]),
            bad,
        ),
        Case::post(
            "a batch with a method nobody knows",
            format!("{KIND}/$batch"),
            "",
            batch(&[posted(&account("H5", "a")).replace("POST", "TRACE")]),
            Fine(200),
        ),
        Case::post("results that are no feed", format!("{KIND}/$syncResults"), "", in_entry(""), bad),
    ]
}
