//! What we write, read back: as XML, and as JSON.

use super::elements::assert_reads_back;
use super::values;
use arbitrary::{Result, Unstructured};
use sdata_sync::protocol::{Diagnosis, Digest, Tick};
use sdata_sync::wire::names::{LINKING, SDATA};
use sdata_sync::wire::{
    DigestUse, Element, Entry, EntryOut, FeedHead, FeedOut, FeedReader, FeedWriter, Json, JsonBody, JsonFeedReader,
    JsonFeedWriter, Link, PayloadOut, PayloadRead, ReadLimits, ResourceOut, StateRead, WireError, digest_entry,
    fit_for_xml, read_diagnoses, read_digest_entry, read_entry, read_json, read_tracking, write_diagnoses, write_entry,
    write_tracking,
};
use uuid::Uuid;

/// Any value that is written is read back as it was, but for what is documented: texts are trimmed where they are words of a
/// protocol, and what XML cannot say is refused when writing, or replaced in diagnoses.
pub(crate) fn written(bytes: &[u8]) {
    let _ = assert_all_read_back(&mut Unstructured::new(bytes));
}

/// Ends with an error where the bytes are too few to make a value of.
fn assert_all_read_back(u: &mut Unstructured<'_>) -> Result<()> {
    match u.int_in_range(0..=4)? {
        0 => {
            let tracking = values::tracking(u)?;
            let read = read_tracking(&write_tracking(&tracking)).expect("what is written is read");
            assert_eq!(read.phase, fit_for_xml(&tracking.phase).trim());
            assert_eq!(read.phase_detail, fit_for_xml(&tracking.phase_detail).trim());
            assert!((read.progress - tracking.progress).abs() <= 0.06);
            assert_eq!(
                (read.elapsed_seconds, read.polling_millis),
                (tracking.elapsed_seconds, tracking.polling_millis)
            );
            assert_eq!(read.remaining_seconds, tracking.remaining_seconds);
        }
        1 => {
            let diagnoses = vec![values::diagnosis(u)?];
            let read = read_diagnoses(&write_diagnoses(&diagnoses)).expect("what is written is read");
            assert_eq!(read, diagnoses.iter().map(as_read).collect::<Vec<_>>());
        }
        2 => {
            let digest = values::digest(u)?;
            let url = "http://h/sdata/a/c/-/accounts/$syncDigest";
            let entry = digest_entry(&digest, url, sdata_sync::protocol::Stamp::EPOCH);
            let xml = write_entry(&entry).expect("a digest can be written");
            let read = read_digest_entry(&xml, DigestUse::Written, ReadLimits::default());
            assert_eq!(read.expect("what is written is read"), digest_as_read(&digest));
        }
        3 => {
            let element = values::element(u, 4)?;
            if element.to_xml().is_ok() {
                assert_reads_back(&element);
            } else {
                assert!(element.content_xml().is_err() || !element.attributes.is_empty() || !is_name(&element.name));
            }
        }
        _ => {
            let (head, entry) = (values::feed(u)?, values::entry(u)?);
            assert_entry(&entry);
            assert_feed(&head, &entry);
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    Element::new("", name).to_xml().is_ok()
}

fn assert_entry(entry: &EntryOut) {
    match write_entry(entry) {
        Ok(xml) => {
            let read = read_entry(&xml, ReadLimits::default());
            let text = String::from_utf8_lossy(&xml);
            let links = entry.links.iter().map(link_of_a_head).collect();
            let expected = Entry { links, ..entry_as_read(entry) };
            assert_eq!(read.unwrap_or_else(|error| panic!("{error}: {text}")), expected, "{text}");
        }
        Err(error) => assert_cannot_be_said(&error),
    }
}

fn assert_feed(head: &FeedOut, entry: &EntryOut) {
    let xml = match FeedWriter::begin(head).and_then(|mut feed| feed.entry(entry).and_then(|()| feed.finish())) {
        Ok(xml) => xml,
        Err(error) => return assert_cannot_be_said(&error),
    };
    let (read_head, entries) = read(&xml);
    assert_eq!((&read_head, &*entries), (&head_as_read(head), &[entry_as_read(entry)][..]));
    assert_same_in_json(head, entry, &read_head);
}

fn read(xml: &[u8]) -> (FeedHead, Vec<Entry>) {
    let text = String::from_utf8_lossy(xml);
    let mut feed = FeedReader::new(xml, ReadLimits::default()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut entries = Vec::new();
    while let Some(entry) = feed.next_entry().unwrap_or_else(|error| panic!("{error}: {text}")) {
        entries.push(entry);
    }
    (feed.into_head(), entries)
}

fn assert_cannot_be_said(error: &WireError) {
    assert!(matches!(error, WireError::ForbiddenCharacter(_) | WireError::Name(_)), "{error}");
}

/// Links have one name each in JSON, and resources need a contract: neither is compared.
fn assert_same_in_json(head: &FeedOut, entry: &EntryOut, in_xml: &FeedHead) {
    let head = FeedOut { links: Vec::new(), ..head.clone() };
    let entry = EntryOut { links: Vec::new(), ..entry.clone() };
    let mut writer = JsonFeedWriter::begin(&head).expect("a head can be written");
    writer.entry(&entry, None).expect("an entry can be written");
    let JsonBody::Feed(mut feed) = read_json(&writer.finish(), ReadLimits::default()).expect("what is written is read")
    else {
        panic!("a feed became an entry");
    };
    // Diagnoses are made fit for XML only where they are written as XML.
    let Ok(atom_head) = feed.atom_head() else { return };
    let object = feed.next_entry().expect("an entry is read").unwrap_or(Json::Null);
    let Ok(atom_entry) = object.atom_entry(None) else { return };
    let (read_head, entries) = read(format!("{atom_head}{atom_entry}{}", JsonFeedReader::ATOM_END).as_bytes());
    assert_eq!(read_head, FeedHead { links: Vec::new(), ..in_xml.clone() });
    let mut expected = Entry { content: String::new(), links: Vec::new(), ..entry_as_read(&entry) };
    let digest = expected.payload.take().and_then(|payload| payload.digest);
    expected.payload = Some(PayloadRead { digest, ..PayloadRead::default() });
    assert_eq!(entries, [expected]);
}

fn head_as_read(head: &FeedOut) -> FeedHead {
    FeedHead {
        id: head.id.clone(),
        title: head.title.clone(),
        updated: Some(head.updated),
        links: head.links.iter().map(link_of_a_head).collect(),
        total_results: head.total_results,
        start_index: head.start_index,
        items_per_page: head.items_per_page,
        sync_mode: head.sync_mode,
        digest: head.digest.as_ref().map(digest_as_read),
        diagnoses: head.diagnoses.iter().map(as_read).collect(),
    }
}

fn entry_as_read(entry: &EntryOut) -> Entry {
    let said =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let http = &entry.http;
    let state = entry.sync_state.as_ref().map(|state| StateRead::Given {
        endpoint: Some(state.endpoint.clone()),
        tick: state.tick,
        stamp: Some(state.stamp),
        user: state.user.clone().filter(|user| !user.is_empty()),
    });
    Entry {
        id: entry.id.clone(),
        title: entry.title.clone(),
        updated: Some(entry.updated),
        links: entry.links.iter().map(link_as_read).collect(),
        content: entry.content.clone(),
        http_method: said(&http.method),
        http_status: http.status,
        http_message: said(&http.message),
        location: said(&http.location),
        etag: said(&http.etag),
        if_match: said(&http.if_match),
        sync_state: state.unwrap_or_default(),
        payload: entry.payload.as_ref().map(payload_as_read),
        diagnoses: entry.diagnoses.iter().map(as_read).collect(),
    }
}

fn payload_as_read(payload: &PayloadOut) -> PayloadRead {
    match payload {
        PayloadOut::Digest(digest) => PayloadRead { digest: Some(digest_as_read(digest)), ..PayloadRead::default() },
        PayloadOut::Element(element) => PayloadRead { resource: Some(element.clone()), ..PayloadRead::default() },
        PayloadOut::Resource(resource) => {
            PayloadRead { resource: Some(resource_as_read(resource)), ..PayloadRead::default() }
        }
    }
}

/// Attributes in the order in which they are written.
fn resource_as_read(resource: &ResourceOut) -> Element {
    let content = Element::from_content(&resource.namespace, &resource.name, &resource.content);
    let mut element = content.expect("the content is what was written");
    let mut said = |namespace, name, value: Option<String>| {
        if let Some(value) = value {
            element.set_attribute(namespace, name, value);
        }
    };
    let former: Vec<_> = resource.former_uuids.iter().map(Uuid::to_string).collect();
    said(SDATA, "key", resource.key.clone());
    said(SDATA, "url", resource.url.clone());
    said(SDATA, "uri", resource.url.clone());
    said(SDATA, "uuid", resource.uuid.map(|uuid| uuid.to_string()));
    said(LINKING, "formerUuids", Some(former.join(" ")).filter(|former| !former.is_empty()));
    said(SDATA, "descriptor", resource.descriptor.clone());
    said(SDATA, "isDeleted", resource.deleted.then(|| "true".to_owned()));
    element
}

fn digest_as_read(digest: &Digest) -> Digest {
    let mut digest = digest.clone();
    digest.entries.retain(|_, entry| entry.tick > Tick::ZERO);
    digest
}

/// A link without a relation leads to an alternate.
fn link_as_read(link: &Link) -> Link {
    let rel = Some(link.rel.trim()).filter(|rel| !rel.is_empty()).unwrap_or("alternate");
    Link {
        rel: rel.to_owned(),
        href: link.href.trim().to_owned(),
        media_type: link.media_type.trim().to_owned(),
        title: link.title.trim().to_owned(),
    }
}

/// The same of a link in the head of a document, where line breaks arrive as spaces.
fn link_of_a_head(link: &Link) -> Link {
    let spaced = |text: &str| text.replace(['\t', '\n'], " ");
    let (rel, href) = (spaced(&link.rel), spaced(&link.href));
    link_as_read(&Link { rel, href, media_type: spaced(&link.media_type), title: spaced(&link.title) })
}

/// A diagnosis with what XML can say of it.
fn as_read(diagnosis: &Diagnosis) -> Diagnosis {
    let text = |text: &str| fit_for_xml(text).trim().to_owned();
    Diagnosis {
        application_code: text(&diagnosis.application_code),
        message: text(&diagnosis.message),
        payload_path: text(&diagnosis.payload_path),
        ..diagnosis.clone()
    }
}
