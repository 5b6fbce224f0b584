//! Pages for people: the same feeds and entries as HTML, under the same URLs.
//!
//! Everything is a value first: the files here turn what feeds and entries are made of, and what else the handler found
//! out for a reader, into values that the templates only print. No page has a script.

pub(super) mod assets;
pub(super) mod audit;
mod audit_row;
pub(super) mod collection;
mod columns;
pub(super) mod digest;
pub(super) mod entry;
mod filter;
pub(super) mod frame;
pub(super) mod generic;
pub(super) mod history;
mod hyperlink;
pub(super) mod navigation;
pub(super) mod notice;
mod pager;
mod sections;
mod table;
mod table_page;
mod value;

use self::hyperlink::Query;
use super::Service;
use super::request::header;
use super::respond::Wanted;
use crate::contract::Contract;
use crate::provider::access::Visitor;
use crate::provider::{Collection, Error};
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, CROSS_ORIGIN_OPENER_POLICY, CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue,
    PERMISSIONS_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use bytes::Bytes;

/// The media type of pages.
pub(super) const HTML_TYPE: &str = "text/html; charset=utf-8";

/// Nothing is loaded but our own style sheet and icon, nothing runs, and nobody frames a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What an answer may do in a browser that is no page: nothing.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
/// No page has a use for what the reader's machine can see or hear.
const NO_DEVICES: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=()";

/// What every page is made from: who answers, and what was asked.
struct Visit<'a> {
    service: &'a Service,
    http: &'a HttpRequest,
    collection: Option<&'a Collection>,
    contract: Option<&'a Contract>,
    visitor: &'a Visitor,
    query: Query,
}

impl<'a> Visit<'a> {
    fn of(wanted: &'a Wanted) -> Result<Self, Error> {
        let service = wanted.http.app_data::<Data<Service>>();
        let service = service.ok_or_else(|| Error::Internal("a request without its service".to_owned()))?;
        let query = Query::read(wanted.http.query_string());
        let (collection, contract) = (wanted.collection.as_deref(), wanted.contract.as_deref());
        let (service, visitor) = (service.get_ref(), &wanted.visitor);
        Ok(Self { service, http: &wanted.http, collection, contract, visitor, query })
    }

    /// The URL that was asked for, without its query.
    fn url(&self) -> String {
        format!("{}{}", self.service.provider.offer.base_url, self.http.uri().path())
    }
}

/// The page as it is sent.
///
/// # Errors
/// [`Error::Internal`] when a template cannot be printed, which memory alone can cause.
fn print(page: &impl Template) -> Result<Bytes, Error> {
    let text = page.render().map_err(|error| Error::Internal(format!("a page cannot be printed: {error}")))?;
    Ok(Bytes::from(text))
}

/// The answer with a page.
fn answer(page: &impl Template) -> Result<HttpResponse, Error> {
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, HTML_TYPE)).body(print(page)?))
}

/// Tells the browser what a page may do, where the answer is one.
pub(super) fn protect(response: &mut HttpResponse) {
    if header(response.headers(), CONTENT_TYPE.as_str()) != Some(HTML_TYPE) {
        // A browser that shows XML would run a script that somebody put into a resource.
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(NO_PAGE));
        return;
    }
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        (PERMISSIONS_POLICY, NO_DEVICES),
        // What `frame-ancestors` says, for browsers that do not know it.
        (X_FRAME_OPTIONS, "DENY"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}
