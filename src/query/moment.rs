//! Dates, times and timestamps as queries and values write them (core 2.12, literals; RFC 3339).

use super::expression::Literal;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};

/// The years that every database has.
pub(super) const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// Reads a date, time or timestamp; `None` where `text` is none. Without a zone it is UTC, the zone of this provider.
pub(super) fn moment(text: &str) -> Option<Literal> {
    if let Some((day, clock)) = text.split_once(['T', 't', ' ']).filter(|(day, _)| day.contains('-')) {
        let (time, shift) = clock_and_zone(clock)?;
        let moment = date(day)?.and_time(time).and_utc().checked_sub_signed(shift)?;
        return within_years(moment).map(Literal::Timestamp);
    }
    if text.contains(':') {
        let (time, shift) = clock_and_zone(text)?;
        return Some(Literal::Time(time.overflowing_sub_signed(shift).0));
    }
    date(text).map(Literal::Date)
}

/// The moment, if it lies in [`YEARS`].
pub(super) fn within_years(moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
    YEARS.contains(&moment.year()).then_some(moment)
}

/// The moment a day begins.
pub(super) fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// `2008-05-19`
fn date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let year = i32::try_from(year).ok().filter(|year| YEARS.contains(year))?;
    NaiveDate::from_ymd_opt(year, month, day)
}

/// `18:41`, `18:41:00` or `18:41:00.125`, with `Z`, an offset or nothing behind it; and how far that is ahead of UTC.
fn clock_and_zone(text: &str) -> Option<(NaiveTime, TimeDelta)> {
    // A plus that was not escaped in the URL arrives as a space.
    let zone_at = text.find(['Z', 'z', '+', '-', ' ']).unwrap_or(text.len());
    let (clock, zone) = text.split_at_checked(zone_at)?;
    let mut parts = clock.splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (second, nanos) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            None => (digits(seconds, 2)?, 0),
            Some((whole, fraction)) => (digits(whole, 2)?, nanos(fraction)?),
        },
    };
    let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?;
    Some((time, shift(zone)?))
}

/// `Z`, `+02:00`, `+0200` or nothing.
fn shift(zone: &str) -> Option<TimeDelta> {
    let mut characters = zone.chars();
    let sign = match characters.next() {
        None => return Some(TimeDelta::zero()),
        Some('Z' | 'z') => return characters.as_str().is_empty().then(TimeDelta::zero),
        Some('-') => -1,
        Some(_) => 1,
    };
    let offset = characters.as_str().replacen(':', "", 1);
    let (hours, minutes) = offset.split_at_checked(2)?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours <= 14 && minutes <= 59).then(|| TimeDelta::minutes(sign * i64::from(hours * 60 + minutes)))
}

/// A fraction of a second; beyond nanoseconds it is cut off.
fn nanos(fraction: &str) -> Option<u32> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<9}").get(..9)?.parse().ok()
}

/// A number of exactly `count` digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn shown(text: &str) -> String {
        moment(text).map_or_else(|| "none".to_owned(), |literal| super::super::Expression::Literal(literal).to_string())
    }

    /// CORE-2.12-03.
    #[rstest]
    #[case::date("2008-05-19", "@2008-05-19@")]
    #[case::leap_day("2008-02-29", "@2008-02-29@")]
    #[case::no_leap_day("2009-02-29", "none")]
    #[case::time("18:41:00", "@18:41:00@")]
    #[case::without_seconds("18:41", "@18:41:00@")]
    #[case::time_in_a_zone("01:30:00+02:00", "@23:30:00@")]
    #[case::local("2008-05-19T18:41:00", "@2008-05-19T18:41:00Z@")]
    #[case::ahead("2008-05-19T18:41:00+02:00", "@2008-05-19T16:41:00Z@")]
    #[case::plus_as_space("2008-05-19T18:41:00 02:00", "@2008-05-19T16:41:00Z@")]
    #[case::behind("2008-12-31T18:41:00-0630", "@2009-01-01T01:11:00Z@")]
    #[case::zulu("2008-05-19T16:41:00Z", "@2008-05-19T16:41:00Z@")]
    #[case::fraction("2008-05-19T16:41:00.1250Z", "@2008-05-19T16:41:00.125Z@")]
    #[case::space_for_t("2008-05-19 16:41", "@2008-05-19T16:41:00Z@")]
    #[case::nothing("", "none")]
    #[case::month_13("2008-13-01", "none")]
    #[case::short("2008-5-19", "none")]
    #[case::hour_24("24:00:00", "none")]
    #[case::open_zone("2008-05-19T18:41:00+", "none")]
    #[case::year_zero("0000-01-01", "none")]
    #[case::before_year_one("0001-01-01T00:00:00+01:00", "none")]
    #[case::foreign_digits("２００８-05-19", "none")]
    fn dates_times_and_timestamps_are_read(#[case] text: &str, #[case] read: &str) {
        assert_eq!(shown(text), read);
    }
}
