//! What operators watch of a provider: whether it is ready, and gauges that are brought up to date when somebody looks at them.

use super::lately::Lately;
use super::{Collection, Provider};
use crate::store::{Measures, Numbers, Operation, Pending, StoreError, TrackingState};
use std::time::Duration;

/// How long it holds whether the database is ready.
const READY_HOLDS: Duration = Duration::from_secs(1);
/// How long what was measured of the database holds.
const MEASURES_HOLD: Duration = Duration::from_secs(3);
/// How long the database may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(2);
/// The states of operations that are not over.
const PENDING: [TrackingState; 2] = [TrackingState::Queued, TrackingState::Running];

/// What was seen of the database last.
#[derive(Debug)]
pub(super) struct Watch {
    is_ready: Lately<bool>,
    measured: Lately<()>,
}

impl Default for Watch {
    fn default() -> Self {
        Self { is_ready: Lately::holding(READY_HOLDS), measured: Lately::holding(MEASURES_HOLD) }
    }
}

impl Provider {
    /// Whether the database can be reached, and has the tables this version needs.
    pub async fn is_ready(&self) -> bool {
        let look = async { tokio::time::timeout(PATIENCE, self.store.is_ready()).await.unwrap_or_default() };
        self.watch.is_ready.or(look).await
    }

    /// Brings the gauges up to date. While the database is away they keep their last values, and `sdata_sync_database_up`
    /// says so; it takes no more than a moment then, either.
    pub async fn measure(&self) {
        self.measure_process();
        self.watch.measured.or(self.measure_database()).await;
    }

    async fn measure_database(&self) {
        let collections: Vec<_> = self.collections().map(|collection| collection.id).collect();
        let read = tokio::time::timeout(PATIENCE, self.store.measures(&collections)).await;
        metrics::gauge!("sdata_sync_database_up").set(if matches!(read, Ok(Ok(_))) { 1.0 } else { 0.0 });
        match read {
            Ok(Ok(measures)) => self.show(&measures),
            Ok(Err(error)) => unknown(&error),
            Err(_) => tracing::warn!(seconds = PATIENCE.as_secs(), "the database does not answer; metrics are old"),
        }
    }

    /// What needs no database.
    fn measure_process(&self) {
        let (version, database) = (env!("CARGO_PKG_VERSION"), self.store.database());
        metrics::gauge!("sdata_sync_build_info", "version" => version, "database" => database).set(1.0);
        for pool in self.store.pools() {
            for (state, connections) in [("used", pool.used), ("idle", pool.idle)] {
                metrics::gauge!("sdata_sync_database_connections", "pool" => pool.name, "state" => state)
                    .set(connections);
            }
            metrics::gauge!("sdata_sync_database_connections_max", "pool" => pool.name).set(pool.most);
        }
        metrics::gauge!("sdata_sync_audit_waiting_events").set(number(self.recorder.waiting() as u64));
    }

    fn show(&self, measures: &Measures) {
        let now = self.now();
        let age = |pending: Option<&Pending>| {
            pending.map(|pending| now.since(pending.since)).unwrap_or_default().as_secs_f64()
        };
        let oldest = |state| measures.pending.iter().filter(|one| one.state == state).min_by_key(|one| one.since);
        metrics::gauge!("sdata_sync_oldest_queued_seconds").set(age(oldest(TrackingState::Queued)));
        metrics::gauge!("sdata_sync_oldest_running_seconds").set(age(oldest(TrackingState::Running)));
        for operation in Operation::ALL {
            for state in PENDING {
                let found = measures.pending.iter().find(|one| one.operation == *operation && one.state == state);
                let (application, operation) = (self.offer.application.clone(), operation.as_str());
                metrics::gauge!(
                    "sdata_sync_jobs",
                    "application" => application,
                    "operation" => operation,
                    "state" => state.as_str()
                )
                .set(number(found.map(|found| found.count).unwrap_or_default()));
            }
        }
        for collection in self.collections() {
            show_collection(collection, measures.collections.get(&collection.id).copied().unwrap_or_default());
        }
    }
}

fn show_collection(collection: &Collection, numbers: Numbers) {
    let name = &collection.name;
    let labels = [
        ("application", name.application.clone()),
        ("contract", name.contract.clone()),
        ("dataset", name.dataset.clone()),
        ("resource_kind", name.resource_kind.clone()),
    ];
    metrics::gauge!("sdata_sync_live_resources", &labels).set(number(numbers.live));
    metrics::gauge!("sdata_sync_parked_entries", &labels).set(number(numbers.parked));
    metrics::gauge!("sdata_sync_unstamped_resources", &labels).set(number(numbers.unstamped));
}

fn unknown(error: &StoreError) {
    tracing::warn!(%error, "the database cannot be asked; metrics are old");
}

/// A count as a gauge has it: exact up to 2^53.
#[allow(clippy::cast_precision_loss, reason = "nobody watches the last digit of such numbers")]
const fn number(count: u64) -> f64 {
    count as f64
}
