//! What parts of a resource are, in words for people (core 3.9, 6.5).

use super::contract::Contract;
use super::model::{Relationship, Shape, TypeId};
use crate::wire::Element;
use crate::wire::names::SDATA;

impl Contract {
    /// Gives a stored part of the type `id`, and every child in it, its `sdata:descriptor`: a short name for people
    /// (core 3.9). What has no text gets none.
    pub fn describe(&self, id: TypeId, part: &mut Element) {
        if let Some(title) = self.title_of(id, part) {
            part.set_attribute(SDATA, "descriptor", title);
        }
        let Some(complex) = self.complex_type(id) else { return };
        for child in part.children_mut() {
            let Some(property) = complex.property(&child.name) else { continue };
            match property.shape {
                Shape::Structure(inner) if property.relationship == Some(Relationship::Child) => {
                    self.describe(self.actual_type(inner, child), child);
                }
                Shape::Children(list) => {
                    for item in child.children_mut() {
                        if let Some(inner) = self.item_type(list, item) {
                            self.describe(inner, item);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}
