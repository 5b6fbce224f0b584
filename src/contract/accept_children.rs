//! Lists of children: deltas and full lists (core 9.2, sync 6.1).

use super::accept::{Acceptance, element};
use super::model::{Property, TypeId, TypeRef};
use super::payload::{Path, Sender};
use super::protocol_attributes::{self as attributes, key_of};
use crate::wire::names::SDATA;
use crate::wire::{Element, Node};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The children that are stored, to be found by what identifies them.
struct StoredChildren<'e> {
    children: Vec<(&'e Element, Fate)>,
    by_uuid: HashMap<Uuid, usize>,
    by_key: HashMap<&'e str, usize>,
    next_key: u64,
}

/// What becomes of a stored child.
enum Fate {
    /// Nothing was sent for it.
    Untouched,
    Changed(Element),
    Deleted,
}

impl<'e> StoredChildren<'e> {
    fn of(list: Option<&'e Element>) -> Self {
        let stored: Vec<&Element> = list.into_iter().flat_map(Element::children).collect();
        let keys = || stored.iter().filter_map(|child| child.attribute(SDATA, "key"));
        let next_key = keys().filter_map(|key| key.parse::<u64>().ok()).max().unwrap_or(0).saturating_add(1);
        let by_key =
            stored.iter().enumerate().filter_map(|(at, child)| Some((child.attribute(SDATA, "key")?, at))).collect();
        let by_uuid = stored.iter().enumerate().filter_map(|(at, child)| Some((child.uuid()?.ok()?, at))).collect();
        Self { children: stored.into_iter().map(|child| (child, Fate::Untouched)).collect(), by_uuid, by_key, next_key }
    }

    /// A key no child of the list has or had since it was read.
    fn new_key(&mut self) -> String {
        let key = self.next_key;
        self.next_key = key.saturating_add(1);
        key.to_string()
    }
}

/// A list as it was sent, as far as it was read.
struct SentList<'e> {
    /// Its type.
    id: TypeId,
    known: StoredChildren<'e>,
    /// Where its children are, as they were sent.
    order: Vec<Placed>,
    /// Those that are not stored.
    added: Vec<Element>,
    /// The UUIDs that were sent.
    uuids: HashSet<Uuid>,
}

/// Where a child of a sent list is.
enum Placed {
    New(usize),
    Stored(usize),
}

impl<'e> SentList<'e> {
    fn new(id: TypeId, known: StoredChildren<'e>) -> Self {
        Self { id, known, order: Vec::new(), added: Vec::new(), uuids: HashSet::new() }
    }

    /// A full list: exactly what was sent, in the order it was sent.
    fn in_sent_order(self, into: &mut Element) {
        let stored = self.known.children.into_iter().map(|(_, fate)| match fate {
            Fate::Changed(changed) => Some(changed),
            Fate::Untouched | Fate::Deleted => None,
        });
        let mut stored: Vec<Option<Element>> = stored.collect();
        let mut added: Vec<Option<Element>> = self.added.into_iter().map(Some).collect();
        let taken = self.order.into_iter().filter_map(|placed| match placed {
            Placed::New(at) => added.get_mut(at).and_then(Option::take),
            Placed::Stored(at) => stored.get_mut(at).and_then(Option::take),
        });
        into.content.extend(taken.map(Node::Element));
    }
}

impl<'a> Acceptance<'a> {
    /// Fills `into` with the children of `sent` laid over those of `stored`.
    pub(super) fn children(
        &mut self,
        into: &mut Element,
        list: TypeId,
        sent: &Element,
        stored: Option<&Element>,
        path: &Path<'_>,
    ) {
        into.attributes.push(attributes::delete_missing());
        let mut list = SentList::new(list, StoredChildren::of(stored));
        for (index, child) in sent.children().enumerate() {
            self.one_of(&mut list, child, &path.item(&child.name, index));
        }
        if attributes::deletes_missing(sent) {
            list.in_sent_order(into);
        } else {
            let kept = list.known.children.into_iter().filter_map(|(old, fate)| match fate {
                Fate::Untouched => Some(old.clone()),
                Fate::Changed(changed) => Some(changed),
                Fate::Deleted => None,
            });
            into.content.extend(kept.chain(list.added).map(Node::Element));
        }
    }

    /// Lays one sent child over the stored one that is meant, if one is.
    fn one_of(&mut self, list: &mut SentList<'_>, child: &Element, here: &Path<'_>) {
        let Some((property, item)) = self.item(list.id, child, here) else { return };
        let uuid = match child.uuid() {
            Some(Err(text)) => return self.fault(here, format!("has sdata:uuid=\"{text}\", which is no UUID")),
            uuid => uuid.and_then(Result::ok),
        };
        let matched = self.matched(&list.known, child, uuid);
        if child.is_deleted() {
            if let Some((_, fate)) = matched.and_then(|at| list.known.children.get_mut(at)) {
                *fate = Fate::Deleted;
            }
            return;
        }
        if child.is_nil() {
            return;
        }
        if uuid.is_some_and(|uuid| !list.uuids.insert(uuid)) {
            return self.fault(here, "is given twice: another child of the list has the same sdata:uuid");
        }
        let Some(at) = matched else {
            let identity = (list.known.new_key(), uuid.unwrap_or_else(Uuid::new_v4));
            list.order.push(Placed::New(list.added.len()));
            return list.added.push(self.child(property, item, identity, child, None, here));
        };
        let Some((old, Fate::Untouched)) = list.known.children.get(at) else {
            return self.fault(here, "is given twice: another child of the list has the same identity");
        };
        let old = *old;
        let key = old.attribute(SDATA, "key").map_or_else(|| list.known.new_key(), str::to_owned);
        let identity = (key, old.uuid().and_then(Result::ok).or(uuid).unwrap_or_else(Uuid::new_v4));
        let changed = self.child(property, item, identity, child, Some(old), here);
        list.order.push(Placed::Stored(at));
        if let Some((_, fate)) = list.known.children.get_mut(at) {
            *fate = Fate::Changed(changed);
        }
    }

    /// The property of the list that `child` is one of, and its type.
    fn item(&mut self, list: TypeId, child: &Element, path: &Path<'_>) -> Option<(&'a Property, TypeId)> {
        let contract = self.contract;
        let property = contract.complex_type(list).and_then(|complex| complex.property(&child.name));
        let Some(property) = property else {
            self.fault(path, "is nothing this list can hold");
            return None;
        };
        if !self.is_ours(child, &property.namespace, path) {
            if !child.namespace.is_empty() {
                self.fault(path, format!("is expected in '{}', not in '{}'", property.namespace, child.namespace));
            }
            return None;
        }
        match &property.value {
            TypeRef::Complex(id) => Some((property, contract.actual_type(*id, child))),
            TypeRef::Simple(_) | TypeRef::Any => None,
        }
    }

    /// The stored child that is meant. A peer's keys are its own, so only the UUID counts there (sync 6.1).
    fn matched(&self, known: &StoredChildren<'_>, child: &Element, uuid: Option<Uuid>) -> Option<usize> {
        let by_uuid = uuid.and_then(|uuid| known.by_uuid.get(&uuid).copied());
        by_uuid.or_else(|| match self.sender {
            Sender::Peer => None,
            Sender::Client => key_of(child, None).and_then(|key| known.by_key.get(key.as_str()).copied()),
        })
    }

    fn child(
        &mut self,
        property: &Property,
        id: TypeId,
        (key, uuid): (String, Uuid),
        sent: &Element,
        stored: Option<&Element>,
        path: &Path<'_>,
    ) -> Element {
        let mut child = element(&property.name, &property.namespace);
        child.attributes.push(attributes::key(key));
        child.attributes.push(attributes::uuid(uuid));
        self.structure(&mut child, id, sent, stored, path);
        child
    }
}

#[cfg(test)]
mod tests;
