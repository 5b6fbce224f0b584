//! Every URL of the provider, and who answers it.
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
//! | `/syncAudit` · `/syncAudit/-` · `/syncAudit/-/{kind}` · `/syncAudit/-/{kind}('{key}')` · `/syncAudit/-/$schema` | GET |
//!
//! `…/{dataset}/$service`, `…/{kind}/$service` and `…/{kind}/$queries` are 501. Beside these there are the registry at
//! `/sdata/$system/registry`, `/sdata`, `/healthz`, `/readyz`, `/metrics` and `/assets/{name}`, all GET.

use super::errors::not_allowed;
use super::request::{Asked, header};
use super::result_feed::Taking;
use super::{
    Service, access, audit, conditional, context, digest, errors, health, linked, navigation, pages, properties,
    registry, resources, result_feed, results, schema, source, template,
};
use crate::jobs::url_name;
use crate::protocol::SdataCode;
use crate::protocol::path::{Segment, Selector, segments};
use crate::provider::access::Turned;
use crate::provider::audit::{Origin, event, event_at};
use crate::provider::digest::DigestWrite;
use crate::provider::{Collection, Error};
use crate::store::{CollectionName, EventOperation, EventOutcome, Operation};
use crate::telemetry::trace_context::{TRACEPARENT, TRACESTATE, TraceHeaders, continue_trace};
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use std::sync::Arc;
use std::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use uuid::Uuid;

/// What a URL names.
#[derive(Debug)]
enum Place {
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
    AuditKind(String),
    Registry(registry::Place),
    AuditKindSchema(String),
    AuditResource { kind: String, selector: Selector },
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
struct Found {
    place: Place,
    collection: Option<Arc<Collection>>,
}

/// Lets whoever asks in, finds out what the request is about, has it answered, and tells of what went wrong.
pub(super) async fn dispatch(http: HttpRequest, body: Payload, service: Data<Service>) -> HttpResponse {
    let asked = Asked::new(&http, body, &service);
    let origin = asked.origin();
    let run = origin.run.clone().unwrap_or_default();
    let span = tracing::info_span!(
        "request",
        method = %http.method(),
        path = http.path(),
        run_name = run.name,
        run_stamp = run.stamp,
        tracking_id = origin.tracking_id.as_deref().unwrap_or_default(),
        principal = Empty,
    );
    continue_trace(&span, &traced(http.headers()));
    let started = Instant::now();
    let response = answered(&service, asked, started).instrument(span).await;
    let response = conditional::settle(&http, response);
    health::measure(http.method(), response.status(), started);
    response
}

/// The answer to a request; what is refused is told to the audit.
async fn answered(service: &Service, mut asked: Asked<'_>, started: Instant) -> HttpResponse {
    let http = asked.http;
    let method = method_of(http);
    match access::admit(service, http, &method).await {
        Ok(visitor) => asked.wanted.visitor = visitor,
        Err(Turned { error, account }) => {
            access::note(service, http, Origin { principal: account, ..asked.origin() }, &error, started).await;
            return errors::answer(service, &asked.wanted, &error).await;
        }
    }
    let origin = asked.origin();
    Span::current().record("principal", origin.principal.as_deref());
    let pass = match origin.principal.as_deref().map(|name| service.requests.enter_as(name)).transpose() {
        Ok(pass) => pass,
        Err(full) => return errors::answer(service, &asked.wanted, &full.into()).await,
    };
    let mut response = answered_as(service, asked, &method, origin, started).await;
    if let Some(pass) = pass {
        // Until the answer has left.
        response.extensions_mut().insert(pass);
    }
    response
}

/// The answer to whoever is let in.
async fn answered_as(
    service: &Service,
    mut asked: Asked<'_>,
    method: &Method,
    origin: Origin,
    started: Instant,
) -> HttpResponse {
    let http = asked.http;
    let found = match find(service, http.uri().path()) {
        Ok(found) => found,
        Err(error) => {
            if let Some((operation, name)) = missed(http.uri().path(), method) {
                let (status, times) = (error.failure().status, (started, service.provider.now()));
                let mut event = event_at(name, &origin, operation, EventOutcome::Refused, status, times);
                event.message = error.to_string();
                service.provider.note(event, &origin).await;
            }
            return errors::answer(service, &asked.wanted, &error).await;
        }
    };
    let collection = found.collection.clone();
    let operation = operation_of(&found.place, method);
    asked.wanted.contract = collection.as_ref().map(|collection| Arc::clone(&collection.contract));
    asked.wanted.collection.clone_from(&collection);
    if let Some(collection) = &collection {
        asked.closed = access::closed(&asked.wanted.visitor, collection, method);
    }
    let wanted = asked.wanted.clone();
    let error = match answer(service, found, asked, method).await {
        Ok(response) => return response,
        Err(error) => error,
    };
    match (&error, operation, &collection) {
        (Error::Access(_), ..) => access::note(service, &wanted.http, origin, &error, started).await,
        (_, Some(operation), Some(collection)) => {
            let (status, times) = (error.failure().status, (started, service.provider.now()));
            let mut event = event(collection, &origin, operation, EventOutcome::Refused, status, times);
            event.message = error.to_string();
            service.provider.note(event, &origin).await;
        }
        _ => {}
    }
    errors::answer(service, &wanted, &error).await
}

/// The trace that whoever asks is at.
fn traced(headers: &HeaderMap) -> TraceHeaders {
    let owned = |name| header(headers, name).map(str::to_owned);
    TraceHeaders { parent: owned(TRACEPARENT), state: owned(TRACESTATE) }
}

/// A POST may stand for a method that a firewall does not let through (core 9.1, 10.1).
fn method_of(http: &HttpRequest) -> Method {
    let overridden = header(http.headers(), "X-HTTP-Method-Override").filter(|_| http.method() == Method::POST);
    match overridden.map(|method| method.trim().to_ascii_uppercase()).as_deref() {
        Some("PUT") => Method::PUT,
        Some("DELETE") => Method::DELETE,
        _ if http.method() == Method::HEAD => Method::GET,
        _ => http.method().clone(),
    }
}

async fn answer(service: &Service, found: Found, mut asked: Asked<'_>, method: &Method) -> Result<HttpResponse, Error> {
    let Found { place, collection } = found;
    if let Some(collection) = collection {
        return answer_in(service, &collection, place, asked, method).await;
    }
    if method != Method::GET {
        return Err(not_allowed("GET, HEAD"));
    }
    match place {
        Place::Alive => Ok(health::alive()),
        Place::Ready => Ok(health::ready(service).await),
        Place::Metrics => Ok(health::metrics(service).await),
        Place::Asset(name) => {
            pages::assets::asset(&name).ok_or_else(|| not_found(SdataCode::ApplicationDiagnosis, "page", &name))
        }
        Place::Provider => navigation::provider(service, &asked),
        Place::Application => navigation::application(service, &asked),
        Place::Contract(contract) => navigation::contract(service, &asked, &contract),
        Place::Dataset { contract, dataset } => navigation::dataset(service, &asked, &contract, &dataset),
        Place::Schema { contract } => schema::contract(service, &asked, &contract),
        Place::ImportedSchema { contract, name } => schema::imported(service, &asked, &contract, &name),
        Place::AuditContract => audit::contract(service, &asked),
        Place::AuditDataset => audit::dataset(service, &asked),
        Place::AuditSchema => audit::schema(service, &asked),
        Place::AuditKindSchema(kind) => audit::kind_schema(service, &asked, &kind),
        Place::AuditKind(kind) => {
            asked.wanted.contract = Some(Arc::clone(audit::described()?));
            audit::kind(service, &asked, &kind).await
        }
        Place::AuditResource { kind, selector } => {
            asked.wanted.contract = Some(Arc::clone(audit::described()?));
            audit::resource(service, &asked, &kind, selector).await
        }
        Place::Registry(place) => registry::answer(service, asked, place),
        Place::Kind
        | Place::KindSchema
        | Place::Template
        | Place::Resource(_)
        | Place::Links
        | Place::Link(_)
        | Place::Property(..)
        | Place::Digest
        | Place::Tracked(..)
        | Place::Results => Err(Error::Internal("a place within a kind was found without its kind".to_owned())),
    }
}

async fn answer_in(
    service: &Service,
    collection: &Arc<Collection>,
    place: Place,
    asked: Asked<'_>,
    method: &Method,
) -> Result<HttpResponse, Error> {
    let kind = &collection.kind;
    match (place, method.as_str()) {
        (Place::Kind, "GET") => resources::page(service, collection, &asked).await,
        (Place::Kind, "POST") if kind.can_post => resources::create(service, collection, asked).await,
        (Place::Kind, _) => Err(not_allowed(if kind.can_post { "GET, HEAD, POST" } else { "GET, HEAD" })),
        (Place::KindSchema, "GET") => Ok(schema::redirect(collection, &asked)),
        (Place::Template, "GET") => template::read(service, collection, &asked),
        (Place::KindSchema | Place::Template, _) => Err(not_allowed("GET, HEAD")),
        (Place::Resource(selector), _) => resources::answer(service, collection, asked, selector, method).await,
        (Place::Property(selector, segments), _) => {
            properties::answer(service, collection, asked, (selector, &segments), method).await
        }
        (Place::Links, "GET") => linked::page(service, collection, &asked).await,
        (Place::Links, "POST") => linked::create(service, collection, asked).await,
        (Place::Links, _) => Err(not_allowed("GET, HEAD, POST")),
        (Place::Link(uuid), "GET") => linked::read(service, collection, asked, uuid).await,
        (Place::Link(uuid), "PUT") => linked::update(service, collection, asked, uuid).await,
        (Place::Link(uuid), "DELETE") => linked::delete(service, collection, asked, uuid).await,
        (Place::Link(_), _) => Err(not_allowed("GET, HEAD, PUT, DELETE")),
        (Place::Digest, "GET") => digest::read(service, collection, asked).await,
        (Place::Digest, "POST") => digest::write(service, collection, asked, DigestWrite::Merge).await,
        (Place::Digest, "PUT") => digest::write(service, collection, asked, DigestWrite::Replace).await,
        (Place::Digest, _) => Err(not_allowed("GET, HEAD, PUT, POST")),
        (Place::Tracked(operation, selected), method) => {
            tracked(service, collection, asked, operation, selected, method).await
        }
        (Place::Results, "POST") => results::record(service, collection, asked).await,
        (Place::Results, _) => Err(not_allowed("POST")),
        (place, _) => Err(Error::Internal(format!("{place:?} is no place within a kind"))),
    }
}

/// `$syncSource`, `$syncTarget` and the batches: `('X')` and `?trackingID=X` address the same context (core 11.6, decided).
async fn tracked(
    service: &Service,
    collection: &Arc<Collection>,
    asked: Asked<'_>,
    operation: Operation,
    selected: Option<String>,
    method: &str,
) -> Result<HttpResponse, Error> {
    let is_selected = selected.is_some();
    let id = selected.or_else(|| asked.parameter("trackingID").map(str::to_owned));
    match (method, id) {
        ("GET", Some(id)) => match operation {
            Operation::SyncSource => source::read(service, collection, asked, &id).await,
            Operation::SyncTarget => result_feed::read(service, collection, asked, Taking::SyncTarget, &id).await,
            Operation::Batch => result_feed::read(service, collection, asked, Taking::Batch, &id).await,
            Operation::LinkedBatch => result_feed::read(service, collection, asked, Taking::LinkedBatch, &id).await,
        },
        ("DELETE", Some(id)) => context::delete(service, collection, asked, operation, &id).await,
        ("POST", _) if !is_selected => match operation {
            Operation::SyncSource => source::submit(service, collection, asked).await,
            Operation::SyncTarget => result_feed::submit(service, collection, asked, Taking::SyncTarget).await,
            Operation::Batch => result_feed::submit(service, collection, asked, Taking::Batch).await,
            Operation::LinkedBatch => result_feed::submit(service, collection, asked, Taking::LinkedBatch).await,
        },
        (_, Some(_)) => Err(not_allowed("GET, HEAD, DELETE")),
        (_, None) => Err(not_allowed("POST")),
    }
}

/// The operation that a refused request would have been (interface.md, audit).
fn operation_of(place: &Place, method: &Method) -> Option<EventOperation> {
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
fn missed(path: &str, method: &Method) -> Option<(EventOperation, CollectionName)> {
    let segments = segments(path).ok()?;
    let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
    let ["sdata", application, contract, dataset, resource_kind, operation] = *names.as_slice() else { return None };
    let tracked = [Operation::SyncSource, Operation::SyncTarget];
    let place = match tracked.into_iter().find(|tracked| is_operation(operation, url_name(*tracked))) {
        Some(tracked) => Place::Tracked(tracked, None),
        None if is_operation(operation, "$syncDigest") => Place::Digest,
        None if is_operation(operation, "$syncResults") => Place::Results,
        None => return None,
    };
    let [application, contract, dataset, resource_kind] =
        [application, contract, dataset, resource_kind].map(str::to_owned);
    Some((operation_of(&place, method)?, CollectionName { application, contract, dataset, resource_kind }))
}

/// Service operations (core 2.4, 11), which this provider does not have.
const SERVICE: &str = "$service";
/// Named queries (core 12), which this provider does not have.
const QUERIES: &str = "$queries";
/// Segments above a resource kind: `sdata`, application, contract, dataset (core 2.1).
const LEVELS: usize = 4;

fn find(service: &Service, path: &str) -> Result<Found, Error> {
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
            return Err(not_found(SdataCode::ApplicationNotFound, "application", application));
        }
        ["sdata", _] => Place::Application,
        ["sdata", _, audit::CONTRACT, ref rest @ ..] => find_in_audit(rest, &segments)?,
        ["sdata", _, contract, ref rest @ ..] => return find_in_contract(service, contract, rest, &segments),
        _ => return Err(not_found(SdataCode::ApplicationDiagnosis, "page", path)),
    };
    Ok(Found { place, collection: None })
}

fn find_in_audit(rest: &[&str], segments: &[Segment]) -> Result<Place, Error> {
    match *rest {
        [] => Ok(Place::AuditContract),
        [dataset, ..] if dataset != "-" => Err(not_found(SdataCode::DatasetNotFound, "dataset", dataset)),
        [_] => Ok(Place::AuditDataset),
        [_, name] if is_operation(name, "$schema") => Ok(Place::AuditSchema),
        [_, kind] if audit::KINDS.contains(&kind) => {
            let kind = kind.to_owned();
            match segments.last().and_then(|segment| segment.selector.clone()) {
                None => Ok(Place::AuditKind(kind)),
                Some(selector) => Ok(Place::AuditResource { kind, selector }),
            }
        }
        [_, kind, name] if audit::KINDS.contains(&kind) && is_operation(name, "$schema") => {
            Ok(Place::AuditKindSchema(kind.to_owned()))
        }
        [_, kind, ..] => Err(not_found(SdataCode::ResourceKindNotFound, "resource kind", kind)),
    }
}

fn find_in_contract(service: &Service, contract: &str, rest: &[&str], segments: &[Segment]) -> Result<Found, Error> {
    let Some(served) = service.provider.contract(contract) else {
        return Err(not_found(SdataCode::ContractNotFound, "contract", contract));
    };
    let contract = contract.to_owned();
    let place = match *rest {
        [] => Place::Contract(contract),
        [dataset, ..] if !served.datasets.iter().any(|served| served == dataset) => {
            return Err(not_found(SdataCode::DatasetNotFound, "dataset", dataset));
        }
        [dataset] => Place::Dataset { contract, dataset: dataset.to_owned() },
        [_, name] if is_operation(name, "$schema") => Place::Schema { contract },
        [_, name, ..] if is_operation(name, SERVICE) => return Err(Error::NotImplemented(name.to_owned())),
        [_, name] if name.ends_with(".xsd") => Place::ImportedSchema { contract, name: name.to_owned() },
        [dataset, kind, ..] => {
            let Some(collection) = service.provider.collection(&contract, dataset, kind) else {
                return Err(not_found(SdataCode::ResourceKindNotFound, "resource kind", kind));
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
    let declined = |segment: &&Segment| [SERVICE, QUERIES].iter().any(|name| is_operation(&segment.name, name));
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
                && is_operation(&links.name, "$linked")
                && is_operation(&batch.name, "$batch") =>
        {
            Ok(Place::Tracked(Operation::LinkedBatch, quoted(batch)?))
        }
        (None, [first, ..]) => Err(not_found(SdataCode::ApplicationDiagnosis, "page", &first.name)),
    }
}

fn find_operation(collection: &Collection, segment: &Segment) -> Result<Place, Error> {
    let name = segment.name.as_str();
    let id = quoted(segment)?;
    let is = |operation| is_operation(name, operation);
    if is("$schema") {
        return Ok(Place::KindSchema);
    }
    if is("$linked") {
        return match id {
            None => Ok(Place::Links),
            Some(id) => Uuid::try_parse(&id)
                .map(Place::Link)
                .map_err(|_| not_found(SdataCode::ApplicationDiagnosis, "link with UUID", &id)),
        };
    }
    if is("$template") && collection.kind.can_post {
        return Ok(Place::Template);
    }
    if is("$syncDigest") && collection.is_synchronized() {
        return Ok(Place::Digest);
    }
    if is("$syncResults") && collection.is_synchronized() {
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
    Err(not_found(SdataCode::ApplicationDiagnosis, "operation", name))
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

/// Some clients spell `$syncsource` in lower case.
fn is_operation(name: &str, operation: &str) -> bool {
    name.eq_ignore_ascii_case(operation)
}

fn not_found(code: SdataCode, what: &'static str, name: &str) -> Error {
    Error::NotFound { code, what, name: name.to_owned() }
}
