//! Bodies in JSON, and the Atom documents that say the same (core 3.15).

use super::{is_above_a_limit, sample};
use bytes::Bytes;
use sdata_sync::contract::Kind;
use sdata_sync::wire::{
    Entry, FeedReader, Json, JsonBody, JsonFeedReader, ReadLimits, WireError, read_entry, read_json,
};
use serde_json::Value;

/// JSON: another reader takes it, too, and makes the same of it; and the Atom document it becomes is read, and says what it says.
pub(crate) fn json(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let Ok(read) = read_json(&body, ReadLimits::default()) else { return };
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let theirs: Option<Value> = match serde_json::from_slice(bytes) {
        Ok(value) => Some(value),
        // It keeps numbers as floating point, which has an end.
        Err(error) if error.to_string().starts_with("number out of range") => None,
        // What is wrong with an entry of a feed is found when that entry is read.
        Err(_) if matches!(read, JsonBody::Feed(_)) => None,
        Err(error) => panic!("only ours takes it: {error}"),
    };
    match read {
        JsonBody::Entry(object) => {
            assert!(theirs.is_none_or(|theirs| is_same(&object, &theirs)));
            assert_eq!(object.to_bytes().map(|again| value(&again)).ok().flatten(), Some(object.clone()));
            sample().kinds().iter().for_each(|kind| assert_says_the_same(&object, kind));
        }
        JsonBody::Feed(feed) => feed_says_the_same(*feed),
    }
}

/// A document that is an object.
fn value(json: &Bytes) -> Option<Json> {
    match read_json(json, ReadLimits::default()) {
        Ok(JsonBody::Entry(object)) => Some(object),
        Ok(JsonBody::Feed(_)) | Err(_) => None,
    }
}

fn is_same(ours: &Json, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Json::Null, Value::Null) | (Json::Number(_), Value::Number(_)) => true,
        (Json::Bool(ours), Value::Bool(theirs)) => ours == theirs,
        (Json::Text(ours), Value::String(theirs)) => ours == theirs,
        (Json::List(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| is_same(ours, theirs))
        }
        (Json::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(name, ours)| theirs.get(name).is_some_and(|theirs| is_same(ours, theirs)))
        }
        _ => false,
    }
}

/// As the handlers translate it: what carries a digest has no resource.
fn assert_says_the_same(object: &Json, kind: &Kind) {
    let resource = match object.get("$digest") {
        Some(_) => None,
        None => match sample().element_of_json(kind, object) {
            Ok(resource) => Some(resource),
            Err(_) => return,
        },
    };
    let atom = match object.atom_entry(resource.clone()) {
        Ok(atom) => atom,
        Err(error) => return assert_xml_cannot_say_it(&error),
    };
    match read_entry(atom.as_bytes(), ReadLimits::default()) {
        Ok(entry) => {
            assert_eq!(entry.resource(), resource.as_ref(), "{atom}");
            assert_members(object, &entry);
        }
        Err(error) => assert!(is_above_a_limit(&error) || matches!(error, WireError::Digest(_)), "{error}: {atom}"),
    }
}

/// Names and characters that XML does not have.
fn assert_xml_cannot_say_it(error: &WireError) {
    assert!(matches!(error, WireError::Name(_) | WireError::ForbiddenCharacter(_)), "{error}");
}

fn assert_members(object: &Json, entry: &Entry) {
    let said = |name: &str| object.get(name).and_then(Json::scalar).unwrap_or_default();
    assert_eq!((&*entry.id, &*entry.title), (said("$url"), said("$title")));
    for (name, read) in [("$httpMethod", &entry.http_method), ("$etag", &entry.etag), ("$ifMatch", &entry.if_match)] {
        if let Some(text) = object.get(name).and_then(Json::scalar) {
            assert_eq!(read.as_deref().unwrap_or_default(), text.trim(), "{name}");
        }
    }
}

fn feed_says_the_same(mut feed: JsonFeedReader) {
    let mut atom = match feed.atom_head() {
        Ok(head) => head,
        Err(error) => return assert_xml_cannot_say_it(&error),
    };
    let mut objects = Vec::new();
    loop {
        let object = match feed.next_entry() {
            Ok(Some(object)) => object,
            Ok(None) => break,
            Err(_) => return,
        };
        match object.atom_entry(None) {
            Ok(entry) => atom.push_str(&entry),
            Err(WireError::Json(_)) => return assert!(!matches!(object, Json::Object(_))),
            Err(error) => return assert_xml_cannot_say_it(&error),
        }
        objects.push(object);
    }
    atom.push_str(JsonFeedReader::ATOM_END);
    assert_read(&atom, &objects);
}

fn assert_read(atom: &str, objects: &[Json]) {
    let may_be =
        |error: &WireError| is_above_a_limit(error) || matches!(error, WireError::Digest(_) | WireError::SyncMode(_));
    let mut feed = FeedReader::new(atom.as_bytes(), ReadLimits::default()).expect("a feed is written");
    let mut read = 0;
    loop {
        match feed.next_entry() {
            Ok(Some(entry)) => {
                assert_members(objects.get(read).expect("one entry for each object"), &entry);
                read += 1;
            }
            Ok(None) => break,
            Err(error) => return assert!(may_be(&error), "{error}: {atom}"),
        }
    }
    assert_eq!(read, objects.len());
}
