//! Where the start tags of a schema's text are.
//!
//! Wire reads the schema; this finds the same elements again in its text, by counting, for two
//! things a parsed element no longer tells: the line of a fault, and where to write what the
//! provider supports, so that the served `$schema` keeps the author's comments and layout. Only
//! used on text that wire has found well-formed.

use std::ops::Range;

/// The start tags (`<a …>`, `<a …/>`) of a well-formed document, in document order.
pub(super) fn start_tags(text: &str) -> Vec<Range<usize>> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + found;
        let rest = text.get(start..).unwrap_or_default();
        let length = if rest.starts_with("<!--") {
            past(rest, "-->")
        } else if rest.starts_with("<![CDATA[") {
            past(rest, "]]>")
        } else if rest.starts_with("<?") {
            past(rest, "?>")
        } else if rest.starts_with("</") {
            past(rest, ">")
        } else {
            let length = tag_length(rest);
            tags.push(start..start + length);
            length
        };
        at = start + length;
    }
    tags
}

fn past(text: &str, end: &str) -> usize {
    text.find(end).map_or(text.len(), |at| at + end.len())
}

/// Length of the tag at the start of `text`; a `>` within quotes does not end it.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// One attribute as it stands in a tag; ranges are within the tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RawAttribute<'a> {
    /// The name with its prefix.
    pub(super) name: &'a str,
    /// The value, between the quotes, with references unresolved.
    pub(super) value: &'a str,
    /// The whole attribute with the white space before it.
    pub(super) whole: Range<usize>,
}

/// The attributes of one start tag, namespace declarations among them.
pub(super) fn raw_attributes(tag: &str) -> Vec<RawAttribute<'_>> {
    let mut attributes = Vec::new();
    let mut at = tag.find(char::is_whitespace).unwrap_or(tag.len());
    while let Some(rest) = tag.get(at..) {
        let Some(equals) = rest.find('=') else { break };
        let name = rest.get(..equals).unwrap_or_default().trim();
        let Some(after) = rest.get(equals + 1..) else { break };
        let Some(open) = after.find(['"', '\'']) else { break };
        let quote = if after.get(open..).is_some_and(|text| text.starts_with('"')) { '"' } else { '\'' };
        let Some(quoted) = after.get(open + 1..) else { break };
        let Some(close) = quoted.find(quote) else { break };
        let end = at + equals + 1 + open + 1 + close + 1;
        attributes.push(RawAttribute { name, value: quoted.get(..close).unwrap_or_default(), whole: at..end });
        at = end;
    }
    attributes
}

/// The line of a byte of `text`, from 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_instructions_and_character_data_hold_no_tags() {
        let text = "<?xml version='1.0'?><!-- <no/> --><a x='>'><![CDATA[<no/>]]><b/></a>";
        let found: Vec<&str> = start_tags(text).into_iter().map(|tag| &text[tag]).collect();
        assert_eq!(found, ["<a x='>'>", "<b/>"]);
    }

    #[test]
    fn attributes_are_found_with_the_space_before_them() {
        let tag = "<xs:element name=\"a\"\n  sme:label = 'it''/>";
        let found = raw_attributes(tag);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].name, found[0].value), ("name", "a"));
        assert_eq!((found[1].name, found[1].value), ("sme:label", "it"));
        assert_eq!(&tag[found[1].whole.clone()], "\n  sme:label = 'it'");
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!(line_at("a\nb\nc", 0), 1);
        assert_eq!(line_at("a\nb\nc", 4), 3);
    }
}
