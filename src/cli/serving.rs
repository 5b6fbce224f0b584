//! A provider at work: its database opened, its jobs running, its URLs served.

use crate::http::{self, Certificate, Pace, Service};
use crate::jobs::{JobSettings, Jobs, Kept};
use crate::protocol::horizon::TombstoneAges;
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
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// The share of the time to stop that requests have to end; chunks of jobs, which some of them wait for, have the rest.
const FOR_REQUESTS: f64 = 0.8;

/// What writing the last events of the audit may take, also when the time is up.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// How long a lane stays with a process that gives no sign of life: how long others wait before they take its work over.
const LEASE: Duration = Duration::from_secs(10);

/// Refuses what settings can say but nothing here can do.
///
/// # Errors
/// For an address that is not loopback where nothing says that connections are private: credentials would be refused there,
/// and data be sent in clear.
pub(super) fn check_can_serve(settings: &Settings) -> anyhow::Result<()> {
    let listen = settings.server.listen;
    let is_private = settings.server.tls.is_some() || !settings.server.trusted_proxies.is_empty();
    match settings.security.authentication {
        _ if listen.ip().is_loopback() => Ok(()),
        Authentication::Basic if is_private => Ok(()),
        Authentication::None => bail!(
            "security.authentication is \"none\" on an address that is not loopback ({listen}): everybody could read and write"
        ),
        Authentication::Basic => bail!(
            "security.authentication is \"basic\", which needs connections that nobody can read along: server.listen is {listen}, so \
             set server.tls, or name in server.trusted_proxies the proxy that does TLS"
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
    certificate: Option<JoinHandle<()>>,
    stopping: CancellationToken,
    shutdown: Duration,
}

impl Serving {
    /// Opens the provider of `offer` on `store`, starts its jobs and serves its URLs on `listener`.
    ///
    /// # Errors
    /// When the database keeps a collection under another URL, the certificate cannot be shown, or the listener not be used.
    pub(super) async fn start(
        settings: &Settings,
        offer: Offer,
        store: Store,
        listener: TcpListener,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let certificate = certificate(settings)?;
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
        let proxies = &settings.server.trusted_proxies;
        let metrics = Arc::new(move || metrics.render());
        let service =
            Service::new(Arc::clone(&provider), access.clone(), jobs.clone(), http_limits(settings), proxies, metrics);
        let (stopping, shutdown) = (service.stopping(), settings.server.shutdown);
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let server = http::serve(service, listener, certificate.as_ref(), threads, shutdown.mul_f64(FOR_REQUESTS))?;
        jobs.start();
        let certificate = certificate.map(|certificate| tokio::spawn(certificate.keep_current()));
        let (handle, served) = (server.handle(), tokio::spawn(server));
        Ok(Self { provider, access, jobs, server: handle, served, certificate, stopping, shutdown })
    }

    /// Stops taking requests, lets those under way and running chunks end, and writes what is left of the audit; within the
    /// time that the settings give, whatever is not ended by then.
    ///
    /// # Errors
    /// When the server ended before it was told to.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let until = Instant::now() + self.shutdown;
        self.stopping.cancel();
        if let Some(certificate) = self.certificate {
            certificate.abort();
        }
        // The server cuts off itself what has not ended by then; it looks once a second.
        if timeout_at(until, self.server.stop(true)).await.is_err() {
            tracing::warn!("requests that had not ended were cut off");
        }
        if timeout_at(until, self.jobs.shutdown()).await.is_err() {
            tracing::warn!(
                "chunks that had not ended were broken off; their jobs go on where they were committed last"
            );
        }
        let last_moment = until.max(Instant::now() + LAST_MOMENT);
        if timeout_at(last_moment, self.access.flush_refusals()).await.is_err() {
            tracing::error!("the last refusals could not be told of in time");
        }
        self.provider.finish_audit(last_moment.into_std()).await;
        match timeout_at(until.max(Instant::now() + LAST_MOMENT), self.served).await {
            Ok(served) => Ok(served??),
            Err(_) => Ok(()),
        }
    }

    /// Ends when the server does.
    ///
    /// # Errors
    /// When the server failed; when the database was put back under this process, which must not do anything with it any more.
    pub(super) async fn ended(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            served = &mut self.served => Ok(served??),
            () = self.jobs.until_put_back() => bail!("the database was put back in time while it was served; start the provider again"),
        }
    }
}

/// What the server shows to those who connect by TLS, where the settings say so.
///
/// # Errors
/// With the file that cannot be used, and why.
pub(super) fn certificate(settings: &Settings) -> anyhow::Result<Option<Certificate>> {
    let Some(tls) = &settings.server.tls else { return Ok(None) };
    Certificate::load(&tls.certificate, &tls.key).context("server.tls").map(Some)
}

fn read_limits(settings: &Settings) -> ReadLimits {
    let limits = &settings.limits;
    ReadLimits {
        depth: limits.depth,
        attributes: limits.attributes,
        name_bytes: limits.name_bytes,
        text_bytes: limits.text_bytes,
        nodes: limits.nodes,
        entries: limits.entries,
    }
}

fn http_limits(settings: &Settings) -> http::Limits {
    let limits = &settings.limits;
    http::Limits {
        body_bytes: limits.max_body_bytes,
        read: read_limits(settings),
        pace: Pace { time: limits.body_time, bytes_per_second: limits.body_bytes_per_second },
        url_bytes: limits.url_bytes,
        header_bytes: limits.header_bytes,
        headers: limits.headers,
        parameters: limits.parameters,
        head_time: limits.head_time,
        connections: limits.connections,
        connections_per_address: limits.connections_per_address,
        requests: limits.requests,
        requests_per_client: limits.requests_per_client,
    }
}

fn job_settings(settings: &Settings) -> JobSettings {
    let retention = &settings.retention;
    let tombstones = TombstoneAges { least: retention.tombstones, most: retention.tombstones_at_most };
    JobSettings {
        workers: settings.tracking.workers,
        polling_millis: settings.tracking.polling_millis,
        lease: LEASE,
        limits: read_limits(settings),
        max_body_bytes: settings.limits.max_body_bytes,
        jobs_per_client: settings.limits.jobs_per_client,
        kept: Kept { audit: retention.audit, tombstones },
    }
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
            let mut proxied = settings(listen, "basic");
            proxied.server.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
            assert!(check_can_serve(&proxied).is_ok());
        }
    }
}
