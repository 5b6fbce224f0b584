//! What a feed may cost: memory by the chunk.

use crate::support::App;
use crate::support::messages::{N1, SAMPLE, SyncFeed};
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
