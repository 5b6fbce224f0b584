//! Every metric there is: what it is called, what kind it is, which labels it has, what it means.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram};

/// What kind of metric it is, as Prometheus calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values in buckets.
    Histogram,
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricDescription {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: MetricKind,
    /// Its labels. Each has few values: words of the program, names of the configuration.
    pub labels: &'static [&'static str],
    /// What it means, in one sentence.
    pub help: &'static str,
}

const COLLECTION: &[&str] = &["application", "contract", "dataset", "resource_kind"];
const PENDING: &[&str] = &["application", "operation", "state"];

const fn metric(
    name: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
    help: &'static str,
) -> MetricDescription {
    MetricDescription { name, kind, labels, help }
}

/// All of them, in the order of the table in docs/operating.md.
pub const METRICS: &[MetricDescription] = {
    use MetricKind::{Counter, Gauge, Histogram};
    &[
        metric("sdata_sync_build_info", Gauge, &["version", "database"], "1; its labels say what runs."),
        metric("sdata_sync_requests_total", Counter, &["method", "status"], "Requests answered."),
        metric("sdata_sync_request_seconds", Histogram, &["method"], "Time until the head of an answer was ready."),
        metric("sdata_sync_jobs", Gauge, PENDING, "Jobs that wait or run, of all processes."),
        metric("sdata_sync_oldest_queued_seconds", Gauge, &[], "Age of the oldest job that nobody has begun."),
        metric("sdata_sync_oldest_running_seconds", Gauge, &[], "Time since the oldest job under way was first begun."),
        metric("sdata_sync_job_wait_seconds", Histogram, &["operation"], "Time jobs waited to be begun."),
        metric("sdata_sync_job_seconds", Histogram, &["operation", "outcome"], "Time this process worked on a job."),
        metric("sdata_sync_jobs_failed_total", Counter, &["operation"], "Jobs of this process that failed."),
        metric("sdata_sync_jobs_resumed_total", Counter, &[], "Jobs gone on with that were begun before."),
        metric("sdata_sync_leases_lost_total", Counter, &[], "Jobs that another worker took over from this process."),
        metric("sdata_sync_pass_seconds", Histogram, &["resource_kind"], "Time from a $syncSource until its deletion."),
        metric("sdata_sync_entries_total", Counter, &["resource_kind", "outcome"], "Entries of feeds taken in."),
        metric("sdata_sync_conflicts_total", Counter, &["resource_kind", "winner"], "Conflicts, by the side that won."),
        metric("sdata_sync_parked_entries", Gauge, COLLECTION, "Entries that could not be applied and wait."),
        metric("sdata_sync_unstamped_resources", Gauge, COLLECTION, "Resources changed here and not numbered yet."),
        metric("sdata_sync_live_resources", Gauge, COLLECTION, "Resources that are not deleted."),
        metric("sdata_sync_recovering", Gauge, &["collection"], "1 while what a restore forgot is got back, else 0."),
        metric("sdata_sync_database_up", Gauge, &[], "1 if the database answered when last asked, else 0."),
        metric("sdata_sync_database_connections", Gauge, &["pool", "state"], "Connections that are open."),
        metric("sdata_sync_database_connections_max", Gauge, &["pool"], "Connections that may be open at most."),
        metric("sdata_sync_begin_seconds", Histogram, &[], "Time until a write transaction could begin."),
        metric("sdata_sync_statements_total", Counter, &[], "Statements sent to the database."),
        metric("sdata_sync_commits_total", Counter, &[], "Commits that wrote something."),
        metric("sdata_sync_slow_statements_total", Counter, &[], "Statements slower than the configuration allows."),
        metric("sdata_sync_retries_total", Counter, &["reason"], "Transactions tried again."),
        metric("sdata_sync_audit_waiting_events", Gauge, &[], "Audit events that wait to be written."),
        metric("sdata_sync_audit_lost_events_total", Counter, &[], "Audit events that could not be written."),
    ]
};

/// Tells whoever records metrics what they mean. Counters without labels are there from the start: what has not happened
/// yet is 0, and a first time can be seen as an increase.
pub(super) fn describe() {
    for metric in METRICS {
        match metric.kind {
            MetricKind::Counter => describe_counter!(metric.name, metric.help),
            MetricKind::Gauge => describe_gauge!(metric.name, metric.help),
            MetricKind::Histogram => describe_histogram!(metric.name, metric.help),
        }
        if metric.kind == MetricKind::Counter && metric.labels.is_empty() {
            counter!(metric.name).increment(0);
        }
    }
}
