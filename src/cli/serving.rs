//! A provider at work: its database opened, its jobs running, its URLs served.

use crate::http::{self, Service};
use crate::jobs::{JobSettings, Jobs, Kept};
use crate::protocol::horizon::TombstoneAges;
use crate::provider::{Clock, Offer, Provider};
use crate::settings::{Authentication, Settings};
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::wire::ReadLimits;
use actix_web::dev::ServerHandle;
use anyhow::{Context, bail};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a lane stays with a process that gives no sign of life: how long others wait before they take its work over.
const LEASE: Duration = Duration::from_secs(10);

/// Refuses what settings can say but nothing here can do.
///
/// # Errors
/// For `security.authentication = "basic"`: to serve without it would open what was meant to be closed.
pub(super) fn check_can_serve(settings: &Settings) -> anyhow::Result<()> {
    if settings.security.authentication == Authentication::Basic {
        bail!(
            "security.authentication is \"basic\", which this version cannot do yet; \"none\" can be served on a \
             loopback address, behind a proxy that authenticates"
        );
    }
    Ok(())
}

/// Takes the address that the settings name.
///
/// # Errors
/// When it is not this machine's, or somebody else listens there.
pub(super) fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    let address = settings.server.listen;
    TcpListener::bind(address).with_context(|| format!("server.listen {address}"))
}

/// A provider at work.
pub(super) struct Serving {
    pub(super) provider: Arc<Provider>,
    jobs: Jobs,
    server: ServerHandle,
    served: JoinHandle<std::io::Result<()>>,
}

impl Serving {
    /// Opens the provider of `offer` on `store`, starts its jobs and serves its URLs on `listener`.
    ///
    /// # Errors
    /// When the database keeps a collection under another URL, or the listener cannot be used.
    pub(super) async fn start(
        settings: &Settings,
        offer: Offer,
        store: Store,
        listener: TcpListener,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let provider = Arc::new(Provider::open(offer, store, Clock::system()).await?);
        let jobs = Jobs::new(Arc::clone(&provider), job_settings(settings));
        let service = Service {
            provider: Arc::clone(&provider),
            jobs: jobs.clone(),
            max_body_bytes: settings.limits.max_body_bytes,
            metrics: Arc::new(move || metrics.render()),
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let server = http::serve(service, listener, threads)?;
        jobs.start();
        Ok(Self { provider, jobs, server: server.handle(), served: tokio::spawn(server) })
    }

    /// Stops taking requests, lets running chunks end and writes what is left of the audit.
    ///
    /// # Errors
    /// When the server ended before it was told to.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.server.stop(true).await;
        self.jobs.shutdown().await;
        self.provider.flush_audit().await;
        Ok(self.served.await??)
    }

    /// Ends when the server does.
    pub(super) async fn ended(&mut self) -> anyhow::Result<()> {
        Ok((&mut self.served).await??)
    }
}

fn job_settings(settings: &Settings) -> JobSettings {
    let retention = &settings.retention;
    let tombstones = TombstoneAges { least: retention.tombstones, most: retention.tombstones_at_most };
    JobSettings {
        workers: settings.tracking.workers,
        polling_millis: settings.tracking.polling_millis,
        retention: settings.tracking.retention,
        lease: LEASE,
        limits: ReadLimits::default(),
        max_body_bytes: settings.limits.max_body_bytes,
        kept: Kept { audit: retention.audit, tombstones },
    }
}

/// Ends when the process is asked to stop: Ctrl-C, or SIGTERM from whoever supervises it.
///
/// # Errors
/// When the system gives no notice of signals.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Sources;

    #[test]
    fn authentication_that_cannot_be_done_is_refused_before_anything_is_opened() {
        let settings = |word: &str| {
            let flags = vec![("security.authentication".to_owned(), word.to_owned())];
            Settings::read(&Sources { flags, ..Sources::default() }).unwrap()
        };
        assert!(check_can_serve(&settings("none")).is_ok());
        let message = check_can_serve(&settings("basic")).unwrap_err().to_string();
        assert!(message.starts_with("security.authentication is \"basic\""), "{message}");
    }
}
