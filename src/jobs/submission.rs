//! Accepting an operation: durable before its 202, one operation per tracking id (core 11.5, 11.6).

use super::Jobs;
use super::body::{BodyStream, BodyWriter, ChannelReader};
use super::context::ContextState;
use super::parsed::ParsedFeed;
use super::unfinished;
use crate::protocol::{Stamp, Tracking};
use crate::provider::audit::{Origin, event};
use crate::provider::gate::Who;
use crate::provider::memory::Share;
use crate::provider::source::{SourceRequest, to_json};
use crate::provider::target::FeedFacts;
use crate::provider::target::ready::{Alone, Ready};
use crate::provider::{Collection, Error};
use crate::store::{
    BodyPart, DoneAtOnce, EventOperation, EventOutcome, FeedPart, NewTracking, Operation, StoreError, Submission,
};
use crate::wire::{Entry, FeedScan};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// Longest tracking id that is kept, in bytes.
const MAX_TRACKING_ID_BYTES: usize = 255;

/// What a `$syncTarget` job remembers of its request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TargetBody {
    /// The page's head.
    pub facts: FeedFacts,
    /// Where its bytes are kept, and in how many parts.
    pub body: SubmittedBody,
}

/// What a `$batch` job remembers of its request.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct BatchBody {
    /// Its entries.
    pub entries: u64,
    /// Whether the answer to its POST is the result.
    pub is_awaited: bool,
    /// Where its bytes are kept, and in how many parts.
    pub body: SubmittedBody,
}

/// A body in the store.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SubmittedBody {
    /// Its id.
    pub id: i64,
    /// Its parts, numbered from 0.
    pub parts: u32,
}

/// A body that has arrived.
struct Arrived {
    scan: FeedScan,
    parsed: Option<ParsedFeed>,
    body: SubmittedBody,
    /// What the store does not have yet.
    parts: Vec<BodyPart>,
}

impl Jobs {
    /// Accepts a `$syncSource` (sync 5.2), and answers how it stands. One that has nothing to send is done at once, in the
    /// same commit: the common case costs no job.
    ///
    /// # Errors
    /// [`Error::TrackingIdTaken`], [`Error::TooManyJobs`], or what the store says; nothing is accepted then.
    pub async fn submit_source(
        &self,
        collection: &Collection,
        request: &SourceRequest,
        origin: &Origin,
    ) -> Result<Tracking, Error> {
        let mut new = new_tracking(collection, Operation::SyncSource, to_json(request)?, origin, self.provider.now())?;
        let digest = &request.target_digest;
        let peer = digest.origin.as_ref().filter(|origin| **origin != collection.endpoint);
        self.provider.store.intern_endpoints(peer).await?;
        new.peer = peer.map(|peer| (peer.clone(), digest.clone()));
        if let Some(context) = self.provider.nothing_to_send(collection, request, new.created_at).await? {
            new.done = Some(DoneAtOnce { outcome: to_json(&context)?, expires_at: self.expiry() });
        } else {
            self.check_room(collection, Operation::SyncSource, origin).await?;
        }
        self.submit(collection, new).await
    }

    /// Accepts a page for `$syncTarget` (sync 5.3). The body is checked and stored as it arrives: what is no feed with a
    /// digest, or comes out of order, is refused before any operation exists. Answers how the operation stands.
    ///
    /// # Errors
    /// [`Error::Wire`], [`Error::BadBody`], [`Error::OutOfOrder`], [`Error::TooLarge`], [`Error::TooManyJobs`], [`Error::TrackingIdTaken`], …
    pub async fn submit_target(
        &self,
        collection: &Arc<Collection>,
        body: BodyStream,
        origin: &Origin,
    ) -> Result<Tracking, Error> {
        self.check_room(collection, Operation::SyncTarget, origin).await?;
        let look = {
            let collection = Arc::clone(collection);
            move |entry: &Entry| Ready::alone(&collection, entry)
        };
        self.take_in(collection, (Who::of(origin), body, look), async |scan, body| {
            let facts = FeedFacts::of(scan)?;
            self.check_order(collection, &facts).await?;
            let feed = FeedPart { hash: facts.feed, end: facts.taken_after };
            let request = to_json(&TargetBody { facts, body })?;
            let new = new_tracking(collection, Operation::SyncTarget, request, origin, self.provider.now())?;
            Ok(NewTracking { feed: Some(feed), ..new })
        })
        .await
    }

    /// Accepts a batch of requests about resources or, as `operation` says, about links (core 13.3, 13.5). The body is
    /// checked and stored as it arrives: what is no feed is refused before anything is done. With `is_awaited` the POST
    /// waits for the result, and nobody will delete it. Answers how the operation stands.
    ///
    /// # Errors
    /// [`Error::Wire`], [`Error::TooLarge`], [`Error::TooManyJobs`], [`Error::TrackingIdTaken`], …
    pub async fn submit_batch(
        &self,
        collection: &Collection,
        operation: Operation,
        body: BodyStream,
        origin: &Origin,
        is_awaited: bool,
    ) -> Result<Tracking, Error> {
        self.check_room(collection, operation, origin).await?;
        self.take_in(collection, (Who::of(origin), body, |_: &Entry| None), async |FeedScan { entries, .. }, body| {
            let request = to_json(&BatchBody { entries, is_awaited, body })?;
            new_tracking(collection, operation, request, origin, self.provider.now())
        })
        .await
    }

    /// Stores a feed, and submits the operation that `accept` makes of it.
    async fn take_in(
        &self,
        collection: &Collection,
        (who, body, look): (Option<Who>, BodyStream, impl Fn(&Entry) -> Option<Alone> + Send + 'static),
        accept: impl AsyncFnOnce(FeedScan, SubmittedBody) -> Result<NewTracking, Error>,
    ) -> Result<Tracking, Error> {
        let store = &self.provider.store;
        let id = store.reserve_ids(1).await?.start;
        let accepted = async {
            let share = self.memory.share(who);
            let Arrived { scan, parsed, body, parts } = self.receive(id, body, share, look).await?;
            let new = accept(scan, body).await?;
            if let Some(parsed) = parsed {
                self.parsed.keep(id, parsed);
            }
            self.submit(collection, NewTracking { body: Some(id), parts, ..new }).await
        }
        .await;
        // After an unknown commit the body may belong to an accepted operation; if it does not, it expires.
        if accepted.as_ref().is_err_and(|error| !matches!(error, Error::Store(StoreError::CommitUnknown(_)))) {
            drop(self.parsed.take(id));
            if let Err(error) = store.drop_body(id).await {
                tracing::warn!(%error, "the body of a request that was refused could not be dropped; it will expire");
            }
        }
        accepted
    }

    /// A page may also wait for the pages before it that are accepted and not yet done: its lane is serial.
    async fn check_order(&self, collection: &Collection, facts: &FeedFacts) -> Result<(), Error> {
        if facts.start_index <= 1 {
            return Ok(());
        }
        let store = &self.provider.store;
        let pending = store.pending_feed_end(collection.id, &facts.feed).await?;
        let taken = store.feed_taken(collection.id, &facts.feed).await?;
        facts.check_order(taken.max(pending))
    }

    /// Reads and stores a body as it arrives, both at the same time.
    async fn receive(
        &self,
        id: i64,
        mut body: BodyStream,
        share: Share,
        look: impl Fn(&Entry) -> Option<Alone> + Send + 'static,
    ) -> Result<Arrived, Error> {
        let (limits, feeds) = (self.settings.limits, self.parsed.clone());
        let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(2);
        let reading =
            tokio::task::spawn_blocking(move || feeds.read(ChannelReader::new(receiver), limits, share, look));
        let mut writer = BodyWriter::new(&self.provider.store, id);
        let mut received: u64 = 0;
        while let Some(bytes) = body.next().await {
            let bytes = bytes?;
            received += bytes.len() as u64;
            if received > self.settings.max_body_bytes {
                return Err(Error::TooLarge(self.settings.max_body_bytes));
            }
            if let Some(part) = writer.write(&bytes).await?
                && sender.send(Ok(part)).await.is_err()
            {
                // The reader has found a fault and does not want to read on.
                break;
            }
        }
        if let Some(part) = writer.last() {
            // The same may be true now.
            let _ = sender.send(Ok(part)).await;
        }
        drop(sender);
        let read = reading.await.map_err(|error| Error::Internal(error.to_string()))?;
        let (scan, parsed) = read.map_err(unfinished::cause)?;
        let (number, parts) = writer.finish();
        Ok(Arrived { scan, parsed, body: SubmittedBody { id, parts: number }, parts })
    }

    /// Refuses what would be one too many of its client, before its body is read. What was accepted before is the same
    /// again. Requests that come at the same moment may all be let in: no more than one client may have under way.
    async fn check_room(&self, collection: &Collection, operation: Operation, origin: &Origin) -> Result<(), Error> {
        let (store, most) = (&self.provider.store, self.settings.jobs_per_client);
        if store.pending_of(origin.principal.as_deref(), origin.remote_address.as_deref()).await? < most {
            return Ok(());
        }
        let tracking_id = origin.tracking_id.as_deref().unwrap_or_default();
        match store.tracking(collection.id, operation, tracking_id).await? {
            Some(_) => Ok(()),
            None => Err(Error::TooManyJobs(most)),
        }
    }

    async fn submit(&self, collection: &Collection, new: NewTracking) -> Result<Tracking, Error> {
        let taken = |why| Error::TrackingIdTaken { id: new.tracking_id.clone(), why };
        match self.provider.store.submit(&new).await? {
            Submission::Accepted(_) if new.done.is_some() => Ok(self.ended()),
            Submission::Accepted(_) => {
                self.work.notify_one();
                Ok(self.queued(0))
            }
            Submission::Same => {
                if let Some(body) = new.body {
                    drop(self.parsed.take(body));
                    if let Err(error) = self.provider.store.drop_body(body).await {
                        tracing::warn!(%error, "the body of a repeated request could not be dropped; it will expire");
                    }
                }
                match self.context(collection, new.operation, &new.tracking_id).await?.state {
                    ContextState::Running(tracking) => Ok(tracking),
                    _ => Ok(self.ended()),
                }
            }
            Submission::InUse => Err(taken("is in use for another operation or collection")),
            Submission::UsedUp => Err(taken("was used before and its context deleted")),
        }
    }
}

fn new_tracking(
    collection: &Collection,
    operation: Operation,
    request: serde_json::Value,
    origin: &Origin,
    now: Stamp,
) -> Result<NewTracking, Error> {
    let tracking_id = origin.tracking_id.clone().unwrap_or_default();
    if tracking_id.is_empty() || tracking_id.len() > MAX_TRACKING_ID_BYTES {
        return Err(Error::BadParameter(format!("trackingID must have 1 to {MAX_TRACKING_ID_BYTES} bytes")));
    }
    let requested = match operation {
        Operation::SyncTarget => Some(EventOperation::TargetRequested),
        Operation::SyncSource => Some(EventOperation::SourceRequested),
        Operation::Batch | Operation::LinkedBatch => None,
    };
    let event = |requested| event(collection, origin, requested, EventOutcome::Ok, 202, (Instant::now(), now));
    Ok(NewTracking {
        collection: collection.id,
        operation,
        tracking_id,
        run: origin.run.clone(),
        phase_detail: String::new(),
        request,
        body: None,
        parts: Vec::new(),
        feed: None,
        principal: origin.principal.clone(),
        remote_address: origin.remote_address.clone(),
        created_at: now,
        event: requested.map(event),
        done: None,
        peer: None,
    })
}
