//! The provider's URLs: decode, ask, encode.

mod access;
mod admission;
mod audit;
mod body;
mod client;
mod conditional;
mod connection;
mod context;
mod digest;
mod errors;
mod head_blocks;
mod health;
mod limits;
mod linked;
mod listening;
mod navigation;
mod negotiate;
mod pace;
mod pages;
mod place;
mod properties;
mod queries;
mod registry;
mod represent;
mod request;
mod resources;
mod respond;
mod result_feed;
mod results;
mod routes;
mod schema;
mod shaping;
mod source;
mod template;
mod tls;
mod whole;

pub use limits::Limits;
pub use listening::serve;
pub use pace::Pace;
pub use tls::{Certificate, TlsError};

use crate::jobs::Jobs;
use crate::provider::Provider;
use crate::provider::access::Access;
use crate::provider::gate::Gate;
use crate::provider::memory::Memory;
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the handlers work with.
#[derive(Clone)]
pub struct Service {
    /// The use cases.
    pub provider: Arc<Provider>,
    /// The asynchronous ones.
    pub jobs: Jobs,
    /// Who may use them.
    pub access: Access,
    /// Renders the metrics as Prometheus text.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// What requests may cost.
    limits: Limits,
    /// The proxies whose word is believed on whom they speak for.
    trusted_proxies: Arc<[IpNet]>,
    /// Counts requests.
    requests: Arc<Gate>,
    /// What bodies may take of it.
    memory: Memory,
    /// The provider is about to end.
    stopping: CancellationToken,
}

impl Service {
    /// What answers for `provider`.
    #[must_use]
    pub fn new(
        provider: Arc<Provider>,
        access: Access,
        jobs: Jobs,
        limits: Limits,
        trusted_proxies: &[IpNet],
        metrics: Arc<dyn Fn() -> String + Send + Sync>,
    ) -> Self {
        let requests = Gate::new(limits.requests, limits.requests_per_client);
        let (memory, stopping) = (jobs.memory().clone(), CancellationToken::new());
        let trusted_proxies = trusted_proxies.into();
        Self { provider, access, jobs, metrics, limits, trusted_proxies, requests, memory, stopping }
    }

    /// What is to be cancelled before the server is stopped: load balancers are told, and connections on which nothing is
    /// asked end.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}
