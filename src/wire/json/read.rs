//! JSON bodies as the Atom documents that say the same, for the readers there are.

use super::Json;
use super::value::ValueReader;
use crate::wire::names::{ATOM, HTTP, OPENSEARCH, SDATA, SYNC};
use crate::wire::{Element, Node, ReadLimits, WireError};
use bytes::Bytes;
use std::collections::HashSet;
use std::io::Cursor;

/// The byte order mark some platforms write.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A JSON document of the protocol.
pub enum JsonBody {
    /// One entry.
    Entry(Json),
    /// A feed, which is what has `$resources`.
    Feed(Box<JsonFeedReader>),
}

/// Reads a body.
///
/// # Errors
/// [`WireError::Json`] and [`WireError::TooLarge`] for what is no JSON, too deep, too large or says something twice.
pub fn read_json(body: &Bytes, limits: ReadLimits) -> Result<JsonBody, WireError> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).map_or_else(|| body.clone(), |rest| body.slice_ref(rest));
    let mut reader = ValueReader::new(Cursor::new(body.clone()), limits);
    let (mut members, mut names, mut is_feed) = (Vec::new(), HashSet::new(), false);
    reader.begin()?;
    while let Some(name) = reader.next_name()? {
        if !names.insert(name.clone()) {
            return Err(WireError::Json(format!("'{name}' stands twice in one object")));
        }
        if name == "$resources" {
            is_feed = true;
            reader.skip()?;
        } else {
            members.push((name, reader.value()?));
        }
    }
    reader.finish()?;
    if !is_feed {
        return Ok(JsonBody::Entry(Json::Object(members)));
    }
    let mut entries = ValueReader::new(Cursor::new(body), limits);
    entries.begin()?;
    while let Some(name) = entries.next_name()? {
        if name == "$resources" {
            entries.begin_list()?;
            break;
        }
        entries.skip()?;
    }
    Ok(JsonBody::Feed(Box::new(JsonFeedReader { head: members, entries })))
}

/// A feed whose head was read, and whose entries are to be read one by one.
pub struct JsonFeedReader {
    head: Vec<(String, Json)>,
    entries: ValueReader<Cursor<Bytes>>,
}

impl JsonFeedReader {
    /// The next entry's object; `None` after the last.
    ///
    /// # Errors
    /// As [`read_json`].
    pub fn next_entry(&mut self) -> Result<Option<Json>, WireError> {
        self.entries.next_entry()
    }

    /// The start of the Atom feed, up to its entries.
    ///
    /// # Errors
    /// [`WireError`] for a character or name that XML does not have.
    pub fn atom_head(&self) -> Result<String, WireError> {
        let mut feed = format!("<feed xmlns=\"{ATOM}\">");
        for (name, value) in &self.head {
            let elements = match name.as_str() {
                "$totalResults" | "$startIndex" | "$itemsPerPage" => of_member(OPENSEARCH, name, value),
                "$syncMode" | "$digest" => of_member(SYNC, name, value),
                "$links" => links(value),
                "$first" | "$next" | "$previous" | "$last" => link(name, value).into_iter().collect(),
                _ => common(name, value),
            };
            for element in elements {
                feed.push_str(&element.to_xml()?);
            }
        }
        Ok(feed)
    }

    /// The end of the Atom feed.
    pub const ATOM_END: &'static str = "</feed>";
}

impl Json {
    /// The Atom entry that says what this object says of itself, with `resource` as its payload. Without a resource the
    /// payload is the object's `$digest`.
    ///
    /// # Errors
    /// [`WireError`] for a character or name that XML does not have.
    pub fn atom_entry(&self, resource: Option<Element>) -> Result<String, WireError> {
        let mut entry = Element::new(ATOM, "entry");
        let mut payload = Element::new(SDATA, "payload");
        let Self::Object(members) = self else {
            return Err(WireError::Json("an entry is an object".to_owned()));
        };
        for (name, value) in members {
            match name.as_str() {
                "$digest" => payload.content.extend(of_member(SYNC, name, value).into_iter().map(Node::Element)),
                "$syncState" => entry.content.extend(of_member(SYNC, name, value).into_iter().map(Node::Element)),
                "$httpMethod" | "$httpStatus" | "$httpMessage" | "$location" | "$etag" | "$ifMatch" => {
                    entry.content.extend(of_member(HTTP, name, value).into_iter().map(Node::Element));
                }
                _ => entry.content.extend(common(name, value).into_iter().map(Node::Element)),
            }
        }
        payload.content.extend(resource.map(Node::Element));
        entry.content.push(Node::Element(payload));
        entry.to_xml()
    }
}

/// What feeds and entries say alike.
fn common(name: &str, value: &Json) -> Vec<Element> {
    let atom = |name: &str| value.scalar().map(|text| with_text(ATOM, name, text)).into_iter().collect();
    match name {
        "$url" => atom("id"),
        "$title" => atom("title"),
        "$updated" => atom("updated"),
        "$diagnoses" => match value {
            Json::List(diagnoses) => {
                diagnoses.iter().map(|diagnosis| structure(SDATA, "diagnosis", diagnosis)).collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The elements that a member of the protocol's stands for: several where it is an array.
fn of_member(namespace: &str, name: &str, value: &Json) -> Vec<Element> {
    let name = name.trim_start_matches('$');
    match value {
        Json::Null => Vec::new(),
        Json::List(items) => items.iter().map(|item| structure(namespace, name, item)).collect(),
        value => vec![structure(namespace, name, value)],
    }
}

/// Levels are bounded by the reader.
fn structure(namespace: &str, name: &str, value: &Json) -> Element {
    match value {
        Json::Object(members) => {
            let mut element = Element::new(namespace, name);
            let children = members.iter().flat_map(|(name, value)| of_member(namespace, name, value));
            element.content.extend(children.map(Node::Element));
            element
        }
        value => with_text(namespace, name, value.scalar().unwrap_or_default()),
    }
}

fn with_text(namespace: &str, name: &str, text: &str) -> Element {
    let mut element = Element::new(namespace, name);
    if !text.is_empty() {
        element.content.push(Node::Text(text.to_owned()));
    }
    element
}

fn links(value: &Json) -> Vec<Element> {
    let Json::Object(members) = value else { return Vec::new() };
    members.iter().filter_map(|(name, value)| link(name, value)).collect()
}

/// A link is an object with a `$url`, or the URL alone (core 3.15).
fn link(name: &str, value: &Json) -> Option<Element> {
    let url = value.get("$url").unwrap_or(value).scalar()?;
    let mut link = Element::new(ATOM, "link");
    link.set_attribute("", "rel", name.trim_start_matches('$'));
    link.set_attribute("", "href", url);
    Some(link)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{
        Diagnosis, Digest, DigestEntry, Endpoint, Priority, SdataCode, Stamp, SyncMode, SyncState, Tick,
    };
    use crate::wire::{EntryOut, FeedHead, FeedOut, FeedReader, HttpOut, JsonFeedWriter, Link, StateRead};

    const ENDPOINT: &str = "http://h/sdata/a/c/-/accounts";

    fn feed() -> FeedOut {
        let endpoint = Endpoint::parse(ENDPOINT).unwrap();
        let entry = DigestEntry {
            tick: Tick::new(7).unwrap(),
            stamp: Stamp::from_millis(1_000),
            conflict_priority: Priority::LOWEST,
        };
        FeedOut {
            id: format!("{ENDPOINT}/$syncSource('x')"),
            title: "a \"title\" <of> ours".to_owned(),
            updated: Stamp::from_millis(1_500),
            links: vec![Link::feed("next", &format!("{ENDPOINT}?startIndex=2&count=1"), "Next page")],
            total_results: Some(2),
            start_index: Some(1),
            items_per_page: Some(1),
            sync_mode: Some(SyncMode::CatchUp),
            digest: Some(Digest { origin: Some(endpoint.clone()), entries: [(endpoint, entry)].into() }),
            diagnoses: vec![Diagnosis::coded(SdataCode::BadWhereSyntax, "what it says")],
            ..FeedOut::default()
        }
    }

    fn atom_of(json: &[u8]) -> Result<String, WireError> {
        let JsonBody::Feed(mut feed) = read_json(&Bytes::copy_from_slice(json), ReadLimits::default())? else {
            panic!("an entry");
        };
        let mut atom = feed.atom_head()?;
        while let Some(object) = feed.next_entry()? {
            atom.push_str(&object.atom_entry(Some(Element::new("urn:x", "account")))?);
        }
        atom.push_str(JsonFeedReader::ATOM_END);
        Ok(atom)
    }

    fn read(atom: &str) -> (FeedHead, Vec<crate::wire::Entry>) {
        let mut reader = FeedReader::new(atom.as_bytes(), ReadLimits::default()).unwrap();
        let mut entries = Vec::new();
        while let Some(entry) = reader.next_entry().unwrap() {
            entries.push(entry);
        }
        (reader.into_head(), entries)
    }

    #[test]
    fn what_a_feed_says_in_json_it_says_in_atom() {
        let head = feed();
        let state = SyncState {
            endpoint: Endpoint::parse(ENDPOINT).unwrap(),
            tick: Tick::FIRST,
            stamp: Stamp::from_millis(1_250),
            user: Some("Jörg".to_owned()),
        };
        let http = HttpOut {
            status: Some(409),
            message: Some("Conflict".to_owned()),
            method: Some("PUT".to_owned()),
            location: Some(ENDPOINT.to_owned()),
            etag: Some("\"a.b\"".to_owned()),
            if_match: Some("\"c\"".to_owned()),
        };
        let entry =
            EntryOut { sync_state: Some(state), http, diagnoses: head.diagnoses.clone(), ..EntryOut::default() };
        let mut writer = JsonFeedWriter::begin(&head).unwrap();
        writer.entry(&entry, None).unwrap();
        let (read_head, entries) = read(&atom_of(&writer.finish()).unwrap());
        assert_eq!((&read_head.id, &read_head.title, read_head.updated), (&head.id, &head.title, Some(head.updated)));
        assert_eq!(read_head.link("next"), Some(head.links[0].href.as_str()));
        let counts = (read_head.total_results, read_head.start_index, read_head.items_per_page);
        assert_eq!(counts, (Some(2), Some(1), Some(1)));
        assert_eq!((read_head.sync_mode, &read_head.digest), (head.sync_mode, &head.digest));
        assert_eq!(read_head.diagnoses, head.diagnoses);
        let read_entry = &entries[0];
        assert_eq!((read_entry.http_status, read_entry.http_method.as_deref()), (Some(409), Some("PUT")));
        assert_eq!((read_entry.etag.as_deref(), read_entry.if_match.as_deref()), (Some("\"a.b\""), Some("\"c\"")));
        assert_eq!(
            (read_entry.location.as_deref(), read_entry.http_message.as_deref()),
            (Some(ENDPOINT), Some("Conflict"))
        );
        assert_eq!(read_entry.diagnoses, head.diagnoses);
        let StateRead::Given { endpoint, tick, user, .. } = &read_entry.sync_state else { panic!("no state") };
        assert_eq!(
            (endpoint.as_ref().unwrap().as_str(), *tick, user.as_deref()),
            (ENDPOINT, Tick::FIRST, Some("Jörg"))
        );
    }

    #[test]
    fn links_may_be_urls_alone_and_members_come_in_any_order() {
        let (head, entries) =
            read(&atom_of(br#"{"$resources":[{},{}],"$next":"http://h/next","$unknown":{"a":[1]}}"#).unwrap());
        assert_eq!((head.link("next"), entries.len()), (Some("http://h/next"), 2));
    }

    #[test]
    fn a_feed_may_have_as_many_entries_as_the_limit() {
        let limits = ReadLimits { entries: 2, ..ReadLimits::default() };
        for (body, is_refused) in [(r#"{"$resources":[{},{}]}"#, false), (r#"{"$resources":[{},{},{}]}"#, true)] {
            let JsonBody::Feed(mut feed) = read_json(&Bytes::from(body), limits).unwrap() else { panic!("an entry") };
            assert!(feed.next_entry().unwrap().is_some() && feed.next_entry().unwrap().is_some());
            match feed.next_entry() {
                Ok(entry) => assert!(entry.is_none() && !is_refused, "{body}"),
                Err(error) => {
                    assert!(matches!(error, WireError::TooLarge { limit: 2, .. }) && is_refused, "{body}: {error}");
                }
            }
        }
    }

    #[test]
    fn an_object_may_have_very_many_members() {
        let members: Vec<_> = (0..100_000).map(|number| format!("\"m{number}\":1")).collect();
        let body = Bytes::from(format!("{{{}}}", members.join(",")));
        let JsonBody::Entry(Json::Object(read)) = read_json(&body, ReadLimits::default()).unwrap() else {
            panic!("no object");
        };
        assert_eq!(read.len(), members.len());
    }

    #[test]
    fn entries_that_are_no_json_are_found_when_they_are_read() {
        assert!(matches!(atom_of(br#"{"$resources":[{"a":1,"a":2}]}"#), Err(WireError::Json(_))));
        assert!(matches!(atom_of(br#"{"$resources":[1]}"#), Err(WireError::Json(_))));
        assert!(matches!(atom_of(br#"{"$resources":{}}"#), Err(WireError::Json(_))));
        assert!(matches!(atom_of(br#"{"$resources":[],"$resources":[]}"#), Err(WireError::Json(_))));
    }
}
