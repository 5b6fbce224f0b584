//! Single resources, links, and batches of both.

use super::{ACCOUNTS, Kind, Operation, failed, nothing, operation, origin, read};
use crate::messages::{self, SAMPLE, account_of, posted};
use crate::node::{Node, REFUSED};
use crate::state::chosen;
use futures_util::StreamExt;
use sdata_sync::jobs::ContextState;
use sdata_sync::provider::Error;
use sdata_sync::provider::linking::LinkRequest;

pub(super) static OPERATIONS: &[Operation] = &[
    operation("resource POST", nothing, |node| {
        Box::pin(async move {
            let entry = read(&account_of(chosen(1), "P1", "posted"));
            node.provider().create(&node.collection(ACCOUNTS), entry, None).await.map(drop)
        })
    }),
    Operation {
        is_done: |error| matches!(error, Error::OutOfDate { .. }),
        ..operation(
            "resource PUT",
            |node| Box::pin(node.two_accounts()),
            |node| {
                Box::pin(async move {
                    let (key, version) = (node.remembered("key"), node.remembered("version"));
                    let entry = read(&messages::account("A1", "changed"));
                    let collection = node.collection(ACCOUNTS);
                    node.provider().update(&collection, &key, entry, Some(&version), None).await.map(drop)
                })
            },
        )
    },
    Operation {
        is_done: |error| matches!(error, Error::Gone(_)),
        ..operation(
            "resource DELETE",
            |node| Box::pin(node.two_accounts()),
            |node| {
                Box::pin(async move {
                    let key = node.remembered("key");
                    node.provider().delete(&node.collection(ACCOUNTS), &key, None, None).await
                })
            },
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::Batch, "batch")),
        ..operation(
            "$batch",
            |node| Box::pin(node.two_accounts()),
            |node| {
                let key = node.remembered("key");
                let url = node.collection(ACCOUNTS).resource_url(&key);
                let put = format!(
                    "<entry><id>{url}</id><http:httpMethod>PUT</http:httpMethod><http:ifMatch>{}</http:ifMatch>\
                     <sdata:payload>{}</sdata:payload></entry>",
                    node.remembered("version").replace('"', "&quot;"),
                    messages::account("A1", "batched"),
                );
                let delete = format!("<entry><id>{url}</id><http:httpMethod>DELETE</http:httpMethod></entry>");
                let entries = [posted(&account_of(chosen(3), "B1", "new")), put, delete];
                Box::pin(node.batch(Kind::Batch, "batch", messages::batch(&entries)))
            },
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::Batch, "refused")),
        ..operation("$batch with an entry that the database refuses", nothing, |node| {
            let refused = messages::account("B2", "refused");
            let refused = refused.replacen("<account", &format!("<account sdata:key=\"{REFUSED}\""), 1);
            let other = |number: u8| posted(&account_of(chosen(number), &format!("B{number}"), "taken"));
            // Halves of these fail together, until it is alone.
            let entries = [other(1), posted(&refused), other(3), other(4)];
            Box::pin(node.batch(Kind::Batch, "refused", messages::batch(&entries)))
        })
    },
    operation(
        "$linked POST",
        |node| Box::pin(node.two_accounts()),
        |node| {
            Box::pin(async move {
                let link = LinkRequest::Link { key: node.remembered("key"), uuid: Some(chosen(8)) };
                node.provider().change_link(&node.collection(ACCOUNTS), link, None).await.map(drop)
            })
        },
    ),
    Operation {
        // Whoever had the answer would ask for the new UUID from then on.
        is_done: |error| matches!(error, Error::NotFound { .. } | Error::Gone(_) | Error::Taken(_)),
        ..operation(
            "$linked PUT",
            |node| Box::pin(node.linked()),
            |node| {
                Box::pin(async move {
                    let link =
                        LinkRequest::Relink { uuid: chosen(8), key: node.remembered("key"), to: Some(chosen(9)) };
                    node.provider().change_link(&node.collection(ACCOUNTS), link, None).await.map(drop)
                })
            },
        )
    },
    Operation {
        is_done: |error| matches!(error, Error::NotFound { .. } | Error::Gone(_)),
        ..operation(
            "$linked DELETE",
            |node| Box::pin(node.linked()),
            |node| {
                Box::pin(async move {
                    let link = LinkRequest::Unlink(chosen(8));
                    node.provider().change_link(&node.collection(ACCOUNTS), link, None).await.map(drop)
                })
            },
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::LinkedBatch, "links")),
        ..operation(
            "$linked/$batch",
            |node| Box::pin(node.two_accounts()),
            |node| {
                let link = |key: &str, uuid| {
                    posted(&format!("<account xmlns=\"{SAMPLE}\" sdata:key=\"{key}\" sdata:uuid=\"{uuid}\"/>"))
                };
                let entries = [link(&node.remembered("key"), chosen(8)), link(&node.remembered("other"), chosen(9))];
                Box::pin(node.batch(Kind::LinkedBatch, "links", messages::batch(&entries)))
            },
        )
    },
];

impl Node {
    async fn linked(&self) -> Result<(), Error> {
        self.two_accounts().await?;
        let link = LinkRequest::Link { key: self.remembered("key"), uuid: Some(chosen(8)) };
        self.provider().change_link(&self.collection(ACCOUNTS), link, None).await.map(drop)
    }

    async fn batch(&self, operation: Kind, id: &str, feed: String) -> Result<(), Error> {
        let (collection, id) = (self.collection(ACCOUNTS), format!("{}-{id}", self.name));
        let body = futures_util::stream::once(async move { Ok(feed.into()) }).boxed_local();
        self.jobs().submit_batch(&collection, operation, body, &origin(Some(id.clone())), false).await?;
        let context = self.jobs().finished_context(&collection, operation, &id).await?;
        match context.state {
            ContextState::Batch(_) => Ok(()),
            other => failed(other),
        }
    }
}
