//! Resources as trees of names and texts, and back, by what the contract says of their properties.

use super::json::number;
use super::value::{KEY, UUID, Value};
use crate::contract::builtin::Builtin;
use crate::contract::{ComplexType, Contract, Kind, Property, Shape, SimpleType, TypeId, TypeRef};
use crate::wire::names::{SDATA, XSI};
use crate::wire::{Element, Node};

/// A resource, or a part of one, as a tree: its key and UUID, then its properties in document order.
pub(super) fn value_of(contract: &Contract, type_id: TypeId, element: &Element) -> Value {
    let Some(complex) = contract.complex_type(type_id) else { return Value::Null };
    if complex.text.is_some() {
        return Value::Text(element.text().into_owned());
    }
    let mut members = identity(element);
    for child in element.children() {
        let Some(property) = complex.property(&child.name) else { continue };
        let Some(value) = property_value(contract, property, child) else { continue };
        match members.iter_mut().find(|(name, _)| *name == *property.name) {
            Some((_, Value::List(items))) if property.repeated => items.push(value),
            _ if property.repeated => members.push((property.name.to_string(), Value::List(vec![value]))),
            _ => members.push((property.name.to_string(), value)),
        }
    }
    Value::Object(members)
}

fn identity(element: &Element) -> Vec<(String, Value)> {
    let named = |name: &str, attribute| {
        let text = element.attribute(SDATA, attribute).filter(|text| !text.is_empty())?;
        Some((name.to_owned(), Value::Text(text.to_owned())))
    };
    named(KEY, "key").into_iter().chain(named(UUID, "uuid")).collect()
}

/// `None` for what has no place in a tree: elements that the schema does not know.
fn property_value(contract: &Contract, property: &Property, child: &Element) -> Option<Value> {
    if child.is_nil() {
        return Some(Value::Null);
    }
    match property.shape {
        Shape::Value => Some(scalar(property.simple_type(), child.text().into_owned())),
        Shape::Reference(_) => Some(Value::Object(identity(child))),
        Shape::Structure(inner) | Shape::Choice(inner) => Some(value_of(contract, inner, child)),
        Shape::Children(list) | Shape::References(list) => {
            let item = only_item(contract, list)?;
            let items = child.children().filter_map(|child| match (&property.shape, &item.value) {
                (Shape::References(_), _) => Some(Value::Object(identity(child))),
                (_, TypeRef::Complex(inner)) => Some(value_of(contract, *inner, child)),
                _ => None,
            });
            Some(Value::List(items.collect()))
        }
        Shape::Any => None,
    }
}

fn scalar(simple: Option<&SimpleType>, text: String) -> Value {
    match simple.and_then(SimpleType::builtin) {
        Some(Builtin::Boolean) if matches!(text.as_str(), "true" | "false") => Value::Literal(text),
        Some(Builtin::Decimal | Builtin::Integer | Builtin::Float) => number(text),
        _ => Value::Text(text),
    }
}

/// What a list holds, where that is one thing: only then its items need no names.
fn only_item(contract: &Contract, list: TypeId) -> Option<&Property> {
    match contract.complex_type(list)?.properties.as_slice() {
        [item] => Some(item),
        _ => None,
    }
}

/// The resource element of a tree; what it holds is checked where it is imported.
///
/// # Errors
/// The path of a value that cannot be what it is to be, and why.
pub(super) fn element_of(contract: &Contract, kind: &Kind, value: &Value) -> Result<Element, String> {
    let Value::Object(members) = value else { return Err("is no object with properties".to_owned()) };
    let mut element = Element::new(&kind.namespace, &kind.name);
    fill(contract, &mut element, contract.complex_type(kind.type_id), members)?;
    Ok(element)
}

fn fill(
    contract: &Contract,
    element: &mut Element,
    complex: Option<&ComplexType>,
    members: &[(String, Value)],
) -> Result<(), String> {
    for (name, value) in members {
        let attribute = match name.as_str() {
            KEY => Some("key"),
            UUID => Some("uuid"),
            _ => None,
        };
        match (attribute, value) {
            (Some(_), Value::Null) => continue,
            (Some(attribute), Value::Text(text) | Value::Literal(text)) => {
                element.set_attribute(SDATA, attribute, text);
                continue;
            }
            (Some(_), Value::Object(_) | Value::List(_)) => return Err(format!("{name}: is no text")),
            (None, _) => {}
        }
        let property = complex.and_then(|complex| complex.property(name));
        match (property, value) {
            (Some(property), Value::List(items)) if property.repeated => {
                for item in items {
                    element.content.push(Node::Element(child(contract, property, item)?));
                }
            }
            (Some(property), value) => element.content.push(Node::Element(child(contract, property, value)?)),
            // Acceptance knows best what to say of it.
            (None, _) => element.content.push(Node::Element(Element::new(&element.namespace, name))),
        }
    }
    Ok(())
}

fn child(contract: &Contract, property: &Property, value: &Value) -> Result<Element, String> {
    let mut child = Element::new(&property.namespace, &property.name);
    let inner = |child: &mut Element, id: TypeId, members: &[(String, Value)]| {
        let complex = contract.complex_type(id);
        fill(contract, child, complex, members).map_err(|path| format!("{}/{path}", property.name))
    };
    match (value, property.shape) {
        (Value::Null, _) => child.set_attribute(XSI, "nil", "true"),
        (Value::Text(text) | Value::Literal(text), Shape::Value | Shape::Structure(_) | Shape::Any) => {
            child.content.push(Node::Text(text.clone()));
        }
        (Value::Object(members), Shape::Structure(id) | Shape::Choice(id)) => inner(&mut child, id, members)?,
        (Value::Object(members), Shape::Reference(_)) => {
            fill(contract, &mut child, None, members).map_err(|path| format!("{}/{path}", property.name))?;
        }
        (Value::List(items), Shape::Children(list) | Shape::References(list)) => {
            // A list in a file is the whole list (core 9.2).
            child.set_attribute(SDATA, "deleteMissing", "true");
            let Some(item) = only_item(contract, list) else {
                return Err(format!("{}: is a list of several types, which only Atom can hold", property.name));
            };
            for value in items {
                child.content.push(Node::Element(list_item(contract, item, value)?));
            }
        }
        (_, shape) => return Err(format!("{}: is to be {}", property.name, expected(shape))),
    }
    Ok(child)
}

fn list_item(contract: &Contract, item: &Property, value: &Value) -> Result<Element, String> {
    let Value::Object(members) = value else { return Err(format!("{}: is to be an object", item.name)) };
    let complex = match &item.value {
        TypeRef::Complex(id) => contract.complex_type(*id),
        TypeRef::Simple(_) | TypeRef::Any => None,
    };
    let mut element = Element::new(&item.namespace, &item.name);
    fill(contract, &mut element, complex, members).map_err(|path| format!("{}/{path}", item.name))?;
    Ok(element)
}

const fn expected(shape: Shape) -> &'static str {
    match shape {
        Shape::Value | Shape::Any => "a text, a number or a boolean",
        Shape::Structure(_) | Shape::Choice(_) => "an object",
        Shape::Reference(_) => "an object with $uuid or $key",
        Shape::Children(_) | Shape::References(_) => "a list",
    }
}
