//! What happens without being asked for: parked entries are tried again, old contexts expire.

use super::Jobs;
use crate::protocol::Digest;
use crate::provider::Error;
use std::time::Duration;

/// How often the caretaker looks round.
const ROUND: Duration = Duration::from_secs(2);

/// Collections whose parked entries are tried in one round.
const LANES_PER_ROUND: u64 = 100;

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
                match self.provider.store.expire(self.provider.now(), self.settings.retention).await {
                    Ok(0) => {}
                    Ok(contexts) => tracing::info!(contexts, "contexts that nobody deleted expired"),
                    Err(error) => tracing::warn!(%error, "old contexts could not be removed"),
                }
            }
            round = round.wrapping_add(1);
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
    }

    /// Fills the indexes of properties that were declared anew and removes what is left of others, bit by bit, until there
    /// is no more to do: what is declared changes with a restart alone.
    pub(super) async fn tend_indexes(self) {
        for collection in self.provider.collections() {
            let mut tended = false;
            while !self.stop.is_cancelled() {
                match self.provider.store.tend_indexes(collection.id).await {
                    Ok(false) => break,
                    Ok(true) => tended = true,
                    Err(error) => {
                        tracing::warn!(%error, collection = collection.url, "an index could not be filled; it is tried again");
                        tokio::select! {
                            () = self.stop.cancelled() => {}
                            () = tokio::time::sleep(ROUND) => {}
                        }
                    }
                }
            }
            if tended {
                tracing::info!(collection = collection.url, "the indexes of its properties are complete");
            }
        }
    }

    /// The time of a parked entry's next try is stored and honoured with no new input.
    async fn retry_due(&self) -> Result<(), Error> {
        let lease = self.lease("caretaker");
        for id in self.provider.store.parked_due(self.provider.now(), LANES_PER_ROUND).await? {
            let Some(collection) = self.provider.collection_by_id(id) else { continue };
            if !self.provider.store.take_lane(id, &lease.owner, lease.duration).await? {
                continue;
            }
            let tried = self.provider.retry_parked(collection, &Digest::default(), &lease).await;
            self.provider.store.release(id, &lease.owner).await?;
            tried?;
        }
        Ok(())
    }
}
