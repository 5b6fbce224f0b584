//! References and associations in payloads (core 9.2): which resource is meant, never what it holds.

use super::accept::{Acceptance, element};
use super::model::{KindId, TypeId, TypeRef};
use super::payload::{Path, ReferenceTarget, Sender};
use super::protocol_attributes::{self as attributes, stored_target, target_of};
use crate::wire::names::SDATA;
use crate::wire::{Element, Node};

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
        let full = attributes::deletes_missing(sent);
        let mut items: Vec<Element> = match stored {
            Some(stored) if !full => stored.children().cloned().collect(),
            _ => Vec::new(),
        };
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
            let known = items.iter().position(|item| is_same(item, child, &target));
            match (known, child.is_deleted()) {
                (Some(at), true) => {
                    items.remove(at);
                }
                (Some(_), false) => {}
                (None, deleted) => {
                    let by_key = matches!(target, ReferenceTarget::Key(_));
                    if deleted && !by_key {
                        continue;
                    }
                    let mut item = element(&property.name, &property.namespace);
                    item.attributes.push(attributes::of_target(target));
                    if deleted {
                        // Stored by UUID, deleted by key: only linking can tell which one is meant.
                        item.set_attribute(SDATA, "isDeleted", "true");
                    }
                    items.push(item);
                }
            }
        }
        into.content.extend(items.into_iter().map(Node::Element));
    }
}

/// Whether a stored association is the one that was sent. What comes back as it was read has key and UUID.
fn is_same(stored: &Element, sent: &Element, target: &ReferenceTarget) -> bool {
    let Some(known) = stored_target(stored) else { return false };
    known == *target || matches!((known, sent.uuid()), (ReferenceTarget::Uuid(known), Some(Ok(uuid))) if known == uuid)
}
