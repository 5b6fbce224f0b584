//! How names and keys stand in URLs (core 2.2, 2.16).

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

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
    format!("{url}('{}')", segment(&key.replace('\'', "''")))
}

/// The collection and the key that `{collection}('{key}')` names, both decoded; a doubled quote stands for one (core 2.2).
#[must_use]
pub fn selection(url: &str) -> Option<(String, String)> {
    let decoded = percent_decode_str(url.trim()).decode_utf8().ok()?;
    let (collection, key) = decoded.strip_suffix("')")?.rsplit_once("('")?;
    (!key.is_empty()).then(|| (collection.to_owned(), key.replace("''", "'")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("http://h/sdata/a/c/-/accounts('A1')", Some("A1"))]
    #[case::encoded("http://h/sdata/a/c/-/accounts(%27A%2F1%27)", Some("A/1"))]
    #[case::doubled_quote("http://h/sdata/a/c/-/accounts('O''Neill')", Some("O'Neill"))]
    #[case::no_key("http://h/sdata/a/c/-/accounts", None)]
    #[case::empty_key("http://h/sdata/a/c/-/accounts('')", None)]
    fn a_url_names_the_resource_it_selects(#[case] url: &str, #[case] key: Option<&str>) {
        let expected = key.map(|key| ("http://h/sdata/a/c/-/accounts".to_owned(), key.to_owned()));
        assert_eq!(selection(url), expected);
    }

    /// CORE-2.2-03, CORE-2.16-01.
    #[test]
    fn a_key_is_quoted_doubled_and_escaped() {
        assert_eq!(
            selected("http://example.com/accounts", "O'Hara/ä 1"),
            "http://example.com/accounts('O''Hara%2F%C3%A4%201')"
        );
    }
}
