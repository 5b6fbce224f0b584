//! What operators watch of jobs.

use super::runner::Lane;
use crate::protocol::Stamp;
use crate::provider::Error;
use crate::store::{Operation, StoreError, TrackingRecord, Transient};
use std::time::{Duration, Instant};

/// Counts that a worker begins a job, `now` by the clock that stamped it, or goes on with one.
pub(super) fn begun(record: &TrackingRecord, now: Stamp) {
    if record.started_at == Some(now) {
        let waited = now.millis().saturating_sub(record.created_at.millis()).max(0).unsigned_abs();
        metrics::histogram!("sdata_sync_job_wait_seconds", "operation" => record.operation.as_str())
            .record(Duration::from_millis(waited));
    } else {
        metrics::counter!("sdata_sync_jobs_resumed_total").increment(1);
    }
}

/// Counts how this process' work on a job came out.
pub(super) fn ended(operation: Operation, done: &Result<Lane, Error>, started: Instant) {
    let outcome = match done {
        Ok(Lane::GivenBack) => "done",
        // It goes on elsewhere, or later.
        Ok(Lane::Kept) => "interrupted",
        Err(Error::Store(StoreError::LaneLost)) => "lost",
        Err(Error::Cancelled) => "cancelled",
        Err(error) if error.is_transient() || matches!(error, Error::Store(StoreError::CommitUnknown(_))) => {
            "interrupted"
        }
        Err(_) => "failed",
    };
    if outcome == "lost" {
        metrics::counter!("sdata_sync_leases_lost_total").increment(1);
    }
    metrics::histogram!("sdata_sync_job_seconds", "operation" => operation.as_str(), "outcome" => outcome)
        .record(started.elapsed());
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;

    #[test]
    fn a_lost_lease_is_counted_and_every_end_has_its_outcome() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let ends = [
            Ok(Lane::GivenBack),
            Ok(Lane::Kept),
            Err(Error::Store(StoreError::LaneLost)),
            Err(Error::Cancelled),
            Err(Error::Internal("broken".to_owned())),
        ];
        metrics::with_local_recorder(&recorder, || {
            for end in ends {
                ended(Operation::SyncTarget, &end, Instant::now());
            }
        });
        let text = recorder.handle().render();
        for outcome in ["done", "interrupted", "lost", "cancelled", "failed"] {
            let once = format!("_count{{operation=\"syncTarget\",outcome=\"{outcome}\"}} 1");
            assert!(text.contains(&once), "{outcome}: {text}");
        }
        assert!(text.contains("sdata_sync_leases_lost_total 1"), "{text}");
    }
}
