//! Queries on PostgreSQL.

use super::flavor::{Flavor, Form, Sql, operator};
use crate::query::{Comparison, Function};
use sea_orm::sea_query::Expr;

pub(super) struct Postgres;

impl Flavor for Postgres {
    fn sql(&self, template: &str, arguments: Vec<Expr>) -> Expr {
        Expr::cust_with_exprs(template.to_owned(), arguments)
    }

    fn json(&self, column: &str, path: &[&str]) -> Expr {
        let places: Vec<String> = (1..=path.len()).map(|place| format!("${place}")).collect();
        let template = format!("json_extract_path_text(CAST({column} AS json), {})", places.join(", "));
        self.sql(&template, path.iter().map(|name| Expr::val(*name)).collect())
    }

    fn truth(&self, row: &str, path: &[&str]) -> Expr {
        self.sql("CAST($1 AS boolean)", vec![self.property(row, path)])
    }

    fn number(&self, text: Expr) -> Sql {
        Sql::made(self.sql("CAST($1 AS numeric)", vec![text]), Form::Exact)
    }

    fn integer(&self, value: Expr) -> Sql {
        self.number(value)
    }

    fn compare(&self, comparison: Comparison, left: Sql, right: Sql) -> Expr {
        // Equal texts are equal bytes in every collation; only the order differs, and indexes have the database's own.
        let ordered = left.form == Form::Text && !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let collation = if ordered { " COLLATE \"C\"" } else { "" };
        self.sql(&format!("($1 {} $2{collation})", operator(comparison)), vec![left.expr, right.expr])
    }

    fn order(&self, value: Sql) -> Expr {
        match value.form {
            Form::Text | Form::Calendar | Form::Clock => self.sql("($1 COLLATE \"C\")", vec![value.expr]),
            _ => value.expr,
        }
    }

    fn as_text(&self, value: Sql) -> Expr {
        self.sql("CAST($1 AS text)", vec![value.expr])
    }

    fn uuid(&self, text: Expr) -> Expr {
        self.sql("CAST($1 AS uuid)", vec![text])
    }

    fn uuid_text(&self, uuid: Expr) -> Expr {
        self.sql("CAST($1 AS text)", vec![uuid])
    }

    fn text_of_bytes(&self, bytes: Expr) -> Expr {
        self.sql("convert_from($1, 'UTF8')", vec![bytes])
    }

    fn moment(&self, micros: Expr) -> Expr {
        self.sql(
            "to_char(timestamp '1970-01-01' + ($1 / 1000000) * interval '1 second' + ($1 % 1000000) * interval '1 microsecond', \
             'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
            vec![micros],
        )
    }

    fn like(&self, text: Sql, pattern: Sql) -> Expr {
        self.sql("($1 LIKE $2 ESCAPE '')", vec![text.expr, pattern.expr])
    }

    fn contains(&self, text: Expr, part: Expr) -> Expr {
        self.sql("(strpos($1, $2) > 0)", vec![text, part])
    }

    fn has_nulls_first(&self) -> bool {
        false
    }

    fn call(&self, function: Function, arguments: Vec<Sql>) -> Sql {
        super::functions::postgres::call(self, function, arguments)
    }
}
