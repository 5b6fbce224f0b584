//! What can go wrong with a database goes wrong at every step of every operation, on every database: nothing acknowledged is
//! lost, nothing is applied twice, the digest covers exactly what is applied or parked, and nothing stays stuck.
//!
//! Each case is an operation, a step of it and a fault there. Its client repeats what was not answered, a process that died is
//! started again, and then everything must be as if nothing had happened. `SDATA_SYNC_NIGHTLY=1` runs every combination;
//! `FAULTS_OF=name` those of operations whose name contains it.

#![cfg(debug_assertions)]
#![allow(unreachable_pub, reason = "one binary: its modules are its own")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up has failed")]

#[path = "../support/databases.rs"]
mod databases;
mod matrix;
#[path = "../it/support/messages.rs"]
#[allow(dead_code, reason = "other suites use the rest")]
mod messages;
mod node;
mod operations;
mod plans;
#[path = "../support/process.rs"]
mod process;
mod processes;
mod state;

use databases::Server;
use node::Place;
use plans::Sample;

/// What an ordinary run tries.
const ON_SQLITE: Sample = Sample { one_statement_in: 3, at_commits: 2 };

/// The same where every step takes longer.
const ON_SERVERS: Sample = Sample { one_statement_in: 6, at_commits: 1 };

/// OURS-FAULT-01, OURS-FAULT-02, SYNC-5.3-10, CORE-11.5-06.
#[test]
fn nothing_is_lost_or_done_twice_whatever_goes_wrong_on_sqlite() {
    matrix::run("SQLite", &(0..6).map(|_| Place::on_sqlite()).collect::<Vec<_>>(), ON_SQLITE);
}

/// OURS-FAULT-01, OURS-FAULT-02, SYNC-5.3-10, CORE-11.5-06.
#[test]
fn nothing_is_lost_or_done_twice_whatever_goes_wrong_on_postgres() {
    matrix::run("PostgreSQL", &(0..8).map(|_| Place::on_server(Server::Postgres)).collect::<Vec<_>>(), ON_SERVERS);
}

/// OURS-FAULT-01, OURS-FAULT-02, SYNC-5.3-10, CORE-11.5-06.
#[test]
fn nothing_is_lost_or_done_twice_whatever_goes_wrong_on_mysql() {
    matrix::run("MySQL", &(0..8).map(|_| Place::on_server(Server::Mysql)).collect::<Vec<_>>(), ON_SERVERS);
}
