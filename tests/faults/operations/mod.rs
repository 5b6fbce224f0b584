//! The operations whose steps are made to fail: what must be there before, and what a client does, and does again.

mod accounts;
mod clocks;
mod ends;
pub(crate) mod feeds;
mod resources;
mod synchronizing;

use crate::messages::{self, account_of};
use crate::node::Node;
use crate::state::chosen;
use futures_util::StreamExt;
use sdata_sync::jobs::ContextState;
use sdata_sync::protocol::Run;
use sdata_sync::provider::Error;
use sdata_sync::provider::audit::Origin;
use sdata_sync::store::Operation as Kind;
use sdata_sync::wire::{Entry, ReadLimits, read_entry};
use std::pin::Pin;

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

const NEVER: fn(&Error) -> bool = |_| false;

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    let themes =
        [clocks::OPERATIONS, synchronizing::OPERATIONS, resources::OPERATIONS, ends::OPERATIONS, accounts::OPERATIONS];
    themes.into_iter().flatten()
}

const fn operation(
    name: &'static str,
    prepare: for<'n> fn(&'n Node) -> Doing<'n>,
    perform: for<'n> fn(&'n Node) -> Doing<'n>,
) -> Operation {
    Operation { name, prepare, perform, is_done: NEVER, may_repeat: &[], afterwards: nothing, context: None }
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

    /// Sends a page for `$syncTarget`, and reads its context until it is taken in.
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
}

fn failed(state: ContextState) -> Result<(), Error> {
    match state {
        ContextState::Failed(failure) => Err(Error::Refused(failure)),
        other => Err(Error::Internal(format!("{other:?}"))),
    }
}
