//! What an answer to a write says beyond what was sent: `returnDelta` (core 8.1, 9.2).

use super::contract::Contract;
use super::model::{Property, Shape, TypeId};
use crate::wire::names::SDATA;
use crate::wire::{Element, Node};

impl Contract {
    /// Takes out of `written`, a part of the type `id` as it is answered, what its sender knows: properties that are as
    /// they were `sent` and, unless the part is new, those that were not sent: nothing else changes by a write. Lists
    /// that were sent stay whole, because children get their keys here.
    pub fn keep_delta(&self, id: TypeId, written: &mut Element, sent: &Element, is_new: bool) {
        let Some(complex) = self.complex_type(id) else { return };
        written.content.retain_mut(|node| {
            let Node::Element(child) = node else { return true };
            let Some(property) = complex.property(&child.name) else { return is_new };
            match sent.children().find(|sent| sent.name == child.name) {
                None => is_new,
                Some(sent) => self.differs(property, child, sent, is_new),
            }
        });
    }

    /// Whether a property is answered otherwise than it was sent; of a structure, only what differs is left.
    fn differs(&self, property: &Property, written: &mut Element, sent: &Element, is_new: bool) -> bool {
        if written.is_nil() || sent.is_nil() {
            return written.is_nil() != sent.is_nil();
        }
        match property.shape {
            Shape::Value => written.text() != sent.text(),
            Shape::Any => written.content != sent.content,
            Shape::Reference(_) => !is_same(written, sent),
            Shape::Structure(inner) => {
                self.keep_delta(self.actual_type(inner, written), written, sent, is_new);
                !written.content.is_empty()
            }
            Shape::Choice(_) | Shape::Children(_) | Shape::References(_) => true,
        }
    }
}

fn is_same(written: &Element, sent: &Element) -> bool {
    let key = |element: &Element| element.attribute(SDATA, "key").map(str::to_owned);
    let uuid = |element: &Element| element.uuid().and_then(Result::ok);
    match (key(sent), uuid(sent)) {
        (Some(sent), _) => key(written) == Some(sent),
        (None, Some(sent)) => uuid(written) == Some(sent),
        (None, None) => false,
    }
}
