//! Which database this is: what shows that it was put back to an earlier state (docs/adr/0006-restore.md).
//!
//! On a server the place of the table `instance` changes when a dump is read back. A file is the same wherever it is put; so beside
//! it lies a witness that remembers the ticks which were given, and which a copy of the file does not bring back.

use super::database_errors::is_beyond_server;
use super::{Event, Operation, Store, StoreError, Txn};
use crate::protocol::{Endpoint, Stamp, Tick};
use entities::instance;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QuerySelect, Set};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is written down when a database turns out to have been put back.
#[derive(Debug, Clone)]
pub struct PutBackNotes {
    /// For the audit.
    pub events: Vec<Event>,
    /// Why the operations failed that waited or ran in it, as it is kept with each.
    pub failure: serde_json::Value,
    /// How long they are kept.
    pub kept: Duration,
}

/// The one row.
const ROW: i64 = 1;

/// The server, the database, the table and the line of history it is on: a dump that is read back makes the table anew, a base backup
/// goes on in a line of its own.
const POSTGRES_PLACE: &str = "SELECT CONCAT_WS('/', (SELECT system_identifier FROM pg_control_system()), \
    (SELECT oid FROM pg_database WHERE datname = current_database()), 'instance'::regclass::oid, \
    SUBSTR(pg_walfile_name(pg_current_wal_lsn()), 1, 8))";

/// The same without what only PostgreSQL itself has.
const POSTGRES_LIKE_PLACE: &str = "SELECT CONCAT_WS('/', current_database(), 'instance'::regclass::oid)";

/// When the table was made: a dump that is read back makes it anew.
const MARIADB_PLACE: &str = "SELECT CONCAT_WS('/', DATABASE(), CAST(create_time AS CHAR)) FROM information_schema.tables \
    WHERE table_schema = DATABASE() AND table_name = 'instance'";

/// The same with the server, which has a name of its own on MySQL.
const MYSQL_PLACE: &str = "SELECT CONCAT_WS('/', @@server_uuid, DATABASE(), CAST(create_time AS CHAR)) \
    FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'instance'";

/// The highest own ticks that were seen in the database, by endpoint: its clocks never go back.
#[derive(Debug, Default)]
pub(super) struct SeenTicks {
    seen: Mutex<Seen>,
    /// Where they are kept beyond this process.
    file: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct Seen {
    witness: Witness,
    /// How far this process itself has seen them.
    here: HashMap<String, i64>,
    /// Whether one of these clocks went backwards under this process.
    has_fallen: bool,
}

/// What lies beside a file. Ticks are kept by the name under which they were given: a database that is made anew may number its
/// collections otherwise.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Witness {
    epoch: String,
    ticks: BTreeMap<String, i64>,
}

impl Witness {
    /// Whether that was news.
    fn note(&mut self, own: &str, tick: i64) -> bool {
        match self.ticks.get_mut(own) {
            Some(known) if *known >= tick => return false,
            Some(known) => *known = tick,
            None => drop(self.ticks.insert(own.to_owned(), tick)),
        }
        true
    }
}

/// What was found beside a database.
enum Beside {
    Nothing,
    /// A power cut can take away what was in it, where it is not forced to the disk.
    Empty,
    Illegible,
    Witness(Witness),
}

impl SeenTicks {
    /// Ticks that are kept beside the database `file`, or, without one, in memory alone.
    pub(super) fn beside(file: Option<&Path>) -> Self {
        let beside = |file: &Path| {
            let mut name = file.as_os_str().to_owned();
            name.push("-witness");
            PathBuf::from(name)
        };
        Self { seen: Mutex::default(), file: file.map(beside) }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A higher tick than `tick` that was seen of this endpoint.
    pub(super) fn fallen_from(&self, own: &Endpoint, tick: Tick) -> Option<Tick> {
        let seen = self.lock().witness.ticks.get(own.as_str()).copied().map(Tick::from_i64)?;
        (seen > tick).then_some(seen)
    }

    /// The same where `tick` is surely the one in force: where it was higher under this process, that is remembered.
    pub(super) fn fell_from(&self, own: &Endpoint, tick: Tick) -> Option<Tick> {
        let fallen_from = self.fallen_from(own, tick)?;
        let mut seen = self.lock();
        seen.has_fallen |= seen.here.get(own.as_str()).is_some_and(|here| *here > tick.to_i64());
        Some(fallen_from)
    }

    /// Takes note of committed ticks, whoever moved them.
    pub(super) fn remember<'t>(&self, seen_now: impl IntoIterator<Item = (&'t Endpoint, Tick)>) {
        let mut seen = self.lock();
        let mut is_news = false;
        for (own, tick) in seen_now {
            let (own, tick) = (own.as_str(), tick.to_i64());
            is_news |= seen.witness.note(own, tick);
            match seen.here.get_mut(own) {
                Some(here) => *here = tick.max(*here),
                None => drop(seen.here.insert(own.to_owned(), tick)),
            }
        }
        if is_news {
            self.write_after(&mut seen.witness);
        }
    }

    /// Other processes on this file write, too: nothing that they have seen goes, and the witness of a later epoch is theirs.
    fn write_after(&self, witness: &mut Witness) {
        if let Beside::Witness(theirs) = self.read() {
            if theirs.epoch != witness.epoch {
                return;
            }
            for (own, tick) in &theirs.ticks {
                witness.note(own, *tick);
            }
        }
        if let Err(error) = self.write(witness) {
            tracing::warn!(%error, "the witness beside the database cannot be written");
        }
    }

    /// Whether the database of `epoch` is the one that this process knows.
    fn knows(&self, epoch: &str) -> bool {
        self.lock().witness.epoch == epoch
    }

    /// Whether the witness beside the database is that of `epoch`, which this process knows it by from then on. The ticks in it were
    /// given whatever its epoch is.
    fn testifies(&self, epoch: &str) -> bool {
        let beside = self.recall();
        let mut seen = self.lock();
        let is_its = match (&self.file, beside) {
            (None, _) => true,
            (Some(_), Beside::Witness(witness)) => witness.epoch == epoch,
            // It says nothing, and so accuses nobody: a copy of another time is not empty.
            (Some(_), Beside::Empty) => true,
            (Some(_), Beside::Nothing | Beside::Illegible) => false,
        };
        if is_its {
            epoch.clone_into(&mut seen.witness.epoch);
        }
        is_its
    }

    /// Learns what lies beside the database.
    fn recall(&self) -> Beside {
        let beside = self.read();
        if let Beside::Witness(witness) = &beside {
            let mut seen = self.lock();
            for (own, tick) in &witness.ticks {
                seen.witness.note(own, *tick);
            }
        }
        beside
    }

    fn read(&self) -> Beside {
        let Some(file) = &self.file else { return Beside::Nothing };
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Beside::Nothing,
            Err(_) => return Beside::Illegible,
        };
        if text.is_empty() {
            return Beside::Empty;
        }
        serde_json::from_slice(&text).map_or(Beside::Illegible, Beside::Witness)
    }

    /// A new epoch of the database. What was given before stays given.
    ///
    /// # Errors
    /// When the witness cannot be written: without one, the database would seem put back at every start.
    fn renew(&self, epoch: &str) -> Result<(), StoreError> {
        let mut seen = self.lock();
        epoch.clone_into(&mut seen.witness.epoch);
        self.write(&seen.witness)
    }

    /// Not forced to the disk: a witness that is behind after a crash of the machine accuses nobody.
    fn write(&self, witness: &Witness) -> Result<(), StoreError> {
        let Some(file) = self.file.as_ref().filter(|_| !witness.epoch.is_empty()) else { return Ok(()) };
        let mut beside = file.clone().into_os_string();
        beside.push(format!(".{}.new", std::process::id()));
        serde_json::to_vec(witness)
            .map_err(std::io::Error::other)
            .and_then(|text| std::fs::write(&beside, text))
            .and_then(|()| std::fs::rename(&beside, file))
            .map_err(|error| unusable(file, &error))
    }
}

impl Store {
    /// Looks whether this is the database that it was: on the first look it takes note of where it is; when it was put back, or moved,
    /// it lets the clocks of all its collections stand still and gives the reason, and writes `notes` of it.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn recognize(
        &self,
        now: Stamp,
        notes: impl Fn(&str) -> PutBackNotes + Sync,
    ) -> Result<Option<String>, StoreError> {
        let place = self.place().await?;
        let known = instance::Entity::find_by_id(ROW).one(&self.inner.read).await?;
        if known.is_some_and(|row| row.place == place && self.inner.ticks.testifies(&row.epoch)) {
            return Ok(None);
        }
        super::retrying(|| self.find_out(&place, now, &notes)).await
    }

    /// Why this is no longer the database that this process knows since [`Store::recognize`], if so: what it remembers of ids is then of
    /// another one. Writes nothing: whoever starts on it finds out for good.
    ///
    /// # Errors
    /// Those of any read; also while a database is being put back.
    pub async fn put_back_since(&self) -> Result<Option<String>, StoreError> {
        let place = self.place().await?;
        let row = instance::Entity::find_by_id(ROW).one(&self.inner.read).await?;
        let row = row.ok_or_else(|| super::connection::missing("the row of the table instance"))?;
        if row.place != place {
            return Ok(Some(moved(&row.place, &place)));
        }
        if !self.inner.ticks.knows(&row.epoch) {
            return Ok(Some("it has another epoch: another process has found that it was put back".to_owned()));
        }
        Ok(self.inner.ticks.lock().has_fallen.then(|| "a clock in it went backwards".to_owned()))
    }

    async fn find_out(
        &self,
        place: &str,
        now: Stamp,
        notes: &(impl Fn(&str) -> PutBackNotes + Sync),
    ) -> Result<Option<String>, StoreError> {
        let epoch = uuid::Uuid::new_v4().to_string();
        let mut txn = self.begin().await?;
        let row = instance::Entity::find_by_id(ROW).lock_exclusive().one(&txn.transaction).await?;
        let Some(row) = row else { return self.introduce(txn, place, epoch, (now, notes)).await };
        let testifies = self.inner.ticks.testifies(&row.epoch);
        let cause = match (row.place == place, testifies) {
            // Somebody else was faster.
            (true, true) => return Ok(None),
            (false, _) => moved(&row.place, place),
            (true, false) => "the witness beside the database is missing or of another time".to_owned(),
        };
        txn.stand_still(now, &cause, &notes(&cause)).await?;
        instance::Entity::update_many()
            .col_expr(instance::Column::Epoch, Expr::value(epoch.as_str()))
            .col_expr(instance::Column::Place, Expr::value(place))
            .filter(instance::Column::Id.eq(ROW))
            .exec(&txn.transaction)
            .await?;
        // Before the commit: where only one of both is done, the witness is of another time, and all is found out again.
        self.inner.ticks.renew(&epoch)?;
        txn.commit().await?;
        Ok(Some(cause))
    }

    /// The first look at a database. It may be there in place of one that was lost: then the witness of that lies beside it, and what
    /// it has seen given is never given again, whenever a collection of that name is opened.
    async fn introduce(
        &self,
        mut txn: Txn,
        place: &str,
        epoch: String,
        (now, notes): (Stamp, &(impl Fn(&str) -> PutBackNotes + Sync)),
    ) -> Result<Option<String>, StoreError> {
        let row = instance::ActiveModel { id: Set(ROW), epoch: Set(epoch.clone()), place: Set(place.to_owned()) };
        instance::Entity::insert_many([row])
            .on_conflict(self.inner.dialect.keep(instance::Column::Id))
            .exec_without_returning(&txn.transaction)
            .await?;
        // Somebody else may have been faster.
        let row = instance::Entity::find_by_id(ROW).one(&txn.transaction).await?;
        let is_illegible = matches!(self.inner.ticks.recall(), Beside::Empty | Beside::Illegible);
        let cause = is_illegible.then(|| "the database is new, and the witness beside it cannot be read".to_owned());
        if let Some(cause) = &cause {
            txn.stand_still(now, cause, &notes(cause)).await?;
        }
        // Before the commit, as above: a witness without a row is still one of a lost database.
        self.inner.ticks.renew(&row.map_or(epoch, |row| row.epoch))?;
        txn.commit().await?;
        Ok(cause)
    }

    /// Where the database lives: another text when it was read back from a dump, or its file put in place of another.
    async fn place(&self) -> Result<String, StoreError> {
        match self.inner.dialect.backend() {
            DbBackend::Postgres => match self.text(POSTGRES_PLACE).await {
                Err(StoreError::Backend(error)) if is_beyond_server(&error) => self.text(POSTGRES_LIKE_PLACE).await,
                place => place,
            },
            DbBackend::MySql => {
                let version = self.text("SELECT VERSION()").await?;
                self.text(if version.contains("MariaDB") { MARIADB_PLACE } else { MYSQL_PLACE }).await
            }
            _ => self.inner.file.as_deref().map_or(Ok(String::new()), file_identity),
        }
    }

    async fn text(&self, query: &str) -> Result<String, StoreError> {
        let row = self.inner.read.query_one_raw(self.inner.dialect.statement(query, [])).await?;
        let row = row.ok_or_else(|| super::connection::missing("the place of the table instance"))?;
        Ok(row.try_get_by_index(0)?)
    }
}

impl Txn {
    /// The database was put back: all clocks stand still, and what was accepted before the backup ends. Done after it, a feed would
    /// count as what its sender knows now, and a batch would be carried out a second time.
    async fn stand_still(&mut self, now: Stamp, cause: &str, notes: &PutBackNotes) -> Result<(), StoreError> {
        // A process that is at one of them and has noticed nothing yet must not end it. Lanes before clocks, as workers take them.
        self.transaction.execute_unprepared("UPDATE lane SET owner = NULL").await?;
        self.begin_recoveries(now, cause).await?;
        let takes = [Operation::SyncTarget, Operation::Batch, Operation::LinkedBatch];
        let ended = Stamp::from_micros(self.inner.clock.micros());
        self.fail_pending(&takes, &notes.failure, [ended, ended.after(notes.kept)]).await?;
        self.add_events(&notes.events).await
    }
}

fn unusable(file: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Backend(DbErr::Custom(format!("{}: {error}", file.display())))
}

fn moved(from: &str, to: &str) -> String {
    format!("the database is not where it was: it was at {from}, and is at {to}")
}

/// A file that is put in place of another is another file, unless its bytes are written over those of the other.
fn file_identity(file: &Path) -> Result<String, StoreError> {
    let metadata = std::fs::metadata(file).map_err(|error| unusable(file, &error))?;
    let created = metadata.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let created = created.map(|since| since.as_micros()).unwrap_or_default();
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let number = 0;
    Ok(format!("file {number}/{created}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_remembers_beyond_its_process_what_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.db");
        let tick = |value| Tick::new(value).unwrap();
        let [accounts, orders, contacts] = ["accounts", "orders", "contacts"]
            .map(|kind| Endpoint::parse(&format!("http://own.test/sdata/crm/sample/-/{kind}")).unwrap());
        let seen = SeenTicks::beside(Some(&file));
        seen.renew("one").unwrap();
        seen.remember([(&accounts, tick(9)), (&orders, tick(4))]);
        seen.remember([(&accounts, tick(7))]);
        let again = SeenTicks::beside(Some(&file));
        assert!(again.testifies("one") && again.knows("one"));
        assert_eq!(again.fallen_from(&accounts, tick(8)), Some(tick(9)));
        assert_eq!(again.fallen_from(&accounts, tick(9)), None);
        assert_eq!(again.fallen_from(&contacts, tick(1)), None);
        let of_another = SeenTicks::beside(Some(&file));
        assert!(!of_another.testifies("two") && !of_another.knows("two"));
        assert_eq!(of_another.fallen_from(&accounts, tick(1)), Some(tick(9)), "given is given");
        of_another.renew("two").unwrap();
        assert_eq!(of_another.fallen_from(&orders, tick(1)), Some(tick(4)));
        seen.remember([(&orders, tick(5))]);
        assert!(SeenTicks::beside(Some(&file)).testifies("two"), "the witness of a later epoch is not replaced");
    }

    #[test]
    fn processes_that_share_a_witness_take_nothing_out_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.db");
        let tick = |value| Tick::new(value).unwrap();
        let [accounts, orders] = ["accounts", "orders"]
            .map(|kind| Endpoint::parse(&format!("http://own.test/sdata/crm/sample/-/{kind}")).unwrap());
        let one = SeenTicks::beside(Some(&file));
        one.renew("one").unwrap();
        let other = SeenTicks::beside(Some(&file));
        assert!(other.testifies("one"));
        one.remember([(&accounts, tick(9))]);
        other.remember([(&orders, tick(4))]);
        let again = SeenTicks::beside(Some(&file));
        assert!(again.testifies("one"));
        assert_eq!(again.fallen_from(&accounts, tick(8)), Some(tick(9)));
        assert_eq!(again.fallen_from(&orders, tick(3)), Some(tick(4)));
    }

    #[test]
    fn a_witness_that_a_power_cut_has_emptied_accuses_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.db");
        let seen = SeenTicks::beside(Some(&file));
        std::fs::write(folder.path().join("data.db-witness"), "").unwrap();
        assert!(seen.testifies("one"));
        std::fs::write(folder.path().join("data.db-witness"), "{").unwrap();
        assert!(!seen.testifies("one"));
    }
}
