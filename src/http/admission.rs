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
use std::task::{Context, Poll, ready};
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
    let of_account = response.extensions_mut().remove::<Pass>();
    response.map_body(|_, body| BoxBody::new(Held::new(body, under_way, [pass, of_account])))
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

/// Bytes of an answer that are handed on at once: of the next ones it is seen whether the client takes what it is sent.
const PIECE_BYTES: usize = 64 * 1024;

/// A body that holds its request's places until it has left. It does not let itself be taken whole: then nobody would see
/// that.
struct Held {
    body: BoxBody,
    /// What is to be handed on before the body is asked for more.
    rest: Bytes,
    under_way: Option<UnderWay>,
    _passes: [Option<Pass>; 2],
}

impl Held {
    fn new(body: BoxBody, under_way: Option<UnderWay>, passes: [Option<Pass>; 2]) -> Self {
        Self { body, rest: Bytes::new(), under_way, _passes: passes }
    }

    fn next_piece(&mut self) -> Bytes {
        let length = self.rest.len().min(PIECE_BYTES);
        self.rest.split_to(length)
    }
}

impl MessageBody for Held {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if let Some(under_way) = &mut this.under_way {
            under_way.wanted();
        }
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_next(cx)) {
                Some(Ok(more)) => this.rest = more,
                end => return Poll::Ready(end),
            }
        }
        if let Some(under_way) = &mut this.under_way {
            under_way.leaves();
        }
        Poll::Ready(Some(Ok(this.next_piece())))
    }
}
