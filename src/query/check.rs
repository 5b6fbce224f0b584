//! From names and operators to an expression that means something: types are compared, quoted values read.

use super::calls::{MOST_NESTED, call, nested, present};
use super::coerce::{article, coerce, common};
use super::error::Problem;
use super::expression::{Comparison, Expression, Literal, ValueType};
use super::scope::{Name, Purpose, Scope};
use super::syntax::{Logic, Node, Syntax};
use super::token::Mistake;

/// An expression, or the null that only `eq` and `ne` know what to do with.
enum Checked {
    Value(Expression),
    Null,
}

/// Checks a whole condition.
///
/// # Errors
/// Where a name is unknown or an operand has the wrong type.
pub(super) fn check(node: &Node, scope: &Scope<'_>) -> Result<Expression, Mistake> {
    condition(node, scope, "where")
}

/// A part that must be true or false: a boolean property becomes a comparison.
fn condition(node: &Node, scope: &Scope<'_>, operator: &str) -> Result<Expression, Mistake> {
    let checked = value(node, scope)?;
    if checked.value_type() != ValueType::Boolean {
        let given = article(checked.value_type());
        let takes = if operator == "not" { "a condition; it binds before comparisons" } else { "a condition" };
        return Err(Mistake {
            at: node.at,
            problem: Problem::WrongType { operator: operator.to_owned(), takes, given },
        });
    }
    Ok(match checked {
        Expression::Field(_) => Expression::Compare(
            Comparison::Equal,
            Box::new(checked),
            Box::new(Expression::Literal(Literal::Boolean(true))),
        ),
        other => other,
    })
}

/// A part that has a value.
fn value(node: &Node, scope: &Scope<'_>) -> Result<Expression, Mistake> {
    match operand(node, scope)? {
        Checked::Value(expression) => Ok(expression),
        Checked::Null => Err(Mistake { at: node.at, problem: Problem::NullOperand }),
    }
}

fn number(node: &Node, scope: &Scope<'_>, operator: &'static str) -> Result<Box<Expression>, Mistake> {
    typed(node, scope, operator, ValueType::Number)
}

/// A part of the type that its operator takes.
fn typed(node: &Node, scope: &Scope<'_>, operator: &str, takes: ValueType) -> Result<Box<Expression>, Mistake> {
    let found = value(node, scope)?;
    let given = article(found.value_type());
    let fitting = coerce(found, takes).map_err(|_| Mistake {
        at: node.at,
        problem: Problem::WrongType { operator: operator.to_owned(), takes: article(takes), given },
    })?;
    Ok(Box::new(fitting))
}

fn operand(node: &Node, scope: &Scope<'_>) -> Result<Checked, Mistake> {
    let at = |problem| Mistake { at: node.at, problem };
    let checked = match &node.syntax {
        Syntax::Null => return Ok(Checked::Null),
        Syntax::Literal(literal) => Expression::Literal(literal.clone()),
        Syntax::Path(names) => return path(names, scope),
        Syntax::Call(name, arguments) => {
            let values = arguments.iter().map(|argument| Ok((value(argument, scope)?, argument.at)));
            call(name, values.collect::<Result<_, Mistake>>()?, node.at, scope)?
        }
        Syntax::Plus(inner) => *number(inner, scope, "+")?,
        Syntax::Negate(inner) => Expression::Negate(number(inner, scope, "-")?),
        Syntax::Not(inner) => Expression::Not(Box::new(condition(inner, scope, "not")?)),
        Syntax::Logic(logic, parts) => {
            let (name, join): (_, Join) = match logic {
                Logic::And => ("and", Expression::And),
                Logic::Or => ("or", Expression::Or),
            };
            let parts = parts.iter().map(|part| condition(part, scope, name)).collect::<Result<_, _>>()?;
            balanced(parts, join).ok_or_else(|| at(Problem::NullOperand))?
        }
        Syntax::Arithmetic(operator, left, right) => {
            let name = operator.name();
            Expression::Arithmetic(*operator, number(left, scope, name)?, number(right, scope, name)?)
        }
        Syntax::Compare(comparison, left, right) => return compare(*comparison, left, right, scope, node.at),
        Syntax::Between(inner, low, high) => {
            let parts = vec![value(inner, scope)?, value(low, scope)?, value(high, scope)?];
            let [inner, low, high] = three(common(parts).map_err(at)?).ok_or_else(|| at(Problem::NullOperand))?;
            let between = Expression::Between(Box::new(inner), Box::new(low), Box::new(high));
            if nested(&between) > MOST_NESTED {
                return Err(at(Problem::NestedCalls(MOST_NESTED)));
            }
            between
        }
        Syntax::In(inner, listed) => {
            let mut parts = vec![value(inner, scope)?];
            for item in listed {
                parts.push(value(item, scope)?);
            }
            let mut parts = common(parts).map_err(at)?.into_iter();
            let listed = |parts: std::vec::IntoIter<Expression>| parts.collect::<Vec<_>>();
            match parts.next().map(|inner| (inner, listed(parts))) {
                Some((inner, listed)) if !listed.is_empty() => Expression::In(Box::new(inner), listed),
                _ => {
                    let problem = Problem::WrongCount { function: "in".to_owned(), takes: "one or more", given: 0 };
                    return Err(at(problem));
                }
            }
        }
        Syntax::Like(text, pattern) => {
            let text = typed(text, scope, "like", ValueType::Text)?;
            Expression::Like(text, typed(pattern, scope, "like", ValueType::Text)?)
        }
    };
    Ok(Checked::Value(checked))
}

type Join = fn(Box<Expression>, Box<Expression>) -> Expression;

/// The parts joined two by two, so that a long chain is no deep tree; `None` of none.
fn balanced(mut parts: Vec<Expression>, join: Join) -> Option<Expression> {
    while parts.len() > 1 {
        let mut pairs = Vec::with_capacity(parts.len().div_ceil(2));
        let mut left = parts.into_iter();
        while let Some(first) = left.next() {
            pairs.push(match left.next() {
                Some(second) => join(Box::new(first), Box::new(second)),
                None => first,
            });
        }
        parts = pairs;
    }
    parts.pop()
}

fn three(parts: Vec<Expression>) -> Option<[Expression; 3]> {
    parts.try_into().ok()
}

fn compare(
    comparison: Comparison,
    left: &Node,
    right: &Node,
    scope: &Scope<'_>,
    at: usize,
) -> Result<Checked, Mistake> {
    let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    let equal = comparison == Comparison::Equal;
    let checked = match (operand(left, scope)?, operand(right, scope)?) {
        (Checked::Null, Checked::Null) if is_equality => Expression::Literal(Literal::Boolean(equal)),
        (Checked::Value(value), Checked::Null) | (Checked::Null, Checked::Value(value)) if is_equality => {
            Expression::IsNull(Box::new(value), equal)
        }
        (Checked::Value(left), Checked::Value(right)) => {
            let mut sides = common(vec![left, right]).map_err(|problem| Mistake { at, problem })?;
            match (sides.pop(), sides.pop()) {
                (Some(right), Some(left)) => Expression::Compare(comparison, Box::new(left), Box::new(right)),
                _ => return Err(Mistake { at, problem: Problem::NullOperand }),
            }
        }
        (_, Checked::Null) => return Err(Mistake { at: right.at, problem: Problem::NullOperand }),
        (Checked::Null, _) => return Err(Mistake { at: left.at, problem: Problem::NullOperand }),
    };
    Ok(Checked::Value(checked))
}

/// A property or variable. A single word that is none may be a keyword in other letters, or a function without
/// parentheses.
fn path(names: &[Name], scope: &Scope<'_>) -> Result<Checked, Mistake> {
    let unknown = match scope.field(names, Purpose::Filter) {
        Ok(field) => return Ok(Checked::Value(Expression::Field(field))),
        Err(unknown) => unknown,
    };
    if let ([(word, _)], Problem::UnknownProperty { .. }) = (names, &unknown.1) {
        let literal = match word.to_ascii_lowercase().as_str() {
            "null" => return Ok(Checked::Null),
            "true" => Some(Literal::Boolean(true)),
            "false" => Some(Literal::Boolean(false)),
            other => present(other, scope.now),
        };
        if let Some(literal) = literal {
            return Ok(Checked::Value(Expression::Literal(literal)));
        }
    }
    let (at, problem) = unknown;
    Err(Mistake { at, problem })
}

#[cfg(test)]
mod tests;
