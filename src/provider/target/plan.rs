//! What becomes of each entry of a chunk, decided without I/O on what was looked up.

use super::candidate::{Candidate, Lookups};
use super::doubles::united;
use super::incoming::EntryRefusal;
use crate::contract::{Reference, ReferenceTarget};
use crate::protocol::conflict::Reason;
use crate::protocol::{Diagnosis, Endpoint, Severity, Side, Stamp, SyncState, Tick, Uuids, Verdict};
use crate::provider::{Collection, Error};
use crate::store::{ChangeOutcome, ChangeRecord, CollectionId, NewState, ResourceId, ResourceWrite, StoreError, Txn};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What became of one entry.
#[derive(Debug)]
pub struct Outcome {
    /// Its place on the page.
    pub position: u64,
    /// Its status in the result.
    pub status: u16,
    /// What was done, as a method.
    pub method: &'static str,
    /// The resource it is about, where there is one here.
    pub resource: Option<ResourceId>,
    /// The UUID that was sent.
    pub uuid: Option<Uuid>,
    /// The state in force after it.
    pub state: Option<SyncState>,
    /// What the result says of it.
    pub diagnosis: Option<Diagnosis>,
    /// What the audit says of it.
    pub change: ChangeRecord,
    /// What the audit says of doubles that went.
    pub united: Vec<ChangeRecord>,
}

/// What a chunk does to the store.
#[derive(Debug, Default)]
pub struct Plan {
    /// Resources that are the same as others: they go, and leave nothing that anybody would have to hear of.
    pub doubles: Vec<ResourceWrite>,
    /// All that are the same as others, with those.
    pub united: Vec<(ResourceId, ResourceId)>,
    /// New resources.
    pub inserts: Vec<ResourceWrite>,
    /// Changed ones.
    pub updates: Vec<ResourceWrite>,
    /// The UUIDs of those whose UUIDs change.
    pub uuids: Vec<(ResourceId, Uuids)>,
    /// Those that become changes made here because others must hear of their UUIDs.
    pub changed: Vec<(ResourceId, Stamp)>,
    /// One per entry, in order.
    pub outcomes: Vec<Outcome>,
    /// Indexes, into the chunk, of the entries that could not be applied.
    pub failed: Vec<usize>,
}

impl Plan {
    /// Writes the resources; outcomes and failures are left to the caller.
    ///
    /// # Errors
    /// As [`Txn::insert`].
    pub(super) async fn write(&self, txn: &mut Txn, collection: CollectionId) -> Result<(), StoreError> {
        // In this order: a resource may bear the unique value that another one gives away in the same chunk.
        txn.update(collection, &self.doubles).await?;
        txn.update(collection, &self.updates).await?;
        txn.insert(collection, &self.inserts).await?;
        txn.set_uuids(collection, &self.uuids).await?;
        txn.unite(&self.united).await?;
        txn.unstamp(&self.changed).await
    }
}

/// Which state an applied entry leaves on its resource.
#[derive(Clone, Copy)]
enum Bears {
    /// The state it came with (sync 5.4, decided): it must not bounce back as a change of ours.
    ItsOwn,
    /// A change of ours: others have taken over a digest that covers its own state without having it, or know the resource
    /// by a UUID that the entry's sender does not.
    Ours,
}

/// Decides all entries of a chunk, in order. `ids` are fresh ids, one per entry; `attempt` counts the chunks before this
/// one that met a key somebody else had taken.
///
/// # Errors
/// When content cannot be written.
pub fn plan(
    collection: &Collection,
    candidates: Vec<Candidate<'_>>,
    lookups: &Lookups,
    (ids, attempt): (std::ops::Range<i64>, u32),
    now: Stamp,
) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    let mut taken = Taken::of(&candidates, lookups);
    for ((index, mut candidate), id) in candidates.into_iter().enumerate().zip(ids) {
        if candidate.is_applied() && candidate.refusal.is_none() {
            candidate.refusal = taken.refuse(&candidate, lookups);
        }
        let united = united(collection, &candidate, lookups, now)?;
        if candidate.is_applied() {
            let bears = if candidate.becomes_ours(lookups) { Bears::Ours } else { Bears::ItsOwn };
            let write = write_of(collection, &candidate, (ResourceId(id), attempt), bears)?;
            taken.note(&candidate, &write);
            plan.outcomes.push(outcome(collection, &candidate, Some(&write), united, now)?);
            let mut uuids = candidate.uuids.clone();
            uuids.adopt(&candidate.incoming.uuids());
            plan.unite(&candidate, write.id, uuids, &collection.etag(None));
            if candidate.stored.is_some() { plan.updates.push(write) } else { plan.inserts.push(write) }
        } else {
            if candidate.refusal.is_some() {
                taken.forget(&candidate);
                plan.failed.push(index);
            } else if let Some(stored) = &candidate.stored
                && (!candidate.uuids.cover(&candidate.incoming.uuids()) || !candidate.doubles.is_empty())
            {
                // The version here stays, but it is known by more UUIDs now, and others must hear of them.
                let mut uuids = candidate.uuids.clone();
                uuids.take_in(&candidate.incoming.uuids());
                plan.changed.push((stored.id, stored.stamp));
                plan.unite(&candidate, stored.id, uuids, &collection.etag(None));
            }
            plan.outcomes.push(outcome(collection, &candidate, None, united, now)?);
        }
    }
    Ok(plan)
}

/// What earlier entries of the chunk make true for later ones.
struct Taken {
    unique: HashMap<(String, String), ResourceId>,
    /// The same by resource.
    unique_of: HashMap<ResourceId, Vec<(String, String)>>,
    states: HashMap<(Endpoint, Tick), ResourceId>,
    /// Resources of this kind that the chunk brings: references among them are no loose ends.
    arriving: HashSet<Uuid>,
}

impl Taken {
    fn of(candidates: &[Candidate<'_>], lookups: &Lookups) -> Self {
        let arriving = candidates
            .iter()
            .filter(|candidate| candidate.is_applied() && !candidate.incoming.deleted)
            .filter_map(|candidate| candidate.incoming.uuid);
        let unique = lookups.unique_owners.clone();
        let mut unique_of: HashMap<_, Vec<_>> = HashMap::new();
        for (value, bearer) in &unique {
            unique_of.entry(*bearer).or_default().push(value.clone());
        }
        Self { unique, unique_of, states: lookups.bearers.clone(), arriving: arriving.collect() }
    }

    fn refuse(&self, candidate: &Candidate<'_>, lookups: &Lookups) -> Option<EntryRefusal> {
        let is_other = |bearer: &ResourceId| !candidate.is_own(*bearer);
        let stored = candidate.stored.as_ref().map(|stored| stored.id);
        if let Some(state) = &candidate.incoming.state
            && self.states.get(&(state.endpoint.clone(), state.tick)).is_some_and(|bearer| Some(*bearer) != stored)
        {
            let message = format!("tick {} of {} belongs to another resource already", state.tick, state.endpoint);
            return Some(EntryRefusal { status: 409, diagnosis: Diagnosis::error("stateTaken", message) });
        }
        let ready = candidate.ready.as_ref()?;
        let clash = ready.content.unique.iter().find(|value| self.unique.get(*value).is_some_and(is_other));
        if let Some((property, value)) = clash {
            let message = format!("{property} '{value}' is taken: another resource bears it");
            return Some(EntryRefusal { status: 409, diagnosis: Diagnosis::error("notUnique", message).at(property) });
        }
        let loose = ready.references.iter().find(|reference| {
            reference.mandatory && lookups.referenced.get(reference).is_none() && !self.is_arriving(reference)
        });
        loose.map(|reference| {
            let message = format!(
                "{} leads to a resource that is not here yet; it is tried again when it may be",
                reference.path
            );
            EntryRefusal {
                status: 409,
                diagnosis: Diagnosis::error("unresolvedReference", message).at(&reference.path),
            }
        })
    }

    fn is_arriving(&self, reference: &Reference) -> bool {
        matches!(&reference.target, ReferenceTarget::Uuid(uuid) if self.arriving.contains(uuid))
    }

    /// A refused entry brings nothing that others could lead to.
    fn forget(&mut self, candidate: &Candidate<'_>) {
        if let Some(uuid) = candidate.incoming.uuid {
            self.arriving.remove(&uuid);
        }
    }

    fn note(&mut self, candidate: &Candidate<'_>, write: &ResourceWrite) {
        for id in candidate.own_ids() {
            for value in self.unique_of.remove(&id).unwrap_or_default() {
                self.unique.remove(&value);
            }
        }
        let unique = write.content.as_ref().map(|content| content.unique.clone()).unwrap_or_default();
        self.unique.extend(unique.iter().map(|value| (value.clone(), write.id)));
        self.unique_of.insert(write.id, unique);
        if let Some(state) = &candidate.incoming.state {
            self.states.insert((state.endpoint.clone(), state.tick), write.id);
        }
    }
}

fn write_of(
    collection: &Collection,
    candidate: &Candidate<'_>,
    (new_id, attempt): (ResourceId, u32),
    bears: Bears,
) -> Result<ResourceWrite, Error> {
    let incoming = candidate.incoming;
    let stored = candidate.stored.as_ref();
    let state =
        incoming.state.clone().ok_or_else(|| Error::Internal("an entry without state was applied".to_owned()))?;
    let user = state.user.clone();
    let state = match bears {
        Bears::ItsOwn => NewState::Stamped(state),
        Bears::Ours => NewState::Unstamped(Stamp::of_change(state.stamp, stored.map(|stored| stored.stamp))),
    };
    Ok(ResourceWrite {
        id: stored.map_or(new_id, |stored| stored.id),
        key: stored.map_or_else(|| Collection::fresh_key(new_id, attempt), |stored| stored.key.clone()),
        // A stored resource gets another UUID when what bears that UUID now has given it up.
        uuid: stored.and_then(|stored| stored.uuid).or(incoming.uuid),
        state,
        user,
        deleted: incoming.deleted,
        etag: candidate.ready.as_ref().map_or_else(|| collection.etag(None), |ready| ready.etag.clone()),
        content: candidate.ready.as_ref().map(|ready| ready.content.clone()),
    })
}

fn outcome(
    collection: &Collection,
    candidate: &Candidate<'_>,
    write: Option<&ResourceWrite>,
    united: Vec<ChangeRecord>,
    at: Stamp,
) -> Result<Outcome, Error> {
    let incoming = candidate.incoming;
    let stored = candidate.stored.as_ref();
    let told = tell(candidate);
    let stored_state = stored.and_then(|stored| stored.state.clone());
    let in_force = match write.map(|write| &write.state) {
        Some(NewState::Stamped(state)) => Some(state.clone()),
        Some(NewState::Unstamped(_)) => incoming.state.clone(),
        None if stored.is_some() => stored_state.clone(),
        None => incoming.state.clone(),
    };
    let losing = match candidate.verdict {
        Some(Verdict::Conflict { winner, .. }) if candidate.refusal.is_none() => match winner {
            Side::Source => candidate.stored_element(collection)?.map(Cow::Owned),
            Side::Target => incoming.resource.as_ref().map(Cow::Borrowed),
        },
        _ => None,
    };
    let diagnosis = told.diagnosis;
    let change = ChangeRecord {
        at,
        run: None,
        tracking_id: None,
        uuid: incoming.uuid,
        key: write.map(|write| write.key.clone()).or_else(|| stored.map(|stored| stored.key.clone())),
        outcome: told.outcome,
        http_status: told.status,
        source: incoming.state.clone(),
        target: stored_state,
        message: diagnosis.as_ref().map(|diagnosis| diagnosis.message.clone()).unwrap_or_default(),
        losing_payload: losing.and_then(|element| element.to_xml().ok()),
    };
    Ok(Outcome {
        position: incoming.position,
        status: told.status,
        method: told.method,
        resource: write.map(|write| write.id).or_else(|| stored.map(|stored| stored.id)),
        uuid: incoming.uuid,
        state: in_force,
        diagnosis,
        change,
        united,
    })
}

/// What is said of an entry, in the result and in the audit.
struct Told {
    outcome: ChangeOutcome,
    status: u16,
    method: &'static str,
    diagnosis: Option<Diagnosis>,
}

fn tell(candidate: &Candidate<'_>) -> Told {
    let deleted = candidate.incoming.deleted;
    let method = match (&candidate.stored, deleted) {
        (_, true) => "DELETE",
        (Some(_), false) => "PUT",
        (None, false) => "POST",
    };
    let applied = match method {
        "DELETE" => (ChangeOutcome::Deleted, 200),
        "PUT" => (ChangeOutcome::Updated, 200),
        _ => (ChangeOutcome::Created, 201),
    };
    let told = |(outcome, status), diagnosis| Told { outcome, status, method, diagnosis };
    if let Some(refusal) = &candidate.refusal {
        return told((ChangeOutcome::Failed, refusal.status), Some(refusal.diagnosis.clone()));
    }
    match candidate.verdict {
        Some(Verdict::Create | Verdict::Apply) => told(applied, None),
        Some(Verdict::Ignore) | None => {
            let message = "ignored: this change or a later one is here already";
            told(
                (ChangeOutcome::Ignored, 200),
                Some(Diagnosis::error("ignored", message).with_severity(Severity::Info)),
            )
        }
        Some(Verdict::Conflict { winner: Side::Source, reason }) => {
            let diagnosis = Diagnosis::error("conflictWon", conflict_message("the version stored here", reason));
            told((ChangeOutcome::ConflictWon, applied.1), Some(diagnosis.with_severity(Severity::Warning)))
        }
        Some(Verdict::Conflict { winner: Side::Target, reason }) => {
            let diagnosis = Diagnosis::error("conflictLost", conflict_message("the incoming version", reason));
            told((ChangeOutcome::ConflictLost, 409), Some(diagnosis))
        }
    }
}

fn conflict_message(loser: &str, reason: Reason) -> String {
    format!("both sides changed the resource; {loser} lost ({}) and is kept in the audit", reason.explanation())
}
