//! Lines of JSON: numbers keep their digits, so that what is exported comes back as it was.

use super::value::Value;
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Levels of objects and lists in a line.
const DEEPEST: u16 = 64;

/// Reads one line.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn read(line: &[u8]) -> Result<Value, String> {
    let raw: &RawValue = serde_json::from_slice(line).map_err(|error| said(&error))?;
    value_of(raw, DEEPEST)
}

fn value_of(raw: &RawValue, levels: u16) -> Result<Value, String> {
    let Some(levels) = levels.checked_sub(1) else {
        return Err(format!("objects and lists are nested deeper than {DEEPEST}"));
    };
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = parsed(text)?;
            let members = members.into_iter().map(|(name, raw)| Ok((name, value_of(raw, levels)?)));
            members.collect::<Result<_, _>>().map(Value::Object)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = parsed(text)?;
            items.into_iter().map(|raw| value_of(raw, levels)).collect::<Result<_, _>>().map(Value::List)
        }
        Some(b'"') => parsed(text).map(Value::Text),
        Some(b'n') => Ok(Value::Null),
        _ => Ok(Value::Literal(text.to_owned())),
    }
}

fn parsed<'r, T: serde::Deserialize<'r>>(text: &'r str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| said(&error))
}

/// Without the line, which is always the first of one.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or_default();
    format!("is no JSON: {reason} at column {}", error.column())
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Literal(text) => RawValue::from_string(text.clone()).map_err(S::Error::custom)?.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// A number as JSON writes it, else a text: an XML number may begin with a plus or a point, or be no number at all.
pub(super) fn number(text: String) -> Value {
    let is_number = serde_json::from_str::<&RawValue>(&text).is_ok()
        && text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if is_number { Value::Literal(text) } else { Value::Text(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::digits_stay(r#"{"a":1.500,"b":12345678901234567890.1}"#)]
    #[case::all_that_json_has(r#"{"a":"x\"y","b":null,"c":true,"d":[1,{"e":"é"}],"f":{}}"#)]
    fn a_line_comes_back_as_it_was(#[case] line: &str) {
        assert_eq!(serde_json::to_string(&read(line.as_bytes()).unwrap()).unwrap(), line);
    }

    #[rstest]
    #[case::plain("1.50", Value::Literal("1.50".into()))]
    #[case::negative("-1", Value::Literal("-1".into()))]
    #[case::plus("+1", Value::Text("+1".into()))]
    #[case::point_first(".5", Value::Text(".5".into()))]
    #[case::zeros_first("007", Value::Text("007".into()))]
    #[case::infinite("INF", Value::Text("INF".into()))]
    fn numbers_that_json_cannot_write_are_texts(#[case] text: &str, #[case] value: Value) {
        assert_eq!(number(text.to_owned()), value);
    }

    #[rstest]
    #[case::cut(r#"{"a":1"#, "is no JSON: EOF while parsing an object at column 6")]
    #[case::two(r#"{} {}"#, "is no JSON: trailing characters at column 4")]
    fn what_is_no_json_is_told_with_its_column(#[case] line: &str, #[case] message: &str) {
        assert_eq!(read(line.as_bytes()).unwrap_err(), message);
    }

    #[test]
    fn a_line_that_is_too_deep_is_refused_before_it_costs_anything() {
        let line = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(line.as_bytes()).unwrap_err(), "objects and lists are nested deeper than 64");
    }
}
