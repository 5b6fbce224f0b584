//! `{kind}/$syncSource` (sync 5.2, 5.6).

use super::represent::FeedBody;
use super::request::{AFTER, Asked};
use super::respond::{self, page_links, page_url};
use super::{Service, errors};
use crate::jobs::{Context, ContextState, url_name};
use crate::protocol::Tick;
use crate::protocol::paging::PageRequest;
use crate::provider::audit::{Origin, event};
use crate::provider::source::{SourceContext, SourceRequest, source_head};
use crate::provider::{Collection, Error};
use crate::store::{EventOperation, EventOutcome, Operation, Position};
use crate::wire::{DigestUse, Link, read_digest_entry};
use actix_web::HttpResponse;
use std::time::Instant;

/// The operation's name in URLs.
const NAME: &str = url_name(Operation::SyncSource);

/// `POST {kind}/$syncSource`: 202, `Location` names the job (sync 5.2); without a trackingID the first page at once.
pub(super) async fn submit(
    service: &Service,
    collection: &Collection,
    mut asked: Asked<'_>,
) -> Result<HttpResponse, Error> {
    let body = asked.body().await?;
    let target_digest = read_digest_entry(&body, DigestUse::Pass, service.limits.read)?;
    let request = SourceRequest { target_digest, count: asked.number("count")? };
    let mut origin = asked.origin();
    if let Some(id) = &origin.tracking_id {
        let tracking = service.jobs.submit_source(collection, &request, &origin).await?;
        return Ok(super::context::accepted(collection, &asked, (Operation::SyncSource, id), &tracking));
    }
    let id = super::context::own_id(&mut origin);
    service.jobs.submit_source(collection, &request, &origin).await?;
    let context = service.jobs.finished_context(collection, Operation::SyncSource, &id).await?;
    answer(service, collection, &asked, &id, context, &origin).await
}

/// `GET {kind}/$syncSource('{trackingID}')`: 202 while the job runs, then its pages as often as wanted.
pub(super) async fn read(
    service: &Service,
    collection: &Collection,
    asked: Asked<'_>,
    id: &str,
) -> Result<HttpResponse, Error> {
    let context = service.jobs.polled_context(collection, Operation::SyncSource, id).await?;
    let origin = Origin { tracking_id: Some(id.to_owned()), ..asked.origin() };
    answer(service, collection, &asked, id, context, &origin).await
}

async fn answer(
    service: &Service,
    collection: &Collection,
    asked: &Asked<'_>,
    id: &str,
    context: Context,
    origin: &Origin,
) -> Result<HttpResponse, Error> {
    match context.state {
        ContextState::Running(tracking) => {
            Ok(respond::accepted(&asked.wanted, &collection.context_url(NAME, id), &tracking))
        }
        ContextState::Failed(failure) => Ok(errors::failed(&asked.wanted, &failure)),
        ContextState::Source(source) => {
            let origin = Origin { run: origin.run.clone().or(context.run), ..origin.clone() };
            page(service, collection, asked, id, context.key, *source, &origin).await
        }
        ContextState::Target(_) | ContextState::Batch(_) => {
            Err(Error::Internal(format!("'{id}' is no source operation")))
        }
    }
}

async fn page(
    service: &Service,
    collection: &Collection,
    asked: &Asked<'_>,
    id: &str,
    key: crate::store::TrackingKey,
    context: SourceContext,
    origin: &Origin,
) -> Result<HttpResponse, Error> {
    let started = Instant::now();
    let page = asked.page(service, context.count)?;
    let after = asked.parameter(AFTER).and_then(read_position);
    let read = service.provider.source_page(collection, &context, page, after).await?;
    let url = collection.context_url(NAME, id);
    let entries = read.changes.len() as u64;
    let next_start = page.start_index + entries;
    let next = read.next.as_ref().map(|position| (next_start, format!("&{AFTER}={}", write_position(position))));
    let linked = asked.linked(&url);
    let mut links = page_links(&linked, page, context.total, next);
    if page.count == 0 && page.start_index <= context.total {
        // Totals alone are not the end: whoever posts this page on must not take it for the last one (sync 5.5).
        let count = service.provider.offer.pages.default_count;
        links.push(Link::feed("next", &page_url(&linked, page.start_index, count), "Next page"));
    }
    // A page that is not the last has what it says: targets count by that, whatever was asked for (core 3.5).
    let told = if read.next.is_some() { PageRequest { count: entries, ..page } } else { page };
    let mut body = FeedBody::begin(&asked.wanted, &source_head(collection, &context, &url, links, told))?;
    body.reserve(read.expected_bytes());
    let next_page = read.next;
    for entry in read.into_entries(collection) {
        body.entry(&entry)?;
    }
    if let (None, Some(end)) = (&after, &next_page) {
        // Whoever came without our position may ask for the next page by number.
        service.jobs.remember_page_end(key, context, next_start, end).await?;
    }
    let times = (started, service.provider.now());
    let mut event = event(collection, origin, EventOperation::SourceRead, EventOutcome::Ok, 200, times);
    event.counts.entries = entries;
    service.provider.note(event, origin).await;
    let media_type = body.media_type();
    Ok(respond::feed(media_type, body.finish()?))
}

/// A position in a link: the range's number and the tick of the last change before the page.
fn write_position(position: &Position) -> String {
    format!("{}.{}", position.range, position.tick)
}

fn read_position(text: &str) -> Option<Position> {
    let (range, tick) = text.split_once('.')?;
    Some(Position { range: range.parse().ok()?, tick: Tick::new(tick.parse().ok()?)? })
}
