//! A provider and its jobs on one thread of a test: they stand still while nobody asks them, end where they stand when they are killed, and
//! can be started again on the same database.

use sdata_sync::contract::Contract;
use sdata_sync::jobs::{JobSettings, Jobs, Kept};
use sdata_sync::protocol::paging::PageLimits;
use sdata_sync::provider::{Clock, Collection, KindOptions, Offer, Provider, ServedContract};
use sdata_sync::store::Store;
use sdata_sync::wire::ReadLimits;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// What a process is started with: one application that serves one contract.
pub(crate) struct Setup {
    pub(crate) url: String,
    pub(crate) connections: u32,
    pub(crate) base_url: String,
    pub(crate) application: String,
    pub(crate) contract: Arc<Contract>,
    pub(crate) kinds: HashMap<String, KindOptions>,
    pub(crate) clock: Clock,
    /// How long its lanes stay with it when it gives no sign of life: short, so that what it leaves behind when it is killed is soon
    /// taken over.
    pub(crate) lease: Duration,
}

/// One that runs.
pub(crate) struct Process {
    pub(crate) provider: Arc<Provider>,
    pub(crate) jobs: Jobs,
    pub(crate) runtime: Runtime,
}

impl Process {
    pub(crate) fn start(setup: &Setup) -> Self {
        let runtime = runtime();
        let offer = Offer {
            base_url: setup.base_url.clone(),
            application: setup.application.clone(),
            title: setup.application.clone(),
            contracts: vec![ServedContract {
                name: "sample".to_owned(),
                contract: Arc::clone(&setup.contract),
                datasets: vec!["-".to_owned()],
                kinds: setup.kinds.clone(),
            }],
            pages: PageLimits { default_count: 100, max_count: 1000 },
            contexts_kept: Duration::from_hours(24),
        };
        let settings = JobSettings {
            workers: 1,
            polling_millis: 100,
            lease: setup.lease,
            limits: ReadLimits::default(),
            max_body_bytes: 1 << 24,
            jobs_per_client: u64::MAX,
            kept: Kept::default(),
        };
        let (provider, jobs) = runtime.block_on(async {
            let store = Store::connect(&setup.url, setup.connections).await.unwrap();
            let provider = Arc::new(Provider::open(offer, store, setup.clock.clone()).await.unwrap());
            let jobs = Jobs::new(Arc::clone(&provider), settings);
            jobs.start();
            (provider, jobs)
        });
        Self { provider, jobs, runtime }
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.provider
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    pub(crate) fn collection(&self, kind: &str) -> Arc<Collection> {
        Arc::clone(self.provider.collection("sample", "-", kind).unwrap())
    }

    /// Lets the process work until `request` is answered.
    pub(crate) fn run<F: Future>(&self, request: F) -> F::Output {
        self.runtime.block_on(request)
    }

    /// Returns when the database's clock, as its store knows it, is past all that was stamped so far: what it knows is a little late.
    pub(crate) async fn until_stamps_are_past(&self) {
        let now = self.provider.now();
        while self.provider.store.time() <= now {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends it where it stands, as a crash does.
    pub(crate) fn kill(self) {
        let Self { provider, jobs, runtime } = self;
        runtime.shutdown_background();
        drop((provider, jobs));
    }
}

/// One thread for all tasks of a process.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A folder in memory where there is one.
pub(crate) fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

pub(crate) fn sqlite(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

/// Makes the tables of a database.
pub(crate) fn migrate(url: &str) {
    runtime().block_on(async {
        let store = Store::connect(url, 1).await.unwrap();
        store.migrate().await.unwrap();
        store.close().await.unwrap();
    });
}
