//! What the served schema may promise of each property (core 4.3, 4.4): only what works wherever the property stands.

use super::contract::Contract;
use super::model::{Kind, Place, Property, Relationship, Shape, TypeId};
use super::schema::{Change, Support, only_if};
use std::collections::{BTreeSet, HashMap};

/// What holds for a property of every kind that has it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Promise {
    related: bool,
    /// `None` until a kind was asked.
    kept: Option<Kept>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    filter: bool,
    sort: bool,
    /// Its URL answers GET (core 2.3).
    get: bool,
    /// Children can be added, changed and deleted there (core 8.3, 9.4, 10.3).
    write: bool,
    /// What it answers comes in pages.
    page: bool,
}

impl Promise {
    fn also(&mut self, other: Kept) {
        let kept = self.kept.unwrap_or(other);
        self.kept = Some(Kept {
            filter: kept.filter && other.filter,
            sort: kept.sort && other.sort,
            get: kept.get && other.get,
            write: kept.write && other.write,
            page: kept.page && other.page,
        });
    }

    pub(super) fn changes(self) -> Vec<Change> {
        let kept = self.kept.unwrap_or_default();
        let mut changes =
            vec![("canSort", only_if(kept.sort)), ("canFilter", only_if(kept.filter)), ("canGroup", None)];
        if self.related {
            // What is not said is possible only of GET (core 4.8).
            changes.push(("canGet", Some(kept.get.to_string())));
            changes.extend(["canPost", "canPut", "canDelete"].map(|name| (name, only_if(kept.write))));
            changes.extend(["canPageNext", "canPagePrevious", "canPageIndex"].map(|name| (name, only_if(kept.page))));
        }
        changes
    }
}

impl Contract {
    /// What the schema may promise of each property, wherever it is declared.
    pub(super) fn promises(&self, support: &dyn Fn(&Kind) -> Support) -> HashMap<Place, Promise> {
        let mut promises: HashMap<Place, Promise> = HashMap::new();
        for property in self.types.iter().flat_map(|complex| &complex.properties) {
            let related = property.relationship.is_some();
            promises.entry(property.place).or_insert(Promise { related, kept: None });
        }
        for kind in self.kinds() {
            self.promise_within(kind.type_id, &support(kind), false, &mut BTreeSet::new(), &mut promises);
        }
        promises
    }

    /// The properties of a type within a resource, those of its structures and children included.
    fn promise_within(
        &self,
        id: TypeId,
        support: &Support,
        in_child: bool,
        seen: &mut BTreeSet<(TypeId, bool)>,
        promises: &mut HashMap<Place, Promise>,
    ) {
        let Some(complex) = self.complex_type(id).filter(|_| seen.insert((id, in_child))) else { return };
        for property in &complex.properties {
            if let Some(promise) = promises.get_mut(&property.place) {
                promise.also(kept(property, support, in_child));
            }
            let is_child = property.relationship == Some(Relationship::Child);
            match property.shape {
                Shape::Structure(inner) => {
                    self.promise_within(inner, support, in_child || is_child, seen, promises);
                }
                Shape::Children(list) => {
                    for inner in self.item_types(list) {
                        self.promise_within(inner, support, true, seen, promises);
                    }
                }
                Shape::Value | Shape::Any | Shape::Reference(_) | Shape::Choice(_) | Shape::References(_) => {}
            }
        }
    }
}

fn kept(property: &Property, support: &Support, in_child: bool) -> Kept {
    let is_scalar = property.shape == Shape::Value && !property.repeated;
    let is_child = property.relationship == Some(Relationship::Child);
    let leads_somewhere = match property.shape {
        Shape::Value | Shape::Any | Shape::Reference(None) => false,
        Shape::Structure(_) => is_child && !property.repeated,
        // The parent of a child is the resource it lives in.
        Shape::Reference(Some(_)) => in_child || property.relationship != Some(Relationship::Parent),
        Shape::Children(_) | Shape::References(_) | Shape::Choice(_) => true,
    };
    let get = support.property_urls && leads_somewhere;
    Kept {
        filter: support.can_filter && property.can_filter && is_scalar,
        sort: support.can_sort && property.can_sort && is_scalar,
        get,
        write: get && is_child && support.can_put && !property.is_read_only,
        page: get && matches!(property.shape, Shape::Children(_) | Shape::References(_)),
    }
}
