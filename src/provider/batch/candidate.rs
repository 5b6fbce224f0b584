//! One request against what is stored: what it would make of its resource.

use super::known::Known;
use super::{Method, Request};
use crate::contract::{Accepted, Sender};
use crate::provider::{Collection, Error, resources};
use crate::store::Document;
use uuid::Uuid;

/// A request that can be carried out, as far as its own resource and the contract go.
#[derive(Debug)]
pub(super) enum Candidate {
    /// To be read.
    Read(Document),
    /// Posted before and not modified since (core 8.5).
    Repeated(Document),
    /// To be deleted.
    Delete(Document),
    /// To be created or changed.
    Write(Box<Writing>),
}

/// A resource to be created or changed.
#[derive(Debug)]
pub(super) struct Writing {
    /// What it is laid over; `None` when it is new.
    pub(super) stored: Option<Document>,
    /// The key it is to have when it is new, if the client chose one.
    pub(super) key: Option<String>,
    /// The UUID it brings when it is new.
    pub(super) uuid: Option<Uuid>,
    /// As the contract takes it.
    pub(super) accepted: Accepted,
    /// Whether to leave it alone if it is the same.
    pub(super) only_if_changed: bool,
}

/// Why a request is not carried out, and the version it should have been made for.
#[derive(Debug)]
pub(super) struct RefusedRequest {
    pub(super) error: Error,
    pub(super) current: Option<Box<Document>>,
}

impl From<Error> for RefusedRequest {
    fn from(error: Error) -> Self {
        Self { error, current: None }
    }
}

impl Candidate {
    /// Checks `request` against the contract and what is `known` of its resource.
    pub(super) fn judge(collection: &Collection, request: &Request, known: &Known) -> Result<Self, RefusedRequest> {
        if let Some(fault) = &request.fault {
            return Err(Error::Refused(fault.clone()).into());
        }
        match &request.method {
            Method::Get => Ok(Self::Read(known.selected(collection, request)?)),
            Method::Post => create(collection, request, known),
            Method::Put => update(collection, request, known),
            Method::Delete => delete(collection, request, known),
            Method::Merge => merge(collection, request, known),
            Method::Other(name) => Err(not_allowed(collection, name).into()),
        }
    }

    /// What the contract makes of the payload that was sent.
    pub(super) fn accepted(&self) -> Option<&Accepted> {
        match self {
            Self::Write(writing) => Some(&writing.accepted),
            Self::Read(_) | Self::Repeated(_) | Self::Delete(_) => None,
        }
    }
}

/// With a UUID that is known and was not modified since, it is the same request again (core 8.5).
fn create(collection: &Collection, request: &Request, known: &Known) -> Result<Candidate, RefusedRequest> {
    if !collection.kind.can_post {
        return Err(not_allowed(collection, "POST").into());
    }
    let accepted = accept(collection, request, None)?;
    if let (Some(uuid), Some(document)) = (request.uuid, known.by_uuid(request.uuid)) {
        let stored = &document.resource;
        // A change is always later than what it replaces: what was not changed since bears the time of its creation.
        if !stored.deleted && stored.stamp == stored.created {
            return Ok(Candidate::Repeated(document.clone()));
        }
        let message = if stored.deleted {
            format!("the UUID {uuid} is that of a resource that was deleted; a new one needs a new UUID")
        } else {
            format!("the UUID {uuid} is taken by a resource that was changed since; PUT to change it")
        };
        return Err(Error::Taken(message).into());
    }
    if let Some(stored) = known.by_key(request.key.as_deref()) {
        return Err(key_taken(&stored.resource.key).into());
    }
    let (key, uuid) = (request.key.clone(), request.uuid);
    Ok(Candidate::Write(Box::new(Writing { stored: None, key, uuid, accepted, only_if_changed: false })))
}

fn update(collection: &Collection, request: &Request, known: &Known) -> Result<Candidate, RefusedRequest> {
    if !collection.kind.can_put {
        return Err(not_allowed(collection, "PUT").into());
    }
    let if_match = request.if_match.as_deref().ok_or(Error::NoPrecondition)?;
    collection.payload(request.resource.as_ref())?;
    let stored = known.selected(collection, request)?;
    check_etag(&stored, if_match)?;
    if let (Some(sent), Some(borne)) = (request.uuid, stored.resource.uuid)
        && sent != borne
    {
        let message = format!("the resource is linked as {borne}; $linked changes a UUID, a PUT does not");
        return Err(Error::Taken(message).into());
    }
    let accepted = accept(collection, request, Some(&stored))?;
    let stored = Some(stored);
    Ok(Candidate::Write(Box::new(Writing { stored, key: None, uuid: None, accepted, only_if_changed: false })))
}

fn delete(collection: &Collection, request: &Request, known: &Known) -> Result<Candidate, RefusedRequest> {
    if !collection.kind.can_delete {
        return Err(not_allowed(collection, "DELETE").into());
    }
    let stored = known.selected(collection, request)?;
    if let Some(if_match) = &request.if_match {
        check_etag(&stored, if_match)?;
    }
    Ok(Candidate::Delete(stored))
}

/// The UUID is the same everywhere, a key only here: so the UUID goes first.
fn merge(collection: &Collection, request: &Request, known: &Known) -> Result<Candidate, RefusedRequest> {
    collection.payload(request.resource.as_ref())?;
    let stored = match (known.by_uuid(request.uuid), known.by_key(request.key.as_deref())) {
        (Some(stored), _) => Some(stored),
        (None, Some(stored)) => Some(bears_no_other_uuid(stored, request.uuid)?),
        (None, None) => None,
    };
    if let Some(stored) = stored.filter(|stored| stored.resource.deleted) {
        return Err(Error::Gone(collection.resource_url(&stored.resource.key)).into());
    }
    let accepted = accept(collection, request, stored)?;
    let stored = stored.cloned();
    let (key, uuid) = (request.key.clone(), request.uuid);
    Ok(Candidate::Write(Box::new(Writing { stored, key, uuid, accepted, only_if_changed: true })))
}

fn bears_no_other_uuid(stored: &Document, sent: Option<Uuid>) -> Result<&Document, Error> {
    match (sent, stored.resource.uuid) {
        (Some(sent), Some(borne)) if sent != borne => Err(Error::Taken(format!(
            "the key '{}' is that of another resource, linked as {borne}; without the key this one gets a new one",
            stored.resource.key
        ))),
        _ => Ok(stored),
    }
}

/// Lays the payload over what is stored.
fn accept(collection: &Collection, request: &Request, stored: Option<&Document>) -> Result<Accepted, Error> {
    let sent = collection.payload(request.resource.as_ref())?;
    let content = stored.and_then(|stored| stored.payload.as_deref());
    let element = content.map(|content| collection.element(content)).transpose()?;
    let accepted = collection.contract.accept(&collection.kind, sent, element.as_ref(), Sender::Client);
    accepted.map_err(Error::Invalid)
}

fn check_etag(stored: &Document, if_match: &str) -> Result<(), RefusedRequest> {
    resources::check_etag(stored, if_match)
        .map_err(|error| RefusedRequest { error, current: Some(Box::new(stored.clone())) })
}

/// The chosen key of a new resource is in use.
pub(super) fn key_taken(key: &str) -> Error {
    Error::Taken(format!("the key '{key}' is taken by another resource; leave it out to get one"))
}

fn not_allowed(collection: &Collection, method: &str) -> Error {
    let kind = &collection.kind;
    let allow = match (kind.can_post, kind.can_put, kind.can_delete) {
        (true, true, true) => "GET, POST, PUT, DELETE",
        (true, true, false) => "GET, POST, PUT",
        (true, false, true) => "GET, POST, DELETE",
        (true, false, false) => "GET, POST",
        (false, true, true) => "GET, PUT, DELETE",
        (false, true, false) => "GET, PUT",
        (false, false, true) => "GET, DELETE",
        (false, false, false) => "GET",
    };
    let message = format!("{} do not take {method}; they take {allow}", kind.plural_name);
    Error::MethodNotAllowed { message, allow }
}
