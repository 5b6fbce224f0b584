//! The path of an SData URL, taken apart (core 2.1, 2.2).

use percent_encoding::percent_decode_str;

/// What stands in a contract's place in the URLs of the audit; no contract may take this name.
pub const AUDIT_CONTRACT: &str = "syncAudit";

/// Why a path is none of SData's; said to whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PathError(pub String);

/// One segment: a name and, in parentheses behind it, a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// What stands before the parentheses, decoded.
    pub name: String,
    /// What stands in them.
    pub selector: Option<Selector>,
}

/// What a segment's parentheses select by (core 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// A key in single quotes, doubled quotes undone.
    Key(String),
    /// Anything else: a predicate.
    Predicate(String),
}

/// Splits a path, as it stands in the request line, into its segments.
///
/// # Errors
/// [`PathError`] when an escape is no UTF-8 or parentheses do not close.
pub fn segments(path: &str) -> Result<Vec<Segment>, PathError> {
    path.split('/').filter(|segment| !segment.is_empty()).map(segment).collect()
}

/// Reads one segment, as it stands between two slashes.
///
/// # Errors
/// As [`segments`].
pub fn segment(text: &str) -> Result<Segment, PathError> {
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| PathError(format!("'{text}' is not percent-encoded UTF-8")))?;
    if text.contains('\0') {
        return Err(PathError("the URL holds the character NUL, which no name or key has".to_owned()));
    }
    let Some((name, rest)) = text.split_once('(') else {
        return Ok(Segment { name: text.into_owned(), selector: None });
    };
    let Some(inner) = rest.strip_suffix(')') else {
        return Err(PathError(format!("the parentheses of '{text}' do not close")));
    };
    Ok(Segment { name: name.to_owned(), selector: Some(selector(inner.trim())?) })
}

fn selector(inner: &str) -> Result<Selector, PathError> {
    let Some(quoted) = inner.strip_prefix('\'') else { return Ok(Selector::Predicate(inner.to_owned())) };
    let key = quoted.strip_suffix('\'').filter(|key| !key.replace("''", "").contains('\''));
    key.map(|key| Selector::Key(key.replace("''", "'")))
        .ok_or_else(|| PathError(format!("({inner}) is no key: a quote in it is doubled, and one ends it")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// CORE-2.2-03, CORE-2.16-01.
    #[rstest]
    #[case::plain("accounts", "accounts", None)]
    #[case::key("accounts('A1')", "accounts", Some(Selector::Key("A1".into())))]
    #[case::doubled_quote("accounts('O''Hara')", "accounts", Some(Selector::Key("O'Hara".into())))]
    #[case::encoded("accounts%28%27a%2Fb%20c%27%29", "accounts", Some(Selector::Key("a/b c".into())))]
    #[case::empty_key("accounts('')", "accounts", Some(Selector::Key(String::new())))]
    #[case::predicate("accounts(taxId eq '1')", "accounts", Some(Selector::Predicate("taxId eq '1'".into())))]
    #[case::parentheses_in_a_key("accounts('a(b)')", "accounts", Some(Selector::Key("a(b)".into())))]
    fn segments_are_read(#[case] text: &str, #[case] name: &str, #[case] selector: Option<Selector>) {
        assert_eq!(segment(text).unwrap(), Segment { name: name.into(), selector });
    }

    #[rstest]
    #[case::open("accounts('A1'")]
    #[case::single_quote_inside("accounts('O'Hara')")]
    #[case::no_utf8("accounts%ff")]
    #[case::nul("accounts('%00')")]
    fn broken_segments_are_refused(#[case] text: &str) {
        assert!(matches!(segment(text), Err(PathError(_))));
    }
}
