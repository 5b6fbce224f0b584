//! What happens to every request before it is known what it asks, and to every answer before it leaves.

use super::client::Client;
use super::connection::{Link, UnderWay};
use super::negotiate::Representation;
use super::respond::Wanted;
use super::{Service, errors, health, pages, routes};
use crate::provider::Error;
use crate::provider::gate::{Full, Pass, Who};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::gate::Gate;
    use actix_web::body::BodyStream;
    use futures_util::{StreamExt, stream};
    use std::io;
    use std::rc::Rc;
    use std::task::Waker;

    type Piece = Poll<Option<Result<Bytes, Box<dyn std::error::Error>>>>;

    fn held(body: impl MessageBody + 'static, link: &Rc<Link>) -> Held {
        Held::new(BoxBody::new(body), Some(link.begin()), [None, None])
    }

    fn asked(held: &mut Held) -> Piece {
        Pin::new(held).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn piece(held: &mut Held) -> Bytes {
        match asked(held) {
            Poll::Ready(Some(Ok(piece))) => piece,
            other => panic!("no piece: {other:?}"),
        }
    }

    #[actix_web::test]
    async fn a_body_is_handed_on_whole_in_pieces() {
        let body: Bytes = (0..150_000_u32).map(|byte| byte.to_le_bytes()[0]).collect();
        let mut held = held(body.clone(), &Link::idle(1));
        assert_eq!(held.size(), BodySize::Sized(150_000));
        let pieces: Vec<_> = (0..3).map(|_| piece(&mut held)).collect();
        assert_eq!(
            pieces.iter().map(Bytes::len).collect::<Vec<_>>(),
            [PIECE_BYTES, PIECE_BYTES, 150_000 - 2 * PIECE_BYTES]
        );
        assert_eq!(pieces.concat(), body);
        assert!(matches!(asked(&mut held), Poll::Ready(None)));
    }

    #[actix_web::test]
    async fn a_body_is_not_taken_whole() {
        let held = held(Bytes::from_static(b"small"), &Link::idle(1));
        assert!(held.try_into_bytes().is_err());
    }

    #[actix_web::test]
    async fn an_answer_leaves_from_a_piece_until_the_next_is_wanted() {
        let link = Link::idle(1);
        let body = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"one"))]).chain(stream::pending());
        let mut held = held(BodyStream::new(body), &link);
        assert_eq!(link.counts(), (1, 0), "it is being made");
        assert_eq!(piece(&mut held), "one");
        assert_eq!(link.counts(), (1, 1), "it is the client's turn");
        assert!(asked(&mut held).is_pending());
        assert_eq!(link.counts(), (1, 0), "the client has come for more, which is not there yet");
        drop(held);
        assert_eq!(link.counts(), (0, 0));
    }

    #[actix_web::test]
    async fn an_answer_that_is_cut_off_in_the_middle_is_under_way_no_more() {
        let link = Link::idle(1);
        let mut held = held(Bytes::from_static(b"one"), &link);
        piece(&mut held);
        drop(held);
        assert_eq!(link.counts(), (0, 0));
    }

    #[actix_web::test]
    async fn places_are_held_until_the_body_has_left() {
        let gate = Gate::new(1, 1);
        let passes = [gate.enter(None).ok(), gate.enter_as("ada").ok()];
        let mut held = Held::new(BoxBody::new(Bytes::from_static(b"one")), None, passes);
        piece(&mut held);
        assert!(matches!(asked(&mut held), Poll::Ready(None)));
        assert!(gate.enter(None).is_err() && gate.enter_as("ada").is_err());
        drop(held);
        assert!(gate.enter(None).is_ok() && gate.enter_as("ada").is_ok());
    }

    #[actix_web::test]
    async fn a_body_that_fails_says_so() {
        let body = stream::iter([Ok(Bytes::from_static(b"one")), Err(io::Error::other("broken"))]);
        let mut held = held(BodyStream::new(body), &Link::idle(1));
        assert_eq!(piece(&mut held), "one");
        assert!(matches!(asked(&mut held), Poll::Ready(Some(Err(_)))));
    }
}
