//! The reader of XML against another one.

use super::elements::assert_reads_back;
use super::is_above_a_limit;
use roxmltree::{Document, Node as TheirNode, ParsingOptions};
use sdata_sync::wire::names::{ATOM, SDATA};
use sdata_sync::wire::{Attribute, Element, FeedReader, Node, ReadLimits, WireError};
use std::io::{BufRead, BufReader};

/// Documents: both readers make the same of them, or both refuse them, but for what only ours refuses. And however a document
/// is cut into what comes in at once, it reads alike.
pub(crate) fn markup(bytes: &[u8]) {
    let ours = Element::parse(bytes, &ReadLimits::default());
    if !ours.as_ref().is_err_and(is_refused_by_us_alone) {
        compare(bytes, &ours);
    }
    if let Ok(element) = &ours {
        assert_reads_back(element);
    }
    assert_alike_in_pieces(bytes);
}

/// Limits, document types and encodings (core 3.14).
fn is_refused_by_us_alone(error: &WireError) -> bool {
    is_above_a_limit(error) || matches!(error, WireError::Doctype { .. } | WireError::Encoding(_))
}

/// What the other reader takes, though it is no XML 1.0: numbers of characters that are none, declarations of any kind, instructions
/// with no space behind their name, names that begin with a colon, and prefixes that are declared away.
fn is_lenient(error: &WireError, text: &str) -> bool {
    match error {
        WireError::Syntax { offset: 0, .. } if text.starts_with("<?xml") => true,
        WireError::Syntax { message, .. } => {
            let lenient = ["invalid character reference", "a processing instruction without a name"];
            let has_no_prefix =
                message.starts_with("':") && message.ends_with("is no name") || message.starts_with("</:");
            has_no_prefix || lenient.iter().any(|said| message.starts_with(said))
        }
        WireError::UndeclaredPrefix { .. } => text.contains("=\"\"") || text.contains("=''"),
        _ => false,
    }
}

fn compare(bytes: &[u8], ours: &Result<Element, WireError>) {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return assert!(ours.is_err(), "what is not UTF-8 is refused") };
    // Line ends are one line feed each before anything is read (XML 1.0, 2.11); the other reader leaves one before a reference as it is.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let theirs = Document::parse_with_options(&text, ParsingOptions::default());
    match (ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(*ours, element_of(theirs.root_element()), "{text}"),
        (Ok(ours), Err(error)) => panic!("only ours takes it: {error}\n{text}\n{ours:?}"),
        (Err(error), Ok(_)) => assert!(is_lenient(error, &text), "only ours refuses it: {error}\n{text}"),
        (Err(_), Err(_)) => {}
    }
}

/// Their element as one of ours: one text for neighbours, and white space between children left out.
fn element_of(node: TheirNode<'_, '_>) -> Element {
    let mut element = Element::new(node.tag_name().namespace().unwrap_or_default(), node.tag_name().name());
    element.attributes = node
        .attributes()
        .map(|attribute| Attribute {
            namespace: attribute.namespace().unwrap_or_default().into(),
            name: attribute.name().into(),
            value: attribute.value().to_owned(),
        })
        .collect();
    for child in node.children() {
        if child.is_element() {
            element.content.push(Node::Element(element_of(child)));
        } else if let Some(text) = child.text().filter(|text| child.is_text() && !text.is_empty()) {
            match element.content.last_mut() {
                Some(Node::Text(before)) => before.push_str(text),
                _ => element.content.push(Node::Text(text.to_owned())),
            }
        }
    }
    let is_layout = |node: &Node| matches!(node, Node::Text(text) if text.trim_ascii().is_empty());
    let is_element = |node: &Node| matches!(node, Node::Element(_));
    if element.content.iter().any(is_element) && element.content.iter().all(|node| is_element(node) || is_layout(node))
    {
        element.content.retain(is_element);
    }
    element
}

fn assert_alike_in_pieces(bytes: &[u8]) {
    let before = format!("<feed xmlns=\"{ATOM}\"><entry><payload xmlns=\"{SDATA}\">");
    let document = [before.as_bytes(), bytes, b"</payload></entry></feed>"].concat();
    let whole = read(&*document);
    for size in [1, 7] {
        assert_eq!(read(BufReader::with_capacity(size, &*document)), whole, "in pieces of {size}");
    }
}

/// The payload's resource; or why there is none. Where bytes stop being UTF-8 is told only roughly.
fn read<R: BufRead>(source: R) -> Result<Option<Element>, String> {
    let said = |error: WireError| match error {
        WireError::Encoding(_) => "encoding".to_owned(),
        other => other.to_string(),
    };
    let mut feed = FeedReader::new(source, ReadLimits::default()).map_err(said)?;
    let mut first = None;
    while let Some(entry) = feed.next_entry().map_err(said)? {
        first = first.or_else(|| entry.payload.and_then(|payload| payload.resource));
    }
    Ok(first)
}
