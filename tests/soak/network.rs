//! The three providers.

use crate::options::Options;
use crate::support::storage::Storage;
use crate::support::{App, Kind};
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::Mutex;

pub(crate) struct Network {
    pub(crate) nodes: Vec<Node>,
}

/// One provider.
pub(crate) struct Node {
    // The process ends before its database does.
    app: Mutex<App>,
    _storage: Storage,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The URL of its dataset.
    pub(crate) dataset: String,
    /// The URL above its audit kinds.
    pub(crate) audit: String,
    /// The URL of its database.
    pub(crate) database: String,
    /// Never stopped or killed.
    pub(crate) steady: bool,
    pid: AtomicU32,
    pub(crate) kills: AtomicU64,
    pub(crate) restarts: AtomicU64,
    /// When it was not there: from, and to if it is back.
    outages: StdMutex<Vec<(Instant, Option<Instant>)>>,
}

impl Network {
    pub(crate) async fn start(options: &Options) -> Self {
        let mut nodes = Vec::new();
        for (number, kind) in options.databases.into_iter().enumerate() {
            nodes.push(Node::start(&format!("n{number}"), kind, number == options.steady).await);
        }
        Self { nodes }
    }
}

impl Node {
    async fn start(name: &str, kind: Kind, steady: bool) -> Self {
        let storage = kind.storage().await;
        let app = storage.start(name, &[("tracking.retention_hours", "1"), ("database.max_connections", "6")]).await;
        Self {
            name: name.to_owned(),
            kind,
            dataset: app.dataset(),
            audit: app.audit("").trim_end_matches('/').to_owned(),
            database: app.database().to_owned(),
            steady,
            pid: AtomicU32::new(app.pid()),
            kills: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            outages: StdMutex::default(),
            app: Mutex::new(app),
            _storage: storage,
        }
    }

    /// The URL of a resource kind.
    pub(crate) fn url(&self, kind: &str) -> String {
        format!("{}/{kind}", self.dataset)
    }

    /// Kills the process, as a crash does, and starts it again after `downtime`.
    pub(crate) async fn kill(&self, downtime: std::time::Duration) {
        let mut app = self.app.lock().await;
        self.gone();
        app.kill();
        self.kills.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(downtime).await;
        app.restart().await;
        self.back(&app);
    }

    /// Has the process stop by itself, and starts it again.
    pub(crate) async fn restart(&self) {
        let mut app = self.app.lock().await;
        self.gone();
        let status = tokio::task::block_in_place(|| app.terminate());
        assert!(status.success(), "{} was asked to stop and ended with {status}:\n{}", self.name, app.log());
        self.restarts.fetch_add(1, Ordering::Relaxed);
        app.restart().await;
        self.back(&app);
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.load(Ordering::Relaxed)
    }

    /// What it logged.
    pub(crate) async fn log(&self) -> String {
        self.app.lock().await.log()
    }

    /// Whether it was gone at any time since `begun`.
    pub(crate) fn was_gone_since(&self, begun: Instant) -> bool {
        self.outages.lock().unwrap().iter().any(|(_, back)| back.is_none_or(|back| back >= begun))
    }

    fn gone(&self) {
        self.outages.lock().unwrap().push((Instant::now(), None));
    }

    fn back(&self, app: &App) {
        self.pid.store(app.pid(), Ordering::Relaxed);
        if let Some((_, back)) = self.outages.lock().unwrap().last_mut() {
            *back = Some(Instant::now());
        }
    }
}
