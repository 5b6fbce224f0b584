//! What one endpoint does for its consumers: each file is one use case of the protocol.
//!
//! Requests come in decoded; answers go out as values. Decisions are asked of `protocol`, facts of `store`.

pub mod access;
pub mod audit;
pub mod batch;
pub mod children;
pub mod clock;
pub mod collection;
pub mod digest;
pub mod error;
pub mod gate;
pub mod import;
mod lately;
pub mod lease;
pub mod linking;
mod measures;
pub mod memory;
mod offer;
pub mod own_resource;
pub mod part_query;
pub mod property;
pub mod purge;
pub mod recovery;
pub mod references;
pub mod registry;
pub mod representation;
pub mod resource_query;
pub mod resources;
mod result_rows;
pub mod results;
pub mod selector;
pub mod shaping;
pub mod source;
pub mod target;
pub mod template;

pub use clock::Clock;
pub use collection::Collection;
pub use error::Error;
pub use import::Imported;
pub use lease::Lease;
pub use offer::{KindOptions, Offer, ServedContract};
pub use resource_query::{ResourcePage, ResourceQuery};
pub use shaping::{Delta, Shaping};

use crate::protocol::{Endpoint, Stamp};
use crate::store::{CollectionName, Store};
use collection::collection_url;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One application's provider: its collections, and the store they are kept in.
#[derive(Debug)]
pub struct Provider {
    /// What is served.
    pub offer: Offer,
    /// Where it is kept.
    pub store: Store,
    /// Since when this process serves what it serves: contracts, applications and datasets do not change while it runs.
    pub opened_at: Stamp,
    /// By contract, dataset and resource kind.
    collections: BTreeMap<(String, String, String), Arc<Collection>>,
    recorder: audit::Recorder,
    watch: measures::Watch,
    clock: Clock,
}

impl Provider {
    /// Registers every collection of `offer` in `store`.
    ///
    /// # Errors
    /// When the store cannot be reached, or keeps a collection under another URL than `offer` says.
    pub async fn open(offer: Offer, store: Store, clock: Clock) -> Result<Self, Error> {
        let mut collections = BTreeMap::new();
        for served in &offer.contracts {
            for dataset in &served.datasets {
                for kind in served.contract.kinds() {
                    let options = served.options(kind);
                    let url = collection_url(&offer, &served.name, dataset, &kind.plural_name);
                    let endpoint = Endpoint::parse(&url)?;
                    let name = CollectionName {
                        application: offer.application.clone(),
                        contract: served.name.clone(),
                        dataset: dataset.clone(),
                        resource_kind: kind.plural_name.to_string(),
                    };
                    let priority = options.priority(kind);
                    let id = store.register_collection(&name, &endpoint, priority).await?;
                    store
                        .declare_indexes(id, &resource_query::indexed(&served.contract, kind, &options.indexed))
                        .await?;
                    let key = (name.contract.clone(), name.dataset.clone(), name.resource_kind.clone());
                    let collection = Collection {
                        id,
                        name,
                        url,
                        endpoint,
                        priority,
                        contract: Arc::clone(&served.contract),
                        kind: kind.clone(),
                        is_sync_source: options.is_sync_source(kind),
                        is_sync_target: options.is_sync_target(kind),
                    };
                    collections.insert(key, Arc::new(collection));
                }
            }
        }
        let recorder = audit::Recorder::start(store.clone());
        let watch = measures::Watch::default();
        let provider = Self { offer, store, opened_at: clock.now(), collections, recorder, watch, clock };
        // Before anything is numbered.
        provider.recognize().await?;
        provider.find_fallen_clocks().await?;
        Ok(provider)
    }

    /// The time by this provider's clock.
    #[must_use]
    pub fn now(&self) -> Stamp {
        self.clock.now()
    }

    /// The contract served under `name`.
    #[must_use]
    pub fn contract(&self, name: &str) -> Option<&ServedContract> {
        self.offer.contracts.iter().find(|served| served.name == name)
    }

    /// The collection at `contract`, `dataset` and `kind` (plural).
    #[must_use]
    pub fn collection(&self, contract: &str, dataset: &str, kind: &str) -> Option<&Arc<Collection>> {
        self.collections.get(&(contract.to_owned(), dataset.to_owned(), kind.to_owned()))
    }

    /// The collection a stored id belongs to.
    #[must_use]
    pub fn collection_by_id(&self, id: crate::store::CollectionId) -> Option<&Arc<Collection>> {
        self.collections.values().find(|collection| collection.id == id)
    }

    /// The collection of another kind beside `collection`: where its references lead.
    #[must_use]
    pub fn sibling(&self, collection: &Collection, kind: &str) -> Option<&Arc<Collection>> {
        self.collection(&collection.name.contract, &collection.name.dataset, kind)
    }

    /// Every collection, by contract, dataset and kind.
    pub fn collections(&self) -> impl Iterator<Item = &Arc<Collection>> {
        self.collections.values()
    }
}

#[cfg(test)]
impl Provider {
    /// One that serves nothing, on a new database in `folder`.
    pub(crate) async fn empty(folder: &std::path::Path) -> Self {
        let url = format!("sqlite://{}", folder.join("data.db").display());
        let store = Store::connect(&url, 1).await.unwrap();
        store.migrate().await.unwrap();
        let offer = Offer {
            base_url: "http://127.0.0.1:5493".to_owned(),
            application: "crm".to_owned(),
            title: "CRM".to_owned(),
            contracts: Vec::new(),
            pages: crate::protocol::paging::PageLimits { default_count: 10, max_count: 10 },
            contexts_kept: std::time::Duration::from_hours(24),
        };
        Self::open(offer, store, Clock::system()).await.unwrap()
    }
}
