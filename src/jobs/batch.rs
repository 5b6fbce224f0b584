//! The job of a `$batch` or `$linked/$batch`: it carries the entries out chunk by chunk, from wherever it was left (core 13.5).

use super::parsed::ParsedEntry;
use super::runner::Lane;
use super::target::from_json;
use super::{BatchBody, Jobs};
use crate::provider::batch::{BatchEntry, BatchJob};
use crate::provider::{Collection, Error, Lease};
use crate::store::TrackingRecord;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

/// How long a result is kept that its POST was answered with: who was answered has it, in whole, and its links lead to
/// it for a while.
const AWAITED_RESULTS: Duration = Duration::from_secs(15 * 60);

impl Jobs {
    pub(super) async fn run_batch<E: BatchEntry>(
        &self,
        record: &TrackingRecord,
        collection: &Arc<Collection>,
        lease: &Lease,
    ) -> Result<Lane, Error> {
        let BatchBody { entries, is_awaited, body } = from_json(record.request.clone())?;
        let key = record.key;
        let retention = self.provider.offer.contexts_kept;
        let expires_at = self.expiry_after(if is_awaited { AWAITED_RESULTS.min(retention) } else { retention });
        let mut job = BatchJob { collection, key, lease, entries, done: record.done, expires_at };
        let read = {
            let collection = Arc::clone(collection);
            move |parsed: ParsedEntry, _| E::of_entry(&collection, parsed.entry)
        };
        let mut requests = self.entries(body, job.done, read);
        loop {
            let chunk = requests.next().await?;
            if self.stop.is_cancelled() {
                // Another process, or the next start, goes on from the cursor.
                return Ok(Lane::Kept);
            }
            if chunk.is_empty() && job.done < entries {
                return Err(Error::Internal(format!("the stored batch ends after {} of {entries} entries", job.done)));
            }
            let span = tracing::info_span!("chunk", first = job.done, entries = chunk.len());
            let carrying = E::carry_out(&self.provider, chunk, record.principal.as_deref(), &job);
            let done = carrying.instrument(span).await?;
            requests.taken(done);
            job.done += done as u64;
            if job.done >= entries {
                tracing::info!(resource_kind = collection.name.resource_kind, entries, "batch carried out");
                return Ok(Lane::GivenBack);
            }
        }
    }
}
