//! A resource as labels and values: its own properties, then its structures, children and associations one by one.

use super::table::{Column, Table};
use super::value::Value;
use crate::contract::{Contract, Property, Shape, TypeId, TypeRef};
use crate::wire::Element;
use crate::wire::names::SDATA;

/// Part of a resource under a heading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::http) struct Section {
    /// What it is; nothing for the resource's own properties.
    pub(in crate::http) heading: String,
    /// Its properties that have a value.
    pub(in crate::http) fields: Vec<Field>,
    /// The labels of those that have none.
    pub(in crate::http) empty: Vec<String>,
    /// Its children.
    pub(in crate::http) table: Option<Table>,
}

/// A label and what it labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Field {
    /// For people.
    pub(in crate::http) label: String,
    /// What it is.
    pub(in crate::http) value: Value,
}

impl Field {
    pub(super) fn new(label: &str, value: Value) -> Self {
        Self { label: label.to_owned(), value }
    }
}

/// The sections of a resource of this type.
pub(super) fn sections(contract: &Contract, id: TypeId, resource: &Element) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    fill(contract, id, resource, &mut sections);
    sections
}

/// Fills the last section with the properties of `element`, and adds one for each of its structures and lists.
fn fill(contract: &Contract, id: TypeId, element: &Element, sections: &mut Vec<Section>) {
    let Some(complex) = contract.complex_type(contract.actual_type(id, element)) else { return };
    let mut own = Section::default();
    let mut further = Vec::new();
    if complex.text.is_some() {
        own.fields.push(Field::new("Value", Value::text(&element.text())));
    }
    for property in &complex.properties {
        let mut elements = element.children().filter(|child| *child.name == *property.name).peekable();
        if elements.peek().is_none() {
            own.empty.push(property.label.clone());
        }
        for child in elements {
            match property.shape {
                Shape::Structure(_) | Shape::Children(_) | Shape::References(_) if !child.is_nil() => {
                    further.push((property, child));
                }
                _ => match Value::of_property(contract, property, Some(child), false) {
                    Value::Nothing => own.empty.push(property.label.clone()),
                    value => own.fields.push(Field::new(&property.label, value)),
                },
            }
        }
    }
    if let Some(section) = sections.last_mut() {
        section.fields = own.fields;
        section.empty = own.empty;
    }
    for (property, child) in further {
        let heading = property.label.clone();
        match property.shape {
            Shape::Structure(inner) => {
                sections.push(Section { heading, ..Section::default() });
                fill(contract, inner, child, sections);
            }
            Shape::Children(list) | Shape::References(list) => {
                let table = Some(children(contract, property, list, child));
                sections.push(Section { heading, table, ..Section::default() });
            }
            Shape::Value | Shape::Reference(_) | Shape::Choice(_) | Shape::Any => {}
        }
    }
}

/// The items of a list as rows: of children their properties, of associations where they lead.
fn children(contract: &Contract, property: &Property, list: TypeId, element: &Element) -> Table {
    let items: Vec<_> = element.children().collect();
    let item_properties = contract.complex_type(list).map(|list| list.properties.as_slice()).unwrap_or_default();
    if matches!(property.shape, Shape::References(_)) {
        let mut table = Table::new(&*property.label, &["Resource"]);
        table.rows = items.iter().map(|item| vec![Value::reference(item)]).collect();
        return table;
    }
    let inner = item_properties.iter().find_map(|item| match &item.value {
        TypeRef::Complex(inner) => Some(*inner),
        TypeRef::Simple(_) | TypeRef::Any => None,
    });
    let table = match inner {
        Some(inner) => described(contract, inner, &property.label, &items),
        None => Table::new(&*property.label, &["Value"]),
    };
    table.without_empty_columns()
}

/// Elements of one type as rows, each of its properties a column.
pub(super) fn described(contract: &Contract, id: TypeId, caption: &str, items: &[&Element]) -> Table {
    let properties = contract.complex_type(id).map(|described| described.properties.as_slice()).unwrap_or_default();
    let columns = properties.iter().map(|property| Column { label: property.label.clone(), ..Column::default() });
    let row = |item: &&Element| {
        let cell = |property: &Property| {
            let child = item.children().find(|child| *child.name == *property.name);
            Value::of_property(contract, property, child, true)
        };
        properties.iter().map(cell).collect()
    };
    let rows = items.iter().map(row).collect();
    let table = Table { caption: caption.to_owned(), columns: columns.collect(), rows, if_empty: "none".to_owned() };
    table.aligned()
}

/// The type of a part that stands somewhere in resources of the type `id`, by its element's name (core 2.3).
pub(super) fn type_of_part(contract: &Contract, id: TypeId, name: &str) -> Option<TypeId> {
    let mut seen = vec![id];
    let mut at = 0;
    while let Some(complex) = seen.get(at).and_then(|id| contract.complex_type(*id)) {
        at += 1;
        for property in &complex.properties {
            let TypeRef::Complex(inner) = property.value else { continue };
            if *property.name == *name {
                return Some(inner);
            }
            let is_inside = matches!(property.shape, Shape::Structure(_) | Shape::Children(_));
            if is_inside && !seen.contains(&inner) {
                seen.push(inner);
            }
        }
    }
    None
}

/// An element that no contract of ours describes, property by property.
pub(super) fn undescribed(element: &Element) -> Section {
    let fields = element.children().filter(|child| !child.is_nil()).map(|child| {
        let value =
            if child.children().next().is_some() { Value::Code(outline(child, 0)) } else { Value::text(&child.text()) };
        Field::new(&child.name, value)
    });
    Section { fields: fields.filter(|field| field.value != Value::Nothing).collect(), ..Section::default() }
}

/// Levels of an outline: deeper ones are in the feed for programs.
const DEEPEST: usize = 8;

/// An element as lines of names and texts, what it holds indented.
pub(super) fn outline(element: &Element, level: usize) -> String {
    let mut lines = Vec::new();
    for child in element.children() {
        let text = child.text();
        let end = if text.is_empty() { String::new() } else { format!(": {text}") };
        let identity = ["key", "uuid"].iter().find_map(|name| child.attribute(SDATA, name));
        let identity = identity.map(|identity| format!(" {identity}")).unwrap_or_default();
        lines.push(format!("{}{}{identity}{end}", "  ".repeat(level), child.name));
        if level < DEEPEST && child.children().next().is_some() {
            lines.push(outline(child, level + 1));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ReadLimits;

    fn parsed(xml: &str) -> Element {
        Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap()
    }

    fn of(kind: &str, xml: &str) -> Vec<Section> {
        let contract = Contract::sample().unwrap();
        sections(&contract, contract.kind(kind).unwrap().type_id, &parsed(xml))
    }

    #[test]
    fn values_stand_by_their_labels_in_schema_order_and_what_is_empty_is_only_named() {
        let sections = of(
            "accounts",
            r#"<account xmlns:x="http://www.w3.org/2001/XMLSchema-instance"><name>Account 1</name><code>A-1</code>
               <phone x:nil="true"/><postalAddress><city>City</city></postalAddress></account>"#,
        );
        let [own, address] = sections.as_slice() else { panic!("{sections:?}") };
        assert_eq!(own.fields, [Field::new("Code", Value::text("A-1")), Field::new("Name", Value::text("Account 1"))]);
        assert!(own.empty.contains(&"Phone".to_owned()) && own.empty.contains(&"E-mail".to_owned()), "{own:?}");
        assert_eq!(
            (address.heading.as_str(), &address.fields[..]),
            ("Postal address", &[Field::new("City", Value::text("City"))][..])
        );
    }

    #[test]
    fn children_are_a_table_without_the_columns_nobody_filled() {
        let sections = of(
            "salesOrders",
            r#"<salesOrder xmlns:s="http://schemas.sage.com/sdata/2008/1"><orderLines>
               <salesOrderLine><lineNumber>1</lineNumber><product s:key="5" s:url="http://h/p('5')"/><quantity>2</quantity></salesOrderLine>
               <salesOrderLine><lineNumber>2</lineNumber><quantity>3</quantity></salesOrderLine></orderLines></salesOrder>"#,
        );
        let table = sections[1].table.as_ref().unwrap();
        let labels: Vec<_> = table.columns.iter().map(|column| (column.label.as_str(), column.is_number)).collect();
        assert_eq!(labels, [("Line", true), ("Product", false), ("Quantity", true)]);
        let number = |text: &str| Value::Number(text.to_owned());
        assert_eq!(table.rows[0], [number("1"), Value::link("http://h/p('5')", "5"), number("2")]);
        assert_eq!(table.rows[1], [number("2"), Value::Nothing, number("3")]);
    }

    #[test]
    fn an_outline_indents_what_an_element_holds() {
        let element = parsed("<a><b>1</b><c><d>2</d></c></a>");
        assert_eq!(outline(&element, 0), "b: 1\nc\n  d: 2");
    }
}
