//! A payload that is checked and written as it will be stored.

use super::incoming::EntryRefusal;
use crate::contract::{Accepted, Fault, Reference, Sender};
use crate::protocol::Diagnosis;
use crate::provider::{Collection, Error};
use crate::store::{Content, Properties};
use crate::wire::{Element, Entry};
use bytes::Bytes;
use std::sync::Arc;

/// What an entry's payload makes of its resource.
#[derive(Debug, Clone)]
pub struct Ready {
    /// As it will be stored.
    pub content: Content,
    /// Its validator.
    pub etag: String,
    /// What it refers to.
    pub references: Vec<Reference>,
}

/// A payload looked at by itself, whatever is stored: what it makes of its resource, or why it makes none.
pub type Alone = Result<Arc<Ready>, EntryRefusal>;

impl Ready {
    /// What the payload of an entry makes by itself; `None` for a delete, and where that cannot be told. Costs the most of all
    /// that is done with an entry outside the database, so it is done while a feed arrives.
    #[must_use]
    pub fn alone(collection: &Collection, entry: &Entry) -> Option<Alone> {
        let sent = entry.resource().filter(|_| !entry.is_deleted())?;
        // What cannot be written is found again, and told, when the entry is applied.
        Self::of(collection, sent, None).ok().map(|ready| ready.map(Arc::new))
    }

    /// Checks what was `sent` against the contract and lays it over what is `stored`.
    ///
    /// # Errors
    /// When it cannot be written; that it is wrong is a refusal.
    pub fn of(
        collection: &Collection,
        sent: &Element,
        stored: Option<&Element>,
    ) -> Result<Result<Self, EntryRefusal>, Error> {
        let accepted = collection.contract.accept(&collection.kind, sent, stored, Sender::Peer);
        let Accepted { resource, unique, references, properties } = match accepted {
            Ok(accepted) => accepted,
            Err(faults) => return Ok(Err(refusal_of(&faults))),
        };
        let payload = Bytes::from(resource.content_xml()?);
        let etag = collection.etag(Some(&payload));
        let properties = Properties::from_json(properties);
        let content = Content { payload, properties, unique, has_key_references: false };
        Ok(Ok(Self { content, etag, references }))
    }
}

fn refusal_of(faults: &[Fault]) -> EntryRefusal {
    let Some(first) = faults.first() else { return EntryRefusal::bad("invalid", "the payload violates the contract") };
    let more = match faults.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more faults)", count - 1),
    };
    let diagnosis = Diagnosis::error("invalid", format!("{first}{more}")).at(&first.path);
    EntryRefusal { status: 400, diagnosis }
}
