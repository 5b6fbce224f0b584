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
        let mut known = StoredChildren::of(stored);
        let (mut order, mut added, mut uuids) = (Vec::new(), Vec::new(), HashSet::new());
        for (index, child) in sent.children().enumerate() {
            let here = path.item(&child.name, index);
            let Some((property, item)) = self.item(list, child, &here) else { continue };
            let uuid = match child.uuid() {
                Some(Err(text)) => {
                    self.fault(&here, format!("has sdata:uuid=\"{text}\", which is no UUID"));
                    continue;
                }
                uuid => uuid.and_then(Result::ok),
            };
            let matched = self.matched(&known, child, uuid);
            if child.is_deleted() {
                if let Some((_, fate)) = matched.and_then(|at| known.children.get_mut(at)) {
                    *fate = Fate::Deleted;
                }
                continue;
            }
            if child.is_nil() {
                continue;
            }
            if uuid.is_some_and(|uuid| !uuids.insert(uuid)) {
                self.fault(&here, "is given twice: another child of the list has the same sdata:uuid");
                continue;
            }
            match matched {
                None => {
                    let key = known.new_key();
                    let identity = (key, uuid.unwrap_or_else(Uuid::new_v4));
                    order.push(Placed::New(added.len()));
                    added.push(self.child(property, item, identity, child, None, &here));
                }
                Some(at) => {
                    let Some((old, Fate::Untouched)) = known.children.get(at) else {
                        self.fault(&here, "is given twice: another child of the list has the same identity");
                        continue;
                    };
                    let old = *old;
                    let key = old.attribute(SDATA, "key").map_or_else(|| known.new_key(), str::to_owned);
                    let identity = (key, old.uuid().and_then(Result::ok).or(uuid).unwrap_or_else(Uuid::new_v4));
                    let changed = self.child(property, item, identity, child, Some(old), &here);
                    order.push(Placed::Stored(at));
                    if let Some((_, fate)) = known.children.get_mut(at) {
                        *fate = Fate::Changed(changed);
                    }
                }
            }
        }
        if attributes::deletes_missing(sent) {
            in_sent_order(into, order, known.children, added);
        } else {
            let kept = known.children.into_iter().filter_map(|(old, fate)| match fate {
                Fate::Untouched => Some(old.clone()),
                Fate::Changed(changed) => Some(changed),
                Fate::Deleted => None,
            });
            into.content.extend(kept.chain(added).map(Node::Element));
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

/// Where a child of a full list comes from.
enum Placed {
    New(usize),
    Stored(usize),
}

/// A full list: exactly what was sent, in the order it was sent.
fn in_sent_order(into: &mut Element, order: Vec<Placed>, stored: Vec<(&Element, Fate)>, added: Vec<Element>) {
    let mut stored: Vec<Option<Element>> = stored
        .into_iter()
        .map(|(_, fate)| match fate {
            Fate::Changed(changed) => Some(changed),
            Fate::Untouched | Fate::Deleted => None,
        })
        .collect();
    let mut added: Vec<Option<Element>> = added.into_iter().map(Some).collect();
    let taken = order.into_iter().filter_map(|placed| match placed {
        Placed::New(at) => added.get_mut(at).and_then(Option::take),
        Placed::Stored(at) => stored.get_mut(at).and_then(Option::take),
    });
    into.content.extend(taken.map(Node::Element));
}

#[cfg(test)]
mod tests;
