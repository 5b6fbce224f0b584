//! Who takes changes from here, and how far each has come: tombstones wait for them (docs/adr/0007-purge-horizon.md).

use super::connection::missing;
use super::dialect::Dialect;
use super::session::Session;
use super::{CollectionId, Store, StoreError, Txn};
use crate::protocol::{Digest, Endpoint, Stamp};
use entities::{endpoint, peer};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, RelationDef, Set};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How exact it is kept when a peer was seen last, in microseconds, while it shows the same digest.
const SEEN_EVERY_MICROS: i64 = 3_600_000_000;

/// Peers remembered by a process.
const REMEMBERED_PEERS: usize = 4096;

/// What this process wrote last of each peer: a pass that carries nothing has nothing to write.
#[derive(Debug, Default)]
pub(super) struct WrittenPeers(Mutex<HashMap<(CollectionId, Endpoint), (blake3::Hash, Stamp)>>);

impl WrittenPeers {
    fn is_written(&self, key: &(CollectionId, Endpoint), hash: &blake3::Hash, now: Stamp) -> bool {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(key).is_some_and(|(known, at)| {
            known == hash && now.to_micros() < at.to_micros().saturating_add(SEEN_EVERY_MICROS)
        })
    }

    pub(super) fn remember(&self, peers: Vec<((CollectionId, Endpoint), (blake3::Hash, Stamp))>) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.len() >= REMEMBERED_PEERS {
            written.clear();
        }
        written.extend(peers);
    }
}

impl Txn {
    /// As [`Store::peers`], as this transaction sees it.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn peers(&mut self, collection: CollectionId) -> Result<Vec<(Endpoint, Digest)>, StoreError> {
        self.session().peers(collection).await
    }

    /// Keeps what `endpoint`, which takes changes from here, has taken in by now: one statement, and none where this process has
    /// written the same a while ago.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn note_peer(
        &mut self,
        collection: CollectionId,
        endpoint: &Endpoint,
        digest: &Digest,
        now: Stamp,
    ) -> Result<(), StoreError> {
        let json = serde_json::to_value(digest).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let (key, hash) = ((collection, endpoint.clone()), blake3::hash(json.to_string().as_bytes()));
        if self.inner.peers.is_written(&key, &hash, now) {
            return Ok(());
        }
        let row = peer::ActiveModel {
            collection_id: Set(collection.0),
            endpoint_id: Set(self.session().endpoint_id(endpoint).await?),
            digest: Set(json),
            seen_at: Set(now.to_micros()),
        };
        use peer::Column::{CollectionId as Collection, Digest as Taken, EndpointId, SeenAt};
        peer::Entity::insert(row)
            .on_conflict(Dialect::overwrite([Collection, EndpointId], [Taken, SeenAt]))
            .exec_without_returning(&self.transaction)
            .await?;
        self.peers.push((key, (hash, now)));
        Ok(())
    }
}

impl<C: ConnectionTrait> Session<'_, C> {
    async fn peers(&self, collection: CollectionId) -> Result<Vec<(Endpoint, Digest)>, StoreError> {
        let of_peer: RelationDef =
            peer::Entity::belongs_to(endpoint::Entity).from(peer::Column::EndpointId).to(endpoint::Column::Id).into();
        let rows: Vec<(String, serde_json::Value)> = peer::Entity::find()
            .select_only()
            .join(JoinType::InnerJoin, of_peer)
            .column(endpoint::Column::Url)
            .column(peer::Column::Digest)
            .filter(peer::Column::CollectionId.eq(collection.0))
            .into_tuple()
            .all(self.connection)
            .await?;
        let read = |(url, digest): (String, serde_json::Value)| {
            let endpoint = Endpoint::parse(&url).map_err(|error| missing(format_args!("endpoint {url} ({error})")))?;
            let digest = serde_json::from_value(digest);
            let digest = digest.map_err(|error| StoreError::Damaged(format!("the digest of {url}: {error}")))?;
            Ok((endpoint, digest))
        };
        rows.into_iter().map(read).collect()
    }
}

impl Store {
    /// Those who take changes of a collection from here, as far as this database remembers, each with the digest that it showed last.
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn peers(&self, collection: CollectionId) -> Result<Vec<(Endpoint, Digest)>, StoreError> {
        self.session().peers(collection).await
    }
}
