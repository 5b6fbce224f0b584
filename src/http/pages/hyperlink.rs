//! Links on pages, and the URLs of the same resource with other parameters.

use crate::http::request::AFTER;
use url::form_urlencoded::{Serializer, parse};

/// A link as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Hyperlink {
    /// Where it leads.
    pub(in crate::http) href: String,
    /// What it says.
    pub(in crate::http) text: String,
}

impl Hyperlink {
    pub(super) fn new(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self { href: href.into(), text: text.into() }
    }
}

/// Parameters that choose a page of the whole, or the form it comes in: another order or filter begins anew.
const NOT_KEPT: [&str; 4] = ["startIndex", AFTER, "trackingID", "format"];

/// The query of a request, to be asked again with something changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// A query as it stands in a URL.
    pub(super) fn read(text: &str) -> Self {
        Self(parse(text.as_bytes()).into_owned().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The same from the first page on.
    #[must_use]
    pub(super) fn restarted(&self) -> Self {
        Self(self.without(&NOT_KEPT))
    }

    /// The same with one parameter changed, or taken away.
    #[must_use]
    pub(super) fn with(&self, name: &str, value: Option<&str>) -> Self {
        let mut changed = self.0.clone();
        changed.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        changed.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        Self(changed)
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The parameters but these: for a form that asks for these itself.
    pub(super) fn without(&self, names: &[&str]) -> Vec<(String, String)> {
        let is_other = |name: &str| !names.iter().any(|other| other.eq_ignore_ascii_case(name));
        self.0.iter().filter(|(name, _)| is_other(name)).cloned().collect()
    }

    /// `url` with this query.
    pub(super) fn at(&self, url: &str) -> String {
        if self.0.is_empty() {
            return url.to_owned();
        }
        format!("{url}?{}", Serializer::new(String::new()).extend_pairs(&self.0).finish())
    }
}

/// `url` with these parameters alone.
pub(super) fn asking(url: &str, parameters: &[(&str, &str)]) -> String {
    Query(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()).at(url)
}

/// `text` as a literal of the query language (core 2.12).
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> Query {
        Query(vec![("orderBy".to_owned(), "name".to_owned()), ("where".to_owned(), "name eq 'a&b'".to_owned())])
    }

    #[test]
    fn a_parameter_is_replaced_whatever_its_letter_case() {
        let changed = query().with("ORDERBY", Some("name desc"));
        assert_eq!(changed.at("/x"), "/x?where=name+eq+%27a%26b%27&ORDERBY=name+desc");
        assert_eq!(query().with("where", None).at("/x"), "/x?orderBy=name");
        assert_eq!(query().with("where", None).with("orderBy", None).at("/x"), "/x");
    }

    #[test]
    fn a_form_repeats_what_it_does_not_ask_for() {
        assert_eq!(query().without(&["where", "search"]), [("orderBy".to_owned(), "name".to_owned())]);
    }

    #[test]
    fn a_quote_in_a_literal_is_doubled() {
        assert_eq!(quoted("O'Hara"), "'O''Hara'");
    }
}
