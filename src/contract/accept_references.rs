//! References and associations in payloads (core 9.2): which resource is meant, never what it holds.

use super::accept::{Acceptance, element};
use super::model::{KindId, TypeId, TypeRef};
use super::payload::{Path, ReferenceTarget, Sender};
use super::protocol_attributes::{self as attributes, stored_target, target_of};
use crate::wire::names::SDATA;
use crate::wire::{Element, Node};
use std::collections::HashMap;
use std::sync::Arc;

impl Acceptance<'_> {
    /// Makes `result` the reference that was sent; `None` when it names no resource and says nothing.
    pub(super) fn reference(
        &mut self,
        mut result: Element,
        kind: Option<KindId>,
        sent: &Element,
        path: &Path<'_>,
    ) -> Option<Element> {
        let contract = self.contract;
        let plural = kind.and_then(|kind| contract.kind_at(kind)).map(|kind| &*kind.plural_name);
        let target = self.target(plural, sent, path)?;
        result.attributes.push(attributes::of_target(target));
        Some(result)
    }

    /// The resource `sent` names. A client that sends the resource itself instead is told so; from a peer that is
    /// no reason to refuse the rest.
    fn target(&mut self, plural: Option<&str>, sent: &Element, path: &Path<'_>) -> Option<ReferenceTarget> {
        match target_of(sent, plural, self.sender) {
            Ok(Some(target)) => return Some(target),
            Ok(None) if self.sender == Sender::Client && !sent.content.is_empty() => {
                self.fault(path, "is a reference: name the resource by sdata:key or sdata:uuid");
            }
            Ok(None) => {}
            Err(text) => self.fault(path, format!("has sdata:uuid=\"{text}\", which is no UUID")),
        }
        None
    }

    /// A reference that may be to one of several kinds: the element inside says which.
    pub(super) fn choice_reference(
        &mut self,
        mut result: Element,
        choice: TypeId,
        sent: &Element,
        path: &Path<'_>,
    ) -> Option<Element> {
        let contract = self.contract;
        let mut members = sent.children();
        let Some(member) = members.next() else {
            return self.reference(result, None, sent, path);
        };
        let here = path.to(&member.name);
        if members.next().is_some() {
            self.fault(path, "refers to one resource, but holds several");
            return None;
        }
        let Some(property) = contract.complex_type(choice).and_then(|complex| complex.property(&member.name)) else {
            self.fault(&here, "is nothing this reference can be to");
            return None;
        };
        if !self.is_ours(member, &property.namespace, &here) {
            return None;
        }
        let TypeRef::Complex(id) = &property.value else { return None };
        let plural = contract.kind_of(*id).map(|kind| &*kind.plural_name);
        let mut inner = element(&property.name, &property.namespace);
        inner.attributes.push(attributes::of_target(self.target(plural, member, &here)?));
        result.content.push(Node::Element(inner));
        Some(result)
    }

    /// Fills `into` with the associations of `sent` laid over those of `stored`.
    pub(super) fn references_list(
        &mut self,
        into: &mut Element,
        list: TypeId,
        sent: &Element,
        stored: Option<&Element>,
        path: &Path<'_>,
    ) {
        let contract = self.contract;
        into.attributes.push(attributes::delete_missing());
        let kept = stored.filter(|_| !attributes::deletes_missing(sent));
        let mut items = Associations::of(kept);
        for (index, child) in sent.children().enumerate() {
            let here = path.item(&child.name, index);
            let Some(property) = contract.complex_type(list).and_then(|complex| complex.property(&child.name)) else {
                self.fault(&here, "is nothing this list can hold");
                continue;
            };
            if !self.is_ours(child, &property.namespace, &here) {
                continue;
            }
            let kind = match &property.value {
                TypeRef::Complex(id) => contract.kind_of(*id),
                TypeRef::Simple(_) | TypeRef::Any => None,
            };
            let Some(target) = self.target(kind.map(|kind| &*kind.plural_name), child, &here) else { continue };
            match (items.find(child, &target), child.is_deleted()) {
                (Some(at), true) => items.remove(at),
                (Some(_), false) => {}
                (None, deleted) => {
                    if deleted && !matches!(target, ReferenceTarget::Key(_)) {
                        continue;
                    }
                    let mut item = element(&property.name, &property.namespace);
                    item.attributes.push(attributes::of_target(target.clone()));
                    if deleted {
                        // Stored by UUID, deleted by key: only linking can tell which one is meant.
                        item.set_attribute(SDATA, "isDeleted", "true");
                    }
                    items.add(item, target);
                }
            }
        }
        into.content.extend(items.into_elements().map(Node::Element));
    }
}

/// The associations of a list, to be found by what they name.
struct Associations {
    items: Vec<Option<Element>>,
    by_target: HashMap<(Arc<str>, ReferenceTarget), usize>,
}

impl Associations {
    fn of(stored: Option<&Element>) -> Self {
        let mut associations = Self { items: Vec::new(), by_target: HashMap::new() };
        for item in stored.into_iter().flat_map(Element::children) {
            if let Some(target) = stored_target(item) {
                associations.add(item.clone(), target);
            }
        }
        associations
    }

    fn add(&mut self, item: Element, target: ReferenceTarget) {
        self.by_target.insert((Arc::clone(&item.name), target), self.items.len());
        self.items.push(Some(item));
    }

    /// What comes back as it was read has key and UUID: either will do.
    fn find(&self, sent: &Element, target: &ReferenceTarget) -> Option<usize> {
        let find = |target: ReferenceTarget| self.by_target.get(&(Arc::clone(&sent.name), target)).copied();
        let by_uuid = || find(ReferenceTarget::Uuid(sent.uuid()?.ok()?));
        find(target.clone()).or_else(by_uuid).filter(|at| self.items.get(*at).is_some_and(Option::is_some))
    }

    fn remove(&mut self, at: usize) {
        if let Some(item) = self.items.get_mut(at) {
            *item = None;
        }
    }

    fn into_elements(self) -> impl Iterator<Item = Element> {
        self.items.into_iter().flatten()
    }
}
