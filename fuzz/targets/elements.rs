//! Elements that were read, written again.

use sdata_sync::wire::{Element, ReadLimits, WireError};

/// The document's root, where it can be read.
pub(super) fn parsed(xml: &[u8]) -> Option<Element> {
    Element::parse(xml, &ReadLimits::default()).ok()
}

/// What was read can be written as a document and as stored content, and is read back as it was.
pub(super) fn assert_reads_back(element: &Element) {
    match element.to_xml() {
        Ok(xml) => {
            let again = Element::parse(xml.as_bytes(), &ReadLimits::default());
            assert_eq!(&again.unwrap_or_else(|error| panic!("{error}: {xml}")), element, "{xml}");
        }
        Err(error) => assert!(is_no_name(&error), "{error}: {element:?}"),
    }
    match element.content_xml() {
        Ok(content) => {
            let again = Element::from_content(&element.namespace, &element.name, &content);
            let text = String::from_utf8_lossy(&content);
            let again = again.unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(again.content, element.content, "{text}");
        }
        Err(error) => assert!(is_no_name(&error), "{error}: {element:?}"),
    }
}

/// What is called `xmlns` can be read under a prefix, but is never written.
pub(super) fn is_no_name(error: &WireError) -> bool {
    matches!(error, WireError::Name(name) if name == "xmlns")
}
