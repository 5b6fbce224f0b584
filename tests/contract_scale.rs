//! A contract of the size and make of a full CRM-ERP contract: it is read whole, and no payload of it is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "support/generated_contract.rs"]
mod generated_contract;

use generated_contract as generated;
use sdata_sync::contract::{Contract, Sender, Shape, Support};
use sdata_sync::wire::{Element, ReadLimits};

fn contract() -> Contract {
    let folder = tempfile::tempdir().unwrap();
    let path = generated::write_to(folder.path()).unwrap();
    Contract::read(&path).unwrap()
}

fn parse(xml: &str) -> Element {
    Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap()
}

#[test]
fn every_kind_of_a_large_contract_is_there() {
    let size = generated::main_schema().len();
    assert!((900_000..1_300_000).contains(&size), "{size}");
    let contract = contract();
    assert_eq!(contract.warnings(), []);
    assert_eq!(contract.namespace(), generated::NAMESPACE);
    let own: Vec<String> = contract
        .kinds()
        .iter()
        .filter(|kind| *kind.namespace == *generated::NAMESPACE)
        .map(|kind| kind.name.to_string())
        .collect();
    assert_eq!(own, generated::kinds());
    assert_eq!(own.len(), generated::KINDS);
    // Kinds of the imported schema are served, too: resources refer to them.
    assert_eq!(&*contract.kind("addresses").unwrap().namespace, generated::COMMON);
}

#[test]
fn kinds_are_what_the_schema_says_of_them() {
    let contract = contract();
    let orders = contract.kind("salesOrders").unwrap();
    assert!(orders.is_sync_source && orders.is_sync_target);
    let shape = |name: &str| contract.property(orders, name).unwrap().shape;
    assert!(matches!(shape("salesOrderLines"), Shape::Children(_)));
    assert!(matches!(shape("account"), Shape::Reference(Some(_))));
    assert!(matches!(shape("originator"), Shape::Choice(_)));
    assert!(matches!(shape("related"), Shape::References(_)));
    let lines = contract.kind("salesOrderLines").unwrap();
    assert!(lines.is_sync_source && !lines.is_sync_target);
    assert_eq!(contract.in_sync_order().len(), contract.kinds().len());
}

#[test]
fn generated_payloads_of_every_kind_are_accepted() {
    let contract = contract();
    for name in generated::kinds() {
        let kind = contract.kind(&format!("{name}s")).unwrap();
        let sent = parse(&generated::payload(&name, 7));
        let accepted = contract.accept(kind, &sent, None, Sender::Peer);
        let accepted = accepted.unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        assert_eq!(accepted.unique, [("property0".to_owned(), "resource 7".to_owned())]);
        // What was stored is accepted again, as it comes back from a peer.
        let again = contract.accept(kind, &accepted.resource, Some(&accepted.resource), Sender::Peer);
        assert_eq!(again.unwrap().resource, accepted.resource);
    }
}

#[test]
fn references_of_documents_are_found() {
    let contract = contract();
    let kind = contract.kind("salesOrders").unwrap();
    let accepted = contract.accept(kind, &parse(&generated::payload("salesOrder", 1)), None, Sender::Peer).unwrap();
    let found: Vec<_> = accepted.references.iter().map(|found| (found.path.as_str(), &*found.kind)).collect();
    assert_eq!(
        found,
        [
            ("salesOrder/account", "accounts"),
            ("salesOrder/originator/salesQuote", "salesQuotes"),
            ("salesOrder/related/serviceOrder[1]", "serviceOrders"),
            ("salesOrder/related/salesQuote[2]", "salesQuotes"),
        ]
    );
}

#[test]
fn the_served_schema_of_a_large_contract_can_be_read_again() {
    let contract = contract();
    let support = |_: &_| Support { can_get: true, is_sync_source: true, can_filter: true, ..Support::default() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("served.xsd");
    std::fs::write(&path, contract.schema(&support)).unwrap();
    let imports: Vec<&str> = contract.imports().collect();
    assert_eq!(imports, ["generated-common.xsd"]);
    std::fs::write(folder.path().join(imports[0]), contract.imported(imports[0], &support).unwrap()).unwrap();
    let again = Contract::read(&path).unwrap();
    assert_eq!(again.kinds().len(), contract.kinds().len());
    assert!(again.kinds().iter().all(|kind| kind.is_sync_source && !kind.is_sync_target && !kind.can_post));
}
