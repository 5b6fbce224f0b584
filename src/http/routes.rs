//! Who answers a request: whoever asks is let in, the place is found, its handler answers, and what goes wrong is told.

use super::errors::not_allowed;
use super::place::{Found, Place, find, missed, operation_of};
use super::request::{Asked, header};
use super::{
    Service, access, audit, conditional, context, digest, errors, health, linked, navigation, pages, properties,
    registry, resources, result_feed, results, schema, source, template,
};
use crate::provider::access::Turned;
use crate::provider::audit::{Origin, event, event_at};
use crate::provider::digest::DigestWrite;
use crate::provider::{Collection, Error};
use crate::store::{EventOutcome, Operation};
use crate::telemetry::trace_context::{TRACEPARENT, TRACESTATE, TraceHeaders, continue_trace};
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use std::sync::Arc;
use std::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};

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
        Err(Turned { error, account, tried }) => {
            let origin = Origin { principal: account, ..asked.origin() };
            access::note(service, http, (origin, tried), &error, started).await;
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
        // A batch is no synchronization: its refusal has no operation of its own.
        (Error::Access(_), ..) | (Error::TooManyJobs(_), None, _) => {
            access::note(service, &wanted.http, (origin, None), &error, started).await;
        }
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
        Place::Asset(name) => pages::assets::asset(&name).ok_or_else(|| Error::no_such("page", name)),
        Place::Provider => navigation::provider(service, &asked),
        Place::Application => navigation::application(service, &asked),
        Place::Contract(contract) => navigation::contract(service, &asked, &contract),
        Place::Dataset { contract, dataset } => navigation::dataset(service, &asked, &contract, &dataset),
        Place::Schema { contract } => schema::contract(service, &asked, &contract),
        Place::ImportedSchema { contract, name } => schema::imported(service, &asked, &contract, &name),
        Place::AuditContract => audit::contract(service, &asked),
        Place::AuditDataset => audit::dataset(service, &asked),
        Place::AuditSchema => audit::schema(service, &asked),
        Place::AuditKindSchema(kind) => audit::kind_schema(service, &asked, kind),
        Place::AuditKind(kind) => {
            asked.wanted.contract = Some(Arc::clone(audit::described()?));
            audit::kind(service, &asked, kind).await
        }
        Place::AuditResource { kind, selector } => {
            asked.wanted.contract = Some(Arc::clone(audit::described()?));
            audit::resource(service, &asked, kind, selector).await
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
            taking => result_feed::read(service, collection, asked, taking, &id).await,
        },
        ("DELETE", Some(id)) => context::delete(service, collection, asked, operation, &id).await,
        ("POST", _) if !is_selected => match operation {
            Operation::SyncSource => source::submit(service, collection, asked).await,
            taking => result_feed::submit(service, collection, asked, taking).await,
        },
        (_, Some(_)) => Err(not_allowed("GET, HEAD, DELETE")),
        (_, None) => Err(not_allowed("POST")),
    }
}
