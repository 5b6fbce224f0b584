//! Removing what need not be kept: old rows of the audit, tombstones that nobody needs. A little at a time, and by one process.

use super::{Jobs, Kept};
use crate::provider::Error;
use crate::store::{PURGE, StoreError};
use std::time::Duration;

/// How often all is looked through.
const BETWEEN_PURGES: Duration = Duration::from_hours(1);
/// How often it is looked whether that is due.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);
/// How long another process waits before it takes over from one that died.
const LEASE: Duration = Duration::from_secs(300);
/// Between two steps, so that others come in between.
const REST: Duration = Duration::from_millis(50);

impl Jobs {
    /// Ends when the process does.
    pub(super) async fn purge(self) {
        while !self.stop.is_cancelled() {
            if let Err(error) = self.purge_when_due().await {
                tracing::warn!(%error, "what need not be kept could not be removed; it is tried again");
            }
            self.rest(BETWEEN_LOOKS).await;
        }
    }

    async fn purge_when_due(&self) -> Result<(), Error> {
        let owner = format!("{}/purge", self.owner);
        if self.settings.kept == Kept::default()
            || !self.provider.store.take_duty(PURGE, &owner, LEASE, BETWEEN_PURGES).await?
        {
            return Ok(());
        }
        let rows = self.purge_audit(&owner).await?;
        let tombstones = self.purge_tombstones(&owner).await?;
        if rows + tombstones > 0 {
            tracing::info!(audit_rows = rows, tombstones, "what need not be kept was removed");
        }
        if !self.stop.is_cancelled() {
            self.provider.store.duty_done(PURGE, &owner).await?;
        }
        Ok(())
    }

    async fn purge_audit(&self, owner: &str) -> Result<u64, Error> {
        let Some(age) = self.settings.kept.audit else { return Ok(0) };
        let store = &self.provider.store;
        // A process whose own clock is wrong must not remove what others want to keep.
        let before = store.time().before(age);
        let mut rows = 0;
        loop {
            // Runs last: they go when nothing of them is left.
            let step = match store.forget_events(before).await? + store.forget_changes(before).await? {
                0 => store.forget_runs(before).await?,
                gone => gone,
            };
            rows += step;
            if step == 0 || !self.goes_on(owner).await? {
                return Ok(rows);
            }
        }
    }

    async fn purge_tombstones(&self, owner: &str) -> Result<u64, Error> {
        let (mut gone, mut failed) = (0, None);
        for collection in self.provider.collections() {
            let mut after = None;
            loop {
                let step = match self.provider.purge_some(collection, self.settings.kept.tombstones, after).await {
                    Ok(step) => step,
                    Err(error) => {
                        // The others wait for nothing of this one's.
                        tracing::warn!(%error, collection = collection.url, "its tombstones could not be removed");
                        failed = Some(error);
                        break;
                    }
                };
                gone += step.gone;
                after = step.next;
                if !self.goes_on(owner).await? {
                    return Ok(gone);
                }
                if after.is_none() {
                    break;
                }
            }
        }
        failed.map_or(Ok(gone), Err)
    }

    /// Lets others in; says whether the work is still this process's.
    async fn goes_on(&self, owner: &str) -> Result<bool, StoreError> {
        self.rest(REST).await;
        let store = &self.provider.store;
        Ok(!self.stop.is_cancelled() && store.take_duty(PURGE, owner, LEASE, BETWEEN_PURGES).await?)
    }

    /// Waits, but not for longer than the process is wanted.
    pub(super) async fn rest(&self, time: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(time) => {}
        }
    }
}
