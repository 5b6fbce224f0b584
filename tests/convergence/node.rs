//! One node: a provider and its jobs on a database of their own, which can be killed and opened again.

use crate::kinds::KINDS;
use crate::process::{Process, Setup, migrate, quick_folder, sqlite};
use sdata_sync::contract::Contract;
use sdata_sync::protocol::horizon::TombstoneAges;
use sdata_sync::protocol::{Priority, Stamp};
use sdata_sync::provider::{Clock, KindOptions};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A migrated database to copy, and the contract, read once.
pub(crate) struct Template {
    folder: TempDir,
    contract: Arc<Contract>,
}

impl Template {
    pub(crate) fn make() -> Self {
        let folder = quick_folder();
        migrate(&sqlite(&folder.path().join("template.db")));
        Self { folder, contract: Arc::new(Contract::sample().unwrap()) }
    }
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
        let options = KindOptions { conflict_priority: Some(self.priority), ..KindOptions::default() };
        self.process = Some(Process::start(&Setup {
            url: sqlite(&self.database),
            connections: 2,
            base_url: format!("http://{}.example.com", self.name),
            application: "app".to_owned(),
            contract: Arc::clone(&self.contract),
            kinds: KINDS.iter().map(|kind| ((*kind).to_owned(), options.clone())).collect(),
            clock: self.clock.clone(),
            lease: Duration::from_millis(300),
        }));
    }

    /// Ends the process where it stands, as a crash does, and starts another on the same database.
    pub(crate) fn crash(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
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
        let recoveries = self.run(self.provider().store.recoveries()).unwrap();
        recoveries.iter().any(|(collection, _)| *collection == self.collection(kind).id)
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

    /// Lets the node work until `request` is answered, but not longer than `longest`.
    pub(crate) fn run_for<F: Future>(&self, longest: Duration, request: F) -> Option<F::Output> {
        self.run(async { tokio::time::timeout(longest, request).await.ok() })
    }
}

/// What runs, while it does.
impl Deref for Node {
    type Target = Process;

    fn deref(&self) -> &Process {
        self.process.as_ref().unwrap()
    }
}

/// This machine's clock, `millis` ahead; behind, if negative.
pub(crate) fn clock_ahead_by(millis: i64) -> Clock {
    Clock::reading(move || Stamp::from_millis(Stamp::now().millis() + millis))
}

/// Nodes of equal priority, their clocks ahead by so many milliseconds.
pub(crate) fn nodes(ahead_by: &[i64]) -> Vec<Node> {
    let template = Template::make();
    let clocks = ahead_by.iter().copied().map(clock_ahead_by);
    let priority = Priority::new(5).unwrap();
    clocks.enumerate().map(|(number, clock)| Node::start(&format!("n{number}"), priority, clock, &template)).collect()
}
