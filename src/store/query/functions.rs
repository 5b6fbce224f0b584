//! Functions of core 2.12.

use super::flavor::{Flavor, Form, Sql};
use crate::query::{Function, ValueType};
use sea_orm::sea_query::Expr;

fn form_of(function: Function) -> Form {
    match function.value_type() {
        ValueType::Text => Form::Text,
        ValueType::Date | ValueType::Timestamp => Form::Calendar,
        _ => Form::Exact,
    }
}

pub(super) fn postgres(flavor: &dyn Flavor, function: Function, _arguments: Vec<Sql>) -> Sql {
    Sql::made(flavor.sql("NULL", Vec::new()), form_of(function))
}
pub(super) fn mysql(flavor: &dyn Flavor, function: Function, _arguments: Vec<Sql>) -> Sql {
    Sql::made(flavor.sql("NULL", Vec::new()), form_of(function))
}
pub(super) fn sqlite(flavor: &dyn Flavor, function: Function, _arguments: Vec<Sql>) -> Sql {
    Sql::made(flavor.sql("NULL", Vec::new()), form_of(function))
}
#[allow(unused)]
fn x(_: Expr) {}
