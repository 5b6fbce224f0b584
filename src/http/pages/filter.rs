//! The box above a table: which rows to show (`where`, `search`; core 2.12, 6.9), and how to say it.

use super::hyperlink::{Hyperlink, Query};
use crate::contract::builtin::Builtin;
use crate::contract::{Contract, Kind, Property, Shape};

/// Conditions that are offered to be tried.
const EXAMPLES: usize = 4;

/// A form that asks the same URL again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::http) struct Filter {
    /// The URL.
    pub(in crate::http) action: String,
    /// The condition there is now, where there can be one.
    pub(in crate::http) condition: Option<String>,
    /// The words searched for now, where there can be any.
    pub(in crate::http) search: Option<String>,
    /// What else was asked, to be asked again.
    pub(in crate::http) kept: Vec<(String, String)>,
    /// The same without conditions, where there are any.
    pub(in crate::http) everything: Option<String>,
    /// Conditions to try.
    pub(in crate::http) examples: Vec<Hyperlink>,
    /// What conditions can be about: names, and what they are.
    pub(in crate::http) names: Vec<(String, String)>,
}

impl Filter {
    /// The filter of whatever `url` lists; `can_search` says whether words can be looked for.
    pub(super) fn new(url: &str, query: &Query, can_search: bool) -> Self {
        let said = |name: &str| query.get(name).unwrap_or_default().to_owned();
        let query = query.restarted();
        let is_filtered = query.get("where").is_some() || query.get("search").is_some();
        Self {
            action: url.to_owned(),
            condition: Some(said("where")),
            search: can_search.then(|| said("search")),
            kept: query.without(&["where", "search"]),
            everything: is_filtered.then(|| query.with("where", None).with("search", None).at(url)),
            ..Self::default()
        }
    }

    /// Offers conditions to try.
    #[must_use]
    pub(super) fn with_examples(mut self, conditions: impl IntoIterator<Item = String>, query: &Query) -> Self {
        let query = query.restarted();
        let example = |condition: String| {
            let href = query.with("search", None).with("where", Some(&condition)).at(&self.action);
            Hyperlink::new(href, condition)
        };
        self.examples = conditions.into_iter().take(EXAMPLES).map(example).collect();
        self
    }

    /// The filter of a collection: with what its contract lets be filtered.
    pub(super) fn of_kind(contract: &Contract, kind: &Kind, url: &str, query: &Query, can_search: bool) -> Self {
        let is_asked = |property: &&Property| property.can_filter && property.shape == Shape::Value;
        let mut properties: Vec<_> = contract.properties(kind).iter().filter(is_asked).collect();
        let names = properties.iter().map(|property| (property.name.to_string(), described(property))).collect();
        // One example of each sort tells more than four of one.
        let mut seen = Vec::new();
        properties.retain(|property| {
            let sort = sort_of(property);
            let is_new = !seen.contains(&sort);
            seen.push(sort);
            is_new
        });
        let filter = Self::new(url, query, can_search).with_examples(properties.into_iter().map(example), query);
        Self { names, ..filter }
    }
}

/// What a value is, as far as conditions differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Text,
    Number,
    Flag,
    Day,
    Moment,
}

fn sort_of(property: &Property) -> Sort {
    match property.simple_type().and_then(|simple| simple.builtin()) {
        Some(Builtin::Boolean) => Sort::Flag,
        Some(Builtin::Decimal | Builtin::Integer | Builtin::Float) => Sort::Number,
        Some(Builtin::Date) => Sort::Day,
        Some(Builtin::DateTime) => Sort::Moment,
        _ => Sort::Text,
    }
}

/// A condition on a property that means something.
fn example(property: &Property) -> String {
    let name = &property.name;
    match sort_of(property) {
        Sort::Text => match property.simple_type().and_then(|simple| simple.enumerated().first()) {
            Some(value) => format!("{name} eq {}", super::hyperlink::quoted(value)),
            None => format!("{name} like 'A%'"),
        },
        Sort::Number => format!("{name} gt 100"),
        Sort::Flag => format!("{name} eq true"),
        Sort::Day => format!("{name} ge @2026-01-01@"),
        Sort::Moment => format!("{name} ge @2026-01-01T00:00:00Z@"),
    }
}

fn described(property: &Property) -> String {
    let sort = match sort_of(property) {
        Sort::Text => "text",
        Sort::Number => "number",
        Sort::Flag => "true or false",
        Sort::Day => "date",
        Sort::Moment => "date and time",
    };
    match property.simple_type().map(|simple| simple.enumerated()).unwrap_or_default() {
        [] => format!("{}, {sort}", property.label),
        values => format!("{}: {}", property.label, values.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Filter {
        let contract = Contract::sample().unwrap();
        let kind = contract.kind("accounts").unwrap();
        Filter::of_kind(&contract, kind, "/accounts", &Query::read(query), true)
    }

    #[test]
    fn the_form_keeps_the_order_but_not_the_page() {
        let filter = filter("orderBy=name&startIndex=11&count=10&_after=7&where=code eq 'A'");
        let kept = [("orderBy".to_owned(), "name".to_owned()), ("count".to_owned(), "10".to_owned())];
        assert_eq!(filter.kept, kept);
        assert_eq!(filter.condition.as_deref(), Some("code eq 'A'"));
        assert_eq!(filter.everything.as_deref(), Some("/accounts?orderBy=name&count=10"));
    }

    #[test]
    fn there_is_an_example_of_each_sort_and_a_name_for_each_property() {
        let filter = filter("");
        let examples: Vec<_> = filter.examples.iter().map(|example| example.text.as_str()).collect();
        assert_eq!(examples, ["code like 'A%'", "active eq true", "creditLimit gt 100", "openedOn ge @2026-01-01@"]);
        assert_eq!(filter.examples[0].href, "/accounts?where=code+like+%27A%25%27");
        assert!(filter.names.contains(&("type".to_owned(), "Type: Customer, Supplier, Prospect, Partner".to_owned())));
        assert_eq!(filter.everything, None);
    }
}
