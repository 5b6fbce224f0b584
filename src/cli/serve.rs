//! `sdata-sync serve`: the provider.

use super::serving::Serving;
use super::settings::SettingsArgs;
use crate::telemetry::Metrics;
use clap::Args;
use std::process::ExitCode;

/// Serves the provider until it is told to stop (Ctrl-C or SIGTERM).
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Leave the database's tables as they are instead of bringing them up to date
    #[arg(long)]
    no_migrate: bool,
}

impl ServeArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.settings.read()?;
        let metrics = Metrics::install()?;
        let mut serving = Serving::start(&settings, metrics.clone(), !self.no_migrate).await?;
        tracing::info!(
            url = format!("{}/sdata", settings.server.base_url),
            listen = %settings.server.listen,
            database = %settings.database.url,
            "serving"
        );
        tokio::select! {
            ended = serving.ended() => ended?,
            () = metrics.upkeep() => {}
            stopped = stop_signal() => {
                stopped?;
                tracing::info!("stopping");
                serving.stop().await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Ends when the process is asked to stop.
pub(super) async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
