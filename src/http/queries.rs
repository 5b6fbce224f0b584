//! The parameters that choose resources and their order: `where`, `orderBy`, `search` (core 2.11, 6.2, 6.3).

use super::request::Asked;
use super::shaping::warning;
use crate::protocol::Diagnosis;
use crate::provider::{Error, ResourceQuery};
use crate::query::{Scope, parse_order_by, parse_where};

/// Words of a search.
const MOST_WORDS: usize = 64;

/// What a request asks for of what `scope` is about, and warnings of criteria that cannot be sorted by (core 6.3).
///
/// # Errors
/// [`Error::BadWhere`], and [`Error::BadParameter`] for an `orderBy` that is no list of criteria; [`Error::Access`] where
/// they look into a kind that whoever asks may not read.
pub(super) fn query(asked: &Asked<'_>, scope: &Scope<'_>) -> Result<(ResourceQuery, Vec<Diagnosis>), Error> {
    let mut query = ResourceQuery::default();
    let mut warnings = Vec::new();
    if let Some(text) = said(asked, "where") {
        query.filter = Some(parse_where(text, scope)?);
    }
    if let Some(text) = said(asked, "orderBy") {
        let order = parse_order_by(text, scope)?;
        query.order = order.keys;
        warnings.extend(order.refused.iter().map(|error| warning(error.to_string())));
    }
    query.search = said(asked, "search").map(words).transpose()?;
    asked.closed.to_read.check_query(&query)?;
    Ok((query, warnings))
}

/// The words to search for, no more than a statement can hold.
fn words(text: &str) -> Result<String, Error> {
    let count = text.split_whitespace().count();
    if count > MOST_WORDS {
        return Err(Error::BadParameter(format!("search has at most {MOST_WORDS} words, not {count}")));
    }
    Ok(text.to_owned())
}

/// Whether the request chooses resources or their order at all.
pub(super) fn is_query(asked: &Asked<'_>) -> bool {
    ["where", "orderBy", "search"].into_iter().any(|name| said(asked, name).is_some())
}

/// A parameter that says something.
fn said<'a>(asked: &'a Asked<'_>, name: &str) -> Option<&'a str> {
    asked.parameter(name).filter(|text| !text.trim().is_empty())
}
