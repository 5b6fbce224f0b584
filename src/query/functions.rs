//! The functions of the query language, in memory (core 2.12, functions). No argument is null here.

use super::calls::LONGEST_RESULT;
use super::expression::Function;
use super::moment::{YEARS, within_years};
use super::value::Value;
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};
use chrono::{Datelike, TimeDelta, Timelike};

/// Decimals that `round` and `trunc` keep at most, before and behind the point.
const MOST_DECIMALS: i64 = 30;

/// The value of a call whose arguments have the function's types; `None` is null.
pub(super) fn call(function: Function, arguments: &[Value]) -> Option<Value> {
    match function {
        Function::Concat => {
            let texts = arguments.iter().map(text).collect::<Option<Vec<_>>>()?;
            Some(Value::Text(texts.concat()))
        }
        Function::Lower => one_text(arguments, |text| mapped(text, |one| single(one, one.to_lowercase()))),
        Function::Upper => one_text(arguments, |text| mapped(text, |one| single(one, one.to_uppercase()))),
        Function::Trim => one_text(arguments, |text| text.trim_matches(' ').to_owned()),
        Function::Left | Function::Right | Function::Substring => part(function, arguments),
        Function::Replace => {
            let (text, pattern, new) = (text_at(arguments, 0)?, text_at(arguments, 1)?, text_at(arguments, 2)?);
            Some(Value::Text(if pattern.is_empty() { text.to_owned() } else { text.replace(pattern, new) }))
        }
        Function::Lpad | Function::Rpad => pad(function, arguments),
        Function::Length => Some(count(text_at(arguments, 0)?.chars().count())),
        Function::Locate => {
            let (pattern, text) = (text_at(arguments, 0)?, text_at(arguments, 1)?);
            let before = text.find(pattern).and_then(|at| text.get(..at));
            Some(count(before.map_or(0, |before| before.chars().count() + 1)))
        }
        Function::Ascii => {
            let first = text_at(arguments, 0)?.chars().next().map_or(0, u32::from);
            Some(Value::Number(BigDecimal::from(first)))
        }
        Function::Char => {
            let code = u32::try_from(whole(number_at(arguments, 0)?)).ok().filter(|code| *code > 0)?;
            Some(Value::Text(char::from_u32(code)?.to_string()))
        }
        Function::Abs => Some(Value::Number(number_at(arguments, 0)?.abs())),
        Function::Sign => {
            let zero = BigDecimal::from(0);
            Some(Value::Number(BigDecimal::from(number_at(arguments, 0)?.cmp(&zero) as i8)))
        }
        Function::Round | Function::Trunc | Function::Floor | Function::Ceil => rounded(function, arguments),
        Function::Pow => power(number_at(arguments, 0)?, number_at(arguments, 1)?),
        Function::Year | Function::Month | Function::Day => day_part(function, arguments.first()?),
        Function::Hour
        | Function::Minute
        | Function::Second
        | Function::Millisecond
        | Function::TzHour
        | Function::TzMinute => clock_part(function, arguments.first()?),
        Function::DateAdd | Function::DateSub => {
            let Value::Date(day) = arguments.first()? else { return None };
            let days = TimeDelta::try_days(signed(whole(number_at(arguments, 1)?), function)?)?;
            day.checked_add_signed(days).filter(|day| YEARS.contains(&day.year())).map(Value::Date)
        }
        Function::TimestampAdd | Function::TimestampSub => {
            let Value::Timestamp(moment) = arguments.first()? else { return None };
            let millis = TimeDelta::try_milliseconds(signed(whole(number_at(arguments, 1)?), function)?)?;
            moment.checked_add_signed(millis).and_then(within_years).map(Value::Timestamp)
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn text_at(arguments: &[Value], index: usize) -> Option<&str> {
    arguments.get(index).and_then(text)
}

fn number_at(arguments: &[Value], index: usize) -> Option<&BigDecimal> {
    match arguments.get(index)? {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

fn count(count: usize) -> Value {
    Value::Number(BigDecimal::from(count as u64))
}

/// The whole number towards zero; what is beyond 64 bits is the nearest there is.
pub(super) fn whole(number: &BigDecimal) -> i64 {
    let end = if number.sign() == bigdecimal::num_bigint::Sign::Minus { i64::MIN } else { i64::MAX };
    number.with_scale_round(0, RoundingMode::Down).to_i64().unwrap_or(end)
}

fn one_text(arguments: &[Value], change: impl Fn(&str) -> String) -> Option<Value> {
    Some(Value::Text(change(text_at(arguments, 0)?)))
}

fn mapped(text: &str, change: impl Fn(char) -> char) -> String {
    text.chars().map(change).collect()
}

/// The other case of a letter, where that is one letter too: databases leave 'ß' alone.
fn single(letter: char, mut other: impl Iterator<Item = char>) -> char {
    match (other.next(), other.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

/// `left`, `right` and `substring`. Positions count from 1; those outside the text hold nothing.
fn part(function: Function, arguments: &[Value]) -> Option<Value> {
    let text = text_at(arguments, 0)?;
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let asked = whole(number_at(arguments, 1)?);
    let (from, count) = match function {
        Function::Left => (1, asked),
        Function::Right => (length.saturating_sub(asked.max(0)).saturating_add(1), asked),
        _ => (asked, whole(number_at(arguments, 2)?)),
    };
    let end = from.saturating_add(count.max(0));
    let skipped = usize::try_from(from.saturating_sub(1)).unwrap_or(0);
    let taken = usize::try_from(end.saturating_sub(from.max(1))).unwrap_or(0);
    Some(Value::Text(text.chars().skip(skipped).take(taken).collect()))
}

/// `lpad` and `rpad`; what is longer already is cut at its end.
fn pad(function: Function, arguments: &[Value]) -> Option<Value> {
    let text = text_at(arguments, 0)?;
    let most = usize::try_from(LONGEST_RESULT).unwrap_or(usize::MAX);
    let wanted = usize::try_from(whole(number_at(arguments, 1)?)).unwrap_or(0).min(most);
    let with = arguments.get(2).map_or(Some(" "), text_of)?;
    let missing = wanted.saturating_sub(text.chars().count());
    let padding: String = with.chars().cycle().take(if with.is_empty() { 0 } else { missing }).collect();
    let kept: String = text.chars().take(wanted).collect();
    Some(Value::Text(if function == Function::Lpad { padding + kept.as_str() } else { kept + padding.as_str() }))
}

fn text_of(value: &Value) -> Option<&str> {
    text(value)
}

/// `round` goes away from zero from the half on.
fn rounded(function: Function, arguments: &[Value]) -> Option<Value> {
    let number = number_at(arguments, 0)?;
    let decimals = if arguments.len() > 1 { whole(number_at(arguments, 1)?) } else { 0 };
    let mode = match function {
        Function::Round => RoundingMode::HalfUp,
        Function::Floor => RoundingMode::Floor,
        Function::Ceil => RoundingMode::Ceiling,
        _ => RoundingMode::Down,
    };
    Some(Value::Number(number.with_scale_round(decimals.clamp(-MOST_DECIMALS, MOST_DECIMALS), mode)))
}

/// In double precision, as databases do it; 15 digits count.
fn power(base: &BigDecimal, exponent: &BigDecimal) -> Option<Value> {
    let result = base.to_f64()?.powf(exponent.to_f64()?);
    if !result.is_finite() {
        return None;
    }
    format!("{result:.14e}").parse().ok().map(Value::Number)
}

fn day_part(function: Function, value: &Value) -> Option<Value> {
    let day = match value {
        Value::Date(day) => *day,
        Value::Timestamp(moment) => moment.date_naive(),
        _ => return None,
    };
    let part = match function {
        Function::Year => i64::from(day.year()),
        Function::Month => i64::from(day.month()),
        _ => i64::from(day.day()),
    };
    Some(Value::Number(BigDecimal::from(part)))
}

/// Every timestamp is in UTC by now: `tzHour` and `tzMinute` are 0.
fn clock_part(function: Function, value: &Value) -> Option<Value> {
    let time = match value {
        Value::Time(time) => *time,
        Value::Timestamp(moment) => moment.time(),
        _ => return None,
    };
    let part = match function {
        Function::Hour => time.hour(),
        Function::Minute => time.minute(),
        Function::Second => time.second(),
        Function::Millisecond => time.nanosecond() / 1_000_000,
        _ => 0,
    };
    Some(Value::Number(BigDecimal::from(part)))
}

/// A distance, turned round by the functions that subtract.
fn signed(distance: i64, function: Function) -> Option<i64> {
    match function {
        Function::DateSub | Function::TimestampSub => distance.checked_neg(),
        _ => Some(distance),
    }
}
