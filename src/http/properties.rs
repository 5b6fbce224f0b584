//! Property URLs: `{resource}/{property}`, however far they go (core 2.3, 6.8, 7.4, 8.3, 9.4, 10.3).

use super::errors::not_allowed;
use super::navigation::title;
use super::request::Asked;
use super::respond::counted_links;
use super::shaping::{of_written, shaping};
use super::{Service, queries, resources, respond, schema};
use crate::contract::Kind;
use crate::protocol::operation::{self, is_operation};
use crate::protocol::paging::PageRequest;
use crate::protocol::path::{Segment, Selector};
use crate::protocol::{Diagnosis, Stamp};
use crate::provider::children::Changer;
use crate::provider::property::{Associated, Child, Children, Holder, Named, PropertyUrl};
use crate::provider::{Collection, Error, Shaping};
use crate::wire::{Category, Element, Entry, EntryOut, FeedOut, Link};
use actix_web::HttpResponse;
use actix_web::http::{Method, StatusCode};
use std::sync::Arc;

/// Answers what `segments` name, from the resource that `selector` means on.
pub(super) async fn answer(
    service: &Service,
    collection: &Arc<Collection>,
    mut asked: Asked<'_>,
    (selector, segments): (Selector, &[Segment]),
    method: &Method,
) -> Result<HttpResponse, Error> {
    let key = &service.provider.selected(collection, &selector, &asked.closed.to_method).await?;
    if let Some((last, before)) = segments.split_last()
        && is_operation(&last.name, operation::TEMPLATE)
    {
        return template(service, collection, &asked, (key, before), method).await;
    }
    let closed = &asked.closed.to_method.clone();
    let at = PropertyUrl { collection, key, segments, closed };
    let named = service.provider.named(at).await?;
    match (named, method.as_str()) {
        (Named::Resource(collection, document), "GET") => {
            asked.wanted.collection = Some(Arc::clone(&collection));
            resources::answer_read(service, &collection, &asked, document).await
        }
        (Named::Associated(associated), "GET") => associated_page(service, &asked, &associated).await,
        (Named::Resource(..) | Named::Associated(_), _) => Err(not_allowed("GET, HEAD")),
        (Named::Children(children), "GET") => page(service, &asked, &children).await,
        (Named::Children(children), "POST") if children.holder.is_writable => {
            add(service, asked, at, &children.items_kind()).await
        }
        (Named::Children(children), _) => {
            Err(not_allowed(if children.holder.is_writable { "GET, HEAD, POST" } else { "GET, HEAD" }))
        }
        (Named::Child(child), "GET") => {
            let shaped = shaping(&asked, &child.holder.collection.contract, child.type_id)?;
            answer_child(service, &asked, StatusCode::OK, &child, shaped).await
        }
        (Named::Child(child), _) if !child.holder.is_writable => Err(not_allowed("GET, HEAD")),
        (Named::Child(child), "POST") if child.key.is_none() => add(service, asked, at, &child.kind()).await,
        (Named::Child(child), "PUT") => change(service, asked, at, &child).await,
        (Named::Child(_), "DELETE") => delete(service, asked, at).await,
        (Named::Child(child), _) => Err(not_allowed(match child.key {
            Some(_) => "GET, HEAD, PUT, DELETE",
            None => "GET, HEAD, POST, PUT, DELETE",
        })),
    }
}

/// `GET …/{property}` of a list of children: a page of them.
async fn page(service: &Service, asked: &Asked<'_>, children: &Children) -> Result<HttpResponse, Error> {
    let holder = &children.holder;
    let kind = children.items_kind();
    let (shaping, mut diagnoses) = shaping(asked, &holder.collection.contract, kind.type_id)?;
    let (query, warnings) = queries::query(asked, &service.provider.scope_of_children(children, &kind))?;
    diagnoses.extend(warnings);
    let selected = service.provider.select_children(children, query.filter.as_ref(), &query.order).await?;
    let page = asked.page(service, None)?;
    let shown = page.of(selected.iter().copied());
    let entries = service.provider.children_entries(children, shown, &shaping).await?;
    let mut links = links_of(holder);
    if holder.is_writable {
        links.extend(respond::creation_links(&children.url));
    }
    let updated = holder.document.resource.stamp;
    let head = Head { url: &children.url, label: &holder.label, updated, total: selected.len() as u64 };
    feed(service, asked, &head, (links, diagnoses), page, &entries)
}

/// `GET …/{property}` of an association: a page of the resources, in the order of the list unless they are queried.
async fn associated_page(service: &Service, asked: &Asked<'_>, associated: &Associated) -> Result<HttpResponse, Error> {
    let page = asked.page(service, None)?;
    let (mut entries, mut diagnoses) = (Vec::new(), Vec::new());
    let mut total = associated.resources.len() as u64;
    match associated.kind().filter(|_| queries::is_query(asked)) {
        Some(collection) => {
            let (query, warnings) = queries::query(asked, &service.provider.scope(collection))?;
            let read = service.provider.select_associated(collection, &associated.keys(), query, page).await?;
            total = read.total;
            diagnoses.extend(warnings);
            let (shaping, warnings) = shaping(asked, &collection.contract, collection.kind.type_id)?;
            diagnoses.extend(warnings);
            entries = service.provider.shaped_entries(collection, &read.documents, &shaping).await?;
        }
        None => {
            let shown: Vec<_> = page.of(&associated.resources).collect();
            for of_kind in shown.chunk_by(|(one, _), (other, _)| one.id == other.id) {
                let Some((collection, _)) = of_kind.first() else { continue };
                let (shaping, warnings) = shaping(asked, &collection.contract, collection.kind.type_id)?;
                let keys: Vec<_> = of_kind.iter().map(|(_, key)| key.clone()).collect();
                let documents = service.provider.resources(collection, &keys).await?;
                entries.extend(service.provider.shaped_entries(collection, &documents, &shaping).await?);
                diagnoses = warnings;
            }
        }
    }
    let updated = associated.document.resource.stamp;
    let head = Head { url: &associated.url, label: &associated.label, updated, total };
    feed(service, asked, &head, (Vec::new(), diagnoses), page, &entries)
}

/// `POST`: 201 with the new child.
async fn add(service: &Service, mut asked: Asked<'_>, at: PropertyUrl<'_>, kind: &Kind) -> Result<HttpResponse, Error> {
    let sent = resources::sent_as(&mut asked, (&at.collection.contract, kind)).await?;
    let principal = asked.origin().principal;
    let by = Changer { if_match: if_match(&asked, &sent), user: principal.as_deref() };
    let shaped = of_written(&asked, &at.collection.contract, kind.type_id, (&sent, true))?;
    match service.provider.add_child(at, resource(&sent)?, by).await {
        Ok(child) => answer_child(service, &asked, StatusCode::CREATED, &child, shaped).await,
        Err(error) => out_of_date(service, &asked, at, error).await,
    }
}

/// `PUT`: 200 with the child as it is stored.
async fn change(
    service: &Service,
    mut asked: Asked<'_>,
    at: PropertyUrl<'_>,
    child: &Child,
) -> Result<HttpResponse, Error> {
    let sent = resources::sent_as(&mut asked, (&child.holder.collection.contract, &child.kind())).await?;
    let principal = asked.origin().principal;
    let by = Changer { if_match: if_match(&asked, &sent), user: principal.as_deref() };
    let shaped = of_written(&asked, &child.holder.collection.contract, child.type_id, (&sent, false))?;
    match service.provider.change_child(at, resource(&sent)?, by).await {
        Ok(child) => answer_child(service, &asked, StatusCode::OK, &child, shaped).await,
        Err(error) => out_of_date(service, &asked, at, error).await,
    }
}

/// `DELETE`: 200.
async fn delete(service: &Service, asked: Asked<'_>, at: PropertyUrl<'_>) -> Result<HttpResponse, Error> {
    let principal = asked.origin().principal;
    let by = Changer { if_match: asked.if_match(), user: principal.as_deref() };
    match service.provider.delete_child(at, by).await {
        Ok(()) => Ok(respond::done()),
        Err(error) => out_of_date(service, &asked, at, error).await,
    }
}

/// A version that is out of date is answered with the current one: of the child, or of the resource that was to get one
/// (core 9.3).
async fn out_of_date(
    service: &Service,
    asked: &Asked<'_>,
    at: PropertyUrl<'_>,
    error: Error,
) -> Result<HttpResponse, Error> {
    if !matches!(error, Error::OutOfDate { .. }) {
        return Err(error);
    }
    let status = StatusCode::PRECONDITION_FAILED;
    match service.provider.named(at).await? {
        Named::Child(child) if child.element.is_some() => {
            answer_child(service, asked, status, &child, (Shaping::default(), Vec::new())).await
        }
        Named::Child(Child { holder, .. }) | Named::Children(Children { holder, .. }) => {
            let key = &holder.document.resource.key;
            let entry = resources::entry_of(service, &holder.collection, key).await?;
            respond::entry(&asked.wanted, status, &entry)
        }
        Named::Resource(..) | Named::Associated(_) => Err(error),
    }
}

async fn answer_child(
    service: &Service,
    asked: &Asked<'_>,
    status: StatusCode,
    child: &Child,
    (shaping, warnings): (Shaping, Vec<Diagnosis>),
) -> Result<HttpResponse, Error> {
    let mut entry = service.provider.child_entry(child, &shaping).await?;
    entry.links.extend(links_of(&child.holder));
    entry.diagnoses = warnings;
    respond::entry(&asked.wanted, status, &entry)
}

/// `GET …/{property}/$template`: what a new child starts with (core 8.3).
async fn template(
    service: &Service,
    collection: &Arc<Collection>,
    asked: &Asked<'_>,
    (key, segments): (&str, &[Segment]),
    method: &Method,
) -> Result<HttpResponse, Error> {
    let at = PropertyUrl { collection, key, segments, closed: &asked.closed.to_method };
    let named = service.provider.named(at).await?;
    if method != Method::GET {
        return Err(not_allowed("GET, HEAD"));
    }
    let (holder, id) = match &named {
        Named::Children(children) => (Some(&children.holder), children.items_type()),
        Named::Child(child) => (Some(&child.holder), Some(child.type_id)),
        Named::Resource(..) | Named::Associated(_) => (None, None),
    };
    let (shaping, warnings) = match (holder, id) {
        (Some(holder), Some(id)) => shaping(asked, &holder.collection.contract, id)?,
        _ => (Shaping::default(), Vec::new()),
    };
    let mut entry = service.provider.child_template(&named, &shaping)?;
    entry.links = vec![Link::entry("self", &entry.id, "Refresh")];
    entry.links.extend(holder.into_iter().flat_map(links_of));
    entry.diagnoses = warnings;
    respond::entry(&asked.wanted, StatusCode::OK, &entry)
}

/// What a feed at a property URL says of itself.
struct Head<'a> {
    url: &'a str,
    label: &'a str,
    updated: Stamp,
    total: u64,
}

fn feed(
    service: &Service,
    asked: &Asked<'_>,
    head: &Head<'_>,
    (more_links, diagnoses): (Vec<Link>, Vec<Diagnosis>),
    page: PageRequest,
    entries: &[EntryOut],
) -> Result<HttpResponse, Error> {
    let mut links = counted_links(&asked.linked(head.url), page, head.total);
    links.extend(more_links);
    let head = FeedOut {
        id: head.url.to_owned(),
        title: title(&[&service.provider.offer.title, head.label]),
        updated: head.updated,
        category: Some(Category { term: "collection".to_owned(), label: head.label.to_owned() }),
        links,
        diagnoses,
        ..respond::page_head(&service.provider, page, head.total)
    };
    respond::feed_of(&asked.wanted, &head, entries)
}

/// The schema that says what children look like (core 3.7).
fn links_of(holder: &Holder) -> Vec<Link> {
    vec![schema::link(&holder.collection.url, &holder.collection.contract)]
}

fn if_match<'a>(asked: &'a Asked<'_>, sent: &'a Entry) -> Option<&'a str> {
    asked.if_match().or(sent.if_match.as_deref())
}

fn resource(sent: &Entry) -> Result<&Element, Error> {
    sent.resource().ok_or_else(|| Error::BadBody("the entry has no sdata:payload with a child".to_owned()))
}
