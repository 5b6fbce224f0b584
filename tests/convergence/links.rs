//! What people do to links, at one node.

use crate::node::Node;
use sdata_sync::provider::linking::{LinkRequest, Linked};
use uuid::Uuid;

/// Links a resource; answers its UUID, which is the one it had if it was linked before.
pub(crate) fn link(node: &Node, kind: &str, key: &str, uuid: Option<Uuid>) -> Uuid {
    change(node, kind, &[LinkRequest::Link { key: key.to_owned(), uuid }]).unwrap()
}

/// Takes the UUID of a resource away, and gives it back.
pub(crate) fn link_again(node: &Node, kind: &str, key: &str, uuid: Uuid) {
    let again = LinkRequest::Link { key: key.to_owned(), uuid: Some(uuid) };
    assert_eq!(change(node, kind, &[LinkRequest::Unlink(uuid), again]), Some(uuid));
}

/// The resource linked as `uuid` gets another UUID; who bore that loses it.
pub(crate) fn rename(node: &Node, kind: &str, key: &str, uuid: Uuid, to: Uuid) {
    assert_eq!(change(node, kind, &[LinkRequest::Relink { uuid, key: key.to_owned(), to: Some(to) }]), Some(to));
}

/// The UUID of what the last request was about.
fn change(node: &Node, kind: &str, requests: &[LinkRequest]) -> Option<Uuid> {
    let outcomes = node.run(node.provider().change_links(&node.collection(kind), requests, None)).unwrap();
    let mut last = None;
    for outcome in outcomes {
        last = match outcome.unwrap() {
            Linked::Created(document) | Linked::Found(document) => document.resource.uuid,
            Linked::Removed => None,
        };
    }
    last
}
