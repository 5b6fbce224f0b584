//! `sdata-sync serve`: the provider.

use super::contracts::offer;
use super::database::{open, open_migrated};
use super::serving::{Serving, check_can_serve, listen, stop_signal};
use super::settings::SettingsArgs;
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
        let offer = offer(&settings)?;
        let listener = listen(&settings)?;
        let database = &settings.database;
        let store = if self.no_migrate { open(database).await? } else { open_migrated(database).await? };
        let metrics = Metrics::install()?;
        let mut serving = Serving::start(&settings, offer, store, listener, metrics.clone()).await?;
        let upkeep = tokio::spawn(async move { metrics.upkeep().await });
        tracing::info!(
            url = format!("{}/sdata", settings.server.base_url),
            listen = %settings.server.listen,
            database = %database.url,
            "serving"
        );
        tokio::select! {
            ended = serving.ended() => ended?,
            stopped = stop_signal() => {
                stopped?;
                tracing::info!("stopping");
                serving.stop().await?;
            }
        }
        upkeep.abort();
        Ok(ExitCode::SUCCESS)
    }
}
