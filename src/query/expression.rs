//! Expressions that were checked: every name is known, every operand has a type that its operator takes.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use std::sync::Arc;
use uuid::Uuid;

/// What a value is, as far as operators and functions tell values apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Characters; compared code point by code point.
    Text,
    /// An integer or decimal; compared by value, every digit counting.
    Number,
    /// True or false; false is less.
    Boolean,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A moment, in UTC.
    Timestamp,
    /// A UUID.
    Uuid,
}

/// A value as the query writes it (core 2.12, literals).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// Quotes undone.
    Text(String),
    /// As it was written: digits, at most one dot, no exponent; a sign is an operator.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// `@2008-05-19@`.
    Date(NaiveDate),
    /// `@18:41:00@`.
    Time(NaiveTime),
    /// `@2008-05-19T18:41:00Z@`; without a zone it is UTC, the zone of this provider.
    Timestamp(DateTime<Utc>),
    /// A text that is compared with a UUID.
    Uuid(Uuid),
}

/// A value of the resource that is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// References to follow before `target` is read; none for the resource itself.
    pub through: Vec<Hop>,
    /// What is read where they lead.
    pub target: Target,
    /// What it is.
    pub value_type: ValueType,
}

/// One reference that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hop {
    /// Names of structures, then of the reference itself.
    pub path: Vec<Arc<str>>,
    /// Plural name of the kind it leads to.
    pub kind: Arc<str>,
}

/// What a [`Field`] reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A scalar property: names of structures, then its own.
    Property(Vec<Arc<str>>),
    /// Something the protocol says of the resource.
    Protocol(ProtocolVariable),
}

/// Protocol filter variables (core 2.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProtocolVariable {
    /// `$uuid`.
    Uuid,
    /// `$key`.
    Key,
    /// `$published`: when the resource came to be here.
    Published,
    /// `$updated`.
    Updated,
    /// `$title`.
    Title,
    /// `$etag`.
    Etag,
}

/// `mul`, `div`, `mod`, `+`, `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `mul`
    Multiply,
    /// `div`; by zero it is null.
    Divide,
    /// `mod`, with the sign of the dividend; by zero it is null.
    Remainder,
    /// `+`
    Add,
    /// `-`
    Subtract,
}

/// `eq`, `ne`, `lt`, `le`, `gt`, `ge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
}

/// Every function of core 2.12. A null argument makes the result null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "they are named as the specification names them")]
pub enum Function {
    Concat,
    Left,
    Right,
    Substring,
    Lower,
    Upper,
    Replace,
    Length,
    Locate,
    Lpad,
    Rpad,
    Trim,
    Ascii,
    Char,
    Abs,
    Sign,
    Round,
    Trunc,
    Floor,
    Ceil,
    Pow,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    TzHour,
    TzMinute,
    DateAdd,
    DateSub,
    TimestampAdd,
    TimestampSub,
}

/// A checked expression. What has no value is null; comparisons with null are neither true nor false (as in SQL), and
/// a resource is selected only where the whole is true.
///
/// `currentDate()` and its like are literals by now, so that one request has one present.
///
/// Where a condition is called for (the whole, and the operands of `and`, `or` and `not`) a boolean property stands as
/// `property eq true`, never as a bare field; `true` and `false` may stand there. Comparisons take any boolean as an
/// operand, conditions included: `(name eq 'A') eq active`. Long chains of `and` or `or` are trees of little depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A value.
    Literal(Literal),
    /// A value of the resource.
    Field(Field),
    /// `-x`
    Negate(Box<Self>),
    /// `not x`
    Not(Box<Self>),
    /// `x and y`
    And(Box<Self>, Box<Self>),
    /// `x or y`
    Or(Box<Self>, Box<Self>),
    /// `x + y` and its like; numbers.
    Arithmetic(Arithmetic, Box<Self>, Box<Self>),
    /// `x eq y` and its like; both sides have one type.
    Compare(Comparison, Box<Self>, Box<Self>),
    /// `x eq null`; with `false`, `x ne null`.
    IsNull(Box<Self>, bool),
    /// `x between y and z`, ends included.
    Between(Box<Self>, Box<Self>, Box<Self>),
    /// `x in (y, z)`; the list is not empty.
    In(Box<Self>, Vec<Self>),
    /// `x like y`: `%` is any text, `_` any character, `\` nothing special; letter case counts.
    Like(Box<Self>, Box<Self>),
    /// `function(x, y)`; as many arguments, of the types, as the function takes.
    Call(Function, Vec<Self>),
}

/// One criterion of `orderBy` (core 6.3). Null comes before everything else in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderKey {
    /// What is compared.
    pub field: Field,
    /// `desc`.
    pub descending: bool,
}

impl ProtocolVariable {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Uuid, Self::Key, Self::Published, Self::Updated, Self::Title, Self::Etag];

    /// The names of all, in the order of [`Self::ALL`].
    pub const NAMES: [&str; 6] = [
        Self::Uuid.name(),
        Self::Key.name(),
        Self::Published.name(),
        Self::Updated.name(),
        Self::Title.name(),
        Self::Etag.name(),
    ];

    /// As queries and `sme:protocolFilters` write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uuid => "$uuid",
            Self::Key => "$key",
            Self::Published => "$published",
            Self::Updated => "$updated",
            Self::Title => "$title",
            Self::Etag => "$etag",
        }
    }

    /// What it is.
    #[must_use]
    pub const fn value_type(self) -> ValueType {
        match self {
            Self::Uuid => ValueType::Uuid,
            Self::Key | Self::Title | Self::Etag => ValueType::Text,
            Self::Published | Self::Updated => ValueType::Timestamp,
        }
    }
}

impl Function {
    /// What the function returns, whose arguments have these types.
    #[must_use]
    pub const fn value_type(self) -> ValueType {
        match self {
            Self::Concat
            | Self::Left
            | Self::Right
            | Self::Substring
            | Self::Lower
            | Self::Upper
            | Self::Replace
            | Self::Lpad
            | Self::Rpad
            | Self::Trim
            | Self::Char => ValueType::Text,
            Self::DateAdd | Self::DateSub => ValueType::Date,
            Self::TimestampAdd | Self::TimestampSub => ValueType::Timestamp,
            _ => ValueType::Number,
        }
    }
}

impl Expression {
    /// Calls `see` for every field the expression looks at.
    pub fn each_field(&self, see: &mut dyn FnMut(&Field)) {
        match self {
            Self::Literal(_) => {}
            Self::Field(field) => see(field),
            Self::Negate(one) | Self::Not(one) | Self::IsNull(one, _) => one.each_field(see),
            Self::And(one, other)
            | Self::Or(one, other)
            | Self::Arithmetic(_, one, other)
            | Self::Compare(_, one, other)
            | Self::Like(one, other) => [one, other].into_iter().for_each(|part| part.each_field(see)),
            Self::Between(one, low, high) => [one, low, high].into_iter().for_each(|part| part.each_field(see)),
            Self::In(one, list) => std::iter::once(&**one).chain(list).for_each(|part| part.each_field(see)),
            Self::Call(_, arguments) => arguments.iter().for_each(|argument| argument.each_field(see)),
        }
    }

    /// What the expression's value is.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Literal(literal) => literal.value_type(),
            Self::Field(field) => field.value_type,
            Self::Negate(_) | Self::Arithmetic(..) => ValueType::Number,
            Self::Call(function, _) => function.value_type(),
            Self::Not(_)
            | Self::And(..)
            | Self::Or(..)
            | Self::Compare(..)
            | Self::IsNull(..)
            | Self::Between(..)
            | Self::In(..)
            | Self::Like(..) => ValueType::Boolean,
        }
    }
}

impl Literal {
    /// What the literal is.
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
}
