//! What queries look at of a resource, as JSON, and a short name for people.

use super::builtin::Builtin;
use super::contract::Contract;
use super::lexical;
use super::model::{ComplexType, Kind, Property, Shape, TypeId, TypeRef};
use super::payload::ReferenceTarget;
use super::protocol_attributes::stored_target;
use super::simple_type::SimpleType;
use crate::protocol::decimal::Decimal;
use crate::wire::Element;
use chrono::{DateTime, Datelike, NaiveTime, SecondsFormat};
use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write;

/// Member that holds the resource's title, as its Atom entry has it.
const TITLE: &str = "$title";
/// Member that holds all its texts, in small letters, for `search`.
const TEXT: &str = "$text";

impl Contract {
    /// What queries look at, as a text in JSON: scalar properties, structures as objects, references as an object with `$uuid`
    /// or `$key`, `$title`, and all texts in small letters as `$text`. What is nil, or no value that can be compared, is left
    /// out, and so are lists.
    ///
    /// Every value has one spelling, so that equal values are equal texts: numbers are decimal texts, days
    /// `2009-05-31`, times `13:20:00.000000` and moments `2009-05-31T13:20:00.000000Z`, both in UTC; these three
    /// compare as texts. Truths are JSON's.
    #[must_use]
    pub fn scalars(&self, kind: &Kind, resource: &Element) -> String {
        let mut json = Vec::with_capacity(1024);
        if !self.write_properties(kind.type_id, resource, &mut json) {
            json.extend_from_slice(b"null");
        }
        if json.last() == Some(&b'}') {
            json.pop();
            let mut texts = String::new();
            self.texts(kind.type_id, resource, &mut texts);
            write_member(TEXT, &mut json, |json| write_text(&texts, json));
            write_member(TITLE, &mut json, |json| write_text(&self.title(kind, resource), json));
            json.push(b'}');
        }
        // Names, texts and JSON's own marks: all of it is UTF-8.
        String::from_utf8(json).unwrap_or_default()
    }

    /// Writes the properties of a resource or structure, if there is any: whether there is.
    fn write_properties(&self, id: TypeId, element: &Element, json: &mut Vec<u8>) -> bool {
        let Some(complex) = self.complex_type(id) else { return false };
        if let Some(text) = &complex.text {
            return write_value(text, &element.text(), json);
        }
        json.push(b'{');
        for (child, matched) in complex.matched(element) {
            let Some((_, property)) = matched.filter(|(_, property)| !property.repeated && !child.is_nil()) else {
                continue;
            };
            write_member(&property.name, json, |json| self.write_property(property, child, json));
        }
        json.push(b'}');
        true
    }

    /// Writes what one property says, if it says anything: whether it does.
    fn write_property(&self, property: &Property, element: &Element, json: &mut Vec<u8>) -> bool {
        match (&property.shape, property.simple_type()) {
            (Shape::Value, Some(simple)) => write_value(simple, &element.text(), json),
            (Shape::Structure(inner), _) => {
                let actual = self.actual_type(*inner, element);
                let is_list = self.complex_type(actual).is_some_and(ComplexType::is_list);
                !is_list && self.write_properties(actual, element, json)
            }
            (Shape::Reference(_), _) => write_reference(element, json),
            (Shape::Choice(_), _) => {
                json.push(b'{');
                for member in element.children() {
                    write_member(&member.name, json, |json| write_reference(member, json));
                }
                json.push(b'}');
                true
            }
            _ => false,
        }
    }

    /// All texts of a resource in small letters, those of its children too, on lines of their own.
    fn texts(&self, id: TypeId, element: &Element, found: &mut String) {
        let Some(complex) = self.complex_type(id) else { return };
        let is_text = |simple: &SimpleType| simple.builtin().is_some_and(Builtin::is_text);
        if complex.text.as_ref().is_some_and(|simple| is_text(simple)) {
            add_line(&element.text(), found);
        }
        for (child, matched) in complex.matched(element) {
            match matched.map(|(_, property)| (&property.value, property.shape)) {
                Some((TypeRef::Simple(simple), _)) if is_text(simple) => add_line(&child.text(), found),
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
            complex.matched(part).filter_map(|(child, matched)| {
                let (_, property) = matched.filter(|(_, property)| is_name(property))?;
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

fn write_reference(element: &Element, json: &mut Vec<u8>) -> bool {
    let Some(target) = stored_target(element) else { return false };
    json.push(b'{');
    match target {
        ReferenceTarget::Uuid(uuid) => write_member(UUID, json, |json| write_plain(uuid, json)),
        ReferenceTarget::Key(key) => write_member(KEY, json, |json| write_text(&key, json)),
    }
    json.push(b'}');
    true
}

/// Writes a member of the object that is being written, unless `write_value` says that it has no value.
fn write_member(name: &str, json: &mut Vec<u8>, write_value: impl FnOnce(&mut Vec<u8>) -> bool) {
    let begin = json.len();
    if json.last() != Some(&b'{') {
        json.push(b',');
    }
    write_text(name, json);
    json.push(b':');
    if !write_value(json) {
        json.truncate(begin);
    }
}

fn write_text(text: &str, json: &mut Vec<u8>) -> bool {
    serde_json::to_writer(json, text).is_ok()
}

/// Writes a text in which nothing has to be escaped.
fn write_plain(text: impl Display, json: &mut Vec<u8>) -> bool {
    write!(json, "\"{text}\"").is_ok()
}

fn add_line(text: &str, lines: &mut String) {
    if text.is_empty() {
        return;
    }
    if !lines.is_empty() {
        lines.push('\n');
    }
    if text.is_ascii() {
        let begin = lines.len();
        lines.push_str(text);
        lines.get_mut(begin..).unwrap_or_default().make_ascii_lowercase();
    } else {
        lines.push_str(&text.to_lowercase());
    }
}

/// Writes a value in its one spelling; not what cannot be compared: not-a-number, and years that have not four digits.
fn write_value(simple: &SimpleType, text: &str, json: &mut Vec<u8>) -> bool {
    match simple.builtin() {
        Some(Builtin::Boolean) => {
            json.extend_from_slice(if matches!(text, "true" | "1") { b"true" } else { b"false" });
            true
        }
        Some(
            builtin @ (Builtin::Decimal
            | Builtin::Integer
            | Builtin::Float
            | Builtin::Date
            | Builtin::Time
            | Builtin::DateTime),
        ) => spelled(builtin, text).is_some_and(|value| write_plain(value, json)),
        _ => write_text(text, json),
    }
}

/// The one spelling of a number, day, time or moment.
fn spelled(builtin: Builtin, text: &str) -> Option<Cow<'_, str>> {
    match builtin {
        // Rust writes floats without an exponent, with as many digits as tell them apart.
        Builtin::Float => {
            let number = lexical::float(text).filter(|number| number.is_finite())?.to_string();
            Some(Cow::Owned(Decimal::parse(&number)?.canonical()))
        }
        Builtin::Date => {
            let day = text.get(..10).filter(|day| lexical::date(day).is_some() && !day.starts_with("0000"))?;
            Some(Cow::Borrowed(day))
        }
        Builtin::Time => {
            let (seconds, nanos) = lexical::time(text)?;
            let time =
                NaiveTime::from_num_seconds_from_midnight_opt(u32::try_from(seconds.rem_euclid(86_400)).ok()?, nanos)?;
            Some(Cow::Owned(time.format("%H:%M:%S%.6f").to_string()))
        }
        Builtin::DateTime => {
            let (seconds, nanos) = lexical::date_time(text)?;
            let moment =
                DateTime::from_timestamp(seconds, nanos).filter(|moment| (1..=9999).contains(&moment.year()))?;
            Some(Cow::Owned(moment.to_rfc3339_opts(SecondsFormat::Micros, true)))
        }
        _ => Some(Cow::Owned(Decimal::parse(text)?.canonical())),
    }
}
