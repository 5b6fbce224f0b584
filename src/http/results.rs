//! `{kind}/$syncResults` (sync 5.7).

use super::Service;
use super::request::Asked;
use super::respond;
use crate::protocol::operation::SYNC_RESULTS;
use crate::provider::results::Reported;
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
    // The audit keeps what was said, not the payloads: a result may be large.
    let mut results: Vec<Reported> = Vec::new();
    while let Some(entry) = feed.next_entry()? {
        if results.len() == MOST_RESULTS {
            return Err(Error::BadBody(format!("more than {MOST_RESULTS} results; send them in several requests")));
        }
        results.push((&entry).into());
    }
    service.provider.record_results(collection, &results, &asked.origin()).await?;
    let url = format!("{}/{SYNC_RESULTS}", collection.url);
    let receipt = EntryOut {
        id: url,
        title: format!("{} results recorded", results.len()),
        content: format!("{} results recorded", results.len()),
        updated: service.provider.now(),
        author: respond::author(&service.provider),
        ..EntryOut::default()
    };
    respond::entry(&asked.wanted, StatusCode::OK, &receipt)
}
