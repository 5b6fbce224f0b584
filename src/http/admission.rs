//! What happens to every request before it is known what it asks, and to every answer before it leaves.

use super::client::Client;
use super::connection::{Link, UnderWay};
use super::gate::{Full, Pass, Who};
use super::negotiate::Representation;
use super::respond::Wanted;
use super::{Service, errors, health, pages, routes};
use crate::provider::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// A browser that came by TLS once comes by TLS alone for two years.
const TLS_ALONE: &str = "max-age=63072000";

/// Lets a request in, has it answered, and counts it until the last byte of its answer is on its way.
pub(super) async fn admit(http: HttpRequest, body: Payload, service: Data<Service>) -> HttpResponse {
    let began = Instant::now();
    let client = Client::of(&http);
    let under_way = Link::of(&http).map(Link::begin);
    let (mut response, pass) = match enter(&http, &service, &client) {
        Ok(pass) => (routes::dispatch(http.clone(), body, service.clone()).await, pass),
        Err(error) => {
            let wanted = Wanted { representation: Representation::of(&http, None), ..Wanted::atom(&http) };
            let response = errors::answer(&service, &wanted, &error).await;
            health::measure(http.method(), response.status(), began);
            (response, None)
        }
    };
    secure(&mut response, &client);
    // Who was too slow may go on sending; who is told while the server stops must ask elsewhere.
    if response.status() == StatusCode::REQUEST_TIMEOUT || service.stopping.is_cancelled() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response.map_body(|_, body| BoxBody::new(Held { body, _under_way: under_way, _pass: pass }))
}

/// Operators and load balancers are answered whatever the load.
fn enter(http: &HttpRequest, service: &Service, client: &Client) -> Result<Option<Pass>, Error> {
    service.limits.check_head(http)?;
    if health::is_about(http.path()) {
        return Ok(None);
    }
    service.requests.enter(client.address.map(Who::at)).map(Some).map_err(Error::from)
}

impl From<Full> for Error {
    fn from(full: Full) -> Self {
        Self::Overloaded(match full {
            Full::All(most) => format!("{most} requests are under way, the most this provider answers at once"),
            Full::OfOne(most) => format!("{most} of your requests are under way, the most one client may have at once"),
        })
    }
}

/// What browsers and caches must know of every answer.
fn secure(response: &mut HttpResponse, client: &Client) {
    pages::protect(response);
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if client.is_encrypted {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TLS_ALONE));
    }
    // What may be kept says so; all else is between the provider and who asked.
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// A body that holds its request's places until it has left.
struct Held {
    body: BoxBody,
    _under_way: Option<UnderWay>,
    _pass: Option<Pass>,
}

impl MessageBody for Held {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self { body, _under_way, _pass } = self;
        body.try_into_bytes().map_err(|body| Self { body, _under_way, _pass })
    }
}
