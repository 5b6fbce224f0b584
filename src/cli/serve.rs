//! `sdata-sync serve`: the provider.

use super::contracts::offer;
use super::database::open_serving;
use super::serving::{Serving, certificate, check_can_serve, listen};
use super::settings::SettingsArgs;
use super::stop_signals::StopSignals;
use crate::settings::TelemetrySettings;
use crate::telemetry::Metrics;
use clap::Args;
use std::process::ExitCode;

/// Serves the provider until it is told to stop (Ctrl-C or SIGTERM)
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Leave the database's tables as they are instead of bringing them up to date
    #[arg(long)]
    no_migrate: bool,
}

impl ServeArgs {
    /// What the configuration says of spans: they are sent from the first line of the log on.
    pub(super) fn telemetry(&self) -> anyhow::Result<TelemetrySettings> {
        Ok(self.settings.read()?.telemetry)
    }

    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.settings.read()?;
        check_can_serve(&settings)?;
        // Before anything is made: that it cannot be shown is found out at once.
        certificate(&settings)?;
        let offer = offer(&settings)?;
        let listener = listen(&settings)?;
        let database = &settings.database;
        let store = open_serving(&settings, !self.no_migrate).await?;
        let metrics = Metrics::install()?;
        let mut serving = Serving::start(&settings, offer, store, listener, metrics.clone()).await?;
        let mut signals = StopSignals::new()?;
        let upkeep = tokio::spawn(async move { metrics.upkeep().await });
        tracing::info!(
            url = format!("{}/sdata", settings.server.base_url),
            listen = %settings.server.listen,
            database = %database.url,
            "serving"
        );
        tokio::select! {
            ended = serving.ended() => {
                ended?;
                return Ok(ExitCode::SUCCESS);
            }
            stopped = signals.next() => stopped?,
        }
        tracing::info!("stopping");
        tokio::select! {
            stopped = serving.stop() => stopped?,
            again = signals.next() => {
                again?;
                tracing::warn!("told to stop once more: ending at once");
                std::process::exit(1);
            }
        }
        upkeep.abort();
        Ok(ExitCode::SUCCESS)
    }
}
