//! `$linked/$batch`: many links in one request (sync 1.3; core 13).

use super::{LinkRequest, Linked, change_links_in};
use crate::protocol::Endpoint;
use crate::protocol::operation::{LINKED, is_operation};
use crate::protocol::path::{Selector, segment};
use crate::provider::batch::job::{Told, by_halves, is_of_one_entry};
use crate::provider::batch::request::uuid_of;
use crate::provider::batch::{BatchEntry, BatchJob, Method};
use crate::provider::{Collection, Error, Provider};
use crate::wire::Entry;
use uuid::Uuid;

/// An entry of a batch of links.
#[derive(Debug)]
pub struct LinkEntry {
    method: Method,
    request: Result<LinkRequest, Error>,
}

impl LinkEntry {
    /// The UUID that the result names where the link is not there.
    fn uuid(&self) -> Option<Uuid> {
        self.request.as_ref().ok()?.uuids().next()
    }
}

impl BatchEntry for LinkEntry {
    /// Without `http:httpMethod` it is a POST: a batch of links is there to make many.
    fn of_entry(collection: &Collection, entry: Entry) -> Self {
        let method = entry.http_method.as_deref().map_or(Method::Post, Method::parse);
        let request = match &method {
            Method::Post => LinkRequest::post(collection, &entry),
            Method::Put => link_of(collection, &entry).and_then(|uuid| LinkRequest::put(collection, uuid, &entry)),
            Method::Get => link_of(collection, &entry).map(LinkRequest::Read),
            Method::Delete => link_of(collection, &entry).map(LinkRequest::Unlink),
            Method::Merge | Method::Other(_) => Err(Error::MethodNotAllowed {
                message: format!("http:httpMethod '{}': a link takes GET, POST, PUT and DELETE", method.name()),
                allow: "GET, POST, PUT, DELETE",
            }),
        };
        Self { method, request }
    }

    async fn carry_out(
        provider: &Provider,
        entries: &[Self],
        user: Option<&str>,
        job: &BatchJob<'_>,
    ) -> Result<usize, Error> {
        let together = |entries, _| carry_out_together(provider, entries, user, job);
        match by_halves(entries, is_of_one_entry, together).await {
            Err(([entry], error)) if is_of_one_entry(&error) => {
                job.record_failure(provider, refused(entry, &error)).await?;
                Ok(1)
            }
            tried => tried.map_err(|(_, error)| error),
        }
    }
}

async fn carry_out_together(
    provider: &Provider,
    entries: &[LinkEntry],
    user: Option<&str>,
    job: &BatchJob<'_>,
) -> Result<usize, Error> {
    let requests: Vec<_> = entries.iter().filter_map(|entry| entry.request.as_ref().ok()).cloned().collect();
    let mut txn = provider.store.begin().await?;
    job.hold(&mut txn).await?;
    let now = provider.now();
    let outcomes = change_links_in(&mut txn, job.collection, &requests, (now, user)).await?;
    let mut outcomes = outcomes.iter();
    let told = entries.iter().map(|entry| match &entry.request {
        Ok(_) => told(entry, outcomes.next()),
        Err(error) => refused(entry, error),
    });
    job.record(&mut txn, &job.rows(told)?, now).await?;
    txn.commit().await?;
    Ok(entries.len())
}

fn told<'t>(entry: &'t LinkEntry, outcome: Option<&'t Result<Linked, Error>>) -> Told<'t> {
    let (done, document) = match outcome {
        Some(Ok(Linked::Created(document))) => (Ok(201), Some(document)),
        Some(Ok(Linked::Found(document))) => (Ok(200), Some(document)),
        Some(Ok(Linked::Removed)) | None => (Ok(200), None),
        Some(Err(error)) => return refused(entry, error),
    };
    Told { method: &entry.method, named: (None, entry.uuid()), done, document, is_gone: false }
}

fn refused<'t>(entry: &'t LinkEntry, error: &'t Error) -> Told<'t> {
    Told { method: &entry.method, named: (None, entry.uuid()), done: Err(error), document: None, is_gone: false }
}

/// The link that an entry is about: its id says so (core 13.3), or else the UUID of its payload.
fn link_of(collection: &Collection, entry: &Entry) -> Result<Uuid, Error> {
    let url = entry.id.trim();
    if !url.is_empty() {
        return uuid_in(collection, url).ok_or_else(|| {
            let example = collection.link_url(Uuid::nil());
            Error::BadUrl(format!("'{url}' is no link of this collection; '{example}' would be one"))
        });
    }
    let message = "the entry does not say which link it is about: its id must be the link's URL";
    uuid_of(entry.uuid())?.ok_or_else(|| Error::BadBody(message.to_owned()))
}

fn uuid_in(collection: &Collection, url: &str) -> Option<Uuid> {
    if let Some(uuid) = url.strip_prefix("urn:uuid:") {
        return uuid.parse().ok();
    }
    let (kind, link) = url.rsplit_once('/')?;
    let link = segment(link).ok().filter(|link| is_operation(&link.name, LINKED))?;
    let is_own = Endpoint::parse(kind).is_ok_and(|kind| kind == collection.endpoint);
    match link.selector {
        Some(Selector::Key(uuid)) if is_own => uuid.parse().ok(),
        _ => None,
    }
}
