//! The database's clock: the one that several processes share, whatever their own say.
//!
//! It is read when the store connects and now and then afterwards, and followed in between by this process's monotonic clock:
//! to know the time costs no statement.

use super::dialect::Dialect;
use super::{Store, StoreError};
use crate::protocol::Stamp;
use sea_orm::ConnectionTrait;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

/// The database's time at a moment of this process.
#[derive(Debug)]
pub(super) struct DatabaseClock(RwLock<(i64, Instant)>);

impl DatabaseClock {
    pub(super) async fn read(dialect: Dialect, connection: &impl ConnectionTrait) -> Result<Self, StoreError> {
        Ok(Self(RwLock::new((ask(dialect, connection).await?, Instant::now()))))
    }

    /// The time now, in microseconds UTC.
    pub(super) fn micros(&self) -> i64 {
        let (micros, at) = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        micros.saturating_add(i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}

impl Store {
    /// The time by the database's clock: for what processes compare with what others wrote, as when something expires. The stamps of
    /// changes are by a provider's own clock.
    #[must_use]
    pub fn time(&self) -> Stamp {
        Stamp::from_micros(self.inner.clock.micros())
    }

    /// Asks the database for its time, in microseconds UTC; [`Store::time`] goes by it from then on.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn now(&self) -> Result<i64, StoreError> {
        let now = ask(self.inner.dialect, &self.inner.read).await?;
        *self.inner.clock.0.write().unwrap_or_else(PoisonError::into_inner) = (now, Instant::now());
        Ok(now)
    }
}

async fn ask(dialect: Dialect, connection: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let query = dialect.statement(&format!("SELECT {} AS now", dialect.now()), []);
    let row = connection.query_one_raw(query).await?;
    let row = row.ok_or_else(|| StoreError::Damaged("the database has no clock".to_owned()))?;
    Ok(row.try_get("", "now")?)
}
