//! What the audit is told of a request.

use super::{Collection, Provider};
use crate::protocol::{Run, Stamp};
use crate::store::{
    CollectionName, Counts, Event, EventOperation, EventOutcome, RunId, Store, StoreError, TrackingRecord, Txn,
};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// Events that may wait to be written; then requests wait too.
const WAITING_EVENTS: usize = 4096;
/// Events written per transaction.
const WRITTEN_AT_ONCE: usize = 1024;
/// How long an event may wait for others, so that they share a commit.
const WAITED_FOR: Duration = Duration::from_millis(100);
/// How long events wait to be tried again that could not be written.
const AGAIN: Duration = Duration::from_secs(1);

/// Who asked, and under which run and tracking id: goes onto every audit record of a request.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The engine's run, where it names one.
    pub run: Option<Run>,
    /// The operation's tracking id, where it has one.
    pub tracking_id: Option<String>,
    /// The authenticated account.
    pub principal: Option<String>,
    /// The address the request came from.
    pub remote_address: Option<String>,
}

impl Origin {
    /// The origin of an operation that was accepted before.
    #[must_use]
    pub fn of(record: &TrackingRecord) -> Self {
        Self {
            run: record.run.as_ref().map(|(_, run)| run.clone()),
            tracking_id: Some(record.tracking_id.clone()),
            principal: record.principal.clone(),
            remote_address: record.remote_address.clone(),
        }
    }

    /// The run's id in the store, and its `last_seen` moved. Called late in a transaction: many of one run touch that row.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_id(&self, txn: &mut Txn, now: Stamp) -> Result<Option<RunId>, StoreError> {
        match &self.run {
            Some(run) => Ok(Some(txn.run(run, now).await?)),
            None => Ok(None),
        }
    }
}

/// An event that `origin` brought about: it began at `started` and ends `now`.
#[must_use]
pub fn event(
    collection: &Collection,
    origin: &Origin,
    operation: EventOperation,
    outcome: EventOutcome,
    http_status: u16,
    times: (Instant, Stamp),
) -> Event {
    let event = event_at(collection.name.clone(), origin, operation, outcome, http_status, times);
    Event { collection: Some(collection.id), ..event }
}

/// The same at a URL whose collection may not exist.
#[must_use]
pub fn event_at(
    name: CollectionName,
    origin: &Origin,
    operation: EventOperation,
    outcome: EventOutcome,
    http_status: u16,
    (started, now): (Instant, Stamp),
) -> Event {
    Event {
        at: now,
        run: None,
        tracking_id: origin.tracking_id.clone(),
        collection: None,
        name,
        operation,
        outcome,
        http_status,
        counts: Counts::default(),
        duration_millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        principal: origin.principal.clone(),
        remote_address: origin.remote_address.clone(),
        message: String::new(),
    }
}

/// Writes the events of requests that change nothing, many to a transaction: a digest can be read without a commit of
/// its own. What changes something writes its event in its own transaction instead.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    notes: mpsc::Sender<Note>,
    /// How many are kept to be tried again; told whenever they could not be written.
    kept: watch::Receiver<usize>,
}

#[derive(Debug)]
enum Note {
    Event(Box<(Event, Option<Run>)>),
    /// Answered when every event before it is written.
    Flush(oneshot::Sender<()>),
}

impl Recorder {
    /// Starts the writing task; it ends, with nothing left that can be written, when the last recorder is dropped.
    pub(super) fn start(store: Store) -> Self {
        let (sender, mut receiver) = mpsc::channel(WAITING_EVENTS);
        let (keeping, kept) = watch::channel(0);
        tokio::spawn(async move {
            let mut notes = Vec::new();
            while collect(&mut receiver, &mut notes).await {
                let mut events = Vec::new();
                let mut waiting = Vec::new();
                for note in notes.drain(..) {
                    match note {
                        Note::Event(event) => events.push(*event),
                        Note::Flush(done) => waiting.push(done),
                    }
                }
                write_or_lose(&store, &events, &receiver, &keeping).await;
                for done in waiting {
                    // Whoever asked may have gone.
                    let _ = done.send(());
                }
            }
        });
        Self { notes: sender, kept }
    }

    /// Events that wait to be written.
    pub(super) fn waiting(&self) -> usize {
        *self.kept.borrow() + self.notes.max_capacity().saturating_sub(self.notes.capacity())
    }

    async fn note(&self, event: Event, run: Option<Run>) {
        if self.notes.send(Note::Event(Box::new((event, run)))).await.is_err() {
            tracing::error!("the audit's writer has ended; an event was lost");
            lost(1);
        }
    }

    /// Until nothing waits, however often it is tried again.
    async fn finish(&self) {
        loop {
            self.flush().await;
            if self.waiting() == 0 {
                return;
            }
            tokio::time::sleep(WAITED_FOR).await;
        }
    }

    async fn flush(&self) {
        let (sender, done) = oneshot::channel();
        if self.notes.send(Note::Flush(sender)).await.is_err() {
            return;
        }
        let mut kept = self.kept.clone();
        kept.mark_unchanged();
        tokio::select! {
            // An error means that the writer has ended, which it has said in the log.
            _ = done => {}
            // The database may be away for long.
            _ = kept.changed() => {}
        }
    }
}

/// Takes in what is noted until there is enough for a transaction, somebody waits for it, or time is up; false at the end.
async fn collect(receiver: &mut mpsc::Receiver<Note>, notes: &mut Vec<Note>) -> bool {
    let mut noted = receiver.recv_many(notes, WRITTEN_AT_ONCE).await;
    let until = Instant::now() + WAITED_FOR;
    while noted > 0 && notes.len() < WRITTEN_AT_ONCE && !notes.iter().any(|note| matches!(note, Note::Flush(_))) {
        let room = WRITTEN_AT_ONCE - notes.len();
        match tokio::time::timeout_at(until.into(), receiver.recv_many(notes, room)).await {
            Ok(more) => noted = more,
            Err(_) => break,
        }
    }
    !notes.is_empty()
}

/// Writes events. What the database has no room for, or no ear, is kept until it has, as long as `next` can take what comes meanwhile.
async fn write_or_lose(
    store: &Store,
    events: &[(Event, Option<Run>)],
    next: &mpsc::Receiver<Note>,
    keeping: &watch::Sender<usize>,
) {
    while let Err(error) = write(store, events).await {
        let has_room = next.len() < WAITING_EVENTS - WRITTEN_AT_ONCE;
        if !is_undone(&error) || !has_room || next.is_closed() {
            tracing::error!(%error, events = events.len(), "audit events could not be written, and are lost");
            lost(events.len());
            break;
        }
        if keeping.send_replace(events.len()) == 0 {
            tracing::warn!(%error, events = events.len(), "audit events cannot be written now; they are kept");
        }
        tokio::time::sleep(AGAIN).await;
    }
    // Nobody is told: what comes next may well be written, and whoever waits for it waits.
    keeping.send_if_modified(|kept| {
        *kept = 0;
        false
    });
}

/// Whether nothing was written, and the same can be later.
fn is_undone(error: &super::Error) -> bool {
    match error {
        super::Error::Store(StoreError::Busy(_) | StoreError::Full(_)) => true,
        // What a database has no room for it may refuse at the commit, which then did not happen.
        super::Error::Store(StoreError::CommitUnknown(error)) => {
            matches!(StoreError::from(error.clone()), StoreError::Full(_))
        }
        _ => false,
    }
}

fn lost(events: usize) {
    metrics::counter!("sdata_sync_audit_lost_events_total").increment(events as u64);
}

async fn write(store: &Store, events: &[(Event, Option<Run>)]) -> Result<(), super::Error> {
    if events.is_empty() {
        return Ok(());
    }
    crate::store::retrying(|| async {
        let mut txn = store.begin().await?;
        let mut known: HashMap<&Run, RunId> = HashMap::new();
        let mut rows = Vec::with_capacity(events.len());
        for (event, run) in events {
            let mut event = event.clone();
            if let Some(run) = run {
                event.run = Some(match known.get(run) {
                    Some(id) => *id,
                    None => txn.run(run, event.at).await?,
                });
                known.extend(event.run.map(|id| (run, id)));
            }
            rows.push(event);
        }
        txn.add_events(&rows).await?;
        Ok(txn.commit().await?)
    })
    .await
}

impl Provider {
    /// Records an event of a request that changed nothing; it is written within moments.
    pub async fn note(&self, event: Event, origin: &Origin) {
        self.recorder.note(event, origin.run.clone()).await;
    }

    /// Waits until every event noted before is written, or cannot be now: before the audit is read.
    pub async fn flush_audit(&self) {
        self.recorder.flush().await;
    }

    /// Waits until every event is written, `until` then at most, and counts those that are not: before the process ends.
    pub async fn finish_audit(&self, until: Instant) {
        if tokio::time::timeout_at(until.into(), self.recorder.finish()).await.is_err() {
            let events = self.recorder.waiting();
            tracing::error!(events, "the last events of the audit could not be written in time, and are lost");
            lost(events);
        }
    }
}

#[cfg(test)]
#[cfg(debug_assertions)]
mod tests {
    use super::*;
    use crate::protocol::paging::PageRequest;
    use crate::store::AuditFilter;
    use crate::store::faults::{Fault, Plan, Side, Step};
    use metrics_exporter_prometheus::PrometheusBuilder;
    use tempfile::TempDir;

    /// A store whose disk is full.
    async fn full(folder: &TempDir) -> Store {
        let url = format!("sqlite://{}", folder.path().join("data.db").display());
        let store = Store::connect(&url, 1).await.unwrap();
        store.migrate().await.unwrap();
        let plan = Plan { fault: Fault::Full, side: Side::Before, step: Step::Commit, number: 0, lasts: true };
        store.faults().plan(Some(plan));
        store
    }

    fn digest_read() -> Event {
        let name = CollectionName {
            application: "crm".to_owned(),
            contract: "sample".to_owned(),
            dataset: "-".to_owned(),
            resource_kind: "accounts".to_owned(),
        };
        let times = (Instant::now(), Stamp::now());
        event_at(name, &Origin::default(), EventOperation::DigestRead, EventOutcome::Ok, 200, times)
    }

    async fn written(store: &Store) -> u64 {
        let page = PageRequest { start_index: 1, count: 0 };
        store.events(&AuditFilter::default(), page).await.unwrap().total
    }

    #[tokio::test]
    async fn events_outlast_a_full_disk_and_whoever_waits_for_them_is_told_soon() {
        let folder = TempDir::new().unwrap();
        let store = full(&folder).await;
        let recorder = Recorder::start(store.clone());
        recorder.note(digest_read(), None).await;
        recorder.flush().await;
        assert_eq!((recorder.waiting(), written(&store).await), (1, 0));
        store.faults().clear();
        recorder.finish().await;
        assert_eq!((recorder.waiting(), written(&store).await), (0, 1));
    }

    #[test]
    fn events_are_lost_and_counted_when_those_after_them_find_no_room() {
        let counting = PrometheusBuilder::new().build_recorder();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let noted = WAITING_EVENTS as u64;
        let lost = metrics::with_local_recorder(&counting, || {
            runtime.block_on(async {
                let folder = TempDir::new().unwrap();
                let store = full(&folder).await;
                let recorder = Recorder::start(store.clone());
                for _ in 0..noted {
                    recorder.note(digest_read(), None).await;
                }
                recorder.flush().await;
                store.faults().clear();
                recorder.flush().await;
                noted - written(&store).await
            })
        });
        assert!((1..=WRITTEN_AT_ONCE as u64).contains(&lost), "{lost} of {noted}");
        let text = counting.handle().render();
        assert!(text.contains(&format!("sdata_sync_audit_lost_events_total {lost}")), "{text}");
    }
}
