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
