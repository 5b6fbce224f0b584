//! The resource kinds of the audit.

/// A resource kind of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum AuditKind {
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
    pub(in crate::http) const ALL: [Self; 4] = [Self::Runs, Self::Events, Self::Changes, Self::Parked];

    /// Its name in URLs.
    pub(in crate::http) const fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Events => "events",
            Self::Changes => "changes",
            Self::Parked => "parked",
        }
    }

    /// The kind with this name.
    pub(in crate::http) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
