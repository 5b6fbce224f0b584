//! Writing the audit: runs, events, and what became of every entry.

use super::batch::content_chunks;
use super::rows::{Columns, Kind, Write};
use super::states;
use super::{CollectionId, CollectionName, MAX_TRACKING_ID_CHARS, StoreError, Txn};
use crate::protocol::{Endpoint, Run, Stamp, SyncState};
use entities::{audit_chunk, audit_event, sync_run};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, Value};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// A run in this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

/// How exact a run's `last_seen` is kept, in microseconds: many transactions of one run would else queue at its row.
const SEEN_EVERY_MICROS: i64 = 1_000_000;

/// Runs remembered by a process.
const REMEMBERED_RUNS: usize = 256;

/// Committed runs that this process saw a moment ago: for them there is nothing to ask and nothing to note.
#[derive(Debug, Default)]
pub(super) struct SeenRuns(Mutex<HashMap<Vec<u8>, (RunId, Stamp)>>);

impl SeenRuns {
    fn seen_lately(&self, hash: &[u8], now: Stamp) -> Option<RunId> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, seen) = runs.get(hash)?;
        (now.to_micros() < seen.to_micros() + SEEN_EVERY_MICROS).then_some(*id)
    }

    pub(super) fn remember(&self, seen: Vec<(Vec<u8>, RunId, Stamp)>) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.len() >= REMEMBERED_RUNS {
            runs.clear();
        }
        runs.extend(seen.into_iter().map(|(hash, id, now)| (hash, (id, now))));
    }
}

/// Declares an enum whose values are kept, and shown, as words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $value,)+ }

        impl $name {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$value,)+];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word,)+ }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$value),)+ _ => None }
            }

            /// Reads the word from a column.
            pub(super) fn stored(word: &str) -> Result<Self, super::StoreError> {
                Self::parse(word).ok_or_else(|| super::StoreError::Damaged(format!("{} '{word}'", stringify!($name))))
            }
        }
    };
}
pub(super) use words;

words! {
    /// What was asked of the provider.
    EventOperation {
        /// GET of the digest.
        DigestRead = "digestRead",
        /// PUT or POST of the digest.
        DigestWritten = "digestWritten",
        /// POST to `$syncSource`.
        SourceRequested = "sourceRequested",
        /// GET of a source feed.
        SourceRead = "sourceRead",
        /// POST to `$syncTarget`.
        TargetRequested = "targetRequested",
        /// A feed was worked off.
        TargetApplied = "targetApplied",
        /// POST to `$syncResults`.
        ResultsReceived = "resultsReceived",
        /// DELETE of a tracking.
        TrackingDeleted = "trackingDeleted",
        /// Any request, of somebody who is not known or may not do it; a batch, of somebody who has too many operations.
        AccessRefused = "accessRefused",
    }
}

words! {
    /// How it ended.
    EventOutcome {
        /// It was done.
        Ok = "ok",
        /// It was answered 4xx before any work.
        Refused = "refused",
        /// It was accepted, then failed.
        Failed = "failed",
    }
}

words! {
    /// What became of an entry.
    ChangeOutcome {
        /// It made a resource.
        Created = "created",
        /// It changed one.
        Updated = "updated",
        /// It deleted one.
        Deleted = "deleted",
        /// It was known already.
        Ignored = "ignored",
        /// It met a concurrent change and won.
        ConflictWon = "conflictWon",
        /// It met a concurrent change and lost.
        ConflictLost = "conflictLost",
        /// It could not be applied.
        Failed = "failed",
        /// A target reported it in `$syncResults`.
        Reported = "reported",
    }
}

/// How many entries had which fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All of them.
    pub entries: u64,
    /// Made a resource.
    pub created: u64,
    /// Changed one.
    pub updated: u64,
    /// Deleted one.
    pub deleted: u64,
    /// Were known already.
    pub ignored: u64,
    /// Met a concurrent change.
    pub conflicts: u64,
    /// Could not be applied.
    pub failed: u64,
}

/// One request or operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Stamp,
    /// In which run, from [`Txn::run`].
    pub run: Option<RunId>,
    /// In which tracking, by the consumer's name.
    pub tracking_id: Option<String>,
    /// On which collection; `None` when the URL names none.
    pub collection: Option<CollectionId>,
    /// The collection's name as it was asked for.
    pub name: CollectionName,
    /// What was asked.
    pub operation: EventOperation,
    /// How it ended.
    pub outcome: EventOutcome,
    /// The answer's status.
    pub http_status: u16,
    /// What became of the entries.
    pub counts: Counts,
    /// Milliseconds it took.
    pub duration_millis: u64,
    /// Who asked.
    pub principal: Option<String>,
    /// From which address.
    pub remote_address: Option<String>,
    /// What is to be said of it; may be empty.
    pub message: String,
}

/// What became of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRecord {
    /// When.
    pub at: Stamp,
    /// In which run.
    pub run: Option<RunId>,
    /// In which tracking, by the consumer's name.
    pub tracking_id: Option<String>,
    /// The resource's UUID.
    pub uuid: Option<Uuid>,
    /// The resource's key.
    pub key: Option<String>,
    /// What became of it.
    pub outcome: ChangeOutcome,
    /// The entry's status.
    pub http_status: u16,
    /// The incoming state.
    pub source: Option<SyncState>,
    /// The state that was stored.
    pub target: Option<SyncState>,
    /// What is to be said of it; may be empty.
    pub message: String,
    /// The version that lost a conflict, as the caller writes it.
    pub losing_payload: Option<String>,
}

impl Txn {
    /// Finds or makes a run and notes that it was seen `now`. Its row may stay locked to the end of the transaction: for short
    /// ones, as all operations of a run meet here.
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn run(&mut self, run: &Run, now: Stamp) -> Result<RunId, StoreError> {
        let hash = run_hash(run);
        if let Some(id) = self.inner.runs.seen_lately(&hash, now) {
            return Ok(id);
        }
        let id = self.find_or_make_run(run, hash.clone(), now).await?;
        self.runs.push((hash, id, now));
        Ok(id)
    }

    async fn find_or_make_run(&mut self, run: &Run, hash: Vec<u8>, now: Stamp) -> Result<RunId, StoreError> {
        let by_hash = || sync_run::Entity::find().filter(sync_run::Column::RunHash.eq(hash.clone()));
        if let Some(row) = by_hash().one(&self.transaction).await? {
            if row.last_seen + SEEN_EVERY_MICROS <= now.to_micros() {
                sync_run::Entity::update_many()
                    .col_expr(sync_run::Column::LastSeen, Expr::value(now.to_micros()))
                    .filter(sync_run::Column::Id.eq(row.id))
                    .exec(&self.transaction)
                    .await?;
            }
            return Ok(RunId(row.id));
        }
        let row = sync_run::ActiveModel {
            run_hash: Set(hash.clone()),
            run_name: Set(storable(&run.name)),
            run_stamp: Set(storable(&run.stamp)),
            run_time: Set(run.time().map(Stamp::to_micros)),
            first_seen: Set(now.to_micros()),
            last_seen: Set(now.to_micros()),
            ..Default::default()
        };
        sync_run::Entity::insert_many([row])
            .on_conflict(self.inner.dialect.keep(sync_run::Column::RunHash))
            .exec_without_returning(&self.transaction)
            .await?;
        let row = by_hash().one(&self.transaction).await?;
        row.map(|row| RunId(row.id)).ok_or_else(|| super::connection::missing("a run just made"))
    }

    /// Records an event.
    pub async fn add_event(&mut self, event: &Event) -> Result<(), StoreError> {
        self.add_events(std::slice::from_ref(event)).await
    }

    /// Records events: one statement for hundreds.
    pub async fn add_events(&mut self, events: &[Event]) -> Result<(), StoreError> {
        const COLUMNS: usize = 22;
        for chunk in content_chunks(self.inner.dialect, COLUMNS, events, |event| event.message.len()) {
            audit_event::Entity::insert_many(chunk.iter().map(event_model))
                .exec_without_returning(&self.transaction)
                .await?;
        }
        Ok(())
    }

    /// Records what became of entries: a few statements for hundreds that are of one moment, run and tracking.
    pub async fn add_changes(&mut self, collection: CollectionId, changes: &[ChangeRecord]) -> Result<(), StoreError> {
        let states = changes.iter().flat_map(|change| [&change.source, &change.target]).flatten();
        let ids = self.session().endpoint_ids(&states::endpoints_of(states)).await?;
        let is_of_one = |one: &ChangeRecord, next: &ChangeRecord| {
            shared(one) == shared(next) && one.tracking_id == next.tracking_id
        };
        for together in changes.chunk_by(is_of_one) {
            let chunk = self.add_chunk(collection, together).await?;
            let rows = together.iter().map(|change| row_of(chunk, change, &ids));
            self.write_rows(&AUDIT_CHANGE, Write::Insert, rows.collect()).await?;
        }
        Ok(())
    }

    /// Records what changes have in common; answers its id.
    async fn add_chunk(&mut self, collection: CollectionId, together: &[ChangeRecord]) -> Result<i64, StoreError> {
        let first = together.first().ok_or_else(|| super::connection::missing("what changes have in common"))?;
        let failures = together.iter().filter(|change| change.outcome == ChangeOutcome::Failed);
        let row = audit_chunk::ActiveModel {
            at: Set(first.at.to_micros()),
            run_id: Set(first.run.map(|run| run.0)),
            tracking_id: Set(shown_id(first.tracking_id.as_deref())),
            collection_id: Set(collection.0),
            changes: Set(to_count(together.len() as u64)),
            failures: Set(to_count(failures.count() as u64)),
            ..Default::default()
        };
        Ok(audit_chunk::Entity::insert(row).exec(&self.transaction).await?.last_insert_id)
    }
}

const AUDIT_CHANGE: Columns<13> = Columns {
    table: "audit_change",
    columns: [
        ("chunk_id", Kind::BigInt),
        ("uuid", Kind::Uuid),
        ("resource_key", Kind::Text),
        ("outcome", Kind::Text),
        ("http_status", Kind::SmallInt),
        ("source_endpoint_id", Kind::BigInt),
        ("source_tick", Kind::BigInt),
        ("source_stamp", Kind::BigInt),
        ("target_endpoint_id", Kind::BigInt),
        ("target_tick", Kind::BigInt),
        ("target_stamp", Kind::BigInt),
        ("message", Kind::Text),
        ("losing_payload", Kind::Text),
    ],
};

fn shared(change: &ChangeRecord) -> (Stamp, Option<RunId>) {
    (change.at, change.run)
}

fn row_of(chunk: i64, change: &ChangeRecord, endpoints: &HashMap<Endpoint, i64>) -> [Value; 13] {
    let columns = |state: &Option<SyncState>| {
        let state = state.as_ref();
        let endpoint = state.and_then(|state| endpoints.get(&state.endpoint).copied());
        (endpoint, state.map(|state| state.tick.to_i64()), state.map(|state| state.stamp.to_micros()))
    };
    let (source, target) = (columns(&change.source), columns(&change.target));
    [
        chunk.into(),
        change.uuid.into(),
        change.key.clone().into(),
        change.outcome.as_str().into(),
        to_status(change.http_status).into(),
        source.0.into(),
        source.1.into(),
        source.2.into(),
        target.0.into(),
        target.1.into(),
        target.2.into(),
        storable(&change.message).into(),
        change.losing_payload.clone().into(),
    ]
}

/// Name and stamp, kept apart by the length of the name: runs are compared exactly as they were sent (sync 4.1, decided).
pub(super) fn run_hash(run: &Run) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(run.name.len() as u64).to_le_bytes());
    hasher.update(run.name.as_bytes());
    hasher.update(run.stamp.as_bytes());
    hasher.finalize().as_bytes().to_vec()
}

/// PostgreSQL keeps no NUL in a text. What is only shown to people gets the replacement character in its place.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A trackingID as the audit shows it: one too long to be used is cut, for it was refused.
fn shown_id(id: Option<&str>) -> Option<String> {
    id.map(|id| storable(id).chars().take(MAX_TRACKING_ID_CHARS).collect())
}

/// As a column keeps an HTTP status.
pub(super) fn to_status(status: u16) -> i16 {
    i16::try_from(status).unwrap_or(i16::MAX)
}

/// As a column keeps a count.
pub(super) fn to_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A status from a column.
pub(super) fn from_status(status: i16) -> u16 {
    u16::try_from(status).unwrap_or_default()
}

/// A count from a column.
pub(super) fn from_count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

fn event_model(event: &Event) -> audit_event::ActiveModel {
    let counts = event.counts;
    audit_event::ActiveModel {
        at: Set(event.at.to_micros()),
        run_id: Set(event.run.map(|run| run.0)),
        tracking_id: Set(shown_id(event.tracking_id.as_deref())),
        collection_id: Set(event.collection.map(|collection| collection.0)),
        application: Set(storable(&event.name.application)),
        contract: Set(storable(&event.name.contract)),
        dataset: Set(storable(&event.name.dataset)),
        resource_kind: Set(storable(&event.name.resource_kind)),
        operation: Set(event.operation.as_str().to_owned()),
        outcome: Set(event.outcome.as_str().to_owned()),
        http_status: Set(to_status(event.http_status)),
        entries: Set(to_count(counts.entries)),
        created: Set(to_count(counts.created)),
        updated: Set(to_count(counts.updated)),
        deleted: Set(to_count(counts.deleted)),
        ignored: Set(to_count(counts.ignored)),
        conflicts: Set(to_count(counts.conflicts)),
        failed: Set(to_count(counts.failed)),
        duration_millis: Set(to_count(event.duration_millis)),
        principal: Set(event.principal.clone()),
        remote_address: Set(event.remote_address.clone()),
        message: Set(storable(&event.message)),
        ..Default::default()
    }
}
