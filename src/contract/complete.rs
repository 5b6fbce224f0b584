//! Whether a payload says all there is to say of a resource, so that what is stored of it adds nothing.

use super::contract::Contract;
use super::model::{Kind, Property, Relationship, Shape, TypeId};
use super::protocol_attributes::deletes_missing;
use crate::wire::Element;

impl Contract {
    /// Whether [`Contract::accept`] makes the same of what a peer `sent`, whatever is stored: every property is there, and
    /// none is laid over another. Peers send resources whole (sync 4.4).
    #[must_use]
    pub fn says_all(&self, kind: &Kind, sent: &Element) -> bool {
        // The resource element keeps no attributes.
        self.says_all_properties(kind.type_id, sent)
    }

    fn says_all_properties(&self, id: TypeId, sent: &Element) -> bool {
        let Some(complex) = self.complex_type(id) else { return false };
        if complex.open || complex.mixed || complex.text.is_some() {
            return false;
        }
        let mut said = vec![false; complex.properties.len()];
        for (child, matched) in complex.matched(sent) {
            let Some((index, property)) = matched.filter(|(_, property)| !property.repeated) else { return false };
            let is_first = said.get_mut(index).is_some_and(|said| !std::mem::replace(said, true));
            if !is_first || !self.says_all_of(property, child) {
                return false;
            }
        }
        said.into_iter().all(|said| said)
    }

    fn says_all_of(&self, property: &Property, sent: &Element) -> bool {
        if sent.is_nil() {
            return true;
        }
        match property.shape {
            Shape::Value | Shape::Any => true,
            Shape::Reference(_) => matches!(sent.uuid(), Some(Ok(_))),
            Shape::Structure(declared) => {
                let actual = self.actual_type(declared, sent);
                let has_attributes = self
                    .complex_type(actual)
                    .is_none_or(|complex| complex.any_attribute || !complex.attributes.is_empty());
                // A child keeps the identity it has here.
                property.relationship != Some(Relationship::Child)
                    && !has_attributes
                    && self.says_all_properties(actual, sent)
            }
            Shape::References(_) => deletes_missing(sent),
            Shape::Children(_) | Shape::Choice(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Sender;
    use crate::wire::ReadLimits;
    use rstest::rstest;

    const ALL: &str = "<code>A2</code><name>x</name><type/><active>true</active><phone>1</phone><email>a@b.example</email>\
        <website>w</website><creditLimit>1</creditLimit><currency>EUR</currency><openedOn>2009-05-31</openedOn>\
        <lastContactAt>2009-05-31T13:20:00Z</lastContactAt><balance>1</balance><notes>n</notes>";
    const WHOLE: &str = "<postalAddress><street>s</street><city>c</city><region>r</region><postalCode>1</postalCode>\
        <countryCode>DE</countryCode></postalAddress>";

    fn account(content: &str) -> Element {
        let nil = "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil='true'";
        let content = content.replace("<type/>", &format!("<type {nil}/>"));
        let xml = format!("<account xmlns='urn:sdata-sync:sample:1'>{content}</account>");
        Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap()
    }

    #[rstest]
    #[case::all_of_it(&format!("{ALL}{WHOLE}"), true)]
    #[case::in_another_order(&format!("{WHOLE}{ALL}"), true)]
    #[case::one_property_is_missing(&format!("{}{WHOLE}", ALL.replace("<phone>1</phone>", "")), false)]
    #[case::one_within_a_structure_is_missing(&format!("{ALL}{}", WHOLE.replace("<city>c</city>", "")), false)]
    #[case::one_stands_twice_for_another(&format!("{}{WHOLE}", ALL.replace("<phone>1</phone>", "<name>y</name>")), false)]
    fn what_says_all_is_accepted_alike_whatever_is_stored(#[case] content: &str, #[case] says_all: bool) {
        let contract = Contract::sample().unwrap();
        let kind = contract.kind("accounts").unwrap();
        let stored = "<code>A1</code><name>old</name><phone>2</phone><postalAddress><city>Ulm</city></postalAddress>";
        let stored = contract.accept(kind, &account(stored), None, Sender::Peer).unwrap().resource;
        let sent = account(content);
        let anew = contract.accept(kind, &sent, None, Sender::Peer);
        assert_eq!(contract.says_all(kind, &sent), says_all);
        let is_alike = anew == contract.accept(kind, &sent, Some(&stored), Sender::Peer);
        assert!(is_alike || !says_all);
    }
}
