//! What the names of a query may stand for: the properties of a kind, and of what it leads to.

use super::expression::ProtocolVariable;
use crate::contract::{Contract, Kind};
use chrono::{DateTime, Utc};

/// What a query is about: the right-most kind of the URL (core 2.12, scope).
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Says what properties there are.
    pub contract: &'a Contract,
    /// The kind whose resources are looked at.
    pub kind: &'a Kind,
    /// The protocol variables that can be asked for; [`ProtocolVariable::ALL`] for stored resources.
    pub variables: &'a [ProtocolVariable],
    /// What `currentTimestamp()` and its like stand for.
    pub now: DateTime<Utc>,
}
