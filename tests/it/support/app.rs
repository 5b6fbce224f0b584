//! A provider process: started, asked, killed, started again.

use super::storage::execute;
use super::tls::Authority;
use sdata_sync::protocol::{Digest, Endpoint, Stamp};
use sdata_sync::wire::{Element, Entry, FeedHead, FeedReader, ReadLimits, read_entry};
use sea_orm::{ConnectionTrait, Database};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

/// How long a provider may take to be ready, also on a busy machine.
const READY: Duration = Duration::from_secs(60);

/// How long a provider may take to get to where it is planned to die, also on a busy machine.
const DEAD: Duration = Duration::from_secs(180);

/// How long something that is looked for again and again may take to come about, also on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// How long [`App::hold_lanes`] holds them, in microseconds. More than twice a worker's lease would count as abandoned.
const HELD_MICROS: u128 = 15_000_000;

/// Where a provider keeps its data.
#[derive(Debug, Clone)]
pub enum Backend {
    /// A file of its own.
    Sqlite,
    /// A database that exists, by its URL.
    #[allow(dead_code, reason = "the benchmark uses it")]
    Server(String),
}

/// A running provider with the sample contract.
pub struct App {
    child: Option<Child>,
    name: String,
    scheme: &'static str,
    port: u16,
    database: String,
    settings: Vec<(String, String)>,
    folder: TempDir,
    client: reqwest::Client,
    user: Option<String>,
}

/// The password of every account that tests make.
pub const PASSWORD: &str = "correct horse battery";

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl App {
    /// Starts application `name` on a new SQLite database.
    pub async fn start(name: &str) -> Self {
        Self::start_with(name, &Backend::Sqlite, &[]).await
    }

    /// Starts application `name` on `backend`, with further settings (`paging.max_count`, `500`).
    pub async fn start_with(name: &str, backend: &Backend, settings: &[(&str, &str)]) -> Self {
        Self::start_at(name, free_port(), backend, settings).await
    }

    /// Starts application `name` at a port of the caller's: two processes of one application share base URL and database.
    pub async fn start_at(name: &str, port: u16, backend: &Backend, settings: &[(&str, &str)]) -> Self {
        Self::start_as(name, port, backend, settings, None).await
    }

    /// Starts application `name` with a certificate of `authority`, whom the application's client believes.
    pub async fn start_tls(name: &str, authority: &Authority, settings: &[(&str, &str)]) -> Self {
        let [certificate, key] = authority.files().map(|file| file.display().to_string());
        let tls = [("server.tls.certificate", certificate.as_str()), ("server.tls.key", key.as_str())];
        let settings = [&tls[..], settings].concat();
        Self::start_as(name, free_port(), &Backend::Sqlite, &settings, Some(authority)).await
    }

    async fn start_as(
        name: &str,
        port: u16,
        backend: &Backend,
        settings: &[(&str, &str)],
        authority: Option<&Authority>,
    ) -> Self {
        let scheme = if authority.is_some() { "https" } else { "http" };
        let folder = tempfile::tempdir().unwrap();
        let database = match backend {
            Backend::Sqlite => format!("sqlite://{}", folder.path().join("data.db").display()),
            Backend::Server(url) => url.clone(),
        };
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let client = client(authority).build().unwrap();
        let mut app =
            Self { child: None, name: name.to_owned(), scheme, port, database, settings, folder, client, user: None };
        app.restart().await;
        app
    }

    /// Starts the process (again) on the same database, and waits until it is ready.
    pub async fn restart(&mut self) {
        self.restart_with(&[]).await;
    }

    /// Does so with further variables in its environment.
    pub async fn restart_with(&mut self, environment: &[(&str, &str)]) {
        self.kill();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_file()).unwrap();
        let mut command = self.command("serve");
        command.envs(environment.iter().copied());
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let began = Instant::now();
        let ready = format!("{}/readyz", self.base());
        while !self.client.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200) {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none(), "the provider ended ({ended:?}):\n{}", self.log());
            assert!(began.elapsed() < READY, "the provider is not ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A command on this application's settings, to be given its arguments.
    pub fn command(&self, command: &str) -> Command {
        self.tool(&[command])
    }

    /// The same of a command of several words: the settings come behind the last.
    pub fn tool(&self, command: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
        program.args(command).current_dir(self.folder.path()).stdin(Stdio::null());
        let own = [
            ("server.listen", format!("127.0.0.1:{}", self.port)),
            ("server.base_url", self.base()),
            ("application.name", self.name.clone()),
            ("database.url", self.database.clone()),
            ("tracking.polling_millis", "100".to_owned()),
        ];
        let own = own.map(|(key, value)| (key.to_owned(), value));
        for (key, value) in own.iter().chain(&self.settings) {
            program.arg("--set").arg(format!("{key}={value}"));
        }
        program
    }

    /// Kills the process with SIGKILL, as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Waits until the process has died of what was planned for it.
    pub async fn died(&mut self) {
        let began = Instant::now();
        while self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none()) {
            assert!(began.elapsed() < DEAD, "the process does not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The process's id; 0 when it does not run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map(Child::id).unwrap_or_default()
    }

    /// Asks the process to stop, as a supervisor does, and answers how it ended.
    #[cfg(unix)]
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        self.ask_to_stop();
        self.ended()
    }

    /// Asks the process to stop, and goes on.
    #[cfg(unix)]
    pub fn ask_to_stop(&self) {
        ask_to_stop(self.pid());
    }

    /// Waits until the process has ended, and answers how.
    pub fn ended(&mut self) -> std::process::ExitStatus {
        self.child.take().unwrap().wait().unwrap()
    }

    /// Where it listens.
    pub fn address(&self) -> std::net::SocketAddr {
        (std::net::Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The URL of its database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Carries out a statement in its database, behind its back.
    pub async fn alter(&self, statement: &str) {
        execute(&self.database, statement).await;
    }

    /// How many rows there are of this, in its database.
    pub async fn count(&self, what: &str) -> i64 {
        let connection = Database::connect(self.database()).await.unwrap();
        let backend = connection.get_database_backend();
        let query = sea_orm::Statement::from_string(backend, format!("SELECT COUNT(*) FROM {what}"));
        let row = connection.query_one_raw(query).await.unwrap().unwrap();
        connection.close().await.unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// Takes all lanes as a worker of another process would: what is accepted from now on waits until
    /// [`App::release_lanes`], however fast the machine. Seconds later they would be anybody's.
    pub async fn hold_lanes(&self) {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros();
        self.alter(&format!("UPDATE lane SET owner = 'a test', lease_until = {}", now + HELD_MICROS)).await;
    }

    /// Gives the lanes back.
    pub async fn release_lanes(&self) {
        self.alter("UPDATE lane SET owner = NULL WHERE owner = 'a test'").await;
    }

    /// Waits until a line of the log has `text`, and answers that line.
    pub async fn logged(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let log = self.log();
            // What is being written is no line yet.
            if let Some(line) = log.split_inclusive('\n').find(|line| line.contains(text) && line.ends_with('\n')) {
                return line.to_owned();
            }
            assert!(began.elapsed() < SOON, "'{text}' is not said:\n{log}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What the provider logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The URL above all applications' URLs.
    pub fn base(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// The URL of the default dataset of the sample contract.
    pub fn dataset(&self) -> String {
        format!("{}/sdata/{}/sample/-", self.base(), self.name)
    }

    /// The URL of a resource kind.
    pub fn kind(&self, kind: &str) -> String {
        format!("{}/{kind}", self.dataset())
    }

    /// The URL of an audit kind.
    pub fn audit(&self, kind: &str) -> String {
        format!("{}/sdata/{}/syncAudit/-/{kind}", self.base(), self.name)
    }

    /// A request that the caller finishes.
    pub fn request(&self, method: &str, url: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method.parse().unwrap(), url);
        match &self.user {
            Some(user) => request.basic_auth(user, Some(PASSWORD)),
            None => request,
        }
    }

    /// Sends all requests from now on as this account; as nobody without one.
    pub fn act_as(&mut self, user: Option<&str>) {
        self.user = user.map(str::to_owned);
    }

    /// Makes an account with [`PASSWORD`] and one role in one scope, while the provider runs.
    pub async fn add_user(&self, name: &str, role: &str, scope: &str) {
        let file = self.secret_file("password", PASSWORD);
        let mut add = self.tool(&["user", "add", name, "--role", role, "--scope", scope]);
        add.arg("--password-file").arg(file);
        let output = finished(add).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A file with a secret, beside the application's data.
    pub fn secret_file(&self, name: &str, secret: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, format!("{secret}\n")).unwrap();
        file
    }

    /// Sends a request that the caller made.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap_or_else(|error| panic!("{error:?}\n{}", self.log()));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, body: answer.bytes().await.unwrap().to_vec() }
    }

    pub async fn get(&self, url: &str) -> Answer {
        self.send(self.request("GET", url)).await
    }

    pub async fn delete(&self, url: &str) -> Answer {
        self.send(self.request("DELETE", url)).await
    }

    pub async fn post(&self, url: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.request("POST", url).header("Content-Type", "application/atom+xml");
        self.send(request.body(body.into())).await
    }

    /// PUT with `If-Match: *`.
    pub async fn put(&self, url: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.request("PUT", url).header("Content-Type", "application/atom+xml").header("If-Match", "*");
        self.send(request.body(body.into())).await
    }

    /// Creates a resource and answers its URL.
    pub async fn create(&self, kind: &str, resource: &str) -> String {
        let answer = self.post(&self.kind(kind), super::messages::entry(resource)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.header("location").to_owned()
    }

    /// The digest of a kind.
    pub async fn digest(&self, kind: &str) -> Digest {
        self.get(&format!("{}/$syncDigest", self.kind(kind))).await.digest()
    }

    /// The live resources of a kind, by UUID where they have one, else by URL: the element as it is read.
    pub async fn resources(&self, kind: &str) -> Vec<Element> {
        let mut resources = Vec::new();
        let mut next = Some(format!("{}?count=500", self.kind(kind)));
        while let Some(url) = next {
            let (head, entries) = self.get(&url).await.feed();
            resources.extend(entries.into_iter().filter_map(|entry| entry.payload?.resource));
            next = head.link("next").map(str::to_owned);
        }
        resources
    }

    /// The rows of an audit kind as (property, text) look-ups.
    pub async fn audit_rows(&self, kind: &str) -> Vec<Element> {
        let mut rows = Vec::new();
        let mut next = Some(format!("{}?count=500", self.audit(kind)));
        while let Some(url) = next {
            let (head, entries) = self.get(&url).await.feed();
            rows.extend(entries.into_iter().filter_map(|entry| entry.payload?.resource));
            next = head.link("next").map(str::to_owned);
        }
        rows
    }
}

/// A client that believes `authority`, too, to be finished.
pub fn client(authority: Option<&Authority>) -> reqwest::ClientBuilder {
    // An error means that another test of this process was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        // So that what hangs ends; how fast anything is, is not measured by it.
        .timeout(Duration::from_secs(600))
        // The provider closes connections on which nothing is asked for five seconds: a request must not meet that.
        .pool_idle_timeout(Duration::from_secs(4));
    match authority {
        Some(authority) => client.tls_certs_only([reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap()]),
        None => client,
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The body as one XML element.
    pub fn xml(&self) -> Element {
        Element::parse(&self.body, &ReadLimits::default()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as a feed.
    pub fn feed(&self) -> (FeedHead, Vec<Entry>) {
        assert_eq!(self.status, 200, "{}", self.text());
        let mut reader = FeedReader::new(&*self.body, ReadLimits::default()).unwrap();
        let mut entries = Vec::new();
        while let Some(entry) = reader.next_entry().unwrap() {
            entries.push(entry);
        }
        (reader.into_head(), entries)
    }

    /// The body as an entry.
    pub fn entry(&self) -> Entry {
        read_entry(&self.body, ReadLimits::default()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Checks that this is an error as every error is: diagnoses of six members, one of the ten codes, no stack trace.
    pub fn assert_refused(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/xml");
        let diagnoses = self.xml();
        assert_eq!(&*diagnoses.name, "diagnoses");
        assert!(diagnoses.children().count() > 0, "{}", self.text());
        for diagnosis in diagnoses.children() {
            let members: Vec<_> = diagnosis.children().map(|member| &*member.name).collect();
            let all = ["severity", "sdataCode", "applicationCode", "message", "stackTrace", "payloadPath"];
            assert_eq!(members, all, "{}", self.text());
            assert!(["error", "transient", "fatal"].contains(&&*child(diagnosis, "severity")), "{}", self.text());
            assert!(SDATA_CODES.contains(&&*child(diagnosis, "sdataCode")), "{}", self.text());
            let is_ours = child(diagnosis, "sdataCode") == "ApplicationDiagnosis";
            assert_eq!(is_ours, !child(diagnosis, "applicationCode").is_empty(), "{}", self.text());
            assert!(!child(diagnosis, "message").is_empty());
            assert_eq!(child(diagnosis, "stackTrace"), "");
        }
    }

    /// The digest: of an entry, or of a feed's head.
    pub fn digest(&self) -> Digest {
        assert_eq!(self.status, 200, "{}", self.text());
        if self.header("content-type").ends_with("type=feed") {
            return self.feed().0.digest.unwrap();
        }
        self.entry().payload.unwrap().digest.unwrap()
    }

    /// How far an operation is, in percent; `None` when it is over.
    pub fn progress(&self) -> Option<f64> {
        (self.status == 202).then(|| child(&self.xml(), "progress").parse().unwrap())
    }

    /// The first diagnosis of an error.
    pub fn diagnosis(&self) -> sdata_sync::protocol::Diagnosis {
        let read = sdata_sync::wire::read_diagnoses(&self.body);
        read.unwrap_or_else(|error| panic!("{error}: {}", self.text())).remove(0)
    }
}

/// The codes of core 3.10.
const SDATA_CODES: [&str; 10] = [
    "BadUrlSyntax",
    "BadQueryParameter",
    "ApplicationNotFound",
    "ApplicationUnavailable",
    "DatasetNotFound",
    "DatasetUnavailable",
    "ContractNotFound",
    "ResourceKindNotFound",
    "BadWhereSyntax",
    "ApplicationDiagnosis",
];

/// The tick a digest has for an endpoint; `None` when it has none.
pub fn tick(digest: &Digest, endpoint: &str) -> Option<u64> {
    let entry = digest.entries.get(&Endpoint::parse(endpoint).unwrap())?;
    Some(entry.tick.value())
}

/// The statuses of a result's entries.
pub fn statuses(entries: &[Entry]) -> Vec<u16> {
    entries.iter().map(|entry| entry.http_status.unwrap()).collect()
}

/// The names of the live accounts.
pub async fn names(app: &App) -> Vec<String> {
    app.resources("accounts").await.iter().map(|account| child(account, "name")).collect()
}

/// The key in the URL of a resource.
pub fn key_of(url: &str) -> &str {
    url.split('\'').nth(1).unwrap()
}

/// Waits until what is changed is stamped later than what was changed before: stamps are milliseconds.
pub async fn later() {
    let before = Stamp::now();
    while Stamp::now() == before {
        tokio::task::yield_now().await;
    }
}

/// Asks a process to stop, as a supervisor does.
#[cfg(unix)]
pub fn ask_to_stop(pid: u32) {
    let asked = Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    assert!(asked.success());
}

/// The text of a child element; empty when it is null or not there.
pub fn child(element: &Element, name: &str) -> String {
    element.children().find(|child| &*child.name == name).map(|child| child.text().into_owned()).unwrap_or_default()
}

/// What came of a command. Connections are looked after meanwhile: those that the provider closed must not be used again.
pub async fn finished(command: Command) -> std::process::Output {
    tokio::process::Command::from(command).output().await.unwrap()
}

/// A port that nobody listens on. Not one that the system gives to anybody, as it would to a client of another test before the
/// provider is there.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 10_000;
    const PORTS: u32 = 10_000;
    loop {
        // Suites that run beside each other begin apart.
        let number = std::process::id().wrapping_mul(101).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + number % PORTS).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
