//! One pass: one resource kind in one direction (sync 5.1, 7.1).

use super::PassEvent;
use super::address::{Collection, Operation};
use super::error::EngineError;
use super::full::{Before, nothing_yet};
use super::operation::{self, Done, Start};
use super::outcome::{EntryOutcome, reason_of};
use super::remote::{Answer, Remote};
use super::report::{Counts, PassReport};
use crate::protocol::Run;
use crate::wire::{ENTRY_TYPE, Element, Entry, FEED_TYPE, FeedHead, FeedReader, ReadLimits, WireError, scan_feed};
use bytes::Bytes;
use reqwest::StatusCode;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use url::Url;

/// How often a pass begins again because a provider forgot it, and a page is posted again.
const FRESH_STARTS: u32 = 5;

/// A pass under way.
pub(super) struct Pass<'a> {
    pub(super) remote: &'a Remote,
    pub(super) source: &'a Collection,
    pub(super) target: &'a Collection,
    pub(super) run: &'a Run,
    count: Option<u64>,
    counts: Counts,
    /// What was made at the providers and is not yet deleted.
    contexts: Vec<Url>,
    /// Whether the source has a `$syncResults`; known when it was tried.
    source_takes_results: bool,
    /// Whether everything is carried, whatever the target has.
    is_full: bool,
    /// Whether the target was found to lack deletions that the source does not have any more. What of a pass that began again was carried
    /// moved the digest by which that is seen.
    is_behind: bool,
    /// What the target had before everything was carried to it, while something is left to be deleted there.
    pub(super) before: Option<Before>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        remote: &'a Remote,
        source: &'a Collection,
        target: &'a Collection,
        run: &'a Run,
        count: Option<u64>,
    ) -> Self {
        let (counts, contexts) = (Counts::default(), Vec::new());
        let (source_takes_results, is_full, is_behind, before) = (true, false, false, None);
        Self { remote, source, target, run, count, counts, contexts, source_takes_results, is_full, is_behind, before }
    }

    /// The same, with everything carried: also the deletions of which the source has no tombstone.
    pub(super) fn in_full(self, is_full: bool) -> Self {
        Self { is_full, ..self }
    }

    /// Makes the pass and deletes every context it made, also when it fails or is cancelled.
    pub(super) async fn make(self, cancel: &CancellationToken) -> PassReport {
        let span = tracing::info_span!(
            "pass",
            resource_kind = self.source.resource_kind(),
            source = %self.source.url(),
            target = %self.target.url(),
            run_name = self.run.name,
            run_stamp = self.run.stamp,
        );
        self.make_within(cancel).instrument(span).await
    }

    async fn make_within(mut self, cancel: &CancellationToken) -> PassReport {
        let begun = Instant::now();
        let resource_kind = self.source.resource_kind();
        self.remote.notice(PassEvent::Started {
            resource_kind: resource_kind.clone(),
            source: self.source.url().clone(),
            target: self.target.url().clone(),
        });
        let made = tokio::select! {
            made = self.catch_up() => made,
            () = cancel.cancelled() => Err(EngineError::Cancelled),
        };
        if let Some(before) = self.before.take()
            && let Err(error) = self.take_back(&before).await
        {
            self.remote.notice(PassEvent::NotTakenBack { reason: error.to_string() });
        }
        while let Some(context) = self.contexts.pop() {
            delete(self.remote, &context).await;
        }
        let report = PassReport {
            source: self.source.to_string(),
            target: self.target.to_string(),
            resource_kind,
            counts: self.counts,
            duration: begun.elapsed(),
            failure: made.err(),
        };
        self.remote.notice(PassEvent::Finished { report: report.clone() });
        report
    }

    /// Begins again with the target's digest when the source forgot the pass. What was applied so far stays applied:
    /// the digest says so, and the source sends the rest alone.
    async fn catch_up(&mut self) -> Result<(), EngineError> {
        for _ in 0..FRESH_STARTS {
            match self.carry_changes().await {
                Err(lost @ EngineError::ContextGone { .. }) => {
                    self.remote.notice(PassEvent::StartedOver { reason: lost.to_string() });
                }
                carried => return carried,
            }
        }
        self.carry_changes().await
    }

    /// Target digest, source feed, and page by page to the target.
    async fn carry_changes(&mut self) -> Result<(), EngineError> {
        let target_digest = self.target_digest().await?;
        let mut body = target_digest.clone();
        let mut served = None;
        if self.is_full {
            if !self.is_behind {
                served = self.serves_as_it_is(body).await?;
                self.is_behind = served.is_none();
            }
            body = nothing_yet(self.target)?;
        }
        let Done { mut answer, context } = self.start(Operation::Source, self.source, body).await?;
        if let Some(served) = served {
            // Not before: between the two the source could drop a tombstone that the target lacks, and nobody would see it.
            self.close(&served).await;
        }
        let mut owed = None;
        if self.is_behind {
            (answer, owed) = self.delete_first(answer, &context, target_digest).await?;
        }
        let mut applied = None;
        let carried = self.carry_pages(answer, &mut applied).await;
        // Also when a later page failed: what was applied is the source's to know.
        let settled = self.settling(applied).await;
        self.settled(settled);
        carried?;
        self.close(&context).await;
        if let Some(sent) = owed {
            self.delete_missing(&sent).await?;
        }
        self.before = None;
        Ok(())
    }

    /// Starts a source operation at a collection with somebody's digest, and waits for its first page.
    pub(super) async fn start(
        &mut self,
        operation: Operation,
        collection: &Collection,
        body: Bytes,
    ) -> Result<Done, EngineError> {
        let (run, count, content_type) = (self.run, self.count, ENTRY_TYPE);
        let start = Start { operation, collection, run, count, content_type, body };
        start.run(self.remote, &mut self.contexts).await
    }

    /// Counts a resource that was to be deleted beside the feed.
    pub(super) fn count_beside(&mut self, outcome: EntryOutcome, uuid: uuid::Uuid, status: Option<u16>, reason: &str) {
        self.counts.entries += 1;
        self.counts.count(outcome);
        if outcome == EntryOutcome::Failed {
            let (entry, message) = (uuid.to_string(), reason.to_owned());
            self.remote.notice(PassEvent::EntryFailed { entry, status, message });
        }
    }

    /// Carries one page after the other, beginning with `answer`; `applied` is the last one that the target has applied and
    /// whose result is not handed over yet.
    async fn carry_pages(&mut self, mut answer: Answer, applied: &mut Option<Applied>) -> Result<(), EngineError> {
        let mut read = HashSet::new();
        for page in 1.. {
            check_new(&mut read, &answer.url)?;
            let scanned = scan_feed(&answer.body[..], ReadLimits::WIDEST)
                .map_err(|reason| unreadable(&answer.url, "feed", reason))?;
            let (entries, total) = (scanned.entries, scanned.head.total_results);
            self.remote.notice(PassEvent::PageRead { page, entries, total });
            let next = next_page(&answer, &scanned.head);
            // While the target applies a page, the source makes the next one and hears of the one before.
            let (remote, settling) = (self.remote, self.settling(applied.take()));
            let (page, settled, following) =
                tokio::join!(self.apply(answer.body, entries), settling, follow(remote, next));
            self.settled(settled);
            *applied = Some(page?);
            self.counts.pages += 1;
            self.counts.entries += entries;
            self.remote.notice(PassEvent::PageApplied { counts: self.counts });
            let Some(following) = following? else { break };
            answer = following;
        }
        Ok(())
    }

    /// Hands the result of a page to the source and deletes its context, beside whatever else the pass does.
    fn settling(&self, applied: Option<Applied>) -> impl Future<Output = Option<Settled>> + use<'a> {
        let (remote, source, run) = (self.remote, self.source, self.run);
        let mut source_takes_results = self.source_takes_results;
        async move {
            let Applied { context, results } = applied?;
            for body in results {
                source_takes_results = source_takes_results && post_results(remote, source, run, body).await;
            }
            delete(remote, &context).await;
            Some(Settled { context, source_takes_results })
        }
    }

    fn settled(&mut self, settled: Option<Settled>) {
        if let Some(Settled { context, source_takes_results }) = settled {
            self.source_takes_results = source_takes_results;
            self.contexts.retain(|noted| *noted != context);
        }
    }

    /// The digest as the target wrote it: the source is to read it, not the engine.
    async fn target_digest(&self) -> Result<Bytes, EngineError> {
        let url = self.target.sync_digest();
        let answer = self.remote.get(&url).await?;
        if !answer.status.is_success() {
            return Err(answer.refusal());
        }
        let root =
            Element::parse(&answer.body, &ReadLimits::WIDEST).map_err(|reason| unreadable(&url, "digest", reason))?;
        if !matches!(&*root.name, "entry" | "digest") {
            let found = format!("{{{}}}{}", root.namespace, root.name);
            return Err(unreadable(&url, "digest", WireError::WrongRoot { found, expected: "atom:entry" }));
        }
        Ok(answer.body)
    }

    /// Has the target apply a page of so many entries; it arrives there byte for byte. A target that forgot the
    /// operation gets the page again: what it has applied already it will ignore.
    async fn apply(&mut self, body: Bytes, entries: u64) -> Result<Applied, EngineError> {
        let (operation, content_type) = (Operation::Target, FEED_TYPE);
        let start = Start { operation, collection: self.target, run: self.run, count: None, content_type, body };
        let mut done = start.run(self.remote, &mut self.contexts).await;
        for _ in 0..FRESH_STARTS {
            if !matches!(done, Err(EngineError::ContextGone { .. })) {
                break;
            }
            done = start.run(self.remote, &mut self.contexts).await;
        }
        let Done { answer, context } = done.map_err(EngineError::for_good)?;
        let (results, counted) = self.take_results(answer).await?;
        if counted < entries {
            // What nobody reports on cannot be called applied (sync 5.3).
            self.counts.failed += entries - counted;
            self.remote.notice(PassEvent::ResultsMissing { entries, results: counted });
        }
        Ok(Applied { context, results })
    }

    /// Counts the entries of a result, page by page; gives the pages, for the source, and how many entries they have.
    async fn take_results(&mut self, mut answer: Answer) -> Result<(Vec<Bytes>, u64), EngineError> {
        let (mut pages, mut results, mut read) = (Vec::new(), 0, HashSet::new());
        loop {
            check_new(&mut read, &answer.url)?;
            let (head, counted) =
                self.count_results(&answer).map_err(|reason| unreadable(&answer.url, "feed", reason))?;
            results += counted;
            let next = next_page(&answer, &head)?;
            pages.push(answer.body);
            let Some(next) = next else { return Ok((pages, results)) };
            answer = match operation::page(self.remote, &next).await {
                // The page is applied; only the rest of its report is lost.
                Err(EngineError::ContextGone { .. }) => return Ok((pages, results)),
                page => page?,
            };
        }
    }

    fn count_results(&mut self, answer: &Answer) -> Result<(FeedHead, u64), WireError> {
        let mut results = FeedReader::new(&answer.body[..], ReadLimits::WIDEST)?;
        let mut counted = 0;
        while let Some(entry) = results.next_entry()? {
            let outcome = EntryOutcome::of(&entry);
            self.counts.count(outcome);
            counted += 1;
            if outcome == EntryOutcome::Failed {
                let (status, message) = (entry.http_status, reason_of(&entry));
                self.remote.notice(PassEvent::EntryFailed { entry: name_of(&entry), status, message });
            }
        }
        Ok((results.into_head(), counted))
    }

    /// Deletes a context that is done with.
    pub(super) async fn close(&mut self, context: &Url) {
        delete(self.remote, context).await;
        // Those before it are what was left of operations the provider forgot.
        self.contexts.retain(|noted| noted != context);
    }
}

/// A page that the target has applied: its result, for the source, and what is then to be deleted.
struct Applied {
    context: Url,
    results: Vec<Bytes>,
}

/// What came of handing a result over.
struct Settled {
    context: Url,
    source_takes_results: bool,
}

/// The page behind a `next` link, if there is one.
async fn follow(remote: &Remote, next: Result<Option<Url>, EngineError>) -> Result<Option<Answer>, EngineError> {
    match next? {
        Some(next) => operation::wait(remote, &next, Duration::ZERO).await.map(Some),
        None => Ok(None),
    }
}

/// `$syncResults` is for the source's reports: a source without it is none the worse (sync 5.7). Says whether it has one.
pub(super) async fn post_results(remote: &Remote, source: &Collection, run: &Run, body: Bytes) -> bool {
    let refused = match remote.post(&source.sync_results(run), FEED_TYPE, body).await {
        Ok(answer) if answer.status.is_success() => return true,
        Ok(answer) => {
            let lacking = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
            if lacking.contains(&answer.status) {
                return false;
            }
            answer.refusal()
        }
        Err(error) => error,
    };
    remote.notice(PassEvent::ResultsRefused { reason: refused.to_string() });
    true
}

async fn delete(remote: &Remote, context: &Url) {
    let reason = match remote.delete(context).await {
        Ok(answer) if answer.status.is_success() => return,
        Ok(answer) if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE) => return,
        Ok(answer) => answer.refusal().to_string(),
        Err(error) => error.to_string(),
    };
    remote.notice(PassEvent::ContextLeft { url: context.clone(), reason });
}

/// Pages that lead in a circle would be carried for ever.
pub(super) fn check_new(read: &mut HashSet<Url>, page: &Url) -> Result<(), EngineError> {
    if read.insert(page.clone()) {
        return Ok(());
    }
    Err(EngineError::BadLink { url: page.to_string(), link: "next".to_owned() })
}

/// Where the `next` link leads, followed as it is (core 6.4).
pub(super) fn next_page(answer: &Answer, head: &FeedHead) -> Result<Option<Url>, EngineError> {
    let Some(link) = head.link("next") else { return Ok(None) };
    match answer.url.join(link) {
        Ok(next) if next != answer.url => Ok(Some(next)),
        _ => Err(EngineError::BadLink { url: answer.url.to_string(), link: link.to_owned() }),
    }
}

fn name_of(entry: &Entry) -> String {
    match entry.uuid() {
        Some(Ok(uuid)) => uuid.to_string(),
        _ => entry.id.clone(),
    }
}

pub(super) fn unreadable(url: &Url, wanted: &'static str, reason: WireError) -> EngineError {
    EngineError::Unreadable { url: url.to_string(), wanted, reason: Box::new(reason) }
}
