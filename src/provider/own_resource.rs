//! Resources that a provider makes of what it knows itself: of the registry and of the audit. Nothing of them is stored as a
//! document, and nobody writes them.

use crate::protocol::Stamp;
use crate::protocol::url::selected;
use crate::wire::{Category, Element, EntryOut, Link, Node, PayloadOut, fit_for_xml, names};

/// A resource on its way out.
#[derive(Debug, Clone)]
pub struct OwnResource {
    /// Its key.
    pub key: String,
    /// Its name for people.
    pub title: String,
    /// Since when it is so.
    pub updated: Stamp,
    /// Its payload.
    pub element: Element,
}

impl OwnResource {
    /// One without properties, whose payload is `element`.
    #[must_use]
    pub fn new(element: Element, key: String, title: &str, updated: Stamp) -> Self {
        Self { key, title: fit_for_xml(title).into_owned(), updated, element }
    }

    /// Adds a property; what is not there is null.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        let mut property = Element::new(&self.element.namespace, name);
        match value {
            // Names of runs and ids are opaque: what XML cannot say of them is replaced, only here and not in the store.
            Some(value) => property.content.push(Node::Text(fit_for_xml(&value.to_string()).into_owned())),
            None => property.set_attribute(names::XSI, "nil", "true"),
        }
        self.element.content.push(Node::Element(property));
        self
    }

    /// Its entry in the feed at `kind_url`; `label` is what its kind is called.
    #[must_use]
    pub fn entry(mut self, kind_url: &str, label: &str, author: &str) -> EntryOut {
        let url = selected(kind_url, &self.key);
        self.element.set_attribute(names::SDATA, "key", self.key);
        self.element.set_attribute(names::SDATA, "url", url.as_str());
        self.element.set_attribute(names::SDATA, "uri", url.as_str());
        EntryOut {
            content: self.title.clone(),
            links: vec![Link::entry("self", &url, "Refresh")],
            id: url,
            title: self.title,
            updated: self.updated,
            author: author.to_owned(),
            category: Some(Category { term: "resource".to_owned(), label: label.to_owned() }),
            payload: Some(PayloadOut::Element(self.element)),
            ..EntryOut::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> OwnResource {
        OwnResource::new(Element::new("urn:x", "event"), "7".to_owned(), "a\u{0}b", Stamp::EPOCH)
    }

    #[test]
    fn a_property_that_is_not_there_is_null() {
        let xml = event().with("trackingId", None::<&str>).with("entries", Some(3)).element.to_xml().unwrap();
        assert!(xml.contains("<entries>3</entries>"), "{xml}");
        assert!(xml.contains("nil=\"true\""), "{xml}");
    }

    #[test]
    fn its_entry_is_named_by_its_key_and_holds_what_xml_can_say() {
        let entry = event().with("runName", Some("a\u{0}b")).entry("http://h/events", "Events", "CRM");
        assert_eq!((entry.id.as_str(), entry.title.as_str()), ("http://h/events('7')", "a\u{fffd}b"));
        let Some(PayloadOut::Element(element)) = entry.payload else { panic!("an element") };
        assert_eq!(element.attribute(names::SDATA, "key"), Some("7"));
        assert_eq!(element.children().next().unwrap().text(), "a\u{fffd}b");
    }
}
