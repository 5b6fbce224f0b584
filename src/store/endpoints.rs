//! Endpoints and their row ids. Rows of `endpoint` are never changed or deleted, so what was read once stays true.

use super::batch::{in_lists, row_chunks};
use super::connection::missing;
use super::session::Session;
use super::{Store, StoreError};
use crate::protocol::Endpoint;
use entities::endpoint;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};
use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

/// Committed endpoints seen by this process.
#[derive(Debug, Default)]
pub(super) struct EndpointCache(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    ids: HashMap<Endpoint, i64>,
    endpoints: HashMap<i64, Endpoint>,
}

impl EndpointCache {
    fn read<T>(&self, read: impl FnOnce(&Known) -> T) -> T {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn remember(&self, found: &HashMap<Endpoint, i64>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (endpoint, id) in found {
            known.ids.insert(endpoint.clone(), *id);
            known.endpoints.insert(*id, endpoint.clone());
        }
    }
}

impl Store {
    /// Makes sure that all `endpoints` have rows, and remembers them. Called before [`Store::begin`], so that a long
    /// transaction does not insert endpoints that another one waits for.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn intern_endpoints<'a>(
        &self,
        endpoints: impl IntoIterator<Item = &'a Endpoint>,
    ) -> Result<(), StoreError> {
        let endpoints: Vec<Endpoint> = endpoints.into_iter().cloned().collect();
        super::retrying(|| async { self.writing_session().endpoint_ids(&endpoints).await.map(|_| ()) }).await
    }
}

impl<C: ConnectionTrait> Session<'_, C> {
    /// The row ids of `endpoints`; unknown ones get a row.
    pub(super) async fn endpoint_ids(&self, endpoints: &[Endpoint]) -> Result<HashMap<Endpoint, i64>, StoreError> {
        let cache = &self.inner.endpoints;
        let mut ids: HashMap<Endpoint, i64> = cache.read(|known| {
            endpoints.iter().filter_map(|endpoint| Some((endpoint.clone(), *known.ids.get(endpoint)?))).collect()
        });
        let unknown: HashSet<&Endpoint> = endpoints.iter().filter(|endpoint| !ids.contains_key(*endpoint)).collect();
        if unknown.is_empty() {
            return Ok(ids);
        }
        let urls: Vec<String> = unknown.iter().map(|endpoint| endpoint.as_str().to_owned()).collect();
        let mut found = self.find_endpoints(&urls).await?;
        let absent: Vec<_> = unknown.iter().filter(|endpoint| !found.contains_key(**endpoint)).collect();
        if !absent.is_empty() {
            let mut rows: Vec<&str> = absent.iter().map(|endpoint| endpoint.as_str()).collect();
            // Two transactions that insert the same endpoints do so in the same order, and so do not deadlock.
            rows.sort_unstable();
            for chunk in row_chunks(self.inner.dialect, 1, &rows) {
                let rows = chunk.iter();
                let rows = rows.map(|url| endpoint::ActiveModel { url: Set((*url).to_owned()), ..Default::default() });
                endpoint::Entity::insert_many(rows)
                    .on_conflict(self.inner.dialect.keep(endpoint::Column::Url))
                    .exec_without_returning(self.connection)
                    .await?;
            }
            found = self.find_endpoints(&urls).await?;
        }
        if self.sees_only_committed {
            cache.remember(&found);
        }
        ids.extend(found);
        match endpoints.iter().find(|endpoint| !ids.contains_key(*endpoint)) {
            Some(endpoint) => Err(missing(format_args!("the row of endpoint {endpoint}"))),
            None => Ok(ids),
        }
    }

    async fn find_endpoints(&self, urls: &[String]) -> Result<HashMap<Endpoint, i64>, StoreError> {
        let mut found = HashMap::new();
        for list in in_lists(urls) {
            let rows = endpoint::Entity::find().filter(endpoint::Column::Url.is_in(list)).all(self.connection).await?;
            for row in rows {
                found.insert(endpoint_of(&row)?, row.id);
            }
        }
        Ok(found)
    }

    /// The row id of an endpoint; `None` when it has no row, and so nothing refers to it.
    pub(super) async fn known_endpoint(&self, endpoint: &Endpoint) -> Result<Option<i64>, StoreError> {
        if let Some(id) = self.inner.endpoints.read(|known| known.ids.get(endpoint).copied()) {
            return Ok(Some(id));
        }
        let found = self.find_endpoints(&[endpoint.as_str().to_owned()]).await?;
        if self.sees_only_committed {
            self.inner.endpoints.remember(&found);
        }
        Ok(found.get(endpoint).copied())
    }

    /// The row id of one endpoint; an unknown one gets a row.
    pub(super) async fn endpoint_id(&self, endpoint: &Endpoint) -> Result<i64, StoreError> {
        let ids = self.endpoint_ids(std::slice::from_ref(endpoint)).await?;
        ids.get(endpoint).copied().ok_or_else(|| missing(format_args!("the row of endpoint {endpoint}")))
    }

    /// The endpoints with these row ids.
    pub(super) async fn endpoints(&self, ids: Vec<i64>) -> Result<HashMap<i64, Endpoint>, StoreError> {
        let cache = &self.inner.endpoints;
        let (mut endpoints, mut unknown) = (HashMap::new(), HashSet::new());
        cache.read(|known| {
            for id in ids {
                match known.endpoints.get(&id) {
                    Some(endpoint) => drop(endpoints.insert(id, endpoint.clone())),
                    None => drop(unknown.insert(id)),
                }
            }
        });
        let unknown: Vec<i64> = unknown.into_iter().collect();
        let mut found = HashMap::new();
        for list in in_lists(&unknown) {
            let rows = endpoint::Entity::find().filter(endpoint::Column::Id.is_in(list)).all(self.connection).await?;
            for row in rows {
                found.insert(endpoint_of(&row)?, row.id);
            }
        }
        if self.sees_only_committed && !found.is_empty() {
            cache.remember(&found);
        }
        endpoints.extend(found.into_iter().map(|(endpoint, id)| (id, endpoint)));
        Ok(endpoints)
    }
}

/// The endpoint of a row, which was written in normal form.
fn endpoint_of(row: &endpoint::Model) -> Result<Endpoint, StoreError> {
    Endpoint::parse(&row.url).map_err(|error| StoreError::Damaged(format!("endpoint {}: {error}", row.id)))
}
