//! What the program tells of itself: log lines, metrics and traces.

mod catalogue;
mod filter;
#[cfg(feature = "otel")]
pub mod otlp;
pub mod trace_context;

pub use catalogue::{METRICS, MetricDescription, MetricKind};

use self::filter::Wanted;
use clap::ValueEnum;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::{self, IsTerminal};
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// Upper bounds of the buckets of every histogram whose name ends in `_seconds`.
const SECONDS: &[f64] = &[0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0];
/// What takes note of spans beside the log.
pub type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;
/// How often samples are folded into their buckets, so that they do not pile up where nobody reads them.
const UPKEEP: Duration = Duration::from_secs(5);
/// What is logged when `RUST_LOG` does not say and a command has no wish of its own.
/// Whoever sends what is no HTTP must not fill the log with it.
pub const DEFAULT_FILTER: &str = "info,actix_http=off,h2=error,sqlx=warn,sea_orm_migration=warn";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why log lines cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `RUST_LOG` is no filter.
    #[error(
        "environment variable RUST_LOG: '{text}' is no filter ({reason}); \"info\" or \"sdata_sync=debug,info\" would be one"
    )]
    Filter {
        /// The variable's value.
        text: String,
        /// Why it is none.
        reason: String,
    },
    /// Somebody else writes them already.
    #[error("log lines are written already: {0}")]
    Taken(#[from] TryInitError),
}

/// Writes log lines to standard error, as many as `RUST_LOG` asks for; without it, as many as `default_filter` does. Spans of this
/// program are there however few lines are asked for: a line tells of those it is within, and `spans` takes note of them, with the
/// lines that are written.
///
/// # Errors
/// [`LogError`] when `RUST_LOG` cannot be read, or when this was done before.
pub fn write_log(format: LogFormat, default_filter: &str, spans: Option<SpanLayer>) -> Result<(), LogError> {
    let text = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let wanted = if text.trim().is_empty() { default_filter } else { &text };
    let filter = EnvFilter::try_new(wanted)
        .map_err(|error| LogError::Filter { text: text.clone(), reason: error.to_string() })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    Ok(tracing_subscriber::registry().with(spans).with(lines).with(Wanted(filter)).try_init()?)
}

/// The metrics of this process, collected for Prometheus.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Collects what the `metrics` macros count from now on; once in a process.
    ///
    /// # Errors
    /// [`BuildError`] when another recorder is installed.
    pub fn install() -> Result<Self, BuildError> {
        let builder =
            PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?;
        let metrics = Self(builder.install_recorder()?);
        catalogue::describe();
        Ok(metrics)
    }

    /// The metrics as Prometheus reads them.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps memory bounded for as long as it is polled; it never ends by itself.
    pub async fn upkeep(&self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.0.run_upkeep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered_for_prometheus() {
        let metrics = Metrics::install().unwrap();
        metrics::counter!("sdata_sync_test_total", "kind" => "accounts").increment(3);
        metrics::histogram!("sdata_sync_test_seconds").record(0.02);
        let text = metrics.render();
        assert!(text.contains("sdata_sync_test_total{kind=\"accounts\"} 3"), "{text}");
        assert!(text.contains("sdata_sync_test_seconds_bucket{le=\"0.025\"} 1"), "{text}");
        assert!(Metrics::install().is_err());
    }
}
