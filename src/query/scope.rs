//! What the names of a query stand for: properties of a kind and of what it leads to, and protocol variables.

use super::error::Problem;
use super::expression::{Field, Hop, ProtocolVariable, Target, ValueType};
use crate::contract::builtin::Builtin;
use crate::contract::simple_type::Variety;
use crate::contract::{ComplexType, Contract, Kind, Property, Shape, SimpleType, TypeId};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// References that are followed in a row: each one is another table to look into.
const MOST_HOPS: usize = 4;

/// What a query is about: the right-most kind of the URL (core 2.12, scope).
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Says what properties there are.
    pub contract: &'a Contract,
    /// The kind whose resources are looked at.
    pub kind: &'a Kind,
    /// The protocol variables that can be asked for; [`ProtocolVariable::ALL`] for stored resources.
    pub variables: &'a [ProtocolVariable],
    /// What `currentTimestamp()` and its like stand for.
    pub now: DateTime<Utc>,
}

/// What a name is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Filter,
    Sort,
    Index,
}

/// A name of a path, and where it stands.
pub(super) type Name = (String, usize);

impl Scope<'_> {
    /// The value that a path of names leads to, from structure to structure and over references.
    ///
    /// # Errors
    /// What is wrong, and the offset of the name where it shows.
    pub(super) fn field(&self, names: &[Name], purpose: Purpose) -> Result<Field, (usize, Problem)> {
        let mut walk =
            Walk { scope: self, kind: self.kind, type_id: self.kind.type_id, through: Vec::new(), path: Vec::new() };
        let Some(((last, at), before)) = names.split_last() else { return Err((0, no_value("", "no name"))) };
        for (name, at) in before {
            walk.step(name).map_err(|problem| (*at, problem))?;
        }
        walk.end(last, purpose).map_err(|problem| (*at, problem))
    }
}

impl Scope<'_> {
    /// The property of the resource itself that these names lead to, with dots between them, whatever it may be used for.
    #[must_use]
    pub fn own_property(&self, dotted: &str) -> Option<Field> {
        let names: Vec<Name> = dotted.split('.').map(|name| (name.to_owned(), 0)).collect();
        let field = self.field(&names, Purpose::Index).ok()?;
        (field.through.is_empty() && matches!(field.target, Target::Property(_))).then_some(field)
    }
}

/// How far a path was followed.
struct Walk<'a> {
    scope: &'a Scope<'a>,
    /// The kind of the resource that was reached.
    kind: &'a Kind,
    /// The type of the resource or structure that was reached.
    type_id: TypeId,
    through: Vec<Hop>,
    /// Names of the structures since the last reference.
    path: Vec<Arc<str>>,
}

impl<'a> Walk<'a> {
    /// Follows a name that others come after.
    fn step(&mut self, name: &str) -> Result<(), Problem> {
        let property = self.property(name)?;
        match property.shape {
            Shape::Structure(inner) => {
                self.path.push(Arc::clone(&property.name));
                self.type_id = inner;
                Ok(())
            }
            Shape::Reference(Some(id)) => {
                if self.through.len() == MOST_HOPS {
                    return Err(Problem::TooManyReferences(MOST_HOPS));
                }
                let Some(kind) = self.scope.contract.kind_at(id) else { return Err(no_value(name, NOT_SERVED)) };
                let mut path = std::mem::take(&mut self.path);
                path.push(Arc::clone(&property.name));
                self.through.push(Hop { path, kind: Arc::clone(&kind.plural_name) });
                self.kind = kind;
                self.type_id = kind.type_id;
                Ok(())
            }
            Shape::Value => Err(no_value(name, "a single value, without properties of its own")),
            _ => Err(no_value(name, described(property.shape))),
        }
    }

    /// The value with this name.
    fn end(self, name: &str, purpose: Purpose) -> Result<Field, Problem> {
        if name.starts_with('$') {
            return self.variable(name);
        }
        let property = self.property(name)?;
        let simple = match property.shape {
            Shape::Value => property.simple_type(),
            // A structure may have attributes and a text, which is its value.
            Shape::Structure(inner) => self.complex_type(inner).and_then(|complex| complex.text.as_deref()),
            _ => None,
        };
        let Some(simple) = simple else { return Err(no_value(name, described(property.shape))) };
        let value_type = value_type(simple).ok_or_else(|| no_value(name, LIST))?;
        match purpose {
            Purpose::Filter if !property.can_filter => return Err(Problem::CannotFilter(name.to_owned())),
            Purpose::Sort if !property.can_sort => return Err(Problem::CannotSort(name.to_owned())),
            Purpose::Filter | Purpose::Sort | Purpose::Index => {}
        }
        let mut path = self.path;
        path.push(Arc::clone(&property.name));
        Ok(Field { through: self.through, target: Target::Property(path), value_type })
    }

    fn variable(self, name: &str) -> Result<Field, Problem> {
        let known = self.scope.variables;
        let found = known.iter().find(|variable| variable.name() == name).filter(|_| self.path.is_empty());
        let Some(variable) = found else {
            let names: Vec<_> = known.iter().map(|variable| variable.name()).collect();
            return Err(Problem::UnknownVariable(name.to_owned(), names.join(", ")));
        };
        Ok(Field { through: self.through, target: Target::Protocol(*variable), value_type: variable.value_type() })
    }

    fn complex_type(&self, id: TypeId) -> Option<&'a ComplexType> {
        self.scope.contract.complex_type(id)
    }

    /// The property with this name in what was reached.
    fn property(&self, name: &str) -> Result<&'a Property, Problem> {
        let complex = self.complex_type(self.type_id);
        match complex.and_then(|complex| complex.property(name)) {
            Some(property) if property.repeated => Err(no_value(name, LIST)),
            Some(property) => Ok(property),
            None => {
                let properties = complex.map(|complex| complex.properties.as_slice()).unwrap_or_default();
                let similar = properties.iter().find(|property| property.name.to_lowercase() == name.to_lowercase());
                let within = self.path.last().unwrap_or(&self.kind.name).to_string();
                let similar = similar.map(|property| property.name.to_string());
                Err(Problem::UnknownProperty { name: name.to_owned(), within, similar })
            }
        }
    }
}

const LIST: &str = "a list, which has no single value";
const NOT_SERVED: &str = "a reference to resources that are not served here";

/// Why a property has no value of its own.
fn described(shape: Shape) -> &'static str {
    match shape {
        Shape::Value | Shape::Children(_) | Shape::References(_) => LIST,
        Shape::Structure(_) => "a structure; name one of its properties behind a dot",
        Shape::Reference(Some(_)) => "a reference; name $key, $uuid or a property behind a dot",
        Shape::Reference(None) => NOT_SERVED,
        Shape::Choice(_) => "a reference to resources of several kinds",
        Shape::Any => "not described by the schema",
    }
}

fn no_value(name: &str, what: &'static str) -> Problem {
    Problem::NoValue { name: name.to_owned(), what }
}

/// What values of a simple type are to operators; `None` of a list.
fn value_type(simple: &SimpleType) -> Option<ValueType> {
    match simple.builtin() {
        Some(Builtin::Boolean) => Some(ValueType::Boolean),
        Some(Builtin::Decimal | Builtin::Integer | Builtin::Float) => Some(ValueType::Number),
        Some(Builtin::Date) => Some(ValueType::Date),
        Some(Builtin::Time) => Some(ValueType::Time),
        Some(Builtin::DateTime) => Some(ValueType::Timestamp),
        Some(_) => Some(ValueType::Text),
        None => (!matches!(simple.variety, Variety::List(_))).then_some(ValueType::Text),
    }
}
