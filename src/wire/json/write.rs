//! Feeds, entries and what else is answered, as JSON.

use super::Json;
use crate::protocol::{Diagnosis, Digest, Endpoint, Stamp, SyncState, Tick, Tracking};
use crate::wire::{EntryOut, FeedOut, Link, PayloadOut, WireError};
use bytes::{BufMut, Bytes, BytesMut};

/// The media type of SData's JSON (SData 2.0, "Requesting JSON formatted SData content").
pub const JSON_TYPE: &str = "application/json;vnd.sage=sdata";

/// What stands before the last part of the relations that SData has added to Atom's (core 3.3).
const OWN_RELATIONS: &str = "http://schemas.sage.com/sdata/link-relations/";

type Members = Vec<(String, Json)>;

/// Writes a feed: the head, then entry by entry.
pub struct JsonFeedWriter {
    text: BytesMut,
    entries: u64,
}

impl JsonFeedWriter {
    /// Writes the head; `$resources` is its last member.
    ///
    /// # Errors
    /// [`WireError`] never in practice: a head holds no numbers but our own.
    pub fn begin(head: &FeedOut) -> Result<Self, WireError> {
        let head = Json::Object(head_members(head)).to_bytes()?;
        let mut text = BytesMut::from(head.strip_suffix(b"}").unwrap_or(&head));
        text.put_slice(b",\"$resources\":[");
        Ok(Self { text, entries: 0 })
    }

    /// Writes one entry; `resource` is the object of its payload's resource, if it has one.
    ///
    /// # Errors
    /// [`WireError::Json`] for a number that is none; the feed is then spoilt.
    pub fn entry(&mut self, entry: &EntryOut, resource: Option<Json>) -> Result<(), WireError> {
        if self.entries > 0 {
            self.text.put_u8(b',');
        }
        self.entries += 1;
        self.text.put(write_json_entry(entry, resource)?);
        Ok(())
    }

    /// Takes out what was written since the last call.
    pub fn take(&mut self) -> Bytes {
        self.text.split().freeze()
    }

    /// Ends the feed; what was not taken out before.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        self.text.put_slice(b"]}");
        self.take()
    }
}

/// The entry as a document of its own; `resource` is the object of its payload's resource, if it has one.
///
/// # Errors
/// [`WireError::Json`] for a number that is none.
pub fn write_json_entry(entry: &EntryOut, resource: Option<Json>) -> Result<Bytes, WireError> {
    let mut members = title_members(&entry.id, &entry.title, entry.updated);
    members.extend(entry.published.map(|published| ("$published".to_owned(), Json::text(published.to_string()))));
    let http = &entry.http;
    let said = [
        ("$etag", &http.etag),
        ("$httpMethod", &http.method),
        ("$httpMessage", &http.message),
        ("$location", &http.location),
        ("$ifMatch", &http.if_match),
    ];
    for (name, text) in said {
        members.extend(text.as_deref().map(|text| (name.to_owned(), Json::text(text))));
    }
    members.extend(http.status.map(|status| ("$httpStatus".to_owned(), Json::number(status))));
    members.extend(entry.sync_state.as_ref().map(|state| ("$syncState".to_owned(), state_json(state))));
    if let Some(PayloadOut::Digest(digest)) = &entry.payload {
        members.push(("$digest".to_owned(), digest_json(digest)));
    }
    push_diagnoses(&mut members, &entry.diagnoses);
    push_links(&mut members, &entry.id, &entry.links);
    if let Some(Json::Object(resource)) = resource {
        // The entry and its resource have one URL, which stands there already.
        let known = members.len();
        for (name, value) in resource {
            if !members.iter().take(known).any(|(given, _)| *given == name) {
                members.push((name, value));
            }
        }
    }
    Json::Object(members).to_bytes()
}

/// The body of an answer that says what went wrong (core 3.15).
#[must_use]
pub fn write_json_diagnoses(diagnoses: &[Diagnosis]) -> Bytes {
    let list = diagnoses.iter().map(diagnosis_json).collect();
    // Nothing in it is a number, so nothing is left that could fail.
    Json::Object(vec![("$diagnoses".to_owned(), Json::List(list))]).to_bytes().unwrap_or_default()
}

/// The body of a 202 (core 3.15).
#[must_use]
pub fn write_json_tracking(tracking: &Tracking) -> Bytes {
    let members = vec![
        ("$phase".to_owned(), Json::text(&*tracking.phase)),
        ("$phaseDetail".to_owned(), Json::text(&*tracking.phase_detail)),
        ("$progress".to_owned(), Json::Number(format!("{:.1}", tracking.progress))),
        ("$elapsedSeconds".to_owned(), Json::number(tracking.elapsed_seconds)),
        ("$remainingSeconds".to_owned(), Json::number(tracking.remaining_seconds)),
        ("$pollingMillis".to_owned(), Json::number(tracking.polling_millis)),
    ];
    // A share of a hundred and whole numbers: nothing is left that could fail.
    Json::Object(vec![("$tracking".to_owned(), Json::Object(members))]).to_bytes().unwrap_or_default()
}

fn head_members(head: &FeedOut) -> Members {
    let mut members = title_members(&head.id, &head.title, head.updated);
    let counts = [
        ("$totalResults", head.total_results),
        ("$startIndex", head.start_index),
        ("$itemsPerPage", head.items_per_page),
    ];
    for (name, count) in counts {
        members.extend(count.map(|count| (name.to_owned(), Json::number(count))));
    }
    members.extend(head.sync_mode.map(|mode| ("$syncMode".to_owned(), Json::text(mode.as_str()))));
    members.extend(head.digest.as_ref().map(|digest| ("$digest".to_owned(), digest_json(digest))));
    push_diagnoses(&mut members, &head.diagnoses);
    push_links(&mut members, &head.id, &head.links);
    members
}

/// The title also as `$descriptor`, its name in the draft that deployed clients were built on (core 3.15).
fn title_members(url: &str, title: &str, updated: Stamp) -> Members {
    vec![
        ("$url".to_owned(), Json::text(url)),
        ("$title".to_owned(), Json::text(title)),
        ("$descriptor".to_owned(), Json::text(title)),
        ("$updated".to_owned(), Json::text(updated.to_string())),
    ]
}

/// Links by relation. A link to the document itself is its `$url`; where several have a relation, the first counts.
fn push_links(members: &mut Members, own: &str, links: &[Link]) {
    let mut named: Members = Vec::new();
    for link in links.iter().filter(|link| link.rel != "self" || link.href != own) {
        let (name, method) = match link.rel.strip_prefix(OWN_RELATIONS).unwrap_or(&link.rel) {
            "post" => ("$create".to_owned(), Some("POST")),
            relation => (format!("${relation}"), None),
        };
        if named.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let mut parts =
            vec![("$url".to_owned(), Json::text(&*link.href)), ("$title".to_owned(), Json::text(&*link.title))];
        parts.extend(method.map(|method| ("$method".to_owned(), Json::text(method))));
        named.push((name, Json::Object(parts)));
    }
    if !named.is_empty() {
        members.push(("$links".to_owned(), Json::Object(named)));
    }
}

fn push_diagnoses(members: &mut Members, diagnoses: &[Diagnosis]) {
    if !diagnoses.is_empty() {
        members.push(("$diagnoses".to_owned(), Json::List(diagnoses.iter().map(diagnosis_json).collect())));
    }
}

/// `stackTrace` is never filled; what is optional and says nothing is left out.
fn diagnosis_json(diagnosis: &Diagnosis) -> Json {
    let mut members = vec![
        ("$severity".to_owned(), Json::text(diagnosis.severity.as_str())),
        ("$sdataCode".to_owned(), Json::text(diagnosis.sdata_code.as_str())),
        ("$message".to_owned(), Json::text(&*diagnosis.message)),
    ];
    for (name, text) in [("$applicationCode", &diagnosis.application_code), ("$payloadPath", &diagnosis.payload_path)] {
        if !text.is_empty() {
            members.push((name.to_owned(), Json::text(&**text)));
        }
    }
    Json::Object(members)
}

/// As in XML, endpoints of which nothing was taken in yet are left out.
fn digest_json(digest: &Digest) -> Json {
    let origin = digest.origin.as_ref().map(|origin| ("$origin".to_owned(), Json::text(origin.as_str())));
    let taken = digest.entries.iter().filter(|(_, entry)| entry.tick > Tick::ZERO);
    let entries = taken.map(|(endpoint, entry)| {
        Json::Object(vec![
            endpoint_member(endpoint),
            ("$tick".to_owned(), Json::number(entry.tick.value())),
            ("$stamp".to_owned(), Json::text(entry.stamp.to_string())),
            ("$conflictPriority".to_owned(), Json::number(entry.conflict_priority.value())),
        ])
    });
    let entries = ("$digestEntry".to_owned(), Json::List(entries.collect()));
    Json::Object(origin.into_iter().chain([entries]).collect())
}

fn state_json(state: &SyncState) -> Json {
    let mut members = vec![
        endpoint_member(&state.endpoint),
        ("$tick".to_owned(), Json::number(state.tick.value())),
        ("$stamp".to_owned(), Json::text(state.stamp.to_string())),
    ];
    members.extend(state.user.as_deref().map(|user| ("$user".to_owned(), Json::text(user))));
    Json::Object(members)
}

fn endpoint_member(endpoint: &Endpoint) -> (String, Json) {
    ("$endpoint".to_owned(), Json::text(endpoint.as_str()))
}
