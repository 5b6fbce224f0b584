//! Work that one process does at a time, and not again before its time: whoever takes it has it for a lease.

use super::lanes::{longest_left, micros};
use super::{Store, StoreError};
use sea_orm::ConnectionTrait;
use std::time::Duration;

/// Removing what need not be kept.
pub const PURGE: &str = "purge";

impl Store {
    /// Takes `duty` for `lease`, if nobody has it and it was not done within `every`; says whether it could be had. Who has it takes it again
    /// to keep it. By the database's clock; what lies in its future is of a time before it was set back, and counts for nothing.
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn take_duty(
        &self,
        duty: &str,
        owner: &str,
        lease: Duration,
        every: Duration,
    ) -> Result<bool, StoreError> {
        let dialect = self.inner.dialect;
        let now = dialect.now();
        let sql = format!(
            "UPDATE duty SET owner = ?, lease_until = {now} + ? WHERE name = ? \
             AND (done_at <= {now} - ? OR done_at > {now}) \
             AND (owner IS NULL OR owner = ? OR lease_until <= {now} OR lease_until > {now} + ?)"
        );
        let (until, since, longest_left) = (micros(lease), micros(every), micros(longest_left(lease)));
        let values = [owner.into(), until.into(), duty.into(), since.into(), owner.into(), longest_left.into()];
        Ok(self.inner.write.execute_raw(dialect.statement(&sql, values)).await?.rows_affected() == 1)
    }

    /// `duty` is done, for this time, if it is still this owner's.
    pub async fn duty_done(&self, duty: &str, owner: &str) -> Result<(), StoreError> {
        let dialect = self.inner.dialect;
        let sql = format!("UPDATE duty SET owner = NULL, done_at = {} WHERE name = ? AND owner = ?", dialect.now());
        self.single_write().execute_raw(dialect.statement(&sql, [duty.into(), owner.into()])).await?;
        Ok(())
    }
}
