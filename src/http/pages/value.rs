//! One value as a page shows it.

use super::hyperlink::Hyperlink;
use crate::contract::builtin::Builtin;
use crate::contract::{Contract, Property, Shape, SimpleType};
use crate::protocol::{Endpoint, Stamp, SyncState};
use crate::wire::Element;
use crate::wire::names::SDATA;

/// Characters of a text in a table; the whole of it is on the entry's own page.
const SHORT: usize = 80;

/// What stands in a cell or beside a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) enum Value {
    /// Null, or not there.
    Nothing,
    /// A text, line breaks kept.
    Text(String),
    /// A number, in figures.
    Number(String),
    /// A name that is written as programs write it.
    Code(String),
    /// A moment: for programs, and for people.
    Moment {
        /// ISO 8601.
        machine: String,
        /// The same, easier on the eye.
        shown: String,
    },
    /// Yes or no.
    Flag(bool),
    /// Something to go to.
    Link(Hyperlink),
    /// A word that says how something ended.
    Badge {
        /// The word.
        text: String,
        /// Its colour, by what it means.
        tone: &'static str,
    },
    /// A state: where, when by that clock, when by ours.
    State {
        /// Where the change was made.
        endpoint: Hyperlink,
        /// The endpoint's tick for it.
        tick: String,
        /// When it was made.
        stamp: String,
    },
    /// A long text to unfold.
    Folded {
        /// What it is.
        summary: String,
        /// The text.
        text: String,
    },
}

impl Value {
    /// A text, or nothing.
    pub(super) fn text(text: &str) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(text.to_owned()) }
    }

    pub(super) fn link(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Link(Hyperlink::new(href, text))
    }

    pub(super) fn moment(stamp: Stamp) -> Self {
        Self::Moment { machine: stamp.to_string(), shown: shown(stamp) }
    }

    /// A state, told from `here`: the endpoint that shows it.
    pub(super) fn state(state: &SyncState, here: Option<&Endpoint>) -> Self {
        Self::State {
            endpoint: endpoint(state.endpoint.as_str(), here.map(Endpoint::as_str)),
            tick: state.tick.to_string(),
            stamp: shown(state.stamp),
        }
    }

    /// Whether it belongs at the right edge of its column.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// What a property of a resource says. `is_short` cuts long texts: for tables.
    pub(super) fn of_property(
        contract: &Contract,
        property: &Property,
        element: Option<&Element>,
        is_short: bool,
    ) -> Self {
        let Some(element) = element.filter(|element| !element.is_nil()) else { return Self::Nothing };
        match property.shape {
            Shape::Value => of_simple(property.simple_type(), &element.text(), is_short),
            Shape::Reference(_) => Self::reference(element),
            Shape::Choice(_) => element.children().next().map_or(Self::Nothing, Self::reference),
            Shape::Structure(id) => {
                let properties = contract.complex_type(contract.actual_type(id, element));
                let parts = element.children().filter_map(|child| {
                    let property = properties?.property(&child.name)?;
                    Self::of_property(contract, property, Some(child), true).words()
                });
                Self::text(&cut(&parts.collect::<Vec<_>>().join(", "), is_short))
            }
            Shape::Children(_) | Shape::References(_) => match element.children().count() {
                0 => Self::Nothing,
                count => Self::Number(count.to_string()),
            },
            Shape::Any => Self::text(&cut(&element.text(), is_short)),
        }
    }

    /// Where a reference leads: by its descriptor, else by its key, else by the UUID of what has not arrived yet.
    pub(super) fn reference(element: &Element) -> Self {
        let said = |name: &str| element.attribute(SDATA, name).filter(|text| !text.is_empty());
        match (said("url"), said("descriptor").or_else(|| said("key"))) {
            (Some(url), text) => Self::link(url, text.unwrap_or(url)),
            (None, Some(text)) => Self::text(text),
            (None, None) => said("uuid").map_or(Self::Nothing, |uuid| Self::Code(uuid.to_owned())),
        }
    }

    /// The value in words, where it has any.
    fn words(self) -> Option<String> {
        match self {
            Self::Nothing | Self::State { .. } | Self::Folded { .. } => None,
            Self::Text(text) | Self::Number(text) | Self::Code(text) | Self::Badge { text, .. } => Some(text),
            Self::Moment { shown, .. } => Some(shown),
            Self::Flag(flag) => Some(if flag { "yes" } else { "no" }.to_owned()),
            Self::Link(link) => Some(link.text),
        }
    }
}

fn of_simple(simple: Option<&SimpleType>, text: &str, is_short: bool) -> Value {
    match simple.and_then(SimpleType::builtin) {
        _ if text.is_empty() => Value::Nothing,
        Some(Builtin::Boolean) => Value::Flag(matches!(text, "true" | "1")),
        Some(Builtin::Decimal | Builtin::Integer | Builtin::Float) => Value::Number(text.to_owned()),
        Some(Builtin::DateTime) => Stamp::parse(text).map_or_else(|| Value::text(text), Value::moment),
        // Whoever wrote the value is not us: a link to a script is none.
        Some(Builtin::AnyUri) if text.starts_with("https://") || text.starts_with("http://") => {
            Value::link(text, cut(text, is_short))
        }
        _ => Value::text(&cut(text, is_short)),
    }
}

/// An endpoint in few words: the application and where it is, or `here`. What is not built as the URL of a resource kind
/// (core 2.1) is shown whole.
pub(super) fn endpoint(url: &str, here: Option<&str>) -> Hyperlink {
    if here == Some(url) {
        return Hyperlink::new(url, "here");
    }
    let rest = url.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    let segments: Vec<_> = rest.split('/').collect();
    let text = match segments.as_slice() {
        [host, .., "sdata", application, _, _, _] => format!("{application} at {host}"),
        _ => url.to_owned(),
    };
    Hyperlink::new(url, text)
}

/// A moment to the second, as people read it; UTC.
pub(super) fn shown(stamp: Stamp) -> String {
    stamp.to_datetime().format("%Y-%m-%d %H:%M:%S").to_string()
}

fn cut(text: &str, is_short: bool) -> String {
    match text.char_indices().nth(SHORT) {
        Some((end, _)) if is_short => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ReadLimits;
    use rstest::rstest;

    fn of(kind: &str, property: &str, xml: &str, is_short: bool) -> Value {
        let contract = Contract::sample().unwrap();
        let property = contract.property(contract.kind(kind).unwrap(), property).unwrap();
        let element = Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap();
        Value::of_property(&contract, property, Some(&element), is_short)
    }

    #[rstest]
    #[case::text("name", "<name>Account 1</name>", Value::Text("Account 1".to_owned()))]
    #[case::empty("name", "<name/>", Value::Nothing)]
    #[case::yes("active", "<active>true</active>", Value::Flag(true))]
    #[case::no("active", "<active>0</active>", Value::Flag(false))]
    #[case::number("creditLimit", "<creditLimit>10.50</creditLimit>", Value::Number("10.50".to_owned()))]
    #[case::link(
        "website",
        "<website>https://example.com/</website>",
        Value::link("https://example.com/", "https://example.com/")
    )]
    #[case::no_link_to_a_script("website", "<website>javascript:x()</website>", Value::Text("javascript:x()".to_owned()))]
    #[case::structure(
        "postalAddress",
        "<postalAddress><street>Street 1</street><city>City</city></postalAddress>",
        Value::Text("Street 1, City".to_owned())
    )]
    fn a_property_is_shown_by_its_type(#[case] property: &str, #[case] xml: &str, #[case] value: Value) {
        assert_eq!(of("accounts", property, xml, true), value);
    }

    #[test]
    fn a_moment_is_shown_to_the_second_and_kept_exact_for_programs() {
        let value =
            of("accounts", "lastContactAt", "<lastContactAt>2026-03-04T06:06:07.089+01:00</lastContactAt>", true);
        let expected =
            Value::Moment { machine: "2026-03-04T05:06:07.089Z".to_owned(), shown: "2026-03-04 05:06:07".to_owned() };
        assert_eq!(value, expected);
    }

    #[test]
    fn a_long_text_is_cut_in_tables_alone() {
        let text = "é".repeat(90);
        let xml = format!("<notes>{text}</notes>");
        assert_eq!(of("accounts", "notes", &xml, true), Value::Text(format!("{}…", "é".repeat(80))));
        assert_eq!(of("accounts", "notes", &xml, false), Value::Text(text));
    }

    #[rstest]
    #[case::located(r#"s:url="http://h/a('7')" s:key="7""#, Value::link("http://h/a('7')", "7"))]
    #[case::described(
        r#"s:url="http://h/a('7')" s:key="7" s:descriptor="Account 7""#,
        Value::link("http://h/a('7')", "Account 7")
    )]
    #[case::not_here_yet(r#"s:uuid="00000000-0000-4000-8000-000000000007""#, Value::Code("00000000-0000-4000-8000-000000000007".to_owned()))]
    #[case::null("", Value::Nothing)]
    fn a_reference_is_a_link_to_what_it_leads_to(#[case] attributes: &str, #[case] value: Value) {
        let xml = format!(r#"<account xmlns:s="{SDATA}" {attributes}/>"#);
        assert_eq!(of("contacts", "account", &xml, true), value);
    }

    #[rstest]
    #[case::here("http://h/sdata/crm/sample/-/accounts", "here")]
    #[case::elsewhere("http://h:1/sdata/erp/sample/-/accounts", "erp at h:1")]
    #[case::behind_a_path("http://h/x/sdata/erp/sample/-/accounts", "erp at h")]
    #[case::foreign("http://h/other", "http://h/other")]
    fn an_endpoint_is_named_by_its_application(#[case] url: &str, #[case] text: &str) {
        assert_eq!(endpoint(url, Some("http://h/sdata/crm/sample/-/accounts")), Hyperlink::new(url, text));
    }
}
