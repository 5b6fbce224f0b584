//! Cases that chance once found, and one that chance cannot make: they end alike.

use crate::ledger;
use crate::network::both_ways;
use crate::node::{Node, nodes};
use crate::requests::{Refer, Written, entry};

const ACCOUNTS: &str = "accounts";
const CONTACTS: &str = "contacts";

fn create(node: &Node, kind: &str, name: &str, account: Option<Refer>) -> String {
    let written = Written { name: Some(name.to_owned()), account, ..Written::default() };
    let created = node.run(node.provider().create(&node.collection(kind), entry(kind, name, &written), None));
    created.unwrap().resource.key
}

fn change(node: &Node, kind: &str, marker: &str, account: Option<Refer>) {
    let key = ledger::documents(node, kind)[0].resource.key.clone();
    let entry = entry(kind, marker, &Written { account, ..Written::default() });
    node.run(node.provider().update(&node.collection(kind), &key, entry, Some("*"), None)).unwrap();
}

/// SYNC-2.1-01, SYNC-6.1-01: peers keep no reference that was replaced by one they cannot follow.
#[test]
fn a_reference_to_what_is_deleted_before_it_is_sent_replaces_the_one_before_it() {
    let nodes = nodes(&[0, 0]);
    let first = create(&nodes[0], ACCOUNTS, "A1", None);
    create(&nodes[0], CONTACTS, "C1", Some(Refer::Key(first)));
    for kind in [ACCOUNTS, CONTACTS] {
        both_ways(&nodes, 0, 1, kind);
    }
    let second = create(&nodes[0], ACCOUNTS, "A2", None);
    change(&nodes[0], CONTACTS, "C1 changed", Some(Refer::Key(second.clone())));
    nodes[0].run(nodes[0].provider().delete(&nodes[0].collection(ACCOUNTS), &second, None, None)).unwrap();
    for kind in [ACCOUNTS, CONTACTS] {
        both_ways(&nodes, 0, 1, kind);
        assert_eq!(ledger::contents(&nodes[0], kind), ledger::contents(&nodes[1], kind));
    }
}

/// SYNC-2.1-03: a database put back in time gets back from a peer what it has forgotten, and numbers nothing twice.
#[test]
fn a_node_put_back_in_time_ends_like_its_peer() {
    let mut nodes = nodes(&[0, 0]);
    create(&nodes[0], ACCOUNTS, "A1", None);
    both_ways(&nodes, 0, 1, ACCOUNTS);
    nodes[0].back_up();
    change(&nodes[0], ACCOUNTS, "A1 forgotten", None);
    create(&nodes[0], ACCOUNTS, "A2", None);
    both_ways(&nodes, 0, 1, ACCOUNTS);
    nodes[0].put_back();
    assert_eq!(ledger::markers(&nodes[0], ACCOUNTS).into_values().collect::<Vec<_>>(), ["A1"]);
    both_ways(&nodes, 1, 0, ACCOUNTS);
    let again = ledger::markers(&nodes[0], ACCOUNTS).into_values().collect::<Vec<_>>();
    assert_eq!(again, ["A1 forgotten", "A2"]);
    create(&nodes[0], ACCOUNTS, "A3", None);
    both_ways(&nodes, 0, 1, ACCOUNTS);
    assert_eq!(ledger::contents(&nodes[0], ACCOUNTS), ledger::contents(&nodes[1], ACCOUNTS));
    assert_eq!(ledger::contents(&nodes[1], ACCOUNTS).len(), 3);
    assert_eq!(ledger::ticks(&nodes[0], ACCOUNTS), ledger::ticks(&nodes[1], ACCOUNTS));
}
