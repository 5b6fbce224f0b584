//! What a feed may cost: memory by the chunk, time by the change.

use crate::support::App;
use crate::support::messages::{N1, SAMPLE, SyncFeed, account, digest_entry};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A page of accounts of two kilobytes each.
fn large(prefix: &str, accounts: u64) -> String {
    let notes = "x".repeat(2000);
    let feed = SyncFeed::new(N1, &[(N1, accounts + 1, 1)]);
    let fill = |feed: SyncFeed, n: u64| {
        let (uuid, code) = (Uuid::new_v4(), format!("{prefix}{n}"));
        let sent = format!(
            r#"<account xmlns="{SAMPLE}" sdata:uuid="{uuid}"><code>{code}</code><name>one</name><notes>{notes}</notes></account>"#
        );
        feed.with((N1, n), &sent)
    };
    (1..=accounts).fold(feed, fill).xml()
}

/// The most memory the provider has had, in bytes.
#[cfg(target_os = "linux")]
fn peak(app: &App) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// OURS-SCALE-01: a page four times as large is taken in, and its result read, in the same memory.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_does_not_grow_with_the_size_of_a_feed() {
    let app = App::start("crm").await;
    // Fills the caches of the database's connections.
    let (small, _) = app.run("accounts", "$syncTarget", "", large("A", 4_000)).await;
    assert_eq!(small.status, 200);
    let before = peak(&app);
    let body = large("B", 16_000);
    let size = body.len() as u64;
    let (result, _) = app.run("accounts", "$syncTarget", "", body).await;
    assert_eq!(result.status, 200);
    assert!(result.body.len() as u64 > size);
    let grown = peak(&app) - before;
    assert!(grown < size / 2, "{grown} bytes more for a feed of {size}");
}

/// The least time of some tries.
async fn least(app: &App, url: &str) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..7 {
        let began = Instant::now();
        assert_eq!(app.get(url).await.status, 200);
        least = least.min(began.elapsed());
    }
    least
}

/// OURS-SCALE-02: the last page, found by `next`, costs what the first one costs; a change costs what it costs in an
/// empty collection.
#[tokio::test]
async fn a_page_costs_the_same_at_the_end_and_a_pass_what_its_changes_cost() {
    let app = App::start("crm").await;
    app.run("accounts", "$syncTarget", "", large("A", 8_000)).await;
    let (_, context) = app.run("accounts", "$syncSource", "&count=20", digest_entry(N1, &[])).await;
    let first = app.get(&context).await.feed().0;
    let near_the_end = app.get(&format!("{context}?startIndex=7961&count=20")).await.feed().0;
    let second = least(&app, first.link("next").unwrap()).await;
    let last = least(&app, near_the_end.link("next").unwrap()).await;
    let slack = Duration::from_millis(10);
    assert!(last < second * 2 + slack, "the last page took {last:?}, the second {second:?}");
    let own = app.kind("accounts");
    let new = App::start("erp").await;
    let mut times = Vec::new();
    for (app, known) in [(&new, vec![]), (&app, vec![(N1, 8_001, 1), (own.as_str(), 0, 5)])] {
        app.create("accounts", &account("new", "one")).await;
        let mut least = Duration::MAX;
        for _ in 0..7 {
            let began = Instant::now();
            let url = format!("{}/$syncSource", app.kind("accounts"));
            assert_eq!(app.post(&url, digest_entry(N1, &known)).await.feed().1.len(), 1);
            least = least.min(began.elapsed());
        }
        times.push(least);
    }
    assert!(times[1] < times[0] * 2 + slack, "one change of many took {:?}, of one {:?}", times[1], times[0]);
}
