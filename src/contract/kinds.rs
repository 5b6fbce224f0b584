//! Which elements of a contract are resource kinds, and what the schema says of them (core 4.2, sync 4.5).

use super::error::{ContractError, Problem, Warning};
use super::model::{ComplexType, Kind, KindId, Place, Property, Relationship, Shape, TypeId, TypeRef};
use super::read_types::Types;
use super::schema_file::{Node, ROOT, SchemaFile};
use crate::protocol::Priority;
use std::collections::HashMap;
use std::sync::Arc;

/// The kinds of the main schema, then those of the schemas it takes in, each in schema order.
///
/// # Errors
/// [`Problem::NoKinds`], [`Problem::DuplicateKind`] and [`Problem::AlikeKinds`] within the contract's own namespace,
/// [`Problem::KindWithoutType`].
pub(super) fn read_kinds(files: &[SchemaFile], types: &mut Types) -> Result<Vec<Kind>, ContractError> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut taken: HashMap<String, Arc<str>> = HashMap::new();
    for (index, file) in files.iter().enumerate() {
        for (at, _) in file.children(ROOT).filter(|(_, node)| is_kind(node)) {
            let place = Place { file: index, node: at };
            let kind = kind(file, place, types)?;
            if let Some(other) = taken.get(&kind.plural_name.to_lowercase()) {
                let name = kind.plural_name.to_string();
                let problem = if **other == *name {
                    Problem::DuplicateKind(name)
                } else {
                    Problem::AlikeKinds { name, other: other.to_string() }
                };
                if files.first().is_some_and(|main| main.namespace == file.namespace) {
                    return Err(file.invalid(at, problem));
                }
                types.warnings.push(Warning {
                    file: file.name.clone(),
                    line: file.line(at),
                    message: problem.to_string(),
                });
                continue;
            }
            taken.insert(kind.plural_name.to_lowercase(), Arc::clone(&kind.plural_name));
            kinds.push(kind);
        }
    }
    match files.first() {
        Some(main) if kinds.is_empty() => Err(main.invalid(ROOT, Problem::NoKinds)),
        _ => Ok(kinds),
    }
}

/// Service operations and plain elements are none.
fn is_kind(node: &Node) -> bool {
    let said = match node.sme("role") {
        Some(role) => role == "resourceKind",
        None => node.sme("pluralName").is_some(),
    };
    said && &*node.name == "element"
}

fn kind(file: &SchemaFile, place: Place, types: &Types) -> Result<Kind, ContractError> {
    let node = file.node(place.node);
    let name: Arc<str> = Arc::from(node.attribute("name").unwrap_or_default());
    let Some(type_id) = type_of(file, place, types) else {
        return Err(file.invalid(place.node, Problem::KindWithoutType(name.to_string())));
    };
    let flag = |attribute, default| node.sme_flag(attribute).unwrap_or(default);
    let number = |attribute: &str, expected| match node.sme(attribute).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse::<u32>().map(Some).map_err(|_| {
            let problem = Problem::BadValue { attribute: format!("sme:{attribute}"), value: text.to_owned(), expected };
            file.invalid(place.node, problem)
        }),
    };
    let priority = number("syncConflictPriority", "a number from 1 to 9")?;
    Ok(Kind {
        plural_name: node
            .sme("pluralName")
            .filter(|plural| !plural.is_empty())
            .map_or_else(|| Arc::from(format!("{name}s")), Arc::from),
        namespace: Arc::clone(&file.namespace),
        label: node.sme("label").unwrap_or(&name).to_owned(),
        can_get: flag("canGet", true),
        can_post: flag("canPost", true),
        can_put: flag("canPut", true),
        can_delete: flag("canDelete", true),
        is_sync_source: flag("isSyncSource", false),
        is_sync_target: flag("isSyncTarget", false),
        sync_order: number("syncOrder", "a whole number from 0")?,
        conflict_priority: priority.and_then(|value| u8::try_from(value).ok()).and_then(Priority::new),
        type_id,
        name,
        place,
    })
}

/// The complex type of a kind's element: named, or written inside it.
fn type_of(file: &SchemaFile, place: Place, types: &Types) -> Option<TypeId> {
    let node = file.node(place.node);
    match node.attribute("type") {
        Some(word) => types.named.get(&file.resolve(place.node, word)).copied(),
        None => {
            let (inner, _) = file.child(place.node, &["complexType"])?;
            types.at.get(&Place { node: inner, ..place }).copied()
        }
    }
}

/// Which kind the resources of a type are. Several may share a type: then the one the type is named after.
pub(super) fn kinds_by_type(kinds: &[Kind], types: &[ComplexType]) -> HashMap<TypeId, KindId> {
    let mut found = HashMap::new();
    for (index, kind) in kinds.iter().enumerate() {
        let named_after =
            types.get(kind.type_id.0).is_some_and(|complex| complex.name.strip_suffix("--type") == Some(&*kind.name));
        if named_after {
            found.insert(kind.type_id, KindId(index));
        } else {
            found.entry(kind.type_id).or_insert(KindId(index));
        }
    }
    found
}

/// Works out what every property is to this provider, now that all types and kinds are known.
pub(super) fn shape_properties(types: &mut [ComplexType], by_type: &HashMap<TypeId, KindId>) {
    let shapes: Vec<Vec<Shape>> = types
        .iter()
        .map(|complex| complex.properties.iter().map(|property| shape(property, types, by_type)).collect())
        .collect();
    for (complex, shapes) in types.iter_mut().zip(shapes) {
        for (property, shape) in complex.properties.iter_mut().zip(shapes) {
            property.shape = shape;
        }
    }
}

fn shape(property: &Property, types: &[ComplexType], by_type: &HashMap<TypeId, KindId>) -> Shape {
    let id = match &property.value {
        TypeRef::Simple(_) => return Shape::Value,
        TypeRef::Any => return Shape::Any,
        TypeRef::Complex(id) => *id,
    };
    let Some(complex) = types.get(id.0) else { return Shape::Any };
    // Where annotation and type disagree about the number, the type is what payloads look like.
    match property.relationship {
        None => Shape::Structure(id),
        Some(Relationship::Child) if complex.is_list_of_structures() && !property.repeated => Shape::Children(id),
        Some(Relationship::Child) => Shape::Structure(id),
        Some(Relationship::Parent | Relationship::Reference | Relationship::Association) => match by_type.get(&id) {
            Some(kind) => Shape::Reference(Some(*kind)),
            None if complex.is_list_of_structures() && !property.repeated => Shape::References(id),
            None if is_choice_of_kinds(complex, by_type) => Shape::Choice(id),
            None => Shape::Reference(None),
        },
    }
}

/// Whether a type only says which of several kinds is meant.
fn is_choice_of_kinds(complex: &ComplexType, by_type: &HashMap<TypeId, KindId>) -> bool {
    !complex.properties.is_empty()
        && complex.properties.iter().all(|property| {
            property.branch.is_some() && matches!(&property.value, TypeRef::Complex(id) if by_type.contains_key(id))
        })
}
