//! Selectors: which one resource or child is meant, by key or by a predicate that only one matches (core 2.2).

use super::access::ClosedKinds;
use super::part_query::CHILD_VARIABLES;
use super::property::{Associated, Children};
use super::{Collection, Error, Provider, ResourceQuery};
use crate::contract::Kind;
use crate::protocol::paging::PageRequest;
use crate::protocol::path::Selector;
use crate::query::{ProtocolVariable, Scope, parse_where};
use crate::store::Document;
use crate::wire::names::SDATA;
use std::sync::Arc;

/// Enough to know whether there is more than one.
const TWO: PageRequest = PageRequest { start_index: 1, count: 2 };

impl Provider {
    /// What queries on a collection's resources can be about.
    #[must_use]
    pub fn scope<'a>(&self, collection: &'a Collection) -> Scope<'a> {
        Scope {
            contract: &collection.contract,
            kind: &collection.kind,
            variables: &ProtocolVariable::ALL,
            now: self.now().to_datetime(),
        }
    }

    /// What queries on a list of children can be about; `kind` is what its items are.
    #[must_use]
    pub fn scope_of_children<'a>(&self, children: &'a Children, kind: &'a Kind) -> Scope<'a> {
        Scope { kind, variables: &CHILD_VARIABLES, ..self.scope(&children.holder.collection) }
    }

    /// The key of the resource that a selector means. A key is not looked up here.
    ///
    /// # Errors
    /// [`Error::BadWhere`] for what is no predicate, [`Error::NotFound`] when nothing matches, [`Error::BadUrl`] when
    /// several do, [`Error::Access`] for a predicate that looks into a closed kind; so for all below.
    pub async fn selected(
        &self,
        collection: &Collection,
        selector: &Selector,
        closed: &ClosedKinds,
    ) -> Result<String, Error> {
        let predicate = match selector {
            Selector::Key(key) => return Ok(key.clone()),
            Selector::Predicate(predicate) => predicate,
        };
        let filter = Some(parse_where(predicate, &self.scope(collection))?);
        let query = ResourceQuery { filter, ..ResourceQuery::default() };
        closed.check_query(&query)?;
        let found = self.select_at_most(collection, &query, TWO.count).await?;
        Ok(the_one(found, predicate)?.resource.key)
    }

    /// The key of the child that a selector means.
    pub(super) async fn selected_child(
        &self,
        children: &Children,
        selector: &Selector,
        closed: &ClosedKinds,
    ) -> Result<String, Error> {
        let predicate = match selector {
            Selector::Key(key) => return Ok(key.clone()),
            Selector::Predicate(predicate) => predicate,
        };
        let kind = children.items_kind();
        let filter = parse_where(predicate, &self.scope_of_children(children, &kind))?;
        closed.check_condition(&filter)?;
        let at = the_one(self.select_children(children, Some(&filter), &[]).await?, predicate)?;
        let key = children.items.get(at).and_then(|item| item.attribute(SDATA, "key"));
        key.map(str::to_owned).ok_or_else(|| Error::Internal("a child has no key".to_owned()))
    }

    /// The associated resource that a selector means.
    pub(super) async fn selected_associated(
        &self,
        associated: &Associated,
        selector: &Selector,
        closed: &ClosedKinds,
    ) -> Result<(Arc<Collection>, Document), Error> {
        match (selector, associated.kind()) {
            (Selector::Predicate(predicate), Some(collection)) => {
                let filter = Some(parse_where(predicate, &self.scope(collection))?);
                let query = ResourceQuery { filter, ..ResourceQuery::default() };
                closed.check_query(&query)?;
                let read = self.select_associated(collection, &associated.keys(), query, TWO).await?;
                Ok((Arc::clone(collection), the_one(read.documents, predicate)?))
            }
            (Selector::Predicate(name), None) => Err(nothing_with(name)),
            (Selector::Key(key), _) => {
                let found = associated.resources.iter().find(|(_, associated)| associated == key);
                let (collection, key) = found.ok_or_else(|| nothing_with(key))?;
                Ok((Arc::clone(collection), self.resource(collection, key).await?))
            }
        }
    }
}

/// The one thing that `predicate` matches (core 2.2).
///
/// # Errors
/// [`Error::NotFound`] when nothing matches, [`Error::BadUrl`] when several do.
pub fn the_one<T>(found: Vec<T>, predicate: &str) -> Result<T, Error> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(nothing_with(predicate)),
        (Some(_), Some(_)) => {
            Err(Error::BadUrl(format!("({predicate}) matches several; a selector means one (core 2.2)")))
        }
    }
}

fn nothing_with(selector: &str) -> Error {
    Error::no_such("resource with", selector)
}
