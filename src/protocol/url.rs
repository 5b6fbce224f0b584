//! How names and keys stand in URLs (core 2.2, 2.16).

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What may not stand plainly in a path segment (RFC 3986, 3.3); quotes and parentheses may, they carry SData's selectors.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// `name` as a segment of a path.
#[must_use]
pub fn segment(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

/// `{url}('{key}')`, quotes in the key doubled (core 2.2).
#[must_use]
pub fn selected(url: &str, key: &str) -> String {
    let mut selected = String::with_capacity(url.len() + key.len() + 4);
    selected.push_str(url);
    selected.push_str("('");
    for (place, part) in key.split('\'').enumerate() {
        if place > 0 {
            selected.push_str("''");
        }
        selected.extend(utf8_percent_encode(part, ESCAPED));
    }
    selected.push_str("')");
    selected
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CORE-2.2-03, CORE-2.16-01.
    #[test]
    fn a_key_is_quoted_doubled_and_escaped() {
        assert_eq!(
            selected("http://example.com/accounts", "O'Hara/ä 1"),
            "http://example.com/accounts('O''Hara%2F%C3%A4%201')"
        );
    }
}
