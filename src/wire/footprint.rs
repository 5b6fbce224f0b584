//! What XML takes of the memory once it is read.

use super::ReadLimits;

/// What an element or an attribute takes beside its characters, with the text that follows it and the room that lists have to spare.
const NODE_BYTES: u64 = 400;

/// The most that a document takes as elements, told while it is read.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    bytes: u64,
    nodes: u64,
    most_nodes: u64,
}

impl Footprint {
    /// Nothing yet of a document that is read within `limits`.
    #[must_use]
    pub const fn within(limits: ReadLimits) -> Self {
        Self { bytes: 0, nodes: 0, most_nodes: limits.nodes as u64 }
    }

    /// The same of a document that has come whole.
    #[must_use]
    pub fn of(xml: &[u8], limits: ReadLimits) -> Self {
        let mut footprint = Self::within(limits);
        footprint.add(xml);
        footprint
    }

    /// What any document takes at most beside its characters, in bytes.
    #[must_use]
    pub const fn most_of_nodes(limits: ReadLimits) -> u64 {
        Self { bytes: 0, nodes: u64::MAX, most_nodes: limits.nodes as u64 }.bytes()
    }

    /// So much more has come. An element begins with `<`, an attribute has a `=`; where these are something else, there are not more
    /// nodes than the limit all the same.
    pub fn add(&mut self, xml: &[u8]) {
        let is_node = |at: &usize| !matches!(xml.get(at + 1), Some(b'/' | b'!' | b'?'));
        self.nodes += memchr::memchr2_iter(b'<', b'=', xml).filter(is_node).count() as u64;
        self.bytes += xml.len() as u64;
    }

    /// Of both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, nodes: self.nodes + other.nodes, ..self }
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        let nodes = if self.nodes < self.most_nodes { self.nodes } else { self.most_nodes };
        self.bytes.saturating_add(nodes.saturating_mul(NODE_BYTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Attribute, Element, Node};
    use rstest::rstest;

    /// Bytes on the heap, as the lists have them.
    fn taken(element: &Element) -> usize {
        let of_node = |node: &Node| match node {
            Node::Element(element) => taken(element),
            Node::Text(text) => text.capacity(),
        };
        size_of::<Attribute>() * element.attributes.capacity()
            + element.attributes.iter().map(|attribute| attribute.value.capacity()).sum::<usize>()
            + size_of::<Node>() * element.content.capacity()
            + element.content.iter().map(of_node).sum::<usize>()
    }

    #[rstest]
    #[case::empty_elements("<a/>")]
    #[case::elements_with_one_child("<a><b/></a>")]
    #[case::texts("<a>x</a>")]
    #[case::texts_between("<a/>x")]
    #[case::attributes("<a b=\"\" c=\"\" d=\"\" e=\"\" f=\"\"/>")]
    #[case::a_long_text(&"x".repeat(100_000))]
    fn elements_take_no_more_than_is_foretold(#[case] part: &str) {
        let xml = format!("<all>{}</all>", part.repeat(if part.len() > 1_000 { 1 } else { 10_000 }));
        let taken = taken(&Element::from_xml(xml.as_bytes()).unwrap()) as u64;
        let mut foretold = Footprint::within(ReadLimits::default());
        // In pieces, as it comes.
        xml.as_bytes().chunks(7).for_each(|piece| foretold.add(piece));
        assert!(taken <= foretold.bytes(), "{taken} of {}", foretold.bytes());
        assert!(Footprint::of(xml.as_bytes(), ReadLimits::default()).bytes() <= foretold.bytes());
    }

    #[test]
    fn a_text_of_what_looks_like_nodes_takes_no_more_than_all_nodes_there_may_be() {
        let limits = ReadLimits { nodes: 10, ..ReadLimits::default() };
        assert_eq!(Footprint::of(&[b'='; 1_000], limits).bytes(), 1_000 + Footprint::most_of_nodes(limits));
    }
}
