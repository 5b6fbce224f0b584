//! What a URL names.
//!
//! | URL under `/sdata/{application}` | methods |
//! |---|---|
//! | (itself) · `/{contract}` · `/{contract}/{dataset}` | GET |
//! | `…/{dataset}/$schema` · `…/{dataset}/{name}.xsd` · `…/{kind}/$schema` | GET |
//! | `…/{kind}` | GET, POST |
//! | `…/{kind}/$template` | GET |
//! | `…/{kind}('{key}')` · `…/{kind}({predicate})` | GET, PUT, DELETE |
//! | `…/{kind}('{key}')/{property}` and on, to `…/$template` | GET; of children also POST, PUT, DELETE |
//! | `…/{kind}/$linked` | GET, POST |
//! | `…/{kind}/$linked('{uuid}')` | GET, PUT, DELETE |
//! | `…/{kind}/$linked/$batch` | POST; with a tracking id GET, DELETE |
//! | `…/{kind}/$syncDigest` | GET, PUT, POST |
//! | `…/{kind}/$batch` | POST; with a tracking id GET, DELETE |
//! | `…/{kind}/$syncSource` · `…/{kind}/$syncTarget` | POST; with a tracking id GET, DELETE |
//! | `…/{kind}/$syncResults` | POST |
//! | `/syncAudit` · `/syncAudit/-` · `/syncAudit/-/{kind}` · `/syncAudit/-/{kind}('{key}')` | GET |
//! | `/syncAudit/-/$schema` · `/syncAudit/-/{kind}/$schema` | GET |
//!
//! `…/{dataset}/$service`, `…/{kind}/$service` and `…/{kind}/$queries` are 501. Beside these there are the registry at
//! `/sdata/$system/registry`, `/sdata`, `/healthz`, `/readyz`, `/metrics` and `/assets/{name}`, all GET.

use super::{Service, audit, pages, registry};
use crate::jobs::url_name;
use crate::protocol::SdataCode;
use crate::protocol::operation::{self, is_operation};
use crate::protocol::path::{Segment, Selector, segments};
use crate::provider::{Collection, Error};
use crate::store::{AuditKind, CollectionName, EventOperation, Operation};
use actix_web::http::Method;
use std::sync::Arc;
use uuid::Uuid;

/// What a URL names, as far as it is ours.
#[derive(Debug)]
pub(super) enum Place {
    Alive,
    Ready,
    Metrics,
    Asset(String),
    Provider,
    Application,
    Contract(String),
    Dataset { contract: String, dataset: String },
    Schema { contract: String },
    ImportedSchema { contract: String, name: String },
    AuditContract,
    AuditDataset,
    AuditSchema,
    AuditKind(AuditKind),
    Registry(registry::Place),
    AuditKindSchema(AuditKind),
    AuditResource { kind: AuditKind, selector: Selector },
    Kind,
    KindSchema,
    Template,
    Resource(Selector),
    Property(Selector, Vec<Segment>),
    Links,
    Link(Uuid),
    Digest,
    Tracked(Operation, Option<String>),
    Results,
}

/// A place and the collection it belongs to, if it does to one.
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) collection: Option<Arc<Collection>>,
}

/// The operation that a refused request would have been, for the audit.
pub(super) fn operation_of(place: &Place, method: &Method) -> Option<EventOperation> {
    match (place, method.as_str()) {
        (Place::Digest, "GET") => Some(EventOperation::DigestRead),
        (Place::Digest, _) => Some(EventOperation::DigestWritten),
        (Place::Tracked(_, _), "DELETE") => Some(EventOperation::TrackingDeleted),
        (Place::Tracked(Operation::Batch | Operation::LinkedBatch, _), _) => None,
        (Place::Tracked(Operation::SyncSource, _), "GET") => Some(EventOperation::SourceRead),
        (Place::Tracked(Operation::SyncSource, _), _) => Some(EventOperation::SourceRequested),
        (Place::Tracked(Operation::SyncTarget, _), "GET") => Some(EventOperation::TargetApplied),
        (Place::Tracked(Operation::SyncTarget, _), _) => Some(EventOperation::TargetRequested),
        (Place::Results, _) => Some(EventOperation::ResultsReceived),
        _ => None,
    }
}

/// The synchronization request that went to a collection, or an operation of one, that does not exist.
pub(super) fn missed(path: &str, method: &Method) -> Option<(EventOperation, CollectionName)> {
    let segments = segments(path).ok()?;
    let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
    let ["sdata", application, contract, dataset, resource_kind, operation] = *names.as_slice() else { return None };
    let tracked = [Operation::SyncSource, Operation::SyncTarget];
    let place = match tracked.into_iter().find(|tracked| is_operation(operation, url_name(*tracked))) {
        Some(tracked) => Place::Tracked(tracked, None),
        None if is_operation(operation, operation::SYNC_DIGEST) => Place::Digest,
        None if is_operation(operation, operation::SYNC_RESULTS) => Place::Results,
        None => return None,
    };
    let [application, contract, dataset, resource_kind] =
        [application, contract, dataset, resource_kind].map(str::to_owned);
    Some((operation_of(&place, method)?, CollectionName { application, contract, dataset, resource_kind }))
}

/// What this provider does not have.
const NOT_SERVED: [&str; 2] = [operation::SERVICE, operation::QUERIES];
/// Segments above a resource kind: `sdata`, application, contract, dataset (core 2.1).
const LEVELS: usize = 4;

pub(super) fn find(service: &Service, path: &str) -> Result<Found, Error> {
    let segments = segments(path)?;
    if let Some(segment) = segments.iter().take(LEVELS).find(|segment| segment.selector.is_some()) {
        return Err(Error::BadUrl(format!("'{}' takes no selector: only resources do", segment.name)));
    }
    let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
    let place = match *names.as_slice() {
        ["healthz"] => Place::Alive,
        ["readyz"] => Place::Ready,
        ["metrics"] => Place::Metrics,
        [pages::assets::FOLDER, name] => Place::Asset(name.to_owned()),
        ["sdata"] => Place::Provider,
        ["sdata", registry::SYSTEM, ..] => Place::Registry(registry::find(segments.get(2..).unwrap_or_default())?),
        ["sdata", application, ..] if application != service.provider.offer.application => {
            return Err(Error::not_found(SdataCode::ApplicationNotFound, "application", application));
        }
        ["sdata", _] => Place::Application,
        ["sdata", _, audit::CONTRACT, ref rest @ ..] => find_in_audit(rest, &segments)?,
        ["sdata", _, contract, ref rest @ ..] => return find_in_contract(service, contract, rest, &segments),
        _ => return Err(Error::no_such("page", path)),
    };
    Ok(Found { place, collection: None })
}

fn find_in_audit(rest: &[&str], segments: &[Segment]) -> Result<Place, Error> {
    match *rest {
        [] => Ok(Place::AuditContract),
        [dataset, ..] if dataset != "-" => Err(Error::not_found(SdataCode::DatasetNotFound, "dataset", dataset)),
        [_] => Ok(Place::AuditDataset),
        [_, name] if is_operation(name, operation::SCHEMA) => Ok(Place::AuditSchema),
        [_, name, ref rest @ ..] => match (AuditKind::parse(name), rest) {
            (Some(kind), []) => Ok(match segments.last().and_then(|segment| segment.selector.clone()) {
                None => Place::AuditKind(kind),
                Some(selector) => Place::AuditResource { kind, selector },
            }),
            (Some(kind), [below]) if is_operation(below, operation::SCHEMA) => Ok(Place::AuditKindSchema(kind)),
            _ => Err(Error::not_found(SdataCode::ResourceKindNotFound, "resource kind", name)),
        },
    }
}

fn find_in_contract(service: &Service, contract: &str, rest: &[&str], segments: &[Segment]) -> Result<Found, Error> {
    let Some(served) = service.provider.contract(contract) else {
        return Err(Error::not_found(SdataCode::ContractNotFound, "contract", contract));
    };
    let contract = contract.to_owned();
    let place = match *rest {
        [] => Place::Contract(contract),
        [dataset, ..] if !served.datasets.iter().any(|served| served == dataset) => {
            return Err(Error::not_found(SdataCode::DatasetNotFound, "dataset", dataset));
        }
        [dataset] => Place::Dataset { contract, dataset: dataset.to_owned() },
        [_, name] if is_operation(name, operation::SCHEMA) => Place::Schema { contract },
        [_, name, ..] if is_operation(name, operation::SERVICE) => return Err(Error::NotImplemented(name.to_owned())),
        [_, name] if name.ends_with(".xsd") => Place::ImportedSchema { contract, name: name.to_owned() },
        [dataset, kind, ..] => {
            let Some(collection) = service.provider.collection(&contract, dataset, kind) else {
                return Err(Error::not_found(SdataCode::ResourceKindNotFound, "resource kind", kind));
            };
            let place = find_in_kind(collection, segments)?;
            return Ok(Found { place, collection: Some(Arc::clone(collection)) });
        }
    };
    Ok(Found { place, collection: None })
}

/// The kind is the fifth segment: `/sdata/{application}/{contract}/{dataset}/{kind}`.
fn find_in_kind(collection: &Collection, segments: &[Segment]) -> Result<Place, Error> {
    let kind = segments.get(4).and_then(|kind| kind.selector.clone());
    let below = segments.get(5..).unwrap_or_default();
    let declined = |segment: &&Segment| NOT_SERVED.iter().any(|name| is_operation(&segment.name, name));
    if let Some(declined) = below.iter().find(declined) {
        return Err(Error::NotImplemented(declined.name.clone()));
    }
    match (kind, below) {
        (None, []) => Ok(Place::Kind),
        (Some(selector), []) => Ok(Place::Resource(selector)),
        (Some(selector), properties) => Ok(Place::Property(selector, properties.to_vec())),
        (None, [first, ..]) if collection.contract.property(&collection.kind, &first.name).is_some() => {
            let kind = &collection.kind.plural_name;
            Err(Error::BadUrl(format!("{kind} are several: one is selected before its property '{}'", first.name)))
        }
        (None, [operation]) => find_operation(collection, operation),
        (None, [links, batch])
            if links.selector.is_none()
                && is_operation(&links.name, operation::LINKED)
                && is_operation(&batch.name, operation::BATCH) =>
        {
            Ok(Place::Tracked(Operation::LinkedBatch, quoted(batch)?))
        }
        (None, [first, ..]) => Err(Error::no_such("page", &first.name)),
    }
}

fn find_operation(collection: &Collection, segment: &Segment) -> Result<Place, Error> {
    let name = segment.name.as_str();
    let id = quoted(segment)?;
    let is = |operation| is_operation(name, operation);
    if is(operation::SCHEMA) {
        return Ok(Place::KindSchema);
    }
    if is(operation::LINKED) {
        return match id {
            None => Ok(Place::Links),
            Some(id) => Uuid::try_parse(&id).map(Place::Link).map_err(|_| Error::no_such("link with UUID", id)),
        };
    }
    if is(operation::TEMPLATE) && collection.kind.can_post {
        return Ok(Place::Template);
    }
    if is(operation::SYNC_DIGEST) && collection.is_synchronized() {
        return Ok(Place::Digest);
    }
    if is(operation::SYNC_RESULTS) && collection.is_synchronized() {
        return Ok(Place::Results);
    }
    for (operation, is_served) in [
        (Operation::SyncSource, collection.is_sync_source),
        (Operation::SyncTarget, collection.is_sync_target),
        (Operation::Batch, true),
    ] {
        if is(url_name(operation)) && is_served {
            return Ok(Place::Tracked(operation, id));
        }
    }
    Err(Error::no_such("operation", name))
}

/// The trackingID or UUID that an operation's parentheses hold.
fn quoted(segment: &Segment) -> Result<Option<String>, Error> {
    match &segment.selector {
        None => Ok(None),
        Some(Selector::Key(id)) => Ok(Some(id.clone())),
        Some(Selector::Predicate(text)) => {
            Err(Error::BadUrl(format!("({text}): what selects of {} stands in single quotes", segment.name)))
        }
    }
}
