//! How long the text of an expression can get: nested text functions could fill any memory.

use super::coerce::is_constant;
use super::evaluate::evaluate;
use super::expression::{Expression, Function, Literal};
use super::functions::whole;
use super::value::Value;

/// What a property is taken to have at most, in characters.
const LONGEST_PROPERTY: u64 = 4_000;

/// The most characters the expression's value can have; what is no text has few.
pub(super) fn longest(expression: &Expression) -> u64 {
    match expression {
        Expression::Literal(Literal::Text(text)) => text.chars().count() as u64,
        Expression::Field(_) => LONGEST_PROPERTY,
        Expression::Call(function, arguments) => of_call(*function, arguments),
        _ => 0,
    }
}

fn of_call(function: Function, arguments: &[Expression]) -> u64 {
    let argument = |index: usize| arguments.get(index).map_or(0, longest);
    match function {
        Function::Concat => arguments.iter().map(longest).fold(0, u64::saturating_add),
        // Every character could be replaced.
        Function::Replace => argument(0).saturating_mul(argument(2).max(1)),
        Function::Lpad | Function::Rpad => arguments.get(1).map_or(0, padded),
        Function::Left | Function::Right | Function::Substring | Function::Lower | Function::Upper | Function::Trim => {
            argument(0)
        }
        Function::Char => 1,
        _ => 0,
    }
}

/// The length a text is padded to: one that depends on the resource could be any.
fn padded(length: &Expression) -> u64 {
    if !is_constant(length) {
        return u64::MAX;
    }
    match evaluate(length, &|_| None) {
        Some(Value::Number(length)) => u64::try_from(whole(&length)).unwrap_or(0),
        _ => 0,
    }
}
