//! The processes that are measured, and what they cost.

use crate::databases::{Database, Served};
use crate::support::App;
use std::fs;
use std::time::{Duration, Instant};

/// Ticks a second in which Linux counts CPU time for programs.
const CLOCK_TICKS: f64 = 100.0;
/// Entries on a page at most.
const MAX_COUNT: &str = "1000";

/// A provider process on a fresh database, with what it needed before it was asked anything.
pub struct Provider {
    /// The process; ends first.
    pub app: App,
    /// Its database.
    pub served: Served,
    idle_kib: u64,
}

impl Provider {
    /// Starts the program on a fresh database.
    pub async fn start(database: Database, application: &str) -> Self {
        let served = database.fresh().await;
        let app = App::start_with(application, &served.backend, &[("paging.max_count", MAX_COUNT)]).await;
        let idle_kib = status_kib(app.pid(), "VmRSS:");
        Self { app, served, idle_kib }
    }

    /// Most memory it had since [`Meter::start`], above what it had when it was idle, in MiB.
    fn peak_above_idle(&self) -> f64 {
        status_kib(self.app.pid(), "VmHWM:").saturating_sub(self.idle_kib) as f64 / 1024.0
    }
}

/// What a piece of work took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// By the clock.
    pub elapsed: Duration,
    /// CPU seconds of the client, this process.
    pub client: f64,
    /// CPU seconds of the provider processes.
    pub provider: f64,
    /// CPU seconds of the database server; 0 where the database is in the provider.
    pub database: f64,
    /// Most memory of a provider above its idle size, in MiB.
    pub peak_mib: f64,
}

impl Usage {
    /// This and what came after it.
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        Self {
            elapsed: self.elapsed + next.elapsed,
            client: self.client + next.client,
            provider: self.provider + next.provider,
            database: self.database + next.database,
            peak_mib: self.peak_mib.max(next.peak_mib),
        }
    }

    /// The client's share of all CPU time, 0 to 1.
    pub fn client_share(&self) -> f64 {
        self.client / (self.client + self.provider + self.database).max(0.01)
    }
}

/// Counts from its start what a piece of work takes.
pub struct Meter<'a> {
    providers: Vec<&'a Provider>,
    began: Instant,
    before: [f64; 3],
}

impl<'a> Meter<'a> {
    /// Begins to count; peaks of memory are forgotten.
    pub fn start(providers: &[&'a Provider]) -> Self {
        for provider in providers {
            // 5 sets VmHWM back to the present size (proc(5)).
            fs::write(format!("/proc/{}/clear_refs", provider.app.pid()), "5").unwrap();
        }
        let before = cpu(providers);
        Self { providers: providers.to_vec(), began: Instant::now(), before }
    }

    /// What it took.
    pub fn stop(self) -> Usage {
        let elapsed = self.began.elapsed();
        let [client, provider, database] = cpu(&self.providers);
        let peaks = self.providers.iter().map(|provider| provider.peak_above_idle());
        Usage {
            elapsed,
            client: client - self.before[0],
            provider: provider - self.before[1],
            database: database - self.before[2],
            peak_mib: peaks.fold(0.0, f64::max),
        }
    }
}

/// CPU seconds so far: of this process, of the providers, of their database server.
fn cpu(providers: &[&Provider]) -> [f64; 3] {
    let server = providers.iter().find_map(|provider| provider.served.server_pid);
    let children = server.into_iter().flat_map(children);
    let database = server.into_iter().chain(children).map(cpu_seconds).sum();
    [cpu_seconds(std::process::id()), providers.iter().map(|provider| cpu_seconds(provider.app.pid())).sum(), database]
}

/// CPU seconds of a process and of its children that have ended.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may contain anything; utime, stime, cutime, cstime are fields 14 to 17 (proc(5)).
    let after_name = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let times = after_name.split(' ').skip(11).take(4);
    times.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / CLOCK_TICKS
}

/// Children of a process: PostgreSQL has one for each connection.
fn children(pid: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

fn status_kib(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or_default()
}
