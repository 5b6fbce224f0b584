//! What operators watch of a database, read in three statements.

use super::{CollectionId, Operation, Store, StoreError, TrackingState};
use crate::protocol::Stamp;
use sea_orm::{ConnectionTrait, Statement, Value};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What is not counted elsewhere is counted up to this: to be watched, it must cost little, however much it is.
pub const COUNTED_AT_MOST: u64 = 10_000;

/// Collections counted in one statement: SQLite takes so many parts.
const COLLECTIONS_AT_ONCE: usize = 100;

/// What there is at this moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measures {
    /// Operations that need a worker; those there are none of are not there.
    pub pending: Vec<Pending>,
    /// The collections asked for.
    pub collections: BTreeMap<CollectionId, Numbers>,
}

/// Operations of one kind that wait, or run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// What they do.
    pub operation: Operation,
    /// Whether they wait or run.
    pub state: TrackingState,
    /// How many there are.
    pub count: u64,
    /// Since when the first of them waits, or runs.
    pub since: Stamp,
}

/// Numbers of a collection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Live resources.
    pub live: u64,
    /// Entries parked; [`COUNTED_AT_MOST`] where there are as many or more.
    pub parked: u64,
    /// Resources without a tick; [`COUNTED_AT_MOST`] where there are as many or more.
    pub unstamped: u64,
}

/// Connections to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// What they are for: `read` and `write` on SQLite, `all` elsewhere; `queries` where those of clients have their own.
    pub name: &'static str,
    /// Those in use.
    pub used: u32,
    /// Those that are open and free.
    pub idle: u32,
    /// The most there may be.
    pub most: u32,
}

impl Store {
    /// What there is of `collections` and of their operations. Reads indexes alone, and of none more than a few thousand rows
    /// a collection.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn measures(&self, collections: &[CollectionId]) -> Result<Measures, StoreError> {
        let mut measures = Measures { pending: self.pending(collections).await?, ..Measures::default() };
        for ids in collections.chunks(COLLECTIONS_AT_ONCE) {
            for row in self.inner.read.query_all_raw(self.count_waiting(ids)).await? {
                let numbers = measures.collections.entry(CollectionId(row.try_get_by_index(0)?)).or_default();
                numbers.parked = count(row.try_get_by_index(1)?);
                numbers.unstamped = count(row.try_get_by_index(2)?);
            }
            for row in self.inner.read.query_all_raw(self.count_live(ids)).await? {
                let numbers = measures.collections.entry(CollectionId(row.try_get_by_index(0)?)).or_default();
                numbers.live = count(row.try_get_by_index(1)?);
            }
        }
        Ok(measures)
    }

    async fn pending(&self, collections: &[CollectionId]) -> Result<Vec<Pending>, StoreError> {
        if collections.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT operation, state, COUNT(*), MIN(COALESCE(started_at, created_at)) FROM tracking \
             WHERE state IN (?, ?) AND collection_id IN ({}) GROUP BY operation, state",
            listed(collections)
        );
        let states = TrackingState::PENDING.map(|state| Value::from(state.as_str()));
        let rows = self.inner.read.query_all_raw(self.inner.dialect.statement(&sql, states)).await?;
        let pending = rows.iter().map(|row| {
            let (operation, state): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            Ok(Pending {
                operation: Operation::stored(&operation)?,
                state: TrackingState::stored(&state)?,
                count: count(row.try_get_by_index(2)?),
                since: Stamp::from_micros(row.try_get_by_index(3)?),
            })
        });
        pending.collect()
    }

    /// Ids stand in the text: it is the same every time, and short of an id there is nothing to bind.
    fn count_waiting(&self, ids: &[CollectionId]) -> Statement {
        let (by_unstamped, integer) = (self.inner.dialect.by_unstamped(), self.inner.dialect.integer());
        let mut sql = String::new();
        for CollectionId(id) in ids {
            let union = if sql.is_empty() { "" } else { " UNION ALL " };
            // Writing to a String does not fail.
            let _ = write!(
                sql,
                "{union}SELECT CAST({id} AS {integer}), \
                 (SELECT COUNT(*) FROM (SELECT 1 AS one FROM parked_entry WHERE collection_id = {id} \
                  LIMIT {COUNTED_AT_MOST}) AS parked), \
                 (SELECT COUNT(*) FROM (SELECT 1 AS one FROM resource {by_unstamped} WHERE collection_id = {id} \
                  AND tick IS NULL LIMIT {COUNTED_AT_MOST}) AS unstamped)"
            );
        }
        self.inner.dialect.statement(&sql, [])
    }

    fn count_live(&self, ids: &[CollectionId]) -> Statement {
        let integer = self.inner.dialect.integer();
        let sql = format!(
            "SELECT collection_id, CAST(SUM(live) AS {integer}) FROM live_count WHERE collection_id IN ({}) \
             GROUP BY collection_id",
            listed(ids)
        );
        self.inner.dialect.statement(&sql, [])
    }

    /// The connections of this process; asks nobody.
    #[must_use]
    pub fn pools(&self) -> Vec<Pool> {
        let inner = &self.inner;
        let mut pools = if inner.dialect.has_single_writer() {
            vec![inner.dialect.pool("read", inner.read.0.bare()), inner.dialect.pool("write", inner.write.0.bare())]
        } else {
            vec![inner.dialect.pool("all", inner.write.0.bare())]
        };
        if inner.queries_apart {
            pools.push(inner.dialect.pool("queries", inner.queries.0.bare()));
        }
        pools
    }

    /// Which database it is: `sqlite`, `postgres` or `mysql`, which MariaDB is, too.
    #[must_use]
    pub fn database(&self) -> &'static str {
        self.inner.dialect.name()
    }
}

fn listed(ids: &[CollectionId]) -> String {
    ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(", ")
}

/// A program that does not count may have made it less than nothing.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
