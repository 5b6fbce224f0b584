//! The result feed of a `$batch`: one entry per entry of the request, in its order (core 13.4).

use super::BatchOutcome;
use crate::protocol::Stamp;
use crate::provider::result_rows::{answered, named_alone};
use crate::provider::{Collection, Error, Provider};
use crate::store::{Document, Operation, ResultRow, StoredResource, TrackingKey};
use crate::wire::{EntryOut, FeedOut};

/// The head of a result feed, but for its page.
#[must_use]
pub fn batch_head(collection: &Collection, outcome: &BatchOutcome, url: &str) -> FeedOut {
    FeedOut {
        id: url.to_owned(),
        title: format!("{} batch", collection.kind.label),
        updated: outcome.done_at,
        author: collection.name.application.clone(),
        category: Some(collection.category()),
        total_results: Some(outcome.entries),
        ..FeedOut::default()
    }
}

impl Provider {
    /// The result entries of a batch, of resources or, as `operation` says, of links, from position `from` (counted from 0) to before `to`, at most a few hundred at a time; empty
    /// at the end. Each carries its resource as its request left or found it; what has no version is dated `done_at`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn batch_entries(
        &self,
        (collection, operation): (&Collection, Operation),
        key: TrackingKey,
        (from, to): (u64, u64),
        done_at: Stamp,
    ) -> Result<Vec<EntryOut>, Error> {
        let rows = self.result_rows(key, from, to).await?;
        let documents: Vec<_> = rows.iter().filter_map(document).collect();
        let mut versions = self.entries(collection, &documents).await?.into_iter();
        let entries = rows.into_iter().map(|row| {
            let version = row.version.is_some().then(|| versions.next()).flatten();
            result_entry((collection, operation), row, version, done_at)
        });
        Ok(entries.collect())
    }
}

/// The version of its resource that a result tells of.
fn document(row: &ResultRow) -> Option<Document> {
    let version = row.version.as_ref()?;
    let mut resource = stored(row, version.stamp);
    resource.user.clone_from(&version.user);
    resource.etag.clone_from(&version.etag);
    resource.created = version.created;
    Some(Document { resource, payload: Some(version.payload.clone()) })
}

fn stored(row: &ResultRow, stamp: Stamp) -> StoredResource {
    let named = named_alone(row.key.clone().unwrap_or_default(), row.uuid, stamp);
    StoredResource { id: row.resource.unwrap_or(named.id), ..named }
}

fn result_entry(
    (collection, operation): (&Collection, Operation),
    row: ResultRow,
    version: Option<EntryOut>,
    done_at: Stamp,
) -> EntryOut {
    let mut entry = version.unwrap_or_else(|| without_payload(collection, &row, done_at));
    if operation == Operation::LinkedBatch {
        collection.name_link(&mut entry, row.uuid);
    }
    let etag = entry.http.etag.take();
    answered(&mut entry, &row, etag);
    entry.diagnoses = row.diagnosis.and_then(|diagnoses| serde_json::from_value(diagnoses).ok()).unwrap_or_default();
    entry
}

/// The entry of a resource that was deleted, or that the request did not find: only what names it.
fn without_payload(collection: &Collection, row: &ResultRow, done_at: Stamp) -> EntryOut {
    let mut entry = collection.entry(&stored(row, done_at), bytes::Bytes::new());
    if row.key.is_none() {
        entry.id = row.uuid.map_or_else(|| collection.url.clone(), |uuid| format!("urn:uuid:{uuid}"));
    }
    entry.links.clear();
    entry.http.etag = None;
    entry.payload = None;
    entry
}
