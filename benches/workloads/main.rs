//! What the provider does in a second, and what its database alone would do: whole processes on this machine.
//!
//! `scripts/bench` runs it; docs/performance.md says what each figure is.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement may stop at once"
)]

#[path = "../../tests/it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests need more of it")]
mod support;

mod baseline;
mod bulk;
mod client;
mod consumer;
mod crud;
mod databases;
mod empty;
mod feed;
mod own;
mod pass;
mod provider;
mod report;
mod resources;
mod selective;

use baseline::Bare;
use clap::Parser;
use databases::Database;
use provider::Provider;
use report::{Measured, Report};
use std::future::Future;
use tokio::runtime::Runtime;

/// Measures the provider's speed on each database, beside that of the database alone
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; everything unless named
    #[arg(value_enum, ignore_case = true)]
    workloads: Vec<Workload>,
    /// On which databases; all three unless named
    #[arg(long, value_enum, value_delimiter = ',')]
    database: Vec<Database>,
    /// Resources of w1, w2, crud and pass: whole thousands
    #[arg(long, default_value_t = 100_000, value_parser = whole_thousands)]
    size: u64,
    /// Sizes of the collection of w4: whole thousands
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000", value_parser = whole_thousands)]
    among: Vec<u64>,
    /// How long each figure of w3, and crud without a pass, is measured
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How often everything is measured; medians are told
    #[arg(long, env = "BENCH_RUNS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// A group of figures that are taken on one fresh database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Workload {
    /// Source: all changes, in pages of 100 and of 1,000
    W1,
    /// Target: creates, updates, updates with conflicts and references
    W2,
    /// Nothing changed: empty passes, digests
    W3,
    /// 1,000 changes among more and more resources
    W4,
    /// Single writes and reads, alone and under a pass
    Crud,
    /// A pass between two providers, also killed and resumed
    Pass,
}

fn whole_thousands(text: &str) -> Result<u64, String> {
    let number: u64 = text.replace(['_', ','], "").parse().map_err(|_| format!("'{text}' is no number"))?;
    let is_whole = number > 0 && number.is_multiple_of(feed::PAGE);
    if is_whole { Ok(number) } else { Err(format!("{number} is not a multiple of 1,000")) }
}

/// What every workload works with.
struct Bench {
    runtime: Runtime,
    arguments: Arguments,
    report: Report,
}

impl Bench {
    fn wants(&self, workload: Workload) -> bool {
        self.arguments.workloads.is_empty() || self.arguments.workloads.contains(&workload)
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Starts the program on a fresh database.
    fn provider(&self, database: Database, application: &str) -> Provider {
        self.block_on(Provider::start(database, application))
    }

    /// The bare table in a fresh database.
    fn bare(&self, database: Database) -> Bare {
        self.block_on(Bare::create(database))
    }

    fn add(&mut self, measured: Measured) {
        self.report.add(measured);
    }

    /// Every workload that is wanted, once.
    fn measure(&mut self, database: Database) {
        if self.wants(Workload::W1) || self.wants(Workload::W2) {
            bulk::measure(self, database);
        }
        if self.wants(Workload::W1) {
            own::measure(self, database);
        }
        if self.wants(Workload::W3) {
            empty::measure(self, database);
        }
        if self.wants(Workload::Crud) {
            crud::measure(self, database);
        }
        if self.wants(Workload::Pass) {
            pass::measure(self, database);
        }
        if self.wants(Workload::W4) {
            for among in self.arguments.among.clone() {
                selective::measure(self, database, among);
            }
        }
    }
}

fn main() {
    let mut arguments = Arguments::parse();
    if arguments.database.is_empty() {
        arguments.database = vec![Database::Sqlite, Database::Postgres, Database::Mariadb];
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut bench = Bench { runtime, arguments, report: Report::default() };
    let databases = bench.arguments.database.clone();
    let versions: Vec<String> = databases.iter().map(|database| bench.block_on(database.version())).collect();
    let machine = report::machine(&versions);
    for _ in 0..bench.arguments.runs {
        for database in &databases {
            bench.measure(*database);
        }
    }
    println!("{}", bench.report.markdown());
    println!("```json\n{machine:#}\n```");
    bench.report.write_json(&machine);
}
