//! What an expression comes to for one resource in memory: the meaning that every database is held to.

use super::expression::{Arithmetic, Comparison, Expression, Field, OrderKey};
use super::functions::call;
use super::value::Value;
use bigdecimal::{BigDecimal, Zero};
use std::cmp::Ordering;

/// Where the values of a resource come from; `None` is null.
pub type Fields<'a> = dyn Fn(&Field) -> Option<Value> + 'a;

/// Whether the resource is selected: null selects nothing.
#[must_use]
pub fn matches(condition: &Expression, fields: &Fields<'_>) -> bool {
    evaluate(condition, fields) == Some(Value::Boolean(true))
}

/// How two resources are ordered by `keys`; null comes first where the order ascends (core 6.3).
#[must_use]
pub fn order(keys: &[OrderKey], left: &Fields<'_>, right: &Fields<'_>) -> Ordering {
    let by_key = |key: &OrderKey| {
        let order = match (left(&key.field), right(&key.field)) {
            (Some(left), Some(right)) => left.compare(&right).unwrap_or(Ordering::Equal),
            (left, right) => left.is_some().cmp(&right.is_some()),
        };
        if key.descending { order.reverse() } else { order }
    };
    keys.iter().map(by_key).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The value of an expression; `None` is null. Numbers are exact but for `pow`, which has 15 digits, and quotients
/// that do not end.
#[must_use]
pub fn evaluate(expression: &Expression, fields: &Fields<'_>) -> Option<Value> {
    let boolean = |expression: &Expression| truth(expression, fields);
    match expression {
        Expression::Literal(literal) => Some(Value::from(literal)),
        Expression::Field(field) => fields(field),
        Expression::Negate(inner) => number(inner, fields).map(|number| Value::Number(-number)),
        Expression::Arithmetic(operator, left, right) => {
            let (left, right) = (number(left, fields)?, number(right, fields)?);
            calculate(*operator, &left, &right).map(Value::Number)
        }
        Expression::Call(function, arguments) => {
            let values = arguments.iter().map(|argument| evaluate(argument, fields)).collect::<Option<Vec<_>>>()?;
            call(*function, &values)
        }
        Expression::Not(inner) => boolean(inner).map(|truth| Value::Boolean(!truth)),
        Expression::And(left, right) => and(boolean(left), || boolean(right)).map(Value::Boolean),
        Expression::Or(left, right) => or(boolean(left), || boolean(right)).map(Value::Boolean),
        Expression::Compare(comparison, left, right) => {
            compare(*comparison, evaluate(left, fields).as_ref(), evaluate(right, fields).as_ref()).map(Value::Boolean)
        }
        Expression::IsNull(inner, is) => Some(Value::Boolean(evaluate(inner, fields).is_none() == *is)),
        Expression::Between(value, low, high) => {
            let value = evaluate(value, fields);
            let above = compare(Comparison::GreaterOrEqual, value.as_ref(), evaluate(low, fields).as_ref());
            and(above, || compare(Comparison::LessOrEqual, value.as_ref(), evaluate(high, fields).as_ref()))
                .map(Value::Boolean)
        }
        Expression::In(value, listed) => {
            let value = evaluate(value, fields);
            let is = |item: &Expression| compare(Comparison::Equal, value.as_ref(), evaluate(item, fields).as_ref());
            let mut found = Some(false);
            for item in listed {
                found = or(found, || is(item));
            }
            found.map(Value::Boolean)
        }
        Expression::Like(text, pattern) => match (evaluate(text, fields)?, evaluate(pattern, fields)?) {
            (Value::Text(text), Value::Text(pattern)) => Some(Value::Boolean(like(&text, &pattern))),
            _ => None,
        },
    }
}

fn truth(expression: &Expression, fields: &Fields<'_>) -> Option<bool> {
    match evaluate(expression, fields)? {
        Value::Boolean(truth) => Some(truth),
        _ => None,
    }
}

fn number(expression: &Expression, fields: &Fields<'_>) -> Option<BigDecimal> {
    match evaluate(expression, fields)? {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

/// False wins over null.
fn and(left: Option<bool>, right: impl FnOnce() -> Option<bool>) -> Option<bool> {
    if left == Some(false) {
        return left;
    }
    match (left, right()) {
        (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// True wins over null.
fn or(left: Option<bool>, right: impl FnOnce() -> Option<bool>) -> Option<bool> {
    and(left.map(|truth| !truth), || right().map(|truth| !truth)).map(|truth| !truth)
}

fn compare(comparison: Comparison, left: Option<&Value>, right: Option<&Value>) -> Option<bool> {
    let order = left?.compare(right?)?;
    Some(match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    })
}

fn calculate(operator: Arithmetic, left: &BigDecimal, right: &BigDecimal) -> Option<BigDecimal> {
    match operator {
        Arithmetic::Add => Some(left + right),
        Arithmetic::Subtract => Some(left - right),
        Arithmetic::Multiply => Some(left * right),
        Arithmetic::Divide => (!right.is_zero()).then(|| left / right),
        Arithmetic::Remainder => (!right.is_zero()).then(|| left % right),
    }
}

/// `%` is any text, `_` any character.
fn like(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // Where to go on when what follows the last `%` does not match: one character later.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (here, wanted) = (text.clone().next(), pattern.clone().next());
        match (here, wanted) {
            (_, Some('%')) => {
                pattern.next();
                retry = Some((text.clone(), pattern.clone()));
            }
            (None, None) => return true,
            (Some(here), Some(wanted)) if wanted == '_' || wanted == here => {
                text.next();
                pattern.next();
            }
            _ => {
                let Some((from, behind)) = &mut retry else { return false };
                if from.next().is_none() {
                    return false;
                }
                text = from.clone();
                pattern = behind.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests;
