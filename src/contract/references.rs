//! The references of stored resources: finding them, turning keys into UUIDs, and writing what readers expect.

use super::contract::Contract;
use super::model::{Kind, Property, Shape, TypeId, TypeRef};
use super::payload::{Located, Path, Reference, ReferenceTarget};
use super::protocol_attributes::{self as attributes, stored_target};
use crate::protocol::url::selected;
use crate::wire::names::SDATA;
use crate::wire::{Element, Node};
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

impl Contract {
    /// All references of a stored resource to kinds of this contract, at whatever depth, in document order.
    #[must_use]
    pub fn references(&self, kind: &Kind, resource: &Element) -> Vec<Reference> {
        self.references_in(kind.type_id, resource)
    }

    /// The same of a stored part of a resource, of the type `id`.
    #[must_use]
    pub fn references_in(&self, id: TypeId, part: &Element) -> Vec<Reference> {
        let mut found = Vec::new();
        self.find_references(id, part, &Path::root(&part.name), &mut found);
        found
    }

    fn find_references(&self, id: TypeId, element: &Element, path: &Path<'_>, found: &mut Vec<Reference>) {
        let Some(complex) = self.complex_type(id) else { return };
        for (child, matched) in complex.matched(element) {
            let Some((_, property)) = matched else { continue };
            let here = path.to(&child.name);
            match property.shape {
                Shape::Value | Shape::Any => {}
                Shape::Structure(inner) => self.find_references(self.actual_type(inner, child), child, &here, found),
                Shape::Children(list) => {
                    for (index, item) in child.children().enumerate() {
                        if let Some(inner) = self.item_type(list, item) {
                            self.find_references(inner, item, &here.item(&item.name, index), found);
                        }
                    }
                }
                Shape::References(list) => {
                    for (index, item) in child.children().enumerate() {
                        let path = here.item(&item.name, index);
                        found.extend(self.item_kind(list, item).and_then(|kind| reference(kind, item, &path, false)));
                    }
                }
                Shape::Choice(choice) => {
                    for member in child.children() {
                        let path = here.to(&member.name);
                        let kind = self.item_kind(choice, member);
                        found.extend(kind.and_then(|kind| reference(kind, member, &path, property.is_mandatory)));
                    }
                }
                Shape::Reference(kind) => {
                    let kind = kind.and_then(|kind| self.kind_at(kind));
                    found.extend(kind.and_then(|kind| reference(kind, child, &here, property.is_mandatory)));
                }
            }
        }
    }

    /// The type of an item of the list type `list`.
    #[must_use]
    pub fn item_type(&self, list: TypeId, item: &Element) -> Option<TypeId> {
        match self.complex_type(list)?.property(&item.name)?.value {
            TypeRef::Complex(id) => Some(self.actual_type(id, item)),
            TypeRef::Simple(_) | TypeRef::Any => None,
        }
    }

    /// The types that the items of a list may have.
    pub(super) fn item_types(&self, list: TypeId) -> impl Iterator<Item = TypeId> {
        let items = self.complex_type(list).map_or(&[][..], |complex| &complex.properties);
        items.iter().filter_map(|item| match &item.value {
            TypeRef::Complex(id) => Some(*id),
            TypeRef::Simple(_) | TypeRef::Any => None,
        })
    }

    fn item_kind(&self, list: TypeId, item: &Element) -> Option<&Kind> {
        match self.complex_type(list)?.property(&item.name)?.value {
            TypeRef::Complex(id) => self.kind_of(id),
            TypeRef::Simple(_) | TypeRef::Any => None,
        }
    }

    /// Turns references by key into references by UUID where `uuid_of` knows one; whether any by key is left.
    pub fn link_references(
        &self,
        kind: &Kind,
        resource: &mut Element,
        uuid_of: &dyn Fn(&Reference) -> Option<Uuid>,
    ) -> bool {
        let mut left = false;
        self.visit(kind.type_id, resource, &Path::root(&kind.name), &mut |visited, element| {
            if let Visited::Reference(reference) = visited
                && let ReferenceTarget::Key(_) = reference.target
            {
                match uuid_of(reference) {
                    Some(uuid) => {
                        element.remove_attribute(SDATA, "key");
                        element.attributes.push(attributes::uuid(uuid));
                    }
                    None => left = true,
                }
            }
            if let Visited::References = visited {
                settle(element);
            }
        });
        left
    }

    /// Gives every reference and child of a stored resource the attributes a reader expects: `sdata:key`, and
    /// `sdata:url` with the same value as `sdata:uri`. `locate` says where a referenced resource is; for one
    /// that is not here yet its UUID stays alone. Children are at `{resource_url}/{list}('{key}')`.
    pub fn dress(
        &self,
        kind: &Kind,
        resource: &mut Element,
        resource_url: &str,
        locate: &dyn Fn(&Reference) -> Option<Located>,
    ) {
        self.dress_part(kind.type_id, resource, resource_url, locate);
    }

    /// The same for a part of a resource, of the type `id`, that is at `url`.
    pub fn dress_part(
        &self,
        id: TypeId,
        part: &mut Element,
        url: &str,
        locate: &dyn Fn(&Reference) -> Option<Located>,
    ) {
        let name = Arc::clone(&part.name);
        self.visit(id, part, &Path::root(&name), &mut |visited, element| match visited {
            Visited::Reference(reference) => {
                if let Some(located) = locate(reference) {
                    element.set_attribute(SDATA, "key", located.key);
                    if let Some(uuid) = located.uuid {
                        element.set_attribute(SDATA, "uuid", uuid.to_string());
                    }
                    set_url(element, &located.url);
                }
            }
            Visited::References | Visited::Children => element.remove_attribute(SDATA, "deleteMissing"),
        });
        self.address(id, part, url);
    }

    /// Calls `see` for every reference of a part that was dressed, with the plural name of its kind.
    pub fn each_reference(&self, id: TypeId, part: &mut Element, see: &mut dyn FnMut(&Arc<str>, &mut Element)) {
        let name = Arc::clone(&part.name);
        self.visit(id, part, &Path::root(&name), &mut |visited, element| {
            if let Visited::Reference(reference) = visited {
                see(&reference.kind, element);
            }
        });
    }

    /// Calls `see` for the references that `way` leads to, from property to property.
    pub fn each_reference_at(
        &self,
        id: TypeId,
        part: &mut Element,
        way: &[Arc<str>],
        see: &mut dyn FnMut(&Arc<str>, &mut Element),
    ) {
        let (Some(complex), Some((name, rest))) = (self.complex_type(id), way.split_first()) else { return };
        let Some(property) = complex.property(name) else { return };
        for child in part.children_mut().filter(|child| child.name == *name) {
            match property.shape {
                Shape::Value | Shape::Any | Shape::Reference(None) => {}
                Shape::Structure(inner) => self.each_reference_at(self.actual_type(inner, child), child, rest, see),
                Shape::Children(list) => {
                    for item in child.children_mut() {
                        if let Some(inner) = self.item_type(list, item) {
                            self.each_reference_at(inner, item, rest, see);
                        }
                    }
                }
                Shape::Reference(Some(kind)) => {
                    if let Some(kind) = self.kind_at(kind) {
                        see(&kind.plural_name, child);
                    }
                }
                Shape::Choice(members) | Shape::References(members) => {
                    for member in child.children_mut() {
                        if let Some(kind) = self.item_kind(members, member) {
                            see(&kind.plural_name, member);
                        }
                    }
                }
            }
        }
    }

    /// Gives children, and the properties that hold them, their URLs.
    fn address(&self, id: TypeId, element: &mut Element, url: &str) {
        let Some(complex) = self.complex_type(id) else { return };
        for child in element.children_mut() {
            let Some(property) = complex.property(&child.name) else { continue };
            match property.shape {
                Shape::Children(list) => {
                    let list_url = format!("{url}/{}", property.name);
                    for item in child.children_mut() {
                        let Some(inner) = self.item_type(list, item) else { continue };
                        let item_url = selected(&list_url, item.attribute(SDATA, "key").unwrap_or_default());
                        set_url(item, &item_url);
                        self.address(inner, item, &item_url);
                    }
                    set_url(child, &list_url);
                }
                Shape::Structure(inner) if !child.is_nil() => {
                    let inner_url = format!("{url}/{}", property.name);
                    let actual = self.actual_type(inner, child);
                    self.address(actual, child, &inner_url);
                    if is_single_child(property) {
                        set_url(child, &inner_url);
                    }
                }
                _ => {}
            }
        }
    }

    /// Calls `see` for every reference, and after them for the lists that hold them.
    fn visit(&self, id: TypeId, element: &mut Element, path: &Path<'_>, see: &mut dyn FnMut(&Visited, &mut Element)) {
        let Some(complex) = self.complex_type(id) else { return };
        for child in element.children_mut() {
            let Some(property) = complex.property(&child.name) else { continue };
            let name = Arc::clone(&child.name);
            let here = path.to(&name);
            match property.shape {
                Shape::Value | Shape::Any => {}
                Shape::Structure(inner) => self.visit(self.actual_type(inner, child), child, &here, see),
                Shape::Children(list) => {
                    for (index, item) in child.children_mut().enumerate() {
                        let Some(inner) = self.item_type(list, item) else { continue };
                        let name = Arc::clone(&item.name);
                        self.visit(inner, item, &here.item(&name, index), see);
                    }
                    see(&Visited::Children, child);
                }
                Shape::References(list) => {
                    for (index, item) in child.children_mut().enumerate() {
                        let name = Arc::clone(&item.name);
                        let path = here.item(&name, index);
                        if let Some(found) =
                            self.item_kind(list, item).and_then(|kind| reference(kind, item, &path, false))
                        {
                            see(&Visited::Reference(found), item);
                        }
                    }
                    see(&Visited::References, child);
                }
                Shape::Choice(choice) => {
                    for member in child.children_mut() {
                        let kind = self.item_kind(choice, member);
                        let found = kind
                            .and_then(|kind| reference(kind, member, &here.to(&member.name), property.is_mandatory));
                        if let Some(found) = found {
                            see(&Visited::Reference(found), member);
                        }
                    }
                }
                Shape::Reference(kind) => {
                    let kind = kind.and_then(|kind| self.kind_at(kind));
                    if let Some(found) = kind.and_then(|kind| reference(kind, child, &here, property.is_mandatory)) {
                        see(&Visited::Reference(found), child);
                    }
                }
            }
        }
    }
}

/// What a walk over a resource comes by.
enum Visited {
    Reference(Reference),
    /// A list of references.
    References,
    /// A list of children.
    Children,
}

fn reference(kind: &Kind, element: &Element, path: &Path<'_>, mandatory: bool) -> Option<Reference> {
    let target = stored_target(element)?;
    Some(Reference { path: path.to_string(), kind: Arc::clone(&kind.plural_name), target, mandatory })
}

/// After linking, an association list may name one resource twice, or name one to be taken out.
fn settle(list: &mut Element) {
    let identity = |item: &Element| Some((Arc::clone(&item.name), item.attribute(SDATA, "uuid")?.to_owned()));
    let deleted: HashSet<_> = list.children().filter(|item| item.is_deleted()).filter_map(identity).collect();
    let mut seen = HashSet::new();
    list.content.retain(|node| match node {
        Node::Element(item) => {
            let known = identity(item).is_some_and(|item| deleted.contains(&item) || !seen.insert(item));
            !item.is_deleted() && !known
        }
        Node::Text(_) => true,
    });
}

fn is_single_child(property: &Property) -> bool {
    property.relationship == Some(super::model::Relationship::Child)
}

fn set_url(element: &mut Element, url: &str) {
    element.set_attribute(SDATA, "url", url);
    element.set_attribute(SDATA, "uri", url);
}

#[cfg(test)]
mod tests;
