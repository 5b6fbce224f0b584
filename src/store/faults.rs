//! Planned faults: what can go wrong with a database goes wrong exactly where a test wants it.
//!
//! Every statement, begin and commit of the store passes here. This file is part of builds with debug assertions alone; in
//! the program that is shipped `no_faults.rs` stands in its place and does nothing.
//!
//! Errors are the database's own wherever it can be made to raise them, so that what sorts them is tested as well.

use super::dialect::Dialect;
use sea_orm::sqlx;
use sea_orm::{ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, RuntimeErr};
use std::io::ErrorKind;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Names a plan for a whole process, read when it connects: `FAULT,SIDE,STEP,NUMBER,TEXT`, such as
/// `crash,before,commit,3,INSERT INTO tracking`. Steps are counted from the first statement that contains the text.
const VARIABLE: &str = "SDATA_SYNC_FAULTS";

/// Characters of a statement that are noted.
const NOTED: usize = 60;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Others are in the way: a deadlock, a locked database, a pool that is used up.
    Busy,
    /// There is no room left on the disk.
    Full,
    /// The connection breaks.
    Lost,
    /// The process dies: this one at once where the plan comes from the environment, else everything stands still from
    /// here on, until whoever waits in [`Faults::crashed`] drops it.
    Crash,
    /// Another worker takes every lane that is held.
    LaneTaken,
}

/// On which side of the step it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The step is not done.
    Before,
    /// The step is done, and who asked for it does not learn it.
    After,
}

/// What a store does, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A statement of a transaction.
    Statement,
    /// A statement that is a transaction by itself.
    Alone,
    /// The begin of a transaction.
    Begin,
    /// The commit of a transaction.
    Commit,
}

/// One fault, planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What happens.
    pub fault: Fault,
    /// Before or after the step.
    pub side: Side,
    /// At which kind of step.
    pub step: Step,
    /// At which of them, from 0.
    pub number: u64,
    /// Whether it happens at every one from then on, until the plan is cleared.
    pub lasts: bool,
}

/// What the steps since the plan was made were.
#[derive(Debug, Default)]
pub struct Seen {
    /// Each step, with the beginning of its statement.
    pub steps: Vec<(Step, String)>,
    /// Whether the planned fault came about: it did something, and not only its step was reached.
    pub happened: bool,
}

/// The plan of one store: a handle.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<State>);

#[derive(Debug, Default)]
struct State {
    run: Mutex<Run>,
    crashed: Notify,
}

#[derive(Debug, Default)]
struct Run {
    /// Whether somebody planned it: steps that nobody asks for must not pile up.
    is_planned: bool,
    plan: Option<Plan>,
    /// Counting begins with the first statement that contains it.
    from: Option<String>,
    /// Crashing ends the process.
    is_real: bool,
    seen: Seen,
    is_dead: bool,
}

/// What became of a fault that the step itself does not fail with.
enum Harm {
    /// Nothing: there was nothing that could break.
    None,
    /// It is done; what comes next finds it out.
    Done,
}

/// What is to happen once a step is done.
pub(super) struct Ahead<'f>(Option<(Fault, &'f Faults)>);

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<_> = text.splitn(5, ',').collect();
        let [fault, side, step, number, ..] = words.as_slice() else { return Err(format!("'{text}' is no plan")) };
        let fault = match *fault {
            "busy" => Fault::Busy,
            "full" => Fault::Full,
            "lost" => Fault::Lost,
            "crash" => Fault::Crash,
            "lane" => Fault::LaneTaken,
            other => return Err(format!("'{other}' is no fault")),
        };
        let side = match *side {
            "before" => Side::Before,
            "after" => Side::After,
            other => return Err(format!("'{other}' is no side")),
        };
        let step = match *step {
            "statement" => Step::Statement,
            "alone" => Step::Alone,
            "begin" => Step::Begin,
            "commit" => Step::Commit,
            other => return Err(format!("'{other}' is no step")),
        };
        let number = number.parse().map_err(|_| format!("'{number}' is no number"))?;
        Ok(Self { fault, side, step, number, lasts: false })
    }
}

impl Faults {
    /// What the environment plans for this process.
    ///
    /// # Errors
    /// When it is no plan.
    pub(super) fn of_environment() -> Result<Self, DbErr> {
        let faults = Self::default();
        if let Ok(text) = std::env::var(VARIABLE) {
            let plan = text.parse().map_err(|error| DbErr::Custom(format!("{VARIABLE}: {error}")))?;
            let from = text.splitn(5, ',').nth(4).map(str::to_owned);
            *faults.run() = Run { is_planned: true, plan: Some(plan), from, is_real: true, ..Run::default() };
        }
        Ok(faults)
    }

    /// Counts anew, and lets happen what is planned; with `None` nothing.
    pub fn plan(&self, plan: Option<Plan>) {
        *self.run() = Run { is_planned: true, plan, ..Run::default() };
    }

    /// Lets nothing happen any more; answers what was seen since it was planned.
    pub fn clear(&self) -> Seen {
        std::mem::take(&mut *self.run()).seen
    }

    /// Ends when the planned crash has happened.
    pub async fn crashed(&self) {
        loop {
            let crashed = self.0.crashed.notified();
            if self.run().is_dead {
                return;
            }
            crashed.await;
        }
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.0.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a step: what is planned before it happens now, what is planned behind it with [`Ahead::done`].
    ///
    /// # Errors
    /// The fault.
    pub(super) async fn pass(
        &self,
        connection: &impl ConnectionTrait,
        step: Step,
        sql: &str,
    ) -> Result<Ahead<'_>, DbErr> {
        let due = self.note(step, sql);
        if self.run().is_dead {
            return std::future::pending().await;
        }
        match due {
            Some((fault, Side::Before)) => {
                self.happen(connection, fault, step).await?;
                Ok(Ahead(None))
            }
            Some((fault, Side::After)) => Ok(Ahead(Some((fault, self)))),
            None => Ok(Ahead(None)),
        }
    }

    fn note(&self, step: Step, sql: &str) -> Option<(Fault, Side)> {
        let mut run = self.run();
        if !run.is_planned {
            return None;
        }
        if let Some(from) = &run.from {
            if !sql.replace(['"', '`'], "").contains(from.as_str()) {
                return None;
            }
            run.from = None;
        }
        let plan = run.plan.clone();
        let number = run.seen.steps.iter().filter(|(seen, _)| *seen == step).count() as u64;
        run.seen.steps.push((step, sql.chars().take(NOTED).collect()));
        let plan = plan.filter(|plan| plan.step == step)?;
        let is_due = if plan.lasts { plan.number <= number } else { plan.number == number };
        is_due.then_some((plan.fault, plan.side))
    }

    async fn crash(&self) -> ! {
        if self.run().is_real {
            std::process::abort();
        }
        self.note_happened();
        self.run().is_dead = true;
        self.0.crashed.notify_waiters();
        std::future::pending().await
    }

    fn note_happened(&self) {
        self.run().seen.happened = true;
    }

    async fn happen(&self, connection: &impl ConnectionTrait, fault: Fault, step: Step) -> Result<(), DbErr> {
        let harm = match fault {
            Fault::Busy => busy(connection, step).await,
            Fault::Full => full(connection).await,
            Fault::Lost => lost(connection, step).await,
            Fault::Crash => self.crash().await,
            Fault::LaneTaken => take_lanes(connection).await,
        };
        if !matches!(harm, Ok(Harm::None)) {
            self.note_happened();
        }
        harm.map(drop)
    }
}

impl Ahead<'_> {
    /// The step is done; whoever asked for it may not learn it.
    ///
    /// # Errors
    /// The fault.
    pub(super) async fn done(self) -> Result<(), DbErr> {
        match self.0 {
            None => Ok(()),
            Some((Fault::Crash, faults)) => faults.crash().await,
            Some((_, faults)) => {
                faults.note_happened();
                Err(broken())
            }
        }
    }
}

/// The error of a connection that broke.
fn broken() -> DbErr {
    let error = sqlx::Error::Io(std::io::Error::new(ErrorKind::ConnectionReset, "planned"));
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

/// A deadlock, as far as the database can be made to tell of one; MySQL undoes the transaction of its victim at once.
async fn busy(connection: &impl ConnectionTrait, step: Step) -> Result<Harm, DbErr> {
    match connection.get_database_backend() {
        _ if step == Step::Begin => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        DbBackend::Postgres => raise_on_postgres(connection, "40P01").await,
        DbBackend::MySql => {
            connection.execute_unprepared("ROLLBACK").await?;
            signal_on_mysql(connection, "40001", 1213).await
        }
        // A checkpoint within a transaction finds the table locked.
        _ if step != Step::Alone => connection.execute_unprepared("PRAGMA wal_checkpoint").await.map(|_| Harm::None),
        _ => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
    }
}

async fn full(connection: &impl ConnectionTrait) -> Result<Harm, DbErr> {
    match connection.get_database_backend() {
        DbBackend::Postgres => raise_on_postgres(connection, "53100").await,
        DbBackend::MySql => signal_on_mysql(connection, "HY000", 1114).await,
        _ => {
            // No file may grow any more: what does not fit into it fails, and takes its transaction with it.
            connection.execute_unprepared("PRAGMA max_page_count = 1").await?;
            let large = "INSERT INTO body_part (body_id, part, data, created_at) VALUES (-1, 0, zeroblob(50000000), 0)";
            let full = connection.execute_unprepared(large).await;
            connection.execute_unprepared("PRAGMA max_page_count = 4294967294").await?;
            full.map(|_| Harm::None)
        }
    }
}

/// Ends the connection of a transaction at the server; elsewhere nobody knows which connection it would be.
async fn lost(connection: &impl ConnectionTrait, step: Step) -> Result<Harm, DbErr> {
    let kill = match connection.get_database_backend() {
        DbBackend::Postgres => "SELECT pg_terminate_backend(pg_backend_pid())",
        DbBackend::MySql => "KILL CONNECTION_ID()",
        _ => return Err(broken()),
    };
    if !matches!(step, Step::Statement | Step::Commit) {
        return Err(broken());
    }
    // It fails, because its connection is gone; what comes next finds that out by itself.
    let _ = connection.execute_unprepared(kill).await;
    Ok(Harm::Done)
}

/// Takes every lane that is held: with a short lease, because whoever takes it dies at once.
async fn take_lanes(connection: &impl ConnectionTrait) -> Result<Harm, DbErr> {
    let now = Dialect::of(connection.get_database_backend()).now();
    let taken = format!(
        "UPDATE lane SET owner = 'another', lease_until = {now} + 200000 WHERE owner IS NOT NULL AND lease_until > {now}"
    );
    let lanes = connection.execute_unprepared(&taken).await?.rows_affected();
    Ok(if lanes > 0 { Harm::Done } else { Harm::None })
}

async fn raise_on_postgres(connection: &impl ConnectionTrait, code: &str) -> Result<Harm, DbErr> {
    let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'planned' USING ERRCODE = '{code}'; END $$");
    connection.execute_unprepared(&raise).await.map(|_| Harm::None)
}

async fn signal_on_mysql(connection: &impl ConnectionTrait, state: &str, number: u16) -> Result<Harm, DbErr> {
    let signal = format!("SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'planned'");
    connection.execute_unprepared(&signal).await.map(|_| Harm::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_noted_from_the_plan_on_and_no_longer_than_it_stands() {
        let faults = Faults::default();
        let step = || faults.note(Step::Begin, "BEGIN");
        assert_eq!(step(), None);
        assert_eq!(faults.clear().steps, []);
        let plan = Plan { fault: Fault::Busy, side: Side::Before, step: Step::Begin, number: 1, lasts: false };
        faults.plan(Some(plan));
        assert_eq!((step(), step()), (None, Some((Fault::Busy, Side::Before))));
        assert_eq!(faults.clear().steps.len(), 2);
        assert_eq!(step(), None);
        assert_eq!(faults.clear().steps, []);
    }
}
