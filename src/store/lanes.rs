//! Lanes: the jobs of one collection run one after the other, whoever runs them.
//!
//! A lane belongs to a worker for the time of a lease, by the database's clock. A worker that dies loses it when the lease
//! runs out; one that was only slow notices at its next transaction, which then must not be committed. A lease that ends later than any
//! can is of a clock that was set back since, and has run out, too.

use super::dialect::Dialect;
use super::{CollectionId, Store, StoreError, TrackingRecord, TrackingState, Txn};
use crate::protocol::Stamp;
use entities::tracking;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement, Value};
use std::time::Duration;

/// Lanes tried in one [`Store::claim`] when others are faster.
const TRIES: usize = 8;

/// Gives a lane free that is still its owner's.
const RELEASE: &str = "UPDATE lane SET owner = NULL WHERE collection_id = ? AND owner = ?";

impl Store {
    /// Takes the lane of the collection with the oldest waiting operation and gives that operation; `None` when there is nothing to
    /// do. It is running from then on, since `now` if nobody began it before. `owner` names one worker, which runs one job at a time; no two workers share a name. A job whose worker died is
    /// given again, in state running, to go on from where it stands. Only operations on `served` are given: whoever does
    /// not serve a collection, because its configuration has changed, cannot work on it.
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn claim(
        &self,
        owner: &str,
        lease: Duration,
        served: &[CollectionId],
        now: Stamp,
    ) -> Result<Option<TrackingRecord>, StoreError> {
        for _ in 0..TRIES {
            let Some(collection) = self.waiting_lane(owner, lease, served).await? else { return Ok(None) };
            let mut txn = self.begin().await?;
            if txn.transaction.execute_raw(self.taking(collection, owner, lease)).await?.rows_affected() == 0 {
                continue;
            }
            // Read again: between looking and taking, the former owner may have finished the operation.
            let oldest = tracking::Entity::find()
                .filter(tracking::Column::CollectionId.eq(collection.0))
                .filter(tracking::Column::State.is_in(TrackingState::PENDING.map(TrackingState::as_str)))
                .order_by_asc(tracking::Column::Id);
            let Some(record) = txn.session().first_tracking(oldest).await? else { continue };
            if txn.begin_tracking(record.key, now).await? {
                txn.commit().await?;
                let started_at = record.started_at.or(Some(now));
                return Ok(Some(TrackingRecord { state: TrackingState::Running, started_at, ..record }));
            }
        }
        Ok(None)
    }

    /// The collection with the oldest waiting operation whose lane could be taken.
    async fn waiting_lane(
        &self,
        owner: &str,
        lease: Duration,
        served: &[CollectionId],
    ) -> Result<Option<CollectionId>, StoreError> {
        if served.is_empty() {
            return Ok(None);
        }
        let dialect = self.inner.dialect;
        let served = served.iter().map(|collection| collection.0.to_string()).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT tracking.collection_id FROM tracking JOIN lane ON lane.collection_id = tracking.collection_id \
             WHERE tracking.state IN (?, ?) AND tracking.collection_id IN ({served}) AND {} ORDER BY tracking.id LIMIT 1",
            takeable(dialect)
        );
        let [queued, running] = TrackingState::PENDING.map(|state| Value::from(state.as_str()));
        let values = [queued, running, owner.into(), micros(longest_left(lease)).into()];
        let row = self.inner.read.query_one_raw(dialect.statement(&sql, values)).await?;
        Ok(row.map(|row| row.try_get("", "collection_id")).transpose()?.map(CollectionId))
    }

    /// Takes the lane of a collection for work that no operation asks for; says whether it could be had.
    ///
    /// # Errors
    /// Those of any write.
    // One conditional statement: of two workers that try, the row's lock lets one be first, and the other then finds the lane taken.
    pub async fn take_lane(&self, collection: CollectionId, owner: &str, lease: Duration) -> Result<bool, StoreError> {
        let taken = self.single_write().execute_raw(self.taking(collection, owner, lease)).await?;
        Ok(taken.rows_affected() == 1)
    }

    fn taking(&self, collection: CollectionId, owner: &str, lease: Duration) -> Statement {
        let dialect = self.inner.dialect;
        let (now, takeable) = (dialect.now(), takeable(dialect));
        let sql = format!("UPDATE lane SET owner = ?, lease_until = {now} + ? WHERE collection_id = ? AND {takeable}");
        let longest_left = micros(longest_left(lease));
        let values = [owner.into(), micros(lease).into(), collection.0.into(), owner.into(), longest_left.into()];
        dialect.statement(&sql, values)
    }

    /// Prolongs a lease to `lease` from now.
    ///
    /// # Errors
    /// [`StoreError::LaneLost`] when another worker has taken the lane.
    pub async fn extend(&self, collection: CollectionId, owner: &str, lease: Duration) -> Result<(), StoreError> {
        let extended = self.single_write().execute_raw(self.extension(collection, owner, lease)).await?;
        held(extended.rows_affected())
    }

    /// Gives the lane free, if it is still this worker's.
    pub async fn release(&self, collection: CollectionId, owner: &str) -> Result<(), StoreError> {
        self.inner
            .write
            .execute_raw(self.inner.dialect.statement(RELEASE, [collection.0.into(), owner.into()]))
            .await?;
        Ok(())
    }

    fn extension(&self, collection: CollectionId, owner: &str, lease: Duration) -> Statement {
        let dialect = self.inner.dialect;
        let sql = format!("UPDATE lane SET lease_until = {} + ? WHERE collection_id = ? AND owner = ?", dialect.now());
        dialect.statement(&sql, [micros(lease).into(), collection.0.into(), owner.into()])
    }
}

impl Txn {
    /// Holds the lane to the end of this transaction and prolongs its lease: nobody takes it over before the commit.
    ///
    /// # Errors
    /// [`StoreError::LaneLost`] when another worker has taken the lane: nothing of this transaction may be kept.
    pub async fn hold_lane(
        &mut self,
        collection: CollectionId,
        owner: &str,
        lease: Duration,
    ) -> Result<(), StoreError> {
        let store = Store { inner: std::sync::Arc::clone(&self.inner) };
        let extended = self.transaction.execute_raw(store.extension(collection, owner, lease)).await?;
        held(extended.rows_affected())
    }

    /// Gives the lane free with the end of this transaction.
    ///
    /// # Errors
    /// [`StoreError::LaneLost`] when another worker has taken the lane: nothing of this transaction may be kept.
    pub async fn release_lane(&mut self, collection: CollectionId, owner: &str) -> Result<(), StoreError> {
        let release = self.inner.dialect.statement(RELEASE, [collection.0.into(), owner.into()]);
        held(self.transaction.execute_raw(release).await?.rows_affected())
    }
}

/// A lane that is free, or its owner's own, or abandoned: with the owner, and [`longest_left`] in microseconds.
fn takeable(dialect: Dialect) -> String {
    let now = dialect.now();
    format!("(lane.owner IS NULL OR lane.owner = ? OR lane.lease_until <= {now} OR lane.lease_until > {now} + ?)")
}

/// More than a lease has left. Twice as much, so that a clock set back by less than a lease robs nobody who lives.
pub(super) const fn longest_left(lease: Duration) -> Duration {
    lease.saturating_mul(2)
}

fn held(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::LaneLost) }
}

/// As the database's clock counts.
pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}
