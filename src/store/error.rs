//! What can go wrong with the database, sorted by what can be done about it.

use super::database_errors;
use sea_orm::{DbErr, SqlErr};
use std::fmt;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Deadlock, serialization failure, lock or pool timeout, lost connection: the same may work when tried again.
    #[error("the database is busy or out of reach: {0}")]
    Busy(#[source] DbErr),
    /// The connection broke while a transaction was being committed: nobody knows whether it was. Never tried again blindly.
    #[error("the database went away during a commit; whether it happened is not known: {0}")]
    CommitUnknown(#[source] DbErr),
    /// The database has no room left: the same will work when somebody has made some.
    #[error("the database has no room left: {0}")]
    Full(#[source] DbErr),
    /// A value that must be unique is taken.
    #[error("{what} is in use already")]
    Duplicate {
        /// Which value.
        what: Duplicate,
    },
    /// The lane is no longer held by who thinks so; somebody else goes on with its work.
    #[error("the lease on the collection's lane has run out and was taken by another worker")]
    LaneLost,
    /// A text is longer than its column.
    #[error("{what} may have {limit} characters; this one has {length}")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// Most characters that can be kept.
        limit: usize,
        /// Characters it has.
        length: usize,
    },
    /// A query that a client shaped ran longer than such may.
    #[error("the query took longer than queries may here; ask for less, or narrow it by a property that is indexed")]
    QueryTooSlow(#[source] DbErr),
    /// The database refused a statement or answered with something unreadable.
    #[error("the database failed: {0}")]
    Backend(#[source] DbErr),
    /// The database holds something this program never wrote.
    #[error("the database holds an impossible value: {0}")]
    Damaged(String),
}

/// Which value must be unique and was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicate {
    /// The resource's key in its collection.
    Key,
    /// The resource's UUID in its collection.
    Uuid,
    /// The state's endpoint and tick in the collection.
    State,
    /// A property whose values are unique in the collection.
    UniqueValue,
    /// Any other.
    Other,
}

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "the key",
            Self::Uuid => "the UUID",
            Self::State => "the endpoint and tick",
            Self::UniqueValue => "the value of a unique property",
            Self::Other => "a value that must be unique",
        })
    }
}

impl StoreError {
    /// A resource that is locked and yet has no tick after stamping: somebody was in between; the next try will see.
    pub(crate) fn still_unstamped(id: super::ResourceId) -> Self {
        Self::Busy(DbErr::Custom(format!("resource {} is not stamped yet", id.0)))
    }

    /// A UUID went to another resource while its first one was waited for; the next try will find it there.
    pub(super) fn uuid_went() -> Self {
        Self::Busy(DbErr::Custom("a UUID went to another resource at the same moment".to_owned()))
    }

    /// Whether the same may work when the whole transaction is tried again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_))
    }

    /// Why it failed, in a word that operators know: `deadlock`, `serialization`, `lock`, `connection`, `pool`, `busy` (SQLite's writer),
    /// `duplicate`, or `other`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Busy(error) => database_errors::reason(error),
            Self::Duplicate { .. } => "duplicate",
            _ => "other",
        }
    }

    /// Whether it has nothing to do with what was asked, and passes, soon or when an operator has done something: what can
    /// wait waits.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::CommitUnknown(_) | Self::Full(_))
    }

    /// Calls a duplicate `what`: for tables where any duplicate can only be that.
    pub(super) fn naming_duplicates(self, what: Duplicate) -> Self {
        match self {
            Self::Duplicate { .. } => Self::Duplicate { what },
            other => other,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if database_errors::is_transient(&error) {
            return Self::Busy(error);
        }
        if database_errors::is_full(&error) {
            return Self::Full(error);
        }
        if database_errors::is_timed_out(&error) {
            return Self::QueryTooSlow(error);
        }
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(message)) => {
                Self::Duplicate { what: database_errors::duplicate(&message) }
            }
            _ => Self::Backend(error),
        }
    }
}
