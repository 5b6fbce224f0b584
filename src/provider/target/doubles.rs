//! Resources that are several here and one to a sender: they are united (sync 1.2; docs/adr/0004-uuid-changes.md).

use super::candidate::{Candidate, Lookups};
use super::plan::Plan;
use crate::protocol::{Stamp, Uuids};
use crate::provider::{Collection, Error};
use crate::store::{ChangeOutcome, ChangeRecord, NewState, ResourceId, ResourceWrite, StoredResource};

impl Plan {
    /// Notes the UUIDs that the resource `id` has when the entry is done with, where they change, and lets its doubles go.
    pub(super) fn unite(&mut self, candidate: &Candidate<'_>, id: ResourceId, uuids: Uuids, etag: &str) {
        let is_new = candidate.stored.is_none();
        if uuids == candidate.uuids && candidate.doubles.is_empty() || is_new && uuids.former.is_empty() {
            return;
        }
        self.uuids.push((id, uuids));
        for double in &candidate.doubles {
            self.uuids.push((double.id, Uuids::default()));
            self.united.push((double.id, id));
            if !double.deleted {
                self.doubles.push(gone(double, etag));
            }
        }
    }
}

/// The write that takes a double out. Without a UUID it is in no change set: others hear of the resource that stays.
fn gone(double: &StoredResource, etag: &str) -> ResourceWrite {
    ResourceWrite {
        id: double.id,
        key: double.key.clone(),
        uuid: double.uuid,
        state: double.state.clone().map_or(NewState::Unstamped(double.stamp), NewState::Stamped),
        user: double.user.clone(),
        deleted: true,
        etag: etag.to_owned(),
        content: None,
    }
}

/// What the audit says of the doubles of an entry that was not refused: what they held is kept there.
///
/// # Errors
/// When a stored payload cannot be read.
pub(super) fn united(
    collection: &Collection,
    candidate: &Candidate<'_>,
    lookups: &Lookups,
    at: Stamp,
) -> Result<Vec<ChangeRecord>, Error> {
    let doubles = candidate.doubles.iter().filter(|double| candidate.refusal.is_none() && !double.deleted);
    let record = |double: &StoredResource| {
        let content = lookups.contents.get(&double.id).map(|content| collection.element(content)).transpose()?;
        Ok(ChangeRecord {
            at,
            run: None,
            tracking_id: None,
            uuid: double.uuid,
            key: Some(double.key.clone()),
            outcome: ChangeOutcome::Deleted,
            http_status: 200,
            source: candidate.incoming.state.clone(),
            target: double.state.clone(),
            message: "united with another resource: the entry's sender knows the two as one".to_owned(),
            losing_payload: content.and_then(|element| element.to_xml().ok()),
        })
    };
    doubles.map(record).collect()
}
