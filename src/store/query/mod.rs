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

pub(super) use audit_columns::AuditKind;
pub use cursor::{Cursor, NoCursor};
pub(super) use expression::{Translator, calendar};
pub(super) use plan::conjuncts;
pub use select::Selected;

use super::CollectionId;
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

/// Compares decimal texts by value: digits, at most one point, a sign in front of negative ones. What is no number is less.
pub(super) fn compare_decimals(left: &str, right: &str) -> Ordering {
    Decimal::read(left).cmp(&Decimal::read(right)).then_with(|| match Decimal::read(left) {
        Some(_) => Ordering::Equal,
        None => left.cmp(right),
    })
}

/// A decimal number without the zeros that say nothing.
#[derive(PartialEq, Eq)]
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if digits.len() <= usize::from(digits.contains('.')) || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        Some(Self { negative: negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction })
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitude =
            (self.whole.len(), self.whole, self.fraction).cmp(&(other.whole.len(), other.whole, other.fraction));
        match (self.negative, other.negative) {
            (false, false) => magnitude,
            (true, true) => magnitude.reverse(),
            (negative, _) => {
                if negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
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
