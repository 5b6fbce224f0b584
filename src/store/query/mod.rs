//! Queries that run in the database: `where`, `orderBy` and `search` of core 2.11 and 2.12 with one meaning on all of them.
//!
//! Conditions are about rows of `resource` joined with `document`, whose `properties` are written so that equal values are
//! equal texts (see `Contract::scalars`). What differs between databases is in one file for each of them.

mod audit_columns;
mod cursor;
mod expression;
mod flavor;
mod functions;
mod mysql;
mod plan;
mod postgres;
mod scan;
mod select;
mod sqlite;

pub use cursor::{Cursor, NoCursor};
pub(super) use expression::{Translator, calendar};
pub(super) use plan::conjuncts;
pub use select::Selected;

use super::CollectionId;
use crate::protocol::decimal::Decimal;
use crate::query::{Expression, OrderKey};
use sea_orm::sea_query::Expr;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

/// Which live resources of a collection are meant, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// What must be true of them.
    pub filter: Option<Expression>,
    /// What they are ordered by; at last by their ids.
    pub order: Vec<OrderKey>,
    /// Texts that must all be found in them, in any letter case.
    pub words: Vec<String>,
    /// Whether only those are meant that have a UUID (sync 1.3).
    pub linked: bool,
    /// Where references lead: plural name of a kind -> its collection.
    pub kinds: HashMap<Arc<str>, CollectionId>,
}

impl Selection {
    /// Whether it means all resources, in the order of their ids.
    fn is_everything(&self) -> bool {
        self.filter.is_none() && self.order.is_empty() && !self.has_more()
    }

    /// Whether something must be true of them beside the filter.
    fn has_more(&self) -> bool {
        self.linked || !self.words.is_empty()
    }
}

/// The collation by which SQLite compares numbers with every digit; every connection brings it along.
pub(super) const DECIMAL: &str = "sdata_decimal";

/// Compares decimal texts by value. What is no number is less.
pub(super) fn compare_decimals(left: &str, right: &str) -> Ordering {
    let (left_value, right_value) = (decimal(left), decimal(right));
    left_value.cmp(&right_value).then_with(|| match left_value {
        Some(_) => Ordering::Equal,
        None => left.cmp(right),
    })
}

/// A decimal number in the one spelling that documents have: without a plus sign.
fn decimal(text: &str) -> Option<Decimal<'_>> {
    Decimal::parse(text).filter(|_| !text.starts_with('+'))
}

/// A path into JSON as MySQL and SQLite write it.
fn json_path(path: &[&str]) -> Expr {
    let steps: Vec<String> = path.iter().map(|name| format!("\"{name}\"")).collect();
    Expr::val(format!("$.{}", steps.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::longer_is_larger("10", "9.99", Ordering::Greater)]
    #[case::zeros_say_nothing("1.50", "01.5", Ordering::Equal)]
    #[case::negative_numbers_turn("-10", "-9", Ordering::Less)]
    #[case::there_is_one_zero("-0.0", "0", Ordering::Equal)]
    #[case::signs_differ("-1", "0.5", Ordering::Less)]
    #[case::beyond_floating_point("12345678901234567890.2", "12345678901234567890.1", Ordering::Greater)]
    #[case::what_is_no_number_is_less("", "-5", Ordering::Less)]
    fn decimals_are_ordered_by_value(#[case] left: &str, #[case] right: &str, #[case] order: Ordering) {
        assert_eq!(compare_decimals(left, right), order);
        assert_eq!(compare_decimals(right, left), order.reverse());
    }
}
