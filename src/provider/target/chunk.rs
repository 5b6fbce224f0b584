//! One chunk of a page: looked up, decided and written in one transaction.

use super::candidate::{Candidate, Lookups};
use super::facts::FeedFacts;
use super::incoming::{Incoming, believed, endpoints};
use super::parked::{drop_superseded, next_try, states_of};
use super::plan::{Outcome, Plan, plan};
use crate::protocol::{Digest, Stamp, Tick};
use crate::provider::audit::{Origin, event};
use crate::provider::lease::still_wanted;
use crate::provider::recovery::{Testimony, TickClock};
use crate::provider::source::to_json;
use crate::provider::{Collection, Error, Lease, Provider};
use crate::store::{
    ChangeOutcome, Counts, Duplicate, EventOperation, EventOutcome, ParkedEntry, ResourceId, ResultRow, RunId,
    StoreError, TrackingKey, Txn,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::time::Instant;
use uuid::Uuid;

/// Entries applied per transaction: bounds how many are in memory, and how long a writer of one of them may wait.
pub const CHUNK_ENTRIES: usize = 500;

/// Times a chunk is decided anew because a client took a key or a UUID at the same moment.
pub(super) const MOST_ATTEMPTS: u32 = 5;

/// Whether it is looked up who bears the states and unique values that come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clashes {
    /// No: where one is taken the write fails, and is tried again with the answer known.
    Unlikely,
    /// Yes: each entry that clashes is refused by itself.
    Looked,
}

/// A job that takes in one page.
#[derive(Debug)]
pub struct ChunkJob<'a> {
    /// Where the page is taken in.
    pub collection: &'a Collection,
    /// Its tracking.
    pub key: TrackingKey,
    /// The page's head.
    pub facts: &'a FeedFacts,
    /// The lane it holds.
    pub lease: &'a Lease,
    /// Who posted it.
    pub origin: &'a Origin,
    /// The run it belongs to, known since it was accepted: chunks need not look it up, nor queue at its row.
    pub run: Option<RunId>,
    /// When it was begun, by this process.
    pub started: Instant,
}

/// What a finished `$syncTarget` job remembers: the head of its result feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TargetOutcome {
    /// This collection's digest after the page.
    pub target_digest: Digest,
    /// Entries on the page, and so in the result.
    pub entries: u64,
    /// When the page was done.
    pub done_at: Stamp,
}

/// How many entries of a page came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// New here.
    pub created: u64,
    /// Changed here.
    pub updated: u64,
    /// Deleted here.
    pub deleted: u64,
    /// Known already.
    pub ignored: u64,
    /// Won or lost against a version that was stored here.
    pub conflicts: u64,
    /// Of these, those that the entry won.
    #[serde(default)]
    pub conflicts_won: u64,
    /// Parked.
    pub failed: u64,
}

impl Tally {
    /// Counts `outcomes` in.
    pub fn count<'a>(&mut self, outcomes: impl IntoIterator<Item = &'a Outcome>) {
        for outcome in outcomes {
            let counter = match outcome.change.outcome {
                ChangeOutcome::Created => &mut self.created,
                ChangeOutcome::Updated => &mut self.updated,
                ChangeOutcome::Deleted => &mut self.deleted,
                ChangeOutcome::Ignored => &mut self.ignored,
                ChangeOutcome::ConflictWon => {
                    self.conflicts_won += 1;
                    &mut self.conflicts
                }
                ChangeOutcome::ConflictLost => &mut self.conflicts,
                ChangeOutcome::Failed | ChangeOutcome::Reported => &mut self.failed,
            };
            *counter += 1;
        }
    }

    /// Adds what was counted after `before` to the metrics.
    fn measure_since(&self, before: &Self, resource_kind: &str) {
        let outcomes = [
            ("created", self.created - before.created),
            ("updated", self.updated - before.updated),
            ("deleted", self.deleted - before.deleted),
            ("ignored", self.ignored - before.ignored),
            ("conflict", self.conflicts - before.conflicts),
            ("failed", self.failed - before.failed),
        ];
        for (outcome, entries) in outcomes.into_iter().filter(|(_, entries)| *entries > 0) {
            let kind = resource_kind.to_owned();
            metrics::counter!("sdata_sync_entries_total", "resource_kind" => kind, "outcome" => outcome)
                .increment(entries);
        }
        let won = self.conflicts_won - before.conflicts_won;
        let lost = self.conflicts - before.conflicts - won;
        for (winner, conflicts) in [("source", won), ("target", lost)].into_iter().filter(|(_, number)| *number > 0) {
            let kind = resource_kind.to_owned();
            metrics::counter!("sdata_sync_conflicts_total", "resource_kind" => kind, "winner" => winner)
                .increment(conflicts);
        }
    }

    /// Adds the numbers of another tally.
    pub const fn add(&mut self, other: &Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.ignored += other.ignored;
        self.conflicts += other.conflicts;
        self.conflicts_won += other.conflicts_won;
        self.failed += other.failed;
    }

    /// The numbers as an event has them, of `entries` in all.
    #[must_use]
    pub const fn counts(&self, entries: u64) -> Counts {
        let Self { created, updated, deleted, ignored, conflicts, conflicts_won: _, failed } = *self;
        Counts { entries, created, updated, deleted, ignored, conflicts, failed }
    }
}

impl Provider {
    /// Applies `entries`, of which the page has had `done` before, up to the first that names a resource a second time;
    /// answers how many were applied, and counts them in `tally`. After the page's last entry the digest is adopted, the
    /// job finished, `expires_at` set on its context and its lane free, in the same transaction.
    ///
    /// # Errors
    /// When the store fails, the lane is lost or the job was cancelled; nothing of the chunk is done then.
    pub async fn apply_chunk(
        &self,
        job: &ChunkJob<'_>,
        entries: &[Incoming],
        done: u64,
        tally: &mut Tally,
        expires_at: Stamp,
    ) -> Result<usize, Error> {
        let source = &job.facts.source_digest;
        self.store.intern_endpoints(endpoints(entries).chain(source.entries.keys()).chain(&source.origin)).await?;
        let before = *tally;
        // Values that are taken are rare: the database says so by itself, and then the chunk is decided anew with care.
        let (mut attempt, mut keys_taken, mut clashes, mut is_linked) = (0, 0, Clashes::Unlikely, false);
        loop {
            let applied = crate::store::retrying(|| async {
                let mut counted = before;
                let deciding = (clashes, keys_taken, is_linked);
                let applied = self.try_chunk(job, (entries, done), deciding, &mut counted, expires_at).await?;
                Ok::<_, Error>((applied, counted))
            })
            .await;
            match applied {
                // A client was faster with a key or a UUID, or a value is taken: now that it is there, it is looked up.
                Err(Error::Store(StoreError::Duplicate { what })) if attempt < MOST_ATTEMPTS => {
                    tracing::info!(%what, "a chunk is decided anew");
                    metrics::counter!("sdata_sync_retries_total", "reason" => "duplicate").increment(1);
                    attempt += 1;
                    keys_taken += u32::from(what == Duplicate::Key);
                    clashes = Clashes::Looked;
                }
                Err(error) => return Err(error),
                Ok((None, _)) => {
                    self.link_ahead(job.collection, &Digest::default(), job.lease).await?;
                    is_linked = true;
                }
                Ok((Some(applied), counted)) => {
                    counted.measure_since(&before, &job.collection.name.resource_kind);
                    *tally = counted;
                    return Ok(applied);
                }
            }
        }
    }

    /// `None` where resources that may have forgotten their UUIDs must get them first: nothing of the chunk is done then.
    async fn try_chunk(
        &self,
        job: &ChunkJob<'_>,
        (entries, done): (&[Incoming], u64),
        (clashes, keys_taken, is_linked): (Clashes, u32, bool),
        tally: &mut Tally,
        expires_at: Stamp,
    ) -> Result<Option<usize>, Error> {
        let collection = job.collection;
        let entries = up_to_repeated(entries, |_| None);
        let ids = self.store.reserve_ids(entries.len() as u64).await?;
        let now = self.now();
        let mut txn = self.store.begin().await?;
        job.lease.hold(&mut txn, collection.id).await?;
        let source = &job.facts.source_digest;
        let testimony = Testimony { digest: source, feed: Some(&job.facts.feed) };
        let states = entries.iter().filter_map(|entry| entry.state.as_ref());
        let mut clock = TickClock::lock(&mut txn, collection, Some(testimony), states, now).await?;
        if clock.recovery.is_some() && !is_linked && txn.has_unlinked(collection.id, Tick::ZERO).await? {
            clock.save(&mut txn).await?;
            txn.commit().await?;
            return Ok(None);
        }
        let entries = believed(entries, |state| clock.doubt(state));
        let (entries, mut lookups) = self.look_up(&mut txn, collection, &entries, &mut clock, now).await?;
        let (mut names, mut parked) = (Vec::new(), Vec::new());
        if txn.has_parked(collection.id).await? {
            names = entries.iter().map(|entry| lookups.names(entry)).collect();
            parked = txn.parked_of(collection.id, &names.iter().flatten().copied().collect::<Vec<_>>()).await?;
            lookups.parked = states_of(&parked);
        }
        let (candidates, lookups) =
            self.judge(&mut txn, collection, (entries, &clock.digest), lookups, clashes).await?;
        let plan = plan(collection, candidates, &lookups, (ids, keys_taken), now)?;
        plan.write(&mut txn, collection.id).await?;
        self.park(&mut txn, job, (entries, &names, &parked), &plan, now).await?;
        for state in entries.iter().filter_map(|entry| entry.state.as_ref()) {
            clock.note_entry(state, source);
        }
        clock.digest.learn_priorities(&collection.endpoint, source);
        tally.count(&plan.outcomes);
        let applied = entries.len();
        let all_done = done + applied as u64;
        let is_end = all_done >= job.facts.entries;
        if is_end && job.facts.adopts_digest() {
            clock.adopt(&mut txn, source, &job.facts.feed, now).await?;
        }
        clock.save(&mut txn).await?;
        record(&mut txn, job, plan).await?;
        if is_end {
            finish(&mut txn, job, clock.digest, tally, (now, expires_at)).await?;
        } else {
            let detail = format!("{all_done} of {} entries", job.facts.entries);
            still_wanted(txn.advance(job.key, all_done, job.facts.entries, &detail, &to_json(&*tally)?).await?)?;
        }
        txn.commit().await?;
        Ok(Some(applied))
    }

    /// Locks what the entries are about and stamps what was changed here, in that order: a version that a writer is
    /// just replacing is waited for, and then compared as what it has become. While the clock stands still, nothing is stamped.
    pub(super) async fn look_up<'e>(
        &self,
        txn: &mut Txn,
        collection: &Collection,
        entries: &'e [Incoming],
        clock: &mut TickClock<'_>,
        now: Stamp,
    ) -> Result<(&'e [Incoming], Lookups), Error> {
        let uuids: Vec<_> = entries.iter().flat_map(Incoming::named).collect();
        let mut resources = txn.lock_by_uuids(collection.id, &uuids).await?;
        clock.stamp(txn, now).await?;
        let unstamped: Vec<_> =
            resources.values().filter(|found| found.state.is_none()).map(|found| found.id).collect();
        let states = txn.states(&unstamped).await?;
        for resource in resources.values_mut().filter(|resource| resource.state.is_none()) {
            resource.state = states.get(&resource.id).and_then(|stamped| stamped.state.clone());
            if resource.state.is_none() && clock.recovery.is_none() {
                // Judged without its state, a change made here would be taken for nothing, and overwritten.
                return Err(Error::Store(StoreError::still_unstamped(resource.id)));
            }
        }
        let entries = up_to_repeated(entries, |uuid| resources.get(&uuid).map(|resource| resource.id));
        let ids: Vec<_> = resources.values().map(|found| found.id).collect();
        let former_uuids = txn.former_uuids(&ids).await?;
        let is_gone = |entry: &Incoming| {
            let is_taken_in = entry.state.as_ref().is_some_and(|state| clock.digest.contains(state));
            is_taken_in && !entry.named().any(|uuid| resources.contains_key(&uuid))
        };
        let has_purged = entries.iter().any(is_gone) && !txn.horizons(collection.id).await?.is_empty();
        Ok((entries, Lookups { resources, former_uuids, has_purged, ..Lookups::default() }))
    }

    /// Judges the entries, against the digest, and looks up what the applied ones need: one statement for contents, one for states, one for unique values,
    /// one for each kind that is referenced.
    pub(super) async fn judge<'e>(
        &self,
        txn: &mut Txn,
        collection: &Collection,
        (entries, target): (&'e [Incoming], &Digest),
        mut lookups: Lookups,
        clashes: Clashes,
    ) -> Result<(Vec<Candidate<'e>>, Lookups), Error> {
        let mut candidates: Vec<_> = entries.iter().map(|entry| Candidate::judge(entry, &lookups, target)).collect();
        let read: Vec<_> = candidates.iter().flat_map(|candidate| candidate.read_of_stored(collection)).collect();
        lookups.contents = txn.documents(&read).await?;
        candidates.iter_mut().try_for_each(|candidate| candidate.check(collection, &lookups.contents))?;
        let applied = || candidates.iter().filter(|candidate| candidate.is_applied());
        let ready = || applied().filter_map(|candidate| candidate.ready.as_ref());
        // What becomes a change of ours leaves no state behind by which the database would tell.
        let is_asked = |candidate: &&Candidate<'_>| clashes == Clashes::Looked || candidate.becomes_ours(&lookups);
        let states: Vec<_> =
            applied().filter(is_asked).filter_map(|candidate| candidate.incoming.state.clone()).collect();
        lookups.bearers = txn.states_taken(collection.id, &states).await?;
        if clashes == Clashes::Looked {
            let unique: Vec<_> = ready().flat_map(|ready| ready.content.unique.iter().cloned()).collect();
            lookups.unique_owners = txn.unique_owners(collection.id, &unique).await?;
        }
        let mandatory = ready().flat_map(|ready| &ready.references).filter(|reference| reference.mandatory);
        lookups.referenced = self.referenced_in(txn, collection, mandatory).await?;
        Ok((candidates, lookups))
    }

    /// Keeps what failed, and drops what was kept of resources that came in a newer state (sync 5.3, decided). What is
    /// parked already and failed again stays as it is: it may be owed to others.
    async fn park(
        &self,
        txn: &mut Txn,
        job: &ChunkJob<'_>,
        (entries, names, parked): (&[Incoming], &[BTreeSet<Uuid>], &[ParkedEntry]),
        plan: &Plan,
        now: Stamp,
    ) -> Result<(), Error> {
        let failed_again = drop_superseded(txn, entries, names, (&plan.failed, parked)).await?;
        let failed = plan.failed.iter().filter(|index| !failed_again.contains(index));
        let failed = failed.filter_map(|index| Some((entries.get(*index)?, plan.outcomes.get(*index)?)));
        // Without a state there is nothing that the digest could pass, and nothing by which the entry could be known again.
        let failed = failed.filter(|(entry, _)| entry.state.is_some());
        let tracking_id = job.origin.tracking_id.as_deref();
        let times = (now, next_try(self.store.time(), 0));
        let failed = failed.map(|(entry, outcome)| super::parked::park(entry, outcome, tracking_id, job.run, times));
        let failed = failed.collect::<Result<Vec<_>, _>>()?;
        if !failed.is_empty() {
            tracing::warn!(entries = failed.len(), resource_kind = job.collection.name.resource_kind, "entries parked");
        }
        Ok(txn.park(job.collection.id, &failed).await?)
    }
}

/// The entries before the first that names a resource a second time: those that can be decided at once. `stored` finds the
/// resource of a UUID; two UUIDs may be of one.
fn up_to_repeated(entries: &[Incoming], stored: impl Fn(Uuid) -> Option<ResourceId>) -> &[Incoming] {
    let mut named = HashSet::new();
    let repeated = entries.iter().position(|entry| {
        let own: HashSet<_> = entry.named().map(|uuid| stored(uuid).ok_or(uuid)).collect();
        let is_repeated = own.iter().any(|resource| named.contains(resource));
        named.extend(own);
        is_repeated
    });
    entries.get(..repeated.unwrap_or(entries.len())).unwrap_or_default()
}

async fn record(txn: &mut Txn, job: &ChunkJob<'_>, plan: Plan) -> Result<(), Error> {
    let mut results = Vec::with_capacity(plan.outcomes.len());
    let mut changes = Vec::with_capacity(plan.outcomes.len());
    for outcome in plan.outcomes {
        for mut change in std::iter::once(outcome.change).chain(outcome.united) {
            change.run = job.run;
            change.tracking_id.clone_from(&job.origin.tracking_id);
            changes.push(change);
        }
        results.push(ResultRow {
            position: outcome.position,
            http_status: outcome.status,
            http_method: outcome.method.to_owned(),
            resource: outcome.resource,
            key: None,
            uuid: outcome.uuid,
            state: outcome.state,
            version: None,
            diagnosis: outcome.diagnosis.as_ref().map(to_json).transpose()?,
        });
    }
    txn.add_results(job.key, &results).await?;
    Ok(txn.add_changes(job.collection.id, &changes).await?)
}

async fn finish(
    txn: &mut Txn,
    job: &ChunkJob<'_>,
    target_digest: Digest,
    tally: &Tally,
    (now, expires_at): (Stamp, Stamp),
) -> Result<(), Error> {
    let begins = job.facts.start_index <= 1;
    txn.set_feed_taken(job.collection.id, &job.facts.feed, job.facts.taken_after, begins).await?;
    let applied = EventOperation::TargetApplied;
    let mut event = event(job.collection, job.origin, applied, EventOutcome::Ok, 200, (job.started, now));
    event.run = job.origin.run_id(txn, now).await?;
    event.counts = tally.counts(job.facts.entries);
    if job.facts.mode.is_none() {
        event.message = "the feed says no sync:syncMode: its digest was not adopted at the end".to_owned();
    }
    txn.add_event(&event).await?;
    let outcome = TargetOutcome { target_digest, entries: job.facts.entries, done_at: now };
    still_wanted(txn.finish(job.key, &to_json(&outcome)?, now, expires_at).await?)?;
    Ok(job.lease.give_back(txn, job.collection.id).await?)
}
