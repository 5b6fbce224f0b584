//! Queries and the paths of URLs (core 2.1, 2.12).

use super::sample;
use chrono::DateTime;
use sdata_sync::protocol::path::{Selector, segments};
use sdata_sync::protocol::url::selected;
use sdata_sync::query::{
    Field, Problem, ProtocolVariable, Scope, Value, ValueType, evaluate, parse_order_by, parse_paths, parse_where,
};

/// Queries of every parameter: reading never fails otherwise than with an error inside the text, a condition that was read
/// can be evaluated, and written so that it is read as itself.
pub(crate) fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let contract = sample();
    let Some(kind) = contract.kind("contacts") else { return };
    let now = DateTime::UNIX_EPOCH;
    let scope = Scope { contract, kind, variables: &ProtocolVariable::ALL, now };
    let inside = |position: usize| assert!((1..=text.chars().count() + 1).contains(&position), "{position}");
    let _ = parse_paths(text).map_err(|error| inside(error.position));
    match parse_order_by(text, &scope) {
        Ok(read) => read.refused.iter().for_each(|error| inside(error.position)),
        Err(error) => inside(error.position),
    }
    let condition = match parse_where(text, &scope) {
        Ok(condition) => condition,
        Err(error) => return inside(error.position),
    };
    assert_eq!(condition.value_type(), ValueType::Boolean);
    for fields in [no_fields, some_fields] {
        let value = evaluate(&condition, &fields);
        assert!(value.is_none_or(|value| value.value_type() == ValueType::Boolean));
    }
    let written = condition.to_string();
    match parse_where(&written, &scope) {
        Ok(again) => assert_eq!(again, condition, "{written}"),
        // Written with all its parentheses a condition may pass the limits it kept before.
        Err(error) => {
            let beyond = matches!(error.problem, Problem::TooLong(_) | Problem::TooDeep(_) | Problem::TooManyParts(_));
            assert!(beyond, "{error}: {written}");
        }
    }
}

fn no_fields(_: &Field) -> Option<Value> {
    None
}

fn some_fields(field: &Field) -> Option<Value> {
    let written = match field.value_type {
        ValueType::Text => "Maxim's ß %_",
        ValueType::Number => "-999999999999999.9999",
        ValueType::Boolean => "true",
        ValueType::Date => "2008-02-29",
        ValueType::Time => "23:59:59.999",
        ValueType::Timestamp => "2008-02-29T23:59:59.999999Z",
        ValueType::Uuid => "11111111-1111-4111-8111-000000000001",
    };
    Value::read(field.value_type, written)
}

/// Paths of URLs: what is read holds nothing that no name or key has, and a key that was read is written so that it is
/// read as itself.
pub(crate) fn selector(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(read) = segments(text) else { return };
    for segment in read {
        assert!(!segment.name.contains('\0'));
        if let Some(Selector::Key(key)) = &segment.selector {
            let url = selected("accounts", key);
            let again = segments(&url).ok().and_then(|mut segments| segments.pop()).and_then(|last| last.selector);
            assert_eq!(again, segment.selector, "{url}");
        }
    }
}
