//! What of a resource is sent: `precedence`, `include` and `select` (core 6.5, 7.2).
//!
//! Decided where the specification leaves room: children live inside their resource and are sent with it unless
//! `select` or `precedence` leaves them out, so `include=$children` adds something only beside `precedence`. A path that
//! names what the contract does not know is followed as far as it is known; the consumer is warned.

use super::contract::Contract;
use super::model::{ComplexType, Property, Relationship, Shape, TypeId};
use crate::wire::{Element, Node};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The steps that a path of `select` or `include` may have.
const MOST_STEPS: usize = 8;

/// Every property of a level, in `select`.
const ALL: &str = "*";

/// The parameters that decide about a payload, taken apart. Paths are lists of names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'a> {
    /// `precedence`; 0 leaves out the payload altogether.
    pub precedence: Option<u32>,
    /// `include`.
    pub include: &'a [Vec<String>],
    /// `select`; it overrides the others.
    pub select: Option<&'a [Vec<String>]>,
}

/// What is sent of a resource, or of a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    shown: Shown,
    /// `include=$children`: children are sent whatever their precedence.
    children: bool,
    /// Properties of which more is to be said, by name.
    parts: BTreeMap<Arc<str>, View>,
}

/// Which properties a [`View`] shows beside those it has parts for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Shown {
    /// All of them.
    #[default]
    Everything,
    /// Those whose `sme:precedence` is from 1 to this.
    UpTo(u32),
    /// All with `true`, of related resources only where they are; with `false` none.
    Selected(bool),
}

/// What is sent of the inside of a property.
enum Inside<'v> {
    Whole,
    Within(&'v View),
    /// As [`Inside::Within`] for children of a resource whose properties are limited by precedence.
    UpTo(u32),
    /// Nothing: the element itself, with where it leads.
    Nothing,
}

/// A path that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' has more than {MOST_STEPS} steps")]
pub struct TooLong(String);

impl View {
    /// The view of resources of the type `id` that `wishes` ask for, and the paths that name what is not there.
    ///
    /// # Errors
    /// [`TooLong`] for a path nobody needs.
    pub fn of(contract: &Contract, id: TypeId, wishes: &Wishes<'_>) -> Result<(Self, Vec<String>), TooLong> {
        let mut unknown = Vec::new();
        let (mut view, paths) = match wishes.select {
            Some(select) => (Self::showing(Shown::Selected(false)), select),
            None => (Self::showing(wishes.precedence.map_or(Shown::Everything, Shown::UpTo)), wishes.include),
        };
        let leaf = view.shown;
        for path in paths {
            let text = path.join("/");
            if path.len() > MOST_STEPS {
                return Err(TooLong(text));
            }
            match path.as_slice() {
                [word] if wishes.select.is_none() && word.eq_ignore_ascii_case("$children") => view.children = true,
                // Says nothing about what is shown, but how.
                [word] if wishes.select.is_none() && word.eq_ignore_ascii_case("$descriptors") => {}
                path => {
                    if !view.follow(contract, &Level::of(id), path, leaf) {
                        unknown.push(text);
                    }
                }
            }
        }
        Ok((view, unknown))
    }

    fn showing(shown: Shown) -> Self {
        Self { shown, ..Self::default() }
    }

    /// Adds what `path` names, as far as it is known; whether all of it is.
    fn follow(&mut self, contract: &Contract, level: &Level, path: &[String], leaf: Shown) -> bool {
        let Some((name, rest)) = path.split_first() else { return true };
        if let Shown::Selected(all) = &mut self.shown
            && name == ALL
        {
            *all = true;
            return rest.is_empty();
        }
        let Some(property) = level.property(contract, name) else {
            // Paths go from property to property, but include is also written as the XML nests (core 6.5).
            return level.is_item(contract, name) && self.follow(contract, &level.without_items(), rest, leaf);
        };
        let part = self.parts.entry(Arc::clone(&property.name)).or_insert_with(|| Self::showing(leaf));
        let inside = Level::inside(contract, property);
        if inside.types.is_empty() { rest.is_empty() } else { part.follow(contract, &inside, rest, leaf) }
    }

    /// Whether it names a property and nothing inside it.
    fn is_bare(&self) -> bool {
        self.shown == Shown::Selected(false) && self.parts.is_empty()
    }

    fn shows(&self, property: &Property) -> bool {
        self.parts.contains_key(&property.name)
            || match self.shown {
                Shown::Everything => true,
                Shown::UpTo(most) => (1..=most).contains(&property.precedence) || (self.children && is_child(property)),
                Shown::Selected(all) => all,
            }
    }

    fn inside(&self, property: &Property) -> Inside<'_> {
        match (self.parts.get(&property.name), self.shown) {
            (Some(part), _) if !part.is_bare() => Inside::Within(part),
            (None, Shown::UpTo(most)) if is_child(property) => Inside::UpTo(most),
            (Some(_), _) | (None, Shown::Selected(_)) if is_child(property) => Inside::Nothing,
            _ => Inside::Whole,
        }
    }

    /// Whether the children in `property` are asked for by name, or all children are.
    pub(super) fn includes(&self, property: &Property) -> bool {
        self.children || self.parts.get(&property.name).is_some_and(|part| !part.is_bare())
    }

    /// The view of the inside of a property that has one of its own.
    pub(super) fn part(&self, property: &Property) -> Option<&Self> {
        self.parts.get(&property.name)
    }
}

fn is_child(property: &Property) -> bool {
    property.relationship == Some(Relationship::Child)
}

/// Where a path has come to: what the next name can be.
struct Level {
    types: Vec<TypeId>,
    /// The list whose items are of these types.
    list: Option<TypeId>,
}

impl Level {
    fn of(id: TypeId) -> Self {
        Self { types: vec![id], list: None }
    }

    fn inside(contract: &Contract, property: &Property) -> Self {
        let of_members = |list| Self { types: contract.item_types(list).collect(), list: Some(list) };
        match property.shape {
            Shape::Value | Shape::Any | Shape::Reference(None) => Self { types: Vec::new(), list: None },
            Shape::Structure(id) => Self::of(id),
            Shape::Reference(Some(kind)) => {
                Self { types: contract.kind_at(kind).map(|kind| kind.type_id).into_iter().collect(), list: None }
            }
            Shape::Children(list) | Shape::References(list) | Shape::Choice(list) => of_members(list),
        }
    }

    fn property<'c>(&self, contract: &'c Contract, name: &str) -> Option<&'c Property> {
        self.types.iter().filter_map(|id| contract.complex_type(*id)).find_map(|complex| complex.property(name))
    }

    fn is_item(&self, contract: &Contract, name: &str) -> bool {
        let list = self.list.and_then(|list| contract.complex_type(list));
        list.is_some_and(|list| list.property(name).is_some())
    }

    fn without_items(&self) -> Self {
        Self { types: self.types.clone(), list: None }
    }
}

impl Contract {
    /// Takes out of `element`, a resource or part of the type `id`, what `view` does not show.
    pub fn show(&self, id: TypeId, element: &mut Element, view: &View) {
        let Some(complex) = self.complex_type(id) else { return };
        element.content.retain_mut(|node| match node {
            Node::Text(_) => true,
            Node::Element(child) => self.show_property(complex, child, view),
        });
    }

    /// Whether `child` is shown; of its inside, what is not shown is taken out.
    fn show_property(&self, complex: &ComplexType, child: &mut Element, view: &View) -> bool {
        let Some(property) = complex.property(&child.name) else {
            return matches!(view.shown, Shown::Everything | Shown::Selected(true));
        };
        if !view.shows(property) {
            return false;
        }
        match view.inside(property) {
            Inside::Whole => {}
            Inside::Nothing => child.content.clear(),
            Inside::Within(view) => self.show_inside(property, child, view),
            Inside::UpTo(most) => {
                let children = view.children;
                self.show_inside(property, child, &View { children, ..View::showing(Shown::UpTo(most)) });
            }
        }
        true
    }

    fn show_inside(&self, property: &Property, child: &mut Element, view: &View) {
        match property.shape {
            Shape::Structure(inner) => self.show(self.actual_type(inner, child), child, view),
            Shape::Children(list) => {
                for item in child.children_mut() {
                    if let Some(inner) = self.item_type(list, item) {
                        self.show(inner, item, view);
                    }
                }
            }
            // References hold nothing of their own; what is embedded in them is shaped where it comes from.
            Shape::Value | Shape::Any | Shape::Reference(_) | Shape::Choice(_) | Shape::References(_) => {}
        }
    }

    /// The references of the type `id` whose resources `view` embeds: the way to each, from property to property, and
    /// what is shown of the resource there.
    #[must_use]
    pub fn embedded<'v>(&self, id: TypeId, view: &'v View) -> Vec<(Vec<Arc<str>>, &'v View)> {
        let mut found = Vec::new();
        self.find_embedded(&Level::of(id), view, &mut Vec::new(), &mut found);
        found
    }

    fn find_embedded<'v>(
        &self,
        level: &Level,
        view: &'v View,
        way: &mut Vec<Arc<str>>,
        found: &mut Vec<(Vec<Arc<str>>, &'v View)>,
    ) {
        for (name, part) in &view.parts {
            let Some(property) = level.property(self, name) else { continue };
            way.push(Arc::clone(name));
            match property.shape {
                Shape::Structure(_) | Shape::Children(_) => {
                    self.find_embedded(&Level::inside(self, property), part, way, found);
                }
                Shape::Reference(_) | Shape::Choice(_) | Shape::References(_) if !part.is_bare() => {
                    found.push((way.clone(), part));
                }
                Shape::Value | Shape::Any | Shape::Reference(_) | Shape::Choice(_) | Shape::References(_) => {}
            }
            way.pop();
        }
    }
}

#[cfg(test)]
mod tests;
