//! A `$batch` as a job: its results and its cursor go with its writes (core 13.5; protocol.md, "Exactly once").

use super::{Done, Outcome, Request};
use crate::protocol::Stamp;
use crate::provider::source::to_json;
use crate::provider::{Collection, Error, Lease};
use crate::store::{ResultRow, TrackingKey, Txn, Version};
use serde::{Deserialize, Serialize};

/// Longest method that is kept, in characters; longer ones are none.
const MAX_METHOD_CHARS: usize = 16;

/// A job that carries out a batch, where it stands.
#[derive(Debug)]
pub struct BatchJob<'a> {
    /// The collection the batch was posted to.
    pub collection: &'a Collection,
    /// Its tracking.
    pub key: TrackingKey,
    /// The lane it holds.
    pub lease: &'a Lease,
    /// Entries of the batch.
    pub entries: u64,
    /// How many of them are done.
    pub done: u64,
    /// When its context goes by itself, once it has ended.
    pub expires_at: Stamp,
}

/// What a finished batch remembers: the head of its result feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchOutcome {
    /// Entries of the batch, and so of its result.
    pub entries: u64,
    /// When it was done.
    pub done_at: Stamp,
}

impl BatchJob<'_> {
    /// Makes sure that the job may go on, for the time of a transaction.
    ///
    /// # Errors
    /// When its lane is lost, or it was cancelled.
    pub(in crate::provider) async fn hold(&self, txn: &mut Txn) -> Result<(), Error> {
        self.lease.hold(txn, self.collection.id).await?;
        if txn.is_cancelled(self.key).await? { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Keeps the results of the next entries, and that they are done; after the last, the job is.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::provider) async fn record(
        &self,
        txn: &mut Txn,
        results: &[ResultRow],
        now: Stamp,
    ) -> Result<(), Error> {
        txn.add_results(self.key, results).await?;
        let done = self.done + results.len() as u64;
        if done < self.entries {
            let detail = format!("{done} of {} entries", self.entries);
            return Ok(txn.advance(self.key, done, self.entries, &detail, &serde_json::Value::Null).await?);
        }
        let outcome = BatchOutcome { entries: self.entries, done_at: now };
        Ok(txn.finish(self.key, &to_json(&outcome)?, now, self.expires_at).await?)
    }
}

/// What became of the request at `position` of a batch, to be kept.
pub(super) fn result_row(position: u64, request: &Request, outcome: &Outcome) -> Result<ResultRow, Error> {
    let resource = outcome.document.as_ref().map(|document| &document.resource);
    let failure = outcome.done.as_ref().err().map(Error::failure);
    Ok(ResultRow {
        position,
        http_status: match (&outcome.done, &failure) {
            (Ok(done), _) => done.status(),
            (Err(_), Some(failure)) => failure.status,
            (Err(_), None) => 500,
        },
        http_method: request.method.name().chars().take(MAX_METHOD_CHARS).collect(),
        resource: resource.map(|resource| resource.id),
        key: resource.map(|resource| resource.key.clone()).or_else(|| request.key.clone()),
        uuid: resource.map_or(request.uuid, |resource| resource.uuid),
        state: None,
        version: match (&outcome.document, &outcome.done) {
            (_, Ok(Done::Deleted)) | (None, _) => None,
            (Some(document), _) => document.payload.clone().map(|payload| Version {
                etag: document.resource.etag.clone(),
                created: document.resource.created,
                stamp: document.resource.stamp,
                user: document.resource.user.clone(),
                payload,
            }),
        },
        diagnosis: failure.map(|failure| to_json(&failure.diagnoses)).transpose()?,
    })
}
