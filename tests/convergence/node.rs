//! One node: a provider and its jobs on a database of their own, which can be killed and opened again.

use sdata_sync::contract::Contract;
use sdata_sync::jobs::{JobSettings, Jobs, Kept};
use sdata_sync::protocol::Priority;
use sdata_sync::protocol::horizon::TombstoneAges;
use sdata_sync::protocol::paging::PageLimits;
use sdata_sync::provider::{Clock, Collection, KindOptions, Offer, Provider, ServedContract};
use sdata_sync::store::Store;
use sdata_sync::wire::ReadLimits;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::requests::KINDS;

/// A migrated database to copy, and the contract, read once.
pub(crate) struct Template {
    folder: TempDir,
    contract: Arc<Contract>,
}

impl Template {
    pub(crate) fn make() -> Self {
        let folder = quick_folder();
        let runtime = runtime();
        runtime.block_on(async {
            let store = Store::connect(&url(&folder.path().join("template.db")), 1).await.unwrap();
            store.migrate().await.unwrap();
            store.close().await.unwrap();
        });
        Self { folder, contract: Arc::new(Contract::sample().unwrap()) }
    }
}

/// A folder in memory where there is one.
fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

/// One thread for all tasks of a node: they stand still while nobody asks the node, and end where they stand when it is killed.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

struct Process {
    provider: Arc<Provider>,
    jobs: Jobs,
    runtime: Runtime,
}

/// A node of the network.
pub(crate) struct Node {
    pub(crate) name: String,
    database: PathBuf,
    contract: Arc<Contract>,
    clock: Clock,
    priority: Priority,
    _folder: TempDir,
    process: Option<Process>,
}

impl Node {
    pub(crate) fn start(name: &str, priority: Priority, clock: Clock, template: &Template) -> Self {
        let folder = quick_folder();
        let database = folder.path().join("node.db");
        std::fs::copy(template.folder.path().join("template.db"), &database).unwrap();
        let contract = Arc::clone(&template.contract);
        let mut node =
            Self { name: name.to_owned(), database, contract, clock, priority, _folder: folder, process: None };
        node.open();
        node
    }

    fn open(&mut self) {
        let runtime = runtime();
        let options = KindOptions { conflict_priority: Some(self.priority), ..KindOptions::default() };
        let offer = Offer {
            base_url: format!("http://{}.example.com", self.name),
            application: "app".to_owned(),
            title: self.name.clone(),
            contracts: vec![ServedContract {
                name: "sample".to_owned(),
                contract: Arc::clone(&self.contract),
                datasets: vec!["-".to_owned()],
                kinds: KINDS.iter().map(|kind| ((*kind).to_owned(), options.clone())).collect(),
            }],
            pages: PageLimits { default_count: 100, max_count: 1000 },
        };
        let settings = JobSettings {
            workers: 1,
            polling_millis: 100,
            retention: Duration::from_secs(86_400),
            // Short, so that what a killed process leaves behind is soon taken over.
            lease: Duration::from_millis(300),
            limits: ReadLimits::default(),
            max_body_bytes: 1 << 24,
            jobs_per_client: u64::MAX,
            kept: Kept::default(),
        };
        let (provider, jobs) = runtime.block_on(async {
            let store = Store::connect(&url(&self.database), 2).await.unwrap();
            let provider = Arc::new(Provider::open(offer, store, self.clock.clone()).await.unwrap());
            let jobs = Jobs::new(Arc::clone(&provider), settings);
            jobs.start();
            (provider, jobs)
        });
        self.process = Some(Process { provider, jobs, runtime });
    }

    /// Ends the process where it stands, as a crash does, and starts another on the same database.
    pub(crate) fn crash(&mut self) {
        if let Some(Process { provider, jobs, runtime }) = self.process.take() {
            runtime.shutdown_background();
            drop((provider, jobs));
        }
        self.open();
    }

    /// Remembers the database as it is, and the witness beside it.
    pub(crate) fn back_up(&mut self) {
        self.stop();
        std::fs::copy(&self.database, self.database.with_extension("backup")).unwrap();
        std::fs::copy(self.witness(), self.database.with_extension("backup-witness")).unwrap();
        self.open();
    }

    /// Puts the database back together with the witness: then nothing on this machine shows it.
    pub(crate) fn put_back_unnoticed(&mut self) {
        self.stop();
        std::fs::copy(self.database.with_extension("backup"), &self.database).unwrap();
        std::fs::copy(self.database.with_extension("backup-witness"), self.witness()).unwrap();
        self.open();
    }

    fn witness(&self) -> PathBuf {
        self.database.with_extension("db-witness")
    }

    /// Whether a collection's clock stands still.
    pub(crate) fn is_recovering(&self, kind: &str) -> bool {
        self.run(self.provider().recovery_of(self.collection(kind).id)).unwrap().is_some()
    }

    /// Removes the tombstones of a kind that everybody has heard of who takes changes from here; answers how many.
    pub(crate) fn purge(&self, kind: &str) -> u64 {
        let ages = TombstoneAges { least: Some(Duration::ZERO), most: None };
        self.run(self.provider().purge_some(&self.collection(kind), ages, None)).unwrap().gone
    }

    /// Puts the database back to what it was when it was backed up.
    pub(crate) fn put_back(&mut self) {
        self.stop();
        std::fs::copy(self.database.with_extension("backup"), &self.database).unwrap();
        self.open();
    }

    /// Ends the process in order: everything is in the one file then.
    fn stop(&mut self) {
        if let Some(Process { provider, jobs, runtime }) = self.process.take() {
            runtime.block_on(async {
                jobs.shutdown().await;
                provider.flush_audit().await;
                provider.store.clone().close().await.unwrap();
            });
        }
    }

    fn process(&self) -> &Process {
        self.process.as_ref().unwrap()
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.process().provider
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.process().jobs
    }

    pub(crate) fn collection(&self, kind: &str) -> Arc<Collection> {
        Arc::clone(self.provider().collection("sample", "-", kind).unwrap())
    }

    /// Lets the node work until `request` is answered.
    pub(crate) fn run<F: Future>(&self, request: F) -> F::Output {
        self.process().runtime.block_on(request)
    }

    /// Lets the node work until `request` is answered, but not longer than `longest`.
    pub(crate) fn run_for<F: Future>(&self, longest: Duration, request: F) -> Option<F::Output> {
        self.process().runtime.block_on(async { tokio::time::timeout(longest, request).await.ok() })
    }
}

/// Nodes of equal priority, their clocks ahead by so many milliseconds.
pub(crate) fn nodes(ahead_by: &[i64]) -> Vec<Node> {
    let template = Template::make();
    let clocks = ahead_by.iter().map(|millis| Clock::ahead_by(*millis));
    let priority = Priority::new(5).unwrap();
    clocks.enumerate().map(|(number, clock)| Node::start(&format!("n{number}"), priority, clock, &template)).collect()
}
