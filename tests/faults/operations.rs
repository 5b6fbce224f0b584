//! The operations whose steps are made to fail: what must be there before, and what a client does, and does again.

use crate::messages::{self, SAMPLE, SyncFeed, account_of, deleted_account, digest_entry, posted};
use crate::node::Node;
use crate::state::chosen;
use futures_util::StreamExt;
use sdata_sync::jobs::ContextState;
use sdata_sync::protocol::paging::PageRequest;
use sdata_sync::protocol::{Digest, Run, Stamp};
use sdata_sync::provider::Error;
use sdata_sync::provider::audit::Origin;
use sdata_sync::provider::digest::DigestWrite;
use sdata_sync::provider::linking::LinkRequest;
use sdata_sync::provider::source::SourceRequest;
use sdata_sync::store::Operation as Kind;
use sdata_sync::wire::{DigestUse, Entry, FeedReader, ReadLimits, read_digest_entry, read_entry};
use std::pin::Pin;
use std::time::Duration;

/// What a client does with a node.
type Doing<'n> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'n>>;

/// One operation.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// What must be there before; nothing goes wrong in it.
    pub(crate) prepare: for<'n> fn(&'n Node) -> Doing<'n>,
    /// What the client does: the same again, when it was not answered or told to try again.
    pub(crate) perform: for<'n> fn(&'n Node) -> Doing<'n>,
    /// Whether an answer says that an earlier request was carried out.
    pub(crate) is_done: fn(&Error) -> bool,
    /// Facts with one of these words may be there more than once, when the request was: the audit tells of both.
    pub(crate) may_repeat: &'static [&'static str],
    /// What comes later, and then goes well: what was left out is made up for.
    pub(crate) afterwards: for<'n> fn(&'n Node) -> Doing<'n>,
    /// The context whose results count: its collection, kind and trackingID.
    pub(crate) context: Option<(&'static str, Kind, &'static str)>,
}

/// Kinds that are used.
pub(crate) const ACCOUNTS: &str = "accounts";
pub(crate) const ORDERS: &str = "salesOrders";

const PEER: &str = "http://peer.example.com/sdata/peer/sample/-/accounts";
const PEER_ORDERS: &str = "http://peer.example.com/sdata/peer/sample/-/salesOrders";

const NEVER: fn(&Error) -> bool = |_| false;

const fn operation(
    name: &'static str,
    prepare: for<'n> fn(&'n Node) -> Doing<'n>,
    perform: for<'n> fn(&'n Node) -> Doing<'n>,
) -> Operation {
    Operation { name, prepare, perform, is_done: NEVER, may_repeat: &[], afterwards: nothing, context: None }
}

/// All of them.
pub(crate) static OPERATIONS: &[Operation] = &[
    operation(
        "$syncDigest GET",
        |node| Box::pin(node.two_accounts()),
        |node| Box::pin(async move { node.provider().read_digest(&node.collection(ACCOUNTS)).await.map(drop) }),
    ),
    Operation {
        may_repeat: &["event digestWritten"],
        ..operation(
            "$syncDigest POST",
            |node| Box::pin(node.two_accounts()),
            |node| Box::pin(node.write_digest(7, DigestWrite::Merge)),
        )
    },
    Operation {
        may_repeat: &["event digestWritten"],
        ..operation(
            "$syncDigest PUT",
            |node| Box::pin(node.write_digest(9, DigestWrite::Merge)),
            |node| Box::pin(node.write_digest(4, DigestWrite::Replace)),
        )
    },
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
                let later = Stamp::from_millis(store.time().millis() + 86_400_000);
                while store.parked_due(later, 100).await?.contains(&node.collection(ORDERS).id) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
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
                let mut entries = Vec::new();
                while let Some(entry) = reader.next_entry()? {
                    entries.push(entry);
                }
                node.provider().record_results(&node.collection(ACCOUNTS), &entries, &origin(None)).await
            })
        })
    },
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
];

/// Expiry as it will be in two days.
async fn expire(node: &Node) -> Result<u64, Error> {
    let later = Stamp::from_millis(node.store().time().millis() + 2 * 86_400_000);
    Ok(node.store().expire(later, Duration::from_secs(30 * 86_400)).await?)
}

fn nothing(_: &Node) -> Doing<'_> {
    Box::pin(async { Ok(()) })
}

fn origin(tracking_id: Option<String>) -> Origin {
    let run = Run { name: "faults".to_owned(), stamp: "2026-01-01T00:00:00Z".to_owned() };
    Origin { run: Some(run), tracking_id, ..Origin::default() }
}

fn read(resource: &str) -> Entry {
    read_entry(messages::entry(resource).as_bytes(), ReadLimits::default()).unwrap()
}

fn paged(start_index: u64) -> SyncFeed {
    let feed = SyncFeed::new(PEER, &[(PEER, 20, 5)]);
    SyncFeed { id: format!("{PEER}/$syncSource('feed')"), start_index: Some(start_index), ..feed }
}

/// Something new, the tombstone of what was never here, and something that loses against what is here.
fn first_page() -> String {
    let feed = paged(1)
        .with((PEER, 1), &account_of(chosen(1), "F1", "first"))
        .with((PEER, 2), &deleted_account(chosen(2)))
        .stamped((PEER, 3, "2001-01-01T00:00:00Z"), &account_of(chosen(7), "A2", "older"));
    feed.with_next().xml()
}

fn second_page() -> String {
    let feed = paged(4)
        .with((PEER, 4), &account_of(chosen(4), "F4", "fourth"))
        .with((PEER, 5), &account_of(chosen(1), "F1", "first again"));
    feed.with_next().xml()
}

fn last_page() -> String {
    paged(6).with((PEER, 6), &account_of(chosen(6), "F6", "sixth")).xml()
}

/// A resource that comes again ends a chunk.
fn three_chunks() -> String {
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
fn incompressible() -> String {
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

fn order(uuid: uuid::Uuid, account: uuid::Uuid) -> String {
    format!(
        "<salesOrder xmlns=\"{SAMPLE}\" sdata:uuid=\"{uuid}\"><orderNumber>O1</orderNumber>\
         <account sdata:uuid=\"{account}\"/></salesOrder>"
    )
}

fn order_without_account() -> String {
    let feed = SyncFeed::new(PEER_ORDERS, &[(PEER_ORDERS, 8, 5)]);
    feed.with((PEER_ORDERS, 3), &order(chosen(5), chosen(1))).xml()
}

fn results_feed() -> String {
    let result = |number: u8| {
        format!(
            "<entry><id/><http:httpStatus>201</http:httpStatus><sdata:payload>{}</sdata:payload></entry>",
            account_of(chosen(number), "R", "result")
        )
    };
    messages::batch(&[result(1), result(2)])
}

impl Node {
    /// Two accounts, one of them with a UUID; the client knows the key and version of the first.
    async fn two_accounts(&self) -> Result<(), Error> {
        let collection = self.collection(ACCOUNTS);
        let first = self.provider().create(&collection, read(&messages::account("A1", "one")), None).await?;
        let second = self.provider().create(&collection, read(&account_of(chosen(7), "A2", "two")), None).await?;
        self.remember("key", &first.resource.key);
        self.remember("version", &first.resource.etag);
        self.remember("other", &second.resource.key);
        Ok(())
    }

    async fn linked(&self) -> Result<(), Error> {
        self.two_accounts().await?;
        let link = LinkRequest::Link { key: self.remembered("key"), uuid: Some(chosen(8)) };
        self.provider().change_link(&self.collection(ACCOUNTS), link, None).await.map(drop)
    }

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

    /// An order is parked, and its account has come since.
    pub(crate) async fn parked_with_its_account(&self) -> Result<(), Error> {
        self.target(ORDERS, "parks", order_without_account()).await?;
        let feed = SyncFeed::new(PEER, &[(PEER, 9, 5)]).with((PEER, 1), &account_of(chosen(1), "A1", "came"));
        self.target(ACCOUNTS, "account", feed.xml()).await
    }

    /// Another order is parked.
    pub(crate) async fn parked_again(&self) -> Result<(), Error> {
        let other = "http://other.example.com/sdata/other/sample/-/salesOrders";
        let feed = SyncFeed::new(other, &[(other, 8, 5)]).with((other, 3), &order(chosen(10), chosen(11)));
        self.target(ORDERS, "again", feed.xml()).await
    }

    async fn write_digest(&self, tick: u64, write: DigestWrite) -> Result<(), Error> {
        let sent = digest_entry(PEER, &[(PEER, tick, 3)]);
        let sent = read_digest_entry(sent.as_bytes(), DigestUse::Written, ReadLimits::default())?;
        let collection = self.collection(ACCOUNTS);
        self.provider().write_digest(&collection, &sent, write, &origin(None)).await.map(drop)
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

    pub(crate) async fn target(&self, kind: &str, id: &str, feed: String) -> Result<(), Error> {
        let (collection, id) = (self.collection(kind), format!("{}-{id}", self.name));
        let body = futures_util::stream::once(async move { Ok(feed.into()) }).boxed_local();
        self.jobs().submit_target(&collection, body, &origin(Some(id.clone()))).await?;
        let context = self.jobs().finished_context(&collection, Kind::SyncTarget, &id).await?;
        match context.state {
            ContextState::Target(_) => Ok(()),
            other => failed(other),
        }
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

fn failed(state: ContextState) -> Result<(), Error> {
    match state {
        ContextState::Failed(failure) => Err(Error::Refused(failure)),
        other => Err(Error::Internal(format!("{other:?}"))),
    }
}
