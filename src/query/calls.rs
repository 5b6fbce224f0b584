//! Calls of functions: which arguments each one takes (core 2.12, functions).

use super::coerce::{article, coerce};
use super::error::Problem;
use super::expression::{Expression, Function, Literal, ValueType};
use super::longest::longest;
use super::scope::Scope;
use super::token::Mistake;
use chrono::{DateTime, Timelike, Utc};

/// Characters that a function may make out of a resource: what a database and this process hold without trouble.
pub(super) const LONGEST_RESULT: u64 = 100_000;
/// Functions within functions, in levels. SQLite and MariaDB put computed arguments into what is computed from them, some
/// twice: what a statement costs to prepare doubles with every level.
pub(super) const MOST_NESTED: usize = 6;

/// What a function takes.
struct Signature {
    /// How many arguments, in words.
    counted: &'static str,
    least: usize,
    most: usize,
    /// The types each argument may have, the preferred one first; those behind the last take the last's.
    takes: &'static [&'static [ValueType]],
}

const TEXT: &[ValueType] = &[ValueType::Text];
const NUMBER: &[ValueType] = &[ValueType::Number];
const DATE: &[ValueType] = &[ValueType::Date];
const TIMESTAMP: &[ValueType] = &[ValueType::Timestamp];
const WITH_DAY: &[ValueType] = &[ValueType::Date, ValueType::Timestamp];
const WITH_CLOCK: &[ValueType] = &[ValueType::Time, ValueType::Timestamp];

const fn signature(function: Function) -> Signature {
    const fn one(takes: &'static [&'static [ValueType]]) -> Signature {
        Signature { counted: "one", least: 1, most: 1, takes }
    }
    const fn two(takes: &'static [&'static [ValueType]]) -> Signature {
        Signature { counted: "two", least: 2, most: 2, takes }
    }
    match function {
        Function::Concat => Signature { counted: "one to 100", least: 1, most: 100, takes: &[TEXT] },
        Function::Left | Function::Right => two(&[TEXT, NUMBER]),
        Function::Substring => Signature { counted: "three", least: 3, most: 3, takes: &[TEXT, NUMBER, NUMBER] },
        Function::Lower | Function::Upper | Function::Length | Function::Trim | Function::Ascii => one(&[TEXT]),
        Function::Replace => Signature { counted: "three", least: 3, most: 3, takes: &[TEXT, TEXT, TEXT] },
        Function::Locate => two(&[TEXT, TEXT]),
        Function::Lpad | Function::Rpad => {
            Signature { counted: "two or three", least: 2, most: 3, takes: &[TEXT, NUMBER, TEXT] }
        }
        Function::Char | Function::Abs | Function::Sign | Function::Floor | Function::Ceil => one(&[NUMBER]),
        Function::Round | Function::Trunc => {
            Signature { counted: "one or two", least: 1, most: 2, takes: &[NUMBER, NUMBER] }
        }
        Function::Pow => two(&[NUMBER, NUMBER]),
        Function::Year | Function::Month | Function::Day => one(&[WITH_DAY]),
        Function::Hour
        | Function::Minute
        | Function::Second
        | Function::Millisecond
        | Function::TzHour
        | Function::TzMinute => one(&[WITH_CLOCK]),
        Function::DateAdd | Function::DateSub => two(&[DATE, NUMBER]),
        Function::TimestampAdd | Function::TimestampSub => two(&[TIMESTAMP, NUMBER]),
    }
}

/// The call of the function `name`, in any letter case, with these arguments and their offsets.
///
/// # Errors
/// When there is no such function, or it does not take the arguments.
pub(super) fn call(
    name: &str,
    arguments: Vec<(Expression, usize)>,
    at: usize,
    scope: &Scope<'_>,
) -> Result<Expression, Mistake> {
    let given = arguments.len();
    let wrong_count = |takes| Mistake { at, problem: Problem::WrongCount { function: name.to_owned(), takes, given } };
    if let Some(literal) = present(&name.to_ascii_lowercase(), scope.now) {
        return if given == 0 { Ok(Expression::Literal(literal)) } else { Err(wrong_count("no")) };
    }
    let Some((function, _)) = Function::ALL.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) else {
        return Err(Mistake { at, problem: Problem::UnknownFunction(name.to_owned()) });
    };
    let signature = signature(function);
    if given < signature.least || given > signature.most {
        return Err(wrong_count(signature.counted));
    }
    let mut fitting = Vec::with_capacity(given);
    for (index, (argument, at)) in arguments.into_iter().enumerate() {
        let takes = signature.takes.get(index).or(signature.takes.last()).copied().unwrap_or(TEXT);
        fitting.push(fit(argument, takes, function).map_err(|problem| Mistake { at, problem })?);
    }
    let call = Expression::Call(function, fitting);
    if nested(&call) > MOST_NESTED {
        return Err(Mistake { at, problem: Problem::NestedCalls(MOST_NESTED) });
    }
    if longest(&call) > LONGEST_RESULT {
        return Err(Mistake { at, problem: Problem::LongResult(function.name().to_owned(), LONGEST_RESULT) });
    }
    Ok(call)
}

/// How many functions stand within one another. `between` looks at its first operand twice and counts as one.
pub(super) fn nested(expression: &Expression) -> usize {
    match expression {
        Expression::Literal(_) | Expression::Field(_) => 0,
        Expression::Negate(inner) | Expression::Not(inner) | Expression::IsNull(inner, _) => nested(inner),
        Expression::And(left, right)
        | Expression::Or(left, right)
        | Expression::Arithmetic(_, left, right)
        | Expression::Compare(_, left, right)
        | Expression::Like(left, right) => nested(left).max(nested(right)),
        Expression::Between(value, low, high) => 1 + nested(value).max(nested(low)).max(nested(high)),
        Expression::In(value, listed) => listed.iter().map(nested).fold(nested(value), usize::max),
        Expression::Call(_, arguments) => 1 + arguments.iter().map(nested).max().unwrap_or(0),
    }
}

/// The argument as the first type of `takes` that it can be.
fn fit(argument: Expression, takes: &[ValueType], function: Function) -> Result<Expression, Problem> {
    let given = argument.value_type();
    if takes.contains(&given) {
        return Ok(argument);
    }
    let fitting = takes.iter().find_map(|wanted| coerce(argument.clone(), *wanted).ok());
    fitting.ok_or_else(|| {
        let takes = match takes {
            WITH_DAY => "a date or timestamp",
            WITH_CLOCK => "a time or timestamp",
            _ => takes.first().map_or("nothing", |wanted| article(*wanted)),
        };
        Problem::WrongType { operator: function.name().to_owned(), takes, given: article(given) }
    })
}

/// What the functions that tell the present stand for; `name` in lower case.
pub(super) fn present(name: &str, now: DateTime<Utc>) -> Option<Literal> {
    // No finer than what is stored.
    let now = now.with_nanosecond(now.nanosecond() / 1_000 * 1_000).unwrap_or(now);
    match name {
        "currentdate" => Some(Literal::Date(now.date_naive())),
        "currenttime" => Some(Literal::Time(now.time())),
        "currenttimestamp" => Some(Literal::Timestamp(now)),
        _ => None,
    }
}
