//! What a provider writes to its log.

use crate::support::App;
use crate::support::app::ask_to_stop;
use crate::support::messages::{N1, SyncFeed, account_of};
use serde_json::Value;
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::Duration;
use uuid::Uuid;

/// Has every insert of a resource take some milliseconds, whatever the machine.
const SLOW: &str = "CREATE TRIGGER slow BEFORE INSERT ON resource BEGIN SELECT hex(randomblob(4000000)); END";

/// The log lines of one page of accounts, taken in by a provider that writes JSON, as many as `RUST_LOG` asks for.
async fn lines_of_a_page(entries: u32, rust_log: &str) -> Vec<Value> {
    let mut app =
        App::start_with("crm", &crate::support::Backend::Sqlite, &[("database.slow_statement_millis", "1")]).await;
    app.kill();
    app.alter(SLOW).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut command = app.command("serve");
    command.env("RUST_LOG", rust_log);
    command.args(["--log-format", "json"]).stdout(Stdio::null()).stderr(File::create(&path).unwrap());
    let mut provider = Running(command.spawn().unwrap());
    let ready = format!("{}/readyz", app.base());
    while !app.request("GET", &ready).send().await.is_ok_and(|answer| answer.status() == 200) {
        assert!(provider.0.try_wait().unwrap().is_none(), "{}", std::fs::read_to_string(&path).unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let page = (0..entries).fold(SyncFeed::new(N1, &[(N1, u64::from(entries) + 1, 1)]), |page, number| {
        let resource = account_of(Uuid::new_v4(), &format!("A{number}"), "nobody's business");
        page.with((N1, u64::from(number) + 1), &resource)
    });
    let (answer, _) = app.run("accounts", "$syncTarget", "&runName=nightly&runStamp=2026-11-29", page.xml()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // What is being done is done, and said, before it ends.
    ask_to_stop(provider.0.id());
    assert!(provider.0.wait().unwrap().success());
    let text = std::fs::read_to_string(&path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The span of this name that a line is within.
fn span<'l>(line: &'l Value, name: &str) -> Option<&'l Value> {
    line["spans"].as_array()?.iter().find(|span| span["name"] == name)
}

fn assert_job(line: &Value) {
    let job = span(line, "job").unwrap_or_else(|| panic!("{line} is in no job"));
    for (field, value) in [
        ("run_name", "nightly"),
        ("run_stamp", "2026-11-29"),
        ("resource_kind", "accounts"),
        ("operation", "syncTarget"),
    ] {
        assert_eq!(job[field], value, "{line}");
    }
    assert!(Uuid::parse_str(job["tracking_id"].as_str().unwrap()).is_ok(), "{line}");
}

fn slow_within_a_chunk(lines: &[Value]) -> Vec<&Value> {
    let is_slow = |line: &&Value| line["target"] == "sqlx::query";
    let slow: Vec<_> = lines.iter().filter(is_slow).filter(|line| span(line, "chunk").is_some()).collect();
    assert!(!slow.is_empty(), "no statement was slow");
    slow
}

#[tokio::test]
async fn warnings_carry_run_and_tracking_id_also_where_nothing_else_is_logged() {
    let lines = lines_of_a_page(3, "warn").await;
    assert!(lines.iter().all(|line| line["level"] == "WARN"), "{lines:?}");
    for line in slow_within_a_chunk(&lines) {
        assert_job(line);
    }
}

#[tokio::test]
async fn lines_of_a_job_carry_run_tracking_id_and_kind_and_slow_statements_no_values() {
    let lines = lines_of_a_page(3, "").await;
    for field in ["timestamp", "level", "target", "fields"] {
        assert!(lines.iter().all(|line| !line[field].is_null()), "{field}");
    }
    let taken_in = lines.iter().find(|line| line["fields"]["message"] == "page taken in").unwrap();
    assert_job(taken_in);
    assert_eq!(taken_in["fields"]["entries"], 3);

    for line in slow_within_a_chunk(&lines) {
        assert_job(line);
        assert_eq!(line["level"], "WARN");
        let fields = &line["fields"];
        assert_eq!(fields["slow_threshold"], "1ms");
        assert!(fields["elapsed_secs"].as_f64().unwrap() >= 0.001, "{line}");
        assert!(fields["rows_affected"].is_u64() && fields["rows_returned"].is_u64(), "{line}");
        assert!(!fields["summary"].as_str().unwrap().is_empty(), "{line}");
    }
    assert!(lines.iter().all(|line| !line.to_string().contains("nobody's business")), "the log shows values");
}
