//! The operations that take a feed and answer it entry by entry: `{kind}/$syncTarget` (sync 5.3), `{kind}/$batch`
//! (core 13) and `{kind}/$linked/$batch` (sync 1.3).

use super::represent::FeedBody;
use super::request::Asked;
use super::respond::{self, Wanted, counted_links};
use super::{Service, errors, resources};
use crate::jobs::{Context, ContextState, url_name};
use crate::protocol::Stamp;
use crate::protocol::paging::{PageLimits, PageRequest};
use crate::provider::batch::results::batch_head;
use crate::provider::target::results::result_head;
use crate::provider::{Collection, Error, Provider};
use crate::store::{Operation, TrackingKey};
use crate::wire::{EntryOut, FeedOut};
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures_util::Stream;
use std::sync::Arc;

/// `POST`: the feed is checked and stored as it arrives. With a trackingID 202, `Location` names the job; else the
/// answer is its result (sync 5.3; core 13.3, 13.5).
pub(super) async fn submit(
    service: &Service,
    collection: &Arc<Collection>,
    mut asked: Asked<'_>,
    operation: Operation,
) -> Result<HttpResponse, Error> {
    let mut origin = asked.origin();
    let wait = origin.tracking_id.is_none();
    let id = match &origin.tracking_id {
        Some(id) => id.clone(),
        None => super::context::own_id(&mut origin),
    };
    let links = asked.linked(&collection.context_url(url_name(operation), &id));
    let body = asked.body_stream()?;
    let tracking = match operation {
        Operation::SyncTarget => service.jobs.submit_target(collection, body, &origin).await?,
        Operation::Batch | Operation::LinkedBatch => {
            service.jobs.submit_batch(collection, operation, body, &origin, wait).await?
        }
        Operation::SyncSource => return Err(Error::Internal("$syncSource takes no feed".to_owned())),
    };
    if !wait {
        return Ok(super::context::accepted(collection, &asked, (operation, &id), &tracking));
    }
    let answered = async {
        let context = service.jobs.finished_context(collection, operation, &id).await?;
        answer(service, collection, &asked.wanted, (operation, &id, &links), context, whole).await
    };
    match answered.await {
        // It is accepted, so it must not be sent again: the result is where `Location` says.
        Err(error) if error.passes() => {
            tracing::warn!(%error, "an operation is accepted, but its result cannot be waited for");
            Ok(super::context::accepted(collection, &asked, (operation, &id), &tracking))
        }
        answered => answered,
    }
}

/// `GET` with a tracking id: 202 while the job runs, then its result as often as wanted.
pub(super) async fn read(
    service: &Service,
    collection: &Arc<Collection>,
    asked: Asked<'_>,
    operation: Operation,
    id: &str,
) -> Result<HttpResponse, Error> {
    let context = service.jobs.polled_context(collection, operation, id).await?;
    let (start, count) = (asked.number("startIndex")?, asked.number("count")?);
    let limits = service.provider.offer.pages;
    let links = asked.linked(&collection.context_url(url_name(operation), id));
    answer(service, collection, &asked.wanted, (operation, id, &links), context, |total| match count {
        // People turn pages.
        None if !asked.wanted.is_page() => {
            PageRequest::new(start, None, PageLimits { default_count: total.max(1), max_count: total.max(1) })
        }
        count => PageRequest::new(start, count, limits),
    })
    .await
}

/// Deployed engines read only the first page: it holds everything unless they ask for less.
fn whole(total: u64) -> PageRequest {
    PageRequest { start_index: 1, count: total.max(1) }
}

async fn answer(
    service: &Service,
    collection: &Arc<Collection>,
    wanted: &Wanted,
    (operation, id, links): (Operation, &str, &str),
    context: Context,
    page: impl Fn(u64) -> PageRequest,
) -> Result<HttpResponse, Error> {
    let url = collection.context_url(url_name(operation), id);
    let (head, total) = match context.state {
        ContextState::Running(tracking) => return Ok(respond::accepted(wanted, &url, &tracking)),
        ContextState::Failed(failure) => return Ok(errors::failed(wanted, &failure)),
        ContextState::Target(outcome) => (result_head(collection, &outcome, &url), outcome.entries),
        ContextState::Batch(outcome) => (batch_head(collection, &outcome, &url), outcome.entries),
        ContextState::Source(_) => return Err(Error::Internal(format!("'{id}' has no result entry by entry"))),
    };
    let page = page(total);
    let mut links = counted_links(links, page, total);
    if operation == Operation::Batch {
        links.extend(resources::collection_links(collection));
    }
    let head = FeedOut { links, start_index: Some(page.start_index), items_per_page: Some(page.count), ..head };
    let feed = FeedBody::begin(wanted, &head)?;
    let media_type = feed.media_type();
    let entries = page.offset()..page.offset().saturating_add(page.count).min(total);
    let (provider, collection) = (Arc::clone(&service.provider), Arc::clone(collection));
    let results = Results { provider, collection, operation, done_at: head.updated };
    // What can fail fails mostly here, where it can still be told with a status of its own.
    let first = results.entries(context.key, entries.start, entries.end).await?;
    let body = stream(results, context.key, feed, entries, first);
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, media_type)).streaming(Box::pin(body)))
}

/// Where result entries come from.
struct Results {
    provider: Arc<Provider>,
    collection: Arc<Collection>,
    operation: Operation,
    done_at: Stamp,
}

impl Results {
    async fn entries(&self, key: TrackingKey, from: u64, to: u64) -> Result<Vec<EntryOut>, Error> {
        let (provider, collection) = (&self.provider, &self.collection);
        match self.operation {
            Operation::SyncTarget => provider.result_entries(collection, key, from, to).await,
            operation => provider.batch_entries((collection, operation), key, (from, to), self.done_at).await,
        }
    }
}

/// Writes the result some entries at a time: however large it is, only those are in memory.
fn stream(
    results: Results,
    key: TrackingKey,
    mut feed: FeedBody,
    range: std::ops::Range<u64>,
    first: Vec<EntryOut>,
) -> impl Stream<Item = Result<Bytes, BrokenOff>> {
    async_stream::try_stream! {
        let (mut from, mut entries) = (range.start, first);
        loop {
            if entries.is_empty() && from < range.end {
                let gone = format!("the results from {from} on are gone: the operation was deleted meanwhile");
                Err(BrokenOff::from(Error::Internal(gone)))?;
            }
            if entries.is_empty() {
                break;
            }
            from += entries.len() as u64;
            for entry in &entries {
                feed.entry(entry).map_err(BrokenOff::from)?;
            }
            yield feed.take();
            entries = results.entries(key, from, range.end).await.map_err(BrokenOff::from)?;
        }
        yield feed.finish().map_err(BrokenOff::from)?;
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
