//! Contracts, and the payloads they describe (core 4, 9.2).

use super::elements::{assert_reads_back, parsed};
use super::sample;
use sdata_sync::contract::{Accepted, Contract, Kind, Sender};
use sdata_sync::wire::Element;

/// Contracts: reading one ends, without harm, and the schema that is served of what was read is a contract with the same
/// kinds.
pub(crate) fn contract(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(contract) = Contract::from_text("fuzzed.xsd", text) else { return };
    let served = contract.schema(&|_| sdata_sync::contract::Support::default());
    let served = std::str::from_utf8(&served).expect("a schema is text");
    let again = Contract::from_text("served.xsd", served).unwrap_or_else(|error| panic!("{error}\n{served}"));
    let kinds = |contract: &Contract| contract.kinds().iter().map(|kind| kind.plural_name.clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&again), kinds(&contract));
    assert_eq!(contract.in_sync_order().len(), contract.kinds().len());
}

/// Payloads of the sample contract, two with a line between them: the first is stored, the second laid over it. What is
/// accepted is written and read back as it is, laid over itself it stays as it is, and as JSON it says the same.
pub(crate) fn payload(bytes: &[u8]) {
    let mut sent = bytes.splitn(2, |byte| *byte == 0).filter_map(parsed);
    let Some(first) = sent.next() else { return };
    let contract = sample();
    for kind in contract.kinds().iter().filter(|kind| *kind.name == *first.name) {
        for sender in [Sender::Client, Sender::Peer] {
            let Some(stored) = accepted(contract, kind, &first, None, sender) else { continue };
            assert_canonical(contract, kind, &stored.resource);
            assert_says_the_same_in_json(contract, kind, &stored.resource);
        }
    }
    let Some(second) = sent.next() else { return };
    for kind in contract.kinds().iter().filter(|kind| *kind.name == *second.name) {
        let Some(stored) = accepted(contract, kind, &first, None, Sender::Peer) else { continue };
        for sender in [Sender::Client, Sender::Peer] {
            let Some(changed) = accepted(contract, kind, &second, Some(&stored.resource), sender) else { continue };
            assert_canonical(contract, kind, &changed.resource);
        }
        if contract.says_all(kind, &second) {
            let over = accepted(contract, kind, &second, Some(&stored.resource), Sender::Peer);
            let alone = accepted(contract, kind, &second, None, Sender::Peer);
            assert_eq!(over, alone, "what is stored adds nothing");
        }
    }
}

fn accepted(
    contract: &Contract,
    kind: &Kind,
    sent: &Element,
    stored: Option<&Element>,
    sender: Sender,
) -> Option<Accepted> {
    match contract.accept(kind, sent, stored, sender) {
        Ok(accepted) => Some(accepted),
        Err(faults) => {
            assert!((1..=20).contains(&faults.len()), "{} faults", faults.len());
            None
        }
    }
}

fn assert_canonical(contract: &Contract, kind: &Kind, resource: &Element) {
    assert!(resource.attributes.is_empty());
    assert_reads_back(resource);
    match contract.accept(kind, resource, Some(resource), Sender::Peer) {
        Ok(again) => assert_eq!(said(&again.resource), said(resource), "laid over itself"),
        Err(faults) => panic!("what was accepted is refused: {faults:?}\n{resource:?}"),
    }
}

fn assert_says_the_same_in_json(contract: &Contract, kind: &Kind, resource: &Element) {
    let json = contract.json_of(resource);
    let read = contract.element_of_json(kind, &json).unwrap_or_else(|fault| panic!("{fault}: {json:?}"));
    match contract.accept(kind, &read, Some(resource), Sender::Peer) {
        // Numbers may be spelled otherwise.
        Ok(again) => assert_eq!(contract.json_of(&again.resource), json, "{}", said(resource)),
        Err(faults) => panic!("what was accepted is refused as JSON: {faults:?}\n{json:?}"),
    }
}

/// As XML, which can be compared by eye.
fn said(resource: &Element) -> String {
    resource.to_xml().unwrap_or_else(|error| panic!("{error}: {resource:?}"))
}
