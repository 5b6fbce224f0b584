//! What operators watch of jobs.

use super::runner::Lane;
use crate::protocol::Stamp;
use crate::provider::Error;
use crate::store::{Operation, StoreError, TrackingRecord};
use std::time::Instant;

/// Nothing has failed yet: only so can the first failure be seen as an increase.
pub(super) fn started() {
    for operation in Operation::ALL {
        failed(*operation, 0);
    }
}

fn failed(operation: Operation, jobs: u64) {
    metrics::counter!("sdata_sync_jobs_failed_total", "operation" => operation.as_str()).increment(jobs);
}

/// Counts that a worker begins a job, `now` by the clock that stamped it, or goes on with one.
pub(super) fn begun(record: &TrackingRecord, now: Stamp) {
    if record.started_at == Some(now) {
        metrics::histogram!("sdata_sync_job_wait_seconds", "operation" => record.operation.as_str())
            .record(now.since(record.created_at));
    } else {
        metrics::counter!("sdata_sync_jobs_resumed_total").increment(1);
    }
}

/// Counts that a consumer deletes, `now` by the same clock, a `$syncSource` that was done: it needs no more of it, which is how every
/// pass ends at its source, whoever's engine it is.
pub(super) fn passed(record: &TrackingRecord, resource_kind: &str, now: Stamp) {
    metrics::histogram!("sdata_sync_pass_seconds", "resource_kind" => resource_kind.to_owned())
        .record(now.since(record.created_at));
}

/// Counts how this process' work on a job came out.
pub(super) fn ended(operation: Operation, done: &Result<Lane, Error>, started: Instant) {
    let outcome = match done {
        Ok(Lane::GivenBack) => "done",
        // It goes on elsewhere, or later.
        Ok(Lane::Kept) => "interrupted",
        Err(Error::Store(StoreError::LaneLost)) => "lost",
        Err(Error::Cancelled) => "cancelled",
        Err(error) if error.passes() => "interrupted",
        // What was sent is to blame, and its sender is told.
        Err(error) if error.failure().status < 500 => "refused",
        Err(_) => "failed",
    };
    match outcome {
        "lost" => metrics::counter!("sdata_sync_leases_lost_total").increment(1),
        "failed" => failed(operation, 1),
        _ => {}
    }
    metrics::histogram!("sdata_sync_job_seconds", "operation" => operation.as_str(), "outcome" => outcome)
        .record(started.elapsed());
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;

    #[test]
    fn a_lost_lease_and_a_failure_are_counted_and_every_end_has_its_outcome() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let ends = [
            Ok(Lane::GivenBack),
            Ok(Lane::Kept),
            Err(Error::Store(StoreError::LaneLost)),
            Err(Error::Cancelled),
            Err(Error::Internal("broken".to_owned())),
            Err(Error::PutBack),
        ];
        metrics::with_local_recorder(&recorder, || {
            started();
            for end in ends {
                ended(Operation::SyncTarget, &end, Instant::now());
            }
        });
        let text = recorder.handle().render();
        for outcome in ["done", "interrupted", "lost", "cancelled", "failed", "refused"] {
            let once = format!("_count{{operation=\"syncTarget\",outcome=\"{outcome}\"}} 1");
            assert!(text.contains(&once), "{outcome}: {text}");
        }
        assert!(text.contains("sdata_sync_leases_lost_total 1"), "{text}");
        assert!(text.contains("sdata_sync_jobs_failed_total{operation=\"syncTarget\"} 1"), "{text}");
        assert!(text.contains("sdata_sync_jobs_failed_total{operation=\"syncSource\"} 0"), "{text}");
    }
}
