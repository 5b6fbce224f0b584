//! Requests about links, decided one after the other on the resources they name.

use super::{LinkRequest, unknown};
use crate::protocol::{Stamp, Uuids};
use crate::provider::{Collection, Error};
use crate::store::{Locked, ResourceId, StoredResource, Txn};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// As [`super::Linked`], before anything is written.
pub(super) enum Decided {
    Created(ResourceId, Option<Uuid>),
    Found(ResourceId, Option<Uuid>),
    Removed,
}

impl Decided {
    pub(super) fn resource(&self) -> Option<ResourceId> {
        match self {
            Self::Created(id, _) | Self::Found(id, _) => Some(*id),
            Self::Removed => None,
        }
    }
}

/// A resource that requests name.
struct Held {
    stored: StoredResource,
    uuids: Uuids,
    /// When its UUIDs were changed, if that is a change that others must hear of.
    changed_at: Option<Stamp>,
}

/// The resources that requests name, as the requests before leave them; locked.
pub(super) struct Links<'c> {
    collection: &'c Collection,
    now: Stamp,
    held: HashMap<ResourceId, Held>,
    by_key: HashMap<String, ResourceId>,
    /// Resources by every UUID they are known by.
    by_uuid: HashMap<Uuid, ResourceId>,
    /// Resources whose UUIDs are others now.
    changed: BTreeSet<ResourceId>,
    /// UUIDs that were taken away, and from whom.
    retired: HashMap<Uuid, ResourceId>,
}

impl<'c> Links<'c> {
    pub(super) async fn read(
        txn: &mut Txn,
        collection: &'c Collection,
        requests: &[LinkRequest],
        now: Stamp,
    ) -> Result<Self, Error> {
        let keys: Vec<_> = requests.iter().filter_map(LinkRequest::key).cloned().collect();
        let uuids: Vec<_> = requests.iter().flat_map(LinkRequest::uuids).collect();
        let Locked { by_key, by_uuid } = txn.lock_named(collection.id, &keys, &uuids).await?;
        let ids: Vec<_> = by_key.values().chain(by_uuid.values()).map(|stored| stored.id).collect();
        let mut former = txn.former_uuids(&ids).await?;
        let mut links = Self {
            collection,
            now,
            held: HashMap::new(),
            by_key: by_key.iter().map(|(key, stored)| (key.clone(), stored.id)).collect(),
            by_uuid: HashMap::new(),
            changed: BTreeSet::new(),
            retired: HashMap::new(),
        };
        for stored in by_key.into_values().chain(by_uuid.into_values()) {
            let former = former.remove(&stored.id);
            links.held.entry(stored.id).or_insert_with(|| {
                let uuids = Uuids { current: stored.uuid, former: former.unwrap_or_default() };
                links.by_uuid.extend(uuids.all().map(|uuid| (uuid, stored.id)));
                Held { stored, uuids, changed_at: None }
            });
        }
        Ok(links)
    }

    pub(super) fn decide(&mut self, request: &LinkRequest) -> Result<Decided, Error> {
        match request {
            LinkRequest::Read(uuid) => self.bearer(*uuid).map(|id| self.found(id)),
            LinkRequest::Link { key, uuid } => self.link(key, *uuid),
            LinkRequest::Relink { uuid, key, to } => self.relink(*uuid, key, to.unwrap_or(*uuid)),
            LinkRequest::Unlink(uuid) => self.unlink(*uuid),
        }
    }

    fn link(&mut self, key: &str, uuid: Option<Uuid>) -> Result<Decided, Error> {
        let id = self.resource(key)?;
        if let Some(borne) = self.uuids(id).current {
            return match uuid.filter(|uuid| *uuid != borne) {
                None => Ok(self.found(id)),
                Some(_) => Err(Error::Taken(format!(
                    "the resource is linked as {borne}; PUT to {} gives it another UUID",
                    self.collection.link_url(borne)
                ))),
            };
        }
        let uuid = uuid.unwrap_or_else(Uuid::new_v4);
        if let Some(bearer) = self.by_uuid.get(&uuid).copied() {
            if !self.is_deleted(bearer) {
                return Err(Error::Taken(format!("the UUID {uuid} is that of another resource; PUT moves it")));
            }
            // What others know as deleted is there again: a change they must hear of.
            self.note_replacement(id, bearer);
            self.hand_over(bearer, id);
        }
        self.rename(id, uuid);
        Ok(Decided::Created(id, Some(uuid)))
    }

    fn relink(&mut self, uuid: Uuid, key: &str, to: Uuid) -> Result<Decided, Error> {
        let bearer = self.bearer(uuid)?;
        let id = self.resource(key)?;
        if uuid != to && bearer != id {
            return Err(Error::BadBody(format!(
                "the payload names the UUID {to} and another resource than that of {uuid}: either goes, not both"
            )));
        }
        if self.uuids(id).current == Some(to) {
            return Ok(self.found(id));
        }
        let holder = self.by_uuid.get(&to).copied().filter(|holder| *holder != id);
        if let Some(holder) = holder {
            if !self.is_deleted(holder) && self.uuids(holder).current != Some(to) {
                return Err(Error::Taken(format!(
                    "{to} is a former UUID of another resource: everybody knows the two UUIDs as one resource"
                )));
            }
            self.note_replacement(id, holder);
            self.hand_over(holder, id);
        } else {
            self.note_change(id, None);
        }
        self.rename(id, to);
        if let Some(holder) = holder {
            // It is new to everybody; and it comes later, so that values that must be unique are free where it arrives.
            let before = self.held.get(&id).and_then(|held| held.changed_at);
            self.note_change(holder, before);
        }
        Ok(self.found(id))
    }

    fn unlink(&mut self, uuid: Uuid) -> Result<Decided, Error> {
        let id = self.bearer(uuid)?;
        let mut left = self.uuids(id);
        let retired: Vec<Uuid> = if left.former.remove(&uuid) { vec![uuid] } else { left.all().collect() };
        if left.current == Some(uuid) {
            // It is new to everybody.
            left = Uuids::default();
            self.note_change(id, None);
        }
        for uuid in retired {
            self.by_uuid.remove(&uuid);
            self.retired.insert(uuid, id);
        }
        self.set(id, left);
        Ok(Decided::Removed)
    }

    fn found(&self, id: ResourceId) -> Decided {
        Decided::Found(id, self.uuids(id).current)
    }

    /// All UUIDs of one resource become UUIDs of another.
    fn hand_over(&mut self, from: ResourceId, to: ResourceId) {
        let given = self.uuids(from);
        self.set(from, Uuids::default());
        let mut uuids = self.uuids(to);
        uuids.take_in(&given);
        self.set(to, uuids);
    }

    fn rename(&mut self, id: ResourceId, uuid: Uuid) {
        let mut uuids = self.uuids(id);
        uuids.rename(uuid);
        self.set(id, uuids);
    }

    fn set(&mut self, id: ResourceId, uuids: Uuids) {
        for uuid in uuids.all() {
            self.by_uuid.insert(uuid, id);
            self.retired.remove(&uuid);
        }
        self.changed.insert(id);
        if let Some(held) = self.held.get_mut(&id) {
            held.uuids = uuids;
        }
    }

    /// The resource's version becomes a change made here. Its stamp stays, or comes just after `later_than`: a UUID is
    /// no content, and its change must not win over what somebody wrote meanwhile.
    fn note_change(&mut self, id: ResourceId, later_than: Option<Stamp>) {
        if let Some(held) = self.held.get_mut(&id) {
            let stamp = held.changed_at.unwrap_or(held.stored.stamp);
            held.changed_at = Some(Stamp::of_change(stamp, later_than));
        }
    }

    /// The resource's version replaces that of `bearer` under its UUID: to whoever knows that, it is a change made now, and later
    /// than both (sync 2.2).
    fn note_replacement(&mut self, id: ResourceId, bearer: ResourceId) {
        let stamp = |id| self.held.get(&id).map(|held: &Held| held.changed_at.unwrap_or(held.stored.stamp));
        let changed_at = Stamp::of_change(self.now, stamp(id).max(stamp(bearer)));
        if let Some(held) = self.held.get_mut(&id) {
            held.changed_at = Some(changed_at);
        }
    }

    fn uuids(&self, id: ResourceId) -> Uuids {
        self.held.get(&id).map(|held| held.uuids.clone()).unwrap_or_default()
    }

    fn is_deleted(&self, id: ResourceId) -> bool {
        self.held.get(&id).is_some_and(|held| held.stored.deleted)
    }

    /// The live resource that is known by `uuid`.
    fn bearer(&self, uuid: Uuid) -> Result<ResourceId, Error> {
        match self.by_uuid.get(&uuid) {
            Some(id) if !self.is_deleted(*id) => Ok(*id),
            Some(_) => Err(Error::Gone(self.collection.link_url(uuid))),
            None => Err(unknown(uuid)),
        }
    }

    /// The live resource with this key. That there is none is a fault of the payload, not of the URL.
    fn resource(&self, key: &str) -> Result<ResourceId, Error> {
        let found = self.by_key.get(key).filter(|id| !self.is_deleted(**id));
        found.copied().ok_or_else(|| {
            Error::BadBody(format!("the payload names {}, which does not exist", self.collection.resource_url(key)))
        })
    }

    /// Writes what was decided; `user` is who asked, if that is known.
    pub(super) async fn write(self, txn: &mut Txn, user: Option<&str>) -> Result<(), Error> {
        let changed = self.changed.iter().filter_map(|id| Some((*id, self.held.get(id)?.uuids.clone())));
        txn.set_uuids(self.collection.id, &changed.collect::<Vec<_>>()).await?;
        txn.retire_uuids(self.collection.id, &self.retired.into_iter().collect::<Vec<_>>()).await?;
        let stamps: Vec<_> = self.held.iter().filter_map(|(id, held)| Some((*id, held.changed_at?))).collect();
        if let Some(user) = user {
            txn.set_user(&stamps.iter().map(|(id, _)| *id).collect::<Vec<_>>(), user).await?;
        }
        Ok(txn.unstamp(&stamps).await?)
    }
}
