//! `$syncResults`: what became of our changes elsewhere, for the audit (sync 5.7).

use super::audit::{Origin, event};
use super::{Collection, Error, Provider};
use crate::protocol::{Stamp, SyncState};
use crate::store::{ChangeOutcome, ChangeRecord, EventOperation, EventOutcome, RunId};
use crate::wire::{Entry, StateRead};
use std::time::Instant;
use uuid::Uuid;

/// What an entry of a result says: all that the audit keeps of it.
#[derive(Debug, Clone)]
pub struct Reported {
    uuid: Option<Uuid>,
    http_status: u16,
    state: Option<SyncState>,
    message: String,
}

impl From<&Entry> for Reported {
    fn from(entry: &Entry) -> Self {
        let said = entry.diagnoses.iter().map(|diagnosis| diagnosis.message.as_str()).filter(|text| !text.is_empty());
        Self {
            uuid: entry.uuid().and_then(Result::ok),
            http_status: entry.http_status.unwrap_or_default(),
            state: state_of(&entry.sync_state),
            message: entry.http_message.as_deref().into_iter().chain(said).collect::<Vec<_>>().join(": "),
        }
    }
}

impl Reported {
    fn change(&self, origin: &Origin, run: Option<RunId>, at: Stamp) -> ChangeRecord {
        ChangeRecord {
            at,
            run,
            tracking_id: origin.tracking_id.clone(),
            uuid: self.uuid,
            key: None,
            outcome: ChangeOutcome::Reported,
            http_status: self.http_status,
            source: None,
            target: self.state.clone(),
            message: self.message.clone(),
            losing_payload: None,
        }
    }
}

impl Provider {
    /// Records every entry of a result feed under the request's run. Neither resources nor digest move.
    ///
    /// # Errors
    /// When the store fails; nothing is recorded then.
    pub async fn record_results(
        &self,
        collection: &Collection,
        results: &[Reported],
        origin: &Origin,
    ) -> Result<(), Error> {
        let started = Instant::now();
        crate::store::retrying(|| async {
            let mut txn = self.store.begin().await?;
            let now = self.now();
            let run = origin.run_id(&mut txn, now).await?;
            let changes: Vec<_> = results.iter().map(|result| result.change(origin, run, now)).collect();
            txn.add_changes(collection.id, &changes).await?;
            let mut event =
                event(collection, origin, EventOperation::ResultsReceived, EventOutcome::Ok, 200, (started, now));
            event.run = run;
            event.counts.entries = changes.len() as u64;
            event.counts.failed = changes.iter().filter(|change| change.http_status >= 400).count() as u64;
            txn.add_event(&event).await?;
            Ok(txn.commit().await?)
        })
        .await
    }
}

fn state_of(read: &StateRead) -> Option<SyncState> {
    match read {
        StateRead::Given { endpoint: Some(endpoint), tick, stamp, user } => Some(SyncState {
            endpoint: endpoint.clone(),
            tick: *tick,
            stamp: stamp.unwrap_or_default(),
            user: user.clone(),
        }),
        StateRead::Given { endpoint: None, .. } | StateRead::Absent | StateRead::Malformed(_) => None,
    }
}
