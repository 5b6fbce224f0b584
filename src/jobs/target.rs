//! The job of a `$syncTarget`: it takes a page in chunk by chunk, from wherever it was left.

use super::parsed::ParsedEntry;
use super::runner::Lane;
use super::{Jobs, TargetBody};
use crate::protocol::SyncMode;
use crate::provider::audit::Origin;
use crate::provider::target::chunk::Tally;
use crate::provider::target::ready::Ready;
use crate::provider::target::{ChunkJob, FeedFacts, Incoming};
use crate::provider::{Collection, Error, Lease};
use crate::store::{StoreError, TrackingRecord};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

impl Jobs {
    pub(super) async fn run_target(
        &self,
        record: &TrackingRecord,
        collection: &Arc<Collection>,
        origin: &Origin,
        lease: &Lease,
        started: Instant,
    ) -> Result<Lane, Error> {
        let request: TargetBody = from_json(record.request.clone())?;
        let facts = &request.facts;
        let mut done = record.done;
        let mut tally: Tally = record.outcome.clone().map(from_json).transpose()?.unwrap_or_default();
        if done == 0 {
            self.before_the_first_entry(collection, &request, lease).await?;
        }
        let run = record.run.as_ref().map(|(id, _)| *id);
        let job = ChunkJob { collection, key: record.key, facts, lease, origin, run, started };
        let mut entries = self.entries(request.body, done, reading(collection, facts));
        loop {
            let chunk = entries.next().await?;
            if self.stop.is_cancelled() {
                // Another process, or the next start, goes on from the cursor.
                return Ok(Lane::Kept);
            }
            if chunk.is_empty() && done < facts.entries {
                return Err(Error::Internal(format!("the stored page ends after {done} of {} entries", facts.entries)));
            }
            let span = tracing::info_span!("chunk", first = done, entries = chunk.len());
            let applying = self.provider.apply_chunk(&job, chunk, done, &mut tally, self.expiry());
            let applied = applying.instrument(span).await?;
            entries.taken(applied);
            done += applied as u64;
            if done >= facts.entries {
                tracing::info!(
                    resource_kind = collection.name.resource_kind,
                    entries = done,
                    failed = tally.failed,
                    "page taken in"
                );
                return Ok(Lane::GivenBack);
            }
        }
    }

    async fn before_the_first_entry(
        &self,
        collection: &Arc<Collection>,
        request: &TargetBody,
        lease: &Lease,
    ) -> Result<(), Error> {
        let facts = &request.facts;
        let store = &self.provider.store;
        facts.check_order(store.feed_taken(collection.id, &facts.feed).await?)?;
        if facts.mode == Some(SyncMode::Immediate) {
            let digest = self.provider.read_digest(collection).await?;
            let mut states = Vec::new();
            let mut entries = self.entries(request.body, 0, reading(collection, facts));
            loop {
                let chunk = entries.next().await?;
                if chunk.is_empty() {
                    break;
                }
                states.extend(chunk.iter().filter_map(|entry| entry.state.clone()));
                let read = chunk.len();
                entries.taken(read);
            }
            facts.check_continuity(&states, &digest)?;
        }
        // Once a feed, not once a page: else the cost of a long feed would grow with the square of what is parked.
        if facts.start_index <= 1 {
            match self.provider.retry_parked(collection, (&facts.source_digest, Some(&facts.feed)), lease).await {
                // Its own trouble, not this page's.
                Err(error) if is_of_parked(&error) => {
                    tracing::warn!(%error, "parked entries could not be tried again");
                }
                tried => drop(tried?),
            }
        }
        Ok(())
    }
}

/// Whether an error of trying parked entries again is of theirs alone: neither is the lane lost, nor will it pass by itself.
fn is_of_parked(error: &Error) -> bool {
    !error.passes() && !matches!(error, Error::Store(StoreError::LaneLost) | Error::Cancelled)
}

/// How the entries of a page are read.
fn reading(collection: &Arc<Collection>, facts: &FeedFacts) -> impl Fn(ParsedEntry, u64) -> Incoming + Send + 'static {
    let (collection, source) = (Arc::clone(collection), Arc::new(facts.source_digest.clone()));
    move |ParsedEntry { entry, alone, .. }, position| {
        let alone = alone.or_else(|| Ready::alone(&collection, &entry));
        Incoming::read(&collection, (entry, alone), position, &source)
    }
}

/// A job's memory as it was kept.
pub(super) fn from_json<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::Internal(format!("a job's memory cannot be read: {error}")))
}
