use super::*;
use crate::protocol::digest::tests::node;
use crate::protocol::{Endpoint, Tick};
use crate::wire::names::XSI;
use rstest::rstest;

const CONTRACT: &str = "urn:example:contract";
const UUID: &str = "74926a0d-d2c0-4daa-9986-47c833691569";

fn entry(children: &str) -> Entry {
    let xml = format!(
        "<entry xmlns='{ATOM}' xmlns:sdata='{SDATA}' xmlns:sync='{SYNC}' xmlns:http='{HTTP}' xmlns:xsi='{XSI}'>{children}</entry>"
    );
    read_entry(xml.as_bytes(), ReadLimits::default()).unwrap()
}

fn state(children: &str) -> StateRead {
    entry(&format!("<sync:syncState>{children}</sync:syncState>")).sync_state
}

fn given(endpoint: Option<Endpoint>, tick: u64, stamp: Option<&str>) -> StateRead {
    let stamp = stamp.map(|text| Stamp::parse(text).unwrap());
    StateRead::Given { endpoint, tick: Tick::new(tick).unwrap(), stamp, user: None }
}

/// In a request, id, title and updated need not be filled (core 8.1).
#[test]
fn an_empty_entry_is_an_entry() {
    let read = entry("<id/><title/><updated/><content/>");
    assert_eq!(read, Entry::default());
    assert_eq!((read.uuid(), read.is_deleted(), read.resource()), (None, false, None));
    assert_eq!(entry(""), Entry::default());
}

/// SYNC-4.4-11.
#[rstest]
#[case::on_the_resource(format!("<sdata:payload><account xmlns='{CONTRACT}' sdata:uuid='{UUID}'/></sdata:payload>"))]
#[case::on_payload(format!("<sdata:payload sdata:uuid='{UUID}'><account xmlns='{CONTRACT}'/></sdata:payload>"))]
#[case::on_both(format!(
    "<sdata:payload sdata:uuid='00000000-0000-0000-0000-000000000000'><account xmlns='{CONTRACT}' sdata:uuid='{UUID}'/></sdata:payload>"
))]
#[case::payload_by_default_namespace(format!(
    "<payload xmlns='{SDATA}'><x:account xmlns:x='{CONTRACT}' sdata:uuid='{{{UUID}}}'/></payload>"
))]
fn the_uuid_is_on_the_resource_or_on_payload(#[case] payload: String) {
    let read = entry(&payload);
    assert_eq!(read.uuid(), Some(Ok(Uuid::parse_str(UUID).unwrap())));
    assert!(read.resource().is_some_and(|resource| resource.is(CONTRACT, "account")));
}

/// SYNC-4.4-07, SYNC-4.4-11.
#[rstest]
#[case::sdata("sdata", true)]
#[case::sync("sync", true)]
fn a_deleted_resource_is_recognised(#[case] prefix: &str, #[case] deleted: bool) {
    let payload = format!("<sdata:payload><account xmlns='{CONTRACT}' {prefix}:isDeleted='true'/></sdata:payload>");
    assert_eq!(entry(&payload).is_deleted(), deleted);
}

/// SYNC-4.3-07.
#[rstest]
#[case::complete(
    "<sync:endpoint>http://n1.example.com/sdata/app/contract/-/accounts</sync:endpoint><sync:tick>5</sync:tick><sync:stamp>2008-10-30T14:55:43.281Z</sync:stamp>",
    given(Some(node(1)), 5, Some("2008-10-30T14:55:43.281Z"))
)]
#[case::other_order(
    "<sync:stamp>2008-10-30T14:55:43+00:00</sync:stamp><sync:other><sync:tick>9</sync:tick></sync:other><sync:tick> 5 </sync:tick><sync:endpoint/>",
    given(None, 5, Some("2008-10-30T14:55:43Z"))
)]
#[case::no_endpoint_and_no_stamp("<sync:tick>0</sync:tick>", given(None, 0, None))]
fn a_state_is_read(#[case] children: &str, #[case] read: StateRead) {
    assert_eq!(state(children), read);
}

#[rstest]
#[case::no_tick("<sync:endpoint/>", "tick")]
#[case::negative_tick("<sync:tick>-1</sync:tick>", "'-1' is no tick")]
#[case::no_number("<sync:tick>x</sync:tick>", "'x' is no tick")]
#[case::no_url("<sync:tick>1</sync:tick><sync:endpoint>accounts</sync:endpoint>", "'accounts' is not an absolute URL")]
#[case::no_stamp("<sync:tick>1</sync:tick><sync:stamp>yesterday</sync:stamp>", "'yesterday' is no stamp")]
fn a_malformed_state_is_the_entrys_fault_alone(#[case] children: &str, #[case] said: &str) {
    let read = entry(&format!("<sync:syncState>{children}</sync:syncState><id>after</id>"));
    assert_eq!(read.id, "after");
    assert!(
        matches!(&read.sync_state, StateRead::Malformed(message) if message.contains(said)),
        "{:?}",
        read.sync_state
    );
}

#[test]
fn http_elements_are_read_and_empty_ones_say_nothing() {
    let read = entry(
        "<http:httpStatus>409</http:httpStatus><http:httpMethod> PUT </http:httpMethod><http:httpMessage/>\
         <http:location>http://x/y</http:location><http:etag>\"a\"</http:etag><http:ifMatch>b</http:ifMatch>",
    );
    assert_eq!((read.http_status, read.http_method.as_deref(), read.http_message), (Some(409), Some("PUT"), None));
    assert_eq!((read.location.as_deref(), read.etag.as_deref()), (Some("http://x/y"), Some("\"a\"")));
    assert_eq!(read.if_match.as_deref(), Some("b"));
}

#[test]
fn a_resource_without_an_entry_around_it_is_the_payload() {
    let xml = format!("<account xmlns='{CONTRACT}'><name>A</name></account>");
    let read = read_entry(xml.as_bytes(), ReadLimits::default()).unwrap();
    assert!(read.resource().is_some_and(|resource| resource.is(CONTRACT, "account")));
    assert_eq!(read.sync_state, StateRead::Absent);
}

#[rstest]
#[case::feed(format!("<feed xmlns='{ATOM}'/>"))]
#[case::tracking(format!("<tracking xmlns='{SDATA}'/>"))]
#[case::digest(format!("<digest xmlns='{SYNC}'/>"))]
fn another_document_of_the_protocol_is_no_entry(#[case] xml: String) {
    assert!(matches!(read_entry(xml.as_bytes(), ReadLimits::default()), Err(WireError::WrongRoot { .. })));
}

fn resource_out(deleted: bool, content: &'static [u8]) -> PayloadOut {
    PayloadOut::Resource(super::super::ResourceOut {
        namespace: CONTRACT.into(),
        name: "account".into(),
        key: Some("1".to_owned()),
        url: Some("http://h/accounts('1')".to_owned()),
        uuid: Some(Uuid::parse_str(UUID).unwrap()),
        former_uuids: Vec::new(),
        descriptor: None,
        deleted,
        content: Bytes::from_static(content),
    })
}

/// CORE-3.7-01, CORE-3.8-01, CORE-3.9-01.
#[test]
fn an_entry_is_written_in_the_form_that_deployed_clients_read() {
    let out = EntryOut {
        id: "http://h/accounts('1')".to_owned(),
        title: "A & B".to_owned(),
        updated: Stamp::parse("2008-10-30T14:55:43.281Z").unwrap(),
        published: Some(Stamp::EPOCH),
        author: "crm".to_owned(),
        content: "Account A".to_owned(),
        category: Some(Category { term: "resource".to_owned(), label: "Account".to_owned() }),
        links: vec![Link::entry("self", "http://h/accounts('1')", "Refresh")],
        http: HttpOut { status: Some(201), method: Some("POST".to_owned()), ..HttpOut::default() },
        sync_state: Some(SyncState {
            endpoint: node(1),
            tick: Tick::new(5).unwrap(),
            stamp: Stamp::parse("2008-10-30T14:55:43Z").unwrap(),
            user: Some("sales".to_owned()),
        }),
        payload: Some(resource_out(false, b"<name>A &amp; B</name>")),
        diagnoses: Vec::new(),
        schema: None,
    };
    let xml = write_entry(&out).unwrap();
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><entry xmlns=\"{ATOM}\" xmlns:sdata=\"{SDATA}\" xmlns:sync=\"{SYNC}\" \
         xmlns:http=\"{HTTP}\" xmlns:opensearch=\"{OPENSEARCH}\" xmlns:xsi=\"{XSI}\"><title>A &amp; B</title>\
         <id>http://h/accounts(&apos;1&apos;)</id><updated>2008-10-30T14:55:43.281Z</updated>\
         <published>1970-01-01T00:00:00Z</published><author><name>crm</name></author>\
         <category term=\"resource\" scheme=\"http://schemas.sage.com/sdata/categories\" label=\"Account\"/>\
         <link href=\"http://h/accounts(&apos;1&apos;)\" rel=\"self\" type=\"application/atom+xml; type=entry\" title=\"Refresh\"/>\
         <content type=\"text\">Account A</content><http:httpStatus>201</http:httpStatus><http:httpMethod>POST</http:httpMethod>\
         <sync:syncState><sync:endpoint>http://n1.example.com/sdata/app/contract/-/accounts</sync:endpoint><sync:tick>5</sync:tick>\
         <sync:stamp>2008-10-30T14:55:43Z</sync:stamp><sync:user>sales</sync:user></sync:syncState><sdata:payload>\
         <account xmlns=\"{CONTRACT}\" sdata:key=\"1\" sdata:url=\"http://h/accounts(&apos;1&apos;)\" \
         sdata:uri=\"http://h/accounts(&apos;1&apos;)\" sdata:uuid=\"{UUID}\"><name>A &amp; B</name></account></sdata:payload></entry>"
    );
    assert_eq!(std::str::from_utf8(&xml).unwrap(), expected);
    let read = read_entry(&xml, ReadLimits::default()).unwrap();
    assert_eq!(read.resource().and_then(|resource| resource.attribute(SDATA, "uri")), Some("http://h/accounts('1')"));
}

/// SYNC-4.4-07.
#[test]
fn a_deleted_resource_is_written_as_an_empty_element() {
    let out = EntryOut { payload: Some(resource_out(true, b"")), ..EntryOut::default() };
    let xml = write_entry(&out).unwrap();
    let text = std::str::from_utf8(&xml).unwrap();
    assert!(text.contains(&format!("sdata:uuid=\"{UUID}\" sdata:isDeleted=\"true\"/></sdata:payload>")), "{text}");
    assert!(read_entry(&xml, ReadLimits::default()).unwrap().is_deleted());
}

#[test]
fn an_entry_with_a_character_that_xml_does_not_have_is_not_written() {
    for bad in [
        EntryOut { title: "\u{1}".to_owned(), ..EntryOut::default() },
        EntryOut { content: "\u{1}".to_owned(), ..EntryOut::default() },
        EntryOut { links: vec![Link::entry("self", "\u{1}", "")], ..EntryOut::default() },
    ] {
        assert!(matches!(write_entry(&bad), Err(WireError::ForbiddenCharacter('\u{1}'))));
    }
}
