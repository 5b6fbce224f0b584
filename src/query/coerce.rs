//! What may be compared with what: values that are written as another type are read as the type they are compared with.

use super::error::Problem;
use super::evaluate::evaluate;
use super::expression::{Expression, Literal, ValueType};
use super::moment::{moment, start_of};
use super::token::MOST_DIGITS;
use super::value::Value;
use chrono::NaiveTime;
use uuid::Uuid;

/// The parts, all of one type. What depends on the resource decides the type; of values alone, the first that is no text.
///
/// # Errors
/// When a part cannot be read as that type.
pub(super) fn common(parts: Vec<Expression>) -> Result<Vec<Expression>, Problem> {
    let mut types = parts.iter().map(Expression::value_type);
    let first = types.next().unwrap_or(ValueType::Text);
    if types.all(|other| other == first) {
        return Ok(parts);
    }
    let decided = parts.iter().find(|part| !is_constant(part)).map(Expression::value_type);
    let among_constants = || {
        let timestamp = parts.iter().find(|part| part.value_type() == ValueType::Timestamp);
        let other = parts.iter().find(|part| part.value_type() != ValueType::Text);
        timestamp.or(other).map(Expression::value_type)
    };
    let target = decided.or_else(among_constants).unwrap_or(first);
    parts.into_iter().map(|part| coerce(part, target)).collect()
}

/// Whether the expression has the same value for every resource.
pub(super) fn is_constant(expression: &Expression) -> bool {
    match expression {
        Expression::Literal(_) => true,
        Expression::Field(_) => false,
        Expression::Negate(inner) | Expression::Not(inner) | Expression::IsNull(inner, _) => is_constant(inner),
        Expression::And(left, right)
        | Expression::Or(left, right)
        | Expression::Arithmetic(_, left, right)
        | Expression::Compare(_, left, right)
        | Expression::Like(left, right) => is_constant(left) && is_constant(right),
        Expression::Between(value, low, high) => [value, low, high].into_iter().all(|part| is_constant(part)),
        Expression::In(value, listed) => is_constant(value) && listed.iter().all(is_constant),
        Expression::Call(_, arguments) => arguments.iter().all(is_constant),
    }
}

/// The expression as one of type `target`. Only a constant can be of a type it was not written in.
///
/// # Errors
/// [`Problem::Incomparable`], [`Problem::NoSuchValue`].
pub(super) fn coerce(expression: Expression, target: ValueType) -> Result<Expression, Problem> {
    let given = expression.value_type();
    if given == target {
        return Ok(expression);
    }
    let incomparable = Problem::Incomparable { left: article(target), right: article(given) };
    if !is_constant(&expression) {
        return Err(incomparable);
    }
    match (evaluate(&expression, &|_| None), target) {
        (Some(Value::Text(text)), _) => {
            let read = read(text.trim(), target);
            read.ok_or(Problem::NoSuchValue { text, takes: article(target) })
        }
        (Some(Value::Number(number)), ValueType::Text) => {
            // As it was written: '1.50' and '1.5' are two codes.
            let written = match expression {
                Expression::Literal(Literal::Number(written)) => written,
                _ => number.to_plain_string(),
            };
            Ok(Expression::Literal(Literal::Text(written)))
        }
        (Some(Value::Number(number)), ValueType::Boolean) => {
            boolean(&number.to_plain_string()).ok_or(incomparable).map(Expression::Literal)
        }
        (Some(Value::Date(day)), ValueType::Timestamp) => Ok(Expression::Literal(Literal::Timestamp(start_of(day)))),
        (Some(Value::Timestamp(moment)), ValueType::Date) if moment.time() == NaiveTime::MIN => {
            Ok(Expression::Literal(Literal::Date(moment.date_naive())))
        }
        _ => Err(incomparable),
    }
}

/// The value of type `target` that a quoted text stands for.
fn read(text: &str, target: ValueType) -> Option<Expression> {
    let literal = match target {
        ValueType::Text => Literal::Text(text.to_owned()),
        ValueType::Number => return number(text),
        ValueType::Boolean => boolean(text)?,
        ValueType::Uuid => Literal::Uuid(Uuid::try_parse(text).ok()?),
        ValueType::Date => match moment(text)? {
            Literal::Timestamp(moment) if moment.time() == NaiveTime::MIN => Literal::Date(moment.date_naive()),
            read => read,
        },
        ValueType::Timestamp => match moment(text)? {
            Literal::Date(day) => Literal::Timestamp(start_of(day)),
            read => read,
        },
        ValueType::Time => moment(text)?,
    };
    (literal.value_type() == target).then_some(Expression::Literal(literal))
}

/// A number in quotes; its sign becomes an operator.
fn number(text: &str) -> Option<Expression> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || digits.len() > MOST_DIGITS {
        return None;
    }
    let literal = Expression::Literal(Literal::Number(digits.to_owned()));
    Some(if negative { Expression::Negate(Box::new(literal)) } else { literal })
}

fn boolean(text: &str) -> Option<Literal> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(Literal::Boolean(true)),
        "false" | "0" => Some(Literal::Boolean(false)),
        _ => None,
    }
}

/// A type in words, for messages.
pub(super) const fn article(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "a text",
        ValueType::Number => "a number",
        ValueType::Boolean => "a boolean",
        ValueType::Date => "a date",
        ValueType::Time => "a time",
        ValueType::Timestamp => "a timestamp",
        ValueType::Uuid => "a UUID",
    }
}
