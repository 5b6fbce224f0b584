//! The result feed of a `$syncTarget`: one entry per entry of the page, in its order (sync 5.3).

use super::chunk::TargetOutcome;
use crate::protocol::Stamp;
use crate::provider::result_rows::{answered, named_alone};
use crate::provider::{Collection, Error, Provider};
use crate::store::{Document, ResourceId, ResultRow, TrackingKey};
use crate::wire::{EntryOut, FeedOut};

/// The head of a result feed, but for its page.
#[must_use]
pub fn result_head(collection: &Collection, outcome: &TargetOutcome, url: &str) -> FeedOut {
    FeedOut {
        id: url.to_owned(),
        title: format!("{} synchronization result", collection.kind.label),
        updated: outcome.done_at,
        author: collection.name.application.clone(),
        category: Some(collection.category()),
        total_results: Some(outcome.entries),
        digest: Some(outcome.target_digest.clone()),
        ..FeedOut::default()
    }
}

impl Provider {
    /// The result entries from position `from` (counted from 0) to before `to`, at most a few hundred at a time; empty at the end.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn result_entries(
        &self,
        collection: &Collection,
        key: TrackingKey,
        from: u64,
        to: u64,
    ) -> Result<Vec<EntryOut>, Error> {
        let rows = self.result_rows(key, from, to).await?;
        let ids: Vec<ResourceId> = rows.iter().filter_map(|row| row.resource).collect();
        let mut stored = self.store.by_ids(&ids).await?;
        let entries = rows.into_iter().map(|row| {
            let document = row.resource.and_then(|id| stored.remove(&id).map(|document| (id, document)));
            let (entry, back) = result_entry(collection, row, document);
            // Two entries of one page may be about one resource.
            if let Some((id, document)) = back {
                stored.insert(id, document);
            }
            entry
        });
        Ok(entries.collect())
    }
}

type Stored = Option<(ResourceId, Document)>;

fn result_entry(collection: &Collection, row: ResultRow, stored: Stored) -> (EntryOut, Stored) {
    let mut entry = match &stored {
        Some((_, document)) => collection.entry(&document.resource, document.payload.clone().unwrap_or_default()),
        None => absent_entry(collection, &row),
    };
    let etag = entry.http.etag.take().filter(|_| stored.is_some());
    answered(&mut entry, &row, etag);
    entry.sync_state = row.state;
    entry.diagnoses = row.diagnosis.and_then(|diagnosis| serde_json::from_value(diagnosis).ok()).into_iter().collect();
    (entry, stored)
}

/// The entry for a resource that is not stored here: only what was sent of it.
fn absent_entry(collection: &Collection, row: &ResultRow) -> EntryOut {
    let stamp = row.state.as_ref().map_or_else(Stamp::now, |state| state.stamp);
    let nothing = named_alone(String::new(), row.uuid, stamp);
    let mut entry = collection.entry(&nothing, bytes::Bytes::new());
    entry.id = row.uuid.map_or_else(|| collection.url.clone(), |uuid| format!("urn:uuid:{uuid}"));
    entry.links.clear();
    if let Some(crate::wire::PayloadOut::Resource(resource)) = &mut entry.payload {
        resource.key = None;
        resource.url = None;
    }
    if row.uuid.is_none() {
        entry.payload = None;
    }
    entry
}
