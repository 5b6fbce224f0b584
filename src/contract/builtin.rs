//! The simple types XML Schema itself has (XML Schema 1.0, part 2, section 3).

use super::lexical;
use crate::protocol::decimal::Decimal;
use std::borrow::Cow;

/// A built-in simple type, as far as they differ in what they accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// Any text, kept as it is.
    String,
    /// Text without line breaks and tabs.
    NormalizedString,
    /// Text without superfluous white space; also the name types and `anyURI`.
    Token,
    /// A text without white space: `Name`, `NCName`, `NMTOKEN`, `ID`, `QName`, `language` …
    Name,
    /// A URI; hardly any text is none.
    AnyUri,
    /// `true`, `false`, `1` or `0`.
    Boolean,
    /// A decimal number of any length.
    Decimal,
    /// A whole number; the bounds of `int`, `unsignedByte` and so on are facets.
    Integer,
    /// A floating point number, single or double.
    Float,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A moment.
    DateTime,
    /// A span of time, as `P1Y2M3DT4H`.
    Duration,
    /// A year, a month, a day of a month, or a combination.
    Gregorian(Gregorian),
    /// Bytes in base 64.
    Base64,
    /// Bytes in hexadecimal digits.
    Hex,
    /// Whatever an attribute or element without a declared type holds.
    Any,
}

/// The calendar fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gregorian {
    /// `2009`
    Year,
    /// `2009-05`
    YearMonth,
    /// `--05`
    Month,
    /// `--05-31`
    MonthDay,
    /// `---31`
    Day,
}

/// How white space is treated before a value is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhiteSpace {
    /// Kept.
    Preserve,
    /// Every line break and tab becomes a space.
    Replace,
    /// Replaced, then runs of spaces become one, and none stand at the ends.
    Collapse,
}

impl WhiteSpace {
    /// `text` with its white space treated so; borrowed where nothing changes.
    #[must_use]
    pub fn normalise(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Preserve => Cow::Borrowed(text),
            Self::Replace if text.bytes().any(is_break) => Cow::Owned(text.replace(['\n', '\r', '\t'], " ")),
            Self::Replace => Cow::Borrowed(text),
            Self::Collapse => {
                let trimmed = text.trim_matches(is_space);
                let mut last = b' ';
                let mut clean = true;
                for byte in trimmed.bytes() {
                    clean &= !(is_break(byte) || byte == b' ' && last == b' ');
                    last = byte;
                }
                if clean {
                    return Cow::Borrowed(trimmed);
                }
                Cow::Owned(trimmed.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
            }
        }
    }
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'\t')
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\n' | '\r' | '\t')
}

/// What a built-in name stands for: the type, and the bounds that come with it.
pub(super) struct Named {
    pub(super) builtin: Builtin,
    pub(super) bounds: Option<(Option<&'static str>, Option<&'static str>)>,
    pub(super) list: bool,
}

/// The built-in type with this local name.
pub(super) fn named(name: &str) -> Option<Named> {
    let plain = |builtin| Some(Named { builtin, bounds: None, list: false });
    let whole = |low, high| Some(Named { builtin: Builtin::Integer, bounds: Some((low, high)), list: false });
    let list = |builtin| Some(Named { builtin, bounds: None, list: true });
    match name {
        "string" => plain(Builtin::String),
        "normalizedString" => plain(Builtin::NormalizedString),
        "token" => plain(Builtin::Token),
        "language" | "Name" | "NCName" | "NMTOKEN" | "ID" | "IDREF" | "ENTITY" | "QName" | "NOTATION" => {
            plain(Builtin::Name)
        }
        "IDREFS" | "ENTITIES" | "NMTOKENS" => list(Builtin::Name),
        "anyURI" => plain(Builtin::AnyUri),
        "boolean" => plain(Builtin::Boolean),
        "decimal" => plain(Builtin::Decimal),
        "integer" => plain(Builtin::Integer),
        "nonNegativeInteger" => whole(Some("0"), None),
        "positiveInteger" => whole(Some("1"), None),
        "nonPositiveInteger" => whole(None, Some("0")),
        "negativeInteger" => whole(None, Some("-1")),
        "long" => whole(Some("-9223372036854775808"), Some("9223372036854775807")),
        "int" => whole(Some("-2147483648"), Some("2147483647")),
        "short" => whole(Some("-32768"), Some("32767")),
        "byte" => whole(Some("-128"), Some("127")),
        "unsignedLong" => whole(Some("0"), Some("18446744073709551615")),
        "unsignedInt" => whole(Some("0"), Some("4294967295")),
        "unsignedShort" => whole(Some("0"), Some("65535")),
        "unsignedByte" => whole(Some("0"), Some("255")),
        "float" | "double" => plain(Builtin::Float),
        "date" => plain(Builtin::Date),
        "time" => plain(Builtin::Time),
        "dateTime" => plain(Builtin::DateTime),
        "duration" => plain(Builtin::Duration),
        "gYear" => plain(Builtin::Gregorian(Gregorian::Year)),
        "gYearMonth" => plain(Builtin::Gregorian(Gregorian::YearMonth)),
        "gMonth" => plain(Builtin::Gregorian(Gregorian::Month)),
        "gMonthDay" => plain(Builtin::Gregorian(Gregorian::MonthDay)),
        "gDay" => plain(Builtin::Gregorian(Gregorian::Day)),
        "base64Binary" => plain(Builtin::Base64),
        "hexBinary" => plain(Builtin::Hex),
        "anySimpleType" | "anyAtomicType" => plain(Builtin::Any),
        _ => None,
    }
}

impl Builtin {
    /// How the type treats white space.
    #[must_use]
    pub fn white_space(self) -> WhiteSpace {
        match self {
            Self::String | Self::Any => WhiteSpace::Preserve,
            Self::NormalizedString => WhiteSpace::Replace,
            _ => WhiteSpace::Collapse,
        }
    }

    /// Whether values are texts for people and programs, not numbers, times, bytes or truths.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::String | Self::NormalizedString | Self::Token | Self::Name | Self::AnyUri | Self::Any)
    }

    /// Whether values are numbers written in decimal digits.
    #[must_use]
    pub fn is_decimal(self) -> bool {
        matches!(self, Self::Decimal | Self::Integer)
    }

    /// Whether `text`, its white space treated, is a value.
    #[must_use]
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::String | Self::NormalizedString | Self::Token | Self::AnyUri | Self::Any => true,
            Self::Name => !text.is_empty() && !text.contains(' '),
            Self::Boolean => matches!(text, "true" | "false" | "1" | "0"),
            Self::Decimal => Decimal::parse(text).is_some(),
            Self::Integer => !text.contains('.') && Decimal::parse(text).is_some(),
            Self::Float => lexical::float(text).is_some(),
            Self::Date => lexical::date(text).is_some(),
            Self::Time => lexical::time(text).is_some(),
            Self::DateTime => lexical::date_time(text).is_some(),
            Self::Duration => lexical::duration(text).is_some(),
            Self::Gregorian(part) => lexical::gregorian(part, text),
            Self::Base64 => lexical::base64_length(text).is_some(),
            Self::Hex => text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        }
    }

    /// What a value is, for messages: "a date, as 2009-05-31".
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::String | Self::NormalizedString | Self::Token | Self::AnyUri | Self::Any => "a text",
            Self::Name => "a name without spaces",
            Self::Boolean => "true or false",
            Self::Decimal => "a decimal number, as -12.50",
            Self::Integer => "a whole number",
            Self::Float => "a number, as 1.5E3",
            Self::Date => "a date, as 2009-05-31",
            Self::Time => "a time, as 13:20:00",
            Self::DateTime => "a date and time, as 2009-05-31T13:20:00Z",
            Self::Duration => "a duration, as P1DT12H",
            Self::Gregorian(Gregorian::Year) => "a year, as 2009",
            Self::Gregorian(Gregorian::YearMonth) => "a month of a year, as 2009-05",
            Self::Gregorian(Gregorian::Month) => "a month, as --05",
            Self::Gregorian(Gregorian::MonthDay) => "a day of a month, as --05-31",
            Self::Gregorian(Gregorian::Day) => "a day, as ---31",
            Self::Base64 => "bytes in base 64",
            Self::Hex => "bytes in hexadecimal digits",
        }
    }
}
