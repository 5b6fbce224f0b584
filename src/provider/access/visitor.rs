//! Whoever asks.

use super::{ClosedKinds, Refusal};
use crate::protocol::access::{Grant, Right};
use crate::protocol::demand::Demand;
use crate::provider::Collection;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An account that showed who it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Its name.
    pub(super) name: String,
    /// What it is granted.
    pub(super) grants: Vec<Grant>,
}

/// Whoever asks, and what they may do.
#[derive(Debug, Clone)]
pub struct Visitor(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Nobody,
    Everybody,
    Account(Arc<Identity>),
}

impl Visitor {
    /// Somebody of whom nothing is known: only what is open is for them.
    #[must_use]
    pub const fn nobody() -> Self {
        Self(Kind::Nobody)
    }

    /// Anybody, where everybody may do everything.
    #[must_use]
    pub const fn everybody() -> Self {
        Self(Kind::Everybody)
    }

    pub(super) const fn account(identity: Arc<Identity>) -> Self {
        Self(Kind::Account(identity))
    }

    /// The account's name.
    #[must_use]
    pub fn principal(&self) -> Option<&str> {
        match &self.0 {
            Kind::Account(identity) => Some(&identity.name),
            Kind::Nobody | Kind::Everybody => None,
        }
    }

    /// Whether nothing is known of them.
    #[must_use]
    pub const fn is_nobody(&self) -> bool {
        matches!(self.0, Kind::Nobody)
    }

    /// Whether it depends on who asks what they are shown.
    #[must_use]
    pub const fn is_account(&self) -> bool {
        matches!(self.0, Kind::Account(_))
    }

    /// Whether they may do what needs `demand`.
    #[must_use]
    pub fn may(&self, demand: Demand<'_>) -> bool {
        match &self.0 {
            Kind::Nobody => demand.is_met_by(&[]),
            Kind::Everybody => true,
            Kind::Account(identity) => demand.is_met_by(&identity.grants),
        }
    }

    /// Lets them do what needs `demand`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`].
    pub fn check(&self, demand: Demand<'_>) -> Result<(), Refusal> {
        if self.may(demand) { Ok(()) } else { Err(Refusal::NotGranted) }
    }

    /// The kinds beside `collection` in its dataset, itself included, in which they do not have `right`.
    #[must_use]
    pub fn closed_kinds(&self, collection: &Collection, right: Right) -> ClosedKinds {
        if matches!(self.0, Kind::Everybody) {
            return ClosedKinds::default();
        }
        let name = &collection.name;
        let is_closed = |kind: &&Arc<str>| {
            !self.may(Demand::All(right, &[&name.application, &name.contract, &name.dataset, kind.as_ref()]))
        };
        let kinds = collection.contract.kinds().iter().map(|kind| &kind.plural_name);
        ClosedKinds::new(kinds.filter(is_closed).cloned().collect::<BTreeSet<_>>())
    }
}
