//! `{kind}` and `{kind}('{key}')` (core 6 to 10).

use super::body::Described;
use super::conditional::digits_of;
use super::errors::not_allowed;
use super::request::{AFTER, Asked};
use super::respond::{self, selected_links};
use super::shaping::{of_written, shaping};
use super::{Service, navigation, pages, queries, schema};
use crate::protocol::path::Selector;
use crate::protocol::{Diagnosis, etag};
use crate::provider::{Collection, Error, Shaping};
use crate::store::Document;
use crate::wire::{Entry, EntryOut, FeedOut, Link, read_entry};
use actix_web::HttpResponse;
use actix_web::http::{Method, StatusCode};

/// `GET {kind}`: a page of the resources that are asked for.
pub(super) async fn page(service: &Service, collection: &Collection, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    let (query, mut diagnoses) = queries::query(asked, &service.provider.scope(collection))?;
    let (shaping, warnings) = shaping(asked, &collection.contract, collection.kind.type_id)?;
    diagnoses.extend(warnings);
    let page = asked.page(service, None)?;
    let read = service.provider.page(collection, &query, page, asked.parameter(AFTER)).await?;
    let entries = service.provider.shaped_entries(collection, &read.documents, &shaping).await?;
    let mut links = selected_links(asked, &collection.url, page, &read);
    links.extend(collection_links(collection));
    let head = FeedOut {
        id: collection.url.clone(),
        title: navigation::title(&[&service.provider.offer.title, &collection.kind.label]),
        updated: service.provider.opened_at,
        category: Some(collection.category()),
        links,
        diagnoses,
        schema: schema::inlined(service, collection, asked),
        ..respond::page_head(&service.provider, page, read.total)
    };
    if asked.wanted.is_page() {
        return pages::collection::page(&asked.wanted, collection, &head, &entries);
    }
    respond::feed_of(&asked.wanted, &head, &entries)
}

/// Where a collection's schema stands, and where new resources are prepared and posted (core 3.3).
pub(super) fn collection_links(collection: &Collection) -> Vec<Link> {
    let mut links = vec![schema::link(&collection.url, &collection.contract)];
    if collection.kind.can_post {
        links.extend(respond::creation_links(&collection.url));
    }
    links
}

/// `{kind}('{key}')` and `{kind}({predicate})`, by the methods the kind allows.
pub(super) async fn answer(
    service: &Service,
    collection: &Collection,
    asked: Asked<'_>,
    selector: Selector,
    method: &Method,
) -> Result<HttpResponse, Error> {
    let (can_put, can_delete) = (collection.kind.can_put, collection.kind.can_delete);
    let is_taken = match method.as_str() {
        "GET" => true,
        "PUT" => can_put,
        "DELETE" => can_delete,
        _ => false,
    };
    if !is_taken {
        return Err(not_allowed(match (can_put, can_delete) {
            (true, true) => "GET, HEAD, PUT, DELETE",
            (true, false) => "GET, HEAD, PUT",
            (false, true) => "GET, HEAD, DELETE",
            (false, false) => "GET, HEAD",
        }));
    }
    let key = service.provider.selected(collection, &selector, &asked.closed.to_method).await?;
    match method.as_str() {
        "PUT" => update(service, collection, asked, &key).await,
        "DELETE" => delete(service, collection, asked, &key).await,
        _ => read(service, collection, &asked, &key).await,
    }
}

/// `GET {kind}('{key}')`.
async fn read(service: &Service, collection: &Collection, asked: &Asked<'_>, key: &str) -> Result<HttpResponse, Error> {
    let document = service.provider.resource(collection, key).await?;
    answer_read(service, collection, asked, document).await
}

/// A resource that was read, as the request wants to see it (core 7.2).
pub(super) async fn answer_read(
    service: &Service,
    collection: &Collection,
    asked: &Asked<'_>,
    document: Document,
) -> Result<HttpResponse, Error> {
    let (shaping, warnings) = shaping(asked, &collection.contract, collection.kind.type_id)?;
    let resource = asked.wanted.is_page().then(|| document.resource.clone());
    let mut entry = one(service, collection, document, &shaping).await?;
    entry.diagnoses = warnings;
    if let Some(schema) = schema::inlined(service, collection, asked) {
        let with_schema = |etag: String| etag::extended(&etag, &digits_of(&schema));
        entry.http.etag = entry.http.etag.map(with_schema);
        entry.schema = Some(schema);
    }
    if let Some(resource) = resource {
        return pages::entry::page(&asked.wanted, collection, &resource, &entry).await;
    }
    respond::entry(&asked.wanted, StatusCode::OK, &entry)
}

/// `POST {kind}`: 201 with the resource as stored (core 8.1).
pub(super) async fn create(
    service: &Service,
    collection: &Collection,
    mut asked: Asked<'_>,
) -> Result<HttpResponse, Error> {
    let sent = sent(&mut asked).await?;
    let shaped = of_written(&asked, &collection.contract, collection.kind.type_id, (&sent, true))?;
    let principal = asked.origin().principal;
    let written = service.provider.create(collection, sent, principal.as_deref()).await?;
    answer_written(service, collection, &asked, (StatusCode::CREATED, written), shaped).await
}

/// `PUT {kind}('{key}')`: 200 with the resource as stored (core 9.1).
async fn update(
    service: &Service,
    collection: &Collection,
    mut asked: Asked<'_>,
    key: &str,
) -> Result<HttpResponse, Error> {
    let sent = sent(&mut asked).await?;
    let shaped = of_written(&asked, &collection.contract, collection.kind.type_id, (&sent, false))?;
    let principal = asked.origin().principal;
    let written = service.provider.update(collection, key, sent, asked.if_match(), principal.as_deref()).await?;
    answer_written(service, collection, &asked, (StatusCode::OK, written), shaped).await
}

async fn answer_written(
    service: &Service,
    collection: &Collection,
    asked: &Asked<'_>,
    (status, written): (StatusCode, Document),
    (shaping, warnings): (Shaping, Vec<Diagnosis>),
) -> Result<HttpResponse, Error> {
    let mut entry = one(service, collection, written, &shaping).await?;
    entry.diagnoses = warnings;
    respond::entry(&asked.wanted, status, &entry)
}

/// `DELETE {kind}('{key}')`: 200 (core 10.1).
async fn delete(
    service: &Service,
    collection: &Collection,
    asked: Asked<'_>,
    key: &str,
) -> Result<HttpResponse, Error> {
    let principal = asked.origin().principal;
    service.provider.delete(collection, key, asked.if_match(), principal.as_deref()).await?;
    Ok(respond::done())
}

/// The entry of the resource with this key.
pub(super) async fn entry_of(service: &Service, collection: &Collection, key: &str) -> Result<EntryOut, Error> {
    let document = service.provider.resource(collection, key).await?;
    one(service, collection, document, &Shaping::default()).await
}

/// The entry of a resource that stands alone, and so has the links that a feed would have (core 3.7).
async fn one(
    service: &Service,
    collection: &Collection,
    document: Document,
    shaping: &Shaping,
) -> Result<EntryOut, Error> {
    let entries = service.provider.shaped_entries(collection, &[document], shaping).await?;
    let found = entries.into_iter().next();
    let mut entry = found.ok_or_else(|| Error::Internal("a resource has no entry".to_owned()))?;
    if collection.kind.can_put {
        entry.links.push(Link::entry("edit", &entry.id, "Edit"));
    }
    entry.links.extend(collection_links(collection));
    Ok(entry)
}

/// The entry in the body.
pub(super) async fn sent(asked: &mut Asked<'_>) -> Result<Entry, Error> {
    let body = asked.body().await?;
    Ok(read_entry(&body, asked.read_limits)?)
}

/// The entry in the body, whose resource is what `described` says.
pub(super) async fn sent_as(asked: &mut Asked<'_>, described: Described<'_>) -> Result<Entry, Error> {
    let body = asked.body_of(Some(described)).await?;
    Ok(read_entry(&body, asked.read_limits)?)
}
