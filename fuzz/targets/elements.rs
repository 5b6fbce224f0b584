//! Elements that were read, written again.

use sdata_sync::wire::names::XML;
use sdata_sync::wire::{Element, ReadLimits};

/// The document's root, where it can be read.
pub(super) fn parsed(xml: &[u8]) -> Option<Element> {
    Element::parse(xml, &ReadLimits::default()).ok()
}

/// What was read can be written as a document and as stored content, and is read back as it was.
pub(super) fn assert_reads_back(element: &Element) {
    let xml = element.to_xml().unwrap_or_else(|error| panic!("{error}: {element:?}"));
    let again = Element::from_xml(xml.as_bytes());
    assert_eq!(&again.unwrap_or_else(|error| panic!("{error}: {xml}")), element, "{xml}");
    if *element.namespace == *XML {
        // No contract has it.
        return;
    }
    let content = element.content_xml().unwrap_or_else(|error| panic!("{error}: {element:?}"));
    let text = String::from_utf8_lossy(&content);
    let again = Element::from_content(&element.namespace, &element.name, &content);
    assert_eq!(again.unwrap_or_else(|error| panic!("{error}: {text}")).content, element.content, "{text}");
}
