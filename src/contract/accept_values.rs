//! Values in payloads: the text of an element, and attributes that are the resource's own.

use super::accept::Acceptance;
use super::model::ComplexType;
use super::payload::Path;
use super::protocol_attributes::is_protocol;
use super::simple_type::SimpleType;
use crate::wire::{Attribute, Element, Node};

impl Acceptance<'_> {
    /// Sets the text of `into` to the value sent.
    pub(super) fn value(&mut self, into: &mut Element, simple: &SimpleType, sent: &Element, path: &Path<'_>) {
        if sent.children().next().is_some() {
            return self.fault(path, "holds elements where a value is expected");
        }
        let text = sent.text();
        match simple.check(&text) {
            Ok(value) if value.is_empty() => {}
            Ok(value) => into.content = vec![Node::Text(value.into_owned())],
            Err(reason) if text.is_empty() => {
                self.fault(path, format!("is empty, and that {reason}; xsi:nil=\"true\" says null"));
            }
            Err(reason) => self.fault(path, format!("'{}' {reason}", excerpt(&text))),
        }
    }

    /// The attributes that are the resource's, not the protocol's: those sent, else those stored.
    pub(super) fn keep_attributes(
        &mut self,
        into: &mut Element,
        complex: &ComplexType,
        sent: &Element,
        stored: Option<&Element>,
        path: &Path<'_>,
    ) {
        let keeps = |attribute: &&Attribute| {
            let declared =
                attribute.namespace.is_empty() && complex.attributes.iter().any(|known| known.name == attribute.name);
            !is_protocol(&attribute.namespace) && (declared || complex.any_attribute)
        };
        for attribute in sent.attributes.iter().filter(keeps) {
            let declared = complex.attributes.iter().find(|known| known.name == attribute.name);
            match declared.map(|known| known.value_type.check(&attribute.value)) {
                Some(Err(reason)) => {
                    self.fault(&path.to(&attribute.name), format!("'{}' {reason}", excerpt(&attribute.value)));
                }
                Some(Ok(_)) | None => into.attributes.push(attribute.clone()),
            }
        }
        let kept = stored.into_iter().flat_map(|stored| stored.attributes.iter().filter(keeps));
        for attribute in kept.filter(|attribute| sent.attribute(&attribute.namespace, &attribute.name).is_none()) {
            into.attributes.push(attribute.clone());
        }
    }
}

/// The beginning of a text, for messages.
fn excerpt(text: &str) -> &str {
    const SHOWN: usize = 60;
    text.char_indices().nth(SHOWN).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}
