//! What happens without being asked for: parked entries are tried again, old contexts expire.

use super::Jobs;
use crate::protocol::{Digest, Stamp};
use crate::provider::{Collection, Error};
use crate::store::StoreError;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the caretaker looks round.
const ROUND: Duration = Duration::from_secs(2);

/// Collections whose parked entries are tried in one round.
const LANES_PER_ROUND: u64 = 100;

/// How often a process says that it still wants its indexes.
const BETWEEN_RENEWALS: Duration = Duration::from_hours(1);
/// After this time an index goes that no process wants: longer than a rolling restart, or a short way back, takes.
const UNWANTED_FOR: Duration = Duration::from_hours(24);

/// Rounds between two looks whether the database is the one it was.
const ROUNDS_PER_LOOK: u32 = 15;
/// Rounds between two words on the log about clocks that stand still: an hour.
const ROUNDS_PER_WARNING: u32 = 1800;

/// Rounds between two searches for contexts that expired.
const ROUNDS_PER_EXPIRY: u32 = 30;

impl Jobs {
    pub(super) async fn take_care(self) {
        let mut round: u32 = 0;
        while !self.stop.is_cancelled() {
            if let Err(error) = self.retry_due().await {
                tracing::warn!(%error, "parked entries could not be tried again");
            }
            if round.is_multiple_of(ROUNDS_PER_EXPIRY) {
                match self.expire().await {
                    Ok(0) => {}
                    Ok(contexts) => tracing::info!(contexts, "contexts that nobody deleted expired"),
                    Err(error) => tracing::warn!(%error, "old contexts could not be removed"),
                }
            }
            if round.is_multiple_of(ROUNDS_PER_LOOK)
                && let Err(error) = self.look_after_clocks(round).await
            {
                tracing::warn!(%error, "it could not be looked whether the database was put back in time");
            }
            round = round.wrapping_add(1);
            self.rest(ROUND).await;
        }
    }

    /// Keeps what queries need: fills the indexes of properties that were declared anew, renews the others, removes those that
    /// no process wants any more, and looks whether collections are counted right.
    pub(super) async fn tend_queries(self) {
        while !self.stop.is_cancelled() {
            let began = Instant::now();
            let mut left = self.tend(self.provider.collections()).await;
            // Those alone that failed, for as long as the others need nothing.
            while !left.is_empty() && !self.stop.is_cancelled() && began.elapsed() < BETWEEN_RENEWALS {
                self.rest(ROUND).await;
                left = self.tend(left).await;
            }
            self.rest(BETWEEN_RENEWALS.saturating_sub(began.elapsed())).await;
        }
    }

    /// Tends these; answers those that failed.
    async fn tend<'c>(&self, collections: impl IntoIterator<Item = &'c Arc<Collection>>) -> Vec<&'c Arc<Collection>> {
        let mut failed = Vec::new();
        for collection in collections {
            if self.stop.is_cancelled() {
                break;
            }
            if let Err(error) = self.tend_collection(collection).await {
                tracing::warn!(%error, collection = collection.url, "an index could not be filled; it is tried again");
                failed.push(collection);
            }
        }
        failed
    }

    async fn tend_collection(&self, collection: &Collection) -> Result<(), StoreError> {
        let store = &self.provider.store;
        store.renew_indexes(collection.id).await?;
        store.drop_unwanted_indexes(collection.id, UNWANTED_FOR).await?;
        let mut tended = false;
        while !self.stop.is_cancelled() && store.tend_indexes(collection.id).await? {
            tended = true;
        }
        if tended {
            tracing::info!(collection = collection.url, "the indexes of its properties are complete");
        }
        store.recount_live(collection.id).await
    }

    /// Some at a time, until none is left.
    async fn expire(&self) -> Result<u64, StoreError> {
        let store = &self.provider.store;
        // Also sets right what `Store::time` says.
        let now = Stamp::from_micros(store.now().await?);
        let mut contexts = 0;
        loop {
            match store.expire(now, self.provider.offer.contexts_kept).await? {
                0 => return Ok(contexts),
                some => contexts += some,
            }
        }
    }

    /// A database may be put back while it is served: then this process has to end. Who operates it is told, again and again, while
    /// clocks stand still.
    async fn look_after_clocks(&self, round: u32) -> Result<(), Error> {
        if let Some(cause) = self.provider.store.put_back_since().await? {
            // What only this process has seen of the clocks goes with it.
            self.provider.find_fallen_clocks().await?;
            tracing::error!(
                cause,
                "the database was put back in time under this process, which remembers ids that are not true any more: it ends; \
                 started again, it goes on, and gets back what the database has forgotten"
            );
            self.put_back.cancel();
        }
        self.provider.tell_of_recoveries(round.is_multiple_of(ROUNDS_PER_WARNING)).await
    }

    /// The time of a parked entry's next try is stored and honoured with no new input.
    async fn retry_due(&self) -> Result<(), Error> {
        let lease = self.lease("caretaker");
        for id in self.provider.store.parked_due(self.provider.store.time(), LANES_PER_ROUND).await? {
            let Some(collection) = self.provider.collection_by_id(id) else { continue };
            if !self.provider.store.take_lane(id, &lease.owner, lease.duration).await? {
                continue;
            }
            let tried = self.provider.retry_parked(collection, (&Digest::default(), None), &lease).await;
            self.provider.store.release(id, &lease.owner).await?;
            if let Err(error) = tried {
                // The others wait for nothing of this one's.
                tracing::warn!(%error, collection = collection.url, "parked entries could not be tried again");
            }
        }
        Ok(())
    }
}
