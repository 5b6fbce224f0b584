//! What a feed may cost: memory by the chunk.

use crate::support::App;
use crate::support::messages::{N1, SAMPLE, SyncFeed, account};
use std::time::Instant;
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
    let (small, _) = app.run("accounts", "$syncTarget", "", large("A", 6_000)).await;
    assert_eq!(small.status, 200);
    let before = peak(&app);
    let body = large("B", 24_000);
    let size = body.len() as u64;
    let (result, _) = app.run("accounts", "$syncTarget", "", body).await;
    assert_eq!(result.status, 200);
    assert!(result.body.len() as u64 > size);
    let grown = peak(&app) - before;
    // Who held the feed would hold it more than once: its bytes, its elements, what is written of them. Some growth is
    // the caches', which under load take longer to fill.
    assert!(grown < size * 3 / 4, "{grown} bytes more for a feed of {size}");
}

/// What the provider says it has asked of its database: statements, and commits.
async fn asked(app: &App) -> [u64; 2] {
    let metrics = app.get(&format!("{}/metrics", app.base())).await.text();
    ["sdata_sync_statements_total ", "sdata_sync_commits_total "].map(|name| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {metrics}")).trim().parse().unwrap()
    })
}

/// OURS-SCALE-02: digest, source feed, its empty page and the end of its context cost 12 statements and 2 commits, and of the
/// commits of the audit those that time makes.
#[tokio::test]
async fn a_pass_with_nothing_to_carry_costs_a_few_statements() {
    const PASSES: u64 = 20;
    // What looks for work of other processes would be counted, too.
    let app = App::start_with("crm", &crate::support::Backend::Sqlite, &[("tracking.workers", "1")]).await;
    app.create("accounts", &account("A1", "one")).await;
    let accounts = app.kind("accounts");
    let digest = app.get(&format!("{accounts}/$syncDigest")).await.body;
    let pass = async |number: u64| {
        assert_eq!(app.get(&format!("{accounts}/$syncDigest?runName=r&runStamp=s")).await.status, 200);
        let context = format!("{accounts}/$syncSource('{number}')");
        let post = format!("{accounts}/$syncSource?trackingID={number}&runName=r&runStamp=s");
        assert_eq!(app.post(&post, digest.clone()).await.status, 202);
        let page = app.get(&context).await;
        assert_eq!((page.status, page.feed().0.total_results), (200, Some(0)));
        assert_eq!(app.delete(&context).await.status, 200);
    };
    pass(0).await;
    // What looks after the database is counted, too: on a fast machine not in all of three rounds.
    let (mut statements, mut commits) = (u64::MAX, u64::MAX);
    for round in 0..3 {
        let (began, before) = (Instant::now(), asked(&app).await);
        for number in 1..=PASSES {
            pass(round * PASSES + number).await;
        }
        // The audit of what was read is written in moments; whoever asks for it waits for that.
        assert_eq!(app.get(&app.audit("events")).await.status, 200);
        let (after, took) = (asked(&app).await, began.elapsed());
        // What is read is two events of a pass. Those share a commit, and a statement, that come within a tenth of a second:
        // the slower the machine, the fewer they are.
        let audit = u64::try_from(took.as_millis() / 100 + 1).unwrap().min(2 * PASSES);
        // The worker that has nothing to do looks for work twice a second, the caretaker for its own every other second.
        let idle = 4 * took.as_secs();
        // What looks after the database every half minute changes a little.
        let tended = took.as_secs() / 10;
        statements = statements.min((after[0] - before[0]).saturating_sub(audit + idle));
        commits = commits.min((after[1] - before[1]).saturating_sub(audit + tended));
    }
    assert!(statements <= 12 * PASSES, "{statements} statements for {PASSES} passes, besides those that time makes");
    assert!(commits <= 2 * PASSES, "{commits} commits for {PASSES} passes, besides those that time makes");
}
