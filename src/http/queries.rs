//! The parameters that choose resources and their order: `where`, `orderBy`, `search` (core 2.11, 6.2, 6.3), and the
//! predicates of selectors (core 2.2).

use super::Service;
use super::request::Asked;
use super::shaping::warning;
use crate::protocol::path::Selector;
use crate::protocol::{Diagnosis, SdataCode};
use crate::provider::{Collection, Error, ResourceQuery};
use crate::query::{Expression, ProtocolVariable, Scope, parse_order_by, parse_where};

/// What a request asks for of what `scope` is about, and warnings of criteria that cannot be sorted by (core 6.3).
///
/// # Errors
/// [`Error::BadWhere`], and [`Error::BadParameter`] for an `orderBy` that is no list of criteria.
pub(super) fn query(asked: &Asked<'_>, scope: &Scope<'_>) -> Result<(ResourceQuery, Vec<Diagnosis>), Error> {
    let mut query = ResourceQuery::default();
    let mut warnings = Vec::new();
    if let Some(text) = said(asked, "where") {
        query.filter = Some(condition(text, scope)?);
    }
    if let Some(text) = said(asked, "orderBy") {
        let order = parse_order_by(text, scope);
        let order = order.map_err(|error| Error::BadParameter(format!("orderBy={text}: {error}")))?;
        query.order = order.keys;
        warnings.extend(order.refused.iter().map(|error| warning(format!("orderBy={text}: {error}"))));
    }
    query.search = said(asked, "search").map(str::to_owned);
    Ok((query, warnings))
}

/// A parameter that says something.
fn said<'a>(asked: &'a Asked<'_>, name: &str) -> Option<&'a str> {
    asked.parameter(name).filter(|text| !text.trim().is_empty())
}

/// The condition that `text` writes.
fn condition(text: &str, scope: &Scope<'_>) -> Result<Expression, Error> {
    parse_where(text, scope).map_err(|error| Error::BadWhere(error.to_string()))
}

/// What queries on a collection can be about.
pub(super) fn scope<'a>(service: &Service, collection: &'a Collection) -> Scope<'a> {
    Scope {
        contract: &collection.contract,
        kind: &collection.kind,
        variables: &ProtocolVariable::ALL,
        now: service.provider.now().to_datetime(),
    }
}

/// The key of the one resource that a selector means (core 2.2).
///
/// # Errors
/// [`Error::BadWhere`] for what is no predicate, [`Error::NotFound`] when nothing matches, [`Error::BadUrl`] when
/// several do.
pub(super) async fn key_of(service: &Service, collection: &Collection, selector: Selector) -> Result<String, Error> {
    let predicate = match selector {
        Selector::Key(key) => return Ok(key),
        Selector::Predicate(predicate) => predicate,
    };
    let filter = Some(condition(&predicate, &scope(service, collection))?);
    let query = ResourceQuery { filter, ..ResourceQuery::default() };
    let mut found = service.provider.select_at_most(collection, &query, 2).await?.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.resource.key),
        (None, _) => {
            Err(Error::NotFound { code: SdataCode::ApplicationDiagnosis, what: "resource with", name: predicate })
        }
        (Some(_), Some(_)) => {
            Err(Error::BadUrl(format!("({predicate}) matches several resources; a selector means one (core 2.2)")))
        }
    }
}
