//! Spans on their way to an OpenTelemetry collector, where the program was built for that.

use crate::settings::TelemetrySettings;
use crate::telemetry::SpanLayer;

#[cfg(feature = "otel")]
mod export {
    use super::{SpanLayer, TelemetrySettings};
    use crate::engine::client_builder;
    use crate::telemetry::otlp::{self, SpanExport};
    use anyhow::Context;

    /// Spans that are sent, if anybody wants them.
    pub(in crate::cli) struct Spans(Option<SpanExport>);

    impl Spans {
        /// Begins to send spans where the settings or the variables of OpenTelemetry name a collector.
        ///
        /// # Errors
        /// When the collector's URL is none, or what is asked for is not there.
        pub(in crate::cli) fn start(settings: &TelemetrySettings) -> anyhow::Result<Self> {
            let (endpoint, name) = (settings.otlp_endpoint.as_deref(), settings.service_name.as_deref());
            if !SpanExport::is_wanted(endpoint) {
                return Ok(Self(None));
            }
            let client = client_builder().timeout(otlp::timeout()).build()?;
            let export = SpanExport::start(endpoint, name, client);
            Ok(Self(Some(export.context("spans cannot be sent to an OpenTelemetry collector")?)))
        }

        pub(in crate::cli) fn layer(&self) -> Option<SpanLayer> {
            self.0.as_ref().map(SpanExport::layer)
        }

        /// Sends what has not been sent yet.
        pub(in crate::cli) async fn finish(self) {
            if let Some(export) = self.0 {
                export.finish().await;
            }
        }
    }
}

#[cfg(not(feature = "otel"))]
mod export {
    use super::{SpanLayer, TelemetrySettings};
    use anyhow::bail;

    /// No spans: the program was built without.
    pub(in crate::cli) struct Spans;

    impl Spans {
        /// # Errors
        /// When the settings name a collector: nothing would arrive there.
        pub(in crate::cli) fn start(settings: &TelemetrySettings) -> anyhow::Result<Self> {
            if settings.otlp_endpoint.is_some() {
                bail!("telemetry.otlp_endpoint: this program was built without OpenTelemetry (--features otel)");
            }
            Ok(Self)
        }

        pub(in crate::cli) const fn layer(&self) -> Option<SpanLayer> {
            None
        }

        #[allow(clippy::unused_async, reason = "with the feature there is something to wait for")]
        pub(in crate::cli) async fn finish(self) {}
    }
}

pub(super) use export::Spans;
