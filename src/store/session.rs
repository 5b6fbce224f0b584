//! Reads that work alike inside and outside a transaction.

use super::connection::Inner;

/// A connection to read from: the pool's or a transaction's.
pub(super) struct Session<'a, C> {
    pub(super) connection: &'a C,
    pub(super) inner: &'a Inner,
    /// Whether what is read here is committed and may be remembered beyond this session.
    pub(super) sees_only_committed: bool,
}
