//! Checked expressions as text that parses to the same expression again.

use super::expression::{
    Arithmetic, Comparison, Expression, Field, Function, Literal, OrderKey, ProtocolVariable, Target,
};
use chrono::SecondsFormat;
use std::fmt::{Display, Formatter, Result};

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Field(field) => field.fmt(f),
            Self::Negate(inner) => write!(f, "-{}", Operand(inner)),
            Self::Not(inner) => write!(f, "not {}", Operand(inner)),
            Self::And(left, right) => {
                part(f, left, |inner| matches!(inner, Self::And(..)))?;
                f.write_str(" and ")?;
                part(f, right, |inner| matches!(inner, Self::And(..)))
            }
            Self::Or(left, right) => {
                part(f, left, |inner| matches!(inner, Self::Or(..)))?;
                f.write_str(" or ")?;
                part(f, right, |inner| matches!(inner, Self::Or(..)))
            }
            Self::Arithmetic(operator, left, right) => {
                write!(f, "{} {} {}", Operand(left), operator.name(), Operand(right))
            }
            Self::Compare(operator, left, right) => {
                write!(f, "{} {} {}", Operand(left), operator.name(), Operand(right))
            }
            Self::IsNull(inner, is) => write!(f, "{} {} null", Operand(inner), if *is { "eq" } else { "ne" }),
            Self::Between(value, low, high) => {
                write!(f, "{} between {} and {}", Operand(value), Operand(low), Operand(high))
            }
            Self::In(value, listed) => {
                write!(f, "{} in ", Operand(value))?;
                list(f, listed)
            }
            Self::Like(text, pattern) => write!(f, "{} like {}", Operand(text), Operand(pattern)),
            Self::Call(function, arguments) => {
                f.write_str(function.name())?;
                list(f, arguments)
            }
        }
    }
}

/// An operand, in parentheses unless it is a value, a name or a call.
struct Operand<'a>(&'a Expression);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        part(f, self.0, |inner| matches!(inner, Expression::Literal(_) | Expression::Field(_) | Expression::Call(..)))
    }
}

/// A part of a chain of `and` or `or`: comparisons need no parentheses there.
fn part(f: &mut Formatter<'_>, inner: &Expression, is_plain: fn(&Expression) -> bool) -> Result {
    if is_plain(inner) { inner.fmt(f) } else { write!(f, "({inner})") }
}

fn list(f: &mut Formatter<'_>, listed: &[Expression]) -> Result {
    f.write_str("(")?;
    for (index, item) in listed.iter().enumerate() {
        write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
    }
    f.write_str(")")
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Number(number) => f.write_str(number),
            Self::Boolean(boolean) => boolean.fmt(f),
            Self::Date(day) => write!(f, "@{}@", day.format("%Y-%m-%d")),
            Self::Time(time) => write!(f, "@{}@", time.format("%H:%M:%S%.f")),
            Self::Timestamp(moment) => write!(f, "@{}@", moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Uuid(uuid) => write!(f, "'{uuid}'"),
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for name in self.through.iter().flat_map(|hop| &hop.path) {
            write!(f, "{name}.")?;
        }
        match &self.target {
            Target::Property(path) => f.write_str(&path.join(".")),
            Target::Protocol(variable) => variable.fmt(f),
        }
    }
}

impl Display for ProtocolVariable {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.name())
    }
}

impl Display for OrderKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {}", self.field, if self.descending { "desc" } else { "asc" })
    }
}

impl Arithmetic {
    /// As queries write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Multiply => "mul",
            Self::Divide => "div",
            Self::Remainder => "mod",
            Self::Add => "+",
            Self::Subtract => "-",
        }
    }
}

impl Comparison {
    /// As queries write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
        }
    }
}

impl Function {
    /// Every function, with its name in queries.
    pub const ALL: [(Self, &'static str); 34] = [
        (Self::Concat, "concat"),
        (Self::Left, "left"),
        (Self::Right, "right"),
        (Self::Substring, "substring"),
        (Self::Lower, "lower"),
        (Self::Upper, "upper"),
        (Self::Replace, "replace"),
        (Self::Length, "length"),
        (Self::Locate, "locate"),
        (Self::Lpad, "lpad"),
        (Self::Rpad, "rpad"),
        (Self::Trim, "trim"),
        (Self::Ascii, "ascii"),
        (Self::Char, "char"),
        (Self::Abs, "abs"),
        (Self::Sign, "sign"),
        (Self::Round, "round"),
        (Self::Trunc, "trunc"),
        (Self::Floor, "floor"),
        (Self::Ceil, "ceil"),
        (Self::Pow, "pow"),
        (Self::Year, "year"),
        (Self::Month, "month"),
        (Self::Day, "day"),
        (Self::Hour, "hour"),
        (Self::Minute, "minute"),
        (Self::Second, "second"),
        (Self::Millisecond, "millisecond"),
        (Self::TzHour, "tzHour"),
        (Self::TzMinute, "tzMinute"),
        (Self::DateAdd, "dateAdd"),
        (Self::DateSub, "dateSub"),
        (Self::TimestampAdd, "timestampAdd"),
        (Self::TimestampSub, "timestampSub"),
    ];

    /// As queries write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(function, _)| *function == self).map_or("", |(_, name)| name)
    }
}
