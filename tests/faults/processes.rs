//! Several processes on one database: none goes by its own clock in what concerns others, and one that stops hands over at once.

use crate::databases::Server;
use crate::node::{Node, Place};
use crate::operations::{ACCOUNTS, ORDERS};
use crate::state;
use rstest::rstest;
use sdata_sync::jobs::ContextState;
use sdata_sync::store::{Operation, TrackingState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Two days, in milliseconds: longer than anything is kept.
const TWO_DAYS: i64 = 2 * 86_400_000;

/// Longer than two rounds of whoever looks for what is due.
const TWO_ROUNDS: Duration = Duration::from_secs(5);

/// OURS-PROC-01, CORE-11.5-06.
#[rstest]
#[case::ahead_on_postgres(Server::Postgres, TWO_DAYS)]
#[case::behind_on_postgres(Server::Postgres, -TWO_DAYS)]
#[case::ahead_on_mysql(Server::Mysql, TWO_DAYS)]
#[case::behind_on_mysql(Server::Mysql, -TWO_DAYS)]
fn what_a_process_keeps_for_a_time_is_kept_so_long_whatever_the_clocks_of_others_say(
    #[case] server: Server,
    #[case] apart_millis: i64,
) {
    let place = Place::on_server(server);
    let here = Node::start(&place);
    here.run(here.parked_with_its_account()).unwrap();
    // Both look for what has expired and what is due, over and over.
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            here.run(async {
                while !is_over.load(Ordering::SeqCst) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            });
        });
        let there = here.beside(apart_millis);
        there.run(async {
            there.parked_again().await.unwrap();
            tokio::time::sleep(TWO_ROUNDS).await;
        });
        is_over.store(true, Ordering::SeqCst);
    });
    for id in ["parks", "account", "again"] {
        let kind = if id == "account" { ACCOUNTS } else { ORDERS };
        let collection = here.collection(kind);
        let id = format!("{}-{id}", here.name);
        let found = here.run(here.store().tracking(collection.id, Operation::SyncTarget, &id)).unwrap().unwrap();
        assert_eq!(found.state, TrackingState::Done, "{id}");
        let left = found.expires_at.unwrap().millis() - here.store().time().millis();
        assert!((86_300_000..=86_400_000).contains(&left), "{id} is kept for {left} ms");
    }
    let parked = here.run(async {
        let mut txn = here.store().begin().await.unwrap();
        txn.parked_batch(here.collection(ORDERS).id, None, (100, u64::MAX)).await.unwrap()
    });
    // The first was applied when the second came. That waits for ten seconds, or, on a busy machine, for the minute after them,
    // or is overdue.
    assert_eq!(parked.len(), 1);
    let next: Vec<_> = parked.iter().map(|one| one.entry.next_try_at.millis() - here.store().time().millis()).collect();
    assert!(next.iter().all(|left| (-60_000..=60_000).contains(left)), "{next:?}");
}

/// OURS-PROC-01, CORE-11.5-06: its lease has long to run, and yet nobody waits for its end.
#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
fn a_process_that_stops_hands_its_work_over_at_once(#[case] server: Server) {
    const CHUNKS: u64 = 40;
    let place = Place::on_server(server);
    let first = Node::start_with(&place, Duration::from_secs(600));
    let collection = first.collection(ACCOUNTS);
    let id = format!("{}-chunks", first.name);
    first.run(async {
        let taking = first.target(ACCOUNTS, "chunks", crate::operations::feeds::many_chunks(CHUNKS));
        let stopping = async {
            loop {
                let record = first.store().tracking(collection.id, Operation::SyncTarget, &id).await.unwrap();
                if record.is_some_and(|record| record.done > 0) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            first.jobs().shutdown().await;
        };
        tokio::select! {
            done = taking => panic!("it was done before it could be stopped: {done:?}"),
            () = stopping => {}
        }
        let record = first.store().tracking(collection.id, Operation::SyncTarget, &id).await.unwrap().unwrap();
        assert_eq!(record.state, TrackingState::Running);
        assert!(record.done < CHUNKS, "{record:?}");
    });
    let second = first.beside(0);
    let done = second.run(async {
        let finished = second.jobs().finished_context(&collection, Operation::SyncTarget, &id);
        tokio::time::timeout(Duration::from_secs(60), finished).await
    });
    assert!(matches!(done.unwrap().unwrap().state, ContextState::Target(_)));
    let results = second.run(state::results(&second, ACCOUNTS, Operation::SyncTarget, &id));
    assert_eq!(results.len() as u64, CHUNKS + 1);
    let facts = second.run(state::of(&second));
    let applied = facts.iter().filter(|fact| fact.starts_with("audit")).count() as u64;
    assert_eq!(applied, CHUNKS, "each once");
}
