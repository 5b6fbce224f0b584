//! Reading the values of simple types far enough to check and compare them
//! (XML Schema 1.0, part 2, section 3.2).

use super::builtin::Gregorian;

/// An `xs:float` or `xs:double`.
pub(super) fn float(text: &str) -> Option<f64> {
    match text {
        "INF" => Some(f64::INFINITY),
        "-INF" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => text.parse().ok(),
        _ => None,
    }
}

/// A moment on the time line: seconds and nanoseconds; a value without a zone counts as UTC.
pub(super) type Moment = (i64, u32);

/// A cursor over ASCII text.
struct Scan<'a>(&'a [u8]);

impl<'a> Scan<'a> {
    fn take(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == byte).then(|| self.0 = rest)
    }

    /// The digits at the start, at least one.
    fn digits(&mut self) -> Option<&'a [u8]> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        (!digits.is_empty()).then_some(digits)
    }

    /// Exactly two digits, at most `highest`.
    fn pair(&mut self, highest: u32) -> Option<u32> {
        let (pair, rest) = self.0.split_at_checked(2)?;
        self.0 = rest;
        number(pair).filter(|value| *value <= highest)
    }

    fn year(&mut self) -> Option<i64> {
        let negative = self.take(b'-').is_some();
        let digits = self.digits()?;
        // Beyond nine digits seconds would overflow; no calendar of ours goes there.
        if digits.len() < 4 || digits.len() > 9 || digits.len() > 4 && digits.first() == Some(&b'0') {
            return None;
        }
        let year = i64::from(number(digits)?);
        Some(if negative { -year } else { year })
    }

    /// Year, month and day as days since 1970-01-01.
    fn day(&mut self) -> Option<i64> {
        let year = self.year()?;
        self.take(b'-')?;
        let month = self.pair(12)?;
        self.take(b'-')?;
        let day = self.pair(31)?;
        (month >= 1 && day >= 1 && day <= days_in(year, month)).then(|| days_since_epoch(year, month, day))
    }

    /// Hours, minutes and seconds as a moment of the first day; 24:00:00 is the end of it.
    fn clock(&mut self) -> Option<Moment> {
        let hour = self.pair(24)?;
        self.take(b':')?;
        let minute = self.pair(59)?;
        self.take(b':')?;
        let second = self.pair(59)?;
        let mut nanos = 0;
        if self.take(b'.').is_some() {
            let mut scale = 100_000_000;
            for digit in self.digits()? {
                nanos += u32::from(digit - b'0') * scale;
                scale /= 10;
            }
        }
        let whole_day = hour == 24 && (minute, second, nanos) != (0, 0, 0);
        (!whole_day).then(|| (i64::from(hour * 3600 + minute * 60 + second), nanos))
    }

    /// The zone, if one is given, as seconds to subtract; nothing may follow.
    fn zone(mut self) -> Option<i64> {
        let Some(first) = self.0.first().copied() else { return Some(0) };
        self.take(first)?;
        let sign = match first {
            b'Z' => return self.0.is_empty().then_some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.pair(14)?;
        self.take(b':')?;
        let minutes = self.pair(59)?;
        self.0.is_empty().then(|| sign * i64::from(hours * 3600 + minutes * 60))
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

fn days_in(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days_since_epoch(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = i64::from((153 * ((month + 9) % 12) + 2) / 5 + day - 1);
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// An `xs:date`: the moment it begins.
pub(super) fn date(text: &str) -> Option<Moment> {
    let mut scan = Scan(text.as_bytes());
    let day = scan.day()?;
    Some((day * 86_400 - scan.zone()?, 0))
}

/// An `xs:time`, as a moment of the first day.
pub(super) fn time(text: &str) -> Option<Moment> {
    let mut scan = Scan(text.as_bytes());
    let (seconds, nanos) = scan.clock()?;
    Some((seconds - scan.zone()?, nanos))
}

/// An `xs:dateTime`.
pub(super) fn date_time(text: &str) -> Option<Moment> {
    let mut scan = Scan(text.as_bytes());
    let day = scan.day()?;
    scan.take(b'T')?;
    let (seconds, nanos) = scan.clock()?;
    Some((day * 86_400 + seconds - scan.zone()?, nanos))
}

/// An `xs:duration` in seconds, a month counted as 30.436875 days: good enough to compare bounds.
pub(super) fn duration(text: &str) -> Option<f64> {
    let (sign, rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let rest = rest.strip_prefix('P')?;
    let (days, clock) = rest.split_once('T').map_or((rest, None), |(days, clock)| (days, Some(clock)));
    let day_part = duration_fields(days, &[('Y', 31_556_952.0), ('M', 2_629_746.0), ('D', 86_400.0)])?;
    let clock_part = match clock {
        Some(clock) => duration_fields(clock, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)])?,
        None => 0.0,
    };
    let complete = !rest.is_empty() && clock != Some("");
    complete.then_some(sign * (day_part + clock_part))
}

/// Number-and-letter fields, each at most once and in the order of `units`; only seconds have a fraction.
fn duration_fields(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut seconds = 0.0;
    let mut units = units.iter();
    while !text.is_empty() {
        let at = text.find(|character: char| character.is_ascii_alphabetic())?;
        let (value, rest) = text.split_at_checked(at)?;
        let letter = rest.chars().next()?;
        let (_, worth) = units.find(|(unit, _)| *unit == letter)?;
        let digits = value.bytes().all(|byte| byte.is_ascii_digit() || letter == 'S' && byte == b'.');
        if !digits || value.starts_with('.') || value.ends_with('.') {
            return None;
        }
        seconds += value.parse::<f64>().ok()? * worth;
        text = rest.get(1..)?;
    }
    Some(seconds)
}

/// Whether `text` is such a fragment of a calendar, with or without a zone.
pub(super) fn gregorian(part: Gregorian, text: &str) -> bool {
    let mut scan = Scan(text.as_bytes());
    let read = match part {
        Gregorian::Year => scan.year().map(|_| ()),
        Gregorian::YearMonth => scan.year().and_then(|_| scan.take(b'-')).and_then(|()| month(&mut scan)).map(|_| ()),
        Gregorian::Month => dashes(&mut scan, 2).and_then(|()| month(&mut scan)).map(|_| ()),
        Gregorian::MonthDay => dashes(&mut scan, 2).and_then(|()| month(&mut scan)).and_then(|month| {
            scan.take(b'-')?;
            // Any year will do, so February has its 29 days.
            scan.pair(31).filter(|day| *day >= 1 && *day <= days_in(2000, month)).map(|_| ())
        }),
        Gregorian::Day => dashes(&mut scan, 3).and_then(|()| scan.pair(31)).filter(|day| *day >= 1).map(|_| ()),
    };
    read.is_some() && scan.zone().is_some()
}

fn month(scan: &mut Scan<'_>) -> Option<u32> {
    scan.pair(12).filter(|month| *month >= 1)
}

fn dashes(scan: &mut Scan<'_>, count: usize) -> Option<()> {
    (0..count).try_for_each(|_| scan.take(b'-'))
}

/// The number of bytes that `text` is the base 64 of.
pub(super) fn base64_length(text: &str) -> Option<usize> {
    let symbols = || text.bytes().filter(|byte| *byte != b' ');
    let padding = symbols().rev().take_while(|byte| *byte == b'=').count();
    let length = symbols().count();
    let digits = length - padding;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    (padding <= 2 && length.is_multiple_of(4) && symbols().take(digits).all(known)).then(|| digits * 3 / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::builtin::Builtin;
    use rstest::rstest;

    #[rstest]
    #[case::decimal(Builtin::Decimal, "-012.50", true)]
    #[case::decimal_without_whole_part(Builtin::Decimal, ".5", true)]
    #[case::decimal_with_exponent(Builtin::Decimal, "1E3", false)]
    #[case::decimal_with_comma(Builtin::Decimal, "1,5", false)]
    #[case::only_a_sign(Builtin::Decimal, "-", false)]
    #[case::whole(Builtin::Integer, "+7", true)]
    #[case::no_whole(Builtin::Integer, "7.0", false)]
    #[case::float(Builtin::Float, "-1.5e-3", true)]
    #[case::infinite(Builtin::Float, "INF", true)]
    #[case::no_float(Builtin::Float, "inf", false)]
    #[case::leap_day(Builtin::Date, "2000-02-29", true)]
    #[case::no_leap_day(Builtin::Date, "1900-02-29", false)]
    #[case::date_with_zone(Builtin::Date, "2009-05-31+02:00", true)]
    #[case::date_with_time(Builtin::Date, "2009-05-31T00:00:00", false)]
    #[case::short_year(Builtin::Date, "209-05-31", false)]
    #[case::time_with_fraction(Builtin::Time, "13:20:00.125Z", true)]
    #[case::end_of_day(Builtin::Time, "24:00:00", true)]
    #[case::past_the_end_of_day(Builtin::Time, "24:00:01", false)]
    #[case::date_time(Builtin::DateTime, "2009-05-31T13:20:00-14:00", true)]
    #[case::space_for_t(Builtin::DateTime, "2009-05-31 13:20:00", false)]
    #[case::duration(Builtin::Duration, "-P1Y2M3DT4H5M6.7S", true)]
    #[case::empty_duration(Builtin::Duration, "P", false)]
    #[case::duration_ends_in_t(Builtin::Duration, "P1DT", false)]
    #[case::duration_out_of_order(Builtin::Duration, "P1D1Y", false)]
    #[case::month_and_day(Builtin::Gregorian(Gregorian::MonthDay), "--02-29", true)]
    #[case::no_such_day(Builtin::Gregorian(Gregorian::MonthDay), "--02-30", false)]
    #[case::base64(Builtin::Base64, "aGVsbG8=", true)]
    #[case::cut_base64(Builtin::Base64, "aGVsbG8", false)]
    #[case::hex(Builtin::Hex, "0aFF", true)]
    #[case::half_a_byte(Builtin::Hex, "0aF", false)]
    fn built_in_types_accept_their_values(#[case] builtin: Builtin, #[case] text: &str, #[case] accepted: bool) {
        assert_eq!(builtin.accepts(text), accepted);
    }

    #[test]
    fn moments_are_compared_across_zones() {
        assert_eq!(date_time("1970-01-02T01:00:00+01:00"), Some((86_400, 0)));
        assert_eq!(date_time("1970-01-01T24:00:00Z"), date_time("1970-01-02T00:00:00"));
        assert_eq!(date("2000-03-01"), Some((951_868_800, 0)));
    }
}
