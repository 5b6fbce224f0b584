//! A `$batch` as a job: its results and its cursor go with its writes (core 13.5).

use super::request::MAX_KEY_BYTES;
use super::{Done, Method, Outcome, Request};
use crate::protocol::Stamp;
use crate::provider::lease::still_wanted;
use crate::provider::source::to_json;
use crate::provider::{Collection, Error, Lease, Provider};
use crate::store::{Document, Duplicate, ResultRow, StoreError, TrackingKey, Txn, Version};
use crate::wire::Entry;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest method that is kept, in characters; longer ones are none.
const MAX_METHOD_CHARS: usize = 16;

/// Tries of what is decided: a key, UUID or value that somebody else takes at the same moment is seen by the next one.
const TRIES: u32 = 3;

/// What an entry of a batch asks for.
pub trait BatchEntry: Send + Sync + Sized + 'static {
    /// Reads it; what cannot be read of it is its outcome.
    fn of_entry(collection: &Collection, entry: Entry) -> Self;

    /// Carries out the first of `entries`, at least one, in one transaction with their results and the cursor of `job`;
    /// answers how many.
    fn carry_out(
        provider: &Provider,
        entries: &[Self],
        user: Option<&str>,
        job: &BatchJob<'_>,
    ) -> impl Future<Output = Result<usize, Error>> + Send;
}

impl BatchEntry for Request {
    fn of_entry(collection: &Collection, entry: Entry) -> Self {
        Self::of_entry(collection, entry)
    }

    async fn carry_out(
        provider: &Provider,
        entries: &[Self],
        user: Option<&str>,
        job: &BatchJob<'_>,
    ) -> Result<usize, Error> {
        Ok(provider.carry_out(job.collection, entries, user, Some(job)).await?.len())
    }
}

/// A job that carries out a batch, where it stands.
#[derive(Debug)]
pub struct BatchJob<'a> {
    /// The collection the batch was posted to.
    pub collection: &'a Collection,
    /// Its tracking.
    pub key: TrackingKey,
    /// The lane it holds.
    pub lease: &'a Lease,
    /// Entries of the batch.
    pub entries: u64,
    /// How many of them are done.
    pub done: u64,
    /// When its context goes by itself, once it has ended.
    pub expires_at: Stamp,
}

/// What a finished batch remembers: the head of its result feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchOutcome {
    /// Entries of the batch, and so of its result.
    pub entries: u64,
    /// When it was done.
    pub done_at: Stamp,
}

/// Runs `decide`, waits out store errors that pass, and decides anew what somebody else was faster with, as `is_race`
/// says; `decide` is told how often that happened.
///
/// # Errors
/// The error of the last try.
pub(in crate::provider) async fn decided_anew<T, F: Future<Output = Result<T, Error>>>(
    is_race: impl Fn(&Error) -> bool,
    decide: impl Fn(u32) -> F,
) -> Result<T, Error> {
    let mut attempt = 0;
    loop {
        match crate::store::retrying(|| decide(attempt)).await {
            Err(error) if is_race(&error) && attempt + 1 < TRIES => attempt += 1,
            tried => return tried,
        }
    }
}

/// Tries `together` with all of `entries`; where one may spoil it for the others, with the first half, and so on down to
/// the first alone. Each is decided anew where somebody else was faster.
///
/// # Errors
/// The entries that failed, with the error.
pub(in crate::provider) async fn by_halves<'e, E, T, F: Future<Output = Result<T, Error>>>(
    entries: &'e [E],
    is_of_one: impl Fn(&Error) -> bool,
    together: impl Fn(&'e [E], u32) -> F,
) -> Result<T, (&'e [E], Error)> {
    let mut chunk = entries;
    loop {
        match decided_anew(is_race, |attempt| together(chunk, attempt)).await {
            Err(error) if is_of_one(&error) && chunk.len() > 1 => {
                tracing::info!(%error, requests = chunk.len(), "requests that do not go together are tried by halves");
                chunk = chunk.split_at(chunk.len() / 2).0;
            }
            tried => return tried.map_err(|error| (chunk, error)),
        }
    }
}

/// Whether somebody else was faster: then the next try sees it.
pub(in crate::provider) fn is_race(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::Duplicate { what }) if *what != Duplicate::State)
}

/// Whether one entry may be to blame, and the others would do better without it: in a job every entry has its own
/// result, whatever happens to others (core 13.4).
pub(in crate::provider) fn is_of_one_entry(error: &Error) -> bool {
    let is_lasting = matches!(
        error,
        Error::Store(StoreError::Backend(_) | StoreError::Damaged(_) | StoreError::TooLong { .. }) | Error::Internal(_)
    );
    is_race(error) || is_lasting
}

impl BatchJob<'_> {
    /// Keeps the result of an entry that the store did not take.
    ///
    /// # Errors
    /// When the store fails, or the job may not go on.
    pub(in crate::provider) async fn record_failure(&self, provider: &Provider, told: Told<'_>) -> Result<(), Error> {
        tracing::warn!(error = ?told.done, "an entry of a batch failed");
        let rows = self.rows(std::iter::once(told))?;
        crate::store::retrying(|| async {
            let mut txn = provider.store.begin().await?;
            self.hold(&mut txn).await?;
            self.record(&mut txn, &rows, provider.now()).await?;
            Ok(txn.commit().await?)
        })
        .await
    }

    /// Makes sure that the job may go on, for the time of a transaction.
    ///
    /// # Errors
    /// When its lane is lost.
    pub(in crate::provider) async fn hold(&self, txn: &mut Txn) -> Result<(), StoreError> {
        self.lease.hold(txn, self.collection.id).await
    }

    /// The results of the next entries, to be kept.
    ///
    /// # Errors
    /// When a diagnosis cannot be written.
    pub(in crate::provider) fn rows<'t>(
        &self,
        entries: impl Iterator<Item = Told<'t>>,
    ) -> Result<Vec<ResultRow>, Error> {
        entries.zip(self.done..).map(|(told, position)| row(position, &told)).collect()
    }

    /// Keeps the results of the next entries, and that they are done; after the last, the job is, and its lane free.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when nobody wants them any more; when the store fails.
    pub(in crate::provider) async fn record(
        &self,
        txn: &mut Txn,
        results: &[ResultRow],
        now: Stamp,
    ) -> Result<(), Error> {
        txn.add_results(self.key, results).await?;
        let done = self.done + results.len() as u64;
        if done < self.entries {
            let detail = format!("{done} of {} entries", self.entries);
            let wanted = txn.advance(self.key, done, self.entries, &detail, &serde_json::Value::Null).await?;
            return still_wanted(wanted);
        }
        let outcome = BatchOutcome { entries: self.entries, done_at: now };
        still_wanted(txn.finish(self.key, &to_json(&outcome)?, now, self.expires_at).await?)?;
        Ok(self.lease.give_back(txn, self.collection.id).await?)
    }
}

/// What is kept of an entry that is done.
pub(in crate::provider) struct Told<'t> {
    /// What was to be done.
    pub method: &'t Method,
    /// The key and the UUID in the entry.
    pub named: (Option<&'t str>, Option<Uuid>),
    /// The status, or why nothing was done.
    pub done: Result<u16, &'t Error>,
    /// The resource as the entry left or found it.
    pub document: Option<&'t Document>,
    /// Whether the resource is gone with it.
    pub is_gone: bool,
}

impl<'t> Told<'t> {
    /// What is kept of a request and its outcome.
    pub(super) fn of(request: &'t Request, outcome: &'t Outcome) -> Self {
        Self {
            method: &request.method,
            named: (request.key.as_deref(), request.uuid),
            done: outcome.done.as_ref().map(|done| done.status()),
            document: outcome.document.as_ref(),
            is_gone: matches!(outcome.done, Ok(Done::Deleted)),
        }
    }
}

/// Whether a result can name this key: it names no resource that cannot be here.
fn is_kept(key: &str) -> bool {
    key.len() <= MAX_KEY_BYTES && !key.contains('\0')
}

fn row(position: u64, told: &Told<'_>) -> Result<ResultRow, Error> {
    let resource = told.document.map(|document| &document.resource);
    let failure = told.done.err().map(Error::failure);
    let (key, uuid) = told.named;
    Ok(ResultRow {
        position,
        http_status: match (told.done, &failure) {
            (Ok(status), _) => status,
            (Err(_), Some(failure)) => failure.status,
            (Err(_), None) => 500,
        },
        http_method: told.method.name().chars().take(MAX_METHOD_CHARS).collect(),
        resource: resource.map(|resource| resource.id),
        key: resource.map(|resource| resource.key.as_str()).or(key).filter(|key| is_kept(key)).map(str::to_owned),
        uuid: resource.map_or(uuid, |resource| resource.uuid),
        state: None,
        version: told.document.filter(|_| !told.is_gone).and_then(|document| {
            document.payload.clone().map(|payload| Version {
                etag: document.resource.etag.clone(),
                created: document.resource.created,
                stamp: document.resource.stamp,
                user: document.resource.user.clone(),
                payload,
            })
        }),
        diagnosis: failure.map(|failure| to_json(&failure.diagnoses)).transpose()?,
    })
}
