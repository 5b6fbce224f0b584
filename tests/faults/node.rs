//! One process: a provider and its jobs on a database, which can die and be started again.

use crate::databases::{Server, ServerDatabase, execute};
use crate::process::{Process, Setup, migrate, quick_folder, runtime, sqlite};
use sdata_sync::contract::Contract;
use sdata_sync::protocol::Stamp;
use sdata_sync::provider::Clock;
use sdata_sync::store::Store;
use sdata_sync::store::faults::Faults;
use std::collections::HashMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tempfile::TempDir;

static CONTRACT: LazyLock<Arc<Contract>> = LazyLock::new(|| Arc::new(Contract::sample().unwrap()));

/// A new resource with this key the database itself refuses.
pub(crate) const REFUSED: &str = "refused";

/// Names the applications of cases.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Where cases are run, one after the other: a database on a server that serves all, or a migrated one to copy for each.
pub(crate) enum Place {
    Sqlite(TempDir),
    Server(ServerDatabase),
}

impl Place {
    pub(crate) fn on_sqlite() -> Self {
        let folder = quick_folder();
        let template = sqlite(&folder.path().join("template.db"));
        migrate(&template);
        refuse(&template);
        Self::Sqlite(folder)
    }

    pub(crate) fn on_server(server: Server) -> Self {
        let database = runtime().block_on(server.database());
        migrate(&database.url);
        refuse(&database.url);
        Self::Server(database)
    }
}

/// Has a database refuse [`REFUSED`], for a reason that no provider can foresee.
fn refuse(url: &str) {
    let (trigger, is_it) =
        ("CREATE TRIGGER refusal BEFORE INSERT ON resource", format!("NEW.resource_key = '{REFUSED}'"));
    let statements = if url.starts_with("postgres") {
        let raise = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
                     $$ BEGIN RAISE EXCEPTION 'not this one'; END $$";
        vec![raise.to_owned(), format!("{trigger} FOR EACH ROW WHEN ({is_it}) EXECUTE FUNCTION refuse()")]
    } else if url.starts_with("mysql") {
        let raise = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'";
        vec![format!("{trigger} FOR EACH ROW IF {is_it} THEN {raise}; END IF")]
    } else {
        vec![format!("{trigger} WHEN {is_it} BEGIN SELECT RAISE(ABORT, 'not this one'); END")]
    };
    runtime().block_on(async {
        for statement in &statements {
            execute(url, statement).await;
        }
    });
}

/// A process of an application that no other case uses.
pub(crate) struct Node {
    /// The application's name.
    pub(crate) name: String,
    url: String,
    clock: Clock,
    lease: Duration,
    file: Option<PathBuf>,
    process: Option<Process>,
    /// What the client remembers between two requests.
    pub(crate) memory: Mutex<HashMap<&'static str, String>>,
}

impl Node {
    pub(crate) fn start(place: &Place) -> Self {
        // Short, so that what a process leaves behind that died is soon taken over.
        Self::start_with(place, Duration::from_millis(500))
    }

    /// One whose lanes stay with it for this time when it gives no sign of life.
    pub(crate) fn start_with(place: &Place, lease: Duration) -> Self {
        let name = format!("c{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let (url, file) = match place {
            Place::Server(database) => (database.url.clone(), None),
            Place::Sqlite(folder) => {
                let file = folder.path().join(format!("{name}.db"));
                std::fs::copy(folder.path().join("template.db"), &file).unwrap();
                (sqlite(&file), Some(file))
            }
        };
        let memory = Mutex::default();
        let mut node = Self { name, url, clock: Clock::system(), lease, file, process: None, memory };
        node.open();
        node
    }

    /// Another process of the same application on the same database, whose clock is ahead.
    pub(crate) fn beside(&self, ahead_millis: i64) -> Self {
        let clock = Clock::reading(move || Stamp::from_millis(Stamp::now().millis() + ahead_millis));
        let (name, url, memory) = (self.name.clone(), self.url.clone(), Mutex::default());
        let mut node = Self { name, url, clock, lease: self.lease, file: None, process: None, memory };
        node.open();
        node
    }

    fn open(&mut self) {
        self.process = Some(Process::start(&Setup {
            url: self.url.clone(),
            connections: 3,
            base_url: "http://node.example.com".to_owned(),
            application: self.name.clone(),
            contract: Arc::clone(&CONTRACT),
            kinds: HashMap::new(),
            clock: self.clock.clone(),
            lease: self.lease,
        }));
    }

    /// Ends the process where it stands.
    pub(crate) fn die(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Ends the process where it stands and starts another.
    pub(crate) fn crash(&mut self) {
        self.die();
        self.open();
    }

    pub(crate) fn store(&self) -> &Store {
        &self.provider().store
    }

    pub(crate) fn faults(&self) -> &Faults {
        self.store().faults()
    }

    pub(crate) fn remember(&self, what: &'static str, value: &str) {
        self.memory.lock().unwrap().insert(what, value.to_owned());
    }

    pub(crate) fn remembered(&self, what: &str) -> String {
        self.memory.lock().unwrap().get(what).cloned().unwrap()
    }
}

/// What runs, while it does.
impl Deref for Node {
    type Target = Process;

    fn deref(&self) -> &Process {
        self.process.as_ref().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.die();
        for suffix in ["", "-wal", "-shm"] {
            if let Some(file) = &self.file {
                let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
            }
        }
    }
}
