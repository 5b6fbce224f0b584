//! The collections served here.

use super::{CollectionId, Store, StoreError, Transient, Txn, retrying};
use crate::protocol::{Digest, Endpoint, Priority, Stamp};
use entities::{collection, lane};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use std::fmt;

/// Where a collection is found: the four levels of its URL (core 2.1). At most 128 characters each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionName {
    /// `{application}`.
    pub application: String,
    /// `{contract}`.
    pub contract: String,
    /// `{dataset}`; `-` is the unnamed one.
    pub dataset: String,
    /// `{resourceKind}`, plural.
    pub resource_kind: String,
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.application, self.contract, self.dataset, self.resource_kind)
    }
}

/// Why a collection cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The URL is part of the endpoint's identity: other nodes know this collection's changes under the old one (sync 3.1).
    #[error(
        "{name} is stored as endpoint {stored}, but is configured as {configured}: server.base_url must not change"
    )]
    EndpointChanged {
        /// The collection.
        name: Box<CollectionName>,
        /// Its endpoint in the database.
        stored: Endpoint,
        /// Its endpoint by the configuration.
        configured: Endpoint,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Transient for RegisterError {
    fn is_transient(&self) -> bool {
        match self {
            Self::EndpointChanged { .. } => false,
            // Another process registered the same collection first.
            Self::Store(error) => error.is_transient() || matches!(error, StoreError::Duplicate { .. }),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::EndpointChanged { .. } => "other",
            Self::Store(error) => error.reason(),
        }
    }
}

impl Store {
    /// Finds or makes a collection. A new one has an own digest entry with tick 1 (sync 4.2, decided); `priority` is written
    /// to the own entry where it differs.
    ///
    /// # Errors
    /// [`RegisterError::EndpointChanged`] when the collection is stored under another endpoint.
    pub async fn register_collection(
        &self,
        name: &CollectionName,
        endpoint: &Endpoint,
        priority: Priority,
    ) -> Result<CollectionId, RegisterError> {
        self.intern_endpoints([endpoint]).await?;
        retrying(|| async {
            let mut txn = self.begin().await?;
            let id = match txn.find_collection(name).await? {
                Some(row) => {
                    let id = CollectionId(row.id);
                    let stored = txn.lock(id).await?;
                    txn.check_endpoint(name, &stored, endpoint)?;
                    txn.set_own_priority(id, endpoint, &stored, priority).await?;
                    id
                }
                None => txn.make_collection(name, endpoint, priority).await?,
            };
            txn.commit().await?;
            Ok(id)
        })
        .await
    }
}

impl Txn {
    async fn find_collection(&self, name: &CollectionName) -> Result<Option<collection::Model>, StoreError> {
        let found = collection::Entity::find()
            .filter(collection::Column::Application.eq(&name.application))
            .filter(collection::Column::Contract.eq(&name.contract))
            .filter(collection::Column::Dataset.eq(&name.dataset))
            .filter(collection::Column::ResourceKind.eq(&name.resource_kind));
        Ok(found.one(&self.transaction).await?)
    }

    fn check_endpoint(
        &self,
        name: &CollectionName,
        stored: &Digest,
        configured: &Endpoint,
    ) -> Result<(), RegisterError> {
        match &stored.origin {
            Some(origin) if origin != configured => Err(RegisterError::EndpointChanged {
                name: Box::new(name.clone()),
                stored: origin.clone(),
                configured: configured.clone(),
            }),
            _ => Ok(()),
        }
    }

    async fn set_own_priority(
        &mut self,
        id: CollectionId,
        own: &Endpoint,
        stored: &Digest,
        priority: Priority,
    ) -> Result<(), StoreError> {
        let mut digest = stored.clone();
        if let Some(entry) = digest.entries.get_mut(own) {
            entry.conflict_priority = priority;
        }
        self.save_digest(id, stored, &digest).await
    }

    async fn make_collection(
        &mut self,
        name: &CollectionName,
        endpoint: &Endpoint,
        priority: Priority,
    ) -> Result<CollectionId, StoreError> {
        let row = collection::ActiveModel {
            application: Set(name.application.clone()),
            contract: Set(name.contract.clone()),
            dataset: Set(name.dataset.clone()),
            resource_kind: Set(name.resource_kind.clone()),
            endpoint_id: Set(self.session().endpoint_id(endpoint).await?),
            ..Default::default()
        };
        let id = CollectionId(collection::Entity::insert(row).exec(&self.transaction).await?.last_insert_id);
        let free = lane::ActiveModel { collection_id: Set(id.0), owner: Set(None), lease_until: Set(0) };
        lane::Entity::insert(free).exec_without_returning(&self.transaction).await?;
        let fresh = Digest::fresh(endpoint.clone(), Stamp::now(), priority);
        self.save_digest(id, &Digest::default(), &fresh).await?;
        Ok(id)
    }
}
