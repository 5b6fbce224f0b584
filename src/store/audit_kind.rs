//! The resource kinds of the audit.

/// A resource kind of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditKind {
    /// What engines did under one name and stamp.
    Runs,
    /// Requests of engines.
    Events,
    /// What became of entries.
    Changes,
    /// Entries that wait to be applied.
    Parked,
}

impl AuditKind {
    /// All, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Runs, Self::Events, Self::Changes, Self::Parked];

    /// Its name in URLs and in the audit's schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Events => "events",
            Self::Changes => "changes",
            Self::Parked => "parked",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
