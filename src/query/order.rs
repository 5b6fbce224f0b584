//! `orderBy`: what a feed is sorted by (core 6.3).

use super::error::{Parameter, Problem, QueryError};
use super::expression::OrderKey;
use super::grammar::{Criterion, criteria};
use super::scope::{Purpose, Scope};
use super::token::Mistake;

/// The criteria of an `orderBy`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderBy {
    /// Those that can be applied, the first deciding first.
    pub keys: Vec<OrderKey>,
    /// Those that cannot: warnings of the feed, no errors (core 6.3).
    pub refused: Vec<QueryError>,
}

/// Criteria that are looked at: more of them decide nothing.
const MOST_KEYS: usize = 16;

/// Reads an `orderBy`: property paths with `asc` or `desc`, separated by commas. An empty text has no criteria.
///
/// # Errors
/// [`QueryError`] where the text is no such list; a criterion that cannot be applied is none.
pub fn parse_order_by(text: &str, scope: &Scope<'_>) -> Result<OrderBy, QueryError> {
    let failed = |mistake| QueryError::at(Parameter::OrderBy, text, mistake);
    let mut read = OrderBy::default();
    for (place, Criterion { names, descending }) in criteria(text).map_err(failed)?.into_iter().enumerate() {
        if place == MOST_KEYS {
            // Said once: a thousand criteria must not make a thousand warnings.
            let at = names.first().map_or(0, |(_, at)| *at);
            read.refused.push(failed(Mistake { at, problem: Problem::TooManyParts(MOST_KEYS) }));
            break;
        }
        match scope.field(&names, Purpose::Sort) {
            Ok(field) => read.keys.push(OrderKey { field, descending }),
            Err((at, problem)) => read.refused.push(failed(Mistake { at, problem })),
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
