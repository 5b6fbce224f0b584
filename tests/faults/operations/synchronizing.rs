//! `$syncSource`, `$syncTarget` and `$syncResults`.

use super::feeds::{
    PEER, PEER_ORDERS, first_page, incompressible, last_page, order, order_without_account, results_feed, second_page,
    three_chunks,
};
use super::{ACCOUNTS, Kind, ORDERS, Operation, failed, nothing, operation, origin, read};
use crate::messages::{SAMPLE, SyncFeed, account_of};
use crate::node::Node;
use crate::state::chosen;
use sdata_sync::jobs::ContextState;
use sdata_sync::protocol::Digest;
use sdata_sync::protocol::paging::PageRequest;
use sdata_sync::provider::Error;
use sdata_sync::provider::results::Reported;
use sdata_sync::provider::source::SourceRequest;
use sdata_sync::wire::{FeedReader, ReadLimits};
use std::time::Duration;

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        // What a process held that died does not come before the database has noticed that, but with the next pass.
        afterwards: |node| Box::pin(node.source(ORDERS, "afterwards", 10)),
        context: Some((ORDERS, Kind::SyncSource, "source")),
        ..operation(
            "$syncSource POST and pages",
            |node| Box::pin(node.orders_by_key()),
            |node| Box::pin(node.source(ORDERS, "source", 2)),
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::SyncSource, "source")),
        ..operation(
            "$syncSource with nothing to send",
            |node| Box::pin(async move { node.provider().read_digest(&node.collection(ACCOUNTS)).await.map(drop) }),
            |node| Box::pin(node.source(ACCOUNTS, "source", 10)),
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::SyncTarget, "page1")),
        ..operation(
            "$syncTarget first page",
            |node| Box::pin(node.two_accounts()),
            |node| Box::pin(node.target(ACCOUNTS, "page1", first_page())),
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::SyncTarget, "page2")),
        ..operation(
            "$syncTarget later page",
            |node| Box::pin(node.target(ACCOUNTS, "page1", first_page())),
            |node| Box::pin(node.target(ACCOUNTS, "page2", second_page())),
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::SyncTarget, "page3")),
        ..operation(
            "$syncTarget last page",
            |node| {
                Box::pin(async move {
                    node.target(ACCOUNTS, "page1", first_page()).await?;
                    node.target(ACCOUNTS, "page2", second_page()).await
                })
            },
            |node| Box::pin(node.target(ACCOUNTS, "page3", last_page())),
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::SyncTarget, "chunks")),
        ..operation(
            "$syncTarget in three chunks",
            |node| Box::pin(node.two_accounts()),
            |node| Box::pin(node.target(ACCOUNTS, "chunks", three_chunks())),
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::SyncTarget, "immediate")),
        ..operation("$syncTarget immediate", nothing, |node| {
            let feed = SyncFeed::new(PEER, &[(PEER, 2, 5)]).with((PEER, 1), &account_of(chosen(1), "I1", "one"));
            Box::pin(node.target(ACCOUNTS, "immediate", feed.in_mode(Some("immediate")).xml()))
        })
    },
    Operation {
        context: Some((ACCOUNTS, Kind::SyncTarget, "gap")),
        ..operation(
            "$syncTarget that fails as a whole",
            |node| Box::pin(node.two_accounts()),
            |node| {
                Box::pin(async move {
                    let feed = SyncFeed::new(PEER, &[(PEER, 9, 5)]);
                    let feed = feed.with((PEER, 4), &account_of(chosen(1), "G1", "gap"));
                    match node.target(ACCOUNTS, "gap", feed.in_mode(Some("immediate")).xml()).await {
                        Err(Error::Refused(failure)) if failure.status == 400 => Ok(()),
                        Err(error) => Err(error),
                        Ok(()) => Err(Error::Internal("a feed with a gap was taken in".to_owned())),
                    }
                })
            },
        )
    },
    Operation {
        context: Some((ACCOUNTS, Kind::SyncTarget, "large")),
        ..operation("$syncTarget with a large body", nothing, |node| {
            let feed = SyncFeed::new(PEER, &[(PEER, 2, 5)]).with((PEER, 1), &account_of(chosen(1), "L1", "one"));
            Box::pin(node.target(ACCOUNTS, "large", feed.raw(&incompressible()).xml()))
        })
    },
    Operation {
        context: Some((ORDERS, Kind::SyncTarget, "parks")),
        ..operation("$syncTarget that parks", nothing, |node| {
            Box::pin(node.target(ORDERS, "parks", order_without_account()))
        })
    },
    Operation {
        context: Some((ORDERS, Kind::SyncTarget, "after")),
        ..operation(
            "$syncTarget that applies what was parked",
            |node| {
                Box::pin(async move {
                    node.parked_with_its_account().await?;
                    node.provider().read_digest(&node.collection(ORDERS)).await.map(drop)
                })
            },
            |node| {
                let feed = SyncFeed::new(PEER_ORDERS, &[(PEER_ORDERS, 9, 5)]);
                Box::pin(node.target(ORDERS, "after", feed.xml()))
            },
        )
    },
    operation(
        "retry of what is parked",
        |node| Box::pin(node.parked_with_its_account()),
        |node| {
            Box::pin(async move {
                let store = node.store();
                store.parked_retry_now(None, store.time()).await?;
                let later = store.time().after(Duration::from_hours(24));
                while store.parked_due(later, 100).await?.contains(&node.collection(ORDERS).id) {
                    // Seldom: each time is a step, too.
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Ok(())
            })
        },
    ),
    Operation {
        may_repeat: &["resultsReceived", "reported"],
        ..operation("$syncResults", nothing, |node| {
            Box::pin(async move {
                let feed = results_feed();
                let mut reader = FeedReader::new(feed.as_bytes(), ReadLimits::default())?;
                let mut results: Vec<Reported> = Vec::new();
                while let Some(entry) = reader.next_entry()? {
                    results.push((&entry).into());
                }
                node.provider().record_results(&node.collection(ACCOUNTS), &results, &origin(None)).await
            })
        })
    },
];

impl Node {
    /// Three orders that name their account by its key: UUIDs are given and references translated when they are sent.
    async fn orders_by_key(&self) -> Result<(), Error> {
        self.two_accounts().await?;
        for number in 1..=3 {
            let key = self.remembered("key");
            let order = format!(
                "<salesOrder xmlns=\"{SAMPLE}\"><orderNumber>O{number}</orderNumber><account sdata:key=\"{key}\"/></salesOrder>"
            );
            self.provider().create(&self.collection(ORDERS), read(&order), None).await?;
        }
        Ok(())
    }

    /// An order is parked, and its account has come since. Before somebody gives occasion, it is not tried again.
    pub(crate) async fn parked_with_its_account(&self) -> Result<(), Error> {
        self.target(ORDERS, "parks", order_without_account()).await?;
        self.store().parked_retry_now(None, self.store().time().after(Duration::from_hours(1))).await?;
        let feed = SyncFeed::new(PEER, &[(PEER, 9, 5)]).with((PEER, 1), &account_of(chosen(1), "A1", "came"));
        self.target(ACCOUNTS, "account", feed.xml()).await
    }

    /// Another order is parked.
    pub(crate) async fn parked_again(&self) -> Result<(), Error> {
        let other = "http://other.example.com/sdata/other/sample/-/salesOrders";
        let feed = SyncFeed::new(other, &[(other, 8, 5)]).with((other, 3), &order(chosen(10), chosen(11)));
        self.target(ORDERS, "again", feed.xml()).await
    }

    /// Asks for everything, and reads all pages.
    async fn source(&self, kind: &str, id: &str, count: u64) -> Result<(), Error> {
        let (collection, id) = (self.collection(kind), format!("{}-{id}", self.name));
        let mut target_digest = Digest::default();
        if kind == ACCOUNTS {
            target_digest = self.provider().read_digest(&collection).await?;
        }
        let request = SourceRequest { target_digest, count: None };
        self.jobs().submit_source(&collection, &request, &origin(Some(id.clone()))).await?;
        let context = self.jobs().finished_context(&collection, Kind::SyncSource, &id).await?;
        let ContextState::Source(source) = context.state else { return failed(context.state) };
        let (mut start_index, mut read, mut after) = (1, 0, None);
        loop {
            let page = PageRequest { start_index, count };
            let found = self.provider().source_page(&collection, &source, page, after).await?;
            read += found.changes.len() as u64;
            start_index += found.changes.len() as u64;
            after = found.next;
            let Some(end) = &after else { break };
            let kept = self.jobs().remember_page_end(context.key, (*source).clone(), start_index, end);
            kept.await?;
        }
        assert_eq!(read, source.total, "not every entry came");
        Ok(())
    }
}
