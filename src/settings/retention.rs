//! How long what is over is kept.

use super::reader::Reader;
use std::time::Duration;

/// How long what is over is kept; `None` is for ever. Contexts have a time of their own, `tracking.retention_hours`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Events, changes and runs of the audit.
    pub audit: Option<Duration>,
    /// Tombstones, at least: then they go once every peer has taken them in.
    pub tombstones: Option<Duration>,
    /// Tombstones, at most, whoever has not taken them in.
    pub tombstones_at_most: Option<Duration>,
}

/// The longest time, in days: a hundred years.
const MOST_DAYS: u64 = 36_525;

/// Reads `retention.*`.
pub(super) fn read_retention(reader: &mut Reader) -> Retention {
    let mut days = |key: &str| {
        let days: Option<u64> = reader.number(key, 0..=MOST_DAYS);
        days.filter(|days| *days > 0).map(|days| Duration::from_hours(24 * days))
    };
    let audit = days("retention.audit_days");
    let tombstones = days("retention.tombstone_days");
    let tombstones_at_most = days("retention.tombstone_max_days");
    if let (Some(least), Some(most)) = (tombstones, tombstones_at_most)
        && most < least
    {
        reader.refuse("retention.tombstone_max_days", "must not be below retention.tombstone_days");
    }
    Retention { audit, tombstones, tombstones_at_most }
}
