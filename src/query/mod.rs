//! The SData query language (core 2.12): text is parsed, then checked against a contract, and becomes an
//! [`Expression`] that names only what exists and compares only what can be compared.

mod calls;
mod check;
mod coerce;
mod display;
mod error;
mod evaluate;
mod expression;
mod functions;
mod grammar;
mod longest;
mod moment;
mod order;
mod paths;
mod scope;
mod syntax;
mod token;
mod value;

pub use error::{Parameter, Problem, QueryError};
pub use evaluate::{Fields, evaluate, matches, order};
pub use expression::{
    Arithmetic, Comparison, Expression, Field, Function, Hop, Literal, OrderKey, ProtocolVariable, Target, ValueType,
};
pub use order::{OrderBy, parse_order_by};
pub use paths::{Path, Step, parse_paths};
pub use scope::Scope;
pub use value::Value;

/// Reads and checks a condition: a `where`, or the predicate of a selector (core 2.2, 2.12).
///
/// # Errors
/// [`QueryError`] with the position of what is wrong.
pub fn parse_where(text: &str, scope: &Scope<'_>) -> Result<Expression, QueryError> {
    let checked = grammar::parse(text).and_then(|node| check::check(&node, scope));
    checked.map_err(|mistake| QueryError::at(Parameter::Where, text, mistake))
}
