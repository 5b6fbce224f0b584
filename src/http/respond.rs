//! Answers, with the media types that deployed clients compare (protocol.md, "What deployed engines and clients rely on").

use super::negotiate::Representation;
use super::pages;
use crate::protocol::Tracking;
use crate::protocol::paging::PageRequest;
use crate::provider::{Collection, Error, Provider};
use crate::wire::{ENTRY_TYPE, EntryOut, FEED_TYPE, FeedOut, FeedWriter, Link, write_entry, write_tracking};
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use actix_web::http::{ConnectionType, StatusCode, Version};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use std::sync::Arc;

/// The media type of tracking payloads and diagnoses.
pub(super) const XML_TYPE: &str = "application/xml";

/// HTTP/1.0 knows no chunks: the end of a streamed body is the end of the connection there, also where the client asked
/// for the connection to be kept.
pub(super) fn suit_version(response: &mut HttpResponse, version: Version) {
    if version <= Version::HTTP_10 && matches!(response.body().size(), BodySize::Stream) {
        response.head_mut().no_chunking(true);
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
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
}

impl Wanted {
    /// Atom, whatever the request says.
    pub(super) fn atom(http: &HttpRequest) -> Self {
        Self { http: http.clone(), representation: Representation::Atom, collection: None }
    }

    /// Whether the answer is a page for people.
    pub(super) fn is_page(&self) -> bool {
        self.representation == Representation::Html
    }
}

/// A feed.
pub(super) fn feed(body: Bytes) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, FEED_TYPE)).body(body)
}

/// A feed of `entries` under `head`, in the form that is wanted.
///
/// # Errors
/// When an entry cannot be written.
pub(super) fn feed_of(wanted: &Wanted, head: &FeedOut, entries: &[EntryOut]) -> Result<HttpResponse, Error> {
    if wanted.is_page() {
        return pages::generic::feed(wanted, head, entries);
    }
    let mut writer = FeedWriter::begin(head)?;
    for entry in entries {
        writer.entry(entry)?;
    }
    Ok(feed(writer.finish()?))
}

/// A single entry in the form that is wanted, its `http:etag` also as header (core 9.3).
///
/// # Errors
/// When it cannot be written.
pub(super) fn entry(wanted: &Wanted, status: StatusCode, entry: &EntryOut) -> Result<HttpResponse, Error> {
    if wanted.is_page() {
        return pages::entry::plain(wanted, status, entry);
    }
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, ENTRY_TYPE));
    if let Some(etag) = &entry.http.etag {
        response.insert_header((ETAG, etag.as_str()));
    }
    if status == StatusCode::CREATED {
        response.insert_header((LOCATION, entry.id.as_str()));
    }
    Ok(response.body(write_entry(entry)?))
}

/// 200 for what leaves nothing to show: deployed clients expect it instead of 204.
pub(super) fn done() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, XML_TYPE)).body(Bytes::new())
}

/// 202: the operation is accepted or still runs (core 11.5).
pub(super) fn accepted(location: &str, tracking: &Tracking) -> HttpResponse {
    HttpResponse::Accepted()
        .insert_header((CONTENT_TYPE, XML_TYPE))
        .insert_header((LOCATION, location))
        .body(write_tracking(tracking))
}

/// The page of the feed at `url` that starts at `start`.
pub(super) fn page_url(url: &str, start: u64, count: u64) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}startIndex={start}&count={count}")
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
