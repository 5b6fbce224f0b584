//! What a contract says, resolved: kinds, types and properties, as indices into lists, so that types may
//! contain one another.

use super::simple_type::SimpleType;
use crate::protocol::Priority;
use crate::wire::Element;
use std::collections::HashMap;
use std::sync::Arc;

/// Where a declaration stands: file and node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) node: usize,
}

/// Index of a complex type in its contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(super) usize);

/// Index of a kind in its contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindId(pub(super) usize);

/// A resource kind (core 4.2). What the schema leaves out has the default this provider serves it with:
/// get, post, put and delete are possible, synchronization is not.
#[derive(Debug, Clone)]
pub struct Kind {
    /// Singular name: of the payload's element.
    pub name: Arc<str>,
    /// Namespace of the payload's element; the contract's own but for kinds of imported schemas.
    pub namespace: Arc<str>,
    /// Plural name: of the URL's segment.
    pub plural_name: Arc<str>,
    /// `sme:label`, for people; the name where there is none.
    pub label: String,
    /// `sme:canGet`.
    pub can_get: bool,
    /// `sme:canPost`.
    pub can_post: bool,
    /// `sme:canPut`.
    pub can_put: bool,
    /// `sme:canDelete`.
    pub can_delete: bool,
    /// `sme:isSyncSource` (sync 4.5).
    pub is_sync_source: bool,
    /// `sme:isSyncTarget` (sync 4.5).
    pub is_sync_target: bool,
    /// `sme:syncOrder`: lower ones are synchronized first (sync 4.5).
    pub sync_order: Option<u32>,
    /// `sme:syncConflictPriority`, 1 to 9 (sync 4.5).
    pub conflict_priority: Option<Priority>,
    /// The type of its resources.
    pub type_id: TypeId,
    pub(super) place: Place,
}

/// A complex type with everything it inherits.
#[derive(Debug, Clone, Default)]
pub struct ComplexType {
    /// Local name; of an unnamed type, the name of the element it belongs to.
    pub name: Arc<str>,
    /// Namespace of the type.
    pub namespace: Arc<str>,
    /// Properties in schema order.
    pub properties: Vec<Property>,
    /// Whether elements it does not declare may stand in it (`xs:any`).
    pub open: bool,
    /// The type of its text, where it has text instead of properties (`xs:simpleContent`).
    pub text: Option<Arc<SimpleType>>,
    /// Whether text may stand between its properties.
    pub mixed: bool,
    pub(super) attributes: Vec<DeclaredAttribute>,
    pub(super) any_attribute: bool,
    pub(super) base: Option<TypeId>,
    pub(super) by_name: HashMap<Arc<str>, usize>,
}

/// An attribute a complex type declares.
#[derive(Debug, Clone)]
pub(super) struct DeclaredAttribute {
    pub(super) name: Arc<str>,
    pub(super) value_type: Arc<SimpleType>,
}

/// What a property's element holds.
#[derive(Debug, Clone)]
pub enum TypeRef {
    /// A value.
    Simple(Arc<SimpleType>),
    /// Properties of its own.
    Complex(TypeId),
    /// Anything: the schema does not say.
    Any,
}

/// `sme:relationship` (core 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relationship {
    /// To the resource this one is a part of.
    Parent,
    /// To parts, which live and travel inside this resource.
    Child,
    /// To one shared resource.
    Reference,
    /// To several shared resources.
    Association,
}

/// What a property is to this provider: relationship and type taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A scalar value.
    Value,
    /// Properties of its own, without an identity, or with one as a single child.
    Structure(TypeId),
    /// One resource of the kind; of one that is not served, `None`.
    Reference(Option<KindId>),
    /// One resource of one of several kinds: an element that holds the reference proper.
    Choice(TypeId),
    /// Parts that live inside this resource; the type is that of the list.
    Children(TypeId),
    /// Resources this one is associated with; the type is that of the list.
    References(TypeId),
    /// Kept as it comes.
    Any,
}

/// A property of a resource or of a structure within one (core 4.3).
#[derive(Debug, Clone)]
pub struct Property {
    /// Local name of its element.
    pub name: Arc<str>,
    /// Namespace of its element.
    pub namespace: Arc<str>,
    /// `sme:label`, for people; the name where there is none.
    pub label: String,
    /// What its element holds.
    pub value: TypeRef,
    /// What it is to this provider.
    pub shape: Shape,
    /// Its value where nobody gave it one: `default`, or `fixed`.
    pub default: Option<Arc<str>>,
    /// Whether null is a value of it (`nillable`).
    pub nillable: bool,
    /// `sme:isMandatory`: must be there when a resource is created.
    pub is_mandatory: bool,
    /// `sme:isReadOnly`: set here, never by a client.
    pub is_read_only: bool,
    /// `sme:isUniqueKey`: no two resources of a collection have the same value.
    pub is_unique_key: bool,
    /// `sme:canSort`; of scalar values not annotated, true.
    pub can_sort: bool,
    /// `sme:canFilter`; of scalar values not annotated, true.
    pub can_filter: bool,
    /// `sme:precedence`: 1 is shown first, 0 says nothing (core 6.5).
    pub precedence: u32,
    /// `sme:relationship`, where it is one.
    pub relationship: Option<Relationship>,
    /// Whether its element may stand several times in a row.
    pub repeated: bool,
    /// Position in schema order. Properties that share a slot stand in document order.
    pub(super) slot: u32,
    /// The `xs:choice` and the branch of it that this property stands in: one branch excludes the others.
    pub(super) branch: Option<(u32, u32)>,
    pub(super) place: Place,
}

impl Property {
    /// The simple type of a scalar property.
    #[must_use]
    pub fn simple_type(&self) -> Option<&SimpleType> {
        match &self.value {
            TypeRef::Simple(simple) => Some(simple),
            TypeRef::Complex(_) | TypeRef::Any => None,
        }
    }
}

impl ComplexType {
    /// The property with this local name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.by_name.get(name).and_then(|index| self.properties.get(*index))
    }

    /// The child elements of `element`, each with the property it is of and that property's index.
    pub(super) fn matched<'c, 'e>(
        &'c self,
        element: &'e Element,
    ) -> impl Iterator<Item = (&'e Element, Option<(usize, &'c Property)>)> {
        // Most resources hold their properties in schema order: then nothing has to be looked up.
        let mut expected = 0;
        element.children().map(move |child| {
            let is_expected = self.properties.get(expected).is_some_and(|property| property.name == child.name);
            let index = if is_expected { Some(expected) } else { self.by_name.get(&child.name).copied() };
            let matched = index.and_then(|index| Some((index, self.properties.get(index)?)));
            expected = index.map_or(expected, |index| index + 1);
            (child, matched)
        })
    }

    /// Whether it is only a list: every property repeats, and there is at least one.
    pub(super) fn is_list(&self) -> bool {
        self.text.is_none() && !self.properties.is_empty() && self.properties.iter().all(|property| property.repeated)
    }

    /// Whether it is a list of what can have an identity.
    pub(super) fn is_list_of_structures(&self) -> bool {
        self.is_list() && self.properties.iter().all(|property| matches!(property.value, TypeRef::Complex(_)))
    }
}
