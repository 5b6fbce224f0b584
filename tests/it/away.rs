//! The database goes away while clients ask: what they are told, and what becomes of what they sent.

use crate::support::messages::{account, batch, posted};
use crate::support::way::Way;
use crate::support::{App, Backend, Kind};
use std::time::{Duration, Instant};

/// Entries of a batch that takes some seconds.
const ENTRIES: usize = 3_000;

/// How long something may take that is sure to come, also on a busy machine.
const SOON: Duration = Duration::from_secs(120);

async fn until_ready(app: &App) {
    let began = Instant::now();
    while app.get(&format!("{}/readyz", app.base())).await.status != 200 {
        assert!(began.elapsed() < SOON, "the provider is not ready again:\n{}", app.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Sent again it would be carried out a second time, since its entries have nothing to be recognised by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_was_accepted_when_the_database_goes_away_is_carried_out_once() {
    let storage = Kind::Postgres.storage().await;
    let mut way = Way::to(storage.url()).await;
    let app = App::start_with("crm", &Backend::Server(way.url().to_owned()), &[]).await;
    let entries: Vec<_> = (0..ENTRIES).map(|number| posted(&account(&format!("A{number}"), "name"))).collect();
    let kind = app.kind("accounts");
    let post = app.request("POST", &format!("{kind}/$batch")).header("Content-Type", "application/atom+xml");
    let (answer, ()) = tokio::join!(app.send(post.body(batch(&entries))), async {
        while app.get(&kind).await.feed().0.total_results == Some(0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        way.shut().await;
    });
    assert_eq!(answer.status, 202, "{}", answer.text());
    let refused = app.get(&kind).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "2"), "{}", refused.text());

    way.open_again().await;
    until_ready(&app).await;
    let done = app.poll(answer.header("location")).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let (_, results) = done.feed();
    assert!(results.iter().all(|entry| entry.http_status == Some(201)));
    assert_eq!((results.len(), app.resources("accounts").await.len()), (ENTRIES, ENTRIES));
}
