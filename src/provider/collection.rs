//! One resource kind of one dataset: the unit that is synchronized.

use super::Offer;
use crate::contract::{Contract, Kind};
use crate::protocol::url::{segment, selected};
use crate::protocol::{Endpoint, Priority};
use crate::store::{CollectionId, CollectionName, ResourceId};
use std::sync::Arc;

/// One resource kind of one dataset, as it is served.
#[derive(Debug)]
pub struct Collection {
    /// Its id in the store.
    pub id: CollectionId,
    /// Its place in the URLs.
    pub name: CollectionName,
    /// Its canonical URL as it is written in links.
    pub url: String,
    /// The same, normalised: its identity in digests and states.
    pub endpoint: Endpoint,
    /// This endpoint's priority in conflicts.
    pub priority: Priority,
    /// The contract that says what its payloads look like.
    pub contract: Arc<Contract>,
    /// Its kind in that contract.
    pub kind: Kind,
    /// Whether `$syncSource` is served.
    pub is_sync_source: bool,
    /// Whether `$syncTarget` is served.
    pub is_sync_target: bool,
}

impl Collection {
    /// The URL of the resource with this application's key `key` (core 2.2).
    #[must_use]
    pub fn resource_url(&self, key: &str) -> String {
        selected(&self.url, key)
    }

    /// The URL of an operation's context: `{kind}/{operation}('{trackingID}')` (core 11.5).
    #[must_use]
    pub fn context_url(&self, operation: &str, tracking_id: &str) -> String {
        selected(&format!("{}/{operation}", self.url), tracking_id)
    }

    /// The key this application gives a resource of its own accord: its id. A client may have taken that for a key of
    /// its own; then `attempt` is above 0, and the key gets something after it that nobody would have chosen.
    #[must_use]
    pub fn fresh_key(id: ResourceId, attempt: u32) -> String {
        if attempt == 0 { id.0.to_string() } else { format!("{}-{:08x}", id.0, uuid::Uuid::new_v4().as_fields().0) }
    }

    /// Whether `$syncDigest` and its kin are served at all.
    #[must_use]
    pub fn is_synchronized(&self) -> bool {
        self.is_sync_source || self.is_sync_target
    }
}

/// The canonical URL of a collection.
#[must_use]
pub fn collection_url(offer: &Offer, contract: &str, dataset: &str, kind: &str) -> String {
    format!(
        "{}/sdata/{}/{}/{}/{}",
        offer.base_url,
        segment(&offer.application),
        segment(contract),
        segment(dataset),
        segment(kind)
    )
}
