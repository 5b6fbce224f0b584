//! Resources from JSON objects: what [`Contract::json_of`] writes, and what clients write by hand.
//!
//! Only names and types are looked at; whether the resource is one is for [`Contract::accept`] to say.

use super::accept::element;
use super::builtin::Builtin;
use super::contract::Contract;
use super::json::{ATTRIBUTES, DELETE_MISSING, PROPERTIES, TYPE, VALUE};
use super::model::{ComplexType, Kind, Property, TypeId, TypeRef};
use super::payload::{Fault, Path};
use super::protocol_attributes::nil;
use super::simple_type::{SimpleType, Variety};
use crate::wire::names::{SDATA, XSI};
use crate::wire::{Attribute, Element, Json, Node};
use std::collections::HashSet;
use std::sync::Arc;

/// Digits that a number with an exponent may have when it is written out.
const MOST_DIGITS: usize = 400;

impl Contract {
    /// The resource of `kind` that `object` describes.
    ///
    /// # Errors
    /// The first member that is nothing its property can hold.
    pub fn element_of_json(&self, kind: &Kind, object: &Json) -> Result<Element, Fault> {
        let mut resource = element(&kind.name, &kind.namespace);
        let path = Path::root(&kind.name);
        let Json::Object(members) = object else {
            return Err(fault(&path, "is a resource: an object was expected"));
        };
        self.structure_of(&mut resource, kind.type_id, members, &path)?;
        // The resource's title is its entry's.
        resource.remove_attribute(SDATA, "descriptor");
        Ok(resource)
    }

    fn structure_of(
        &self,
        into: &mut Element,
        declared: TypeId,
        members: &[(String, Json)],
        path: &Path<'_>,
    ) -> Result<(), Fault> {
        if let Some(derived) = members.iter().find(|(name, _)| name == TYPE).and_then(|(_, value)| value.scalar()) {
            into.set_attribute(XSI, "type", derived);
        }
        let complex = self.complex_type(self.actual_type(declared, into));
        for (name, value) in members {
            if name.starts_with('$') {
                self.metadata_of(into, complex, name, value, path)?;
                continue;
            }
            let here = path.to(name);
            match (complex.and_then(|complex| complex.property(name)), value) {
                (Some(property), Json::List(items)) if property.repeated => {
                    for (index, item) in items.iter().enumerate() {
                        let value = self.value_of(property, item, &path.item(name, index))?;
                        into.content.push(Node::Element(value));
                    }
                }
                (Some(property), value) => into.content.push(Node::Element(self.value_of(property, value, &here)?)),
                (None, value) => into.content.extend(self.untyped_of(name, value).into_iter().map(Node::Element)),
            }
        }
        complete_lists(into, members);
        Ok(())
    }

    /// A member with `$`: an attribute of the element, its text, or nothing that a resource holds.
    fn metadata_of(
        &self,
        into: &mut Element,
        complex: Option<&ComplexType>,
        name: &str,
        value: &Json,
        path: &Path<'_>,
    ) -> Result<(), Fault> {
        match name {
            VALUE => {
                if let Some(text) = complex.and_then(|complex| complex.text.as_ref()) {
                    push_text(into, text_of(text, value, path)?);
                }
            }
            ATTRIBUTES => {
                let Json::Object(attributes) = value else { return Ok(()) };
                // No name is there twice, and nothing else is without a namespace.
                into.attributes.extend(attributes.iter().map(|(name, value)| Attribute {
                    namespace: Arc::from(""),
                    name: name.as_str().into(),
                    value: value.scalar().unwrap_or_default().to_owned(),
                }));
            }
            "$key" | "$url" | "$uuid" | "$isDeleted" | DELETE_MISSING | "$lookup" | "$descriptor" => {
                if let Some(text) = value.scalar() {
                    into.set_attribute(SDATA, name.trim_start_matches('$'), text);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn value_of(&self, property: &Property, value: &Json, path: &Path<'_>) -> Result<Element, Fault> {
        let mut result = element(&property.name, &property.namespace);
        match (&property.value, value) {
            (_, Json::Null) => result.attributes.push(nil()),
            (TypeRef::Simple(simple), value) => push_text(&mut result, text_of(simple, value, path)?),
            (TypeRef::Any, value) => {
                let found = self.untyped_of(&property.name, value).into_iter().next();
                result.content = found.map(|found| found.content).unwrap_or_default();
            }
            (TypeRef::Complex(id), value) => self.complex_of(&mut result, *id, value, path)?,
        }
        Ok(result)
    }

    fn complex_of(&self, into: &mut Element, id: TypeId, value: &Json, path: &Path<'_>) -> Result<(), Fault> {
        let complex = self.complex_type(id);
        let list = complex.filter(|complex| complex.is_list());
        match (value, list, complex.and_then(|complex| complex.text.as_ref())) {
            (Json::List(items), Some(list), _) => self.items_of(into, list, items, path),
            // As an embedded feed, which has room for what is said of the list.
            (Json::Object(members), Some(list), _) if value.get("$resources").is_some() => {
                for (name, value) in members {
                    self.metadata_of(into, None, name, value, path)?;
                }
                match value.get("$resources") {
                    Some(Json::List(items)) => self.items_of(into, list, items, path),
                    _ => Err(fault(path, "has $resources that are no array")),
                }
            }
            (Json::Object(members), _, _) => self.structure_of(into, id, members, path),
            (value, _, Some(text)) => {
                push_text(into, text_of(text, value, path)?);
                Ok(())
            }
            (_, Some(_), _) => Err(fault(path, "is a list: an array was expected")),
            (_, None, _) => Err(fault(path, "has properties of its own: an object was expected")),
        }
    }

    fn items_of(&self, into: &mut Element, list: &ComplexType, items: &[Json], path: &Path<'_>) -> Result<(), Fault> {
        for (index, item) in items.iter().enumerate() {
            let (property, value) = match (list.properties.as_slice(), item) {
                ([only], item) => (Some(only), item),
                (_, Json::Object(members)) => match members.as_slice() {
                    [(name, value)] => (list.property(name), value),
                    _ => (None, item),
                },
                _ => (None, item),
            };
            let Some(property) = property else {
                return Err(fault(
                    &path.item("item", index),
                    "must be an object with one member, which names what it is",
                ));
            };
            let value = self.value_of(property, value, &path.item(&property.name, index))?;
            into.content.push(Node::Element(value));
        }
        Ok(())
    }

    /// What the contract does not describe, in its namespace; acceptance says what it thinks of it.
    fn untyped_of(&self, name: &str, value: &Json) -> Vec<Element> {
        let mut found = Element::new(self.namespace(), name);
        match value {
            Json::Null => found.attributes.push(nil()),
            Json::List(items) if !items.is_empty() => {
                return items.iter().flat_map(|item| self.untyped_of(name, item)).collect();
            }
            Json::Object(members) => {
                for (name, value) in members.iter().filter(|(name, _)| !name.starts_with('$')) {
                    found.content.extend(self.untyped_of(name, value).into_iter().map(Node::Element));
                }
            }
            value => push_text(&mut found, value.scalar().unwrap_or_default().to_owned()),
        }
        vec![found]
    }
}

/// `$properties` says which lists are complete.
fn complete_lists(into: &mut Element, members: &[(String, Json)]) {
    let Some((_, Json::Object(metadata))) = members.iter().find(|(name, _)| name == PROPERTIES) else { return };
    let is_complete = |said: &Json| said.get(DELETE_MISSING).and_then(Json::scalar) == Some("true");
    let complete: HashSet<&str> =
        metadata.iter().filter(|(_, said)| is_complete(said)).map(|(name, _)| name.as_str()).collect();
    for list in into.children_mut().filter(|list| complete.contains(&*list.name)) {
        list.set_attribute(SDATA, "deleteMissing", "true");
    }
}

/// The text of a value. A number may also be written as a string, and anything may where texts are wanted.
fn text_of(simple: &SimpleType, value: &Json, path: &Path<'_>) -> Result<String, Fault> {
    match (value, &simple.variety) {
        (Json::Number(number), _) if simple.builtin().is_some_and(Builtin::is_decimal) => {
            written_out(number).ok_or_else(|| fault(path, "is a number with too many digits"))
        }
        (Json::List(items), Variety::List(_)) => {
            let words: Option<Vec<_>> = items.iter().map(Json::scalar).collect();
            words.map(|words| words.join(" ")).ok_or_else(|| fault(path, "is a list of values"))
        }
        (value, _) => {
            value.scalar().map(str::to_owned).ok_or_else(|| fault(path, "is a single value: no array or object"))
        }
    }
}

/// A JSON number in the digits of XML Schema's decimals: without an exponent, whole where it is.
fn written_out(number: &str) -> Option<String> {
    let Some((mantissa, power)) = number.split_once(['e', 'E']) else { return Some(number.to_owned()) };
    let power: i32 = power.parse().ok()?;
    let (minus, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()?.checked_add(power)?;
    let length = usize::try_from(point.unsigned_abs()).ok()?;
    if length > MOST_DIGITS {
        return None;
    }
    if point <= 0 {
        return Some(format!("{minus}0.{}{digits}", "0".repeat(length)));
    }
    let (whole, fraction) = digits.split_at_checked(length).unwrap_or((&digits, ""));
    let zeros = "0".repeat(length.saturating_sub(digits.len()));
    let fraction = if fraction.bytes().all(|digit| digit == b'0') { String::new() } else { format!(".{fraction}") };
    Some(format!("{minus}{whole}{zeros}{fraction}"))
}

fn push_text(into: &mut Element, text: String) {
    if !text.is_empty() {
        into.content.push(Node::Text(text));
    }
}

fn fault(path: &Path<'_>, message: &str) -> Fault {
    Fault { path: path.to_string(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("1553.10", Some("1553.10"))]
    #[case::large("1.5e3", Some("1500"))]
    #[case::whole("12e0", Some("12"))]
    #[case::small("-25e-3", Some("-0.025"))]
    #[case::in_between("12345e-2", Some("123.45"))]
    #[case::zero_fraction("1.50e1", Some("15"))]
    #[case::beyond_reason("1e500", None)]
    fn numbers_are_written_out(#[case] number: &str, #[case] expected: Option<&str>) {
        assert_eq!(written_out(number).as_deref(), expected);
    }
}
