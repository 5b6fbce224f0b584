//! `{kind}` and `{kind}('{key}')` (core 6 to 10).

use super::Service;
use super::request::Asked;
use super::respond::{self, page_links};
use crate::provider::{Collection, Error};
use crate::store::ResourceId;
use crate::wire::{Entry, EntryOut, FeedOut, Link, ReadLimits, read_entry};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use bytes::Bytes;

/// `GET {kind}`: a page of the collection.
pub(super) async fn page(service: &Service, collection: &Collection, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    if let Some(expression) = asked.parameter("where") {
        return Err(Error::BadWhere(format!("where={expression}: this provider does not filter collections")));
    }
    let page = asked.page(service, None)?;
    let after = asked.parameter("after").and_then(|id| id.parse().ok()).map(ResourceId);
    let read = service.provider.page(collection, page, after).await?;
    let entries = service.provider.entries(collection, &read.documents).await?;
    let next_start = page.start_index + entries.len() as u64;
    let next = read.next.map(|last| (next_start, format!("&after={}", last.0)));
    let mut links = page_links(&asked.linked(&collection.url), page, read.total, next);
    links.extend(collection_links(collection));
    let head = FeedOut {
        id: collection.url.clone(),
        title: collection.kind.label.clone(),
        updated: service.provider.opened_at,
        author: respond::author(&service.provider),
        category: Some(collection.category()),
        links,
        total_results: Some(read.total),
        start_index: Some(page.start_index),
        items_per_page: Some(page.count),
        ..FeedOut::default()
    };
    respond::feed_of(&asked.wanted, &head, &entries)
}

/// Where a collection's schema stands and where new resources are posted (core 3.3).
fn collection_links(collection: &Collection) -> Vec<Link> {
    let mut links = vec![Link {
        rel: "http://schemas.sage.com/sdata/link-relations/schema".to_owned(),
        href: format!("{}/$schema", collection.url),
        media_type: respond::XML_TYPE.to_owned(),
        title: "Schema".to_owned(),
    }];
    if collection.kind.can_post {
        let rel = "http://schemas.sage.com/sdata/link-relations/post";
        links.push(Link::entry(rel, &collection.url, "New"));
    }
    links
}

/// `GET {kind}('{key}')`.
pub(super) async fn read(
    service: &Service,
    collection: &Collection,
    asked: &Asked<'_>,
    key: &str,
) -> Result<HttpResponse, Error> {
    respond::entry(&asked.wanted, StatusCode::OK, &entry_of(service, collection, key).await?)
}

/// `POST {kind}`: 201 with the resource as stored (core 8.1).
pub(super) async fn create(
    service: &Service,
    collection: &Collection,
    mut asked: Asked<'_>,
) -> Result<HttpResponse, Error> {
    let entry = sent(&mut asked).await?;
    let principal = asked.origin().principal;
    let written = service.provider.create(collection, &entry, principal.as_deref()).await?;
    respond::entry(&asked.wanted, StatusCode::CREATED, &one(service, collection, written).await?)
}

/// `PUT {kind}('{key}')`: 200 with the resource as stored (core 9.1).
pub(super) async fn update(
    service: &Service,
    collection: &Collection,
    mut asked: Asked<'_>,
    key: &str,
) -> Result<HttpResponse, Error> {
    let entry = sent(&mut asked).await?;
    let principal = asked.origin().principal;
    let written = service.provider.update(collection, key, &entry, asked.if_match(), principal.as_deref()).await?;
    respond::entry(&asked.wanted, StatusCode::OK, &one(service, collection, written).await?)
}

/// `DELETE {kind}('{key}')`: 200 (core 10.1).
pub(super) async fn delete(
    service: &Service,
    collection: &Collection,
    asked: Asked<'_>,
    key: &str,
) -> Result<HttpResponse, Error> {
    let principal = asked.origin().principal;
    service.provider.delete(collection, key, asked.if_match(), principal.as_deref()).await?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, respond::XML_TYPE)).body(Bytes::new()))
}

/// The entry of the resource with this key.
pub(super) async fn entry_of(service: &Service, collection: &Collection, key: &str) -> Result<EntryOut, Error> {
    let document = service.provider.resource(collection, key).await?;
    one(service, collection, document).await
}

async fn one(service: &Service, collection: &Collection, document: crate::store::Document) -> Result<EntryOut, Error> {
    let entries = service.provider.entries(collection, &[document]).await?;
    entries.into_iter().next().ok_or_else(|| Error::Internal("a resource has no entry".to_owned()))
}

async fn sent(asked: &mut Asked<'_>) -> Result<Entry, Error> {
    let body = asked.body().await?;
    Ok(read_entry(&body, ReadLimits::default())?)
}
