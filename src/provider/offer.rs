//! What a deployment serves, and what it decides about it.

use crate::contract::{Contract, Kind};
use crate::protocol::Priority;
use crate::protocol::paging::PageLimits;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// What a provider serves and within which limits.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The canonical URL all endpoints start with, without a trailing slash.
    pub base_url: String,
    /// The application's name in URLs.
    pub application: String,
    /// The application's name for people.
    pub title: String,
    /// The contracts, in the order of the configuration.
    pub contracts: Vec<ServedContract>,
    /// Sizes of pages.
    pub pages: PageLimits,
    /// How long the context of an operation is kept that nobody deletes.
    pub contexts_kept: Duration,
}

/// A contract as a deployment serves it.
#[derive(Debug, Clone)]
pub struct ServedContract {
    /// Its name in URLs.
    pub name: String,
    /// What its schema says.
    pub contract: Arc<Contract>,
    /// The datasets it is served for.
    pub datasets: Vec<String>,
    /// What the deployment says otherwise than the schema, by resource kind.
    pub kinds: HashMap<String, KindOptions>,
}

impl ServedContract {
    /// What the deployment decides about one of its kinds.
    #[must_use]
    pub fn options(&self, kind: &Kind) -> &KindOptions {
        static NOTHING: KindOptions =
            KindOptions { sync_source: None, sync_target: None, conflict_priority: None, indexed: Vec::new() };
        self.kinds.get(&*kind.plural_name).unwrap_or(&NOTHING)
    }
}

/// The conflict priority of an endpoint about which neither schema nor configuration says anything: in the middle,
/// so that others can be put above and below it.
const DEFAULT_PRIORITY: Priority = match Priority::new(5) {
    Some(priority) => priority,
    None => Priority::LOWEST,
};

/// What a deployment decides about one resource kind; `None` is what the schema says.
#[derive(Debug, Clone, Default)]
pub struct KindOptions {
    /// Whether `$syncSource` is served.
    pub sync_source: Option<bool>,
    /// Whether `$syncTarget` is served.
    pub sync_target: Option<bool>,
    /// This endpoint's conflict priority.
    pub conflict_priority: Option<Priority>,
    /// Properties that large collections are searched and sorted by, names with dots between; beside those that are unique.
    pub indexed: Vec<String>,
}

impl KindOptions {
    /// Whether `$syncSource` is served of `kind`.
    #[must_use]
    pub fn is_sync_source(&self, kind: &Kind) -> bool {
        self.sync_source.unwrap_or(kind.is_sync_source)
    }

    /// Whether `$syncTarget` is served of `kind`.
    #[must_use]
    pub fn is_sync_target(&self, kind: &Kind) -> bool {
        self.sync_target.unwrap_or(kind.is_sync_target)
    }

    /// The conflict priority of the endpoints of `kind`.
    #[must_use]
    pub fn priority(&self, kind: &Kind) -> Priority {
        self.conflict_priority.or(kind.conflict_priority).unwrap_or(DEFAULT_PRIORITY)
    }
}
