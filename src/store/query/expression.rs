//! Checked expressions as SQL conditions. Values are bound, never written into a statement.

use super::Selection;
use super::flavor::{Flavor, Form, Sql};
use crate::query::{Comparison, Expression, Field, Hop, Literal, ProtocolVariable, Target, ValueType};
use crate::store::AuditKind;
use crate::store::CollectionId;
use sea_orm::sea_query::{Alias, Expr};
use std::collections::HashMap;
use std::sync::Arc;

/// How literals of days, times and moments are written: as properties have them, so that texts are compared.
const DATE: &str = "%Y-%m-%d";
const TIME: &str = "%H:%M:%S%.6f";
const MOMENT: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

/// Translates the expressions of one query.
pub(in crate::store) struct Translator<'a> {
    flavor: &'static dyn Flavor,
    names: Names<'a>,
}

/// What the names of a query stand for.
enum Names<'a> {
    /// Resources, and the collections that their references lead to.
    Resources(&'a HashMap<Arc<str>, CollectionId>),
    /// Rows of the audit.
    Audit(AuditKind),
}

impl<'a> Translator<'a> {
    pub(super) fn new(flavor: &'static dyn Flavor, selection: &'a Selection) -> Self {
        Self { flavor, names: Names::Resources(&selection.kinds) }
    }

    /// For queries about the audit.
    pub(in crate::store) fn of_audit(flavor: &'static dyn Flavor, kind: AuditKind) -> Self {
        Self { flavor, names: Names::Audit(kind) }
    }

    pub(super) fn flavor(&self) -> &'static dyn Flavor {
        self.flavor
    }

    /// A condition on rows of `resource` joined with `document`.
    pub(in crate::store) fn condition(&self, expression: &Expression) -> Expr {
        self.value(expression).expr
    }

    fn value(&self, expression: &Expression) -> Sql {
        match expression {
            Expression::Literal(literal) => self.literal(literal),
            Expression::Field(field) => self.field(field),
            Expression::Negate(inner) => match &**inner {
                // Still exact, where a computed number may not be.
                Expression::Literal(Literal::Number(digits)) => self.number(&format!("-{digits}")),
                inner => {
                    let zero = self.number("0");
                    self.flavor.arithmetic(crate::query::Arithmetic::Subtract, zero, self.value(inner))
                }
            },
            Expression::Arithmetic(operator, left, right) => {
                self.flavor.arithmetic(*operator, self.value(left), self.value(right))
            }
            Expression::Call(function, arguments) => {
                let arguments = arguments.iter().map(|argument| match self.value(argument) {
                    column if column.form == Form::Micros => self.as_calendar(column),
                    value => value,
                });
                self.flavor.call(*function, arguments.collect())
            }
            Expression::Not(inner) => self.truth("(NOT $1)", vec![self.condition(inner)]),
            Expression::And(..) => self.joined("($1 AND $2)", expression),
            Expression::Or(..) => self.joined("($1 OR $2)", expression),
            Expression::Compare(comparison, left, right) => {
                Sql::made(self.compared(*comparison, left, right), Form::Boolean)
            }
            Expression::IsNull(inner, true) => self.truth("($1 IS NULL)", vec![self.condition(inner)]),
            Expression::IsNull(inner, false) => self.truth("($1 IS NOT NULL)", vec![self.condition(inner)]),
            Expression::Between(value, low, high) => {
                let low = self.compared(Comparison::GreaterOrEqual, value, low);
                let high = self.compared(Comparison::LessOrEqual, value, high);
                self.truth("($1 AND $2)", vec![low, high])
            }
            Expression::In(value, list) => {
                let equal = list.iter().map(|one| self.compared(Comparison::Equal, value, one));
                Sql::made(self.balanced("($1 OR $2)", &equal.collect::<Vec<_>>()), Form::Boolean)
            }
            Expression::Like(text, pattern) => {
                Sql::made(self.flavor.like(self.value(text), self.value(pattern)), Form::Boolean)
            }
        }
    }

    fn truth(&self, template: &str, arguments: Vec<Expr>) -> Sql {
        Sql::made(self.flavor.sql(template, arguments), Form::Boolean)
    }

    /// A chain of `and` or of `or`, as a tree that is as low as can be: databases limit how deep expressions are.
    fn joined(&self, template: &str, expression: &Expression) -> Sql {
        let mut parts = Vec::new();
        let mut waiting = vec![expression];
        while let Some(next) = waiting.pop() {
            match (expression, next) {
                (Expression::And(..), Expression::And(left, right))
                | (Expression::Or(..), Expression::Or(left, right)) => {
                    waiting.extend([&**right, &**left]);
                }
                (_, other) => parts.push(self.condition(other)),
            }
        }
        Sql::made(self.balanced(template, &parts), Form::Boolean)
    }

    fn balanced(&self, template: &str, parts: &[Expr]) -> Expr {
        match parts {
            [] => Expr::val(false),
            [one] => one.clone(),
            parts => {
                let (left, right) = parts.split_at(parts.len() / 2);
                self.flavor.sql(template, vec![self.balanced(template, left), self.balanced(template, right)])
            }
        }
    }

    /// Compares two values; moments of columns with texts as texts, and with literals as columns have them.
    pub(super) fn compare(&self, comparison: Comparison, left: Sql, right: Sql) -> Expr {
        let (left, right) = match (left.form, right.form) {
            (Form::Micros, Form::Calendar) => (self.as_calendar(left), right),
            (Form::Calendar, Form::Micros) => (left, self.as_calendar(right)),
            _ => (left, right),
        };
        self.flavor.compare(comparison, left, right)
    }

    fn compared(&self, comparison: Comparison, left: &Expression, right: &Expression) -> Expr {
        self.compare(comparison, self.beside(left, right), self.beside(right, left))
    }

    /// A value that is compared with `other`: a literal becomes what a column has, not the column what a literal is.
    fn beside(&self, expression: &Expression, other: &Expression) -> Sql {
        match (expression, other) {
            (Expression::Literal(Literal::Timestamp(moment)), Expression::Field(field))
                if matches!(field.target, Target::Protocol(_)) =>
            {
                Sql::plain(Expr::val(moment.timestamp_micros()), Form::Micros)
            }
            _ => self.value(expression),
        }
    }

    fn as_calendar(&self, moment: Sql) -> Sql {
        Sql::made(self.flavor.moment(moment.expr), Form::Calendar)
    }

    fn number(&self, digits: &str) -> Sql {
        let number = self.flavor.number(Expr::val(digits));
        Sql { is_plain: true, ..number }
    }

    fn literal(&self, literal: &Literal) -> Sql {
        match literal {
            Literal::Text(text) => Sql::plain(Expr::val(text.as_str()), Form::Text),
            Literal::Number(digits) => self.number(digits),
            Literal::Boolean(truth) => Sql::plain(Expr::val(*truth), Form::Boolean),
            Literal::Date(_) | Literal::Timestamp(_) => Sql::plain(Expr::val(calendar(literal)), Form::Calendar),
            Literal::Time(_) => Sql::plain(Expr::val(calendar(literal)), Form::Clock),
            Literal::Uuid(uuid) => Sql::plain(Expr::val(*uuid), Form::Uuid),
        }
    }

    /// A value of the resource, or of one that its references lead to.
    pub(super) fn field(&self, field: &Field) -> Sql {
        let mut value = self.target(&field.target, field.value_type, field.through.len());
        for (depth, hop) in field.through.iter().enumerate().rev() {
            value.expr = self.behind(hop, depth, value.expr);
            value.is_plain = false;
        }
        value
    }

    /// What is read of the resource that `depth` references lead to.
    fn target(&self, target: &Target, value_type: ValueType, depth: usize) -> Sql {
        if let Names::Audit(kind) = self.names {
            return self.audit_column(kind, target);
        }
        let (resource, document) = rows(depth);
        let column = |name: &str| Expr::col((Alias::new(&resource), Alias::new(name)));
        match target {
            Target::Property(path) => {
                let path: Vec<&str> = path.iter().map(|name| &**name).collect();
                let text = || self.flavor.property(&document, &path);
                match value_type {
                    ValueType::Boolean => Sql::made(self.flavor.truth(&document, &path), Form::Boolean),
                    ValueType::Number => self.flavor.number(text()),
                    ValueType::Text => Sql::made(text(), Form::Text),
                    ValueType::Time => Sql::made(text(), Form::Clock),
                    ValueType::Date | ValueType::Timestamp => Sql::made(text(), Form::Calendar),
                    ValueType::Uuid => Sql::made(self.flavor.uuid(text()), Form::Uuid),
                }
            }
            Target::Protocol(variable) => match variable {
                ProtocolVariable::Uuid => Sql::plain(column("uuid"), Form::Uuid),
                ProtocolVariable::Key => Sql::plain(column("resource_key"), Form::Text),
                ProtocolVariable::Etag => Sql::plain(column("etag"), Form::Text),
                ProtocolVariable::Published => Sql::plain(column("created_at"), Form::Micros),
                ProtocolVariable::Updated => Sql::plain(column("modified_at"), Form::Micros),
                ProtocolVariable::Title => Sql::made(self.flavor.property(&document, &["$title"]), Form::Text),
            },
        }
    }

    /// `value` of the live resource that a reference leads to: by UUID, also one that it bore before, or by key (sync 6.1), also
    /// that of one which was united with it.
    fn behind(&self, hop: &Hop, depth: usize, value: Expr) -> Expr {
        // A kind that is not served has no resources.
        let collection = match self.names {
            Names::Resources(kinds) => kinds.get(&hop.kind).map_or(-1, |collection| collection.0),
            Names::Audit(_) => -1,
        };
        let (_, document) = rows(depth);
        let (next_resource, next_document) = rows(depth + 1);
        let member = |name: &'static str| {
            let path: Vec<&str> = hop.path.iter().map(|part| &**part).chain([name]).collect();
            self.flavor.property(&document, &path)
        };
        let template = format!(
            "(SELECT $1 FROM resource AS {next_resource} JOIN document AS {next_document} \
             ON {next_document}.resource_id = {next_resource}.id \
             WHERE {next_resource}.collection_id = $2 AND {next_resource}.id = COALESCE(\
             (SELECT id FROM resource WHERE collection_id = $2 AND uuid = $3), \
             (SELECT resource_id FROM uuid_alias WHERE collection_id = $2 AND uuid = $3), \
             (SELECT resource_id FROM retired_uuid WHERE collection_id = $2 AND uuid = $3), \
             (SELECT COALESCE((SELECT stays_id FROM united_resource WHERE resource_id = keyed.id), keyed.id) \
             FROM resource AS keyed WHERE keyed.collection_id = $2 AND keyed.resource_key = $4)))"
        );
        let uuid = self.flavor.uuid(member("$uuid"));
        self.flavor.sql(&template, vec![value, Expr::val(collection), uuid, member("$key")])
    }
}

/// A day, time or moment as properties have it.
pub(in crate::store) fn calendar(literal: &Literal) -> Option<String> {
    Some(match literal {
        Literal::Date(day) => day.format(DATE).to_string(),
        Literal::Time(time) => time.format(TIME).to_string(),
        Literal::Timestamp(moment) => moment.format(MOMENT).to_string(),
        _ => return None,
    })
}

/// What the rows of `resource` and `document` are called behind so many references.
fn rows(depth: usize) -> (String, String) {
    if depth == 0 {
        ("resource".to_owned(), "document".to_owned())
    } else {
        (format!("resource_{depth}"), format!("document_{depth}"))
    }
}
