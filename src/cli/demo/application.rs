//! One of the two applications: a provider in this process, and what its users do in it.

use crate::cli::contracts::offer;
use crate::cli::database::open_serving;
use crate::cli::serving::Serving;
use crate::engine::Address;
use crate::protocol::path::AUDIT_CONTRACT;
use crate::provider::{Collection, Provider};
use crate::settings::{Settings, Sources};
use crate::store::Document;
use crate::telemetry::Metrics;
use crate::wire::{Element, Entry, ReadLimits, read_entry};
use anyhow::Context;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use uuid::Uuid;

/// Contract and dataset of the applications.
const CONTRACT: &str = "sample";
const DATASET: &str = "-";

/// What consumers are told to wait between polls, in milliseconds: the least there is, nobody shall wait here.
const POLLING_MILLIS: u32 = 100;

/// A sample application at work.
pub(super) struct Application {
    /// Its name in URLs.
    pub(super) name: &'static str,
    base_url: String,
    serving: Serving,
}

impl Application {
    /// Starts it with its data in `folder`, on `port` or, where that is taken, on a free one.
    pub(super) async fn start(
        name: &'static str,
        title: &str,
        port: u16,
        folder: &Path,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let loopback = Ipv4Addr::LOCALHOST;
        let listener = TcpListener::bind((loopback, port))
            .or_else(|_| TcpListener::bind((loopback, 0)))
            .with_context(|| format!("no port of {loopback} can be had for {name}"))?;
        let flags = [
            ("server.listen", listener.local_addr()?.to_string()),
            ("application.name", name.to_owned()),
            ("application.title", title.to_owned()),
            ("database.url", format!("sqlite://{}", folder.join(name).with_extension("db").display())),
            ("tracking.polling_millis", POLLING_MILLIS.to_string()),
        ];
        let flags = flags.map(|(key, value)| (key.to_owned(), value)).to_vec();
        let settings = Settings::read(&Sources { flags, ..Sources::default() })?;
        let store = open_serving(&settings, true).await?;
        let serving = Serving::start(&settings, offer(&settings)?, store, listener, metrics).await?;
        Ok(Self { name, base_url: settings.server.base_url, serving })
    }

    /// Stops it in good order.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.serving.stop().await
    }

    /// Its use cases.
    pub(super) fn provider(&self) -> &Provider {
        &self.serving.provider
    }

    /// The URL of its dataset.
    pub(super) fn dataset(&self) -> String {
        format!("{}/sdata/{}/{CONTRACT}/{DATASET}", self.base_url, self.name)
    }

    /// The URL above its audit's resource kinds.
    pub(super) fn audit(&self) -> String {
        format!("{}/sdata/{}/{AUDIT_CONTRACT}/-", self.base_url, self.name)
    }

    /// What an engine is told of it: one resource kind, or all.
    pub(super) fn address(&self, kind: Option<&str>) -> anyhow::Result<Address> {
        let dataset = self.dataset();
        Ok(Address::parse(&kind.map_or(dataset.clone(), |kind| format!("{dataset}/{kind}")))?)
    }

    /// The resource kind with this plural name.
    pub(super) fn collection(&self, kind: &str) -> anyhow::Result<&Collection> {
        let found = self.provider().collection(CONTRACT, DATASET, kind);
        found.map(AsRef::as_ref).with_context(|| format!("{} has no {kind}", self.name))
    }

    /// A user makes a resource; answers its key.
    pub(super) async fn create(&self, kind: &str, resource: &str) -> anyhow::Result<String> {
        let made = self.provider().create(self.collection(kind)?, entry(resource)?, Some(self.name)).await?;
        Ok(made.resource.key)
    }

    /// A user changes a resource.
    pub(super) async fn update(&self, kind: &str, key: &str, resource: &str) -> anyhow::Result<()> {
        let user = Some(self.name);
        self.provider().update(self.collection(kind)?, key, entry(resource)?, Some("*"), user).await?;
        Ok(())
    }

    /// A user deletes a resource.
    pub(super) async fn delete(&self, kind: &str, key: &str) -> anyhow::Result<()> {
        Ok(self.provider().delete(self.collection(kind)?, key, None, Some(self.name)).await?)
    }

    /// The UUID under which all applications know a resource of this one.
    pub(super) async fn uuid_of(&self, kind: &str, key: &str) -> anyhow::Result<Uuid> {
        let found = self.provider().resource(self.collection(kind)?, key).await?;
        found.resource.uuid.with_context(|| format!("{kind} '{key}' of {} is not linked", self.name))
    }

    /// A resource that all applications know.
    pub(super) async fn shared(&self, kind: &str, uuid: Uuid) -> anyhow::Result<Document> {
        let mut found = self.provider().store.by_uuids(self.collection(kind)?.id, &[uuid]).await?;
        found.remove(&uuid).with_context(|| format!("{} has no {kind} with UUID {uuid}", self.name))
    }
}

fn entry(resource: &str) -> anyhow::Result<Entry> {
    Ok(read_entry(resource.as_bytes(), ReadLimits::default())?)
}

/// The text of one property; empty where it has none.
pub(super) fn property(resource: &Element, name: &str) -> String {
    let found = resource.children().find(|child| &*child.name == name);
    found.map(|child| child.text().into_owned()).unwrap_or_default()
}
