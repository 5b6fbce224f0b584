//! What the result feeds of a `$batch` and of a `$syncTarget` have in common (core 13.4; sync 5.3).

use super::error::Failure;
use super::{Error, Provider};
use crate::protocol::Stamp;
use crate::store::{ResourceId, ResultRow, StoredResource, TrackingKey};
use crate::wire::{EntryOut, HttpOut};
use uuid::Uuid;

/// Result entries written at a time: a result of any size streams.
const WRITTEN_AT_ONCE: u64 = 500;

impl Provider {
    /// The results from position `from` (counted from 0) to before `to`, at most a few hundred at a time; empty at the end.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn result_rows(&self, key: TrackingKey, from: u64, to: u64) -> Result<Vec<ResultRow>, Error> {
        match to.saturating_sub(from).min(WRITTEN_AT_ONCE) {
            0 => Ok(Vec::new()),
            limit => Ok(self.store.results(key, from, limit).await?),
        }
    }
}

/// Says in `entry` what the answer to its request would have said, had it come alone; `etag` is that of what is shown.
pub(super) fn answered(entry: &mut EntryOut, row: &ResultRow, etag: Option<String>) {
    entry.http = HttpOut {
        status: Some(row.http_status),
        message: Some(Failure::reason(row.http_status).to_owned()),
        method: Some(row.http_method.clone()),
        location: (row.http_status == 201).then(|| entry.id.clone()),
        etag,
        if_match: None,
    };
}

/// A resource of which no more is known than what names it.
pub(super) fn named_alone(key: String, uuid: Option<Uuid>, stamp: Stamp) -> StoredResource {
    StoredResource {
        id: ResourceId(0),
        key,
        uuid,
        state: None,
        stamp,
        user: None,
        etag: String::new(),
        deleted: false,
        has_key_references: false,
        created: stamp,
    }
}
