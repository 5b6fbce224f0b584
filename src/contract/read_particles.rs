//! Reading what stands between the tags of a complex type: a content model becomes a list of properties.
//!
//! Payloads are taken in any order and written in schema order (core 4.2), so of a content model only this
//! matters: which elements there are, which may repeat, and which exclude one another.

use super::declarations::What;
use super::error::{ContractError, Problem};
use super::model::{ComplexType, Place, Property, Relationship, Shape, TypeRef};
use super::read_types::TypeReader;
use super::schema_file::{Node, SchemaFile};
use std::collections::HashMap;
use std::sync::Arc;

/// The properties found so far, and the surroundings of the next one.
pub(super) struct Particles {
    properties: Vec<Property>,
    by_name: HashMap<Arc<str>, usize>,
    open: bool,
    next_slot: u32,
    next_choice: u32,
    /// The named groups being read.
    groups: Vec<Place>,
    around: Surroundings,
}

/// What holds for everything inside a group.
#[derive(Debug, Clone, Copy, Default)]
struct Surroundings {
    /// Set inside a group that repeats: its members stand in document order.
    slot: Option<u32>,
    branch: Option<(u32, u32)>,
}

impl Particles {
    /// Goes on after the properties that `complex` has from its base.
    pub(super) fn of(complex: &mut ComplexType) -> Self {
        let properties = std::mem::take(&mut complex.properties);
        let next_slot = properties.iter().map(|property| property.slot + 1).max().unwrap_or(0);
        let branches = properties.iter().filter_map(|property| property.branch);
        let next_choice = branches.map(|(choice, _)| choice + 1).max().unwrap_or(0);
        let by_name = std::mem::take(&mut complex.by_name);
        let around = Surroundings::default();
        Self { properties, by_name, open: complex.open, next_slot, next_choice, groups: Vec::new(), around }
    }

    /// Gives `complex` what was found.
    pub(super) fn finish(self, complex: &mut ComplexType) {
        complex.properties = self.properties;
        complex.by_name = self.by_name;
        complex.open = self.open;
    }

    fn slot(&mut self) -> u32 {
        self.next_slot += 1;
        self.next_slot - 1
    }

    fn add(&mut self, property: Property) {
        match self.by_name.get(&property.name).and_then(|index| self.properties.get_mut(*index)) {
            // The same element twice in a content model: it may stand there twice, in either branch.
            Some(known) => {
                known.repeated |= known.branch.is_none() || known.branch == property.branch;
                known.branch = None;
            }
            None => {
                self.by_name.insert(Arc::clone(&property.name), self.properties.len());
                self.properties.push(property);
            }
        }
    }
}

impl TypeReader<'_> {
    /// Reads one particle: an element, a wildcard, or a group of particles.
    pub(super) fn particle(&mut self, at: Place, particles: &mut Particles) -> Result<(), ContractError> {
        let node = self.file(at).node(at.node);
        let repeats = match self.max_occurs(at)? {
            Some(0) => return Ok(()),
            Some(1) => false,
            _ => true,
        };
        match &*node.name {
            "element" => self.property(at, repeats, particles),
            "any" => {
                particles.open = true;
                Ok(())
            }
            "group" if node.attribute("ref").is_some() => self.named_group(at, repeats, particles),
            "all" | "sequence" | "choice" | "group" => self.group(at, repeats, particles),
            _ => Ok(()),
        }
    }

    /// `None` means unbounded.
    fn max_occurs(&self, at: Place) -> Result<Option<u64>, ContractError> {
        match self.file(at).node(at.node).attribute("maxOccurs") {
            None => Ok(Some(1)),
            Some("unbounded") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                let (attribute, value) = ("maxOccurs".to_owned(), text.to_owned());
                self.invalid(at, Problem::BadValue { attribute, value, expected: "a number or unbounded" })
            }),
        }
    }

    fn named_group(&mut self, at: Place, repeats: bool, particles: &mut Particles) -> Result<(), ContractError> {
        let file = self.file(at);
        let word = file.node(at.node).attribute("ref").unwrap_or_default();
        let Some(group) = self.declarations.find(What::Group, &file.resolve(at.node, word)) else {
            return Err(self.invalid(at, Problem::Unresolved { what: What::Group.word(), name: word.to_owned() }));
        };
        if particles.groups.contains(&group) {
            return Err(self.invalid(at, Problem::Circular(word.to_owned())));
        }
        particles.groups.push(group);
        self.group(group, repeats, particles)?;
        particles.groups.pop();
        Ok(())
    }

    fn group(&mut self, at: Place, repeats: bool, particles: &mut Particles) -> Result<(), ContractError> {
        let file = self.file(at);
        let outside = particles.around;
        if repeats && outside.slot.is_none() {
            particles.around.slot = Some(particles.slot());
        }
        // Inside something that repeats, one round may take one branch and the next another.
        let chooses =
            &*file.node(at.node).name == "choice" && particles.around.slot.is_none() && outside.branch.is_none();
        if chooses {
            particles.next_choice += 1;
        }
        let choice = particles.next_choice;
        for (branch, child) in (0_u32..).zip(file.node(at.node).children.iter()) {
            if chooses {
                particles.around.branch = Some((choice, branch));
            }
            self.particle(Place { node: *child, ..at }, particles)?;
        }
        particles.around = outside;
        Ok(())
    }

    fn property(&mut self, at: Place, repeats: bool, particles: &mut Particles) -> Result<(), ContractError> {
        let file = self.file(at);
        let node = file.node(at.node);
        let declared = match node.attribute("ref") {
            None => at,
            Some(word) => match self.declarations.find(What::Element, &file.resolve(at.node, word)) {
                Some(declared) => declared,
                None => {
                    let what = What::Element.word();
                    return Err(self.invalid(at, Problem::Unresolved { what, name: word.to_owned() }));
                }
            },
        };
        let declaring = self.file(declared);
        let Some(name) = declaring.node(declared.node).attribute("name").filter(|name| !name.is_empty()) else {
            return Err(self.invalid(at, Problem::Incomplete { element: "element".to_owned(), needs: "a name" }));
        };
        let name: Arc<str> = Arc::from(name);
        let value = self.element_type(declared, &name)?;
        let around = particles.around;
        let slot = around.slot.unwrap_or_else(|| particles.slot());
        let annotated = Annotated { here: node, there: declaring.node(declared.node) };
        let mut property = annotated.property(name, declaring, value, at);
        property.slot = slot;
        property.branch = around.branch;
        property.repeated = repeats || around.slot.is_some();
        particles.add(property);
        Ok(())
    }
}

/// An element as used, and as declared elsewhere when used by reference: what is said here wins.
struct Annotated<'a> {
    here: &'a Node,
    there: &'a Node,
}

impl Annotated<'_> {
    fn sme(&self, name: &str) -> Option<&str> {
        self.here.sme(name).or_else(|| self.there.sme(name))
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.here.sme_flag(name).or_else(|| self.there.sme_flag(name))
    }

    fn property(&self, name: Arc<str>, declaring: &SchemaFile, value: TypeRef, place: Place) -> Property {
        let scalar = matches!(value, TypeRef::Simple(_));
        Property {
            namespace: Arc::clone(&declaring.namespace),
            label: self.sme("label").unwrap_or(&name).to_owned(),
            shape: Shape::Any,
            default: self.there.verbatim("default").or_else(|| self.there.verbatim("fixed")).map(Arc::from),
            nillable: self.there.flag("nillable"),
            is_mandatory: self.flag("isMandatory").unwrap_or(false),
            is_read_only: self.flag("isReadOnly").unwrap_or(false),
            // The specification's own example schema writes isUnique.
            is_unique_key: self.flag("isUniqueKey").or_else(|| self.flag("isUnique")).unwrap_or(false),
            can_sort: self.flag("canSort").unwrap_or(scalar),
            can_filter: self.flag("canFilter").unwrap_or(scalar),
            precedence: self.sme("precedence").and_then(|text| text.parse().ok()).unwrap_or(0),
            relationship: self.sme("relationship").and_then(relationship),
            repeated: false,
            slot: 0,
            branch: None,
            name,
            value,
            place,
        }
    }
}

fn relationship(word: &str) -> Option<Relationship> {
    match word {
        "parent" => Some(Relationship::Parent),
        "child" => Some(Relationship::Child),
        "reference" => Some(Relationship::Reference),
        "association" => Some(Relationship::Association),
        _ => None,
    }
}
