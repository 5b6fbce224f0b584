//! Selecting resources: `where`, `orderBy` and `search`, page by page (core 2.11, 6.2 to 6.4).

use super::{Collection, Error, Provider};
use crate::contract::{Contract, Kind, Shape};
use crate::protocol::paging::PageRequest;
use crate::query::{Expression, OrderKey, Scope, Target};
use crate::store::{Cursor, Document, IndexedProperty, NoCursor, Selection};

/// Which resources of a collection are asked for, and in which order. The default asks for all, in the order they came here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceQuery {
    /// `where`: what must be true of them.
    pub filter: Option<Expression>,
    /// `orderBy`; whatever these leave equal is in the order it came here.
    pub order: Vec<OrderKey>,
    /// `search`: words that must all be found in their texts, in any letter case.
    pub search: Option<String>,
    /// Whether only linked resources are asked for, as `$linked` lists them (sync 1.3).
    pub linked: bool,
}

/// A page of a collection.
#[derive(Debug)]
pub struct ResourcePage {
    /// The resources on it.
    pub documents: Vec<Document>,
    /// Resources on all pages.
    pub total: u64,
    /// If another page follows: where this one ends, in letters and digits. With it the next page goes on
    /// behind this one, whatever was changed meanwhile.
    pub next: Option<String>,
}

impl Provider {
    /// One page of the live resources that `query` asks for: the one that begins behind `after`, the `next` of
    /// another page, else the one that `page` counts to.
    ///
    /// # Errors
    /// [`Error::BadParameter`] when `after` is no such text or that of another order, or what the store says.
    pub async fn page(
        &self,
        collection: &Collection,
        query: &ResourceQuery,
        page: PageRequest,
        after: Option<&str>,
    ) -> Result<ResourcePage, Error> {
        let selection = self.selection(collection, query);
        let after = after
            .map(|text| match text.parse::<Cursor>() {
                Ok(cursor) if self.store.has_place(&selection, &cursor) => Ok(cursor),
                _ => Err(Error::BadParameter(format!("_after={text}: {NoCursor}"))),
            })
            .transpose()?;
        let total = self.store.selected_count(collection.id, &selection).await?;
        let offset = if after.is_some() { 0 } else { page.offset() };
        let mut selected = match page.count {
            0 => Vec::new(),
            count => self.store.select(collection.id, &selection, after.as_ref(), offset, count + 1).await?,
        };
        let more = selected.len() as u64 > page.count;
        selected.truncate(usize::try_from(page.count).unwrap_or(usize::MAX));
        let next = selected.last().filter(|_| more).map(|last| last.cursor.to_string());
        Ok(ResourcePage { documents: selected.into_iter().map(|one| one.document).collect(), total, next })
    }

    /// The first resources that `query` asks for, `most` of them at the most: for predicates that should select one (core 2.2).
    ///
    /// # Errors
    /// What the store says.
    pub async fn select_at_most(
        &self,
        collection: &Collection,
        query: &ResourceQuery,
        most: u64,
    ) -> Result<Vec<Document>, Error> {
        let selection = self.selection(collection, query);
        let selected = self.store.select(collection.id, &selection, None, 0, most).await?;
        Ok(selected.into_iter().map(|one| one.document).collect())
    }

    fn selection(&self, collection: &Collection, query: &ResourceQuery) -> Selection {
        let kinds = collection.contract.kinds().iter().map(|kind| &kind.plural_name);
        let kinds = kinds.filter_map(|kind| Some((kind.clone(), self.sibling(collection, kind)?.id)));
        Selection {
            filter: query.filter.clone(),
            order: query.order.clone(),
            words: query.search.iter().flat_map(|words| words.split_whitespace()).map(str::to_owned).collect(),
            linked: query.linked,
            kinds: kinds.collect(),
        }
    }
}

/// The properties of a kind that an index is kept of: those that are unique, and those that the deployment names. Names
/// that lead to no single value are passed over: whoever reads the configuration tells of them.
pub(super) fn indexed(contract: &Contract, kind: &Kind, named: &[String]) -> Vec<IndexedProperty> {
    let scope = Scope { contract, kind, variables: &[], now: chrono::DateTime::UNIX_EPOCH };
    let properties = contract.properties(kind).iter();
    let unique = properties.filter(|property| property.is_unique_key && property.shape == Shape::Value);
    let mut found: Vec<IndexedProperty> = Vec::new();
    for name in unique.map(|property| &*property.name).chain(named.iter().map(String::as_str)) {
        let Some(field) = scope.own_property(name) else { continue };
        let Target::Property(path) = field.target else { continue };
        if found.iter().all(|other| other.path != path) {
            found.push(IndexedProperty { path, value_type: field.value_type });
        }
    }
    found
}
