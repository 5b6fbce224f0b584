//! The global declarations of a contract's files, by name.

use super::error::{ContractError, Problem};
use super::model::Place;
use super::schema_file::{QName, ROOT, SchemaFile};
use std::collections::HashMap;

/// What can be declared under a name; types share one set of names, the others have one each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum What {
    Type,
    Element,
    Group,
    AttributeGroup,
    Attribute,
}

impl What {
    /// How messages call it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Element => "element",
            Self::Group => "group",
            Self::AttributeGroup => "attributeGroup",
            Self::Attribute => "attribute",
        }
    }
}

/// Where every global name is declared.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    places: HashMap<(What, QName), Place>,
}

impl Declarations {
    /// Collects the global declarations of `files`.
    ///
    /// # Errors
    /// [`Problem::Duplicate`] for a name declared twice, [`Problem::Incomplete`] for a declaration without one.
    pub(super) fn collect(files: &[SchemaFile]) -> Result<Self, ContractError> {
        let mut found = Self::default();
        for (index, file) in files.iter().enumerate() {
            for (at, node) in file.children(ROOT) {
                let what = match &*node.name {
                    "complexType" | "simpleType" => What::Type,
                    "element" => What::Element,
                    "group" => What::Group,
                    "attributeGroup" => What::AttributeGroup,
                    "attribute" => What::Attribute,
                    _ => continue,
                };
                let Some(name) = node.attribute("name").filter(|name| !name.is_empty()) else {
                    let element = node.name.to_string();
                    return Err(file.invalid(at, Problem::Incomplete { element, needs: "a name" }));
                };
                let qualified = QName { namespace: file.namespace.clone(), name: name.into() };
                if found.places.insert((what, qualified), Place { file: index, node: at }).is_some() {
                    return Err(file.invalid(at, Problem::Duplicate(name.to_owned())));
                }
            }
        }
        Ok(found)
    }

    /// Where `name` is declared.
    pub(super) fn find(&self, what: What, name: &QName) -> Option<Place> {
        self.places.get(&(what, name.clone())).copied()
    }
}
