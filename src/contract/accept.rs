//! Checking a payload and laying it over what is stored (core 9.2).

use super::contract::Contract;
use super::model::{ComplexType, Kind, Property, Relationship, Shape, TypeId};
use super::payload::{Accepted, Fault, Path, Sender};
use super::protocol_attributes::{self as attributes, is_protocol};
use crate::wire::names::XSI;
use crate::wire::{Element, Node};
use std::sync::Arc;

/// Faults reported at once; a payload with more is beyond a reader's patience.
const MOST_FAULTS: usize = 20;

impl Contract {
    /// Checks `sent` and lays it over `stored` (`None`: the resource is created). What is absent keeps its stored
    /// value, `xsi:nil` clears, a list is a delta unless it says `sdata:deleteMissing` (core 9.2).
    ///
    /// # Errors
    /// Everything that is wrong with the payload, up to twenty faults.
    pub fn accept(
        &self,
        kind: &Kind,
        sent: &Element,
        stored: Option<&Element>,
        sender: Sender,
    ) -> Result<Accepted, Vec<Fault>> {
        let mut acceptance = Acceptance { contract: self, sender, faults: Vec::new() };
        let path = Path::root(&kind.name);
        if *sent.name != *kind.name || !acceptance.is_ours(sent, &kind.namespace, &path) {
            let found = format!(
                "is expected in the namespace '{}', found is '{}' in '{}'",
                kind.namespace, sent.name, sent.namespace
            );
            return Err(vec![Fault { path: path.to_string(), message: found }]);
        }
        let mut resource = element(&kind.name, &kind.namespace);
        acceptance.structure(&mut resource, kind.type_id, sent, stored, &path);
        if !acceptance.faults.is_empty() {
            return Err(acceptance.faults);
        }
        resource.attributes.clear();
        Ok(Accepted {
            unique: self.unique_values(kind, &resource),
            references: self.references(kind, &resource),
            properties: self.scalars(kind, &resource),
            resource,
        })
    }

    /// The values of a resource that no other of its kind may have: `(property, text)`.
    #[must_use]
    pub fn unique_values(&self, kind: &Kind, resource: &Element) -> Vec<(String, String)> {
        let Some(complex) = self.complex_type(kind.type_id) else { return Vec::new() };
        let is_unique = |property: &Property| property.is_unique_key && property.shape == Shape::Value;
        let unique =
            complex.matched(resource).filter(|(_, matched)| matched.is_some_and(|(_, found)| is_unique(found)));
        let texts = unique.map(|(child, _)| (child.name.to_string(), child.text().into_owned()));
        texts.filter(|(_, text)| !text.is_empty()).collect()
    }
}

/// An empty element that shares its names.
pub(super) fn element(name: &Arc<str>, namespace: &Arc<str>) -> Element {
    Element { namespace: Arc::clone(namespace), name: Arc::clone(name), attributes: Vec::new(), content: Vec::new() }
}

/// One payload being accepted.
pub(super) struct Acceptance<'a> {
    pub(super) contract: &'a Contract,
    pub(super) sender: Sender,
    faults: Vec<Fault>,
}

/// The elements of one structure, sorted by the property they belong to.
#[derive(Default)]
struct Given<'e> {
    /// By index of the property; `None` also for those that repeat.
    single: Vec<Option<&'e Element>>,
    /// Those that repeat, in document order.
    repeated: Vec<(usize, &'e Element)>,
    /// What the type lets pass without knowing it.
    foreign: Vec<&'e Element>,
}

impl Given<'_> {
    fn empty(complex: &ComplexType) -> Self {
        Self { single: vec![None; complex.properties.len()], ..Self::default() }
    }
}

impl Acceptance<'_> {
    pub(super) fn fault(&mut self, path: &Path<'_>, message: impl Into<String>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault { path: path.to_string(), message: message.into() });
        }
    }

    /// Whether an element is in the namespace it should be in. Elements of imported types are also taken in the
    /// contract's own namespace, where deployed applications write them.
    pub(super) fn is_ours(&mut self, element: &Element, namespace: &Arc<str>, path: &Path<'_>) -> bool {
        if element.namespace == *namespace || *element.namespace == *self.contract.namespace() {
            return true;
        }
        if element.namespace.is_empty() {
            self.fault(path, format!("has no namespace; it is expected in '{namespace}'"));
        }
        false
    }

    /// Fills `into` with the properties of `sent` laid over those of `stored`.
    pub(super) fn structure(
        &mut self,
        into: &mut Element,
        id: TypeId,
        sent: &Element,
        stored: Option<&Element>,
        path: &Path<'_>,
    ) {
        let Some(complex) = self.contract.complex_type(id) else { return };
        self.keep_attributes(into, complex, sent, stored, path);
        if let Some(text) = &complex.text {
            return self.value(into, text, sent, path);
        }
        if complex.mixed {
            into.content.clone_from(&sent.content);
            return;
        }
        if sent.content.iter().any(|node| matches!(node, Node::Text(text) if !text.trim().is_empty())) {
            self.fault(path, "holds text where properties are expected");
        }
        let given = self.sort(complex, sent, path);
        let mut had = stored.map_or_else(Given::default, |stored| sort_stored(complex, stored));
        self.choose(complex, &given, &mut had, path);
        into.content.reserve(complex.properties.len());
        let mut slot_done = None;
        for (index, property) in complex.properties.iter().enumerate() {
            if property.repeated {
                if slot_done.replace(property.slot) != Some(property.slot) {
                    self.repeated(into, complex, property.slot, &given, &had, path);
                }
                continue;
            }
            let sent_here = given.single.get(index).copied().flatten();
            let had_here = had.single.get(index).copied().flatten();
            if let Some(result) = self.property(property, sent_here, had_here, stored.is_none(), path) {
                into.content.push(Node::Element(result));
            }
        }
        let foreign = if given.foreign.is_empty() { had.foreign } else { given.foreign };
        into.content.extend(foreign.into_iter().cloned().map(Node::Element));
    }

    /// Finds the property of every element that was sent; those without one are faults.
    fn sort<'e>(&mut self, complex: &ComplexType, sent: &'e Element, path: &Path<'_>) -> Given<'e> {
        let mut given = Given::empty(complex);
        for (child, matched) in complex.matched(sent) {
            let here = path.to(&child.name);
            let Some((index, property)) = matched else {
                if complex.open {
                    given.foreign.push(child);
                } else {
                    self.fault(&here, format!("is no property of '{}'", sent.name));
                }
                continue;
            };
            if !self.is_ours(child, &property.namespace, &here) {
                if complex.open {
                    given.foreign.push(child);
                } else if !child.namespace.is_empty() {
                    self.fault(&here, format!("is expected in '{}', not in '{}'", property.namespace, child.namespace));
                }
                continue;
            }
            if property.is_read_only && self.sender == Sender::Client {
                continue;
            }
            if property.repeated {
                given.repeated.push((index, child));
            } else if given.single.get_mut(index).and_then(|slot| slot.replace(child)).is_some() {
                self.fault(&here, "is given more than once");
            }
        }
        given
    }

    /// Of an `xs:choice`, what is sent replaces another branch that was stored.
    fn choose(&mut self, complex: &ComplexType, given: &Given<'_>, had: &mut Given<'_>, path: &Path<'_>) {
        let mut chosen: Vec<(u32, u32)> = Vec::new();
        let present = complex.properties.iter().zip(&given.single).filter(|(_, sent)| sent.is_some());
        for (property, (choice, branch)) in
            present.filter_map(|(property, _)| property.branch.map(|branch| (property, branch)))
        {
            match chosen.iter().find(|(known, _)| *known == choice) {
                Some((_, other)) if *other != branch => {
                    self.fault(&path.to(&property.name), "cannot stand beside the alternative that is also given");
                }
                Some(_) => {}
                None => chosen.push((choice, branch)),
            }
        }
        if chosen.is_empty() {
            return;
        }
        for (property, stored) in complex.properties.iter().zip(&mut had.single) {
            let Some((choice, branch)) = property.branch else { continue };
            if chosen.iter().any(|(known, taken)| *known == choice && *taken != branch) {
                *stored = None;
            }
        }
    }

    /// Elements that may stand several times have no identity: what is sent replaces what is stored.
    fn repeated(
        &mut self,
        into: &mut Element,
        complex: &ComplexType,
        slot: u32,
        given: &Given<'_>,
        had: &Given<'_>,
        path: &Path<'_>,
    ) {
        let of_slot = |index: usize| complex.properties.get(index).filter(|property| property.slot == slot);
        let mut position = 0;
        for (index, sent) in &given.repeated {
            let Some(property) = of_slot(*index) else { continue };
            let here = path.item(&property.name, position);
            position += 1;
            let result = if sent.is_nil() { Some(null(property)) } else { self.merged(property, sent, None, &here) };
            into.content.extend(result.map(Node::Element));
        }
        if position == 0 {
            let kept = had.repeated.iter().filter(|(index, _)| of_slot(*index).is_some());
            into.content.extend(kept.map(|(_, stored)| Node::Element((*stored).clone())));
        }
    }

    /// One property that may stand once: what it is afterwards, or nothing.
    fn property(
        &mut self,
        property: &Property,
        sent: Option<&Element>,
        stored: Option<&Element>,
        creating: bool,
        path: &Path<'_>,
    ) -> Option<Element> {
        let here = path.to(&property.name);
        if let Some(sent) = sent {
            if sent.is_nil() {
                return self.cleared(property, &here);
            }
            let value = stored.filter(|stored| !stored.is_nil());
            if let Some(merged) = self.merged(property, sent, value, &here) {
                return Some(merged);
            }
        }
        if let Some(stored) = stored {
            return Some(stored.clone());
        }
        // The parent of a child is the resource it stands in; what is read-only is not the client's to give.
        let given_by_us = property.is_read_only && self.sender == Sender::Client;
        if property.is_mandatory && creating && !given_by_us && property.relationship != Some(Relationship::Parent) {
            self.fault(&here, "is mandatory");
        }
        absent(property)
    }

    fn cleared(&mut self, property: &Property, path: &Path<'_>) -> Option<Element> {
        if property.is_mandatory && !property.nillable {
            self.fault(path, "is mandatory, so it cannot be null");
        }
        match property.shape {
            Shape::Children(_) | Shape::References(_) => Some(empty_list(property)),
            _ => Some(null(property)),
        }
    }

    /// A property that was sent with a value; `None` when what was sent says nothing.
    fn merged(
        &mut self,
        property: &Property,
        sent: &Element,
        stored: Option<&Element>,
        path: &Path<'_>,
    ) -> Option<Element> {
        let mut result = element(&property.name, &property.namespace);
        match property.shape {
            Shape::Value => {
                let simple = property.simple_type()?;
                self.value(&mut result, simple, sent, path);
            }
            Shape::Structure(declared) => self.part(&mut result, property, declared, sent, stored, path),
            Shape::Reference(kind) => return self.reference(result, kind, sent, path),
            Shape::Choice(id) => return self.choice_reference(result, id, sent, path),
            Shape::Children(id) => self.children(&mut result, id, sent, stored, path),
            Shape::References(id) => self.references_list(&mut result, id, sent, stored, path),
            Shape::Any => {
                result.attributes =
                    sent.attributes.iter().filter(|attribute| !is_protocol(&attribute.namespace)).cloned().collect();
                result.content.clone_from(&sent.content);
            }
        }
        Some(result)
    }

    /// A structure of its own within the resource, or a single child.
    fn part(
        &mut self,
        into: &mut Element,
        property: &Property,
        declared: TypeId,
        sent: &Element,
        stored: Option<&Element>,
        path: &Path<'_>,
    ) {
        let actual = self.contract.actual_type(declared, sent);
        let is_list = self.contract.complex_type(actual).is_some_and(ComplexType::is_list);
        let same_type = stored.is_some_and(|stored| self.contract.actual_type(declared, stored) == actual);
        // Without keys a list cannot be a delta, and the properties of another type say nothing here.
        let stored = stored.filter(|_| same_type && !is_list);
        if let Some(complex) = self.contract.complex_type(actual).filter(|_| actual != declared) {
            into.set_attribute(XSI, "type", &*complex.name);
        }
        if property.relationship == Some(Relationship::Child) {
            self.child_identity(into, sent, stored, path);
        }
        self.structure(into, actual, sent, stored, path);
    }

    fn child_identity(&mut self, into: &mut Element, sent: &Element, stored: Option<&Element>, path: &Path<'_>) {
        match stored.and_then(Element::uuid).or_else(|| sent.uuid()) {
            Some(Ok(uuid)) => into.attributes.push(attributes::uuid(uuid)),
            Some(Err(text)) => self.fault(path, format!("has sdata:uuid=\"{text}\", which is no UUID")),
            None => {}
        }
    }
}

/// Stored elements need no checks; what the contract no longer knows is dropped.
fn sort_stored<'e>(complex: &ComplexType, stored: &'e Element) -> Given<'e> {
    let mut given = Given::empty(complex);
    for (child, matched) in complex.matched(stored) {
        match matched {
            Some((index, property)) if property.repeated => given.repeated.push((index, child)),
            Some((index, _)) => {
                if let Some(slot) = given.single.get_mut(index) {
                    *slot = Some(child);
                }
            }
            None if complex.open => given.foreign.push(child),
            None => {}
        }
    }
    given
}

/// A property nobody gave a value: null where the schema has null, so that the payload says so to peers
/// (core 3.8); a list of children is an empty one.
fn absent(property: &Property) -> Option<Element> {
    match property.shape {
        Shape::Children(_) => Some(empty_list(property)),
        // Associations are rebuilt by each application from the references (sync 6.1): nothing to say.
        Shape::References(_) | Shape::Any => None,
        _ if property.nillable && property.branch.is_none() => Some(null(property)),
        _ => None,
    }
}

fn null(property: &Property) -> Element {
    let empty = element(&property.name, &property.namespace);
    Element { attributes: vec![attributes::nil()], ..empty }
}

fn empty_list(property: &Property) -> Element {
    let empty = element(&property.name, &property.namespace);
    Element { attributes: vec![attributes::delete_missing()], ..empty }
}

#[cfg(test)]
mod tests;
