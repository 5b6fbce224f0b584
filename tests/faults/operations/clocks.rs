//! `$syncDigest`, and clocks that turn out to have fallen.

use super::feeds::PEER;
use super::{ACCOUNTS, Operation, operation, origin};
use crate::messages::digest_entry;
use crate::node::Node;
use sdata_sync::protocol::Tick;
use sdata_sync::provider::Error;
use sdata_sync::provider::digest::DigestWrite;
use sdata_sync::wire::{DigestUse, ReadLimits, read_digest_entry};

/// An own tick of which a peer knows, and nobody here.
const FORGOTTEN: u64 = 20;

pub(super) static OPERATIONS: &[Operation] = &[
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
    operation(
        "$syncDigest POST of who knows more of us than we do",
        |node| Box::pin(node.numbered()),
        |node| Box::pin(node.accused()),
    ),
    operation(
        "the end of a recovery",
        |node| {
            Box::pin(async move {
                node.numbered().await?;
                node.accused().await
            })
        },
        |node| {
            Box::pin(async move {
                let known = Tick::new(FORGOTTEN * 2).unwrap();
                node.provider().resume_clock(&node.collection(ACCOUNTS), known).await.map(drop)
            })
        },
    ),
];

impl Node {
    async fn write_digest(&self, tick: u64, write: DigestWrite) -> Result<(), Error> {
        self.write_digest_of(&[(PEER, tick, 3)], write).await
    }

    async fn write_digest_of(&self, entries: &[(&str, u64, u8)], write: DigestWrite) -> Result<(), Error> {
        let sent = digest_entry(PEER, entries);
        let sent = read_digest_entry(sent.as_bytes(), DigestUse::Written, ReadLimits::default())?;
        let collection = self.collection(ACCOUNTS);
        self.provider().write_digest(&collection, &sent, write, &origin(None)).await.map(drop)
    }

    /// Two accounts that have their ticks.
    async fn numbered(&self) -> Result<(), Error> {
        self.two_accounts().await?;
        self.provider().read_digest(&self.collection(ACCOUNTS)).await.map(drop)
    }

    /// A peer's digest shows that this database was put back in time. It is refused, and heard.
    async fn accused(&self) -> Result<(), Error> {
        let own = self.collection(ACCOUNTS);
        let known = [(PEER, 7, 3), (own.endpoint.as_str(), FORGOTTEN, 3)];
        match self.write_digest_of(&known, DigestWrite::Merge).await {
            Err(Error::OwnTick(_)) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Err(Error::Internal("a digest that would move the own tick was taken".to_owned())),
        }
    }
}
