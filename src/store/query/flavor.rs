//! What one database says differently than another, one implementor each.

use super::super::dialect::Dialect;
use super::{mysql, postgres, sqlite};
use crate::query::{Arithmetic, Comparison, Function};
use sea_orm::DbBackend;
use sea_orm::sea_query::Expr;

/// How a value stands in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Form {
    /// Text.
    Text,
    /// A number with every digit.
    Exact,
    /// A number as floating point: what SQLite computes.
    Real,
    /// A truth.
    Boolean,
    /// A day or moment as text whose order is that of the values.
    Calendar,
    /// A time of day, likewise.
    Clock,
    /// A moment as microseconds since 1970, as columns have it.
    Micros,
    /// A UUID as columns have it.
    Uuid,
}

/// A value in SQL.
#[derive(Debug, Clone)]
pub(in crate::store) struct Sql {
    pub(super) expr: Expr,
    pub(super) form: Form,
    /// A literal or a column of a table, whose own collation is that of bytes.
    pub(super) is_plain: bool,
}

impl Sql {
    /// A value that was made from others.
    pub(super) fn made(expr: Expr, form: Form) -> Self {
        Self { expr, form, is_plain: false }
    }

    /// A literal or column.
    pub(super) fn plain(expr: Expr, form: Form) -> Self {
        Self { expr, form, is_plain: true }
    }
}

/// What differs between databases in queries. Templates name their arguments `$1`, `$2` … in any order and number.
pub(in crate::store) trait Flavor: Sync {
    /// SQL with arguments in it.
    fn sql(&self, template: &str, arguments: Vec<Expr>) -> Expr;

    /// The text of a member of a column with JSON; null where it is not there.
    fn json(&self, column: &str, path: &[&str]) -> Expr;

    /// The text of a property in a row of `document` called `row`; null where it is not there.
    fn property(&self, row: &str, path: &[&str]) -> Expr {
        self.json(&format!("{row}.properties"), path)
    }

    /// The same of a property that is true or false.
    fn truth(&self, row: &str, path: &[&str]) -> Expr;

    /// The number that a text of decimal digits stands for.
    fn number(&self, text: Expr) -> Sql;

    /// The number that an integer of SQL is.
    fn integer(&self, value: Expr) -> Sql;

    /// Compares two values of one type.
    fn compare(&self, comparison: Comparison, left: Sql, right: Sql) -> Expr;

    /// What rows are ordered by for a value.
    fn order(&self, value: Sql) -> Expr;

    /// The value of [`Flavor::order`] as text that can be given back as a literal.
    fn as_text(&self, value: Sql) -> Expr;

    /// Arithmetic; what is divided by zero is null.
    fn arithmetic(&self, operator: Arithmetic, left: Sql, right: Sql) -> Sql {
        let template = match operator {
            Arithmetic::Multiply => "($1 * $2)",
            Arithmetic::Divide => "($1 / NULLIF($2, 0))",
            Arithmetic::Remainder => "($1 % NULLIF($2, 0))",
            Arithmetic::Add => "($1 + $2)",
            Arithmetic::Subtract => "($1 - $2)",
        };
        Sql::made(self.sql(template, vec![left.expr, right.expr]), Form::Exact)
    }

    /// A UUID, as columns have it, of its text.
    fn uuid(&self, text: Expr) -> Expr;

    /// The text of a UUID that a column has, with hyphens and small letters.
    fn uuid_text(&self, uuid: Expr) -> Expr;

    /// Bytes of UTF-8 as text.
    fn text_of_bytes(&self, bytes: Expr) -> Expr;

    /// Microseconds since 1970 as the text that properties have for moments.
    fn moment(&self, micros: Expr) -> Expr;

    /// `like`, with no escape character.
    fn like(&self, text: Sql, pattern: Sql) -> Expr;

    /// Whether a text is found in another.
    fn contains(&self, text: Expr, part: Expr) -> Expr;

    /// Whether null comes first in ascending and last in descending order without being told.
    fn has_nulls_first(&self) -> bool {
        true
    }

    /// A function.
    fn call(&self, function: Function, arguments: Vec<Sql>) -> Sql;
}

impl Dialect {
    /// How the database says what differs.
    pub(in crate::store) fn flavor(self) -> &'static dyn Flavor {
        match self.backend() {
            DbBackend::MySql => &mysql::MySql,
            DbBackend::Postgres => &postgres::Postgres,
            _ => &sqlite::Sqlite,
        }
    }
}

/// A template for databases whose placeholders are not numbered: `$2` becomes `?` and takes a copy of the argument.
pub(super) fn unnumbered(template: &str, arguments: &[Expr]) -> Expr {
    let mut sql = String::with_capacity(template.len());
    let mut taken = Vec::with_capacity(arguments.len());
    let mut parts = template.split('$');
    sql.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            // A path into JSON.
            sql.push('$');
            sql.push_str(part);
            continue;
        }
        let (number, rest) = part.split_at(digits);
        let argument = number.parse::<usize>().ok().and_then(|number| arguments.get(number.wrapping_sub(1)));
        taken.extend(argument.cloned());
        sql.push('?');
        sql.push_str(rest);
    }
    Expr::cust_with_exprs(sql, taken)
}

/// The operator of a comparison.
pub(super) const fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}
