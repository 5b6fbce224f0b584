//! Requests carried out together, chunk by chunk; by halves where one of them spoils the others.

use super::candidate::{Candidate, key_taken};
use super::job::{Told, by_halves, is_of_one_entry, is_race};
use super::known::{Known, without_repeated_names};
use super::plan::{Plan, Terms, by_key};
use super::{BatchJob, Method, Outcome, Request};
use crate::provider::{Collection, Error, Provider};
use crate::store::{Duplicate, ResourceId, StoreError, Txn};

impl Provider {
    /// Carries out all of `requests`, in order, as if each came alone; one outcome for each.
    ///
    /// # Errors
    /// When the store fails: what the chunks before did stays done. What is wrong with one request is its outcome.
    pub async fn carry_out_all(
        &self,
        collection: &Collection,
        requests: &[Request],
        user: Option<&str>,
    ) -> Result<Vec<Outcome>, Error> {
        let mut outcomes = Vec::with_capacity(requests.len());
        while let Some(left) = requests.get(outcomes.len()..).filter(|left| !left.is_empty()) {
            outcomes.extend(self.carry_out(collection, left, user, None).await?);
        }
        Ok(outcomes)
    }

    /// Carries out the first of `requests` in one transaction, a dozen statements whatever their number (a few hundred
    /// are meant), and says what became of each: at least of one, at most of those before the first that is about the
    /// same resource as one before it. In the same transaction `job` keeps its results and its cursor.
    ///
    /// # Errors
    /// When the store fails, or the job may not go on; then nothing was done.
    pub async fn carry_out(
        &self,
        collection: &Collection,
        requests: &[Request],
        user: Option<&str>,
        job: Option<&BatchJob<'_>>,
    ) -> Result<Vec<Outcome>, Error> {
        let chunk = requests.get(..without_repeated_names(requests)).unwrap_or_default();
        // Outside a job a store that fails is told as that.
        let is_of_one = |error: &Error| if job.is_some() { is_of_one_entry(error) } else { is_race(error) };
        let together = |chunk, attempt| self.carry_out_together(collection, chunk, (user, attempt), job);
        match by_halves(chunk, is_of_one, together).await {
            Err((failed, error)) if is_of_one(&error) => self.refuse(failed, error, job).await,
            tried => tried.map_err(|(_, error)| error),
        }
    }

    async fn carry_out_together(
        &self,
        collection: &Collection,
        requests: &[Request],
        (user, attempt): (Option<&str>, u32),
        job: Option<&BatchJob<'_>>,
    ) -> Result<Vec<Outcome>, Error> {
        let new = requests.iter().filter(|request| request.may_create()).count();
        let mut ids = self.store.reserve_ids(new as u64).await?.map(ResourceId);
        let now = self.now();
        let mut txn = self.store.begin().await?;
        if let Some(job) = job {
            job.hold(&mut txn).await?;
        }
        if requests.iter().any(|request| request.may_create() && request.uuid.is_some()) {
            txn.lock_uuids(collection.id).await?;
        }
        let known = Known::read(&mut txn, collection.id, requests).await?;
        let requests = requests.get(..known.without_repeats(requests)).unwrap_or_default();
        let candidates: Vec<_> = requests.iter().map(|request| Candidate::judge(collection, request, &known)).collect();
        let accepted = || candidates.iter().flatten().filter_map(Candidate::accepted);
        let references = accepted().flat_map(|accepted| by_key(&accepted.references));
        let found = self.referenced_in(&mut txn, collection, references).await?;
        let unique: Vec<_> = accepted().flat_map(|accepted| accepted.unique.iter().cloned()).collect();
        let owners = txn.unique_owners(collection.id, &unique).await?;
        let mut plan = Plan::new(collection, Terms { user, now, attempt }, found, owners);
        let outcomes: Vec<_> = candidates.into_iter().map(|candidate| plan.take(candidate, &mut ids)).collect();
        repeated_meanwhile(&mut txn, collection, requests.iter().zip(&outcomes), &known).await?;
        // Changes go first: a value that one of them gives up is free for what is new.
        txn.update(collection.id, &plan.updates).await?;
        txn.insert(collection.id, &plan.inserts).await?;
        self.commit(txn, requests, outcomes, job).await
    }

    /// The one request that the store does not take: its own outcome says so, and others go on.
    async fn refuse(
        &self,
        request: &[Request],
        error: Error,
        job: Option<&BatchJob<'_>>,
    ) -> Result<Vec<Outcome>, Error> {
        let outcome = Outcome::refused(taken(error, request.first().and_then(|request| request.key.as_deref())));
        if let (Some(job), Some(request)) = (job, request.first()) {
            job.record_failure(self, Told::of(request, &outcome)).await?;
        }
        Ok(vec![outcome])
    }

    async fn commit(
        &self,
        mut txn: Txn,
        requests: &[Request],
        outcomes: Vec<Outcome>,
        job: Option<&BatchJob<'_>>,
    ) -> Result<Vec<Outcome>, Error> {
        if let Some(job) = job {
            let told = requests.iter().zip(&outcomes).map(|(request, outcome)| Told::of(request, outcome));
            job.record(&mut txn, &job.rows(told)?, self.now()).await?;
        }
        txn.commit().await?;
        Ok(outcomes)
    }
}

/// The same POST may have come a second time, and have been carried out after its UUID was looked up and before its
/// values were: then they are its own (core 8.5), and the chunk is to be decided anew.
async fn repeated_meanwhile<'r>(
    txn: &mut Txn,
    collection: &Collection,
    decided: impl Iterator<Item = (&'r Request, &'r Outcome)>,
    known: &Known,
) -> Result<(), Error> {
    let is_clash = |outcome: &Outcome| matches!(outcome.done, Err(Error::NotUnique { .. } | Error::Taken(_)));
    let clashing = decided.filter(|(request, outcome)| request.method == Method::Post && is_clash(outcome));
    let uuids = clashing.filter_map(|(request, _)| request.uuid);
    let unknown: Vec<_> = uuids.filter(|uuid| known.by_uuid(Some(*uuid)).is_none()).collect();
    if txn.located_by_uuids(collection.id, &unknown).await?.is_empty() {
        return Ok(());
    }
    Err(Error::Store(StoreError::Duplicate { what: Duplicate::Uuid }))
}

fn taken(error: Error, key: Option<&str>) -> Error {
    match (error, key) {
        (Error::Store(StoreError::Duplicate { what: Duplicate::Key }), Some(key)) => key_taken(key),
        (Error::Store(StoreError::Duplicate { what: Duplicate::Uuid }), _) => {
            Error::Taken("the UUID is taken by another resource".to_owned())
        }
        (Error::Store(StoreError::Duplicate { what: Duplicate::UniqueValue }), _) => {
            Error::Taken("the value of a unique property was taken by another resource at the same moment".to_owned())
        }
        (error, _) => error,
    }
}
