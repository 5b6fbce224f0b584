//! One element with all it holds: a resource of a payload, a schema element, a body to look at.

mod read;
mod write;

use super::names::{LINKING, SDATA, SYNC, XSI};
use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

/// An element, known by namespace and local name, never by prefix.
///
/// White space between the children of an element that holds no other text is layout, and is not
/// kept when reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its namespace; empty for none.
    pub namespace: Arc<str>,
    /// Its local name.
    pub name: Arc<str>,
    /// Its attributes in document order, without namespace declarations.
    pub attributes: Vec<Attribute>,
    /// What stands between its tags.
    pub content: Vec<Node>,
}

/// An attribute of an [`Element`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its namespace; empty for none, which is what an attribute without prefix has.
    pub namespace: Arc<str>,
    /// Its local name.
    pub name: Arc<str>,
    /// Its value.
    pub value: String,
}

impl Attribute {
    /// Whether it is `name` in `namespace`.
    #[must_use]
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        *self.name == *name && *self.namespace == *namespace
    }
}

/// What an [`Element`] holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A child.
    Element(Element),
    /// Characters, references resolved. Never empty and never next to another text when read.
    Text(String),
}

impl Element {
    /// An empty element.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into(), attributes: Vec::new(), content: Vec::new() }
    }

    /// Whether it is `name` in `namespace`.
    #[must_use]
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        *self.name == *name && *self.namespace == *namespace
    }

    /// The value of one attribute; `namespace` is empty for an attribute without prefix.
    #[must_use]
    pub fn attribute(&self, namespace: &str, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.is(namespace, name));
        found.map(|attribute| attribute.value.as_str())
    }

    /// Gives an attribute a value, replacing the one it has.
    pub fn set_attribute(&mut self, namespace: &str, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.attributes.iter_mut().find(|attribute| attribute.is(namespace, name)) {
            Some(attribute) => attribute.value = value,
            None => self.attributes.push(Attribute { namespace: namespace.into(), name: name.into(), value }),
        }
    }

    /// Takes an attribute away, if it is there.
    pub fn remove_attribute(&mut self, namespace: &str, name: &str) {
        self.attributes.retain(|attribute| !attribute.is(namespace, name));
    }

    /// The child elements, in document order.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.content.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The same, to be changed.
    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.content.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Its own text, without that of its children.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let mut texts = self.content.iter().filter_map(|node| match node {
            Node::Element(_) => None,
            Node::Text(text) => Some(text.as_str()),
        });
        let first = texts.next().unwrap_or_default();
        texts.fold(Cow::Borrowed(first), |joined, text| joined + text)
    }

    /// Whether `xsi:nil` says that the value is null (core 3.8).
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.attribute(XSI, "nil").is_some_and(is_true)
    }

    /// The resource's UUID from `sdata:uuid`, in any letter case and with or without braces (sync 1.1).
    /// An attribute that is no UUID is returned as the error; the nil UUID is none.
    #[must_use]
    pub fn uuid(&self) -> Option<Result<Uuid, String>> {
        self.attribute(SDATA, "uuid").and_then(parse_uuid)
    }

    /// The UUIDs the resource bore before, as our own feeds list them; what is no UUID is passed over.
    #[must_use]
    pub fn former_uuids(&self) -> Vec<Uuid> {
        let listed = self.attribute(LINKING, "formerUuids").unwrap_or_default();
        listed.split_whitespace().filter_map(parse_uuid).filter_map(Result::ok).collect()
    }

    /// Whether the resource was deleted: `isDeleted`, in the sdata or the sync namespace (sync 4.4).
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        [SDATA, SYNC].iter().any(|namespace| self.attribute(namespace, "isDeleted").is_some_and(is_true))
    }
}

/// Reads a boolean of XML Schema, in any letter case.
fn is_true(text: &str) -> bool {
    let text = text.trim();
    text == "1" || text.eq_ignore_ascii_case("true")
}

/// Reads a UUID in any letter case and with or without braces; the text itself when it is none. Nothing and the nil UUID
/// are `None`: some platforms write the latter where they have no value, and it must not make one resource of many.
pub(super) fn parse_uuid(text: &str) -> Option<Result<Uuid, String>> {
    if text.trim().is_empty() {
        return None;
    }
    let uuid = Uuid::try_parse(text.trim()).map_err(|_| text.to_owned());
    Some(uuid).filter(|uuid| *uuid != Ok(Uuid::nil()))
}

#[cfg(test)]
mod tests;
