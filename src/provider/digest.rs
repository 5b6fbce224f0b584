//! `$syncDigest`: reading and writing a collection's vector clock (sync 4.1, 4.2).

use super::audit::{Origin, event};
use super::recovery::TickClock;
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
    /// The collection's digest, every change made until now included; while its clock stands still, as it is.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn read_digest(&self, collection: &Collection) -> Result<Digest, Error> {
        let glance = self.store.glance(collection.id).await?;
        if glance.is_recovering || !(glance.is_waiting || glance.seems_fallen) {
            return Ok(glance.digest);
        }
        crate::store::retrying(|| async {
            let mut txn = self.store.begin().await?;
            // Taken under the collection's lock: otherwise a slow writer could commit 7 after a digest
            // said 8, and change 7 would never travel (docs/adr/0001-lazy-stamping.md).
            let now = self.now();
            let mut clock = TickClock::lock(&mut txn, collection, None, [], now).await?;
            clock.stamp(&mut txn, now).await?;
            clock.save(&mut txn).await?;
            txn.commit().await?;
            Ok(clock.digest)
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
        self.store.intern_endpoints(sent.entries.keys().chain(&sent.origin)).await?;
        let written = crate::store::retrying(|| async {
            let now = self.now();
            let mut txn = self.store.begin().await?;
            let mut clock = TickClock::lock(&mut txn, collection, None, [], now).await?;
            clock.stamp(&mut txn, now).await?;
            clock.digest = match write {
                DigestWrite::Merge => clock.digest.merged_with(&collection.endpoint, sent)?,
                DigestWrite::Replace => clock.digest.replaced_by(&collection.endpoint, sent)?,
            };
            clock.save(&mut txn).await?;
            if let (DigestWrite::Merge, Some(peer)) = (write, sent.origin.as_ref())
                && *peer != collection.endpoint
            {
                txn.note_peer(collection.id, peer, sent, now).await?;
            }
            let mut event =
                event(collection, origin, EventOperation::DigestWritten, EventOutcome::Ok, 200, (started, now));
            event.run = origin.run_id(&mut txn, now).await?;
            txn.add_event(&event).await?;
            txn.commit().await?;
            Ok(clock.digest)
        })
        .await;
        if let Err(Error::OwnTick(_)) = &written {
            // Refused, but heard: it may be the proof that this database was put back in time.
            match self.hear_of_own_tick(collection, sent).await {
                Err(Error::BadBody(_)) => {}
                heard => drop(heard?),
            }
        }
        written
    }
}
