//! Entries that could not be applied: kept durably, tried again, never lost (sync 5.3, decided).

use super::candidate::Lookups;
use super::chunk::{Clashes, MOST_ATTEMPTS, Tally};
use super::incoming::{EntryRefusal, Incoming, believed, former_uuids};
use super::plan::{Outcome, Plan, plan};
use crate::protocol::{Diagnosis, Digest, Endpoint, Stamp, Tick};
use crate::provider::audit::{Origin, event};
use crate::provider::recovery::{Testimony, TickClock};
use crate::provider::source::to_json;
use crate::provider::{Collection, Error, Lease, Provider};
use crate::store::{
    ChangeRecord, EventOperation, EventOutcome, ParkedEntry, ParkedId, ParkedWrite, RunId, StoreError, Txn,
};
use crate::wire::Element;
use bytes::Bytes;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Parked entries tried per transaction.
const RETRIED_AT_ONCE: u64 = 200;

/// Bytes of their payloads: as much as a chunk of a feed may have.
const RETRIED_BYTES: u64 = 4 << 20;

/// Waits before the tries that nothing else brings about, in seconds: a ladder, not a doubling, so that after a long
/// outage the next try is still near. The last step repeats.
const RETRY_AFTER_SECONDS: [u64; 6] = [10, 60, 300, 900, 3600, 21_600];

/// When an entry that failed `attempts` times is tried next; `now` is by the database's clock, because any process may try it.
#[must_use]
pub fn next_try(now: Stamp, attempts: u32) -> Stamp {
    let step = usize::try_from(attempts).unwrap_or(usize::MAX).min(RETRY_AFTER_SECONDS.len() - 1);
    let seconds = RETRY_AFTER_SECONDS.get(step).copied().unwrap_or_default();
    now.after(Duration::from_secs(seconds))
}

/// What is kept of an entry that failed.
pub(super) fn park(
    entry: &Incoming,
    outcome: &Outcome,
    tracking_id: Option<&str>,
    run: Option<RunId>,
    (now, next_try_at): (Stamp, Stamp),
) -> Result<ParkedWrite, Error> {
    let fallback = Diagnosis::error("failed", "the entry could not be applied");
    Ok(ParkedWrite {
        uuid: entry.uuid,
        state: entry.state.clone(),
        method: outcome.method.to_owned(),
        deleted: entry.deleted,
        payload: entry.resource.as_ref().map(Element::to_xml).transpose()?.map(Bytes::from),
        source_digest: (*entry.source).clone(),
        run,
        tracking_id: tracking_id.map(str::to_owned),
        http_status: outcome.status,
        diagnosis: to_json(outcome.diagnosis.as_ref().unwrap_or(&fallback))?,
        next_try_at,
        parked_at: now,
    })
}

/// The states that are parked, and whether a digest that passes them was shown.
pub(super) fn states_of(parked: &[ParkedEntry]) -> HashMap<(Uuid, Endpoint, Tick), bool> {
    let state = |parked: &ParkedEntry| {
        let state = parked.entry.state.as_ref()?;
        Some(((parked.entry.uuid?, state.endpoint.clone(), state.tick), parked.digest_shown))
    };
    parked.iter().filter_map(state).collect()
}

/// Drops what is parked of resources whose newer state is in `entries`: a state the newer one's sender had taken in.
/// `names` are all UUIDs of the resource that each entry is about. Answers which of the entries that `failed` are parked as they
/// are: these stay.
pub(super) async fn drop_superseded(
    txn: &mut Txn,
    entries: &[Incoming],
    names: &[BTreeSet<Uuid>],
    (failed, parked): (&[usize], &[ParkedEntry]),
) -> Result<HashSet<usize>, Error> {
    let mut failed_again = HashSet::new();
    let mut superseded = Vec::new();
    for parked in parked {
        let same = failed.iter().find(|index| entries.get(**index).is_some_and(|entry| is_same(entry, &parked.entry)));
        match same {
            Some(index) => drop(failed_again.insert(*index)),
            None if entries.iter().zip(names).any(|(entry, names)| supersedes(entry, names, &parked.entry)) => {
                superseded.push(parked.id);
            }
            None => {}
        }
    }
    txn.unpark(&superseded).await?;
    Ok(failed_again)
}

fn is_same(entry: &Incoming, parked: &ParkedWrite) -> bool {
    let (Some(one), Some(other)) = (&entry.state, &parked.state) else { return false };
    entry.uuid.is_some() && entry.uuid == parked.uuid && one.endpoint == other.endpoint && one.tick == other.tick
}

fn supersedes(entry: &Incoming, names: &BTreeSet<Uuid>, parked: &ParkedWrite) -> bool {
    let (Some(newer), Some(older)) = (&entry.state, &parked.state) else { return false };
    let same_resource = parked.uuid.is_some_and(|uuid| names.contains(&uuid));
    let is_later = newer.endpoint == older.endpoint && newer.tick >= older.tick;
    let had_taken_it_in = newer.endpoint != older.endpoint && entry.source.contains(older);
    same_resource && (is_later || had_taken_it_in)
}

impl Provider {
    /// Tries every parked entry of `collection` again. `peer` and `feed` are the digest of the feed that gives the occasion and its hash, if one does.
    ///
    /// # Errors
    /// When the store fails or the lane is lost; what was applied until then stays applied.
    pub async fn retry_parked(
        &self,
        collection: &Collection,
        (peer, feed): (&Digest, Option<&[u8; 32]>),
        lease: &Lease,
    ) -> Result<Tally, Error> {
        let testimony = Testimony { digest: peer, feed };
        let started = Instant::now();
        let mut tally = Tally::default();
        let (mut after, mut attempt) = (None, 0);
        loop {
            let tried =
                crate::store::retrying(|| self.retry_batch(collection, testimony, lease, (after, attempt), started))
                    .await;
            match tried {
                // As for a chunk: a client was faster with a key.
                Err(Error::Store(StoreError::Duplicate { .. })) if attempt < MOST_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
                Ok(None) => return Ok(tally),
                Ok(Some((last, counted))) => {
                    tally.add(&counted);
                    (after, attempt) = (Some(last), 0);
                }
            }
        }
    }

    /// Tries one batch; answers the last id tried and what became of it, or `None` when nothing was left.
    async fn retry_batch(
        &self,
        collection: &Collection,
        testimony: Testimony<'_>,
        lease: &Lease,
        (after, attempt): (Option<ParkedId>, u32),
        started: Instant,
    ) -> Result<Option<(ParkedId, Tally)>, Error> {
        let ids = self.store.reserve_ids(RETRIED_AT_ONCE).await?;
        let now = self.now();
        let mut txn = self.store.begin().await?;
        lease.hold(&mut txn, collection.id).await?;
        let parked = txn.parked_batch(collection.id, after, (RETRIED_AT_ONCE, RETRIED_BYTES)).await?;
        let Some(last) = parked.last().map(|parked| parked.id) else { return Ok(None) };
        let mut clock = TickClock::lock(&mut txn, collection, Some(testimony), [], now).await?;
        let all: Vec<_> = parked.iter().map(|parked| unpark(collection, &parked.entry)).collect();
        // Parked by a version that took every tick of ours for possible.
        let all = believed(&all, |state| clock.doubt(state));
        let (entries, mut lookups) = self.look_up(&mut txn, collection, &all, &mut clock, now).await?;
        let tried = parked.get(..entries.len()).unwrap_or_default();
        lookups.parked = states_of(tried);
        let (candidates, lookups): (_, Lookups) =
            self.judge(&mut txn, collection, (entries, &clock.digest), lookups, Clashes::Looked).await?;
        let plan = plan(collection, candidates, &lookups, (ids, attempt), now)?;
        plan.write(&mut txn, collection.id).await?;
        clock.save(&mut txn).await?;
        let tally = self.note_tries(&mut txn, collection, (tried, &plan), (started, now)).await?;
        txn.commit().await?;
        // A batch that was cut at a resource named twice goes on behind the last one tried.
        Ok(Some((tried.last().map_or(last, |parked| parked.id), tally)))
    }

    /// Keeps what failed again for its next try, and takes out and records what could be applied; answers what became of that.
    async fn note_tries(
        &self,
        txn: &mut Txn,
        collection: &Collection,
        (tried, plan): (&[ParkedEntry], &Plan),
        times: (Instant, Stamp),
    ) -> Result<Tally, Error> {
        let failed = plan
            .failed
            .iter()
            .filter_map(|index| retried(tried.get(*index)?, plan.outcomes.get(*index)?, self.store.time()));
        txn.retry_failed(&failed.collect::<Vec<_>>()).await?;
        let solved: Vec<_> = indexes_without(&plan.failed, tried.len())
            .filter_map(|index| Some((tried.get(index)?, plan.outcomes.get(index)?)))
            .collect();
        txn.unpark(&solved.iter().map(|(parked, _)| parked.id).collect::<Vec<_>>()).await?;
        let mut tally = Tally::default();
        tally.count(solved.iter().map(|(_, outcome)| *outcome));
        let changes: Vec<_> = solved.iter().flat_map(|(parked, outcome)| changes(parked, outcome)).collect();
        txn.add_changes(collection.id, &changes).await?;
        if !changes.is_empty() {
            let (origin, applied) = (Origin::default(), EventOperation::TargetApplied);
            let mut event = event(collection, &origin, applied, EventOutcome::Ok, 200, times);
            event.counts = tally.counts(solved.len() as u64);
            event.message = "entries parked before were applied".to_owned();
            txn.add_event(&event).await?;
        }
        Ok(tally)
    }
}

/// What the audit is told of an entry that could be applied.
fn changes(parked: &ParkedEntry, outcome: &Outcome) -> Vec<ChangeRecord> {
    let mut changes: Vec<_> = [&outcome.change].into_iter().chain(&outcome.united).cloned().collect();
    for change in &mut changes {
        change.run = parked.entry.run;
        change.tracking_id.clone_from(&parked.entry.tracking_id);
        if change.message.is_empty() {
            change.message = "was parked and could be applied on a later try".to_owned();
        }
    }
    changes
}

fn retried(parked: &ParkedEntry, outcome: &Outcome, now: Stamp) -> Option<(ParkedId, Stamp, u16, Value)> {
    let diagnosis = to_json(outcome.diagnosis.as_ref()?).ok()?;
    Some((parked.id, next_try(now, parked.attempts.saturating_add(1)), outcome.status, diagnosis))
}

fn indexes_without(failed: &[usize], len: usize) -> impl Iterator<Item = usize> {
    (0..len).filter(|index| !failed.contains(index))
}

/// A parked entry as it came in.
fn unpark(collection: &Collection, parked: &ParkedWrite) -> Incoming {
    let resource = parked.payload.as_ref().map(|xml| Element::from_xml(xml));
    let (resource, unreadable) = match resource {
        Some(Ok(resource)) => (Some(resource), None),
        Some(Err(error)) => (None, Some(EntryRefusal::bad("badXml", error.to_string()))),
        None => (None, None),
    };
    let is_of_kind = resource.as_ref().is_none_or(|sent| sent.is(&collection.kind.namespace, &collection.kind.name));
    let can_ever_be_applied =
        parked.uuid.is_some() && parked.state.is_some() && (parked.deleted || resource.is_some()) && is_of_kind;
    Incoming {
        position: 0,
        uuid: parked.uuid,
        former_uuids: former_uuids(parked.uuid, resource.as_ref()),
        state: parked.state.clone(),
        deleted: parked.deleted,
        resource,
        source: Arc::new(parked.source_digest.clone()),
        alone: None,
        fault: unreadable.or_else(|| (!can_ever_be_applied).then(|| same_refusal(parked))),
    }
}

/// What can never be applied fails again for the reason it failed first.
fn same_refusal(parked: &ParkedWrite) -> EntryRefusal {
    let fallback = || Diagnosis::error("failed", "the entry could not be applied");
    let diagnosis = serde_json::from_value(parked.diagnosis.clone()).unwrap_or_else(|_| fallback());
    EntryRefusal { status: parked.http_status, diagnosis }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_between_tries_grows_by_a_ladder_and_stays_at_its_last_step() {
        let wait = |attempts| next_try(Stamp::EPOCH, attempts).millis() / 1000;
        assert_eq!([wait(0), wait(1), wait(5), wait(500)], [10, 60, 21_600, 21_600]);
    }
}
