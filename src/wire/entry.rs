//! An Atom entry with what SData adds to it (core 3.7, 3.8, 13; sync 4.4).

use super::atom_head::{Category, Link, read_link, write_entry_head};
use super::diagnosis::{diagnoses_in, diagnosis_of, write_diagnosis};
use super::digest::DigestUse;
use super::element::{Element, parse_uuid};
use super::names::{ATOM, HTTP, OPENSEARCH, SDATA, SYNC};
use super::payload::{PayloadOut, PayloadRead, read_payload, write_payload};
use super::reader::{ReadLimits, Token, XmlReader};
use super::sync_state::{StateRead, read_state, write_state};
use super::writer::XmlWriter;
use super::{WireError, atom_head};
use crate::protocol::{Diagnosis, Stamp, SyncState};
use bytes::Bytes;
use std::io::BufRead;
use uuid::Uuid;

/// An entry that was read, from whatever feed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// `atom:id`; empty where the sender leaves it so.
    pub id: String,
    /// `atom:title`; empty where the sender leaves it so.
    pub title: String,
    /// `atom:updated`, where there is one that can be read.
    pub updated: Option<Stamp>,
    /// Its links, in document order.
    pub links: Vec<Link>,
    /// `atom:content` as text.
    pub content: String,
    /// `http:httpMethod`: what is to be done, or was (core 13.2).
    pub http_method: Option<String>,
    /// `http:httpStatus` (core 13.4).
    pub http_status: Option<u16>,
    /// `http:httpMessage`.
    pub http_message: Option<String>,
    /// `http:location`.
    pub location: Option<String>,
    /// `http:etag`.
    pub etag: Option<String>,
    /// `http:ifMatch`.
    pub if_match: Option<String>,
    /// `sync:syncState` (sync 4.3).
    pub sync_state: StateRead,
    /// `sdata:payload` (core 3.8).
    pub payload: Option<PayloadRead>,
    /// What the sender says of the entry (core 3.10).
    pub diagnoses: Vec<Diagnosis>,
}

impl Entry {
    /// The resource element of the payload.
    #[must_use]
    pub fn resource(&self) -> Option<&Element> {
        self.payload.as_ref()?.resource.as_ref()
    }

    /// The resource's UUID, from its element or else from `payload` itself (sync 4.4, 5.8).
    /// A text that is no UUID is returned as the error.
    #[must_use]
    pub fn uuid(&self) -> Option<Result<Uuid, String>> {
        let on_payload = || parse_uuid(self.payload.as_ref()?.uuid_on_payload.as_deref()?);
        self.resource().and_then(Element::uuid).or_else(on_payload)
    }

    /// Whether the entry says that its resource was deleted (sync 4.4).
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.resource().is_some_and(Element::is_deleted)
    }
}

/// Reads an entry from a document of its own. A resource element as the root is accepted too, and becomes the payload.
///
/// # Errors
/// [`WireError::WrongRoot`] for another document of the protocol, such as a feed; else what makes the XML unreadable.
pub fn read_entry(xml: &[u8], limits: ReadLimits) -> Result<Entry, WireError> {
    let mut reader = XmlReader::new(xml, limits)?;
    reader.root()?;
    let entry = if reader.at(ATOM, "entry") {
        read_entry_as(&mut reader, DigestUse::Pass)?
    } else if reader.at(SDATA, "payload") {
        Entry { payload: Some(read_payload(&mut reader, DigestUse::Pass)?), ..Entry::default() }
    } else if [ATOM, SDATA, SYNC, HTTP, OPENSEARCH].contains(&&**reader.namespace()) {
        return Err(reader.wrong_root("an Atom entry"));
    } else {
        let resource = Some(Element::read(&mut reader)?);
        Entry { payload: Some(PayloadRead { resource, ..PayloadRead::default() }), ..Entry::default() }
    };
    reader.finish()?;
    Ok(entry)
}

/// Reads the entry whose start the reader stands at.
pub(super) fn read_entry_as<R: BufRead>(reader: &mut XmlReader<R>, usage: DigestUse) -> Result<Entry, WireError> {
    let mut entry = Entry::default();
    loop {
        match reader.next()? {
            Token::Start => read_child(reader, &mut entry, usage)?,
            Token::Text => {}
            Token::End | Token::Eof => return Ok(entry),
        }
    }
}

fn read_child<R: BufRead>(reader: &mut XmlReader<R>, entry: &mut Entry, usage: DigestUse) -> Result<(), WireError> {
    let namespace = reader.namespace().clone();
    match (reader.local_name(), &*namespace) {
        ("id", ATOM) => entry.id = reader.text_content()?,
        ("title", ATOM) => entry.title = reader.text_content()?,
        ("updated", ATOM) => entry.updated = Stamp::parse(&reader.text_content()?),
        ("content", ATOM) => entry.content = reader.text_content()?,
        ("link", ATOM) => entry.links.push(read_link(reader)?),
        ("httpMethod", HTTP) => entry.http_method = said(reader)?,
        ("httpStatus", HTTP) => entry.http_status = said(reader)?.and_then(|text| text.parse().ok()),
        ("httpMessage", HTTP) => entry.http_message = said(reader)?,
        ("location", HTTP) => entry.location = said(reader)?,
        ("etag", HTTP) => entry.etag = said(reader)?,
        ("ifMatch", HTTP) => entry.if_match = said(reader)?,
        ("syncState", SYNC) => entry.sync_state = read_state(reader)?,
        ("payload", SDATA) => entry.payload = Some(read_payload(reader, usage)?),
        ("diagnosis", SDATA) => entry.diagnoses.push(diagnosis_of(&Element::read(reader)?)),
        ("diagnoses", SDATA) => entry.diagnoses.extend(diagnoses_in(&Element::read(reader)?)),
        _ => reader.skip()?,
    }
    let kept = entry.links.len().max(entry.diagnoses.len());
    reader.check_size("links or diagnoses of one entry", kept, reader.limits().nodes)
}

/// The text of the element just started; `None` where it says nothing.
fn said<R: BufRead>(reader: &mut XmlReader<R>) -> Result<Option<String>, WireError> {
    let text = reader.text_content()?;
    let trimmed = text.trim();
    Ok((!trimmed.is_empty()).then(|| trimmed.to_owned()))
}

/// An entry to write.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EntryOut {
    /// `atom:id`.
    pub id: String,
    /// `atom:title`.
    pub title: String,
    /// `atom:updated`.
    pub updated: Stamp,
    /// `atom:published`: when the resource came to be here, what `$published` asks for (core 2.12).
    pub published: Option<Stamp>,
    /// The name of `atom:author`.
    pub author: String,
    /// `atom:content`, a text for people.
    pub content: String,
    /// What kind of thing it is (core 3.12).
    pub category: Option<Category>,
    /// Its links.
    pub links: Vec<Link>,
    /// What would be HTTP's, were the entry alone (core 13).
    pub http: HttpOut,
    /// `sync:syncState`.
    pub sync_state: Option<SyncState>,
    /// `sdata:payload`.
    pub payload: Option<PayloadOut>,
    /// What there is to say of the entry.
    pub diagnoses: Vec<Diagnosis>,
    /// The schema of its payload, an `xs:schema` element that stands for itself (core 4.10).
    pub schema: Option<Bytes>,
}

/// The `http:*` elements of an entry (core 13.2, 13.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpOut {
    /// `http:httpStatus`.
    pub status: Option<u16>,
    /// `http:httpMessage`.
    pub message: Option<String>,
    /// `http:httpMethod`.
    pub method: Option<String>,
    /// `http:location`.
    pub location: Option<String>,
    /// `http:etag`, usable as If-Match as it is.
    pub etag: Option<String>,
    /// `http:ifMatch`.
    pub if_match: Option<String>,
}

/// The entry as a document of its own.
///
/// # Errors
/// [`WireError`] for a character or name that XML does not have.
pub fn write_entry(entry: &EntryOut) -> Result<Bytes, WireError> {
    let mut xml = XmlWriter::document();
    xml.open_root("entry")?;
    atom_head::write_standalone_entry_head(&mut xml, entry)?;
    write_extensions(&mut xml, entry)?;
    xml.close("entry");
    Ok(xml.take())
}

/// Writes the entry into a feed.
pub(super) fn write_in_feed(xml: &mut XmlWriter, entry: &EntryOut) -> Result<(), WireError> {
    xml.open("entry");
    write_entry_head(xml, entry)?;
    write_extensions(xml, entry)?;
    xml.close("entry");
    Ok(())
}

fn write_extensions(xml: &mut XmlWriter, entry: &EntryOut) -> Result<(), WireError> {
    let http = &entry.http;
    if let Some(status) = http.status {
        xml.plain("http:httpStatus", status)?;
    }
    xml.optional("http:httpMessage", http.message.as_deref())?;
    xml.optional("http:httpMethod", http.method.as_deref())?;
    xml.optional("http:location", http.location.as_deref())?;
    xml.optional("http:etag", http.etag.as_deref())?;
    xml.optional("http:ifMatch", http.if_match.as_deref())?;
    if let Some(state) = &entry.sync_state {
        write_state(xml, state)?;
    }
    entry.diagnoses.iter().try_for_each(|diagnosis| write_diagnosis(xml, diagnosis))?;
    write_schema(xml, entry.schema.as_deref())?;
    entry.payload.as_ref().map_or(Ok(()), |payload| write_payload(xml, payload))
}

/// Writes `sdata:schema`, where a schema was asked for.
pub(super) fn write_schema(xml: &mut XmlWriter, schema: Option<&[u8]>) -> Result<(), WireError> {
    let Some(schema) = schema else { return Ok(()) };
    xml.open("sdata:schema");
    xml.raw(schema);
    xml.close("sdata:schema");
    Ok(())
}

#[cfg(test)]
mod tests;
