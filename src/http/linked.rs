//! `{kind}/$linked` and `{kind}/$linked('{uuid}')` (sync 1.3).

use super::navigation::title;
use super::request::{AFTER, Asked};
use super::resources::sent;
use super::respond::{self, selected_links};
use super::shaping::shaping;
use super::{Service, queries, schema};
use crate::provider::linking::{LinkRequest, Linked};
use crate::provider::{Collection, Error};
use crate::store::Document;
use crate::wire::FeedOut;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use uuid::Uuid;

/// `GET $linked`: a page of the linked resources.
pub(super) async fn page(service: &Service, collection: &Collection, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    let (mut query, mut diagnoses) = queries::query(asked, &service.provider.scope(collection))?;
    query.linked = true;
    let (shaping, warnings) = shaping(asked, &collection.contract, collection.kind.type_id)?;
    diagnoses.extend(warnings);
    let page = asked.page(service, None)?;
    let read = service.provider.page(collection, &query, page, asked.parameter(AFTER)).await?;
    let mut entries = service.provider.shaped_entries(collection, &read.documents, &shaping).await?;
    for (entry, document) in entries.iter_mut().zip(&read.documents) {
        collection.name_link(entry, document.resource.uuid);
    }
    let url = collection.links_url();
    let mut links = selected_links(asked, &url, page, &read);
    links.push(schema::link(&collection.url, &collection.contract));
    let head = FeedOut {
        title: title(&[&service.provider.offer.title, &format!("Linked {}", collection.name.resource_kind)]),
        updated: service.provider.opened_at,
        category: Some(collection.category()),
        links,
        diagnoses,
        id: url,
        ..respond::page_head(&service.provider, page, read.total)
    };
    respond::feed_of(&asked.wanted, &head, &entries)
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
    match service.provider.change_link(collection, request, asked.wanted.visitor.principal()).await? {
        Linked::Created(document) => one(service, collection, asked, StatusCode::CREATED, document).await,
        Linked::Found(document) => one(service, collection, asked, StatusCode::OK, document).await,
        Linked::Removed => Ok(respond::done()),
    }
}

async fn one(
    service: &Service,
    collection: &Collection,
    asked: &Asked<'_>,
    status: StatusCode,
    document: Document,
) -> Result<HttpResponse, Error> {
    let (shaping, warnings) = shaping(asked, &collection.contract, collection.kind.type_id)?;
    let uuid = document.resource.uuid;
    let entries = service.provider.shaped_entries(collection, &[document], &shaping).await?;
    let mut entry = entries.into_iter().next().ok_or_else(|| Error::Internal("a link has no entry".to_owned()))?;
    collection.name_link(&mut entry, uuid);
    entry.links.push(schema::link(&collection.url, &collection.contract));
    entry.diagnoses = warnings;
    respond::entry(&asked.wanted, status, &entry)
}
