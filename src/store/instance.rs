//! Which database this is: what shows that it was put back to an earlier state (docs/adr/0006-restore.md).
//!
//! On a server the place of the table `instance` changes when a dump is read back. A file is the same wherever it is put; so beside
//! it lies a witness that remembers the ticks which were given, and which a copy of the file does not bring back.

use super::{CollectionId, Store, StoreError};
use crate::protocol::{Stamp, Tick};
use entities::instance;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, Set};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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

/// The highest own ticks that were seen in the database, by collection: its clocks never go back.
#[derive(Debug, Default)]
pub(super) struct SeenTicks {
    ticks: Mutex<Witness>,
    /// Where they are kept beyond this process.
    file: Option<PathBuf>,
}

/// What lies beside a file.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Witness {
    epoch: String,
    ticks: BTreeMap<i64, i64>,
}

impl SeenTicks {
    /// Ticks that are kept beside the database `file`, or, without one, in memory alone.
    pub(super) fn beside(file: Option<&Path>) -> Self {
        let beside = |file: &Path| {
            let mut name = file.as_os_str().to_owned();
            name.push("-witness");
            PathBuf::from(name)
        };
        Self { ticks: Mutex::default(), file: file.map(beside) }
    }

    /// A higher tick than `own` that was seen of this collection.
    pub(super) fn fallen_from(&self, collection: CollectionId, own: Tick) -> Option<Tick> {
        let seen = self.ticks.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.ticks.get(&collection.0).copied().map(Tick::from_i64)?;
        (seen > own).then_some(seen)
    }

    /// Takes note of committed ticks; those of `forgotten` collections may have gone back.
    pub(super) fn remember(&self, forgotten: &[CollectionId], moved: &[(CollectionId, Tick)]) {
        if forgotten.is_empty() && moved.is_empty() {
            return;
        }
        let mut seen = self.ticks.lock().unwrap_or_else(PoisonError::into_inner);
        for collection in forgotten {
            seen.ticks.remove(&collection.0);
        }
        for (collection, tick) in moved {
            let known = seen.ticks.entry(collection.0).or_default();
            *known = tick.to_i64().max(*known);
        }
        self.write(&seen);
    }

    /// Whether the witness beside the database is that of `epoch`; its ticks are known from then on.
    fn testifies(&self, epoch: &str) -> bool {
        let Some(file) = &self.file else { return true };
        let mut seen = self.ticks.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.epoch == epoch {
            return true;
        }
        let read = std::fs::read(file).ok().and_then(|text| serde_json::from_slice::<Witness>(&text).ok());
        let Some(witness) = read.filter(|witness| witness.epoch == epoch) else { return false };
        *seen = witness;
        true
    }

    /// A new epoch: what was seen before says nothing of it.
    fn renew(&self, epoch: &str) {
        let mut seen = self.ticks.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Witness { epoch: epoch.to_owned(), ticks: BTreeMap::new() };
        self.write(&seen);
    }

    /// Not forced to the disk: a witness that is behind after a crash of the machine accuses nobody.
    fn write(&self, witness: &Witness) {
        let Some(file) = self.file.as_ref().filter(|_| !witness.epoch.is_empty()) else { return };
        let beside = file.with_extension(format!("{}.new", std::process::id()));
        let written = serde_json::to_vec(witness)
            .map_err(std::io::Error::other)
            .and_then(|text| std::fs::write(&beside, text))
            .and_then(|()| std::fs::rename(&beside, file));
        if let Err(error) = written {
            tracing::warn!(%error, file = %file.display(), "the witness beside the database cannot be written");
        }
    }
}

/// The database file of a `sqlite://` URL.
pub(super) fn file_of(url: &str) -> Option<PathBuf> {
    let file = url.strip_prefix("sqlite:")?;
    let file = file.strip_prefix("//").unwrap_or(file);
    Some(PathBuf::from(file.split('?').next().unwrap_or_default()))
}

impl Store {
    /// Looks whether this is the database that it was: on the first look it takes note of where it is; when it was put back, or moved,
    /// it lets the clocks of all its collections stand still and gives the reason.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn recognize(&self, now: Stamp) -> Result<Option<String>, StoreError> {
        let place = self.place().await?;
        let known = instance::Entity::find_by_id(ROW).one(&self.inner.read).await?;
        if known.is_some_and(|row| row.place == place && self.inner.ticks.testifies(&row.epoch)) {
            return Ok(None);
        }
        super::retrying(|| self.find_out(&place, now)).await
    }

    async fn find_out(&self, place: &str, now: Stamp) -> Result<Option<String>, StoreError> {
        let epoch = uuid::Uuid::new_v4().to_string();
        let mut txn = self.begin().await?;
        let row = instance::Entity::find_by_id(ROW).lock_exclusive().one(&txn.transaction).await?;
        let Some(row) = row else {
            let row = instance::ActiveModel { id: Set(ROW), epoch: Set(epoch.clone()), place: Set(place.to_owned()) };
            instance::Entity::insert_many([row])
                .on_conflict(self.inner.dialect.keep(instance::Column::Id))
                .exec_without_returning(&txn.transaction)
                .await?;
            let row = instance::Entity::find_by_id(ROW).one(&txn.transaction).await?;
            txn.commit().await?;
            self.inner.ticks.renew(&row.map_or(epoch, |row| row.epoch));
            return Ok(None);
        };
        let testifies = self.inner.ticks.testifies(&row.epoch);
        let cause = match (row.place == place, testifies) {
            // Somebody else was faster.
            (true, true) => return Ok(None),
            (false, _) => format!("the database is not where it was: it was at {}, and is at {place}", row.place),
            (true, false) => "the witness beside the database is missing or of another time".to_owned(),
        };
        txn.begin_recoveries(now, &cause).await?;
        instance::Entity::update_many()
            .col_expr(instance::Column::Epoch, Expr::value(epoch.as_str()))
            .col_expr(instance::Column::Place, Expr::value(place))
            .filter(instance::Column::Id.eq(ROW))
            .exec(&txn.transaction)
            .await?;
        txn.commit().await?;
        self.inner.ticks.renew(&epoch);
        Ok(Some(cause))
    }

    /// Where the database lives: another text when it was read back from a dump, or its file put in place of another.
    async fn place(&self) -> Result<String, StoreError> {
        match self.inner.dialect.backend() {
            DbBackend::Postgres => match self.text(POSTGRES_PLACE).await {
                Err(StoreError::Backend(_)) => self.text(POSTGRES_LIKE_PLACE).await,
                place => place,
            },
            DbBackend::MySql => {
                let version = self.text("SELECT VERSION()").await?;
                self.text(if version.contains("MariaDB") { MARIADB_PLACE } else { MYSQL_PLACE }).await
            }
            _ => Ok(self.inner.file.as_deref().map(file_identity).unwrap_or_default()),
        }
    }

    async fn text(&self, query: &str) -> Result<String, StoreError> {
        let row = self.inner.read.query_one_raw(self.inner.dialect.statement(query, [])).await?;
        let row = row.ok_or_else(|| super::connection::missing("the place of the table instance"))?;
        Ok(row.try_get_by_index(0)?)
    }
}

/// A file that is put in place of another is another file, unless its bytes are written over those of the other.
fn file_identity(file: &Path) -> String {
    let Ok(metadata) = std::fs::metadata(file) else { return String::new() };
    let created = metadata.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let created = created.map(|since| since.as_micros()).unwrap_or_default();
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let number = 0;
    format!("file {number}/{created}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_url_is_found() {
        for (url, file) in [("sqlite://a/b.db", "a/b.db"), ("sqlite:///a/b.db?mode=rwc", "/a/b.db")] {
            assert_eq!(file_of(url), Some(PathBuf::from(file)));
        }
        assert_eq!(file_of("postgres://a/b"), None);
    }

    #[test]
    fn a_witness_remembers_beyond_its_process_what_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.db");
        let tick = |value| Tick::new(value).unwrap();
        let seen = SeenTicks::beside(Some(&file));
        seen.renew("one");
        seen.remember(&[], &[(CollectionId(1), tick(9)), (CollectionId(2), tick(4))]);
        seen.remember(&[], &[(CollectionId(1), tick(7))]);
        let again = SeenTicks::beside(Some(&file));
        assert!(!again.testifies("two") && again.testifies("one"));
        assert_eq!(again.fallen_from(CollectionId(1), tick(8)), Some(tick(9)));
        assert_eq!(again.fallen_from(CollectionId(1), tick(9)), None);
        again.remember(&[CollectionId(1)], &[(CollectionId(1), tick(3))]);
        assert_eq!(again.fallen_from(CollectionId(1), tick(3)), None);
        assert_eq!(again.fallen_from(CollectionId(3), tick(1)), None);
    }
}
