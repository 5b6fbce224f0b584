//! What queries look at of a resource, as JSON, and a short name for people.

use super::builtin::Builtin;
use super::contract::Contract;
use super::lexical::{self, Decimal};
use super::model::{Kind, Property, Shape, TypeId, TypeRef};
use super::payload::ReferenceTarget;
use super::protocol_attributes::stored_target;
use super::simple_type::SimpleType;
use crate::wire::Element;
use chrono::{DateTime, Datelike, NaiveTime, SecondsFormat};
use serde_json::{Map, Value};

/// Member that holds the resource's title, as its Atom entry has it.
const TITLE: &str = "$title";
/// Member that holds all its texts, in small letters, for `search`.
const TEXT: &str = "$text";

impl Contract {
    /// What queries look at, as JSON: scalar properties, structures as objects, references as an object with `$uuid`
    /// or `$key`, `$title`, and all texts in small letters as `$text`. What is nil, or no value that can be compared, is left out, and so are lists.
    ///
    /// Every value has one spelling, so that equal values are equal texts: numbers are decimal texts, days
    /// `2009-05-31`, times `13:20:00.000000` and moments `2009-05-31T13:20:00.000000Z`, both in UTC; these three
    /// compare as texts. Truths are JSON's.
    #[must_use]
    pub fn scalars(&self, kind: &Kind, resource: &Element) -> Value {
        let mut properties = self.properties_json(kind.type_id, resource);
        if let Some(Value::Object(members)) = &mut properties {
            let mut texts = Vec::new();
            self.texts(kind.type_id, resource, &mut texts);
            members.insert(TEXT.to_owned(), Value::from(texts.join("\n").to_lowercase()));
            members.insert(TITLE.to_owned(), Value::from(self.title(kind, resource)));
        }
        properties.unwrap_or_default()
    }

    /// The properties of a resource or structure, if there is any.
    fn properties_json(&self, id: TypeId, element: &Element) -> Option<Value> {
        let complex = self.complex_type(id)?;
        if let Some(text) = &complex.text {
            return json(text, &element.text());
        }
        let mut properties = Map::new();
        for child in element.children().filter(|child| !child.is_nil()) {
            let Some(property) = complex.property(&child.name).filter(|property| !property.repeated) else { continue };
            let value = match (&property.shape, property.simple_type()) {
                (Shape::Value, Some(simple)) => json(simple, &child.text()),
                (Shape::Structure(inner), _) => {
                    let actual = self.actual_type(*inner, child);
                    if self.complex_type(actual).is_some_and(super::model::ComplexType::is_list) {
                        continue;
                    }
                    self.properties_json(actual, child)
                }
                (Shape::Reference(_), _) => reference(child),
                (Shape::Choice(_), _) => {
                    let members =
                        child.children().filter_map(|member| Some((member.name.to_string(), reference(member)?)));
                    Some(Value::Object(members.collect()))
                }
                _ => None,
            };
            properties.extend(value.map(|value| (property.name.to_string(), value)));
        }
        Some(Value::Object(properties))
    }

    /// All texts of a resource, those of its children too.
    fn texts(&self, id: TypeId, element: &Element, found: &mut Vec<String>) {
        let Some(complex) = self.complex_type(id) else { return };
        let is_text = |simple: &SimpleType| simple.builtin().is_some_and(Builtin::is_text);
        if complex.text.as_ref().is_some_and(|simple| is_text(simple)) {
            found.push(element.text().into_owned());
        }
        for child in element.children() {
            match complex.property(&child.name).map(|property| (&property.value, property.shape)) {
                Some((TypeRef::Simple(simple), _)) if is_text(simple) => found.push(child.text().into_owned()),
                Some((TypeRef::Complex(inner), Shape::Structure(_) | Shape::Children(_) | Shape::Value)) => {
                    self.texts(self.actual_type(*inner, child), child, found);
                }
                _ => {}
            }
        }
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

/// Whether a property can be part of a name: free text, no code from a list.
fn is_name(property: &Property) -> bool {
    let free_text =
        |simple: &SimpleType| simple.builtin().is_some_and(Builtin::is_text) && simple.enumerated().is_empty();
    property.shape == Shape::Value && property.simple_type().is_some_and(free_text)
}

/// Members of a reference.
const UUID: &str = "$uuid";
const KEY: &str = "$key";

fn reference(element: &Element) -> Option<Value> {
    Some(match stored_target(element)? {
        ReferenceTarget::Uuid(uuid) => serde_json::json!({ UUID: uuid.to_string() }),
        ReferenceTarget::Key(key) => serde_json::json!({ KEY: key }),
    })
}

/// A value in its one spelling; `None` for what cannot be compared: not-a-number, and years that have not four digits.
fn json(simple: &SimpleType, text: &str) -> Option<Value> {
    match simple.builtin() {
        Some(Builtin::Boolean) => Some(Value::Bool(matches!(text, "true" | "1"))),
        Some(Builtin::Decimal | Builtin::Integer) => Some(Value::from(Decimal::parse(text)?.canonical())),
        // Rust writes floats without an exponent, with as many digits as tell them apart.
        Some(Builtin::Float) => {
            let number = lexical::float(text).filter(|number| number.is_finite())?.to_string();
            Some(Value::from(Decimal::parse(&number)?.canonical()))
        }
        Some(Builtin::Date) => {
            let day = text.get(..10).filter(|day| lexical::date(day).is_some() && !day.starts_with("0000"))?;
            Some(Value::from(day))
        }
        Some(Builtin::Time) => {
            let (seconds, nanos) = lexical::time(text)?;
            let time =
                NaiveTime::from_num_seconds_from_midnight_opt(u32::try_from(seconds.rem_euclid(86_400)).ok()?, nanos)?;
            Some(Value::from(time.format("%H:%M:%S%.6f").to_string()))
        }
        Some(Builtin::DateTime) => {
            let (seconds, nanos) = lexical::date_time(text)?;
            let moment =
                DateTime::from_timestamp(seconds, nanos).filter(|moment| (1..=9999).contains(&moment.year()))?;
            Some(Value::from(moment.to_rfc3339_opts(SecondsFormat::Micros, true)))
        }
        _ => Some(Value::from(text)),
    }
}
