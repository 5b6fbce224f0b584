//! What ends, or is thrown away: contexts, parked entries, tombstones, old rows of the audit.

use super::feeds::{first_page, order_without_account, second_page};
use super::{ACCOUNTS, Kind, ORDERS, Operation, operation, origin};
use crate::node::Node;
use sdata_sync::protocol::Stamp;
use sdata_sync::protocol::horizon::TombstoneAges;
use sdata_sync::provider::Error;
use sdata_sync::store::ParkedId;
use std::time::Duration;

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        is_done: |error| matches!(error, Error::Gone(_)),
        context: Some((ACCOUNTS, Kind::SyncTarget, "page1")),
        ..operation(
            "context DELETE",
            |node| Box::pin(node.target(ACCOUNTS, "page1", first_page())),
            |node| {
                Box::pin(async move {
                    let (collection, id) = (node.collection(ACCOUNTS), format!("{}-page1", node.name));
                    node.jobs().delete_context(&collection, Kind::SyncTarget, &id, &origin(None)).await
                })
            },
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::SyncTarget, "page1")),
        ..operation(
            "expiry",
            |node| {
                Box::pin(async move {
                    // What other cases left on the same server: some go at a time, and these must not be before its turn.
                    while expire(node).await? > 0 {}
                    node.target(ACCOUNTS, "page1", first_page()).await
                })
            },
            |node| Box::pin(async move { expire(node).await.map(drop) }),
        )
    },
    Operation {
        context: Some((ORDERS, Kind::SyncTarget, "parks")),
        ..operation(
            "discarding what is parked",
            |node| {
                Box::pin(async move {
                    node.target(ORDERS, "parks", order_without_account()).await?;
                    let mut txn = node.store().begin().await?;
                    let parked = txn.parked_batch(node.collection(ORDERS).id, None, (1, u64::MAX)).await?;
                    node.remember("parked", &parked[0].id.0.to_string());
                    Ok(txn.rollback().await?)
                })
            },
            |node| {
                Box::pin(async move {
                    let id = ParkedId(node.remembered("parked").parse().unwrap());
                    Ok(node.store().parked_discard(Some(&[id])).await.map(drop)?)
                })
            },
        )
    },
    operation(
        "purge of tombstones",
        |node| {
            Box::pin(async move {
                node.two_accounts().await?;
                let accounts = node.collection(ACCOUNTS);
                node.provider().delete(&accounts, &node.remembered("other"), None, None).await?;
                node.provider().read_digest(&accounts).await?;
                node.until_stamps_are_past().await;
                Ok(())
            })
        },
        |node| {
            Box::pin(async move {
                let ages = TombstoneAges { least: None, most: Some(Duration::ZERO) };
                node.provider().purge_some(&node.collection(ACCOUNTS), ages, None).await.map(drop)
            })
        },
    ),
    Operation {
        context: Some((ACCOUNTS, Kind::SyncTarget, "page2")),
        ..operation(
            "purge of the audit",
            |node| {
                Box::pin(async move {
                    // As above: what others left goes before.
                    while forget(node, node.provider().now()).await? > 0 {}
                    node.target(ACCOUNTS, "page1", first_page()).await?;
                    // Times are whole milliseconds.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    node.remember("between", &node.provider().now().to_micros().to_string());
                    node.target(ACCOUNTS, "page2", second_page()).await
                })
            },
            |node| {
                Box::pin(async move {
                    let between = Stamp::from_micros(node.remembered("between").parse().unwrap());
                    forget(node, between).await.map(drop)
                })
            },
        )
    },
];

/// Expiry as it will be in two days.
async fn expire(node: &Node) -> Result<u64, Error> {
    let later = Stamp::from_millis(node.store().time().millis() + 2 * 86_400_000);
    Ok(node.store().expire(later, Duration::from_secs(30 * 86_400)).await?)
}

/// One step of a purge of all that the audit holds from before `before`; runs last, as they are needed.
async fn forget(node: &Node, before: Stamp) -> Result<u64, Error> {
    let store = node.store();
    let rows = store.forget_events(before).await? + store.forget_changes(before).await?;
    Ok(rows + store.forget_runs(before).await?)
}
