//! What queries look at of a resource.

use serde_json::Value;
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

    /// The values in the text; null where it is no JSON.
    #[must_use]
    pub fn values(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
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
