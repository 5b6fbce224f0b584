//! The functions of core 2.12 in SQL, held to the meaning that `query::evaluate` gives them. A null argument makes the result null.

pub(super) mod mysql;
pub(super) mod postgres;
pub(super) mod sqlite;

use super::flavor::{Form, Sql};
use crate::query::Function;
use sea_orm::sea_query::Expr;
use std::sync::LazyLock;

/// Most characters that padding makes.
const LONGEST: i32 = 100_000;

/// The functions that take a part out of a day, a time or the text of a moment: where its digits begin, from 1, and how many
/// they are.
fn part(function: Function, arguments: &[Sql]) -> (i32, i32) {
    let is_time = arguments.first().is_some_and(|argument| argument.form == Form::Clock);
    let clock = if is_time { 1 } else { 12 };
    match function {
        Function::Year => (1, 4),
        Function::Month => (6, 2),
        Function::Day => (9, 2),
        Function::Hour => (clock, 2),
        Function::Minute => (clock + 3, 2),
        Function::Second => (clock + 6, 2),
        _ => (clock + 9, 3),
    }
}

/// The arguments of `lpad` and `rpad` with the character that is filled in where none is named.
fn padded(mut arguments: Vec<Sql>) -> Vec<Sql> {
    if arguments.len() == 2 {
        arguments.push(Sql::plain(Expr::val(" "), Form::Text));
    }
    arguments
}

/// The arguments alone.
fn expressions(arguments: Vec<Sql>) -> Vec<Expr> {
    arguments.into_iter().map(|argument| argument.expr).collect()
}

/// `SELECT` of a template over arguments that are computed once and called `a`, `b`, `c`; null where one of them is null.
/// `fence` keeps the database from putting the arguments into the template, which could make it any size.
fn bound(template: &str, count: usize, fence: &str) -> String {
    let names = ["a", "b", "c"].into_iter().take(count);
    let columns: Vec<String> = names.clone().zip(1..).map(|(name, place)| format!("${place} AS {name}")).collect();
    let present: Vec<String> = names.map(|name| format!("{name} IS NOT NULL")).collect();
    let (columns, present) = (columns.join(", "), present.join(" AND "));
    format!("(SELECT {template} FROM (SELECT {columns}{fence}) AS arguments WHERE {present})")
}

/// Letters whose other case is one letter too, and these others in the same order.
pub(super) struct Letters {
    pub(super) from: String,
    pub(super) to: String,
}

/// Capitals and their small letters.
static TO_LOWER: LazyLock<Letters> = LazyLock::new(|| letters(|letter| single(letter.to_lowercase())));
/// Small letters and their capitals.
static TO_UPPER: LazyLock<Letters> = LazyLock::new(|| letters(|letter| single(letter.to_uppercase())));

fn letters(other: impl Fn(char) -> Option<char>) -> Letters {
    let pairs = ('\0'..=char::MAX).filter_map(|letter| Some((letter, other(letter).filter(|other| *other != letter)?)));
    let (from, to) = pairs.unzip();
    Letters { from, to }
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_one_other_case() {
        assert_eq!(TO_UPPER.from.chars().count(), TO_UPPER.to.chars().count());
        let place = TO_UPPER.from.chars().position(|letter| letter == 'é').unwrap();
        assert_eq!(TO_UPPER.to.chars().nth(place), Some('É'));
        assert!(!TO_UPPER.from.contains('ß'));
        assert!(TO_LOWER.from.contains('Σ'));
    }
}
