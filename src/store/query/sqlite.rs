//! Queries on SQLite.

use super::flavor::{Flavor, Form, Sql, operator, unnumbered};
use crate::query::{Arithmetic, Comparison, Function};
use sea_orm::sea_query::Expr;

pub(super) struct Sqlite;

/// Computed numbers have 15 digits, and 11 decimals at most: what floating point leaves behind these says nothing. Whole
/// numbers of 64 bits are exact.
const ROUNDED: &str = "(SELECT CASE WHEN typeof(number) <> 'real' OR abs(number) >= 1e15 THEN number \
     ELSE round(CAST(printf('%.15g', number) AS REAL), 11) END FROM (SELECT $1 AS number))";

impl Sqlite {
    /// A number as floating point.
    pub(super) fn real(&self, number: Sql) -> Expr {
        match number.form {
            Form::Real => number.expr,
            _ => self.sql("CAST($1 AS REAL)", vec![number.expr]),
        }
    }

    /// A number as an integer where it is one, else as floating point.
    fn numeric(&self, number: Sql) -> Expr {
        match number.form {
            Form::Real => number.expr,
            _ => self.sql("CAST($1 AS NUMERIC)", vec![number.expr]),
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

    fn json(&self, column: &str, path: &[&str]) -> Expr {
        self.sql(&format!("json_extract({column}, $1)"), vec![super::json_path(path)])
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
                self.sql(&format!("($1 {operator} $2)"), vec![self.numeric(left), self.numeric(right)])
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
            Arithmetic::Divide => "$1 * 1.0 / nullif($2, 0)",
            // `%` is for integers alone.
            Arithmetic::Remainder => {
                "(SELECT iif(typeof(a) = 'integer' AND typeof(b) = 'integer', a % nullif(b, 0), \
                 a - b * CAST(a * 1.0 / nullif(b, 0) AS INTEGER)) FROM (SELECT $1 AS a, $2 AS b))"
            }
            Arithmetic::Add => "$1 + $2",
            Arithmetic::Subtract => "$1 - $2",
        };
        self.computed(template, vec![self.numeric(left), self.numeric(right)])
    }

    fn uuid(&self, text: Expr) -> Expr {
        self.sql("unhex(replace($1, '-', ''))", vec![text])
    }

    fn uuid_text(&self, uuid: Expr) -> Expr {
        let parts =
            [(1, 8), (9, 4), (13, 4), (17, 4), (21, 12)].map(|(at, count)| format!("substr(hex($1), {at}, {count})"));
        self.sql(&format!("lower({})", parts.join(" || '-' || ")), vec![uuid])
    }

    fn text_of_bytes(&self, bytes: Expr) -> Expr {
        self.sql("CAST($1 AS TEXT)", vec![bytes])
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
        super::functions::sqlite::call(self, function, arguments)
    }
}
