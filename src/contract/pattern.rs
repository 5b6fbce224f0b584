//! Patterns of XML Schema, in the words of the `regex` crate (XML Schema 1.0, part 2, appendix F).

use regex::{Regex, RegexBuilder};

/// Larger automata than this (in bytes) are refused by [`compile`]: no field of a business object needs one.
const SIZE_LIMIT: usize = 4 << 20;

/// Characters a name may begin with, and those it may go on with.
const INITIAL: &str = r"\p{L}\p{Nl}_:";
const FOLLOWING: &str = r"\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Lm}\-._:\u{B7}";

/// The expression that the whole value must match.
///
/// # Errors
/// What the `regex` crate cannot express, in its words.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let expression = format!(r"\A(?:{})\z", translate(pattern)?);
    let built = RegexBuilder::new(&expression).size_limit(SIZE_LIMIT).build();
    built.map_err(|error| error.to_string().lines().last().unwrap_or_default().to_owned())
}

/// What differs: `^` and `$` are ordinary characters, `\i` and `\c` are name characters, a class is subtracted
/// with one hyphen, `.` also spares carriage returns, and there is no group syntax with a question mark.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut characters = pattern.chars().peekable();
    let mut depth = 0_usize;
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped) => escape(escaped, depth > 0, &mut out)?,
                None => return Err("a pattern ends with a backslash".to_owned()),
            },
            '[' => {
                depth += 1;
                out.push('[');
                if characters.peek() == Some(&'^') {
                    out.push('^');
                    characters.next();
                }
            }
            ']' => {
                depth = depth.saturating_sub(1);
                out.push(']');
            }
            '-' if depth > 0 && characters.peek() == Some(&'[') => out.push_str("--"),
            '^' | '$' if depth == 0 => {
                out.push('\\');
                out.push(character);
            }
            '.' if depth == 0 => out.push_str(r"[^\n\r]"),
            // Two of these in a row mean a set operation to the regex crate.
            '&' | '~' | '^' if depth > 0 => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    Ok(out)
}

fn escape(escaped: char, within_class: bool, out: &mut String) -> Result<(), String> {
    let class = |inner: &str, negated: bool| match (within_class, negated) {
        (true, false) => inner.to_owned(),
        (_, true) => format!("[^{inner}]"),
        (false, false) => format!("[{inner}]"),
    };
    match escaped {
        'i' => out.push_str(&class(INITIAL, false)),
        'I' => out.push_str(&class(INITIAL, true)),
        'c' => out.push_str(&class(FOLLOWING, false)),
        'C' => out.push_str(&class(FOLLOWING, true)),
        's' => out.push_str(&class(r" \t\n\r", false)),
        'S' => out.push_str(&class(r" \t\n\r", true)),
        'd' | 'D' | 'w' | 'W' | 'p' | 'P' | 'n' | 'r' | 't' => {
            out.push('\\');
            out.push(escaped);
        }
        _ if escaped.is_ascii_alphanumeric() => return Err(format!("XML Schema has no \\{escaped}")),
        _ => {
            out.push('\\');
            out.push(escaped);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::compile;
    use rstest::rstest;

    #[rstest]
    #[case::whole_value("[A-Z]{3}", "EUR", true)]
    #[case::not_a_part("[A-Z]{3}", "xEURx", false)]
    #[case::alternatives_are_anchored_together("a|b", "ab", false)]
    #[case::dollar_is_a_character("$[0-9]+", "$12", true)]
    #[case::caret_is_a_character("a^b", "a^b", true)]
    #[case::subtraction("[a-z-[aeiou]]+", "xyz", true)]
    #[case::subtracted("[a-z-[aeiou]]+", "xaz", false)]
    #[case::name_characters(r"\i\c*", "item-1", true)]
    #[case::no_digit_first(r"\i\c*", "1item", false)]
    #[case::email(r"[^@]+@[^\.]+\..+", "a@b.example", true)]
    #[case::in_a_class(r"[\d\s\-+]+", "+49 30-1", true)]
    fn patterns_mean_what_xml_schema_says(#[case] pattern: &str, #[case] value: &str, #[case] matches: bool) {
        assert_eq!(compile(pattern).map(|regex| regex.is_match(value)), Ok(matches));
    }

    #[test]
    fn what_cannot_be_expressed_is_an_error_in_words() {
        assert!(compile(r"\p{IsBasicLatin}+").is_err());
        assert!(compile("(").is_err());
    }
}
