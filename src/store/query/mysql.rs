//! Queries on MySQL and MariaDB.

use super::flavor::{Flavor, Form, Sql, operator, unnumbered};
use crate::query::{Comparison, Function};
use sea_orm::sea_query::Expr;

pub(super) struct MySql;

/// Numbers: 45 digits before the point and 20 behind it.
const NUMBER: &str = "CAST($1 AS DECIMAL(65,20))";

/// Characters by which texts are ordered: both servers look at 1,024 bytes by default (`max_sort_length`), and the rest
/// must not count when a page begins behind such a text.
const ORDERED_CHARACTERS: i32 = 250;

impl Flavor for MySql {
    fn sql(&self, template: &str, arguments: Vec<Expr>) -> Expr {
        unnumbered(template, &arguments)
    }

    fn json(&self, column: &str, path: &[&str]) -> Expr {
        let path = super::json_path(path);
        self.sql(&format!("JSON_UNQUOTE(JSON_EXTRACT({column}, $1))"), vec![path])
    }

    fn truth(&self, row: &str, path: &[&str]) -> Expr {
        self.sql("($1 = 'true')", vec![self.property(row, path)])
    }

    fn number(&self, text: Expr) -> Sql {
        Sql::made(self.sql(NUMBER, vec![text]), Form::Exact)
    }

    fn integer(&self, value: Expr) -> Sql {
        self.number(value)
    }

    fn compare(&self, comparison: Comparison, left: Sql, right: Sql) -> Expr {
        // A column's collation is that of bytes, and it goes before a literal's; two literals have the connection's.
        let is_text = matches!(left.form, Form::Text | Form::Calendar | Form::Clock);
        let is_column = |value: &Sql| value.is_plain && matches!(value.expr, Expr::Column(_));
        let by_bytes = is_text && !(left.is_plain && right.is_plain && (is_column(&left) || is_column(&right)));
        let operator = operator(comparison);
        let template = if by_bytes {
            format!("(CAST($1 AS BINARY) {operator} CAST($2 AS BINARY))")
        } else {
            format!("($1 {operator} $2)")
        };
        self.sql(&template, vec![left.expr, right.expr])
    }

    fn order(&self, value: Sql) -> Expr {
        match value.form {
            Form::Text if value.is_plain => value.expr,
            Form::Text => self.sql(&format!("CAST(LEFT($1, {ORDERED_CHARACTERS}) AS BINARY)"), vec![value.expr]),
            Form::Calendar | Form::Clock => self.sql("CAST($1 AS BINARY)", vec![value.expr]),
            _ => value.expr,
        }
    }

    fn as_text(&self, value: Sql) -> Expr {
        let template = match value.form {
            Form::Uuid => "LOWER(HEX($1))",
            Form::Text if !value.is_plain => "LEFT($1, 250)",
            _ => "CONVERT($1 USING utf8mb4)",
        };
        self.sql(template, vec![value.expr])
    }

    fn uuid(&self, text: Expr) -> Expr {
        self.sql("UNHEX(REPLACE($1, '-', ''))", vec![text])
    }

    fn uuid_text(&self, uuid: Expr) -> Expr {
        self.sql(
            "LOWER(INSERT(INSERT(INSERT(INSERT(HEX($1), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'))",
            vec![uuid],
        )
    }

    fn text_of_bytes(&self, bytes: Expr) -> Expr {
        self.sql("CONVERT($1 USING utf8mb4)", vec![bytes])
    }

    fn moment(&self, micros: Expr) -> Expr {
        self.sql(
            "DATE_FORMAT(DATE_ADD(CAST('1970-01-01' AS DATETIME(6)), INTERVAL $1 MICROSECOND), '%Y-%m-%dT%H:%i:%s.%fZ')",
            vec![micros],
        )
    }

    fn like(&self, text: Sql, pattern: Sql) -> Expr {
        // The backslash is an escape character unless it is doubled.
        let backslash = |count| Expr::val("\\".repeat(count));
        self.sql(
            "($1 COLLATE utf8mb4_bin LIKE REPLACE($2, $3, $4))",
            vec![text.expr, pattern.expr, backslash(1), backslash(2)],
        )
    }

    fn contains(&self, text: Expr, part: Expr) -> Expr {
        self.sql("(LOCATE($2, $1 COLLATE utf8mb4_bin) > 0)", vec![text, part])
    }

    fn call(&self, function: Function, arguments: Vec<Sql>) -> Sql {
        super::functions::mysql::call(self, function, arguments)
    }
}
