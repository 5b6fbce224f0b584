//! What the audit is told of a request.

use super::{Collection, Provider};
use crate::protocol::{Run, Stamp};
use crate::store::{
    CollectionName, Counts, Event, EventOperation, EventOutcome, RunId, Store, StoreError, TrackingRecord, Txn,
};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Events that may wait to be written; then requests wait too.
const WAITING_EVENTS: usize = 4096;
/// Events written per transaction.
const WRITTEN_AT_ONCE: usize = 1024;
/// How long an event may wait for others, so that they share a commit.
const WAITED_FOR: Duration = Duration::from_millis(100);

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
pub(super) struct Recorder(mpsc::Sender<Note>);

#[derive(Debug)]
enum Note {
    Event(Box<(Event, Option<Run>)>),
    /// Answered when every event before it is written.
    Flush(oneshot::Sender<()>),
}

impl Recorder {
    /// Starts the writing task; it ends, with nothing left unwritten, when the last recorder is dropped.
    pub(super) fn start(store: Store) -> Self {
        let (sender, mut receiver) = mpsc::channel(WAITING_EVENTS);
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
                if let Err(error) = write(&store, &events).await {
                    tracing::error!(%error, events = events.len(), "audit events could not be written");
                }
                for done in waiting {
                    // Whoever asked may have gone.
                    let _ = done.send(());
                }
            }
        });
        Self(sender)
    }

    /// Events that wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.0.max_capacity().saturating_sub(self.0.capacity())
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
        if self.recorder.0.send(Note::Event(Box::new((event, origin.run.clone())))).await.is_err() {
            tracing::error!("the audit's writer has ended; an event was lost");
        }
    }

    /// Waits until every event noted before is written: before the audit is read, and before the process ends.
    pub async fn flush_audit(&self) {
        let (sender, done) = oneshot::channel();
        if self.recorder.0.send(Note::Flush(sender)).await.is_ok() {
            // An error means that the writer has ended, which it has said in the log.
            let _ = done.await;
        }
    }
}
