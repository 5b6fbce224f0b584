//! `{kind}/$syncTarget` (sync 5.3).

use super::request::Asked;
use super::respond::{self, page_links};
use super::{Service, errors};
use crate::jobs::{Context, ContextState, url_name};
use crate::protocol::paging::{PageLimits, PageRequest};
use crate::provider::target::chunk::TargetOutcome;
use crate::provider::target::results::result_head;
use crate::provider::{Collection, Error, Provider};
use crate::store::{Operation, TrackingKey};
use crate::wire::{FEED_TYPE, FeedWriter};
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures_util::Stream;
use std::sync::Arc;

/// The operation's name in URLs.
const NAME: &str = url_name(Operation::SyncTarget);

/// `POST {kind}/$syncTarget`: the page is checked and stored as it arrives; 202, `Location` names the job (sync 5.3).
pub(super) async fn submit(
    service: &Service,
    collection: &Arc<Collection>,
    asked: Asked<'_>,
) -> Result<HttpResponse, Error> {
    let mut origin = asked.origin();
    let wait = origin.tracking_id.is_none();
    let id = match &origin.tracking_id {
        Some(id) => id.clone(),
        None => super::context::own_id(&mut origin),
    };
    let links = asked.linked(&collection.context_url(NAME, &id));
    service.jobs.submit_target(collection, asked.body_stream()?, &origin).await?;
    if !wait {
        return super::context::accepted(service, collection, Operation::SyncTarget, &origin).await;
    }
    let context = service.jobs.finished_context(collection, Operation::SyncTarget, &id).await?;
    answer(service, collection, (&id, &links), context, whole)
}

/// `GET {kind}/$syncTarget('{trackingID}')`: 202 while the job runs, then its result as often as wanted.
pub(super) async fn read(
    service: &Service,
    collection: &Arc<Collection>,
    asked: Asked<'_>,
    id: &str,
) -> Result<HttpResponse, Error> {
    let context = service.jobs.context(collection, Operation::SyncTarget, id).await?;
    let (start, count) = (asked.number("startIndex")?, asked.number("count")?);
    let limits = service.provider.offer.pages;
    let links = asked.linked(&collection.context_url(NAME, id));
    answer(service, collection, (id, &links), context, |total| match count {
        Some(count) => PageRequest::new(start, Some(count), limits),
        None => PageRequest::new(start, None, PageLimits { default_count: total.max(1), max_count: total.max(1) }),
    })
}

/// Deployed engines read only the first page: it holds everything unless they ask for less.
fn whole(total: u64) -> PageRequest {
    PageRequest { start_index: 1, count: total.max(1) }
}

fn answer(
    service: &Service,
    collection: &Arc<Collection>,
    (id, links): (&str, &str),
    context: Context,
    page: impl Fn(u64) -> PageRequest,
) -> Result<HttpResponse, Error> {
    match context.state {
        ContextState::Running(tracking) => Ok(respond::accepted(&collection.context_url(NAME, id), &tracking)),
        ContextState::Failed(failure) => Ok(errors::failed(&failure)),
        ContextState::Target(outcome) => {
            result(service, collection, (id, links), context.key, &outcome, page(outcome.entries))
        }
        ContextState::Source(_) => Err(Error::Internal(format!("'{id}' is no target operation"))),
    }
}

fn result(
    service: &Service,
    collection: &Arc<Collection>,
    (id, links): (&str, &str),
    key: TrackingKey,
    outcome: &TargetOutcome,
    page: PageRequest,
) -> Result<HttpResponse, Error> {
    let url = collection.context_url(NAME, id);
    let next = page.next(outcome.entries).map(|start| (start, String::new()));
    let mut head = result_head(collection, outcome, &url, page_links(links, page, outcome.entries, next));
    head.start_index = Some(page.start_index);
    head.items_per_page = Some(page.count);
    let writer = FeedWriter::begin(&head)?;
    let entries = page.offset()..page.offset().saturating_add(page.count).min(outcome.entries);
    let body = stream(Arc::clone(&service.provider), Arc::clone(collection), key, writer, entries);
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, FEED_TYPE)).streaming(Box::pin(body)))
}

/// Writes the result some entries at a time: however large it is, only those are in memory.
fn stream(
    provider: Arc<Provider>,
    collection: Arc<Collection>,
    key: TrackingKey,
    mut writer: FeedWriter,
    range: std::ops::Range<u64>,
) -> impl Stream<Item = Result<Bytes, BrokenOff>> {
    async_stream::try_stream! {
        let mut from = range.start;
        loop {
            let entries = provider.result_entries(&collection, key, from, range.end).await.map_err(BrokenOff::from)?;
            if entries.is_empty() {
                break;
            }
            from += entries.len() as u64;
            for entry in &entries {
                writer.entry(entry).map_err(|error| BrokenOff::from(Error::Wire(error)))?;
            }
            yield writer.take();
        }
        yield writer.finish().map_err(|error| BrokenOff::from(Error::Wire(error)))?;
    }
}

/// A result that could not be written to its end: the connection is cut, so that nobody takes the part for the whole.
#[derive(Debug, thiserror::Error)]
#[error("the answer was broken off: {0}")]
struct BrokenOff(String);

impl From<Error> for BrokenOff {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "a result feed was broken off");
        Self(error.to_string())
    }
}

impl From<BrokenOff> for actix_web::Error {
    fn from(error: BrokenOff) -> Self {
        actix_web::error::ErrorInternalServerError(error.to_string())
    }
}
