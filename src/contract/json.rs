//! Resources as JSON objects, typed as the contract says (core 3.15; SData 2.0, "Formatting native objects in JSON").
//!
//! Values of numeric types are numbers with all their digits, truths are truths, null is `xsi:nil`, lists are arrays,
//! structures and references are objects. The attributes of XML have names with `$`; those of a list, which an array cannot
//! have, stand in the `$properties` of the object that holds it.

use super::builtin::Builtin;
use super::contract::Contract;
use super::model::{ComplexType, Property, TypeId, TypeRef};
use super::simple_type::SimpleType;
use crate::wire::names::{SDATA, SYNC, XSI};
use crate::wire::{Attribute, Element, Json};

/// Holds the metadata of properties (SData 2.0, "Embedded metadata").
pub(super) const PROPERTIES: &str = "$properties";
/// Says that an array is complete (core 9.2).
pub(super) const DELETE_MISSING: &str = "$deleteMissing";
/// The text of what has attributes of its own besides.
pub(super) const VALUE: &str = "$value";
/// The attributes that a contract's type declares.
pub(super) const ATTRIBUTES: &str = "$attributes";
/// The type that is derived from the declared one: `xsi:type`.
pub(super) const TYPE: &str = "$type";

type Members = Vec<(String, Json)>;

impl Contract {
    /// The resource, or the part of one, as JSON.
    #[must_use]
    pub fn json_of(&self, element: &Element) -> Json {
        let kind = self.kinds().iter().find(|kind| element.is(&kind.namespace, &kind.name));
        if let Some(kind) = kind {
            return self.structure_json(kind.type_id, element);
        }
        match self.declared(element) {
            Some(property) => self.value_json(&property.value, element),
            None => untyped_json(element),
        }
    }

    /// The property, of whatever type of the contract, whose element this is.
    fn declared(&self, element: &Element) -> Option<&Property> {
        let named = self.types.iter().filter_map(|complex| complex.property(&element.name));
        named.into_iter().find(|property| *property.namespace == *element.namespace)
    }

    fn value_json(&self, declared: &TypeRef, element: &Element) -> Json {
        if element.is_nil() {
            return Json::Null;
        }
        match declared {
            TypeRef::Simple(simple) => scalar(simple, &element.text()),
            TypeRef::Complex(id) => {
                let actual = self.actual_type(*id, element);
                match self.complex_type(actual).filter(|complex| complex.is_list()) {
                    Some(list) => self.list_json(list, element),
                    None => self.structure_json(actual, element),
                }
            }
            TypeRef::Any => untyped_json(element),
        }
    }

    /// The items; where the list may hold several kinds of them, each in an object that names it.
    fn list_json(&self, list: &ComplexType, element: &Element) -> Json {
        let items = element.children().map(|item| {
            let value = match list.property(&item.name) {
                Some(property) => self.value_json(&property.value, item),
                None => untyped_json(item),
            };
            if list.properties.len() == 1 { value } else { Json::Object(vec![(item.name.to_string(), value)]) }
        });
        Json::List(items.collect())
    }

    fn structure_json(&self, id: TypeId, element: &Element) -> Json {
        let Some(complex) = self.complex_type(id).filter(|complex| !complex.mixed) else {
            return untyped_json(element);
        };
        let mut members = attributes(&element.attributes);
        if let Some(text) = &complex.text {
            let value = scalar(text, &element.text());
            if members.is_empty() {
                return value;
            }
            members.push((VALUE.to_owned(), value));
            return Json::Object(members);
        }
        let mut metadata: Members = Vec::new();
        for child in element.children() {
            let property = complex.property(&child.name);
            let value =
                property.map_or_else(|| untyped_json(child), |property| self.value_json(&property.value, child));
            if matches!(value, Json::List(_)) && says_complete(child) {
                let complete = Json::Object(vec![(DELETE_MISSING.to_owned(), Json::Bool(true))]);
                metadata.push((child.name.to_string(), complete));
            }
            push(&mut members, &child.name, value, property.is_some_and(|property| property.repeated));
        }
        if !metadata.is_empty() {
            members.push((PROPERTIES.to_owned(), Json::Object(metadata)));
        }
        Json::Object(members)
    }
}

/// Adds a member; what may stand several times becomes an array.
fn push(members: &mut Members, name: &str, value: Json, repeated: bool) {
    match members.iter_mut().find(|(known, _)| known == name).map(|(_, known)| known) {
        Some(Json::List(items)) if repeated => items.push(value),
        Some(known) => {
            let first = std::mem::replace(known, Json::Null);
            *known = Json::List(vec![first, value]);
        }
        None if repeated => members.push((name.to_owned(), Json::List(vec![value]))),
        None => members.push((name.to_owned(), value)),
    }
}

fn scalar(simple: &SimpleType, text: &str) -> Json {
    let value = match (simple.builtin(), text.trim()) {
        (Some(Builtin::Boolean), "true" | "1") => Some(Json::Bool(true)),
        (Some(Builtin::Boolean), "false" | "0") => Some(Json::Bool(false)),
        (Some(Builtin::Decimal | Builtin::Integer | Builtin::Float), text) => Json::spelled_number(text),
        _ => None,
    };
    value.unwrap_or_else(|| Json::text(text))
}

/// What no contract describes: texts, and objects of what is inside.
#[must_use]
pub fn untyped_json(element: &Element) -> Json {
    if element.is_nil() {
        return Json::Null;
    }
    let mut members = attributes(&element.attributes);
    if members.is_empty() && element.children().next().is_none() {
        return Json::text(element.text());
    }
    for child in element.children() {
        push(&mut members, &child.name, untyped_json(child), false);
    }
    Json::Object(members)
}

/// `sdata:uri` says what `sdata:url` does, and `descriptor` is `$title` in SData 2.0.
fn attributes(attributes: &[Attribute]) -> Members {
    let (mut members, mut own): (Members, Members) = (Vec::new(), Vec::new());
    for Attribute { namespace, name, value } in attributes {
        match (&**namespace, &**name) {
            (SDATA, "uri") => {}
            (SDATA | SYNC, "isDeleted" | "deleteMissing") => {
                members.push((format!("${name}"), Json::Bool(matches!(value.trim(), "true" | "1"))));
            }
            (SDATA, "descriptor") => {
                members.push(("$title".to_owned(), Json::text(&**value)));
                members.push(("$descriptor".to_owned(), Json::text(&**value)));
            }
            (SDATA, name) => members.push((format!("${name}"), Json::text(&**value))),
            (XSI, "type") => {
                let local = value.trim().rsplit(':').next().unwrap_or_default();
                members.push((TYPE.to_owned(), Json::text(local)));
            }
            ("", name) => own.push((name.to_owned(), Json::text(&**value))),
            _ => {}
        }
    }
    if !own.is_empty() {
        members.push((ATTRIBUTES.to_owned(), Json::Object(own)));
    }
    members
}

fn says_complete(list: &Element) -> bool {
    super::protocol_attributes::deletes_missing(list)
}

#[cfg(test)]
mod tests;
