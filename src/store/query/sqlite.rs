//! Queries on SQLite.

use super::flavor::{Flavor, Form, Sql, operator, unnumbered};
use crate::query::{Arithmetic, Comparison, Function};
use sea_orm::sea_query::Expr;

pub(super) struct Sqlite;

/// Decimals that computed numbers are rounded to: floating point has about sixteen digits in all.
const ROUNDED: &str = "round($1, 10)";

impl Sqlite {
    /// A number as floating point.
    pub(super) fn real(&self, number: Sql) -> Expr {
        match number.form {
            Form::Real => number.expr,
            _ => self.sql("CAST($1 AS REAL)", vec![number.expr]),
        }
    }

    /// A computed number.
    pub(super) fn computed(&self, template: &str, arguments: Vec<Expr>) -> Sql {
        Sql::made(self.sql(ROUNDED, vec![self.sql(template, arguments)]), Form::Real)
    }
}

impl Flavor for Sqlite {
    fn sql(&self, template: &str, arguments: Vec<Expr>) -> Expr {
        unnumbered(template, &arguments)
    }

    fn property(&self, row: &str, path: &[&str]) -> Expr {
        self.sql(&format!("json_extract({row}.properties, $1)"), vec![super::json_path(path)])
    }

    fn truth(&self, row: &str, path: &[&str]) -> Expr {
        self.property(row, path)
    }

    fn number(&self, text: Expr) -> Sql {
        Sql::made(text, Form::Exact)
    }

    fn integer(&self, value: Expr) -> Sql {
        Sql::made(value, Form::Real)
    }

    fn compare(&self, comparison: Comparison, left: Sql, right: Sql) -> Expr {
        let operator = operator(comparison);
        match (left.form, right.form) {
            (Form::Exact, Form::Exact) => {
                self.sql(&format!("($1 {operator} $2 COLLATE {})", super::DECIMAL), vec![left.expr, right.expr])
            }
            (Form::Exact | Form::Real, Form::Exact | Form::Real) => {
                self.sql(&format!("($1 {operator} $2)"), vec![self.real(left), self.real(right)])
            }
            _ => self.sql(&format!("($1 {operator} $2)"), vec![left.expr, right.expr]),
        }
    }

    fn order(&self, value: Sql) -> Expr {
        match value.form {
            Form::Exact => self.sql(&format!("($1 COLLATE {})", super::DECIMAL), vec![value.expr]),
            _ => value.expr,
        }
    }

    fn as_text(&self, value: Sql) -> Expr {
        match value.form {
            Form::Uuid => self.sql("lower(hex($1))", vec![value.expr]),
            _ => self.sql("CAST($1 AS TEXT)", vec![value.expr]),
        }
    }

    fn arithmetic(&self, operator: Arithmetic, left: Sql, right: Sql) -> Sql {
        let template = match operator {
            Arithmetic::Multiply => "$1 * $2",
            Arithmetic::Divide => "$1 / nullif($2, 0)",
            // `%` is for integers alone.
            Arithmetic::Remainder => "$1 - $2 * CAST($1 / nullif($2, 0) AS INTEGER)",
            Arithmetic::Add => "$1 + $2",
            Arithmetic::Subtract => "$1 - $2",
        };
        self.computed(template, vec![self.real(left), self.real(right)])
    }

    fn uuid(&self, text: Expr) -> Expr {
        self.sql("unhex(replace($1, '-', ''))", vec![text])
    }

    fn moment(&self, micros: Expr) -> Expr {
        self.sql(
            "(SELECT strftime('%Y-%m-%dT%H:%M:%S', (micros - part) / 1000000, 'unixepoch') || printf('.%06dZ', part) \
             FROM (SELECT micros, (micros % 1000000 + 1000000) % 1000000 AS part FROM (SELECT $1 AS micros)))",
            vec![micros],
        )
    }

    fn like(&self, text: Sql, pattern: Sql) -> Expr {
        self.sql("($1 LIKE $2)", vec![text.expr, pattern.expr])
    }

    fn contains(&self, text: Expr, part: Expr) -> Expr {
        self.sql("(instr($1, $2) > 0)", vec![text, part])
    }

    fn call(&self, function: Function, arguments: Vec<Sql>) -> Sql {
        super::functions::sqlite(self, function, arguments)
    }
}
