//! An entry of a synchronization feed, read into what the rules ask of it.

use super::ready::Alone;
use crate::protocol::{Diagnosis, Digest, Endpoint, SyncState, Uuids};
use crate::provider::Collection;
use crate::wire::{Element, Entry, StateRead};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// One entry as it came in. What could not be read of it is in `fault`; the rest is kept, for parking.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Its place on the page, from 0.
    pub position: u64,
    /// The resource it is about.
    pub uuid: Option<Uuid>,
    /// The UUIDs that the resource bore before, where its sender says so.
    pub former_uuids: BTreeSet<Uuid>,
    /// Its last change.
    pub state: Option<SyncState>,
    /// Whether the change deleted the resource.
    pub deleted: bool,
    /// The resource element, as it was sent.
    pub resource: Option<Element>,
    /// The digest of the feed it came in.
    pub source: Arc<Digest>,
    /// Why it cannot be applied, whatever is stored here.
    pub fault: Option<EntryRefusal>,
    /// What the payload makes by itself, where that was looked at.
    pub alone: Option<Alone>,
}

/// Why one entry is not applied; the page goes on (sync 5.3, decided).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRefusal {
    /// The entry's status, 4xx or 5xx.
    pub status: u16,
    /// What is wrong with it.
    pub diagnosis: Diagnosis,
}

impl EntryRefusal {
    /// A refusal with status 400.
    #[must_use]
    pub fn bad(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, diagnosis: Diagnosis::error(code, message) }
    }
}

impl Incoming {
    /// The UUIDs by which its sender knows the resource.
    #[must_use]
    pub fn uuids(&self) -> Uuids {
        Uuids { current: self.uuid, former: self.former_uuids.clone() }
    }

    /// The UUIDs by which the resource may be stored here, the current one first.
    pub fn named(&self) -> impl Iterator<Item = Uuid> + '_ {
        // Without the current one there is nothing to apply, and nothing to look for.
        let former = self.uuid.iter().flat_map(|_| &self.former_uuids);
        self.uuid.iter().chain(former).copied()
    }

    /// Reads `entry`, which stands at `position` of a page with digest `source`; `alone` is what its payload makes by itself.
    #[must_use]
    pub fn read(
        collection: &Collection,
        (entry, alone): (Entry, Option<Alone>),
        position: u64,
        source: &Arc<Digest>,
    ) -> Self {
        let uuid = entry.uuid();
        let (state, state_fault) = match read_state(&entry.sync_state, source) {
            Ok(state) => (Some(state), None),
            Err(refusal) => (None, Some(refusal)),
        };
        let method = entry.http_method.as_deref().map(str::trim).unwrap_or_default().to_ascii_uppercase();
        let deleted = entry.is_deleted() || method == "DELETE";
        let resource = entry.payload.and_then(|payload| payload.resource);
        let fault = state_fault
            .or_else(|| uuid_fault(uuid.as_ref()))
            .or_else(|| method_fault(&method))
            .or_else(|| payload_fault(collection, resource.as_ref(), deleted));
        let uuid = uuid.and_then(Result::ok);
        let former_uuids = former_uuids(uuid, resource.as_ref());
        Self { position, uuid, former_uuids, state, deleted, resource, source: Arc::clone(source), fault, alone }
    }
}

/// The entries as they are to be judged: where `doubt` says of a state that it cannot be, the entry has none. So it is neither applied
/// nor parked, and no digest passes it.
pub(super) fn believed<'e>(
    entries: &'e [Incoming],
    doubt: impl Fn(&SyncState) -> Option<EntryRefusal>,
) -> Cow<'e, [Incoming]> {
    let doubt_of = |entry: &Incoming| entry.state.as_ref().and_then(&doubt);
    if entries.iter().all(|entry| doubt_of(entry).is_none()) {
        return Cow::Borrowed(entries);
    }
    let believed = |entry: &Incoming| match doubt_of(entry) {
        None => entry.clone(),
        Some(refusal) => Incoming { state: None, fault: Some(refusal), ..entry.clone() },
    };
    entries.iter().map(believed).collect()
}

/// What the resource element says of UUIDs before `uuid`.
pub(super) fn former_uuids(uuid: Option<Uuid>, resource: Option<&Element>) -> BTreeSet<Uuid> {
    let listed = resource.map(Element::former_uuids).unwrap_or_default();
    listed.into_iter().filter(|former| Some(*former) != uuid).collect()
}

/// An empty endpoint means the feed's origin (sync 4.3, decided).
fn read_state(read: &StateRead, source: &Digest) -> Result<SyncState, EntryRefusal> {
    match read {
        StateRead::Absent => Err(EntryRefusal::bad(
            "noSyncState",
            "the entry has no sync:syncState: it says neither where nor when it was changed",
        )),
        StateRead::Malformed(fault) => Err(EntryRefusal::bad("badSyncState", fault.clone())),
        StateRead::Given { endpoint, tick, stamp, user } => {
            let Some(endpoint) = endpoint.clone().or_else(|| source.origin.clone()) else {
                let message = "sync:syncState has no endpoint, and the feed's digest no origin that could stand in";
                return Err(EntryRefusal::bad("badSyncState", message));
            };
            Ok(SyncState { endpoint, tick: *tick, stamp: stamp.unwrap_or_default(), user: user.clone() })
        }
    }
}

fn uuid_fault(uuid: Option<&Result<Uuid, String>>) -> Option<EntryRefusal> {
    match uuid {
        Some(Ok(_)) => None,
        Some(Err(text)) => Some(EntryRefusal::bad("badUuid", format!("'{text}' is not a UUID"))),
        None => Some(EntryRefusal::bad(
            "noUuid",
            "the resource element has no sdata:uuid: nobody can tell which resource it is",
        )),
    }
}

fn method_fault(method: &str) -> Option<EntryRefusal> {
    if matches!(method, "" | "POST" | "PUT" | "DELETE") {
        return None;
    }
    let message = format!("http:httpMethod '{method}' changes nothing; POST, PUT and DELETE can be applied");
    Some(EntryRefusal { status: 405, diagnosis: Diagnosis::error("badMethod", message) })
}

fn payload_fault(collection: &Collection, resource: Option<&Element>, deleted: bool) -> Option<EntryRefusal> {
    let name: &str = &collection.kind.name;
    let namespace = &*collection.kind.namespace;
    match resource {
        None if deleted => None,
        None => Some(EntryRefusal::bad("noPayload", format!("the entry has no payload; {name} was expected"))),
        Some(resource) if resource.is(namespace, name) => None,
        Some(resource) => Some(EntryRefusal::bad(
            "wrongKind",
            format!(
                "the payload is {{{}}}{}; this collection takes {{{namespace}}}{name}",
                resource.namespace, resource.name
            ),
        )),
    }
}

/// The endpoints that `entries` speak of.
pub fn endpoints(entries: &[Incoming]) -> impl Iterator<Item = &Endpoint> {
    let states = entries.iter().filter_map(|entry| entry.state.as_ref().map(|state| &state.endpoint));
    states.chain(entries.first().into_iter().flat_map(|entry| entry.source.entries.keys()))
}
