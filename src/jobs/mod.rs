//! Asynchronous operations: accepted durably, worked off collection by collection, read until they are deleted (core 11.5).
//!
//! A job lives in the store. Whoever holds the lease of a collection's lane works its jobs off in order; when that
//! process dies, its lease runs out and another goes on from the job's cursor.

mod batch;
mod body;
mod caretaker;
mod context;
mod entries;
mod measures;
mod parsed;
mod purge;
mod runner;
mod source;
mod submission;
mod target;
mod unfinished;

pub use body::BodyStream;
pub use context::{Context, ContextState, url_name};
pub use submission::{BatchBody, SubmittedBody, TargetBody};

use self::parsed::ParsedFeeds;
use crate::protocol::Stamp;
use crate::protocol::horizon::TombstoneAges;
use crate::provider::memory::Memory;
use crate::provider::{Lease, Provider};
use crate::wire::ReadLimits;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How jobs are run.
#[derive(Debug, Clone, Copy)]
pub struct JobSettings {
    /// Jobs run side by side in this process.
    pub workers: usize,
    /// What consumers are told to wait between polls, in milliseconds.
    pub polling_millis: u32,
    /// How long a lane stays with a process that gives no sign of life.
    pub lease: Duration,
    /// Bounds on what is read.
    pub limits: ReadLimits,
    /// Largest body, in bytes.
    pub max_body_bytes: u64,
    /// Operations of one client that wait or run, at most.
    pub jobs_per_client: u64,
    /// How long what is over is kept.
    pub kept: Kept,
}

/// How long what is over is kept; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Events, changes and runs of the audit.
    pub audit: Option<Duration>,
    /// Tombstones.
    pub tombstones: TombstoneAges,
}

/// The jobs of one process.
#[derive(Debug, Clone)]
pub struct Jobs {
    provider: Arc<Provider>,
    settings: JobSettings,
    /// Names this process in leases.
    owner: Arc<str>,
    /// Something was submitted or finished in this process.
    work: Arc<Notify>,
    finished: Arc<Notify>,
    parsed: ParsedFeeds,
    /// What is read of requests takes of it.
    memory: Memory,
    stop: CancellationToken,
    /// The database was put back under this process.
    put_back: CancellationToken,
    tasks: TaskTracker,
}

impl Jobs {
    /// Jobs of `provider`; none runs before [`Jobs::start`].
    #[must_use]
    pub fn new(provider: Arc<Provider>, settings: JobSettings) -> Self {
        Self {
            provider,
            settings,
            owner: uuid::Uuid::new_v4().to_string().into(),
            work: Arc::default(),
            finished: Arc::default(),
            parsed: ParsedFeeds::default(),
            memory: Memory::new(settings.max_body_bytes, settings.limits),
            stop: CancellationToken::new(),
            put_back: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Starts the workers and the caretaker.
    pub fn start(&self) {
        measures::started();
        for worker in 0..self.settings.workers.max(1) {
            self.tasks.spawn(self.clone().work(self.lease(&worker.to_string())));
        }
        self.tasks.spawn(self.clone().take_care());
        self.tasks.spawn(self.clone().tend_queries());
        self.tasks.spawn(self.clone().purge());
    }

    /// What is read of requests, here and before it comes here, takes of this memory.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Ends when the database turns out to have been put back in time: nothing that this process remembers of it can be relied on.
    pub async fn until_put_back(&self) {
        self.put_back.cancelled().await;
    }

    /// Lets running chunks end, gives the lanes back and stops. What is not finished goes on in another process, or after the next start.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The lease of one worker of this process.
    fn lease(&self, worker: &str) -> Lease {
        Lease { owner: format!("{}/{worker}", self.owner).into(), duration: self.settings.lease }
    }

    /// When a context goes that ends now and that nobody deletes, by the database's clock: any process may end it.
    fn expiry(&self) -> Stamp {
        self.expiry_after(self.provider.offer.contexts_kept)
    }

    fn expiry_after(&self, kept: Duration) -> Stamp {
        self.provider.store.time().after(kept)
    }
}
