//! Trying again what failed for a passing reason.

use super::StoreError;
use backon::{ExponentialBuilder, Retryable};
use std::time::{Duration, Instant};

/// An error that knows whether the same may work when tried again.
pub trait Transient {
    /// Whether it may.
    fn is_transient(&self) -> bool;
    /// Why it failed, in a word that operators know: see [`StoreError::reason`].
    fn reason(&self) -> &'static str;
}

impl Transient for StoreError {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }

    fn reason(&self) -> &'static str {
        Self::reason(self)
    }
}

/// How long after the first attempt another one is begun: where attempts are themselves slow to fail, as when they wait for a
/// connection, whoever asked is told soon.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `attempt` again, after growing pauses, while it fails transiently: at most seven times in about four seconds, and none begins
/// later than ten seconds after the first. An attempt is a whole transaction, or a read.
///
/// # Errors
/// The error of the last attempt.
pub async fn retrying<T, E, F, Fut>(attempt: F) -> Result<T, E>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: Transient,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_secs(2))
        .with_factor(2.5)
        .with_jitter()
        .with_max_times(6);
    let count = |error: &E, _| metrics::counter!("sdata_sync_retries_total", "reason" => error.reason()).increment(1);
    let began = Instant::now();
    let is_worth_it = |error: &E| error.is_transient() && began.elapsed() < PATIENCE;
    attempt.retry(pauses).when(is_worth_it).notify(count).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use sea_orm::{ConnAcquireErr, DbErr};
    use std::cell::Cell;

    fn busy() -> StoreError {
        StoreError::from(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))
    }

    #[tokio::test]
    async fn a_passing_failure_is_tried_again() {
        let tries = Cell::new(0);
        let attempt = || async {
            tries.set(tries.get() + 1);
            if tries.get() < 3 { Err(busy()) } else { Ok(7) }
        };
        assert_eq!(retrying(attempt).await.ok(), Some(7));
        assert_eq!(tries.get(), 3);
    }

    #[test]
    fn tries_are_counted_by_their_reason() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let (handle, tries) = (recorder.handle(), Cell::new(0));
        let attempt = || async {
            tries.set(tries.get() + 1);
            if tries.get() < 3 { Err(busy()) } else { Ok(()) }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        metrics::with_local_recorder(&recorder, || runtime.block_on(retrying(attempt))).unwrap();
        let text = handle.render();
        assert!(text.contains("sdata_sync_retries_total{reason=\"pool\"} 2"), "{text}");
    }

    #[tokio::test]
    async fn a_lasting_failure_is_not_tried_again() {
        let tries = Cell::new(0);
        let attempt = || async {
            tries.set(tries.get() + 1);
            Err::<(), _>(StoreError::LaneLost)
        };
        assert!(matches!(retrying(attempt).await, Err(StoreError::LaneLost)));
        assert_eq!(tries.get(), 1);
    }
}
