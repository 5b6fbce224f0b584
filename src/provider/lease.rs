//! The right to work on a collection's jobs, for a while (docs/architecture.md, "Jobs and leases").

use super::Error;
use crate::store::{CollectionId, StoreError, Txn};
use std::sync::Arc;
use std::time::Duration;

/// Ends the work on an operation that its consumer does not want any more: what the transaction did is not kept.
pub(super) fn still_wanted(wanted: bool) -> Result<(), Error> {
    if wanted { Ok(()) } else { Err(Error::Cancelled) }
}

/// Who holds a lane, and for how long from each sign of life.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Names one worker of one process.
    pub owner: Arc<str>,
    /// How long the lane stays with a worker that gives no sign of life.
    pub duration: Duration,
}

impl Lease {
    /// Makes sure, within a transaction, that the lane is still held, and extends the lease: what a worker writes that
    /// was taken for dead is never committed.
    ///
    /// # Errors
    /// [`StoreError::LaneLost`].
    pub async fn hold(&self, txn: &mut Txn, collection: CollectionId) -> Result<(), StoreError> {
        txn.hold_lane(collection, &self.owner, self.duration).await
    }

    /// Gives the lane free with the end of a transaction: the job's last one.
    ///
    /// # Errors
    /// [`StoreError::LaneLost`].
    pub async fn give_back(&self, txn: &mut Txn, collection: CollectionId) -> Result<(), StoreError> {
        txn.release_lane(collection, &self.owner).await
    }
}
