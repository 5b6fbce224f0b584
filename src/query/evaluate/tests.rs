use super::*;
use crate::contract::Contract;
use crate::query::{ProtocolVariable, Scope, Target, ValueType, parse_order_by, parse_where};
use crate::wire::Element;
use crate::wire::names::SDATA;
use chrono::DateTime;
use query_cases::{CASES, NOW, RESOURCES, Resource, SORTED};

#[path = "../../../tests/query_cases/mod.rs"]
mod query_cases;

/// A resource and its element.
type Loaded = (&'static Resource, Element);

fn load(contract: &Contract) -> Vec<Loaded> {
    let element = |resource: &'static Resource| {
        let kind = contract.kind(resource.kind).unwrap();
        (resource, Element::from_content(&kind.namespace, &kind.name, resource.content.as_bytes()).unwrap())
    };
    RESOURCES.iter().map(element).collect()
}

/// The value of a field, read from the payload as the table has it.
fn value(contract: &Contract, all: &[Loaded], (resource, element): &Loaded, field: &Field) -> Option<Value> {
    if let Some((hop, rest)) = field.through.split_first() {
        let uuid = child(element, &hop.path)?.attribute(SDATA, "uuid")?;
        let next = all.iter().find(|(other, _)| other.uuid == uuid && *other.kind == *hop.kind)?;
        return value(contract, all, next, &Field { through: rest.to_vec(), ..field.clone() });
    }
    let kind = contract.kind(resource.kind)?;
    let text = match &field.target {
        Target::Property(path) => child(element, path)?.text().into_owned(),
        Target::Protocol(ProtocolVariable::Uuid) => resource.uuid.to_owned(),
        Target::Protocol(ProtocolVariable::Key) => resource.key.to_owned(),
        Target::Protocol(ProtocolVariable::Published) => resource.published.to_owned(),
        Target::Protocol(ProtocolVariable::Updated) => resource.updated.to_owned(),
        Target::Protocol(ProtocolVariable::Etag) => resource.etag.to_owned(),
        Target::Protocol(ProtocolVariable::Title) => contract.title(kind, element),
    };
    Some(Value::read(field.value_type, &text).unwrap())
}

fn child<'e>(element: &'e Element, path: &[std::sync::Arc<str>]) -> Option<&'e Element> {
    let step = |element: &'e Element, name: &std::sync::Arc<str>| element.children().find(|child| child.name == *name);
    path.iter().try_fold(element, step).filter(|found| !found.is_nil())
}

fn scope<'c>(contract: &'c Contract, kind: &str) -> Scope<'c> {
    let now = NOW.parse::<DateTime<_>>().unwrap();
    Scope { contract, kind: contract.kind(kind).unwrap(), variables: &ProtocolVariable::ALL, now }
}

/// CORE-2.12-01, CORE-2.12-02, CORE-2.12-03, CORE-2.12-04, CORE-2.12-06. In memory; the databases are held to the same table.
#[test]
fn conditions_select_what_the_table_says() {
    let contract = Contract::sample().unwrap();
    let all = load(&contract);
    let mut wrong = Vec::new();
    for (kind, text, expected) in CASES {
        let of_kind = || all.iter().filter(|(resource, _)| resource.kind == *kind);
        let condition = match parse_where(text, &scope(&contract, kind)) {
            Ok(condition) => condition,
            Err(error) => {
                wrong.push(format!("{text}: {error}"));
                continue;
            }
        };
        assert_eq!(condition.value_type(), ValueType::Boolean, "{text}");
        let selected = of_kind().filter(|loaded| matches(&condition, &|field| value(&contract, &all, loaded, field)));
        let selected: Vec<_> = selected.map(|(resource, _)| resource.key).collect();
        let expected: Vec<_> = match expected {
            ["*"] => of_kind().map(|(resource, _)| resource.key).collect(),
            keys => keys.to_vec(),
        };
        if selected != expected {
            wrong.push(format!("{kind}: {text}: {selected:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// CORE-6.3-01. In memory; the databases are held to the same table.
#[test]
fn resources_are_sorted_as_the_table_says() {
    let contract = Contract::sample().unwrap();
    let all = load(&contract);
    for (kind, text, expected) in SORTED {
        let read = parse_order_by(text, &scope(&contract, kind)).unwrap();
        assert_eq!(read.refused, [], "{text}");
        let mut sorted: Vec<_> = all.iter().filter(|(resource, _)| resource.kind == *kind).collect();
        sorted.sort_by(|left, right| {
            let of = |loaded: &Loaded, field: &Field| value(&contract, &all, loaded, field);
            order(&read.keys, &|field| of(left, field), &|field| of(right, field))
        });
        let keys: Vec<_> = sorted.iter().map(|(resource, _)| resource.key).collect();
        assert_eq!(keys, expected.to_vec(), "{text}");
    }
}

/// Every condition of the table means the same after it was written and read again.
#[test]
fn a_condition_that_is_written_parses_to_itself() {
    let contract = Contract::sample().unwrap();
    for (kind, text, _) in CASES {
        let scope = scope(&contract, kind);
        let condition = parse_where(text, &scope).unwrap();
        assert_eq!(parse_where(&condition.to_string(), &scope), Ok(condition), "{text}");
    }
}
