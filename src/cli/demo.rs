//! `sdata-sync demo`: two applications that are kept in step, to look at.

mod application;
mod comparison;
mod narration;
mod sample;
mod story;

use super::output::print;
use super::stop_signals::StopSignals;
use crate::telemetry::Metrics;
use anyhow::Context;
use application::Application;
use clap::Args;
use std::process::ExitCode;

/// Where the applications listen, if nobody else does.
const PORTS: [u16; 2] = [5493, 5494];

/// Starts two sample applications, runs in both directions and shows what happened
///
/// Needs no setup: the data is in a temporary directory and gone at the end. Exit code: 0 both applications are
/// identical at the end, 1 they are not.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Ends after the last run instead of serving on until Ctrl-C
    #[arg(long)]
    exit: bool,
}

impl DemoArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let folder = tempfile::tempdir().context("no temporary directory for the data of the applications")?;
        let mut signals = StopSignals::new()?;
        let metrics = Metrics::install()?;
        let crm = Application::start("crm", "Sample CRM", PORTS[0], folder.path(), metrics.clone()).await?;
        let erp = Application::start("erp", "Sample ERP", PORTS[1], folder.path(), metrics.clone()).await?;
        let upkeep = tokio::spawn(async move { metrics.upkeep().await });
        let told = tokio::select! {
            told = story::tell(&crm, &erp) => told.map(Some),
            stopped = signals.next() => stopped.map(|()| None).map_err(Into::into),
        };
        if let Ok(Some(_)) = told {
            print(places(&crm, &erp, self.exit))?;
            if !self.exit {
                signals.next().await?;
            }
        }
        upkeep.abort();
        crm.stop().await?;
        erp.stop().await?;
        Ok(match told? {
            Some(true) => ExitCode::SUCCESS,
            Some(false) | None => ExitCode::FAILURE,
        })
    }
}

/// What there is to open, while the applications are up.
fn places(crm: &Application, erp: &Application, is_over: bool) -> String {
    let heading = if is_over {
        "Without --exit both applications stay up until Ctrl-C, to be looked at:"
    } else {
        "Both applications stay up until Ctrl-C. Open in a browser, or as Atom feeds:"
    };
    format!(
        "\n{heading}\n\
         \x20 {}/accounts\n\
         \x20 {}/salesOrders\n\
         \x20 {}/changes  what became of each entry\n\
         \x20 {}/runs     the runs",
        crm.dataset(),
        erp.dataset(),
        erp.audit(),
        erp.audit()
    )
}
