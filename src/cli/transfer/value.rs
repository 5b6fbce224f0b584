//! A resource as a tree of names and texts: what rows of a table and lines of JSON have in common.

/// A value in such a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Null: the value is cleared.
    Null,
    /// Written in JSON as it is: a number or a boolean, with all its digits.
    Literal(String),
    /// Any other text.
    Text(String),
    /// Names with their values.
    Object(Vec<(String, Value)>),
    /// Several values.
    List(Vec<Value>),
}

/// The name of a resource's `sdata:key` beside its properties; no property can be called so.
pub(super) const KEY: &str = "$key";
/// The name of a resource's `sdata:uuid`.
pub(super) const UUID: &str = "$uuid";

impl Value {
    /// The value at a path of names.
    pub(super) fn at(&self, path: &[String]) -> Option<&Self> {
        let Some((name, rest)) = path.split_first() else { return Some(self) };
        let Self::Object(members) = self else { return None };
        members.iter().find(|(member, _)| member == name)?.1.at(rest)
    }

    /// Puts a value at a path of names, making objects on the way.
    pub(super) fn put(&mut self, path: &[String], value: Self) {
        let Some((name, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(members) = self else { return };
        match members.iter_mut().find(|(member, _)| member == name) {
            Some((_, member)) => member.put(rest, value),
            None => {
                let mut member = Self::Object(Vec::new());
                member.put(rest, value);
                members.push((name.clone(), member));
            }
        }
    }
}
