//! A database that was put back to an earlier state gets back what it has forgotten before it numbers anything
//! (docs/adr/0006-restore.md).

use super::audit::{Origin, event};
use super::target::incoming::EntryRefusal;
use super::{Collection, Error, Provider};
use crate::protocol::recovery::{can_be_true, is_credible, known_to};
use crate::protocol::{Digest, Recovery, Stamp, SyncState, Tick};
use crate::store::{Event, EventOperation, EventOutcome, LockedClock, PutBackNotes, StoreError, Txn};
use std::time::Instant;

/// A collection's clock within a transaction that has locked it.
#[derive(Debug)]
pub(super) struct TickClock<'c> {
    collection: &'c Collection,
    before: Digest,
    recovery_before: Option<Recovery>,
    /// The digest as it becomes.
    pub(super) digest: Digest,
    /// What the collection gets back, while its clock stands still.
    pub(super) recovery: Option<Recovery>,
}

/// What somebody else's message says of our clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Testimony<'w> {
    /// Its digest.
    pub(super) digest: &'w Digest,
    /// The feed it heads, if it heads one.
    pub(super) feed: Option<&'w [u8; 32]>,
}

impl<'w> Testimony<'w> {
    /// A digest by itself.
    pub(super) const fn alone(digest: &'w Digest) -> Self {
        Self { digest, feed: None }
    }
}

impl<'c> TickClock<'c> {
    /// Locks the clock of `collection`. It stands still from then on where it is found to have gone backwards, by what was seen of it
    /// here before or by what `testimony` and the states that came with it know.
    ///
    /// # Errors
    /// [`Error::BadBody`] for a digest that cannot be true; else those of any write.
    pub(super) async fn lock(
        txn: &mut Txn,
        collection: &'c Collection,
        testimony: Option<Testimony<'_>>,
        states: impl IntoIterator<Item = &SyncState>,
        now: Stamp,
    ) -> Result<Self, Error> {
        let LockedClock { digest, recovery, fallen_from } = txn.lock_clock(collection.id).await?;
        let mut clock =
            Self { collection, before: digest.clone(), recovery_before: recovery.clone(), digest, recovery };
        let own_tick = clock.own_tick();
        if let Some(seen) = fallen_from {
            let cause = format!("its clock was at {seen} before, and is at {own_tick}");
            clock.begin(txn, Recovery { known: seen, ..Recovery::in_time(own_tick, now, &cause) }, &[]).await?;
        }
        if let Some(Testimony { digest, feed }) = testimony {
            clock.hear(txn, digest, feed, now).await?;
        }
        let known = known_to(&collection.endpoint, own_tick, states);
        if known > own_tick && clock.recovery.is_none() {
            let cause = format!("a feed brought a change of ours with tick {known}, and we are at {own_tick}");
            clock.begin(txn, Recovery::by_proof(own_tick, known, own_tick, now, &cause), &[]).await?;
        }
        Ok(clock)
    }

    /// Why an entry with this state cannot be applied, whatever it brings: it would take a clock along that only grows.
    pub(super) fn doubt(&self, state: &SyncState) -> Option<EntryRefusal> {
        let (own, own_tick) = (&self.collection.endpoint, self.own_tick());
        if can_be_true(state, own, own_tick) {
            return None;
        }
        let message = format!(
            "the entry bears tick {} of this endpoint ({own}), which is at {own_tick}: no backup is that old",
            state.tick
        );
        Some(EntryRefusal::bad("badSyncState", message))
    }

    fn own_tick(&self) -> Tick {
        self.digest.tick_of(&self.collection.endpoint)
    }

    /// Takes a peer's digest as the proof it may be.
    async fn hear(&mut self, txn: &mut Txn, peer: &Digest, feed: Option<&[u8; 32]>, now: Stamp) -> Result<(), Error> {
        let (own, own_tick) = (&self.collection.endpoint, self.own_tick());
        let Some(known) = peer.entries.get(own).filter(|known| known.tick > own_tick) else { return Ok(()) };
        if !is_credible(known.tick, own_tick) {
            return Err(Error::BadBody(format!(
                "the digest knows tick {} of this endpoint ({own}), which is at {own_tick}: no backup is that old",
                known.tick
            )));
        }
        let prover: Vec<_> = peer.origin.iter().filter(|origin| *origin != own).cloned().collect();
        if let Some(recovery) = &mut self.recovery {
            if known.tick > recovery.known {
                recovery.known = known.tick;
                txn.await_peers(self.collection.id, &prover).await?;
            }
            return Ok(());
        }
        // By its stamp: what was changed here later than the peer's tick was given was changed after the restore.
        let certain = match known.stamp {
            Stamp::EPOCH => own_tick,
            stamp => txn.certain_own_tick(self.collection.id, own, stamp).await?,
        };
        let prover_name = prover.first().map_or_else(|| "a peer".to_owned(), ToString::to_string);
        let cause = format!("{prover_name} knows tick {} of ours, and we are at {own_tick}", known.tick);
        let recovery = Recovery::by_proof(own_tick, known.tick, certain, now, &cause);
        self.begin(txn, Recovery { proof_feed: feed.copied(), ..recovery }, &prover).await
    }

    async fn begin(
        &mut self,
        txn: &mut Txn,
        recovery: Recovery,
        others: &[crate::protocol::Endpoint],
    ) -> Result<(), Error> {
        let own = &self.collection.endpoint;
        tracing::warn!(
            endpoint = %own, own_tick = %self.own_tick(), known_tick = %recovery.known, cause = recovery.cause,
            "the database was put back in time: nothing is numbered or sent until it has got back what peers know of it"
        );
        txn.begin_recovery(self.collection.id, &recovery, others).await?;
        if recovery.is_ambiguous {
            txn.unstamp_own_from(self.collection.id, own, recovery.floor).await?;
        }
        recovery.lower(own, &mut self.digest);
        tell(txn, self.collection, recovery.since, &begun_message(&recovery)).await?;
        self.recovery_before = Some(recovery.clone());
        self.recovery = Some(recovery);
        Ok(())
    }

    /// Gives ticks to what waits for one, unless the clock stands still.
    pub(super) async fn stamp(&mut self, txn: &mut Txn, now: Stamp) -> Result<(), StoreError> {
        if self.recovery.is_none() {
            txn.stamp(self.collection.id, &mut self.digest, now).await?;
        }
        Ok(())
    }

    /// After one entry of a feed (sync 5.5).
    pub(super) fn note_entry(&mut self, state: &SyncState, source: &Digest) {
        match &mut self.recovery {
            Some(recovery) => recovery.note_entry(&self.collection.endpoint, &mut self.digest, state, source),
            None => self.digest.note_entry(state, source),
        }
    }

    /// At the end of a catch-up feed (sync 5.5). It may be the last that the clock waited for: then it goes on.
    pub(super) async fn adopt(
        &mut self,
        txn: &mut Txn,
        source: &Digest,
        feed: &[u8; 32],
        now: Stamp,
    ) -> Result<(), Error> {
        let own = &self.collection.endpoint;
        self.digest.adopt(own, source);
        let Some(recovery) = self.recovery.as_mut().filter(|recovery| recovery.counts(feed)) else { return Ok(()) };
        recovery.adopt_own(own, &mut self.digest, source);
        let Some(origin) = &source.origin else { return Ok(()) };
        if txn.came(self.collection.id, origin).await? {
            return Ok(());
        }
        self.resume(txn, now, "everybody who takes changes from here has brought what was forgotten").await
    }

    /// Lets the clock go on above all that anybody knows, and has numbered anew what may bear a number twice.
    pub(super) async fn resume(&mut self, txn: &mut Txn, now: Stamp, reason: &str) -> Result<(), Error> {
        let Some(recovery) = self.recovery.take() else { return Ok(()) };
        let own = &self.collection.endpoint;
        if recovery.is_ambiguous {
            txn.unstamp_own_from(self.collection.id, own, recovery.floor).await?;
        }
        let resumed = recovery.resumed(self.own_tick());
        self.digest.raise_own(own, resumed, now);
        txn.end_recovery(self.collection.id).await?;
        self.recovery_before = None;
        tracing::warn!(endpoint = %own, own_tick = %resumed, reason, "the clock goes on after the restore");
        tell(txn, self.collection, now, &format!("the clock goes on after the restore, with tick {resumed}: {reason}"))
            .await
    }

    /// Writes what became of the clock.
    pub(super) async fn save(&self, txn: &mut Txn) -> Result<(), StoreError> {
        if let (Some(recovery), Some(before)) = (&self.recovery, &self.recovery_before)
            && recovery.known > before.known
        {
            txn.note_known(self.collection.id, recovery.known).await?;
        }
        txn.save_digest(self.collection.id, &self.before, &self.digest).await
    }
}

fn begun_message(recovery: &Recovery) -> String {
    format!(
        "the database was put back in time; its clock stands still from tick {}: {}",
        recovery.floor, recovery.cause
    )
}

/// What the audit is told of a clock: it is a digest's own entry that moves, or does not.
fn told(collection: &Collection, now: Stamp, message: &str) -> Event {
    let (operation, outcome) = (EventOperation::DigestWritten, EventOutcome::Ok);
    let event = event(collection, &Origin::default(), operation, outcome, 200, (Instant::now(), now));
    Event { message: message.to_owned(), ..event }
}

async fn tell(txn: &mut Txn, collection: &Collection, now: Stamp, message: &str) -> Result<(), Error> {
    Ok(txn.add_event(&told(collection, now, message)).await?)
}

impl Provider {
    /// Looks whether the database is the one it was; where it was put back, the clocks of all its collections stand still from now on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recognize(&self) -> Result<(), Error> {
        let now = self.now();
        let failure = serde_json::to_value(Error::PutBack.failure())
            .map_err(|error| Error::Internal(format!("a failure cannot be written: {error}")))?;
        let notes = |cause: &str| {
            let message = format!("the clock stands still: {cause}");
            let events = self.collections().map(|collection| told(collection, now, &message)).collect();
            PutBackNotes { events, failure: failure.clone(), kept: self.offer.contexts_kept }
        };
        if let Some(cause) = self.store.recognize(now, notes).await? {
            tracing::warn!(
                cause,
                "the database was put back in time: nothing is numbered or sent until it has got back what peers know of it"
            );
        }
        Ok(())
    }

    /// Looks whether clocks are behind what the witness of the database has seen: whoever operates it is to know at once. A collection
    /// that the database does not know, because it was put back to before there was one, keeps nobody from the others.
    ///
    /// # Errors
    /// When the database cannot be asked now: what was seen of the clocks must not be forgotten before.
    pub(crate) async fn find_fallen_clocks(&self) -> Result<(), Error> {
        let mut failed = None;
        for collection in self.collections() {
            match self.find_fallen_clock(collection).await {
                Ok(()) => {}
                Err(error) if error.passes() => failed = Some(error),
                Err(error) => tracing::error!(
                    %error, collection = collection.url, "it could not be looked whether its clock went backwards"
                ),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn find_fallen_clock(&self, collection: &Collection) -> Result<(), Error> {
        if self.store.glance(collection.id).await?.seems_fallen {
            // Nobody says anything; locking the clock is enough.
            self.hear_of_own_tick(collection, &Digest::default()).await?;
        }
        Ok(())
    }

    /// Says on the log and in the metrics which clocks stand still.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tell_of_recoveries(&self, aloud: bool) -> Result<(), Error> {
        let recoveries = self.store.recoveries().await?;
        for collection in self.collections() {
            let recovery = recoveries.iter().find(|(id, _)| *id == collection.id).map(|(_, recovery)| recovery);
            let stands = if recovery.is_some() { 1.0 } else { 0.0 };
            metrics::gauge!("sdata_sync_recovering", "collection" => collection.name.to_string()).set(stands);
            if let Some(recovery) = recovery.filter(|_| aloud) {
                tracing::warn!(
                    collection = collection.url, since = %recovery.since, cause = recovery.cause,
                    "this collection still gets back what it forgot when the database was put back: nothing is sent from it; \
                     'sdata-sync restore-check' says whom it waits for, and with --heal ends it"
                );
            }
        }
        Ok(())
    }

    /// Takes what a peer says of our clock as the proof it may be; says whether the clock stands still now.
    ///
    /// # Errors
    /// [`Error::BadBody`] for a digest that cannot be true; else when the store fails.
    pub async fn hear_of_own_tick(&self, collection: &Collection, peer: &Digest) -> Result<bool, Error> {
        self.store.intern_endpoints(peer.entries.keys().chain(&peer.origin)).await?;
        crate::store::retrying(|| async {
            let mut txn = self.store.begin().await?;
            let clock = TickClock::lock(&mut txn, collection, Some(Testimony::alone(peer)), [], self.now()).await?;
            clock.save(&mut txn).await?;
            txn.commit().await?;
            Ok(clock.recovery.is_some())
        })
        .await
    }

    /// Ends what a collection waits for, whoever has not come: its clock goes on above `known` and all else that was seen of it.
    /// False when it did not stand still.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume_clock(&self, collection: &Collection, known: Tick) -> Result<bool, Error> {
        crate::store::retrying(|| async {
            let now = self.now();
            let mut txn = self.store.begin().await?;
            let mut clock = TickClock::lock(&mut txn, collection, None, [], now).await?;
            let Some(recovery) = &mut clock.recovery else { return Ok(false) };
            recovery.known = recovery.known.max(known);
            clock.resume(&mut txn, now, "an operator has ended the recovery").await?;
            clock.save(&mut txn).await?;
            txn.commit().await?;
            Ok(true)
        })
        .await
    }
}
