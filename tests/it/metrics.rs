//! What `/metrics` says of a provider.

use crate::support::messages::{N1, N2, SyncFeed, account, account_of, digest_entry, three_nodes};
use crate::support::scrape::Scrape;
use crate::support::way::Way;
use crate::support::{App, Backend, Kind};
use rstest::rstest;
use sdata_sync::telemetry::{METRICS, MetricKind};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long something may take that is sure to come.
const PATIENCE: Duration = Duration::from_secs(60);

async fn scrape(app: &App) -> Scrape {
    let answer = app.get(&format!("{}/metrics", app.base())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4");
    Scrape::read(&answer.text())
}

/// Scrapes until `is_so`: what the database says is remembered for some seconds.
async fn scrape_until(app: &App, is_so: impl Fn(&Scrape) -> bool) -> Scrape {
    let began = Instant::now();
    loop {
        let scrape = scrape(app).await;
        if is_so(&scrape) {
            return scrape;
        }
        assert!(began.elapsed() < PATIENCE, "{scrape:?}\n{}", app.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

const ACCOUNTS: [(&str, &str); 4] =
    [("application", "crm"), ("contract", "sample"), ("dataset", "-"), ("resource_kind", "accounts")];

/// Takes in an account, another version of it that wins over the first, and an entry that cannot be applied.
async fn take_in_three_pages(app: &App) {
    let uuid = Uuid::new_v4();
    let first = SyncFeed::new(N2, &three_nodes([5, 8, 8])).with((N2, 7), &account_of(uuid, "A1", "stored"));
    let winner = SyncFeed::new(N1, &three_nodes([6, 7, 9])).with((N1, 5), &account_of(uuid, "A1", "incoming"));
    let broken = r#"<account xmlns="urn:sdata-sync:sample:1" sdata:uuid="7a000000-0000-4000-8000-000000000001"/>"#;
    let broken = SyncFeed::new(N1, &three_nodes([9, 7, 9])).with((N1, 8), broken);
    for (page, status) in [(first, 201), (winner, 200), (broken, 400)] {
        assert_eq!(app.apply("accounts", &page).await.feed().1[0].http_status, Some(status));
    }
}

#[rstest]
#[case::sqlite(Kind::Sqlite, "sqlite", &["read", "write", "queries"])]
#[case::postgres(Kind::Postgres, "postgres", &["all", "queries"])]
#[case::mysql(Kind::Mysql, "mysql", &["all", "queries"])]
#[tokio::test]
async fn the_metrics_tell_of_a_pass_a_conflict_and_a_parked_entry(
    #[case] kind: Kind,
    #[case] database: &str,
    #[case] pools: &[&str],
) {
    let storage = kind.storage().await;
    let app = storage.start("crm", &[("database.max_connections", "5")]).await;
    let at_first = scrape(&app).await;
    for operation in ["syncSource", "syncTarget", "batch", "linkedBatch"] {
        let failed = at_first.value("sdata_sync_jobs_failed_total", &[("operation", operation)]);
        assert_eq!(failed, Some(0.0), "{operation}: the first failure must be an increase");
    }
    take_in_three_pages(&app).await;
    app.create("accounts", &account("A2", "made here")).await;

    let before = scrape_until(&app, |it| it.value("sdata_sync_parked_entries", &ACCOUNTS) == Some(1.0)).await;
    for (outcome, entries) in [("created", 1.0), ("conflict", 1.0), ("failed", 1.0)] {
        let labels = [("outcome", outcome), ("resource_kind", "accounts")];
        assert_eq!(before.value("sdata_sync_entries_total", &labels), Some(entries), "{outcome}");
    }
    let won = [("resource_kind", "accounts"), ("winner", "source")];
    assert_eq!(before.value("sdata_sync_conflicts_total", &won), Some(1.0));
    let targets = [("operation", "syncTarget"), ("outcome", "done")];
    assert_eq!(before.value("sdata_sync_job_seconds_count", &targets), Some(3.0));
    assert_eq!(before.value("sdata_sync_job_wait_seconds_count", &[("operation", "syncTarget")]), Some(3.0));
    assert_eq!(before.value("sdata_sync_parked_entries", &ACCOUNTS), Some(1.0));
    assert_eq!(before.value("sdata_sync_unstamped_resources", &ACCOUNTS), Some(1.0));
    assert_eq!(before.value("sdata_sync_live_resources", &ACCOUNTS), Some(2.0));
    assert_eq!(before.value("sdata_sync_database_up", &[]), Some(1.0));
    let version = [("database", database), ("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(before.value("sdata_sync_build_info", &version), Some(1.0));
    for pool in pools {
        let most = before.value("sdata_sync_database_connections_max", &[("pool", pool)]);
        let configured = match *pool {
            "write" => 1.0,
            "queries" => 2.0,
            _ => 5.0,
        };
        assert_eq!(most, Some(configured), "{pool}");
        let open = before.sum("sdata_sync_database_connections", &[("pool", pool)]);
        assert!((1.0..=5.0).contains(&open), "{pool}: {open}");
    }
    for never in ["sdata_sync_leases_lost_total", "sdata_sync_jobs_resumed_total", "sdata_sync_audit_lost_events_total"]
    {
        assert_eq!(before.value(never, &[]), Some(0.0), "{never}");
    }
    let passes = ("sdata_sync_pass_seconds_count", [("resource_kind", "accounts")]);
    assert_eq!(before.value(passes.0, &passes.1), None, "nobody has asked for anything yet");
    assert!(before.sum("sdata_sync_requests_total", &[("method", "POST"), ("status", "202")]) >= 3.0);
    assert!(before.sum("sdata_sync_begin_seconds_count", &[]) >= 3.0);

    // A source numbers what was changed here.
    let (_, context) = app.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    app.delete(&context).await;
    let after = scrape_until(&app, |it| it.value("sdata_sync_unstamped_resources", &ACCOUNTS) == Some(0.0)).await;
    let sources = [("operation", "syncSource"), ("outcome", "done")];
    assert_eq!(after.value("sdata_sync_job_seconds_count", &sources), Some(1.0));
    assert_eq!(after.value(passes.0, &passes.1), Some(1.0));
    let waiting = [("application", "crm"), ("operation", "syncSource"), ("state", "queued")];
    assert_eq!(after.value("sdata_sync_jobs", &waiting), Some(0.0));
    assert_eq!(after.value("sdata_sync_parked_entries", &ACCOUNTS), Some(1.0), "it waits");
    assert_eq!(after.sum("sdata_sync_jobs", &[]), 0.0);
    assert_eq!(after.value("sdata_sync_oldest_queued_seconds", &[]), Some(0.0));
}

/// A metric's row in docs/operating.md: name, type, labels.
fn documented() -> BTreeSet<(String, String, BTreeSet<String>)> {
    let text = include_str!("../../docs/operating.md");
    let rows = text.lines().filter(|line| line.starts_with("| `sdata_sync_"));
    let in_ticks = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let read = |row: &str| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        (in_ticks(cells[1]).remove(0), cells[2].to_owned(), in_ticks(cells[3]).into_iter().collect())
    };
    rows.map(read).collect()
}

const fn word(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Histogram => "histogram",
    }
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_metric_is_there() {
    let described: BTreeSet<_> = METRICS
        .iter()
        .map(|metric| {
            let labels = metric.labels.iter().map(|label| (*label).to_owned()).collect();
            (metric.name.to_owned(), word(metric.kind).to_owned(), labels)
        })
        .collect();
    assert_eq!(documented(), described);

    let app = App::start("crm").await;
    take_in_three_pages(&app).await;
    let (_, context) = app.run("accounts", "$syncSource", "", digest_entry(N1, &[])).await;
    app.delete(&context).await;
    // Its caretaker says so in its first round.
    let scrape = scrape_until(&app, |scrape| scrape.types.contains_key("sdata_sync_recovering")).await;
    for (name, labels) in scrape.samples.keys() {
        let family = METRICS.iter().find(|metric| {
            name == metric.name || metric.kind == MetricKind::Histogram && is_part_of(name, metric.name)
        });
        let family = family.unwrap_or_else(|| panic!("{name} is in no table"));
        assert_eq!(scrape.types.get(family.name).map(String::as_str), Some(word(family.kind)), "{name}");
        let labels: BTreeSet<_> = labels.keys().map(String::as_str).filter(|label| *label != "le").collect();
        assert_eq!(labels, family.labels.iter().copied().collect(), "{name}");
    }
    let found: BTreeSet<_> = scrape.types.keys().map(String::as_str).collect();
    let missing: Vec<_> = METRICS.iter().map(|metric| metric.name).filter(|name| !found.contains(name)).collect();
    assert_eq!(missing, ["sdata_sync_retries_total"], "nothing was tried again");
}

fn is_part_of(name: &str, histogram: &str) -> bool {
    name.strip_prefix(histogram).is_some_and(|part| ["_bucket", "_sum", "_count"].contains(&part))
}

#[tokio::test]
async fn the_metrics_are_answered_also_while_the_database_is_away() {
    let storage = Kind::Postgres.storage().await;
    let mut way = Way::to(storage.url()).await;
    let app = App::start_with("crm", &Backend::Server(way.url().to_owned()), &[]).await;
    app.create("accounts", &account("A1", "one")).await;
    let is_up = |scrape: &Scrape| scrape.value("sdata_sync_database_up", &[]) == Some(1.0);
    let before = scrape_until(&app, |it| it.value("sdata_sync_live_resources", &ACCOUNTS) == Some(1.0)).await;
    assert!(is_up(&before));

    way.shut().await;
    let away = scrape_until(&app, |scrape| !is_up(scrape)).await;
    assert_eq!(away.value("sdata_sync_live_resources", &ACCOUNTS), Some(1.0), "the last that is known");

    way.open_again().await;
    let back = scrape_until(&app, is_up).await;
    assert_eq!(back.value("sdata_sync_live_resources", &ACCOUNTS), Some(1.0));
}
