//! A provider at work: its database opened, its jobs running, its URLs served.

use crate::http::{self, Service};
use crate::jobs::{JobSettings, Jobs};
use crate::provider::access::Access;
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
/// For an address that is not loopback where nothing says that connections are private: credentials would be refused there,
/// and data be sent in clear.
pub(super) fn check_can_serve(settings: &Settings) -> anyhow::Result<()> {
    let listen = settings.server.listen;
    match settings.security.authentication {
        _ if listen.ip().is_loopback() => Ok(()),
        Authentication::None => bail!(
            "security.authentication is \"none\" on an address that is not loopback ({listen}): everybody could read and write"
        ),
        Authentication::Basic => bail!(
            "security.authentication is \"basic\", which needs connections that nobody can read along: server.listen ({listen}) \
             must be a loopback address, behind a proxy that does TLS"
        ),
    }
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
    access: Access,
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
        let access = match settings.security.authentication {
            Authentication::None => Access::everybody(&provider),
            Authentication::Basic => {
                if provider.store.accounts().await?.is_empty() {
                    tracing::warn!("there is no account yet: 'sdata-sync user add' makes one, while the provider runs");
                }
                Access::accounts(&provider)?
            }
        };
        let service = Service {
            provider: Arc::clone(&provider),
            access: access.clone(),
            jobs: jobs.clone(),
            max_body_bytes: settings.limits.max_body_bytes,
            metrics: Arc::new(move || metrics.render()),
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let server = http::serve(service, listener, threads)?;
        jobs.start();
        Ok(Self { provider, access, jobs, server: server.handle(), served: tokio::spawn(server) })
    }

    /// Stops taking requests, lets running chunks end and writes what is left of the audit.
    ///
    /// # Errors
    /// When the server ended before it was told to.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.server.stop(true).await;
        self.jobs.shutdown().await;
        self.access.flush_refusals().await;
        self.provider.flush_audit().await;
        Ok(self.served.await??)
    }

    /// Ends when the server does.
    pub(super) async fn ended(&mut self) -> anyhow::Result<()> {
        Ok((&mut self.served).await??)
    }
}

fn job_settings(settings: &Settings) -> JobSettings {
    JobSettings {
        workers: settings.tracking.workers,
        polling_millis: settings.tracking.polling_millis,
        retention: settings.tracking.retention,
        lease: LEASE,
        limits: ReadLimits::default(),
        max_body_bytes: settings.limits.max_body_bytes,
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

    fn settings(listen: &str, authentication: &str) -> Settings {
        let flags = [
            ("server.listen", listen),
            ("server.base_url", "https://crm.example.com"),
            ("security.authentication", authentication),
        ];
        let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        Settings::read(&Sources { flags, ..Sources::default() }).unwrap()
    }

    /// CORE-5.2-02.
    #[test]
    fn credentials_are_not_served_where_others_can_read_along() {
        for listen in ["127.0.0.1:5493", "[::1]:5493", "127.8.9.10:1"] {
            assert!(check_can_serve(&settings(listen, "none")).is_ok());
            assert!(check_can_serve(&settings(listen, "basic")).is_ok());
        }
        for listen in ["0.0.0.0:5493", "192.0.2.1:5493", "[::]:5493"] {
            let message = check_can_serve(&settings(listen, "basic")).unwrap_err().to_string();
            assert!(message.starts_with("security.authentication is \"basic\""), "{message}");
            let mut open = settings(listen, "basic");
            open.security.authentication = Authentication::None;
            let message = check_can_serve(&open).unwrap_err().to_string();
            assert!(message.contains("everybody could read and write"), "{message}");
        }
    }
}
