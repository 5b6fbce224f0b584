//! Simple types: what one value may be (XML Schema 1.0, part 2, section 4).

use super::builtin::{Builtin, WhiteSpace};
use super::lexical;
use crate::protocol::decimal::Decimal;
use regex::Regex;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

/// A simple type with everything it inherits.
#[derive(Debug, Clone)]
pub struct SimpleType {
    /// Its name, without a namespace; of an unnamed type, the name of what it restricts.
    pub name: Arc<str>,
    /// What values are made of.
    pub variety: Variety,
    /// How white space is treated before a value is looked at.
    pub white_space: WhiteSpace,
    /// What else a value must satisfy.
    pub(super) facets: Facets,
}

/// What the values of a simple type are made of.
#[derive(Debug, Clone)]
pub enum Variety {
    /// One built-in value.
    Atomic(Builtin),
    /// Values of one type, separated by spaces.
    List(Arc<SimpleType>),
    /// A value of any of these types.
    Union(Vec<Arc<SimpleType>>),
}

/// The constraining facets of a type, those of its bases included.
#[derive(Debug, Clone, Default)]
pub(super) struct Facets {
    /// Characters, bytes of a binary type, or items of a list.
    pub(super) length: Option<usize>,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    /// One expression for each step of the derivation; all must match.
    pub(super) patterns: Vec<Regex>,
    /// Allowed values in the spelling of [`SimpleType::comparable`], and as they are written, for messages.
    pub(super) enumeration: Option<Arc<Enumeration>>,
    pub(super) min: Option<Bound>,
    pub(super) max: Option<Bound>,
    pub(super) total_digits: Option<usize>,
    pub(super) fraction_digits: Option<usize>,
}

/// The values an enumerated type has.
#[derive(Debug)]
pub(super) struct Enumeration {
    pub(super) comparable: HashSet<String>,
    pub(super) written: Vec<String>,
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) text: String,
    pub(super) inclusive: bool,
}

impl SimpleType {
    /// The type of a built-in, or of whatever has no declared type.
    #[must_use]
    pub(super) fn of(builtin: Builtin, name: &str) -> Self {
        Self {
            name: Arc::from(name),
            variety: Variety::Atomic(builtin),
            white_space: builtin.white_space(),
            facets: Facets::default(),
        }
    }

    /// The built-in that an atomic type goes back to; for a union, the one its members share.
    #[must_use]
    pub fn builtin(&self) -> Option<Builtin> {
        match &self.variety {
            Variety::Atomic(builtin) => Some(*builtin),
            Variety::List(_) => None,
            Variety::Union(members) => {
                let (first, rest) = members.split_first()?;
                let shared = first.builtin()?;
                rest.iter().all(|member| member.builtin() == Some(shared)).then_some(shared)
            }
        }
    }

    /// The values of an enumerated type, as the schema writes them; empty for others.
    #[must_use]
    pub fn enumerated(&self) -> &[String] {
        self.facets.enumeration.as_ref().map_or(&[], |values| &values.written)
    }

    /// The most characters a value may have, where the type says so.
    #[must_use]
    pub fn max_length(&self) -> Option<usize> {
        self.facets.length.or(self.facets.max_length)
    }

    /// The value that `text` stands for, its white space treated.
    ///
    /// # Errors
    /// What is wrong with it, as a half sentence: "is longer than 40 characters".
    pub fn check<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, String> {
        let value = self.white_space.normalise(text);
        match &self.variety {
            Variety::Atomic(builtin) if !builtin.accepts(&value) => {
                return Err(format!("is not {}", builtin.described()));
            }
            Variety::List(item) => {
                for word in value.split(' ').filter(|word| !word.is_empty()) {
                    item.check(word)?;
                }
            }
            Variety::Union(members) if !members.iter().any(|member| member.check(text).is_ok()) => {
                return Err("is none of the values its type unites".to_owned());
            }
            Variety::Atomic(_) | Variety::Union(_) => {}
        }
        self.check_facets(&value)?;
        Ok(value)
    }

    fn check_facets(&self, value: &str) -> Result<(), String> {
        let facets = &self.facets;
        if facets.length.or(facets.min_length).or(facets.max_length).is_some() {
            self.check_length(value)?;
        }
        if let Some(allowed) = &facets.enumeration
            && !allowed.comparable.contains(&*self.comparable(value))
        {
            return Err(format!("is not one of: {}", shortened(&allowed.written)));
        }
        if let Some(pattern) = facets.patterns.iter().find(|pattern| !pattern.is_match(value)) {
            return Err(format!("does not match the pattern {}", written_pattern(pattern)));
        }
        if let Some(low) = &facets.min {
            let order = self.compare(value, &low.text);
            if order == Some(Ordering::Less) || order == Some(Ordering::Equal) && !low.inclusive {
                return Err(format!("must be {} {}", if low.inclusive { "at least" } else { "above" }, low.text));
            }
        }
        if let Some(high) = &facets.max {
            let order = self.compare(value, &high.text);
            if order == Some(Ordering::Greater) || order == Some(Ordering::Equal) && !high.inclusive {
                return Err(format!("must be {} {}", if high.inclusive { "at most" } else { "below" }, high.text));
            }
        }
        self.check_digits(value)
    }

    fn check_length(&self, value: &str) -> Result<(), String> {
        let (length, unit) = match &self.variety {
            Variety::List(_) => (value.split(' ').filter(|word| !word.is_empty()).count(), "items"),
            Variety::Atomic(Builtin::Hex) => (value.len() / 2, "bytes"),
            Variety::Atomic(Builtin::Base64) => (lexical::base64_length(value).unwrap_or_default(), "bytes"),
            Variety::Atomic(_) | Variety::Union(_) => (value.chars().count(), "characters"),
        };
        match &self.facets {
            Facets { length: Some(exact), .. } if length != *exact => Err(format!("must have {exact} {unit}")),
            Facets { min_length: Some(least), .. } if length < *least => {
                Err(format!("must have at least {least} {unit}"))
            }
            Facets { max_length: Some(most), .. } if length > *most => Err(format!("is longer than {most} {unit}")),
            _ => Ok(()),
        }
    }

    fn check_digits(&self, value: &str) -> Result<(), String> {
        let Facets { total_digits, fraction_digits, .. } = self.facets;
        if total_digits.or(fraction_digits).is_none() {
            return Ok(());
        }
        let Some(number) = Decimal::parse(value) else { return Ok(()) };
        match (total_digits, fraction_digits) {
            (Some(total), _) if number.total_digits() > total => Err(format!("has more than {total} digits")),
            (_, Some(most)) if number.fraction_digits() > most => {
                Err(format!("has more than {most} digits after the point"))
            }
            _ => Ok(()),
        }
    }

    /// The spelling in which two equal values are equal texts.
    pub(super) fn comparable<'a>(&self, value: &'a str) -> Cow<'a, str> {
        match self.builtin() {
            Some(Builtin::Decimal | Builtin::Integer) => {
                Decimal::parse(value).map_or(Cow::Borrowed(value), |number| Cow::Owned(number.canonical()))
            }
            Some(Builtin::Boolean) => Cow::Borrowed(match value {
                "1" => "true",
                "0" => "false",
                other => other,
            }),
            _ => Cow::Borrowed(value),
        }
    }

    /// How two values of the type are ordered, where it orders them.
    pub(super) fn compare(&self, left: &str, right: &str) -> Option<Ordering> {
        match self.builtin()? {
            Builtin::Decimal | Builtin::Integer => Some(Decimal::parse(left)?.cmp(&Decimal::parse(right)?)),
            Builtin::Float => lexical::float(left)?.partial_cmp(&lexical::float(right)?),
            Builtin::Date => Some(lexical::date(left)?.cmp(&lexical::date(right)?)),
            Builtin::Time => Some(lexical::time(left)?.cmp(&lexical::time(right)?)),
            Builtin::DateTime => Some(lexical::date_time(left)?.cmp(&lexical::date_time(right)?)),
            Builtin::Duration => lexical::duration(left)?.partial_cmp(&lexical::duration(right)?),
            Builtin::Gregorian(_) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

/// The allowed values for a message; of many, the first ones.
fn shortened(values: &[String]) -> String {
    const SHOWN: usize = 12;
    let more = if values.len() > SHOWN { " …" } else { "" };
    format!("{}{more}", values.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// The pattern as far as possible as the schema writes it: without the anchors put around it.
fn written_pattern(pattern: &Regex) -> &str {
    let text = pattern.as_str();
    text.strip_prefix(r"\A(?:").and_then(|rest| rest.strip_suffix(r")\z")).unwrap_or(text)
}
