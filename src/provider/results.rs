//! `$syncResults`: what became of our changes elsewhere, for the audit (sync 5.7).

use super::audit::{Origin, event};
use super::{Collection, Error, Provider};
use crate::store::{ChangeOutcome, ChangeRecord, EventOutcome, Operation};
use crate::wire::{Entry, StateRead};
use crate::protocol::SyncState;
use std::time::Instant;

/// Reported entries recorded per statement.
const RECORDED_AT_ONCE: usize = 500;

impl Provider {
    /// Records every entry of a result feed under the request's run. Neither resources nor digest move.
    ///
    /// # Errors
    /// When the store fails; nothing is recorded then.
    pub async fn record_results(&self, collection: &Collection, entries: &[Entry], origin: &Origin) -> Result<(), Error> {
        let started = Instant::now();
        let changes: Vec<_> = entries.iter().map(|entry| reported(entry, origin)).collect();
        crate::store::retrying(|| async {
            let mut txn = self.store.begin().await?;
            for some in changes.chunks(RECORDED_AT_ONCE) {
                txn.add_changes(collection.id, some).await?;
            }
            let mut event = event(collection, Operation::ResultsReceived, EventOutcome::Ok, 200, started);
            event.entries = changes.len() as u64;
            event.failed = changes.iter().filter(|change| change.http_status >= 400).count() as u64;
            origin.sign(&mut event);
            txn.add_event(&event).await?;
            Ok(txn.commit().await?)
        })
        .await
    }
}

fn reported(entry: &Entry, origin: &Origin) -> ChangeRecord {
    let said = entry.diagnoses.iter().map(|diagnosis| diagnosis.message.as_str()).filter(|text| !text.is_empty());
    let message = entry.http_message.as_deref().into_iter().chain(said).collect::<Vec<_>>().join(": ");
    ChangeRecord {
        run: origin.run.clone(),
        tracking_id: origin.tracking_id.clone(),
        uuid: entry.uuid().and_then(Result::ok),
        key: None,
        outcome: ChangeOutcome::Reported,
        http_status: entry.http_status.unwrap_or_default(),
        source: None,
        target: state_of(&entry.sync_state),
        message,
        losing_payload: None,
        ..ChangeRecord::default()
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
