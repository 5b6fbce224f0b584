//! Where a page ended, as a text that links can carry.

use crate::store::ResourceId;
use std::fmt;
use std::str::FromStr;

/// The last resource of a page: what it is ordered by, and its id. The next page goes on behind that place, also when the
/// resource has changed or gone since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The values of the order's keys, as texts; null is `None`.
    pub(super) values: Vec<Option<String>>,
    /// The resource.
    pub(super) id: ResourceId,
}

impl From<ResourceId> for Cursor {
    fn from(id: ResourceId) -> Self {
        Self { values: Vec::new(), id }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.values.is_empty() {
            return write!(f, "{}", self.id.0);
        }
        let json = serde_json::to_vec(&(&self.values, self.id.0)).map_err(|_| fmt::Error)?;
        f.write_str(HEX)?;
        json.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Begins the texts of cursors with values: JSON in hexadecimal digits, which links carry as they are.
const HEX: &str = "x";

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not where a page of this feed ended")]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        if let Ok(id) = text.parse() {
            return Ok(Self { values: Vec::new(), id: ResourceId(id) });
        }
        let digits = text.strip_prefix(HEX).ok_or(NoCursor)?.as_bytes();
        let bytes = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        let json = bytes.collect::<Option<Vec<u8>>>().ok_or(NoCursor)?;
        let (values, id) = serde_json::from_slice(&json).map_err(|_| NoCursor)?;
        Ok(Self { values, id: ResourceId(id) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text() {
        for values in [vec![], vec![None, Some("größe & 'x'".to_owned())]] {
            let cursor = Cursor { values, id: ResourceId(17) };
            let text = cursor.to_string();
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{text}");
            assert_eq!(text.parse(), Ok(cursor));
        }
        assert_eq!("x y".parse::<Cursor>(), Err(NoCursor));
    }
}
