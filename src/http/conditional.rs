//! Validators of what is sent, and 304 for whoever has it already (core 6.6; RFC 9110, 8.8 and 13).
//!
//! A 304 must never be wrong, so validators are hashes of all that is shown (those of entries: `protocol::etag`). `Last-Modified` is sent, and so
//! `If-Modified-Since` understood, only where time says everything: for what does not change while the provider runs.
//! A resource's stamp does not: synchronization may bring an older one, and a list changes when something leaves it.

use super::request::header;
use crate::protocol::{Stamp, etag};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, ETAG, EXPIRES, Header, HeaderValue, HttpDate, IF_NONE_MATCH, IfModifiedSince,
    LAST_MODIFIED, LastModified, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use std::time::SystemTime;

/// Hexadecimal digits of a validator: enough for 96 bits.
const DIGITS: usize = 24;

/// The validator of a document: a hash of its bytes.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    format!("\"{}\"", digits_of(bytes))
}

/// The hash alone, for what is only a part of a document.
pub(super) fn digits_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().chars().take(DIGITS).collect()
}

/// The answer, marked as unchanged since `since`.
pub(super) fn unchanged_since(mut response: HttpResponse, since: Stamp) -> HttpResponse {
    let since = SystemTime::from(since.to_datetime());
    if let Ok(value) = HeaderValue::from_str(&LastModified(HttpDate::from(since)).to_string()) {
        response.headers_mut().insert(LAST_MODIFIED, value);
    }
    response
}

/// The answer to a read, or 304 when the client says that it has just this. Caches are to ask before they use it, unless
/// the answer says how long it holds.
pub(super) fn settle(http: &HttpRequest, mut response: HttpResponse) -> HttpResponse {
    if !is_read(http) || response.status() != StatusCode::OK {
        return response;
    }
    if !response.headers().contains_key(CACHE_CONTROL) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    if !is_known(http, &response) {
        return response;
    }
    let mut unchanged = HttpResponse::new(StatusCode::NOT_MODIFIED);
    for name in [ETAG, LAST_MODIFIED, CACHE_CONTROL, EXPIRES] {
        if let Some(value) = response.headers().get(&name) {
            unchanged.headers_mut().insert(name, value.clone());
        }
    }
    unchanged
}

/// Whether a request only reads.
pub(super) fn is_read(http: &HttpRequest) -> bool {
    [Method::GET, Method::HEAD].contains(http.method())
}

/// `If-Modified-Since` is looked at only without `If-None-Match` (RFC 9110, 13.2.2).
fn is_known(http: &HttpRequest, response: &HttpResponse) -> bool {
    let sent = |name| header(response.headers(), name);
    if let Some(list) = header(http.headers(), IF_NONE_MATCH.as_str()) {
        return sent(ETAG.as_str()).is_some_and(|current| etag::lists(list, current));
    }
    let since = IfModifiedSince::parse(http).ok().map(|since| SystemTime::from(since.0));
    let modified = sent(LAST_MODIFIED.as_str()).and_then(|text| text.parse::<HttpDate>().ok()).map(SystemTime::from);
    modified.zip(since).is_some_and(|(modified, since)| modified <= since)
}

/// What an answer says of itself after it was compressed: other bytes make the validator a weak one, and caches must
/// keep forms and codings apart.
pub(super) fn mark<B>(response: &mut HttpResponse<B>) {
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if !response.headers().contains_key(CONTENT_ENCODING) {
        return;
    }
    let strong = header(response.headers(), ETAG.as_str()).filter(|etag| !etag.starts_with("W/"));
    if let Some(weak) = strong.and_then(|etag| HeaderValue::from_str(&format!("W/{etag}")).ok()) {
        response.headers_mut().insert(ETAG, weak);
    }
}
