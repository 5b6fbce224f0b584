//! Collections that get back what they have forgotten, and whom they wait for (docs/adr/0006-restore.md).

use super::batch::in_lists;
use super::digests::own_endpoint;
use super::session::Session;
use super::{CollectionId, Store, StoreError, Txn};
use crate::protocol::{Digest, Endpoint, Recovery, Stamp, Tick};
use entities::{collection, peer, recovery, recovery_peer, resource};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Set};

/// A collection's clock as a transaction that locked it finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedClock {
    /// Its digest.
    pub digest: Digest,
    /// What it gets back, while it does.
    pub recovery: Option<Recovery>,
    /// A higher own tick that this process has seen before, or its witness: the clock went backwards.
    pub fallen_from: Option<Tick>,
}

impl Store {
    /// Every collection that gets back what it has forgotten.
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn recoveries(&self) -> Result<Vec<(CollectionId, Recovery)>, StoreError> {
        let rows = recovery::Entity::find().all(&self.inner.read).await?;
        rows.into_iter().map(|row| Ok((CollectionId(row.collection_id), recovery_of(row)?))).collect()
    }

    /// Whom a collection that gets back what it has forgotten waits for.
    pub async fn awaited(&self, collection: CollectionId) -> Result<Vec<Endpoint>, StoreError> {
        let rows: Vec<i64> = recovery_peer::Entity::find()
            .select_only()
            .column(recovery_peer::Column::EndpointId)
            .filter(recovery_peer::Column::CollectionId.eq(collection.0))
            .into_tuple()
            .all(&self.inner.read)
            .await?;
        Ok(self.session().endpoints(rows).await?.into_values().collect())
    }
}

impl<C: ConnectionTrait> Session<'_, C> {
    async fn recovery(&self, collection: CollectionId) -> Result<Option<Recovery>, StoreError> {
        let row = recovery::Entity::find_by_id(collection.0).one(self.connection).await?;
        row.map(recovery_of).transpose()
    }
}

impl Txn {
    /// As [`Txn::lock`], with all that is to be known of the clock.
    ///
    /// # Errors
    /// As [`Txn::lock`].
    pub async fn lock_clock(&mut self, collection: CollectionId) -> Result<LockedClock, StoreError> {
        let (digest, is_recovering) = self.lock_digest(collection).await?;
        if is_recovering {
            let recovery = self.session().recovery(collection).await?;
            // Another process may have found it out: what is in stock here was drawn before.
            self.forgets_ids = true;
            return Ok(LockedClock { digest, recovery, fallen_from: None });
        }
        let own = own_endpoint(&digest)?;
        // Under the lock nobody moves the clock: what was seen before cannot be above it.
        let fallen_from = self.inner.ticks.fell_from(&own, digest.tick_of(&own));
        self.own_ticks.push((own.clone(), digest.tick_of(&own)));
        Ok(LockedClock { digest, recovery: None, fallen_from })
    }

    /// Lets the clock of a collection stand still: it then waits for everybody who takes its changes, and for `others`. Nothing if it
    /// does already. Only under [`Txn::lock_clock`].
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn begin_recovery(
        &mut self,
        collection: CollectionId,
        recovery: &Recovery,
        others: &[Endpoint],
    ) -> Result<(), StoreError> {
        let row = recovery::ActiveModel {
            collection_id: Set(collection.0),
            since: Set(recovery.since.to_micros()),
            floor_tick: Set(recovery.floor.to_i64()),
            is_ambiguous: Set(recovery.is_ambiguous),
            known_tick: Set(recovery.known.to_i64()),
            proof_feed: Set(recovery.proof_feed.map(|hash| hash.to_vec())),
            cause: Set(recovery.cause.clone()),
        };
        recovery::Entity::insert(row).exec_without_returning(&self.transaction).await?;
        let peers: Vec<i64> = peer::Entity::find()
            .select_only()
            .column(peer::Column::EndpointId)
            .filter(peer::Column::CollectionId.eq(collection.0))
            .into_tuple()
            .all(&self.transaction)
            .await?;
        self.await_ids(collection, &peers).await?;
        self.skip_forgotten_ids().await?;
        self.await_peers(collection, others).await
    }

    /// Has a collection whose clock stands still wait for these, too.
    pub async fn await_peers(&mut self, collection: CollectionId, others: &[Endpoint]) -> Result<(), StoreError> {
        let ids = self.session().endpoint_ids(others).await?;
        self.await_ids(collection, &ids.into_values().collect::<Vec<_>>()).await
    }

    async fn await_ids(&mut self, collection: CollectionId, endpoints: &[i64]) -> Result<(), StoreError> {
        let waiting: Vec<i64> = recovery_peer::Entity::find()
            .select_only()
            .column(recovery_peer::Column::EndpointId)
            .filter(recovery_peer::Column::CollectionId.eq(collection.0))
            .into_tuple()
            .all(&self.transaction)
            .await?;
        let rows: Vec<_> = endpoints
            .iter()
            .filter(|endpoint| !waiting.contains(endpoint))
            .map(|endpoint| recovery_peer::ActiveModel {
                collection_id: Set(collection.0),
                endpoint_id: Set(*endpoint),
            })
            .collect();
        if !rows.is_empty() {
            recovery_peer::Entity::insert_many(rows).exec_without_returning(&self.transaction).await?;
        }
        Ok(())
    }

    /// Keeps how much is known by now of what was forgotten.
    pub async fn note_known(&mut self, collection: CollectionId, known: Tick) -> Result<(), StoreError> {
        recovery::Entity::update_many()
            .col_expr(recovery::Column::KnownTick, Expr::value(known.to_i64()))
            .filter(recovery::Column::CollectionId.eq(collection.0))
            .exec(&self.transaction)
            .await?;
        Ok(())
    }

    /// An endpoint has brought a feed to its end; says whether anybody is still waited for.
    pub async fn came(&mut self, collection: CollectionId, endpoint: &Endpoint) -> Result<bool, StoreError> {
        let id = self.session().endpoint_id(endpoint).await?;
        recovery_peer::Entity::delete_by_id((collection.0, id)).exec(&self.transaction).await?;
        let left = recovery_peer::Entity::find().filter(recovery_peer::Column::CollectionId.eq(collection.0));
        Ok(left.count(&self.transaction).await? > 0)
    }

    /// The clock of a collection goes on: nothing is waited for any more. The digest is the caller's to move.
    pub async fn end_recovery(&mut self, collection: CollectionId) -> Result<(), StoreError> {
        recovery::Entity::delete_by_id(collection.0).exec(&self.transaction).await?;
        let theirs = recovery_peer::Column::CollectionId.eq(collection.0);
        recovery_peer::Entity::delete_many().filter(theirs).exec(&self.transaction).await?;
        Ok(())
    }

    /// The first own tick above those of own changes made until `stamp`: what is below was numbered before that.
    pub async fn certain_own_tick(
        &mut self,
        collection: CollectionId,
        own: &Endpoint,
        stamp: Stamp,
    ) -> Result<Tick, StoreError> {
        let own_id = self.session().endpoint_id(own).await?;
        let highest: Option<Option<i64>> = resource::Entity::find()
            .select_only()
            .column_as(resource::Column::Tick.max(), "tick")
            .filter(resource::Column::CollectionId.eq(collection.0))
            .filter(resource::Column::EndpointId.eq(own_id))
            .filter(resource::Column::ModifiedAt.lte(stamp.to_micros()))
            .into_tuple()
            .one(&self.transaction)
            .await?;
        Ok(highest.flatten().map_or(Tick::FIRST, |tick| Tick::from_i64(tick).next()))
    }

    /// Takes the ticks of own changes from `floor` on away, so that they are stamped anew: they may be those of other changes, too.
    /// Only under [`Txn::lock`].
    pub async fn unstamp_own_from(
        &mut self,
        collection: CollectionId,
        own: &Endpoint,
        floor: Tick,
    ) -> Result<(), StoreError> {
        let own_id = self.session().endpoint_id(own).await?;
        resource::Entity::update_many()
            .col_expr(resource::Column::Tick, Expr::value(None::<i64>))
            .col_expr(resource::Column::EndpointId, Expr::value(None::<i64>))
            .filter(resource::Column::CollectionId.eq(collection.0))
            .filter(resource::Column::EndpointId.eq(own_id))
            .filter(resource::Column::Tick.gte(floor.to_i64()))
            .exec(&self.transaction)
            .await?;
        Ok(())
    }

    /// Lets the clocks of all collections stand still that do not yet.
    pub(super) async fn begin_recoveries(&mut self, now: Stamp, cause: &str) -> Result<(), StoreError> {
        let ids: Vec<i64> = collection::Entity::find()
            .select_only()
            .column(collection::Column::Id)
            .into_tuple()
            .all(&self.transaction)
            .await?;
        for id in in_lists(&ids).flatten() {
            let collection = CollectionId(id);
            let clock = self.lock_clock(collection).await?;
            if clock.recovery.is_none() {
                let own_tick = clock.digest.tick_of(&own_endpoint(&clock.digest)?);
                let known = own_tick.max(clock.fallen_from.unwrap_or_default());
                let begun = Recovery { known, ..Recovery::in_time(own_tick, now, cause) };
                self.begin_recovery(collection, &begun, &[]).await?;
            }
        }
        Ok(())
    }
}

fn recovery_of(row: recovery::Model) -> Result<Recovery, StoreError> {
    let damaged = |hash: Vec<u8>| StoreError::Damaged(format!("a feed hash of {} bytes", hash.len()));
    Ok(Recovery {
        since: Stamp::from_micros(row.since),
        floor: Tick::from_i64(row.floor_tick),
        is_ambiguous: row.is_ambiguous,
        known: Tick::from_i64(row.known_tick),
        proof_feed: row.proof_feed.map(|hash| hash.try_into().map_err(damaged)).transpose()?,
        cause: row.cause,
    })
}
