//! `{kind}/$linked` and `{kind}/$linked('{uuid}')` (sync 1.3).

use super::Service;
use super::request::Asked;
use super::respond::{self, page_links};
use crate::provider::linking::{LinkRequest, Linked};
use crate::provider::{Collection, Error};
use crate::store::{Document, ResourceId};
use crate::wire::{Entry, FeedOut, ReadLimits, read_entry};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use bytes::Bytes;
use uuid::Uuid;

/// `GET $linked`: a page of the linked resources.
pub(super) async fn page(service: &Service, collection: &Collection, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    let page = asked.page(service, None)?;
    let after = asked.parameter("after").and_then(|id| id.parse().ok()).map(ResourceId);
    let read = service.provider.linked_page(collection, page, after).await?;
    let entries = service.provider.link_entries(collection, &read.documents, attributes_only(asked)).await?;
    let next_start = page.start_index + entries.len() as u64;
    let next = read.next.map(|last| (next_start, format!("&after={}", last.0)));
    let url = collection.links_url();
    let head = FeedOut {
        title: format!("Linked {}", collection.name.resource_kind),
        updated: service.provider.now(),
        author: respond::author(&service.provider),
        category: Some(collection.category()),
        links: page_links(&asked.linked(&url), page, read.total, next),
        total_results: Some(read.total),
        start_index: Some(page.start_index),
        items_per_page: Some(page.count),
        id: url,
        ..FeedOut::default()
    };
    respond::feed_of(&head, &entries)
}

/// `POST $linked`: 201 with the new link; 200 where the resource was linked so before.
pub(super) async fn create(
    service: &Service,
    collection: &Collection,
    mut asked: Asked<'_>,
) -> Result<HttpResponse, Error> {
    let request = LinkRequest::post(collection, &sent(&mut asked).await?)?;
    answer(service, collection, &asked, request).await
}

/// `GET $linked('{uuid}')`; by a former UUID the link under the current one.
pub(super) async fn read(
    service: &Service,
    collection: &Collection,
    asked: Asked<'_>,
    uuid: Uuid,
) -> Result<HttpResponse, Error> {
    let document = service.provider.linked_resource(collection, uuid).await?;
    one(service, collection, &asked, StatusCode::OK, document).await
}

/// `PUT $linked('{uuid}')`: 200 with the link as it is now; no `If-Match` is asked for.
pub(super) async fn update(
    service: &Service,
    collection: &Collection,
    mut asked: Asked<'_>,
    uuid: Uuid,
) -> Result<HttpResponse, Error> {
    let request = LinkRequest::put(collection, uuid, &sent(&mut asked).await?)?;
    answer(service, collection, &asked, request).await
}

/// `DELETE $linked('{uuid}')`: 200; the resource stays.
pub(super) async fn delete(
    service: &Service,
    collection: &Collection,
    asked: Asked<'_>,
    uuid: Uuid,
) -> Result<HttpResponse, Error> {
    answer(service, collection, &asked, LinkRequest::Unlink(uuid)).await
}

async fn answer(
    service: &Service,
    collection: &Collection,
    asked: &Asked<'_>,
    request: LinkRequest,
) -> Result<HttpResponse, Error> {
    let outcome = service.provider.change_links(collection, &[request]).await?.pop();
    match outcome.unwrap_or_else(|| Err(Error::Internal("a request about a link has no outcome".to_owned())))? {
        Linked::Created(document) => one(service, collection, asked, StatusCode::CREATED, document).await,
        Linked::Found(document) => one(service, collection, asked, StatusCode::OK, document).await,
        Linked::Removed(_) => {
            Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, respond::XML_TYPE)).body(Bytes::new()))
        }
    }
}

async fn one(
    service: &Service,
    collection: &Collection,
    asked: &Asked<'_>,
    status: StatusCode,
    document: Document,
) -> Result<HttpResponse, Error> {
    let entries = service.provider.link_entries(collection, &[document], attributes_only(asked)).await?;
    let entry = entries.first().ok_or_else(|| Error::Internal("a link has no entry".to_owned()))?;
    respond::entry(status, entry)
}

/// An empty `select` asks for the attributes alone (sync 1.3).
fn attributes_only(asked: &Asked<'_>) -> bool {
    asked.parameter("select").is_some_and(|select| select.trim().is_empty())
}

async fn sent(asked: &mut Asked<'_>) -> Result<Entry, Error> {
    let body = asked.body().await?;
    Ok(read_entry(&body, ReadLimits::default())?)
}
