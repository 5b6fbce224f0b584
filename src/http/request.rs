//! What handlers read off a request: parameters in any letter case, bodies within limits (core 1.2).

use super::Service;
use super::body::{Body, Described, Takes, described};
use super::client::Client;
use super::negotiate::Representation;
use super::respond::Wanted;
use crate::jobs::BodyStream;
use crate::protocol::Run;
use crate::protocol::paging::PageRequest;
use crate::provider::Error;
use crate::provider::access::ClosedKinds;
use crate::provider::audit::Origin;
use crate::provider::gate::Who;
use crate::wire::ReadLimits;
use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, IF_MATCH};
use actix_web::web::Payload;
use bytes::Bytes;
use std::num::{IntErrorKind, ParseIntError};

/// Where a page begins, in `next` links: a parameter of our own, and so with an underscore (core 2.15).
pub(super) const AFTER: &str = "_after";
/// The parameters that choose a page, and the one that is in the path of every link.
const PAGE_PARAMETERS: [&str; 4] = ["startIndex", "count", AFTER, "trackingID"];

/// Kinds that a request must not get at by way of that of its URL.
#[derive(Debug, Clone, Default)]
pub(super) struct Closed {
    /// Those that must not be read.
    pub to_read: ClosedKinds,
    /// Those that the request's method is not allowed for.
    pub to_method: ClosedKinds,
}

/// A request as the handlers see it.
pub(super) struct Asked<'a> {
    /// As it came.
    pub http: &'a HttpRequest,
    /// How it is to be answered.
    pub wanted: Wanted,
    /// What is closed to whoever asks, of the kinds beside that of the URL.
    pub closed: Closed,
    /// What may be read of its body.
    pub read_limits: ReadLimits,
    /// Its query, decoded.
    parameters: Vec<(String, String)>,
    body: Option<Body>,
}

impl<'a> Asked<'a> {
    /// Takes the request apart.
    pub(super) fn new(http: &'a HttpRequest, body: Payload, service: &Service) -> Self {
        let parameters = url::form_urlencoded::parse(http.query_string().as_bytes())
            // NUL is the one character that not every database can keep, or look for.
            .map(|(name, value)| (name.into_owned(), value.replace('\0', "\u{fffd}")))
            .collect();
        let body = Some(Body::new(http, body, service.limits, &service.memory));
        let (closed, read_limits) = (Closed::default(), service.limits.read);
        let mut asked = Self { http, wanted: Wanted::atom(http), closed, read_limits, parameters, body };
        asked.wanted.representation = Representation::of(http, asked.parameter("format"));
        asked
    }

    /// The parameter of this name, in any letter case; the first if it stands there twice.
    #[must_use]
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// `url` with the parameters of this request that do not choose a page: for links to other pages (core 6.4).
    #[must_use]
    pub(super) fn linked(&self, url: &str) -> String {
        let chooses_page = |name: &str| PAGE_PARAMETERS.iter().any(|own| own.eq_ignore_ascii_case(name));
        let mut kept = self.parameters.iter().filter(|(name, _)| !chooses_page(name)).peekable();
        if kept.peek().is_none() {
            return url.to_owned();
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
        format!("{url}?{query}")
    }

    /// A parameter that is a whole number.
    ///
    /// # Errors
    /// [`Error::BadParameter`] when it is none.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(text) = self.parameter(name).map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
        text.parse().map(Some).or_else(|error: ParseIntError| match error.kind() {
            // Behind any end, and above any limit (core 6.4).
            IntErrorKind::PosOverflow => Ok(Some(i64::MAX)),
            IntErrorKind::NegOverflow => Ok(Some(i64::MIN)),
            _ => Err(Error::BadParameter(format!("{name}={text}: a whole number was expected"))),
        })
    }

    /// Whether a parameter says yes.
    #[must_use]
    pub(super) fn flag(&self, name: &str) -> bool {
        self.parameter(name).map(str::trim).is_some_and(|text| text == "1" || text.eq_ignore_ascii_case("true"))
    }

    /// The page the request asks for; `count` stands in where the request does not say.
    ///
    /// # Errors
    /// [`Error::BadParameter`].
    pub(super) fn page(&self, service: &Service, count: Option<i64>) -> Result<PageRequest, Error> {
        let count = self.number("count")?.or(count);
        Ok(PageRequest::new(self.number("startIndex")?, count, service.provider.offer.pages))
    }

    /// Who asks, under which run and tracking id.
    #[must_use]
    pub(super) fn origin(&self) -> Origin {
        let owned = |name| self.parameter(name).map(str::to_owned);
        Origin {
            run: Run::from_parts(owned("runName"), owned("runStamp")),
            tracking_id: owned("trackingID").filter(|id| !id.is_empty()),
            principal: self.wanted.visitor.principal().map(str::to_owned),
            remote_address: Client::of(self.http).address.map(|address| address.to_string()),
        }
    }

    /// The value of `If-Match`.
    #[must_use]
    pub(super) fn if_match(&self) -> Option<&str> {
        header(self.http.headers(), IF_MATCH.as_str())
    }

    /// The whole body as XML: of requests that carry one entry. It can be taken once.
    ///
    /// # Errors
    /// Those of [`Body::whole`].
    pub(super) async fn body(&mut self) -> Result<Bytes, Error> {
        let collection = self.wanted.collection.clone();
        self.body_of(collection.as_deref().map(described)).await
    }

    /// The same of a URL that takes something else than its collection's resources: of a JSON object, `described` says
    /// what it is.
    ///
    /// # Errors
    /// Those of [`Body::whole`].
    pub(super) async fn body_of(&mut self, described: Option<Described<'_>>) -> Result<Bytes, Error> {
        let who = self.who();
        self.taken_body()?.whole(Takes::Entry, described, who).await
    }

    /// The whole body as XML: of requests that carry a feed which is read at once. It can be taken once.
    ///
    /// # Errors
    /// Those of [`Body::whole`].
    pub(super) async fn whole_feed(&mut self) -> Result<Bytes, Error> {
        let (collection, who) = (self.wanted.collection.clone(), self.who());
        self.taken_body()?.whole(Takes::Feed, collection.as_deref().map(described), who).await
    }

    /// The body as XML as it arrives: of requests that carry a feed. It can be taken once.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when its length is announced and too large, [`Error::ContentCoding`].
    pub(super) fn body_stream(&mut self) -> Result<BodyStream, Error> {
        let who = self.who();
        self.taken_body()?.stream(self.wanted.collection.clone(), who)
    }

    /// For whom it is counted what the body takes.
    fn who(&self) -> Option<Who> {
        Who::of(&self.origin())
    }

    fn taken_body(&mut self) -> Result<Body, Error> {
        self.body.take().ok_or_else(|| Error::Internal("a body was read twice".to_owned()))
    }
}

/// A header's value, if it is text.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
