//! Values as bytes that are ordered as the values are: what an index keeps of them.

use crate::query::{Literal, ValueType};
use serde_json::Value;

/// Characters of a text that an index keeps: at four bytes each they fit every database's index.
const TEXT_CHARACTERS: usize = 240;
/// Digits of a number that an index keeps.
const DIGITS: usize = 400;

/// Where values that are there begin: null is less than all of them.
const PRESENT: u8 = 1;
const NEGATIVE: u8 = 0x40;
const ZERO: u8 = 0x80;
const POSITIVE: u8 = 0xc0;

/// The key of null.
pub(super) fn null() -> Vec<u8> {
    vec![0]
}

/// The least key of what is not null.
pub(super) fn least() -> Vec<u8> {
    vec![PRESENT]
}

/// The key of a property as properties hold it; absent is null, and so is what is no value of the type.
pub(super) fn of_property(value_type: ValueType, value: Option<&Value>) -> Vec<u8> {
    match value {
        Some(Value::Bool(truth)) if value_type == ValueType::Boolean => vec![PRESENT, u8::from(*truth)],
        Some(Value::String(text)) => of_text(value_type, text),
        _ => null(),
    }
}

/// The key of a value from its text.
pub(super) fn of_text(value_type: ValueType, text: &str) -> Vec<u8> {
    match value_type {
        ValueType::Number => number(text).unwrap_or_else(null),
        ValueType::Boolean => vec![PRESENT, u8::from(matches!(text, "true" | "t" | "1"))],
        _ => text_key(text),
    }
}

/// The key of a literal, and whether it is the key of no other value.
pub(super) fn of_literal(literal: &Literal, negative: bool) -> Option<(Vec<u8>, bool)> {
    Some(match literal {
        Literal::Text(text) => (text_key(text), text.chars().nth(TEXT_CHARACTERS - 1).is_none()),
        Literal::Number(digits) => {
            let sign = if negative { "-" } else { "" };
            (number(&format!("{sign}{digits}"))?, digits.len() < DIGITS)
        }
        Literal::Boolean(truth) => (vec![PRESENT, u8::from(*truth)], true),
        Literal::Date(_) | Literal::Time(_) | Literal::Timestamp(_) => {
            (text_key(&super::query::calendar(literal)?), true)
        }
        Literal::Uuid(_) => return None,
    })
}

/// Texts that begin so lie between the two keys; `None` for a beginning that is as long as a key.
pub(super) fn of_beginning(beginning: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    if beginning.chars().nth(TEXT_CHARACTERS - 1).is_some() {
        return None;
    }
    let low = text_key(beginning);
    let mut high = low.clone();
    // No byte of UTF-8 is as high.
    high.push(0xff);
    Some((low, high))
}

fn text_key(text: &str) -> Vec<u8> {
    let end = text.char_indices().nth(TEXT_CHARACTERS).map_or(text.len(), |(end, _)| end);
    let mut key = vec![PRESENT];
    key.extend_from_slice(text.as_bytes().get(..end).unwrap_or_default());
    key
}

/// Sign, digits before the point (or, below zero, zeros behind it), digits; all turned round for negative numbers.
fn number(text: &str) -> Option<Vec<u8>> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let all: String = [whole, fraction].concat();
    if all.len() + fraction.len() == 0 && !digits.contains('0') || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = all.trim_start_matches('0');
    let leading = all.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Some(vec![PRESENT, ZERO]);
    }
    let exponent = i32::try_from(whole.len()).ok()? - i32::try_from(leading).ok()?;
    let mut key = u32::try_from(i64::from(exponent) + (1 << 31)).ok()?.to_be_bytes().to_vec();
    key.extend(significant.bytes().take(DIGITS));
    let sign = if negative {
        key.iter_mut().for_each(|byte| *byte = !*byte);
        // The shorter of two that begin alike is the greater one.
        key.push(0xff);
        NEGATIVE
    } else {
        POSITIVE
    };
    Some([vec![PRESENT, sign], key].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[test]
    fn numbers_are_ordered_by_value() {
        let ordered = [
            "-100000000000000000000.5",
            "-100",
            "-99.99",
            "-99.9",
            "-10",
            "-9",
            "-1",
            "-0.5",
            "-0.05",
            "0",
            "0.05",
            "0.5",
            "0.51",
            "1",
            "9",
            "9.5",
            "10",
            "10.01",
            "99",
            "100",
            "12345678901234567890.1",
            "12345678901234567890.2",
        ];
        let keys: Vec<_> = ordered.iter().map(|digits| of_text(ValueType::Number, digits)).collect();
        assert!(keys.is_sorted_by(|left, right| left < right), "{keys:?}");
    }

    #[rstest]
    #[case("1.50", "01.5")]
    #[case("-0.0", "0")]
    #[case("100", "100.00")]
    fn a_number_has_one_key(#[case] left: &str, #[case] right: &str) {
        assert_eq!(of_text(ValueType::Number, left), of_text(ValueType::Number, right));
    }

    #[test]
    fn null_is_less_than_every_value() {
        assert!(of_property(ValueType::Text, None) < of_property(ValueType::Text, Some(&json!(""))));
        assert!(of_property(ValueType::Number, None) < of_property(ValueType::Number, Some(&json!("-9"))));
        assert!(of_property(ValueType::Boolean, None) < of_property(ValueType::Boolean, Some(&json!(false))));
    }

    #[test]
    fn a_beginning_holds_what_begins_so() {
        let (low, high) = of_beginning("ab").unwrap();
        for (text, holds) in [("ab", true), ("ab\u{10ffff}", true), ("abz", true), ("ac", false), ("aa", false)] {
            let key = of_text(ValueType::Text, text);
            assert_eq!(low <= key && key <= high, holds, "{text}");
        }
    }

    #[test]
    fn a_long_text_shares_its_key_with_others() {
        let long = "ä".repeat(300);
        assert_eq!(of_text(ValueType::Text, &long).len(), 481);
        assert_eq!(of_literal(&Literal::Text(long), false).map(|(_, alone)| alone), Some(false));
    }
}
