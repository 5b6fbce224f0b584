//! Cases that chance once found, and one that chance cannot make: they end alike.

use crate::ledger;
use crate::network::{both_ways, pass};
use crate::node::{Node, nodes};
use crate::requests::{Refer, Written, entry};
use sdata_sync::protocol::horizon::TombstoneAges;
use std::time::{Duration, Instant};

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

fn contents_are_alike(nodes: &[Node], markers: &[&str]) {
    for (one, other) in [(0, 1), (0, 2), (0, 1), (0, 2)] {
        both_ways(nodes, one, other, ACCOUNTS);
    }
    for node in nodes {
        let live: Vec<_> = ledger::markers(node, ACCOUNTS).into_values().collect();
        assert_eq!(live, markers, "{}", node.name);
        assert_eq!(ledger::contents(node, ACCOUNTS), ledger::contents(&nodes[0], ACCOUNTS));
        assert_eq!(ledger::ticks(node, ACCOUNTS), ledger::ticks(&nodes[0], ACCOUNTS));
    }
}

/// SYNC-2.1-03, SYNC-2.1-04: nothing is numbered before both have come who took changes from here.
#[test]
fn what_two_peers_know_each_comes_back_to_a_node_put_back_in_time() {
    let mut nodes = nodes(&[0, 0, 0]);
    create(&nodes[0], ACCOUNTS, "A1", None);
    both_ways(&nodes, 0, 1, ACCOUNTS);
    both_ways(&nodes, 0, 2, ACCOUNTS);
    nodes[0].back_up();
    change(&nodes[0], ACCOUNTS, "A1 forgotten", None);
    pass(&nodes, 0, 1, ACCOUNTS, 100);
    create(&nodes[0], ACCOUNTS, "A2", None);
    pass(&nodes, 0, 2, ACCOUNTS, 100);
    nodes[0].put_back();
    create(&nodes[0], ACCOUNTS, "A3", None);
    assert!(nodes[0].is_recovering(ACCOUNTS));
    pass(&nodes, 1, 0, ACCOUNTS, 100);
    assert!(nodes[0].is_recovering(ACCOUNTS), "the other one may know more");
    pass(&nodes, 2, 0, ACCOUNTS, 100);
    assert!(!nodes[0].is_recovering(ACCOUNTS));
    contents_are_alike(&nodes, &["A1 forgotten", "A2", "A3"]);
}

/// SYNC-2.1-04: nobody noticed, and a number was given a second time, to somebody else. A peer that knows more proves it; then both changes
/// of that number get new ones.
#[test]
fn numbers_that_were_given_twice_before_anybody_noticed_are_given_anew() {
    let mut nodes = nodes(&[0, 0, 0]);
    create(&nodes[0], ACCOUNTS, "A1", None);
    both_ways(&nodes, 0, 1, ACCOUNTS);
    both_ways(&nodes, 0, 2, ACCOUNTS);
    nodes[0].back_up();
    create(&nodes[0], ACCOUNTS, "A2", None);
    create(&nodes[0], ACCOUNTS, "A3", None);
    pass(&nodes, 0, 1, ACCOUNTS, 100);
    nodes[0].put_back_unnoticed();
    // Later than anything before, also by a clock that is read to the millisecond.
    std::thread::sleep(Duration::from_millis(5));
    create(&nodes[0], ACCOUNTS, "A4", None);
    assert!(!nodes[0].is_recovering(ACCOUNTS));
    pass(&nodes, 0, 2, ACCOUNTS, 100);
    pass(&nodes, 1, 0, ACCOUNTS, 100);
    assert!(nodes[0].is_recovering(ACCOUNTS), "the peer knows more");
    pass(&nodes, 1, 0, ACCOUNTS, 100);
    pass(&nodes, 2, 0, ACCOUNTS, 100);
    assert!(!nodes[0].is_recovering(ACCOUNTS));
    contents_are_alike(&nodes, &["A1", "A2", "A3", "A4"]);
}

/// OURS-GROWTH-01: how old a tombstone is, the database's clock says.
#[test]
fn a_process_whose_clock_is_ahead_removes_no_tombstone_before_its_time() {
    const DAY: Duration = Duration::from_secs(86_400);
    let nodes = nodes(&[0, 2 * 86_400_000]);
    let key = create(&nodes[0], ACCOUNTS, "A1", None);
    pass(&nodes, 0, 1, ACCOUNTS, 100);
    nodes[0].run(nodes[0].provider().delete(&nodes[0].collection(ACCOUNTS), &key, None, None)).unwrap();
    pass(&nodes, 0, 1, ACCOUNTS, 100);
    let (provider, accounts) = (nodes[1].provider(), nodes[1].collection(ACCOUNTS));
    let purged = |most: Duration| {
        let ages = TombstoneAges { least: None, most: Some(most) };
        nodes[1].run(provider.purge_some(&accounts, ages, None)).unwrap().gone
    };
    assert_eq!(purged(DAY), 0);
    // What the store knows of the database's clock may be a moment late.
    let began = Instant::now();
    loop {
        let gone = purged(Duration::ZERO);
        if gone == 1 {
            break;
        }
        assert!(gone == 0 && began.elapsed() < Duration::from_secs(10), "{gone} are gone");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// OURS-GROWTH-01: tombstones go when all neighbours have heard of them, and nobody sees a difference.
#[test]
fn nodes_end_alike_though_tombstones_go() {
    let nodes = nodes(&[0, 0, 0]);
    let keys = ["A1", "A2", "A3"].map(|name| create(&nodes[0], ACCOUNTS, name, None));
    contents_are_alike(&nodes, &["A1", "A2", "A3"]);
    let delete = |node: &Node, key: &str| node.run(node.provider().delete(&node.collection(ACCOUNTS), key, None, None));
    delete(&nodes[0], &keys[0]).unwrap();
    pass(&nodes, 0, 1, ACCOUNTS, 100);
    pass(&nodes, 0, 1, ACCOUNTS, 100);
    // What a store knows of the database's clock may be a moment late; of tombstones that are not past by it, none goes.
    let purged = |number: usize| {
        nodes[number].run(nodes[number].until_stamps_are_past());
        nodes[number].purge(ACCOUNTS)
    };
    assert_eq!(purged(0), 0, "one has not heard of it");
    contents_are_alike(&nodes, &["A2", "A3"]);
    assert_eq!([0, 1, 2].map(purged), [1, 1, 1]);
    delete(&nodes[0], &keys[1]).unwrap();
    contents_are_alike(&nodes, &["A3"]);
    assert_eq!([2, 0, 1].map(purged), [1, 1, 1]);
    create(&nodes[2], ACCOUNTS, "A1 again", None);
    contents_are_alike(&nodes, &["A1 again", "A3"]);
}
