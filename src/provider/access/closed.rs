//! Kinds that a request must not get at by way of another: over references, in conditions and in what is embedded.

use super::Refusal;
use crate::contract::{Contract, Property};
use crate::provider::ResourceQuery;
use crate::query::{Expression, Field};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Resource kinds of a dataset, by plural name, that are closed to whoever asks. By default none is.
#[derive(Debug, Clone, Default)]
pub struct ClosedKinds(Arc<BTreeSet<Arc<str>>>);

impl ClosedKinds {
    pub(super) fn new(kinds: BTreeSet<Arc<str>>) -> Self {
        Self(Arc::new(kinds))
    }

    /// Whether the kind is closed.
    #[must_use]
    pub fn contains(&self, kind: &str) -> bool {
        self.0.contains(kind)
    }

    /// Lets a property be followed, wherever it may lead.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`] when it can lead to a closed kind, also where it leads nowhere now.
    pub fn check_property(&self, contract: &Contract, property: &Property) -> Result<(), Refusal> {
        let is_closed = !self.0.is_empty()
            && contract.referred_kinds(property).into_iter().any(|kind| self.contains(&kind.plural_name));
        if is_closed { Err(Refusal::NotGranted) } else { Ok(()) }
    }

    /// Lets a condition be asked.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`] when it looks into a closed kind: its answer would tell what is there.
    pub fn check_condition(&self, condition: &Expression) -> Result<(), Refusal> {
        let mut is_closed = false;
        condition.each_field(&mut |field| is_closed |= self.is_reached_by(field));
        if is_closed { Err(Refusal::NotGranted) } else { Ok(()) }
    }

    /// Lets a query be asked.
    ///
    /// # Errors
    /// As [`ClosedKinds::check_condition`]; an order tells as much.
    pub fn check_query(&self, query: &ResourceQuery) -> Result<(), Refusal> {
        if query.order.iter().any(|key| self.is_reached_by(&key.field)) {
            return Err(Refusal::NotGranted);
        }
        query.filter.as_ref().map_or(Ok(()), |filter| self.check_condition(filter))
    }

    fn is_reached_by(&self, field: &Field) -> bool {
        field.through.iter().any(|hop| self.contains(&hop.kind))
    }
}
