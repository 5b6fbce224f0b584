//! A provider made from settings: opened on its database, its jobs running, its URLs served.

use crate::contract::Contract;
use crate::http::{self, Service};
use crate::jobs::{JobSettings, Jobs};
use crate::provider::{Clock, KindOptions, Offer, Provider, ServedContract};
use crate::settings::{Authentication, ContractSettings, Settings};
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::wire::ReadLimits;
use actix_web::dev::ServerHandle;
use anyhow::{Context, bail};
use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a lane stays with a process that gives no sign of life: how long others wait before they take its work over.
const LEASE: Duration = Duration::from_secs(10);

/// What `settings` say is served.
///
/// # Errors
/// When a contract cannot be read, or settings name a kind that it does not have.
pub(super) fn offer(settings: &Settings) -> anyhow::Result<Offer> {
    let contracts = settings.contracts.iter().map(|contract| served(settings, contract)).collect::<Result<_, _>>()?;
    Ok(Offer {
        base_url: settings.server.base_url.clone(),
        application: settings.application.name.clone(),
        title: settings.application.title.clone(),
        contracts,
        pages: settings.paging,
    })
}

fn served(settings: &Settings, wanted: &ContractSettings) -> anyhow::Result<ServedContract> {
    let contract = match &wanted.schema {
        Some(path) => Contract::read(path)?,
        None => Contract::sample()?,
    };
    for warning in contract.warnings() {
        tracing::warn!(%warning, contract = wanted.name, "the contract has something that is not checked");
    }
    let mut kinds = HashMap::new();
    for kind in &wanted.kinds {
        let known = contract.kinds().iter().find(|known| known.plural_name.eq_ignore_ascii_case(&kind.name));
        let Some(known) = known else {
            let names: Vec<_> = contract.kinds().iter().map(|known| &*known.plural_name).collect();
            let place = settings.file.as_ref().map_or_else(|| "settings".into(), |file| file.display().to_string());
            bail!(
                "{place}: contracts.kinds.{} names no resource kind of the contract '{}'; it has {}",
                kind.name,
                wanted.name,
                names.join(", ")
            );
        };
        let options = KindOptions {
            sync_source: kind.sync_source,
            sync_target: kind.sync_target,
            conflict_priority: kind.conflict_priority,
        };
        kinds.insert(known.plural_name.to_string(), options);
    }
    Ok(ServedContract {
        name: wanted.name.clone(),
        contract: Arc::new(contract),
        datasets: wanted.datasets.clone(),
        kinds,
    })
}

/// The store that `settings` name, with the tables this version needs.
///
/// # Errors
/// When the database cannot be reached or migrated.
pub(super) async fn open_store(settings: &Settings, migrate: bool) -> anyhow::Result<Store> {
    let url = &settings.database.url;
    let store = Store::connect(url.expose(), settings.database.max_connections)
        .await
        .with_context(|| format!("the database {url} cannot be opened"))?;
    if migrate {
        store.migrate().await.with_context(|| format!("the tables of {url} cannot be brought up to date"))?;
    } else if !store.is_ready().await {
        bail!("the database {url} does not have the tables this version needs; run sdata-sync migrate up");
    }
    Ok(store)
}

/// A provider on its database.
///
/// # Errors
/// As [`offer`] and [`open_store`], and when the database keeps a collection under another URL.
pub(super) async fn open_provider(settings: &Settings, migrate: bool) -> anyhow::Result<Arc<Provider>> {
    let offer = offer(settings)?;
    let store = open_store(settings, migrate).await?;
    Ok(Arc::new(Provider::open(offer, store, Clock::system()).await?))
}

/// A provider at work.
pub(super) struct Serving {
    pub(super) provider: Arc<Provider>,
    jobs: Jobs,
    server: ServerHandle,
    served: JoinHandle<std::io::Result<()>>,
}

impl Serving {
    /// Opens the provider, starts its jobs and serves its URLs.
    ///
    /// # Errors
    /// As [`open_provider`], and when the address cannot be listened on.
    pub(super) async fn start(settings: &Settings, metrics: Metrics, migrate: bool) -> anyhow::Result<Self> {
        if settings.security.authentication == Authentication::Basic {
            bail!(
                "security.authentication is \"basic\", which this version does not have yet; \"none\" on a loopback address can be served"
            );
        }
        let address = settings.server.listen;
        let listener =
            TcpListener::bind(address).with_context(|| format!("server.listen: {address} cannot be used"))?;
        let provider = open_provider(settings, migrate).await?;
        let job_settings = JobSettings {
            workers: settings.tracking.workers,
            polling_millis: settings.tracking.polling_millis,
            retention: settings.tracking.retention,
            lease: LEASE,
            limits: ReadLimits::default(),
            max_body_bytes: settings.limits.max_body_bytes,
        };
        let jobs = Jobs::new(Arc::clone(&provider), job_settings);
        jobs.start();
        let service = Service {
            provider: Arc::clone(&provider),
            jobs: jobs.clone(),
            max_body_bytes: settings.limits.max_body_bytes,
            metrics: Arc::new(move || metrics.render()),
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let server = http::serve(service, listener, threads)?;
        let handle = server.handle();
        Ok(Self { provider, jobs, server: handle, served: tokio::spawn(server) })
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
