//! JSON values that lose nothing: numbers keep their digits, objects their order.

use crate::wire::{ReadLimits, WireError};
use bytes::Bytes;
use std::collections::HashSet;
use std::io::Read;
use struson::reader::{JsonReader, JsonStreamReader, ReaderError, ReaderSettings, ValueType};
use struson::writer::{JsonStreamWriter, JsonWriter};

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written: floating point would change decimals.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// An object; no name stands in it twice when it was read.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// A string.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A whole number.
    #[must_use]
    pub fn number(number: impl Into<u64>) -> Self {
        Self::Number(number.into().to_string())
    }

    /// The number that `text` spells, in JSON's spelling and with all its digits; `None` when it is none.
    #[must_use]
    pub fn spelled_number(text: &str) -> Option<Self> {
        let text = text.trim();
        let (minus, rest) =
            text.strip_prefix('-').map_or(("", text.strip_prefix('+').unwrap_or(text)), |rest| ("-", rest));
        let (mantissa, exponent) =
            rest.split_once(['e', 'E']).map_or((rest, None), |(digits, power)| (digits, Some(power)));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let mut number = format!("{minus}{}", if whole.is_empty() { "0" } else { whole });
        if !fraction.is_empty() {
            number.push('.');
            number.push_str(fraction);
        }
        if let Some(power) = exponent {
            let sign = power.strip_prefix(['+', '-']).unwrap_or(power);
            if sign.is_empty() || !digits(sign) {
                return None;
            }
            number.push('e');
            number.push_str(power);
        }
        Some(Self::Number(number))
    }

    /// The member of an object with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// The text of a string, number or truth value.
    #[must_use]
    pub fn scalar(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The value as a document.
    ///
    /// # Errors
    /// [`WireError::Json`] for a number that was not made by [`Json::spelled_number`] and is none.
    pub fn to_bytes(&self) -> Result<Bytes, WireError> {
        let mut writer = JsonStreamWriter::new(Vec::with_capacity(1024));
        self.write(&mut writer)?;
        Ok(Bytes::from(writer.finish_document()?))
    }

    fn write<W: JsonWriter>(&self, writer: &mut W) -> Result<(), WireError> {
        match self {
            Self::Null => writer.null_value()?,
            Self::Bool(value) => writer.bool_value(*value)?,
            Self::Number(number) => {
                writer.number_value_from_string(number).map_err(|error| WireError::Json(error.to_string()))?;
            }
            Self::Text(text) => writer.string_value(text)?,
            Self::List(items) => {
                writer.begin_array()?;
                items.iter().try_for_each(|item| item.write(writer))?;
                writer.end_array()?;
            }
            Self::Object(members) => {
                writer.begin_object()?;
                for (name, value) in members {
                    writer.name(name)?;
                    value.write(writer)?;
                }
                writer.end_object()?;
            }
        }
        Ok(())
    }
}

/// Reads values, refusing what is too deep, too large or said twice.
pub(super) struct ValueReader<R: Read> {
    reader: JsonStreamReader<R>,
    limits: ReadLimits,
    nodes: usize,
    entries: usize,
}

impl<R: Read> ValueReader<R> {
    pub(super) fn new(source: R, limits: ReadLimits) -> Self {
        let settings = ReaderSettings {
            track_path: false,
            max_nesting_depth: Some(u32::from(limits.depth)),
            ..ReaderSettings::default()
        };
        Self { reader: JsonStreamReader::new_custom(source, settings), limits, nodes: 0, entries: 0 }
    }

    /// Enters the object that the document is.
    pub(super) fn begin(&mut self) -> Result<(), WireError> {
        match self.reader.peek().map_err(refused)? {
            ValueType::Object => self.reader.begin_object().map_err(refused),
            _ => Err(WireError::Json("the document is no object; an entry or a feed is one".to_owned())),
        }
    }

    /// The name of the next member; after the last one the document must end.
    pub(super) fn next_name(&mut self) -> Result<Option<String>, WireError> {
        if self.reader.has_next().map_err(refused)? { self.name().map(Some) } else { Ok(None) }
    }

    /// Ends the document: nothing but white space may follow.
    pub(super) fn finish(mut self) -> Result<(), WireError> {
        self.reader.end_object().map_err(refused)?;
        self.reader.consume_trailing_whitespace().map_err(refused)
    }

    /// Enters the array that is the next value.
    pub(super) fn begin_list(&mut self) -> Result<(), WireError> {
        self.reader.begin_array().map_err(refused)
    }

    /// The next item of the array, which is a feed's entries; `None` when it has ended.
    pub(super) fn next_entry(&mut self) -> Result<Option<Json>, WireError> {
        if self.reader.has_next().map_err(refused)? {
            self.entries += 1;
            self.check("entries of one feed", self.entries, self.limits.entries)?;
            self.nodes = 0;
            return self.value().map(Some);
        }
        self.reader.end_array().map_err(refused)?;
        Ok(None)
    }

    /// Passes over the next value.
    pub(super) fn skip(&mut self) -> Result<(), WireError> {
        self.reader.skip_value().map_err(refused)
    }

    /// The next value whole.
    pub(super) fn value(&mut self) -> Result<Json, WireError> {
        self.nodes += 1;
        self.check("values of one resource", self.nodes, self.limits.nodes)?;
        Ok(match self.reader.peek().map_err(refused)? {
            ValueType::Null => {
                self.reader.next_null().map_err(refused)?;
                Json::Null
            }
            ValueType::Boolean => Json::Bool(self.reader.next_bool().map_err(refused)?),
            ValueType::Number => Json::Number(self.reader.next_number_as_string().map_err(refused)?),
            ValueType::String => {
                let text = self.reader.next_string().map_err(refused)?;
                self.check("a text in bytes", text.len(), self.limits.text_bytes)?;
                Json::Text(text)
            }
            ValueType::Array => {
                let mut items = Vec::new();
                self.begin_list()?;
                while self.reader.has_next().map_err(refused)? {
                    items.push(self.value()?);
                }
                self.reader.end_array().map_err(refused)?;
                Json::List(items)
            }
            ValueType::Object => Json::Object(self.members()?),
        })
    }

    fn members(&mut self) -> Result<Vec<(String, Json)>, WireError> {
        let (mut members, mut names) = (Vec::new(), HashSet::new());
        self.reader.begin_object().map_err(refused)?;
        while self.reader.has_next().map_err(refused)? {
            let name = self.name()?;
            if !names.insert(name.clone()) {
                return Err(WireError::Json(format!("'{name}' stands twice in one object")));
            }
            members.push((name, self.value()?));
        }
        self.reader.end_object().map_err(refused)?;
        Ok(members)
    }

    fn name(&mut self) -> Result<String, WireError> {
        let name = self.reader.next_name_owned().map_err(refused)?;
        self.check("a name in bytes", name.len(), self.limits.name_bytes)?;
        Ok(name)
    }

    fn check(&self, what: &'static str, size: usize, limit: usize) -> Result<(), WireError> {
        let offset = || self.reader.current_position(false).data_pos.unwrap_or_default();
        if size > limit { Err(WireError::TooLarge { what, limit, offset: offset() }) } else { Ok(()) }
    }
}

fn refused(error: ReaderError) -> WireError {
    match error {
        ReaderError::IoError { error, .. } if error.kind() != std::io::ErrorKind::InvalidData => error.into(),
        other => WireError::Json(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn read(text: &str) -> Result<Json, WireError> {
        let mut reader = ValueReader::new(text.as_bytes(), ReadLimits::default());
        reader.value()
    }

    #[rstest]
    #[case::plain("12", Some("12"))]
    #[case::digits_are_kept("1553.10", Some("1553.10"))]
    #[case::plus("+7", Some("7"))]
    #[case::leading_zeros("007.50", Some("7.50"))]
    #[case::no_whole_part(".5", Some("0.5"))]
    #[case::no_fraction("-5.", Some("-5"))]
    #[case::zero("-0", Some("-0"))]
    #[case::exponent("-1.5E-3", Some("-1.5e-3"))]
    #[case::longer_than_any_float("12345678901234567890.0123456789", Some("12345678901234567890.0123456789"))]
    #[case::infinite("INF", None)]
    #[case::nothing("", None)]
    #[case::sign_alone("-", None)]
    #[case::two_points("1.2.3", None)]
    #[case::no_power("1e", None)]
    fn numbers_are_spelled_as_json_does(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(Json::spelled_number(text), expected.map(|number| Json::Number(number.to_owned())));
    }

    #[rstest]
    #[case::twice(r#"{"a":1,"a":2}"#, "stands twice")]
    #[case::comma(r#"{"a":1,}"#, "syntax")]
    #[case::open(r#"{"a":"#, "syntax")]
    #[case::comment("{/* */}", "syntax")]
    #[case::half_a_pair(r#"{"a":"\ud800"}"#, "syntax")]
    #[case::huge_exponent(r#"{"a":1e99999}"#, "unsupported number")]
    fn what_is_no_json_is_refused(#[case] text: &str, #[case] message: &str) {
        let error = read(text).unwrap_err();
        assert!(matches!(&error, WireError::Json(_)), "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }

    #[test]
    fn depth_and_sizes_are_limited() {
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        assert!(read(&deep).is_err());
        assert!(read(&"[1,".repeat(64)).is_err());
        let many = format!("[{}1]", "1,".repeat(250_000));
        assert!(matches!(read(&many), Err(WireError::TooLarge { .. })));
        let long = format!("{{\"{}\":1}}", "n".repeat(300));
        assert!(matches!(read(&long), Err(WireError::TooLarge { .. })));
    }

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,12})?".prop_map(Json::Number),
            ".{0,12}".prop_map(Json::Text),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
                prop::collection::btree_map("[^\"]{1,8}", inner, 0..5)
                    .prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in json()) {
            let bytes = value.to_bytes().unwrap();
            prop_assert_eq!(read(std::str::from_utf8(&bytes).unwrap()).unwrap(), value);
        }
    }
}
