//! Whether a request may be answered at all: asked before anything is looked up (core 5).

mod credentials;
mod own_name;
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
    let base_url = &service.provider.offer.base_url;
    if same_site::is_foreign(http, base_url) {
        return Err(Refusal::ForeignPage.into());
    }
    if !service.access.asks_who() {
        if !own_name::is_own(http, base_url) {
            return Err(Refusal::ForeignName.into());
        }
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
        Err(refusal) => Err(Turned { account: visitor.principal().map(str::to_owned), ..Turned::from(refusal) }),
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

/// Has the audit tell of a refusal, if `error` is one; of an account by the name that was `tried`, if there is one.
pub(super) async fn note(
    service: &Service,
    http: &HttpRequest,
    (origin, tried): (Origin, Option<String>),
    error: &Error,
    started: Instant,
) {
    if !matches!(error, Error::Access(_) | Error::TooManyJobs(_)) {
        return;
    }
    // Whoever is refused makes no runs.
    let origin = Origin { run: None, tracking_id: None, ..origin };
    let path: String = http.uri().path().chars().take(SHOWN_CHARS).collect();
    let message = format!("{} {path}: {error}", http.method());
    let (name, status) = (collection_name(service, http), error.failure().status);
    service.access.note_refusal(Refused { origin, tried, name, status, message, started }).await;
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
        Refusal::NotPrivate
        | Refusal::ForeignPage
        | Refusal::ForeignName
        | Refusal::NotGranted
        | Refusal::Overloaded => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Limits;
    use crate::jobs::{JobSettings, Jobs, Kept};
    use crate::provider::Provider;
    use crate::provider::access::Access;
    use crate::wire::ReadLimits;
    use actix_web::http::header::AUTHORIZATION;
    use actix_web::test::TestRequest;
    use std::sync::Arc;
    use std::time::Duration;

    async fn service(folder: &std::path::Path) -> Service {
        let provider = Arc::new(Provider::empty(folder).await);
        let settings = JobSettings {
            workers: 1,
            polling_millis: 100,
            lease: Duration::from_secs(60),
            limits: ReadLimits::default(),
            max_body_bytes: 1,
            jobs_per_client: 1,
            kept: Kept::default(),
        };
        let access = Access::accounts(&provider).unwrap();
        let jobs = Jobs::new(Arc::clone(&provider), settings);
        Service::new(provider, access, jobs, Limits::least(), &[], Arc::new(String::new))
    }

    /// CORE-5.2-01.
    #[actix_web::test]
    async fn credentials_are_never_looked_at_where_others_can_read_along() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(folder.path()).await;
        let refusal = async |address: &str, path: &str, authorization: Option<&str>| {
            let request = TestRequest::with_uri(path).peer_addr(address.parse().unwrap());
            let header = |request: TestRequest, value: &str| request.insert_header((AUTHORIZATION, value));
            let request = authorization.into_iter().fold(request, header).to_http_request();
            match admit(&service, &request, &Method::GET).await {
                Ok(_) => None,
                Err(Turned { error: Error::Access(refusal), .. }) => Some(refusal),
                Err(Turned { error, .. }) => panic!("{error}"),
            }
        };
        let basic = Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        for credentials in [None, basic, Some("Bearer sdata_x")] {
            assert_eq!(refusal("192.0.2.1:7", "/sdata", credentials).await, Some(Refusal::NotPrivate));
            assert_eq!(refusal("127.0.0.1:7", "/sdata", credentials).await, Some(Refusal::Unauthenticated));
            assert_eq!(refusal("[::1]:7", "/sdata", credentials).await, Some(Refusal::Unauthenticated));
            assert_eq!(refusal("192.0.2.1:7", "/healthz", credentials).await, None);
        }
    }
}
