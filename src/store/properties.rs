//! What queries look at of a resource.

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The filterable properties of a resource, as the databases take them: one text in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties(String);

impl Properties {
    /// The properties that a text in JSON says.
    #[must_use]
    pub const fn from_json(text: String) -> Self {
        Self(text)
    }

    /// The values with these names, and nothing more of what the text says; none where it is no object in JSON.
    pub(super) fn named(&self, names: &[&str]) -> Value {
        let mut text = serde_json::Deserializer::from_str(&self.0);
        Value::Object(text.deserialize_map(Named(names)).unwrap_or_default())
    }
}

/// Reads what has one of these names of an object.
#[derive(Clone, Copy)]
struct Named<'n>(&'n [&'n str]);

impl<'de> Visitor<'de> for Named<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = Map::new();
        while let Some(name) = members.next_key_seed(NameAmong(self.0))? {
            match name {
                Some(name) => {
                    found.insert(name.to_owned(), members.next_value()?);
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// Reads which of these a name is.
struct NameAmong<'n>(&'n [&'n str]);

impl<'de, 'n> DeserializeSeed<'de> for NameAmong<'n> {
    type Value = Option<&'n str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for NameAmong<'n> {
    type Value = Option<&'n str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().copied().find(|wanted| *wanted == name))
    }
}

impl From<Value> for Properties {
    fn from(values: Value) -> Self {
        Self(values.to_string())
    }
}

impl fmt::Display for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(r#"{"name":"a","postalAddress":{"country":"DE"},"code":"1"}"#, json!({ "postalAddress": { "country": "DE" }, "code": "1" }))]
    #[case(r#"{"na\u006de":null,"c\u006fde":"\u00e4"}"#, json!({ "code": "ä" }))]
    #[case("{}", json!({}))]
    #[case("[1]", json!({}))]
    #[case("{\"code\":", json!({}))]
    fn only_what_is_named_is_read(#[case] text: &str, #[case] values: Value) {
        assert_eq!(Properties::from_json(text.to_owned()).named(&["code", "postalAddress"]), values);
    }
}
