//! `$syncDigest`: reading and writing a collection's vector clock (sync 4.1, 4.2).

use super::audit::{Origin, event};
use super::{Collection, Error, Provider};
use crate::protocol::Digest;
use crate::store::{EventOperation, EventOutcome};
use std::time::Instant;

/// How a digest that was sent in is laid over the stored one (sync 4.1, decided).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestWrite {
    /// `POST`: no tick ever falls.
    Merge,
    /// `PUT`: remote ticks become what was sent.
    Replace,
}

impl Provider {
    /// The collection's digest, every change made until now included.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn read_digest(&self, collection: &Collection) -> Result<Digest, Error> {
        if let Some(digest) = self.store.clean_digest(collection.id).await? {
            return Ok(digest);
        }
        crate::store::retrying(|| async {
            let mut txn = self.store.begin().await?;
            // Taken under the collection's lock: otherwise a slow writer could commit 7 after a digest
            // said 8, and change 7 would never travel (protocol.md, tick rule 4).
            let before = txn.lock(collection.id).await?;
            let mut digest = before.clone();
            txn.stamp(collection.id, &mut digest, self.now()).await?;
            txn.save_digest(collection.id, &before, &digest).await?;
            txn.commit().await?;
            Ok(digest)
        })
        .await
    }

    /// Lays `sent` over the stored digest; answers the digest as stored.
    ///
    /// # Errors
    /// [`Error::OwnTick`] when `sent` would move the own tick; nothing is changed then.
    pub async fn write_digest(
        &self,
        collection: &Collection,
        sent: &Digest,
        write: DigestWrite,
        origin: &Origin,
    ) -> Result<Digest, Error> {
        let started = Instant::now();
        self.store.intern_endpoints(sent.entries.keys()).await?;
        crate::store::retrying(|| async {
            let mut txn = self.store.begin().await?;
            let before = txn.lock(collection.id).await?;
            let mut stamped = before.clone();
            txn.stamp(collection.id, &mut stamped, self.now()).await?;
            let digest = match write {
                DigestWrite::Merge => stamped.merged_with(&collection.endpoint, sent)?,
                DigestWrite::Replace => stamped.replaced_by(&collection.endpoint, sent)?,
            };
            txn.save_digest(collection.id, &before, &digest).await?;
            let now = self.now();
            let mut event =
                event(collection, origin, EventOperation::DigestWritten, EventOutcome::Ok, 200, (started, now));
            event.run = origin.run_id(&mut txn, now).await?;
            txn.add_event(&event).await?;
            txn.commit().await?;
            Ok(digest)
        })
        .await
    }
}
