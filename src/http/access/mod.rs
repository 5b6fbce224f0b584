//! Whether a request may be answered at all: asked before anything is looked up (core 5).

mod credentials;
mod same_site;
mod target;

use super::Service;
use super::client::Client;
use super::conditional::is_read;
use super::request::Closed;
use crate::protocol::access::Right;
use crate::protocol::demand::Target;
use crate::protocol::path::segments;
use crate::provider::access::{Refusal, Refused, Turned, Visitor};
use crate::provider::audit::Origin;
use crate::provider::{Collection, Error};
use crate::store::CollectionName;
use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use std::time::Instant;
use target::named;

/// How credentials can be sent. The first is what browsers ask people for.
const CHALLENGES: [&str; 2] = ["Basic realm=\"SData\", charset=\"UTF-8\"", "Bearer realm=\"SData\""];
/// Characters of a URL that the audit shows of a refusal.
const SHOWN_CHARS: usize = 300;

/// Lets whoever sends a request in, as far as its URL goes; `method` is the one that it stands for.
///
/// # Errors
/// [`Turned`] with the refusal; with what the store says when it cannot be asked.
pub(super) async fn admit(service: &Service, http: &HttpRequest, method: &Method) -> Result<Visitor, Turned> {
    // A path that cannot be read leads nowhere, and is refused as such by who finds out what is there.
    let segments = segments(http.uri().path()).unwrap_or_default();
    let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
    let is_selected = segments.get(target::KIND).is_some_and(|kind| kind.selector.is_some());
    let target = named(&names, is_selected);
    if target == Target::Open {
        return Ok(Visitor::nobody());
    }
    if same_site::is_foreign(http, &service.provider.offer.base_url) {
        return Err(Refusal::ForeignPage.into());
    }
    if !service.access.asks_who() {
        return Ok(Visitor::everybody());
    }
    let client = Client::of(http);
    if !client.is_private {
        return Err(Refusal::NotPrivate.into());
    }
    let visitor = service.access.visitor(credentials::sent(http.headers()), client.address).await?;
    let reads = *method == Method::GET && is_read(http);
    match visitor.check(target.demand(reads)) {
        Ok(()) => Ok(visitor),
        Err(refusal) => Err(Turned { error: refusal.into(), account: visitor.principal().map(str::to_owned) }),
    }
}

/// What is closed to whoever asks beside `collection`.
pub(super) fn closed(visitor: &Visitor, collection: &Collection, method: &Method) -> Closed {
    let to_read = visitor.closed_kinds(collection, Right::Read);
    let to_method = match *method {
        Method::GET => to_read.clone(),
        _ => visitor.closed_kinds(collection, Right::Write),
    };
    Closed { to_read, to_method }
}

/// Whether whoever asks may see what is at `place`, an application, contract, dataset or resource kind: what they may not see
/// is not listed for them.
pub(super) fn sees(visitor: &Visitor, place: &[&str]) -> bool {
    visitor.may(target::below(place, false).demand(true))
}

/// Has the audit tell of a refusal, if `error` is one.
pub(super) async fn note(service: &Service, http: &HttpRequest, origin: Origin, error: &Error, started: Instant) {
    if !matches!(error, Error::Access(_)) {
        return;
    }
    let path: String = http.uri().path().chars().take(SHOWN_CHARS).collect();
    let message = format!("{} {path}: {error}", http.method());
    let (name, status) = (collection_name(service, http), error.failure().status);
    service.access.note_refusal(Refused { origin, name, status, message, started }).await;
}

/// The collection that a URL is about: what is not served has no name here, whoever makes it up.
fn collection_name(service: &Service, http: &HttpRequest) -> Option<CollectionName> {
    let segments = segments(http.uri().path()).ok()?;
    let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
    let ["sdata", application, contract, dataset, kind, ..] = *names.as_slice() else { return None };
    let collection = service.provider.collection(contract, dataset, kind)?;
    (application == collection.name.application).then(|| collection.name.clone())
}

/// What an answer that refuses says in its head: how credentials can be sent, when to come again.
pub(super) fn explain(refusal: Refusal, headers: &mut HeaderMap) {
    match refusal {
        Refusal::Unauthenticated => {
            for challenge in CHALLENGES {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
        }
        Refusal::Throttled(seconds) => {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        Refusal::NotPrivate | Refusal::ForeignPage | Refusal::NotGranted | Refusal::Overloaded => {}
    }
}
