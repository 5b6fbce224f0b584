//! Which index, if any, answers a query: an equality or range of one of the conditions that must all hold, or the order.

use crate::query::{Comparison, Expression, Field, Literal, OrderKey};
use crate::store::property_index::Index;
use crate::store::sort_key;

/// Keys from the first to the second, each included or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyRange {
    /// Where it begins; `None` for the beginning.
    pub(super) low: Option<(Vec<u8>, bool)>,
    /// Where it ends; `None` for the end.
    pub(super) high: Option<(Vec<u8>, bool)>,
}

impl KeyRange {
    fn point(key: Vec<u8>) -> Self {
        Self { low: Some((key.clone(), true)), high: Some((key, true)) }
    }

    /// All keys.
    pub(super) const ALL: Self = Self { low: None, high: None };

    /// Its one key, if it has no other.
    pub(super) fn only(&self) -> Option<&Vec<u8>> {
        match (&self.low, &self.high) {
            (Some((low, true)), Some((high, true))) if low == high => Some(low),
            _ => None,
        }
    }
}

/// What a condition asks of one index.
#[derive(Debug)]
pub(super) struct Lookup<'i> {
    pub(super) index: &'i Index,
    /// None overlaps another; in order.
    pub(super) ranges: Vec<KeyRange>,
    /// Whether the ranges hold what the condition selects and nothing else.
    pub(super) is_exact: bool,
}

/// The conditions of a filter that must all hold.
pub(in crate::store) fn conjuncts(filter: &Expression) -> Vec<&Expression> {
    let mut found = Vec::new();
    let mut waiting = vec![filter];
    while let Some(next) = waiting.pop() {
        match next {
            Expression::And(left, right) => waiting.extend([&**right, &**left]),
            other => found.push(other),
        }
    }
    found
}

/// What `condition` asks of an index, if one can answer it.
pub(super) fn lookup<'i>(condition: &Expression, indexes: &'i [Index]) -> Option<Lookup<'i>> {
    let serving = |field: &Field| indexes.iter().find(|index| index.serves(field));
    match condition {
        Expression::Compare(comparison, left, right) => {
            let (field, comparison, value) = match (&**left, &**right) {
                (Expression::Field(field), value) => (field, *comparison, value),
                (value, Expression::Field(field)) => (field, turned(*comparison), value),
                _ => return None,
            };
            let index = serving(field)?;
            let (range, is_exact) = compared(comparison, key(value)?)?;
            Some(Lookup { index, ranges: vec![range], is_exact })
        }
        Expression::Between(value, low, high) => {
            let Expression::Field(field) = &**value else { return None };
            let ((low, low_alone), (high, high_alone)) = (key(low)?, key(high)?);
            let range = KeyRange { low: Some((low, true)), high: Some((high, true)) };
            Some(Lookup { index: serving(field)?, ranges: vec![range], is_exact: low_alone && high_alone })
        }
        Expression::In(value, list) => {
            let Expression::Field(field) = &**value else { return None };
            let mut keys = list.iter().map(key).collect::<Option<Vec<_>>>()?;
            keys.sort();
            keys.dedup();
            let is_exact = keys.iter().all(|(_, alone)| *alone);
            let ranges = keys.into_iter().map(|(key, _)| KeyRange::point(key)).collect();
            Some(Lookup { index: serving(field)?, ranges, is_exact })
        }
        Expression::Like(text, pattern) => {
            let (Expression::Field(field), Expression::Literal(Literal::Text(pattern))) = (&**text, &**pattern) else {
                return None;
            };
            let beginning = pattern.split(['%', '_']).next().filter(|beginning| !beginning.is_empty())?;
            let (low, high) = sort_key::of_beginning(beginning)?;
            let range = KeyRange { low: Some((low, true)), high: Some((high, true)) };
            let is_exact = pattern.strip_prefix(beginning) == Some("%");
            Some(Lookup { index: serving(field)?, ranges: vec![range], is_exact })
        }
        Expression::IsNull(inner, is_null) => {
            let Expression::Field(field) = &**inner else { return None };
            let range = match is_null {
                true => KeyRange::point(sort_key::null()),
                false => KeyRange { low: Some((sort_key::least(), true)), high: None },
            };
            Some(Lookup { index: serving(field)?, ranges: vec![range], is_exact: true })
        }
        _ => None,
    }
}

/// The index whose order is the one asked for.
pub(super) fn ordering<'i>(order: &[OrderKey], indexes: &'i [Index]) -> Option<(&'i Index, bool)> {
    let [key] = order else { return None };
    Some((indexes.iter().find(|index| index.serves(&key.field))?, key.descending))
}

fn key(value: &Expression) -> Option<(Vec<u8>, bool)> {
    match value {
        Expression::Literal(literal) => sort_key::of_literal(literal, false),
        Expression::Negate(inner) => match &**inner {
            Expression::Literal(literal @ Literal::Number(_)) => sort_key::of_literal(literal, true),
            _ => None,
        },
        _ => None,
    }
}

/// The keys that compare so with `key`; where others share it, it stays in, and the ranges are not exact.
fn compared(comparison: Comparison, (key, alone): (Vec<u8>, bool)) -> Option<(KeyRange, bool)> {
    let present = || Some((sort_key::least(), true));
    let range = match comparison {
        Comparison::Equal => KeyRange::point(key),
        Comparison::NotEqual => return None,
        Comparison::Less => KeyRange { low: present(), high: Some((key, !alone)) },
        Comparison::LessOrEqual => KeyRange { low: present(), high: Some((key, true)) },
        Comparison::Greater => KeyRange { low: Some((key, !alone)), high: None },
        Comparison::GreaterOrEqual => KeyRange { low: Some((key, true)), high: None },
    };
    Some((range, alone))
}

/// The comparison with its sides exchanged.
const fn turned(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        other => other,
    }
}
