//! Feeds and entries in the form that is wanted: the one place where Atom, JSON and HTML part ways.

use super::negotiate::Representation;
use super::pages;
use super::respond::Wanted;
use crate::contract::{Contract, untyped_json};
use crate::provider::Error;
use crate::wire::{
    ENTRY_TYPE, EntryOut, FEED_TYPE, FeedOut, FeedWriter, JSON_TYPE, Json, JsonFeedWriter, PayloadOut, write_entry,
    write_json_entry,
};
use bytes::Bytes;
use std::sync::Arc;

/// A feed that is being written.
pub(super) enum FeedBody {
    /// As Atom.
    Atom(FeedWriter),
    /// As JSON, typed by the contract.
    Json(JsonFeedWriter, Option<Arc<Contract>>),
    /// As a page, which is printed when everything on it is known.
    Page(Box<(Wanted, FeedOut, Vec<EntryOut>)>),
}

impl FeedBody {
    /// Writes the head.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn begin(wanted: &Wanted, head: &FeedOut) -> Result<Self, Error> {
        Ok(match wanted.representation {
            Representation::Json => Self::Json(JsonFeedWriter::begin(head)?, wanted.contract.clone()),
            Representation::Atom => Self::Atom(FeedWriter::begin(head)?),
            Representation::Html => Self::Page(Box::new((wanted.clone(), head.clone(), Vec::new()))),
        })
    }

    /// Makes room for entries of about so many bytes as XML: a large page is not copied each time it grows.
    pub(super) fn reserve(&mut self, bytes: usize) {
        if let Self::Atom(writer) = self {
            writer.reserve(bytes);
        }
    }

    /// Writes one entry.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn entry(&mut self, entry: &EntryOut) -> Result<(), Error> {
        match self {
            Self::Atom(writer) => writer.entry(entry)?,
            Self::Json(writer, contract) => writer.entry(entry, resource(contract.as_deref(), entry)?)?,
            Self::Page(page) => page.2.push(entry.clone()),
        }
        Ok(())
    }

    /// Takes out what was written since the last call.
    pub(super) fn take(&mut self) -> Bytes {
        match self {
            Self::Atom(writer) => writer.take(),
            Self::Json(writer, _) => writer.take(),
            Self::Page(_) => Bytes::new(),
        }
    }

    /// Ends the feed; what was not taken out before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(self) -> Result<Bytes, Error> {
        match self {
            Self::Atom(writer) => Ok(writer.finish()?),
            Self::Json(writer, _) => Ok(writer.finish()),
            Self::Page(page) => pages::generic::feed(&page.0, &page.1, &page.2),
        }
    }

    /// Its media type.
    pub(super) const fn media_type(&self) -> &'static str {
        match self {
            Self::Atom(_) => FEED_TYPE,
            Self::Json(..) => JSON_TYPE,
            Self::Page(_) => pages::HTML_TYPE,
        }
    }
}

/// A single entry, with its media type.
///
/// # Errors
/// When it cannot be written.
pub(super) fn entry_body(wanted: &Wanted, entry: &EntryOut) -> Result<(&'static str, Bytes), Error> {
    Ok(match wanted.representation {
        Representation::Json => (JSON_TYPE, write_json_entry(entry, resource(wanted.contract.as_deref(), entry)?)?),
        Representation::Atom => (ENTRY_TYPE, write_entry(entry)?),
        Representation::Html => (pages::HTML_TYPE, pages::entry::plain(wanted, entry)?),
    })
}

/// The object of the entry's resource. What is a number or a list is known to the contract; without one all values are texts.
fn resource(contract: Option<&Contract>, entry: &EntryOut) -> Result<Option<Json>, Error> {
    let element = match &entry.payload {
        Some(PayloadOut::Resource(resource)) => &resource.to_element()?,
        Some(PayloadOut::Element(element)) => element,
        Some(PayloadOut::Digest(_)) | None => return Ok(None),
    };
    Ok(Some(contract.map_or_else(|| untyped_json(element), |contract| contract.json_of(element))))
}
