//! Tombstones that nobody needs any more go (docs/adr/0007-purge-horizon.md).

use super::source::SourceRequest;
use super::{Collection, Error, Provider};
use crate::protocol::Digest;
use crate::protocol::Stamp;
use crate::protocol::horizon::TombstoneAges;
use crate::store::{ResourceId, Tombstone};

/// Tombstones looked at in one step: bounds how long the collection's clock is held.
const LOOKED_AT: u64 = 500;

/// What one step of purging a collection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purged {
    /// Tombstones that went.
    pub gone: u64,
    /// Where the next step begins, if there is more to look at.
    pub next: Option<ResourceId>,
}

impl Provider {
    /// Looks at some tombstones of `collection` behind `after` and removes those that may go by `ages`. None while the collection gets
    /// back what it has forgotten, or feeds wait to be taken in.
    ///
    /// # Errors
    /// When the store fails; nothing is removed by this step then.
    pub async fn purge_some(
        &self,
        collection: &Collection,
        ages: TombstoneAges,
        after: Option<ResourceId>,
    ) -> Result<Purged, Error> {
        let nothing = Purged { gone: 0, next: None };
        let Some(youngest) = ages.youngest() else { return Ok(nothing) };
        // A process whose own clock is wrong must not remove what others want to keep.
        let now = self.store.time();
        let until = now.before(youngest);
        let (old, next) = self.store.tombstones(collection.id, after, until, LOOKED_AT).await?;
        let mut gone = 0;
        if !old.is_empty() {
            gone = crate::store::retrying(|| self.purge_of(collection, ages, &old, now)).await?;
        }
        Ok(Purged { gone, next })
    }

    async fn purge_of(
        &self,
        collection: &Collection,
        ages: TombstoneAges,
        old: &[Tombstone],
        now: Stamp,
    ) -> Result<u64, Error> {
        let mut txn = self.store.begin().await?;
        // Under the lock no feed is made ready: who reads one was there before, and is seen below.
        if txn.lock_clock(collection.id).await?.recovery.is_some() || txn.has_waiting_feeds(collection.id).await? {
            return Ok(0);
        }
        let peers: Vec<Digest> = txn.peers(collection.id).await?.into_iter().map(|(_, digest)| digest).collect();
        let reading = reading(txn.open_source_requests(collection.id).await?)?;
        let may_go = |tombstone: &&Tombstone| ages.may_go(&tombstone.state, now, &peers, &reading);
        let going: Vec<_> = old.iter().filter(may_go).cloned().collect();
        if going.is_empty() {
            return Ok(0);
        }
        let gone = txn.purge(collection.id, &going).await?;
        txn.commit().await?;
        Ok(gone)
    }
}

/// What those have taken in who read feeds at this moment.
fn reading(requests: Vec<serde_json::Value>) -> Result<Vec<Digest>, Error> {
    let digest = |request| serde_json::from_value(request).map(|request: SourceRequest| request.target_digest);
    let digests: Result<_, _> = requests.into_iter().map(digest).collect();
    digests.map_err(|error| Error::Internal(format!("a request that was kept cannot be read: {error}")))
}
