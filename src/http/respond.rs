//! Answers, with the media types that deployed clients compare (docs/integrating.md, "What is written").

use super::conditional;
use super::negotiate::Representation;
use super::pages;
use super::represent::{FeedBody, entry_body};
use super::request::{AFTER, Asked};
use crate::contract::Contract;
use crate::protocol::paging::PageRequest;
use crate::protocol::{Tracking, etag, operation};
use crate::provider::access::Visitor;
use crate::provider::{Collection, Error, Provider, ResourcePage};
use crate::wire::{EntryOut, FeedOut, HttpOut, JSON_TYPE, Link, write_json_tracking, write_tracking};
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use actix_web::http::{ConnectionType, StatusCode, Version};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// The media type of tracking payloads and diagnoses.
pub(super) const XML_TYPE: &str = "application/xml";

/// HTTP/1.0 knows no chunks: the end of a streamed body is the end of the connection there, also where the client asked
/// for the connection to be kept.
fn suit_version<B: MessageBody>(response: &mut HttpResponse<B>, version: Version) {
    if version <= Version::HTTP_10 && matches!(response.body().size(), BodySize::Stream) {
        response.head_mut().no_chunking(true);
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
}

/// The answer as it can leave, now that it is known whether it was compressed.
pub(super) fn suit<B: MessageBody>(mut answer: ServiceResponse<B>) -> ServiceResponse<B> {
    let version = answer.request().version();
    conditional::mark(answer.response_mut());
    suit_version(answer.response_mut(), version);
    answer
}

/// How an answer is to look.
#[derive(Clone)]
pub(super) struct Wanted {
    /// The request it answers.
    pub http: HttpRequest,
    /// The form of feeds and entries.
    pub representation: Representation,
    /// The collection that the URL belongs to, if it does to one.
    pub collection: Option<Arc<Collection>>,
    /// The contract that says what the resources look like.
    pub contract: Option<Arc<Contract>>,
    /// Who asks.
    pub visitor: Visitor,
}

impl Wanted {
    /// Atom, whatever the request says.
    pub(super) fn atom(http: &HttpRequest) -> Self {
        let http = http.clone();
        let (representation, visitor) = (Representation::Atom, Visitor::nobody());
        Self { http, representation, collection: None, contract: None, visitor }
    }

    /// Whether the answer is a page for people.
    pub(super) fn is_page(&self) -> bool {
        self.representation == Representation::Html
    }
}

/// A feed that was written whole, with the hash of it as its validator.
pub(super) fn feed(media_type: &str, body: Bytes) -> HttpResponse {
    let etag = conditional::of_bytes(&body);
    HttpResponse::Ok().insert_header((CONTENT_TYPE, media_type)).insert_header((ETAG, etag)).body(body)
}

/// A feed of `entries` under `head`, in the form that is wanted. It is as old as the latest of what it shows.
///
/// # Errors
/// When an entry cannot be written.
pub(super) fn feed_of(wanted: &Wanted, head: &FeedOut, entries: &[EntryOut]) -> Result<HttpResponse, Error> {
    let updated = entries.iter().map(|entry| entry.updated).max().unwrap_or(head.updated);
    let mut body = FeedBody::begin(wanted, &FeedOut { updated, ..head.clone() })?;
    for entry in entries {
        body.entry(&in_form(wanted, entry))?;
    }
    let media_type = body.media_type();
    Ok(feed(media_type, body.finish()?))
}

/// A single entry in the form that is wanted, its `http:etag` also as header (core 9.3); what is read and has none
/// gets the hash of its bytes.
///
/// # Errors
/// When it cannot be written.
pub(super) fn entry(wanted: &Wanted, status: StatusCode, entry: &EntryOut) -> Result<HttpResponse, Error> {
    let entry = in_form(wanted, entry);
    let (media_type, body) = entry_body(wanted, &entry)?;
    let hash = || conditional::is_read(&wanted.http).then(|| conditional::of_bytes(&body));
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, media_type));
    if let Some(etag) = entry.http.etag.clone().or_else(hash) {
        response.insert_header((ETAG, etag));
    }
    if status == StatusCode::CREATED {
        response.insert_header((LOCATION, entry.id.as_str()));
    }
    Ok(response.body(body))
}

/// The entry with the etag it has in the form that is wanted: no two forms have the same.
fn in_form<'e>(wanted: &Wanted, entry: &'e EntryOut) -> Cow<'e, EntryOut> {
    let (Representation::Json, Some(etag)) = (wanted.representation, &entry.http.etag) else {
        return Cow::Borrowed(entry);
    };
    let etag = Some(etag::extended(etag, "json"));
    Cow::Owned(EntryOut { http: HttpOut { etag, ..entry.http.clone() }, ..entry.clone() })
}

/// 200 for what leaves nothing to show: deployed clients expect it instead of 204.
pub(super) fn done() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, XML_TYPE)).body(Bytes::new())
}

/// 202: the operation is accepted or still runs (core 11.5).
pub(super) fn accepted(wanted: &Wanted, location: &str, tracking: &Tracking) -> HttpResponse {
    let (media_type, body) = match wanted.representation {
        Representation::Json => (JSON_TYPE, write_json_tracking(tracking)),
        Representation::Html => match pages::notice::tracking(wanted, tracking) {
            Ok(page) => (pages::HTML_TYPE, page),
            Err(_) => (XML_TYPE, write_tracking(tracking)),
        },
        Representation::Atom => (XML_TYPE, write_tracking(tracking)),
    };
    HttpResponse::Accepted().insert_header((CONTENT_TYPE, media_type)).insert_header((LOCATION, location)).body(body)
}

/// What the head of every page of a feed says alike; `total` counts the entries of all pages (core 3.2, 3.5).
pub(super) fn page_head(provider: &Provider, page: PageRequest, total: u64) -> FeedOut {
    FeedOut {
        author: author(provider),
        total_results: Some(total),
        start_index: Some(page.start_index),
        items_per_page: Some(page.count),
        ..FeedOut::default()
    }
}

/// The links of a page that a query selected: the next one goes on where this one ended.
pub(super) fn selected_links(asked: &Asked<'_>, url: &str, page: PageRequest, read: &ResourcePage) -> Vec<Link> {
    let next_start = page.start_index + read.documents.len() as u64;
    let next = read.next.as_ref().map(|end| (next_start, format!("&{AFTER}={end}")));
    page_links(&asked.linked(url), page, read.total, next)
}

/// Where what is new is prepared and posted (core 3.3).
pub(super) fn creation_links(url: &str) -> [Link; 2] {
    let template = format!("{url}/{}", operation::TEMPLATE);
    [
        Link::entry("http://schemas.sage.com/sdata/link-relations/template", &template, "Template"),
        Link::entry("http://schemas.sage.com/sdata/link-relations/post", url, "New"),
    ]
}

/// The page of the feed at `url` that starts at `start`.
pub(super) fn page_url(url: &str, start: u64, count: u64) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}startIndex={start}&count={count}")
}

/// The links of a page whose entries are counted: the next one starts where this one ended.
pub(super) fn counted_links(url: &str, page: PageRequest, total: u64) -> Vec<Link> {
    page_links(url, page, total, page.next(total).map(|start| (start, String::new())))
}

/// The links of a page: self, first, previous, next, last (core 6.4). `url` leads to the feed without paging parameters
/// and ends so that they can be added; `next` is where the next page starts and what its link carries besides.
pub(super) fn page_links(url: &str, page: PageRequest, total: u64, next: Option<(u64, String)>) -> Vec<Link> {
    let href = |start: u64| page_url(url, start, page.count);
    let mut links =
        vec![Link::feed("self", &href(page.start_index), "Refresh"), Link::feed("first", &href(1), "First page")];
    if let Some(start) = page.previous() {
        links.push(Link::feed("previous", &href(start), "Previous page"));
    }
    if let Some((start, more)) = next {
        links.push(Link::feed("next", &format!("{}{more}", href(start)), "Next page"));
    }
    links.push(Link::feed("last", &href(page.last(total)), "Last page"));
    links
}

/// The author of what this provider says itself.
pub(super) fn author(provider: &Provider) -> String {
    provider.offer.title.clone()
}
