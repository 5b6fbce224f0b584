//! Decimal numbers with every digit they have (XML Schema 1.0, part 2, 3.2.3).

use std::cmp::Ordering;

/// A decimal number, its digits as written but for zeros that say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    /// Reads an `xs:decimal`; no exponent, at least one digit.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        Some(Self { negative: negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction })
    }

    /// Significant digits, in all.
    #[must_use]
    pub fn total_digits(&self) -> usize {
        (self.whole.len() + self.fraction.len()).max(1)
    }

    /// Significant digits after the point.
    #[must_use]
    pub fn fraction_digits(&self) -> usize {
        self.fraction.len()
    }

    /// The one spelling of the number.
    #[must_use]
    pub fn canonical(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let whole = if self.whole.is_empty() { "0" } else { self.whole };
        let point = if self.fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{}", self.fraction)
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitude = || {
            let by_length = self.whole.len().cmp(&other.whole.len());
            by_length.then_with(|| self.whole.cmp(other.whole)).then_with(|| self.fraction.cmp(other.fraction))
        };
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude(),
            (true, true) => magnitude().reverse(),
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::longer_is_larger("10", "9.99", Ordering::Greater)]
    #[case::zeros_say_nothing("1.50", "01.5", Ordering::Equal)]
    #[case::negative_numbers_turn("-10", "-9", Ordering::Less)]
    #[case::there_is_one_zero("-0.0", "0", Ordering::Equal)]
    #[case::signs_differ("-1", "0.5", Ordering::Less)]
    #[case::a_plus_says_nothing("+1", "1.0", Ordering::Equal)]
    #[case::beyond_floating_point("12345678901234567890.2", "12345678901234567890.1", Ordering::Greater)]
    #[case::fractions("0.09", "0.1", Ordering::Less)]
    fn decimals_are_ordered_by_value(#[case] left: &str, #[case] right: &str, #[case] order: Ordering) {
        assert_eq!(Decimal::parse(left).zip(Decimal::parse(right)).map(|(left, right)| left.cmp(&right)), Some(order));
    }

    #[rstest]
    #[case::nothing("")]
    #[case::only_a_sign("-")]
    #[case::only_a_point(".")]
    #[case::with_exponent("1E3")]
    #[case::two_points("1.2.3")]
    #[case::other_digits("\u{663}")]
    fn what_is_no_number_is_not_read(#[case] text: &str) {
        assert_eq!(Decimal::parse(text), None);
    }
}
