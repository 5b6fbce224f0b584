//! `{kind}/$syncResults` (sync 5.7).

use super::Service;
use super::request::Asked;
use super::respond;
use crate::protocol::operation::SYNC_RESULTS;
use crate::provider::{Collection, Error};
use crate::wire::{EntryOut, FeedReader};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// Results recorded at once, in one transaction: as many as a page may have entries.
const MOST_RESULTS: usize = 100_000;

/// `POST`: every entry of the result is recorded under the run; 200.
pub(super) async fn record(
    service: &Service,
    collection: &Collection,
    mut asked: Asked<'_>,
) -> Result<HttpResponse, Error> {
    let body = asked.whole_feed().await?;
    let mut feed = FeedReader::new(&*body, service.limits.read)?;
    let mut entries = Vec::new();
    while let Some(mut entry) = feed.next_entry()? {
        // The audit keeps what was said, not the payloads: a result may be large.
        if let Some(payload) = &mut entry.payload
            && let Some(resource) = &mut payload.resource
        {
            resource.content.clear();
        }
        if entries.len() == MOST_RESULTS {
            return Err(Error::BadBody(format!("more than {MOST_RESULTS} results; send them in several requests")));
        }
        entries.push(entry);
    }
    service.provider.record_results(collection, &entries, &asked.origin()).await?;
    let url = format!("{}/{SYNC_RESULTS}", collection.url);
    let receipt = EntryOut {
        id: url,
        title: format!("{} results recorded", entries.len()),
        content: format!("{} results recorded", entries.len()),
        updated: service.provider.now(),
        author: respond::author(&service.provider),
        ..EntryOut::default()
    };
    respond::entry(&asked.wanted, StatusCode::OK, &receipt)
}
