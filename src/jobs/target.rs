//! The job of a `$syncTarget`: it takes a page in chunk by chunk, from wherever it was left.

use super::body::{ChannelReader, send_parts};
use super::{Jobs, TargetBody};
use crate::protocol::SyncMode;
use crate::provider::audit::Origin;
use crate::provider::target::chunk::Tally;
use crate::provider::target::{CHUNK_ENTRIES, ChunkJob, Incoming};
use crate::provider::{Collection, Error, Lease};
use crate::store::{StoreError, TrackingRecord};
use crate::wire::{FeedReader, ReadLimits};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// Chunks parsed ahead of the one that is being written.
const CHUNKS_AHEAD: usize = 2;

impl Jobs {
    pub(super) async fn run_target(
        &self,
        record: &TrackingRecord,
        collection: &Arc<Collection>,
        origin: &Origin,
        lease: &Lease,
        started: Instant,
    ) -> Result<(), Error> {
        let request: TargetBody = from_json(record.request.clone())?;
        let facts = &request.facts;
        let mut done = record.done;
        let mut tally: Tally = record.outcome.clone().map(from_json).transpose()?.unwrap_or_default();
        if done == 0 {
            self.before_the_first_entry(record, collection, &request, lease).await?;
        }
        let run = record.run.as_ref().map(|(id, _)| *id);
        let job = ChunkJob { collection, key: record.key, facts, lease, origin, run, started };
        let mut chunks = self.entries(collection, &request, done);
        let mut waiting: Vec<Incoming> = Vec::new();
        loop {
            while waiting.len() < CHUNK_ENTRIES
                && let Some(chunk) = chunks.recv().await
            {
                waiting.extend(chunk?);
            }
            if self.stop.is_cancelled() {
                // Another process, or the next start, goes on from the cursor.
                return Ok(());
            }
            let chunk = waiting.get(..CHUNK_ENTRIES).unwrap_or(&waiting);
            if chunk.is_empty() && done < facts.entries {
                return Err(Error::Internal(format!("the stored page ends after {done} of {} entries", facts.entries)));
            }
            let applied = self.provider.apply_chunk(&job, chunk, done, &mut tally, self.expiry()).await?;
            waiting.drain(..applied);
            done += applied as u64;
            if done >= facts.entries {
                tracing::info!(
                    resource_kind = collection.name.resource_kind,
                    entries = done,
                    failed = tally.failed,
                    "page taken in"
                );
                return Ok(());
            }
        }
    }

    async fn before_the_first_entry(
        &self,
        record: &TrackingRecord,
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
            let mut chunks = self.entries(collection, request, 0);
            while let Some(chunk) = chunks.recv().await {
                states.extend(chunk?.into_iter().filter_map(|entry| entry.state));
            }
            facts.check_continuity(&states, &digest)?;
        }
        let mut txn = store.begin().await?;
        lease.hold(&mut txn, collection.id).await?;
        txn.begin_tracking(record.key, self.provider.now()).await?;
        txn.commit().await?;
        // Once a feed, not once a page: else the cost of a long feed would grow with the square of what is parked.
        if facts.start_index <= 1 {
            match self.provider.retry_parked(collection, &facts.source_digest, lease).await {
                Err(Error::Store(StoreError::Duplicate { what })) => {
                    // Its own trouble, not this page's.
                    tracing::warn!(%what, "parked entries could not be tried again");
                }
                tried => drop(tried?),
            }
        }
        Ok(())
    }

    /// The entries of a stored page behind the first `skipped`, read on a thread of its own while earlier ones are applied.
    fn entries(
        &self,
        collection: &Arc<Collection>,
        request: &TargetBody,
        skipped: u64,
    ) -> mpsc::Receiver<Result<Vec<Incoming>, Error>> {
        let (parts_sender, parts) = mpsc::channel(CHUNKS_AHEAD);
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let (store, body) = (self.provider.store.clone(), request.body);
        tokio::spawn(async move { send_parts(&store, body.id, body.parts, parts_sender).await });
        // Each entry's size was bounded at the POST; what was accepted then must not fail now for its attributes.
        let nodes = self.settings.limits.nodes.saturating_mul(usize::from(self.settings.limits.attributes) + 1);
        let (collection, limits) = (Arc::clone(collection), ReadLimits { nodes, ..self.settings.limits });
        let source = Arc::new(request.facts.source_digest.clone());
        tokio::task::spawn_blocking(move || {
            let sent = read_chunks(ChannelReader::new(parts), limits, skipped, &sender, |entry, position| {
                Incoming::read(&collection, entry, position, &source)
            });
            if let Err(error) = sent {
                // Nobody listens any more when this fails: the job has ended.
                let _ = sender.blocking_send(Err(error));
            }
        });
        chunks
    }
}

fn read_chunks(
    reader: ChannelReader,
    limits: ReadLimits,
    skipped: u64,
    sender: &mpsc::Sender<Result<Vec<Incoming>, Error>>,
    read: impl Fn(crate::wire::Entry, u64) -> Incoming,
) -> Result<(), Error> {
    let mut feed = FeedReader::new(reader, limits)?;
    let mut chunk = Vec::with_capacity(CHUNK_ENTRIES);
    let mut position = 0;
    while let Some(entry) = feed.next_entry()? {
        if position >= skipped {
            chunk.push(read(entry, position));
        }
        position += 1;
        if chunk.len() == CHUNK_ENTRIES && sender.blocking_send(Ok(std::mem::take(&mut chunk))).is_err() {
            return Ok(());
        }
    }
    // The receiver may have gone: then the job has ended, and so does the reading.
    let _ = sender.blocking_send(Ok(chunk));
    Ok(())
}

/// A job's memory as it was kept.
pub(super) fn from_json<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::Internal(format!("a job's memory cannot be read: {error}")))
}
