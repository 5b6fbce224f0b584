//! The scalar properties of a resource as JSON, for searching, and a short name for people.

use super::builtin::Builtin;
use super::contract::Contract;
use super::lexical::Decimal;
use super::model::{Kind, Property, Relationship, Shape, TypeId};
use super::simple_type::SimpleType;
use crate::wire::Element;
use crate::wire::names::SDATA;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Number, Value};

impl Contract {
    /// The scalar properties of a resource as typed JSON.
    #[must_use]
    pub fn scalars(&self, kind: &Kind, resource: &Element) -> Value {
        self.properties_json(kind.type_id, resource)
    }

    /// The scalar properties of a resource or structure; lists and references are left out.
    fn properties_json(&self, id: TypeId, element: &Element) -> Value {
        let Some(complex) = self.complex_type(id) else { return Value::Null };
        if let Some(text) = &complex.text {
            return json(text, &element.text());
        }
        let mut properties = Map::new();
        for child in element.children() {
            let Some(property) = complex.property(&child.name).filter(|property| !property.repeated) else { continue };
            let value = match (&property.shape, property.simple_type()) {
                (Shape::Value, Some(_)) | (Shape::Structure(_), _) if child.is_nil() => Value::Null,
                (Shape::Value, Some(simple)) => json(simple, &child.text()),
                (Shape::Structure(inner), _) => {
                    let actual = self.actual_type(*inner, child);
                    if self.complex_type(actual).is_some_and(super::model::ComplexType::is_list) {
                        continue;
                    }
                    self.properties_json(actual, child)
                }
                _ => continue,
            };
            properties.insert(property.name.to_string(), value);
        }
        Value::Object(properties)
    }

    /// A short readable name of a resource, for titles: its first two texts, those of `sme:precedence` 1 before
    /// others; the kind's label when it has none.
    #[must_use]
    pub fn title(&self, kind: &Kind, resource: &Element) -> String {
        self.title_of(kind.type_id, resource).unwrap_or_else(|| kind.label.clone())
    }

    /// The same of a part of a resource, of the type `id`; `None` when it has no text.
    #[must_use]
    pub fn title_of(&self, id: TypeId, part: &Element) -> Option<String> {
        const LONGEST: usize = 120;
        let complex = self.complex_type(id)?;
        let texts = || {
            part.children().filter_map(|child| {
                let property = complex.property(&child.name).filter(|property| is_name(property))?;
                Some((property.precedence, child.text())).filter(|(_, text)| !text.is_empty())
            })
        };
        let preferred = texts().filter(|(precedence, _)| *precedence == 1);
        let mut words: Vec<_> = preferred.take(2).map(|(_, text)| text).collect();
        if words.is_empty() {
            words = texts().take(2).map(|(_, text)| text).collect();
        }
        (!words.is_empty()).then(|| words.join(" ").chars().take(LONGEST).collect())
    }
}

impl Contract {
    /// Gives a stored part of the type `id`, and every child in it, its `sdata:descriptor`: a short name for people
    /// (core 3.9). What has no text gets none.
    pub fn describe(&self, id: TypeId, part: &mut Element) {
        if let Some(title) = self.title_of(id, part) {
            part.set_attribute(SDATA, "descriptor", title);
        }
        let Some(complex) = self.complex_type(id) else { return };
        for child in part.children_mut() {
            let Some(property) = complex.property(&child.name) else { continue };
            match property.shape {
                Shape::Structure(inner) if property.relationship == Some(Relationship::Child) => {
                    self.describe(self.actual_type(inner, child), child);
                }
                Shape::Children(list) => {
                    for item in child.children_mut() {
                        if let Some(inner) = self.item_type(list, item) {
                            self.describe(inner, item);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// Whether a property can be part of a name: free text, no code from a list.
fn is_name(property: &Property) -> bool {
    let free_text =
        |simple: &SimpleType| simple.builtin().is_some_and(Builtin::is_text) && simple.enumerated().is_empty();
    property.shape == Shape::Value && property.simple_type().is_some_and(free_text)
}

fn json(simple: &SimpleType, text: &str) -> Value {
    match simple.builtin() {
        Some(Builtin::Boolean) => Value::Bool(matches!(text, "true" | "1")),
        Some(Builtin::Decimal | Builtin::Integer) => number(text),
        Some(Builtin::Float) => {
            text.parse().ok().and_then(Number::from_f64).map_or_else(|| Value::from(text), Value::Number)
        }
        // One spelling for one moment, so that texts compare as moments do.
        Some(Builtin::DateTime) if !text.ends_with('Z') => DateTime::parse_from_rfc3339(text).map_or_else(
            |_| Value::from(text),
            |moment| Value::from(moment.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        ),
        _ => Value::from(text),
    }
}

/// A number where JSON's 64-bit floating point holds every digit, else its text.
fn number(text: &str) -> Value {
    const EXACT_DIGITS: usize = 15;
    match Decimal::parse(text) {
        Some(decimal) if decimal.total_digits() <= EXACT_DIGITS => {
            let canonical = decimal.canonical();
            let whole = canonical.parse::<i64>().ok().map(Value::from);
            let fraction = || canonical.parse().ok().and_then(Number::from_f64).map(Value::Number);
            whole.or_else(fraction).unwrap_or_else(|| Value::from(text))
        }
        _ => Value::from(text),
    }
}
