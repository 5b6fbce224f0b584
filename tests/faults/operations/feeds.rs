//! What peers send.

use crate::messages::{self, SAMPLE, SyncFeed, account_of, deleted_account};
use crate::state::chosen;

pub(super) const PEER: &str = "http://peer.example.com/sdata/peer/sample/-/accounts";
pub(super) const PEER_ORDERS: &str = "http://peer.example.com/sdata/peer/sample/-/salesOrders";

fn paged(start_index: u64) -> SyncFeed {
    let feed = SyncFeed::new(PEER, &[(PEER, 20, 5)]);
    SyncFeed { id: format!("{PEER}/$syncSource('feed')"), start_index: Some(start_index), ..feed }
}

/// Something new, the tombstone of what was never here, and something that loses against what is here.
pub(super) fn first_page() -> String {
    let feed = paged(1)
        .with((PEER, 1), &account_of(chosen(1), "F1", "first"))
        .with((PEER, 2), &deleted_account(chosen(2)))
        .stamped((PEER, 3, "2001-01-01T00:00:00Z"), &account_of(chosen(7), "A2", "older"));
    feed.with_next().xml()
}

pub(super) fn second_page() -> String {
    let feed = paged(4)
        .with((PEER, 4), &account_of(chosen(4), "F4", "fourth"))
        .with((PEER, 5), &account_of(chosen(1), "F1", "first again"));
    feed.with_next().xml()
}

pub(super) fn last_page() -> String {
    paged(6).with((PEER, 6), &account_of(chosen(6), "F6", "sixth")).xml()
}

/// A resource that comes again ends a chunk.
pub(super) fn three_chunks() -> String {
    let mut feed = SyncFeed::new(PEER, &[(PEER, 20, 5)]);
    for (tick, name) in ["one", "two", "three"].into_iter().enumerate() {
        let tick = tick as u64 * 2 + 1;
        feed = feed.with((PEER, tick), &account_of(chosen(1), "C1", name));
        feed = feed.with((PEER, tick + 1), &account_of(chosen(2), "C2", name));
    }
    feed.xml()
}

/// The same resource again and again: a chunk for each.
pub(crate) fn many_chunks(chunks: u64) -> String {
    let mut feed = SyncFeed::new(PEER, &[(PEER, chunks + 1, 5)]);
    for tick in 1..=chunks {
        feed = feed.with((PEER, tick), &account_of(chosen(1), "M1", &format!("name {tick}")));
    }
    feed.xml()
}

/// So much that it does not stay in memory until the operation is accepted.
pub(super) fn incompressible() -> String {
    let mut comments = String::new();
    let mut state: u64 = 88_172_645_463_325_252;
    for _ in 0..64 {
        comments.push_str("<!--");
        for _ in 0..4_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            comments.push_str(&format!("{state:016x}").replace('-', "+"));
        }
        comments.push_str("-->");
    }
    comments
}

pub(super) fn order(uuid: uuid::Uuid, account: uuid::Uuid) -> String {
    format!(
        "<salesOrder xmlns=\"{SAMPLE}\" sdata:uuid=\"{uuid}\"><orderNumber>O1</orderNumber>\
         <account sdata:uuid=\"{account}\"/></salesOrder>"
    )
}

pub(super) fn order_without_account() -> String {
    let feed = SyncFeed::new(PEER_ORDERS, &[(PEER_ORDERS, 8, 5)]);
    feed.with((PEER_ORDERS, 3), &order(chosen(5), chosen(1))).xml()
}

pub(super) fn results_feed() -> String {
    let result = |number: u8| {
        format!(
            "<entry><id/><http:httpStatus>201</http:httpStatus><sdata:payload>{}</sdata:payload></entry>",
            account_of(chosen(number), "R", "result")
        )
    };
    messages::batch(&[result(1), result(2)])
}
