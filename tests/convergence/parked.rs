//! Entries that could not be applied at first: what becomes of them, here and behind a relay.

use crate::ledger;
use crate::network::{begin, both_ways, pass};
use crate::node::{Node, nodes};
use crate::requests::{Refer, Written, entry};
use rstest::rstest;
use uuid::Uuid;

const ACCOUNTS: &str = "accounts";
const ORDERS: &str = "salesOrders";

fn create(node: &Node, kind: &str, marker: &str, written: &Written) -> String {
    let created = node.run(node.provider().create(&node.collection(kind), entry(kind, marker, written), None));
    created.unwrap().resource.key
}

fn account(node: &Node, code: &str) -> Refer {
    let written = Written { name: Some(code.to_owned()), ..Written::default() };
    Refer::Key(create(node, ACCOUNTS, code, &written))
}

fn order(node: &Node, marker: &str, account: Refer) {
    let written = Written { name: Some("O1".to_owned()), account: Some(account), ..Written::default() };
    create(node, ORDERS, marker, &written);
}

fn change_order(node: &Node, marker: &str, account: Option<Refer>) {
    let key = ledger::documents(node, ORDERS)[0].resource.key.clone();
    let entry = entry(ORDERS, marker, &Written { account, ..Written::default() });
    node.run(node.provider().update(&node.collection(ORDERS), &key, entry, Some("*"), None)).unwrap();
}

fn order_of(node: &Node) -> String {
    ledger::markers(node, ORDERS).into_values().collect()
}

/// SYNC-2.1-02: an update that waits for its account is a conflict with what is changed meanwhile, also after that has been sent back.
#[rstest]
#[case::applied_before_anything_is_sent_back(false)]
#[case::sent_back_before_it_is_applied(true)]
fn a_parked_change_still_wins_over_an_earlier_one_made_meanwhile(#[case] sent_back: bool) {
    let nodes = nodes(&[0, -60_000]);
    let first = account(&nodes[0], "A1");
    order(&nodes[0], "O1 first", first);
    both_ways(&nodes, 0, 1, ACCOUNTS);
    both_ways(&nodes, 0, 1, ORDERS);
    let second = account(&nodes[0], "A2");
    change_order(&nodes[0], "O1 later", Some(second));
    pass(&nodes, 0, 1, ORDERS, 100);
    // By the clock of this node, a minute before.
    change_order(&nodes[1], "O1 earlier", None);
    if sent_back {
        pass(&nodes, 1, 0, ORDERS, 100);
    }
    for kind in [ACCOUNTS, ORDERS] {
        both_ways(&nodes, 0, 1, kind);
    }
    assert_eq!([order_of(&nodes[0]), order_of(&nodes[1])], ["O1 later", "O1 later"]);
}

/// Brings an order to a relay without its account, twice, and a third node to where the relay says it is in between.
fn parked_at_a_relay_and_sent_again(account_comes_first: bool) -> Vec<Node> {
    let nodes = nodes(&[0, 0, 0]);
    let account = account(&nodes[0], "A1");
    order(&nodes[0], "O1 v1", account);
    let mut feeds = [begin(&nodes, 0, 1, ORDERS, 100), begin(&nodes, 0, 1, ORDERS, 100)];
    assert!(feeds[0].carry(&nodes));
    pass(&nodes, 1, 2, ORDERS, 100);
    if account_comes_first {
        pass(&nodes, 0, 1, ACCOUNTS, 100);
    }
    assert!(feeds[1].carry(&nodes));
    for kind in [ACCOUNTS, ORDERS] {
        pass(&nodes, 0, 1, kind, 100);
        pass(&nodes, 1, 2, kind, 100);
    }
    nodes
}

/// SYNC-2.1-01: who adopted the relay's digest meanwhile gets the order from the relay.
#[test]
fn what_is_parked_twice_still_reaches_those_behind_the_relay() {
    let nodes = parked_at_a_relay_and_sent_again(false);
    assert_eq!([order_of(&nodes[1]), order_of(&nodes[2])], ["O1 v1", "O1 v1"]);
}

/// SYNC-2.1-01: the same when it is not the retry that applies it, but its second coming.
#[test]
fn what_was_parked_and_comes_again_still_reaches_those_behind_the_relay() {
    let nodes = parked_at_a_relay_and_sent_again(true);
    assert_eq!([order_of(&nodes[1]), order_of(&nodes[2])], ["O1 v1", "O1 v1"]);
}

/// SYNC-2.1-02: an update that is sent again before its account is there stays parked.
#[test]
fn a_parked_change_that_comes_again_is_not_taken_for_one_that_is_here() {
    let nodes = nodes(&[0, 0, 0]);
    let first = account(&nodes[0], "A1");
    order(&nodes[0], "O1 first", first);
    for kind in [ACCOUNTS, ORDERS] {
        both_ways(&nodes, 0, 1, kind);
        both_ways(&nodes, 1, 2, kind);
    }
    let second = account(&nodes[2], "A2");
    change_order(&nodes[2], "O1 later", Some(second));
    pass(&nodes, 2, 1, ACCOUNTS, 100);
    both_ways(&nodes, 2, 1, ORDERS);
    // The middle one has it; the first does not have the account.
    let mut feeds = [begin(&nodes, 1, 0, ORDERS, 100), begin(&nodes, 1, 0, ORDERS, 100)];
    assert!(feeds.iter_mut().all(|feed| feed.carry(&nodes)));
    let uuid = ledger::documents(&nodes[0], ORDERS)[0].resource.uuid.unwrap();
    assert_eq!(parked(&nodes[0]), [uuid]);
    for kind in [ACCOUNTS, ORDERS] {
        both_ways(&nodes, 1, 0, kind);
    }
    assert_eq!([order_of(&nodes[0]), order_of(&nodes[1])], ["O1 later", "O1 later"]);
    assert_eq!(parked(&nodes[0]), [] as [Uuid; 0]);
}

/// SYNC-2.1-01: an account whose code is taken at the relay is nowhere behind it, until the code is free.
#[test]
fn what_a_relay_can_apply_at_last_reaches_those_behind_it() {
    let nodes = nodes(&[0, 0, 0]);
    account(&nodes[0], "A1");
    let Refer::Key(taken) = account(&nodes[1], "A1") else { panic!("an account has a key") };
    both_ways(&nodes, 0, 1, ACCOUNTS);
    both_ways(&nodes, 1, 2, ACCOUNTS);
    assert_eq!(ledger::documents(&nodes[2], ACCOUNTS).len(), 1);
    let free = entry(ACCOUNTS, "A2", &Written { name: Some("A2".to_owned()), ..Written::default() });
    nodes[1].run(nodes[1].provider().update(&nodes[1].collection(ACCOUNTS), &taken, free, Some("*"), None)).unwrap();
    both_ways(&nodes, 0, 1, ACCOUNTS);
    both_ways(&nodes, 1, 2, ACCOUNTS);
    for node in &nodes {
        assert_eq!(ledger::markers(node, ACCOUNTS).into_keys().collect::<Vec<_>>(), ["A1", "A2"], "{}", node.name);
    }
}

fn parked(node: &Node) -> Vec<Uuid> {
    let read = async {
        let mut txn = node.provider().store.begin().await.unwrap();
        txn.parked_batch(node.collection(ORDERS).id, None, (100, u64::MAX)).await.unwrap()
    };
    node.run(read).into_iter().filter_map(|parked| parked.entry.uuid).collect()
}
