//! Moments, as the protocol writes them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A moment in UTC, in whole milliseconds.
///
/// Milliseconds, not finer: that is what travels (at most three decimals are understood by every
/// client), and two nodes that compare stamps must compare the same numbers (sync 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(i64);

/// Latest moment that can be written with a four-digit year.
const LATEST_MILLIS: i64 = 253_402_300_799_999;
/// Earliest moment: the year 1, the zero of some foreign clocks.
const EARLIEST_MILLIS: i64 = -62_135_596_800_000;

impl Stamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// This machine's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(Utc::now().timestamp_millis())
    }

    /// `millis` after the epoch, moved into the years 1 to 9999.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(EARLIEST_MILLIS, LATEST_MILLIS))
    }

    /// Milliseconds after the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// As the databases keep it: microseconds after the epoch.
    #[must_use]
    pub const fn to_micros(self) -> i64 {
        self.0 * 1000
    }

    /// From a database, in microseconds after the epoch.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self::from_millis(micros.div_euclid(1000))
    }

    /// The moment so much later, in the years that can be written.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(millis(time)))
    }

    /// The moment so much earlier, in the years that can be written.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(millis(time)))
    }

    /// The time since `earlier`; zero when that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// The stamp of a change made now to a version stamped `replaced`: never earlier than the
    /// clock, always later than what it replaces, however wrong the clocks are.
    #[must_use]
    pub fn of_change(now: Self, replaced: Option<Self>) -> Self {
        replaced.map_or(now, |old| now.max(Self::from_millis(old.0 + 1)))
    }

    /// Reads ISO 8601 as deployed systems write it: with `Z`, an offset or no zone (then UTC),
    /// with or without fractions (cut to milliseconds), or a date alone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Some(Self::from_millis(moment.timestamp_millis()));
        }
        for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
            if let Ok(moment) = NaiveDateTime::parse_from_str(text, form) {
                return Some(Self::from_millis(moment.and_utc().timestamp_millis()));
            }
        }
        if let Ok(moment) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z") {
            return Some(Self::from_millis(moment.timestamp_millis()));
        }
        let date = text.strip_suffix('Z').unwrap_or(text);
        let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
        Some(Self::from_millis(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()))
    }

    /// The moment as chrono has it.
    #[must_use]
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(self.0)
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Stamp {
    /// `YYYY-MM-DDThh:mm:ss[.fff]Z`: the fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = if self.0 % 1000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        f.write_str(&self.to_datetime().to_rfc3339_opts(form, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::zulu("2008-10-30T14:55:43.281Z", Some("2008-10-30T14:55:43.281Z"))]
    #[case::whole_seconds("2008-10-30T17:23:08Z", Some("2008-10-30T17:23:08Z"))]
    #[case::offset("2008-10-30T17:23:08+02:00", Some("2008-10-30T15:23:08Z"))]
    #[case::zero_offset("2008-10-30T17:23:08+00:00", Some("2008-10-30T17:23:08Z"))]
    #[case::compact_offset("2008-10-30T17:23:08+0200", Some("2008-10-30T15:23:08Z"))]
    #[case::no_zone_is_utc("2009-10-14T08:51:02", Some("2009-10-14T08:51:02Z"))]
    #[case::seven_digits_are_cut("2008-10-30T14:55:43.2819999Z", Some("2008-10-30T14:55:43.281Z"))]
    #[case::date_alone("2008-10-30", Some("2008-10-30T00:00:00Z"))]
    #[case::year_one("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z"))]
    #[case::no_time("yesterday", None)]
    #[case::empty("", None)]
    fn stamps_are_read_as_deployed_systems_write_them(#[case] text: &str, #[case] read: Option<&str>) {
        assert_eq!(Stamp::parse(text).map(|s| s.to_string()).as_deref(), read);
    }

    #[test]
    fn stamps_are_so_much_earlier_or_later_within_the_years_that_can_be_written() {
        let (hour, noon) = (Duration::from_hours(1), Stamp::parse("2026-01-01T12:00:00Z").unwrap());
        assert_eq!(noon.after(hour).to_string(), "2026-01-01T13:00:00Z");
        assert_eq!(noon.before(hour).to_string(), "2026-01-01T11:00:00Z");
        assert_eq!(noon.after(Duration::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(noon.before(Duration::MAX).to_string(), "0001-01-01T00:00:00Z");
        assert_eq!((noon.since(noon.before(hour)), noon.since(noon.after(hour))), (hour, Duration::ZERO));
    }

    #[test]
    fn a_change_is_stamped_later_than_what_it_replaces_whatever_the_clock_says() {
        let future = Stamp::from_millis(5_000);
        assert_eq!(Stamp::of_change(Stamp::from_millis(10), Some(future)).millis(), 5_001);
        assert_eq!(Stamp::of_change(Stamp::from_millis(9_000), Some(future)).millis(), 9_000);
        assert_eq!(Stamp::of_change(Stamp::from_millis(10), None).millis(), 10);
    }
}
