//! The columns of a table of resources: paths of names, such as `postalAddress/countryCode`.

use super::value::{KEY, UUID, Value};
use crate::contract::{Contract, Kind, Shape, TypeId};

/// What separates the names of a path.
const SEPARATOR: &str = "/";

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column(Vec<String>);

impl Column {
    /// Its heading.
    pub(super) fn heading(&self) -> String {
        self.0.join(SEPARATOR)
    }

    /// What stands in it for a resource; null and nothing look alike in a table.
    pub(super) fn cell<'v>(&self, resource: &'v Value) -> &'v str {
        match resource.at(&self.0) {
            Some(Value::Text(text) | Value::Literal(text)) => text,
            Some(Value::Null | Value::Object(_) | Value::List(_)) | None => "",
        }
    }
}

/// The columns of a kind, and the properties that have no place in a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// Key and UUID, then the properties in schema order.
    pub(super) columns: Vec<Column>,
    /// Lists, and what the schema does not know.
    pub(super) left_out: Vec<String>,
}

impl Columns {
    /// The columns of resources of `kind`.
    pub(super) fn of(contract: &Contract, kind: &Kind) -> Self {
        let mut found = Self { columns: Vec::new(), left_out: Vec::new() };
        found.add_identity(&[]);
        found.add(contract, kind.type_id, &[], &mut vec![kind.type_id]);
        found
    }

    /// The columns with these headings, in their order.
    ///
    /// # Errors
    /// The first heading that is none, with those there are.
    pub(super) fn named<'h>(&self, headings: impl Iterator<Item = &'h str>) -> Result<Vec<Column>, String> {
        let mut columns = Vec::new();
        for heading in headings {
            let heading = heading.trim();
            let Some(column) = self.columns.iter().find(|column| column.heading() == heading) else {
                let known: Vec<_> = self.columns.iter().map(Column::heading).collect();
                return Err(format!("there is no column '{heading}'; there are {}", known.join(", ")));
            };
            if columns.contains(column) {
                return Err(format!("the column '{heading}' is there twice"));
            }
            columns.push(column.clone());
        }
        Ok(columns)
    }

    fn add_identity(&mut self, path: &[String]) {
        for name in [KEY, UUID] {
            self.columns.push(Column([path, &[name.to_owned()]].concat()));
        }
    }

    /// `around` holds the types on the way here: one that holds itself would have no end of columns.
    fn add(&mut self, contract: &Contract, id: TypeId, path: &[String], around: &mut Vec<TypeId>) {
        let Some(complex) = contract.complex_type(id) else { return };
        for property in &complex.properties {
            let path = [path, &[property.name.to_string()]].concat();
            match property.shape {
                _ if property.repeated => self.left_out.push(path.join(SEPARATOR)),
                Shape::Value => self.columns.push(Column(path)),
                Shape::Reference(_) => self.add_identity(&path),
                Shape::Structure(inner) | Shape::Choice(inner) if !around.contains(&inner) => {
                    around.push(inner);
                    self.add(contract, inner, &path, around);
                    around.pop();
                }
                _ => self.left_out.push(path.join(SEPARATOR)),
            }
        }
    }
}

/// The tree of a table's row; an empty cell says nothing.
pub(super) fn row<'c>(columns: &[Column], cells: impl Iterator<Item = &'c str>) -> Value {
    let mut resource = Value::Object(Vec::new());
    for (column, cell) in columns.iter().zip(cells) {
        if !cell.is_empty() {
            resource.put(&column.0, Value::Text(cell.to_owned()));
        }
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_paths_of_properties_with_key_and_uuid_of_the_resource_and_of_references() {
        let contract = Contract::sample().unwrap();
        let columns = Columns::of(&contract, contract.kind("salesOrders").unwrap());
        let headings: Vec<_> = columns.columns.iter().map(Column::heading).collect();
        assert_eq!(headings[..3], ["$key", "$uuid", "orderNumber"]);
        for heading in ["account/$key", "account/$uuid", "shippingAddress/countryCode"] {
            assert!(headings.iter().any(|known| known == heading), "{heading} in {headings:?}");
        }
        assert_eq!(columns.left_out, ["orderLines"]);
    }

    #[test]
    fn a_heading_that_is_no_column_is_named_with_those_there_are() {
        let contract = Contract::sample().unwrap();
        let columns = Columns::of(&contract, contract.kind("products").unwrap());
        let message = columns.named(["sku", "colour"].into_iter()).unwrap_err();
        assert!(message.starts_with("there is no column 'colour'; there are $key, $uuid, sku, name"), "{message}");
        assert_eq!(columns.named(["sku", "sku"].into_iter()).unwrap_err(), "the column 'sku' is there twice");
    }
}
