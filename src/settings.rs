//! What a deployment decides, typed: read from a file, the environment and flags, each laid over the one before.
//!
//! Every key, its default and its range stand here or in the file of its section below, and nowhere else.

mod layers;
mod limits;
mod mistake;
mod reader;
mod retention;
mod telemetry;
mod tls;

pub use layers::Sources;
pub use limits::Limits;
pub use mistake::{Mistake, Place, SettingsError};
pub use retention::Retention;
pub use telemetry::TelemetrySettings;
pub use tls::TlsSettings;

use crate::protocol::Priority;
use crate::protocol::paging::PageLimits;
use crate::protocol::path::AUDIT_CONTRACT;
use crate::store::DatabaseUrl;
use ipnet::IpNet;
use reader::Reader;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// The file that is read when none is named and it is there.
pub const DEFAULT_FILE: &str = "sdata-sync.toml";
/// Where the provider listens unless told otherwise.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5493);
/// The name under which the built-in sample contract is served.
const SAMPLE_CONTRACT: &str = "sample";
/// The SQLite file, in the working directory, that is used unless told otherwise.
const DEFAULT_DATABASE: &str = "sdata-sync.db";

/// Everything a deployment decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The file that was read, if one was.
    pub file: Option<PathBuf>,
    /// Where the provider is found.
    pub server: Server,
    /// Where it remembers.
    pub database: Database,
    /// Which application it speaks for.
    pub application: Application,
    /// What it serves; never empty.
    pub contracts: Vec<ContractSettings>,
    /// Entries on a page.
    pub paging: PageLimits,
    /// Asynchronous operations.
    pub tracking: TrackingSettings,
    /// How long what is over is kept.
    pub retention: Retention,
    /// What a request may cost.
    pub limits: Limits,
    /// Who may ask.
    pub security: Security,
    /// Where spans are sent.
    pub telemetry: TelemetrySettings,
}

/// Where the provider is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The address to bind.
    pub listen: SocketAddr,
    /// Start of every URL the provider writes, without a trailing slash. Part of every endpoint's identity (sync 3.1): it must not change.
    pub base_url: String,
    /// What it shows to those who connect by TLS; `None` where it speaks in clear.
    pub tls: Option<TlsSettings>,
    /// The proxies whose word is believed on whom they speak for.
    pub trusted_proxies: Vec<IpNet>,
    /// How long requests and chunks under way may take to end when it is told to stop, 1 to 600 seconds.
    pub shutdown: Duration,
}

/// Where the provider remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Which database.
    pub url: DatabaseUrl,
    /// Connections held open at most, 1 to 1,000.
    pub max_connections: u32,
    /// Statements that take as long or longer are logged, up to an hour; `None`: none is.
    pub slow_statement: Option<Duration>,
}

/// The application the provider speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its name in URLs.
    pub name: String,
    /// Its name for people.
    pub title: String,
}

/// One contract that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractSettings {
    /// Its name in URLs.
    pub name: String,
    /// Its XSD; `None` is the sample contract that is built in.
    pub schema: Option<PathBuf>,
    /// Its datasets' names in URLs; never empty.
    pub datasets: Vec<String>,
    /// What is decided for single resource kinds, by plural name.
    pub kinds: Vec<KindSettings>,
    /// Where its schema was named: for mistakes that only reading it shows.
    pub written: Written,
}

/// Where something in a configuration was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The place.
    pub place: Place,
    /// The key.
    pub key: String,
}

impl Written {
    /// A mistake there.
    #[must_use]
    pub fn mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake { place: self.place.clone(), key: self.key.clone(), message: message.into() }
    }
}

impl ContractSettings {
    /// What is decided for a resource kind. Letter case is ignored, because environment variables are written in capitals.
    #[must_use]
    pub fn kind(&self, plural_name: &str) -> Option<&KindSettings> {
        self.kinds.iter().find(|kind| kind.name.eq_ignore_ascii_case(plural_name))
    }
}

/// What is decided for one resource kind; what is `None` stays as the schema says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindSettings {
    /// Its plural name.
    pub name: String,
    /// Whether it can be read by synchronization.
    pub sync_source: Option<bool>,
    /// Whether it can be written by synchronization.
    pub sync_target: Option<bool>,
    /// This endpoint's priority in conflicts (sync 2.3).
    pub conflict_priority: Option<Priority>,
    /// Properties that an index is kept of, names of structures and properties with dots between.
    pub indexed: Vec<String>,
    /// Where it was written: the contract may not have such a kind.
    pub written: Written,
}

/// Asynchronous operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingSettings {
    /// Operations that run side by side, 1 to 64.
    pub workers: usize,
    /// How long consumers are asked to wait between polls, in milliseconds, 100 to 10,000.
    pub polling_millis: u32,
    /// How long a context is kept that nobody deletes.
    pub retention: Duration,
}

/// Who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// How callers show who they are.
    pub authentication: Authentication,
}

/// How callers show who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// They do not: for loopback alone.
    None,
    /// HTTP Basic against the accounts of the database.
    Basic,
}

impl Settings {
    /// Reads the settings from their sources.
    ///
    /// # Errors
    /// Every mistake at once, each with its place, its key and what would be right.
    pub fn read(sources: &Sources) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(layers::layered(sources)?);
        let server = read_server(&mut reader);
        let settings = Self {
            file: sources.file.clone(),
            database: read_database(&mut reader),
            application: read_application(&mut reader),
            contracts: read_contracts(&mut reader),
            paging: read_paging(&mut reader),
            tracking: read_tracking(&mut reader),
            retention: retention::read_retention(&mut reader),
            limits: limits::read_limits(&mut reader),
            security: read_security(&mut reader, server.listen),
            telemetry: telemetry::read_telemetry(&mut reader),
            server,
        };
        reader.finish(settings)
    }
}

fn read_server(reader: &mut Reader) -> Server {
    let listen = reader.parsed(
        "server.listen",
        "an IP address and a port, such as \"127.0.0.1:5493\"",
        DEFAULT_LISTEN,
        |text| text.parse().ok(),
    );
    let tls = tls::read_tls(reader);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let base_url = reader.parsed(
        "server.base_url",
        "an http or https URL without query, such as \"https://erp.example.com\"",
        format!("{scheme}://{listen}"),
        base_url,
    );
    // Else every link would lead to where nobody answers.
    if tls.is_some() && base_url.starts_with("http:") {
        reader.refuse("server.base_url", format!("is \"{base_url}\"; with server.tls it must begin with https://"));
    }
    // Such an address is nobody's: the endpoints would bear a name that no peer can reach.
    if !reader.has("server.base_url") && (listen.ip().is_unspecified() || listen.port() == 0) {
        reader.refuse(
            "server.base_url",
            format!("is needed when server.listen is {listen}: the URL under which peers reach this provider"),
        );
    }
    Server {
        listen,
        base_url,
        tls,
        trusted_proxies: tls::read_trusted_proxies(reader),
        shutdown: Duration::from_secs(reader.number("server.shutdown_seconds", 1..=600).unwrap_or(30)),
    }
}

fn base_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    (plain && anonymous).then(|| url.as_str().trim_end_matches('/').to_owned())
}

fn read_database(reader: &mut Reader) -> Database {
    let url = reader.database_url("database.url", DatabaseUrl::sqlite(Path::new(DEFAULT_DATABASE)));
    let max_connections = reader.number("database.max_connections", 1..=1000).unwrap_or(8);
    let slow_millis: u64 = reader.number("database.slow_statement_millis", 0..=3_600_000).unwrap_or(1000);
    let slow_statement = (slow_millis > 0).then(|| Duration::from_millis(slow_millis));
    Database { url, max_connections, slow_statement }
}

fn read_application(reader: &mut Reader) -> Application {
    let name = reader.segment("application.name", Some("crm"));
    let title = reader.text("application.title", &name);
    Application { name, title }
}

fn read_contracts(reader: &mut Reader) -> Vec<ContractSettings> {
    let mut positions = reader.children("contracts");
    if positions.is_empty() {
        positions.push("0".to_owned());
    }
    let mut contracts: Vec<ContractSettings> = Vec::with_capacity(positions.len());
    for position in positions {
        let key = format!("contracts.{position}");
        let contract = read_contract(reader, &key);
        if contract.name == AUDIT_CONTRACT {
            reader.refuse(&format!("{key}.name"), "is the name of the audit; it must be another");
        }
        if !contract.name.is_empty() && contracts.iter().any(|other| other.name == contract.name) {
            let message = format!("is \"{}\", which another contract has; it must be unique", contract.name);
            reader.refuse(&format!("{key}.name"), message);
        }
        contracts.push(contract);
    }
    contracts
}

fn read_contract(reader: &mut Reader, key: &str) -> ContractSettings {
    let (name_key, schema_key) = (format!("{key}.name"), format!("{key}.schema"));
    // A contract that says neither is the sample: so its kinds can be set without a file.
    let is_sample = !reader.has(&name_key) && !reader.has(&schema_key);
    let name = reader.segment(&name_key, is_sample.then_some(SAMPLE_CONTRACT));
    let schema = reader.path(&schema_key, is_sample);
    let datasets = reader.datasets(&format!("{key}.datasets"));
    let kinds = reader.children(&format!("{key}.kinds"));
    let kinds = kinds.into_iter().map(|name| read_kind(reader, key, name)).collect();
    ContractSettings { name, schema, datasets, kinds, written: reader.written(&schema_key) }
}

fn read_kind(reader: &mut Reader, contract: &str, name: String) -> KindSettings {
    let key = |last: &str| format!("{contract}.kinds.{name}.{last}");
    let sync_source = reader.flag(&key("sync_source"));
    let sync_target = reader.flag(&key("sync_target"));
    let priority = reader.number(&key("conflict_priority"), 1..=9);
    let written = reader.written(&format!("{contract}.kinds.{name}"));
    let indexed = reader.names(&key("indexed"));
    let conflict_priority = priority.and_then(Priority::new);
    KindSettings { name, sync_source, sync_target, conflict_priority, indexed, written }
}

fn read_paging(reader: &mut Reader) -> PageLimits {
    let max_count = reader.number("paging.max_count", 1..=100_000).unwrap_or(1000);
    let default_count = reader.number("paging.default_count", 1..=100_000).unwrap_or_else(|| max_count.min(100));
    if default_count > max_count {
        reader.refuse(
            "paging.default_count",
            format!("is {default_count}; it must not be above paging.max_count, which is {max_count}"),
        );
    }
    PageLimits { default_count, max_count }
}

fn read_tracking(reader: &mut Reader) -> TrackingSettings {
    let hours: u64 = reader.number("tracking.retention_hours", 1..=8760).unwrap_or(24);
    TrackingSettings {
        workers: reader.number("tracking.workers", 1..=64).unwrap_or(2),
        polling_millis: reader.number("tracking.polling_millis", 100..=10_000).unwrap_or(500),
        retention: Duration::from_secs(hours * 3600),
    }
}

fn read_security(reader: &mut Reader, listen: SocketAddr) -> Security {
    let key = "security.authentication";
    let authentication = reader.parsed(key, "\"none\" or \"basic\"", Authentication::None, |text| match text {
        "none" => Some(Authentication::None),
        "basic" => Some(Authentication::Basic),
        _ => None,
    });
    if authentication == Authentication::None && !listen.ip().is_loopback() {
        reader.refuse(
            key,
            format!(
                "must be \"basic\" when server.listen ({listen}) is no loopback address: everybody could read and write"
            ),
        );
    }
    Security { authentication }
}

#[cfg(test)]
mod tests;
