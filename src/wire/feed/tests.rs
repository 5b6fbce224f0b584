use super::*;
use crate::protocol::digest::tests::node;
use crate::protocol::{DigestEntry, Endpoint, Priority, SdataCode, Severity, SyncState, Tick};
use crate::wire::{
    DigestUse, Element, Entry, EntryOut, HttpOut, PayloadOut, PayloadRead, ReadLimits, ResourceOut, StateRead,
    WireError,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use rstest::rstest;
use uuid::Uuid;

/// A feed as the specification shows it (sync 4.4): everything foreign in default namespaces.
const FOREIGN: &str = r#"<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:sdata="http://schemas.sage.com/sdata/2008/1">
  <title>Changes of products</title>
  <id>http://shop.example.com/sdata/shop/goods/-/products/$syncSource('77')</id>
  <updated>2011-02-01T09:00:00Z</updated>
  <link rel="self" type="application/atom+xml; type=feed" title="Refresh" href="http://shop.example.com/a"/>
  <link rel="next" type="application/atom+xml; type=feed" title="Next" href="http://shop.example.com/b?startIndex=3&amp;count=2"/>
  <syncMode xmlns="http://schemas.sage.com/sdata/sync/2008/1">catchUp</syncMode>
  <!-- the source's clock -->
  <digest xmlns="http://schemas.sage.com/sdata/sync/2008/1">
    <origin>http://n1.example.com/sdata/app/contract/-/accounts</origin>
    <digestEntry>
      <endpoint>http://n1.example.com/sdata/app/contract/-/accounts</endpoint>
      <tick>6</tick><stamp>2011-02-01T08:00:00Z</stamp><conflictPriority>2</conflictPriority>
    </digestEntry>
  </digest>
  <entry>
    <id/><title/><updated>2011-02-01T07:30:00.5Z</updated><content/>
    <syncState xmlns="http://schemas.sage.com/sdata/sync/2008/1">
      <endpoint>http://n1.example.com/sdata/app/contract/-/accounts</endpoint><tick>4</tick><stamp>2011-02-01T07:30:00.5Z</stamp>
    </syncState>
    <payload xmlns="http://schemas.sage.com/sdata/2008/1">
      <product sdata:uuid="1B4E28BA-2FA1-11D2-883F-0016D3CCA427" xmlns="http://goods.example.com/contract">
        <name>Lamp</name>
      </product>
    </payload>
  </entry>
  <entry>
    <title>Gone</title>
    <payload xmlns="http://schemas.sage.com/sdata/2008/1">
      <product sdata:uuid="1B4E28BA-2FA1-11D2-883F-0016D3CCA428" sdata:isDeleted="true" xmlns="http://goods.example.com/contract"/>
    </payload>
    <syncState xmlns="http://schemas.sage.com/sdata/sync/2008/1"><endpoint/><tick>5</tick></syncState>
  </entry>
</feed>
"#;

fn read(xml: &[u8]) -> Result<(FeedHead, Vec<Entry>), WireError> {
    let mut reader = FeedReader::new(xml, ReadLimits::default())?;
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        entries.push(entry);
    }
    Ok((reader.into_head(), entries))
}

fn feed(children: &str) -> String {
    format!(
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:sync='http://schemas.sage.com/sdata/sync/2008/1' \
         xmlns:o='http://a9.com/-/spec/opensearch/1.1/'>{children}</feed>"
    )
}

/// SYNC-4.4-13, SYNC-4.3-07.
#[test]
fn a_feed_with_default_namespaces_is_read_whole() {
    let (head, entries) = read(FOREIGN.as_bytes()).unwrap();
    assert_eq!(head.title, "Changes of products");
    assert_eq!(head.sync_mode, Some(SyncMode::CatchUp));
    assert_eq!(head.link("next"), Some("http://shop.example.com/b?startIndex=3&count=2"));
    let digest = head.digest.unwrap();
    assert_eq!((digest.origin.as_ref(), digest.tick_of(&node(1)).value()), (Some(&node(1)), 6));
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].uuid(), Some(Ok(Uuid::from_u128(0x1b4e28ba_2fa1_11d2_883f_0016d3cca427))));
    let name = entries[0].resource().and_then(|product| product.children().next());
    assert_eq!(name.map(Element::text).as_deref(), Some("Lamp"));
    assert!(matches!(&entries[0].sync_state, StateRead::Given { endpoint: Some(_), tick, .. } if tick.value() == 4));
    assert!(entries[1].is_deleted());
    assert!(matches!(entries[1].sync_state, StateRead::Given { endpoint: None, stamp: None, .. }));
}

/// SYNC-4.4-13: elements come in any order.
#[test]
fn a_head_that_follows_the_entries_is_read_by_the_end() {
    let xml = feed(
        "<entry><id>1</id></entry><sync:syncMode>IMMEDIATE</sync:syncMode><entry/><sync:digest/><link rel='next' href='x'/>",
    );
    let mut reader = FeedReader::new(xml.as_bytes(), ReadLimits::default()).unwrap();
    assert_eq!(reader.next_entry().unwrap().unwrap().id, "1");
    assert_eq!(reader.head().digest, None);
    assert_eq!(reader.next_entry().unwrap(), Some(Entry::default()));
    assert_eq!(reader.next_entry().unwrap(), None);
    assert_eq!(reader.next_entry().unwrap(), None, "the end stays the end");
    let head = reader.into_head();
    assert_eq!((head.sync_mode, head.link("next")), (Some(SyncMode::Immediate), Some("x")));
    assert_eq!(head.digest, Some(Digest::default()));
}

/// What is missing is told from what is wrong (sync 4.4).
#[rstest]
#[case::nothing("", None)]
#[case::empty("<sync:syncMode/>", None)]
#[case::capitals("<sync:syncMode> CATCHUP </sync:syncMode>", Some(SyncMode::CatchUp))]
#[case::other_namespace("<syncMode>catchUp</syncMode>", None)]
fn the_mode_is_read_in_any_letter_case(#[case] children: &str, #[case] mode: Option<SyncMode>) {
    let (head, _) = read(feed(children).as_bytes()).unwrap();
    assert_eq!((head.sync_mode, head.digest), (mode, None));
}

#[test]
fn an_unknown_mode_is_refused() {
    let xml = feed("<sync:syncMode>later</sync:syncMode>");
    assert!(matches!(read(xml.as_bytes()), Err(WireError::SyncMode(text)) if text == "later"));
}

#[test]
fn a_digest_entry_that_cannot_be_refuses_the_feed() {
    let xml = feed("<sync:digest><sync:digestEntry><sync:tick>x</sync:tick></sync:digestEntry></sync:digest>");
    assert!(matches!(read(xml.as_bytes()), Err(WireError::Digest(_))));
    assert!(matches!(scan_feed(xml.as_bytes(), ReadLimits::default()), Err(WireError::Digest(_))));
}

/// So a body that is no feed is refused before any work (sync 4.4, core 13.6).
#[rstest]
#[case::entry("<entry xmlns='http://www.w3.org/2005/Atom'/>")]
#[case::diagnoses("<diagnoses xmlns='http://schemas.sage.com/sdata/2008/1'/>")]
#[case::tracking("<tracking xmlns='http://schemas.sage.com/sdata/2008/1'/>")]
#[case::feed_of_another_namespace("<feed xmlns='urn:other'/>")]
fn what_is_no_feed_is_refused_at_its_root(#[case] xml: &str) {
    let refused = FeedReader::new(xml.as_bytes(), ReadLimits::default());
    assert!(matches!(refused.err(), Some(WireError::WrongRoot { expected: "an Atom feed", .. })));
}

#[test]
fn a_scan_counts_entries_and_reads_the_head() {
    let scan = scan_feed(FOREIGN.as_bytes(), ReadLimits::default()).unwrap();
    let (head, entries) = read(FOREIGN.as_bytes()).unwrap();
    assert_eq!((scan.head, scan.entries), (head, entries.len() as u64));
}

#[rstest]
#[case::cut_in_an_entry("<entry><id>1</id>")]
#[case::cut_in_the_feed("<entry/>")]
fn a_feed_that_was_cut_off_is_refused(#[case] children: &str) {
    let xml = feed(children).replace("</feed>", "");
    assert!(matches!(scan_feed(xml.as_bytes(), ReadLimits::default()), Err(WireError::Unclosed { .. })));
    assert!(matches!(read(xml.as_bytes()), Err(WireError::Unclosed { .. })));
}

#[test]
fn counts_that_are_none_are_passed_over() {
    let (head, _) =
        read(feed("<o:totalResults> 12 </o:totalResults><o:startIndex>x</o:startIndex>").as_bytes()).unwrap();
    assert_eq!((head.total_results, head.start_index, head.items_per_page), (Some(12), None, None));
}

fn sample() -> FeedOut {
    let entry = DigestEntry { tick: Tick::FIRST, stamp: Stamp::EPOCH, conflict_priority: Priority::LOWEST };
    FeedOut {
        id: "http://h/accounts/$syncSource('1')".to_owned(),
        title: "Changes of <accounts> & more".to_owned(),
        updated: Stamp::parse("2008-10-30T14:55:43.281Z").unwrap(),
        author: "crm".to_owned(),
        category: Some(Category { term: "collection".to_owned(), label: "Accounts".to_owned() }),
        links: vec![Link::feed("self", "http://h/a?b=1&c=2", "Refresh"), Link::feed("next", "http://h/n", "Next page")],
        total_results: Some(12),
        start_index: Some(1),
        items_per_page: Some(10),
        sync_mode: Some(SyncMode::CatchUp),
        digest: Some(Digest { origin: Some(node(1)), entries: [(node(1), entry)].into() }),
        diagnoses: Vec::new(),
        schema: None,
    }
}

/// CORE-3.2-01, CORE-3.5-01, CORE-3.12-01, SYNC-4.4-14.
#[test]
fn a_feed_without_entries_has_its_head_in_the_form_that_deployed_clients_read() {
    let xml = FeedWriter::begin(&sample()).unwrap().finish().unwrap();
    let text = std::str::from_utf8(&xml).unwrap();
    let root = "<?xml version=\"1.0\" encoding=\"utf-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\" \
                xmlns:sdata=\"http://schemas.sage.com/sdata/2008/1\" xmlns:sync=\"http://schemas.sage.com/sdata/sync/2008/1\" \
                xmlns:http=\"http://schemas.sage.com/sdata/http/2008/1\" xmlns:opensearch=\"http://a9.com/-/spec/opensearch/1.1/\" \
                xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><title>Changes of &lt;accounts&gt; &amp; more</title>";
    assert!(text.starts_with(root), "{text}");
    assert!(text.contains("<updated>2008-10-30T14:55:43.281Z</updated><author><name>crm</name></author>"), "{text}");
    assert!(text.contains("<opensearch:totalResults>12</opensearch:totalResults>"));
    assert!(text.contains("<sync:syncMode>catchUp</sync:syncMode><sync:digest>"));
    assert!(text.ends_with("</sync:digest></feed>"), "{text}");
}

/// CORE-3.2-01: an independent reader of Atom sees the same head.
#[test]
fn a_feed_is_read_by_others() {
    let out = sample();
    let mut writer = FeedWriter::begin(&out).unwrap();
    let entry = EntryOut {
        id: "http://h/accounts('1')".to_owned(),
        title: "A & B".to_owned(),
        updated: out.updated,
        author: "crm".to_owned(),
        content: "<readable>".to_owned(),
        links: vec![Link::entry("self", "http://h/accounts('1')", "Refresh")],
        ..EntryOut::default()
    };
    writer.entry(&entry).unwrap();
    let xml = writer.finish().unwrap();
    let feed = atom_syndication::Feed::read_from(&xml[..]).unwrap();
    assert_eq!((feed.id(), feed.title().as_str()), (out.id.as_str(), out.title.as_str()));
    assert_eq!(feed.updated().timestamp_millis(), out.updated.millis());
    assert_eq!(feed.authors()[0].name(), "crm");
    assert_eq!(feed.links().iter().map(|link| link.rel()).collect::<Vec<_>>(), ["self", "next"]);
    assert_eq!(feed.links()[0].href(), "http://h/a?b=1&c=2");
    assert_eq!(feed.categories()[0].term(), "collection");
    let read = &feed.entries()[0];
    assert_eq!((read.id(), read.title().as_str()), (entry.id.as_str(), "A & B"));
    assert_eq!(read.content().and_then(|content| content.value()), Some("<readable>"));
    assert_eq!(read.links()[0].mime_type(), Some("application/atom+xml; type=entry"));
}

#[test]
fn a_feed_taken_in_pieces_is_the_feed_written_at_once() {
    let entry = EntryOut { id: "1".to_owned(), ..EntryOut::default() };
    let mut whole = FeedWriter::begin(&sample()).unwrap();
    let mut pieces = FeedWriter::begin(&sample()).unwrap();
    let mut taken = pieces.take().to_vec();
    for _ in 0..3 {
        whole.entry(&entry).unwrap();
        pieces.entry(&entry).unwrap();
        taken.extend_from_slice(&pieces.take());
    }
    taken.extend_from_slice(&pieces.finish().unwrap());
    assert_eq!(taken, whole.finish().unwrap());
}

#[test]
fn a_head_with_a_character_that_xml_does_not_have_is_not_written() {
    let head = FeedOut { title: "a\u{B}".to_owned(), ..FeedOut::default() };
    assert!(matches!(FeedWriter::begin(&head).err(), Some(WireError::ForbiddenCharacter('\u{B}'))));
}

fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![any::<char>(), Just('<'), Just('&'), Just('\r'), Just('\n'), Just(' ')];
    vec(character.prop_filter("not of XML 1.0", |c| crate::wire::names::is_allowed(*c)), 0..10)
        .prop_map(|characters| characters.into_iter().collect())
}

fn trimmed() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.trim().to_owned())
}

fn said() -> impl Strategy<Value = Option<String>> {
    option::of(trimmed().prop_filter("nothing said", |text| !text.is_empty()))
}

fn stamp() -> impl Strategy<Value = Stamp> {
    any::<i64>().prop_map(|millis| Stamp::from_millis(millis / 30_000))
}

fn tick() -> impl Strategy<Value = Tick> {
    (0..Tick::MAX.value()).prop_map(|value| Tick::new(value).unwrap())
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    "[a-z]{1,5}/[a-zä &%'-]{0,6}".prop_map(|text| Endpoint::parse(&format!("http://{text}")).unwrap())
}

fn digest() -> impl Strategy<Value = Digest> {
    let entry = (tick(), stamp(), 1..=9_u8).prop_map(|(tick, stamp, priority)| DigestEntry {
        tick,
        stamp,
        conflict_priority: Priority::new(priority).unwrap(),
    });
    (option::of(endpoint()), btree_map(endpoint(), entry, 0..4))
        .prop_map(|(origin, entries)| Digest { origin, entries })
}

fn diagnosis() -> impl Strategy<Value = Diagnosis> {
    (trimmed(), trimmed(), trimmed()).prop_map(|(application_code, message, payload_path)| Diagnosis {
        severity: Severity::Warning,
        sdata_code: SdataCode::ApplicationDiagnosis,
        application_code: if application_code.is_empty() { "own".to_owned() } else { application_code },
        message,
        payload_path,
    })
}

fn link() -> impl Strategy<Value = Link> {
    // `atom_syndication` writes line breaks in attributes as they are: XML reads them as spaces.
    let value = || trimmed().prop_map(|text| text.replace(['\n', '\t'], " "));
    ("[a-z]{1,8}", value(), value()).prop_map(|(rel, href, title)| Link::feed(&rel, &href, &title))
}

fn feed_out() -> impl Strategy<Value = FeedOut> {
    let counts = (any::<Option<u64>>(), any::<Option<u64>>(), any::<Option<u64>>());
    let mode = option::of(prop_oneof![Just(SyncMode::CatchUp), Just(SyncMode::Immediate)]);
    let head = (text(), text(), stamp(), text(), vec(link(), 0..3));
    (head, counts, mode, option::of(digest()), vec(diagnosis(), 0..2)).prop_map(
        |((id, title, updated, author, links), counts, sync_mode, digest, diagnoses)| FeedOut {
            id,
            title,
            updated,
            author,
            category: Some(Category { term: "collection".to_owned(), label: String::new() }),
            links,
            total_results: counts.0,
            start_index: counts.1,
            items_per_page: counts.2,
            sync_mode,
            digest,
            diagnoses,
            schema: None,
        },
    )
}

fn state() -> impl Strategy<Value = Option<SyncState>> {
    let user = option::of(text().prop_filter("no user", |user| !user.is_empty()));
    option::of((endpoint(), tick(), stamp(), user).prop_map(|(endpoint, tick, stamp, user)| SyncState {
        endpoint,
        tick,
        stamp,
        user,
    }))
}

fn resource_out() -> impl Strategy<Value = ResourceOut> {
    let uuids = (any::<Option<u128>>(), vec(1..=u128::MAX, 0..3));
    let attributes = (option::of(text()), option::of(text()), uuids, any::<bool>());
    (attributes, vec(("[a-z]{1,5}", text()), 0..4)).prop_map(|((key, url, (uuid, former), deleted), properties)| {
        let mut resource = Element::new("urn:example:contract", "account");
        for (name, text) in properties {
            let mut property = Element::new("urn:example:contract", &name);
            property.content.push(crate::wire::Node::Text(text));
            resource.content.push(crate::wire::Node::Element(property));
        }
        ResourceOut {
            namespace: resource.namespace.clone(),
            name: resource.name.clone(),
            key,
            url,
            uuid: uuid.map(Uuid::from_u128),
            former_uuids: former.into_iter().map(Uuid::from_u128).collect(),
            descriptor: None,
            deleted,
            content: resource.content_xml().unwrap().into(),
        }
    })
}

fn entry_out() -> impl Strategy<Value = EntryOut> {
    let http = (any::<Option<u16>>(), said(), said(), said(), said(), said()).prop_map(
        |(status, message, method, location, etag, if_match)| HttpOut {
            status,
            message,
            method,
            location,
            etag,
            if_match,
        },
    );
    let head = (text(), text(), stamp(), text(), text(), vec(link(), 0..2));
    let payload = option::of(prop_oneof![
        resource_out().prop_map(PayloadOut::Resource),
        digest().prop_map(PayloadOut::Digest),
        Just(PayloadOut::Element(Element::new("urn:other", "thing"))),
    ]);
    (head, http, state(), payload, vec(diagnosis(), 0..2)).prop_map(
        |((id, title, updated, author, content, links), http, sync_state, payload, diagnoses)| EntryOut {
            id,
            title,
            updated,
            published: None,
            author,
            content,
            category: None,
            links,
            http,
            sync_state,
            payload,
            diagnoses,
            schema: None,
        },
    )
}

/// What a reader makes of an entry that was written.
fn as_read(out: &EntryOut) -> Entry {
    let sync_state = out.sync_state.clone().map_or(StateRead::Absent, |state| StateRead::Given {
        endpoint: Some(state.endpoint),
        tick: state.tick,
        stamp: Some(state.stamp),
        user: state.user,
    });
    let payload = out.payload.as_ref().map(|payload| match payload {
        PayloadOut::Resource(resource) => {
            PayloadRead { resource: Some(resource_as_read(resource)), ..PayloadRead::default() }
        }
        PayloadOut::Digest(digest) => PayloadRead { digest: Some(digest.clone()), ..PayloadRead::default() },
        PayloadOut::Element(element) => PayloadRead { resource: Some(element.clone()), ..PayloadRead::default() },
    });
    Entry {
        id: out.id.clone(),
        title: out.title.clone(),
        updated: Some(out.updated),
        links: out.links.clone(),
        content: out.content.clone(),
        http_method: out.http.method.clone(),
        http_status: out.http.status,
        http_message: out.http.message.clone(),
        location: out.http.location.clone(),
        etag: out.http.etag.clone(),
        if_match: out.http.if_match.clone(),
        sync_state,
        payload,
        diagnoses: out.diagnoses.clone(),
    }
}

fn resource_as_read(out: &ResourceOut) -> Element {
    use crate::wire::names::{LINKING, SDATA};
    let mut element = Element::from_content(&out.namespace, &out.name, &out.content).unwrap();
    let uuid = out.uuid.map(|uuid| uuid.to_string());
    let former: Vec<_> = out.former_uuids.iter().map(Uuid::to_string).collect();
    let former = (!former.is_empty()).then(|| former.join(" "));
    let deleted = out.deleted.then(|| "true".to_owned());
    let attributes = [
        (SDATA, "key", out.key.clone()),
        (SDATA, "url", out.url.clone()),
        (SDATA, "uri", out.url.clone()),
        (SDATA, "uuid", uuid),
        (LINKING, "formerUuids", former),
        (SDATA, "isDeleted", deleted),
    ];
    for (namespace, name, value) in attributes {
        if let Some(value) = value {
            element.set_attribute(namespace, name, value);
        }
    }
    assert_eq!(element.former_uuids(), out.former_uuids);
    element
}

/// They are kept while the rest is read.
#[rstest]
#[case::links("<link/>")]
#[case::diagnoses("<diagnosis xmlns='http://schemas.sage.com/sdata/2008/1'/>")]
fn links_and_diagnoses_are_limited_in_number(#[case] element: &str) {
    let limits = ReadLimits { nodes: 3, ..ReadLimits::default() };
    let feed = |inner: String| format!("<feed xmlns='http://www.w3.org/2005/Atom'>{inner}</feed>");
    for (count, is_read) in [(3, true), (4, false)] {
        let in_its_head = feed(element.repeat(count));
        let read = FeedReader::new(in_its_head.as_bytes(), limits).unwrap().next_entry();
        assert_eq!(matches!(read, Ok(None)), is_read, "{read:?}");
        let in_an_entry = feed(format!("<entry>{}</entry>", element.repeat(count)));
        let read = FeedReader::new(in_an_entry.as_bytes(), limits).unwrap().next_entry();
        assert_eq!(matches!(read, Ok(Some(_))), is_read, "{read:?}");
    }
}

proptest! {
    #[test]
    fn a_feed_read_back_is_the_feed_that_was_written(head in feed_out(), entries in vec(entry_out(), 0..3)) {
        let mut writer = FeedWriter::begin(&head).unwrap();
        for entry in &entries {
            writer.entry(entry).unwrap();
        }
        let xml = writer.finish().unwrap();
        let (read_head, read_entries) = read(&xml).unwrap();
        let expected = FeedHead {
            id: head.id,
            title: head.title,
            updated: Some(head.updated),
            links: head.links,
            total_results: head.total_results,
            start_index: head.start_index,
            items_per_page: head.items_per_page,
            sync_mode: head.sync_mode,
            digest: head.digest,
            diagnoses: head.diagnoses,
        };
        prop_assert_eq!(&read_head, &expected);
        prop_assert_eq!(&read_entries, &entries.iter().map(as_read).collect::<Vec<_>>());
        let scan = scan_feed(&xml[..], ReadLimits::default()).unwrap();
        prop_assert_eq!((scan.head, scan.entries), (expected, entries.len() as u64));
    }

    #[test]
    fn an_entry_that_stands_alone_read_back_is_the_entry_that_was_written(entry in entry_out()) {
        let xml = crate::wire::write_entry(&entry).unwrap();
        prop_assert_eq!(crate::wire::read_entry(&xml, ReadLimits::default()).unwrap(), as_read(&entry));
    }

    #[test]
    fn a_digest_read_back_is_the_digest_that_was_written(digest in digest(), url in text(), now in stamp()) {
        let xml = crate::wire::write_entry(&crate::wire::digest_entry(&digest, &url, now)).unwrap();
        prop_assert_eq!(crate::wire::read_digest_entry(&xml, DigestUse::Written, ReadLimits::default()).unwrap(), digest);
    }

    #[test]
    fn no_damage_to_a_feed_makes_the_reader_panic(position in 0..FOREIGN.len(), byte in any::<u8>()) {
        let mut xml = FOREIGN.as_bytes().to_vec();
        xml[position] = byte;
        let whole = read(&xml);
        let scan = scan_feed(&xml[..], ReadLimits::default());
        prop_assert!(whole.is_err() || scan.is_ok(), "what can be read can be scanned");
    }
}
