//! What a pass costs: a first sync of many one-kilobyte resources, then 1,000 changes among them.
//!
//! `scripts/bench` runs it. Every figure is of whole processes on this machine: two providers and the engine between them.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement may stop at once"
)]

#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code, unused_imports, unreachable_pub, reason = "the tests need more of it")]
mod support;

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::{App, Backend};

/// Changes of the second pass.
const CHANGES: usize = 1000;
/// Entries on a page.
const PAGE: &str = "1000";

#[tokio::main]
async fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000] } else { sizes };
    let databases = [
        ("SQLite", Some(Backend::Sqlite)),
        ("PostgreSQL", std::env::var("BENCH_POSTGRES_URL").ok().map(Backend::Server)),
        ("MySQL/MariaDB", std::env::var("BENCH_MYSQL_URL").ok().map(Backend::Server)),
    ];
    println!(
        "| source database | resources | pass | entries | seconds | entries/s | source peak MiB (idle) | target peak MiB (idle) |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, backend) in databases {
        for &size in backend.iter().flat_map(|_| &sizes) {
            measure(name, backend.as_ref().unwrap(), size).await;
        }
    }
}

/// The source is on `backend`, which must be empty; the target on SQLite.
async fn measure(name: &str, backend: &Backend, size: usize) {
    let settings = [("paging.max_count", PAGE)];
    let application = format!("crm{size}");
    let crm = App::start_with(&application, backend, &settings).await;
    let erp = App::start_with("erp", &Backend::Sqlite, &settings).await;
    let idle = (peak(&crm), peak(&erp));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.ndjson");
    write_accounts(&file, 0..size, "first");
    import(&crm, &file);
    // The import is another process; the providers' memory is not touched by it.
    pass(name, size, "first", (&crm, &erp), idle);
    let step = size / CHANGES;
    write_accounts(&file, (0..size).step_by(step.max(1)).take(CHANGES), "changed");
    import(&crm, &file);
    pass(name, size, "second", (&crm, &erp), idle);
    pass(name, size, "nothing changed", (&crm, &erp), idle);
}

fn pass(name: &str, size: usize, which: &str, (crm, erp): (&App, &App), idle: (u64, u64)) {
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_sdata-sync"))
        .args(["pass", "--json", "--count", PAGE, "--source", &crm.kind("accounts"), "--target", &erp.kind("accounts")])
        .output()
        .unwrap();
    let took = began.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let entries = report["passes"][0]["entries"].as_u64().unwrap();
    println!(
        "| {name} | {size} | {which} | {entries} | {:.2} | {:.0} | {} ({}) | {} ({}) |",
        took.as_secs_f64(),
        entries as f64 / took.max(Duration::from_millis(1)).as_secs_f64(),
        peak(crm) / 1024,
        idle.0 / 1024,
        peak(erp) / 1024,
        idle.1 / 1024
    );
}

/// Peak resident memory of a provider, in KiB (Linux).
fn peak(app: &App) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.pid())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn import(app: &App, file: &Path) {
    let mut command = app.command("import");
    let output = command.args(["--kind", "accounts"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Accounts of about one kilobyte as they travel.
fn write_accounts(file: &Path, numbers: impl Iterator<Item = usize>, word: &str) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).unwrap());
    let notes = "Lorem ipsum dolor sit amet, consectetur adipiscing elit. ".repeat(3);
    for number in numbers {
        let account = serde_json::json!({
            "$key": format!("K{number}"),
            "code": format!("A{number}"),
            "name": format!("Account {number} {word}"),
            "type": "Customer",
            "active": true,
            "phone": format!("+49 30 {number:07}"),
            "email": format!("account{number}@example.com"),
            "website": format!("https://www.example.com/{number}"),
            "creditLimit": "12500.50",
            "currency": "EUR",
            "openedOn": "2020-02-29",
            "postalAddress": {"street": format!("Street {number}"), "city": "Berlin", "region": "Berlin", "postalCode": "10115", "countryCode": "DE"},
            "notes": notes,
        });
        writeln!(out, "{account}").unwrap();
    }
}
