//! Values that expressions are evaluated with.

use super::expression::{Literal, ValueType};
use super::moment::{moment, start_of};
use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use std::cmp::Ordering;
use uuid::Uuid;

/// A value; null is the absence of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Characters.
    Text(String),
    /// A number, exact.
    Number(BigDecimal),
    /// True or false.
    Boolean(bool),
    /// A day.
    Date(NaiveDate),
    /// A time of day.
    Time(NaiveTime),
    /// A moment.
    Timestamp(DateTime<Utc>),
    /// A UUID.
    Uuid(Uuid),
}

impl Value {
    /// The value of type `value_type` that a payload writes as `text`; `None` where it is none of that type.
    #[must_use]
    pub fn read(value_type: ValueType, text: &str) -> Option<Self> {
        let read = match value_type {
            ValueType::Text => Self::Text(text.to_owned()),
            ValueType::Number => Self::Number(text.trim().parse().ok()?),
            ValueType::Boolean => match text.trim() {
                "true" | "1" => Self::Boolean(true),
                "false" | "0" => Self::Boolean(false),
                _ => return None,
            },
            ValueType::Uuid => Self::Uuid(Uuid::try_parse(text.trim()).ok()?),
            ValueType::Date | ValueType::Time | ValueType::Timestamp => {
                match (value_type, Self::from(&moment(text.trim())?)) {
                    (ValueType::Timestamp, Self::Date(day)) => Self::Timestamp(start_of(day)),
                    (_, value) if value.value_type() == value_type => value,
                    _ => return None,
                }
            }
        };
        Some(read)
    }

    /// What the value is.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Text(_) => ValueType::Text,
            Self::Number(_) => ValueType::Number,
            Self::Boolean(_) => ValueType::Boolean,
            Self::Date(_) => ValueType::Date,
            Self::Time(_) => ValueType::Time,
            Self::Timestamp(_) => ValueType::Timestamp,
            Self::Uuid(_) => ValueType::Uuid,
        }
    }

    /// How two values of one type are ordered; of two types, not at all. Texts are compared code point by code point.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => Some(left.cmp(right)),
            (Self::Number(left), Self::Number(right)) => Some(left.cmp(right)),
            (Self::Boolean(left), Self::Boolean(right)) => Some(left.cmp(right)),
            (Self::Date(left), Self::Date(right)) => Some(left.cmp(right)),
            (Self::Time(left), Self::Time(right)) => Some(left.cmp(right)),
            (Self::Timestamp(left), Self::Timestamp(right)) => Some(left.cmp(right)),
            (Self::Uuid(left), Self::Uuid(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

impl From<&Literal> for Value {
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::Text(text) => Self::Text(text.clone()),
            Literal::Number(digits) => Self::Number(digits.parse().unwrap_or_default()),
            Literal::Boolean(boolean) => Self::Boolean(*boolean),
            Literal::Date(day) => Self::Date(*day),
            Literal::Time(time) => Self::Time(*time),
            Literal::Timestamp(moment) => Self::Timestamp(*moment),
            Literal::Uuid(uuid) => Self::Uuid(*uuid),
        }
    }
}
