//! One asynchronous operation of a provider, from its POST to its feed (core 11.5; sync 5.2, 5.3).

use super::PassEvent;
use super::address::{Collection, Operation};
use super::error::EngineError;
use super::remote::{Answer, Remote};
use crate::protocol::Run;
use crate::wire::read_tracking;
use bytes::Bytes;
use reqwest::StatusCode;
use std::time::Duration;
use tracing::Instrument;
use url::Url;
use uuid::Uuid;

/// The first wait; each later one is twice as long, up to the provider's `pollingMillis`: most pages are ready long before.
const FIRST_WAIT: Duration = Duration::from_millis(1);
/// The shortest wait between two polls, once the first ones are over, whatever the provider says.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The wait between two polls of a provider that does not say.
const UNSAID_WAIT: Duration = Duration::from_millis(500);

/// An operation to be started.
pub(super) struct Start<'a> {
    pub(super) operation: Operation,
    pub(super) collection: &'a Collection,
    pub(super) run: &'a Run,
    pub(super) count: Option<u64>,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

/// An operation that is done.
pub(super) struct Done {
    /// The first page of what it came to.
    pub(super) answer: Answer,
    /// What is to be deleted when all pages are read.
    pub(super) context: Url,
}

impl Start<'_> {
    /// Starts the operation under a new tracking id and waits for its end. Its context stands in `contexts` from
    /// before the request on: an answer may be lost, the operation is there nevertheless.
    ///
    /// # Errors
    /// [`EngineError`]; [`EngineError::ContextGone`] when the provider forgot the operation in the meantime.
    pub(super) async fn run(&self, remote: &Remote, contexts: &mut Vec<Url>) -> Result<Done, EngineError> {
        let tracking_id = Uuid::new_v4().to_string();
        let span = tracing::info_span!("operation", operation = ?self.operation, tracking_id);
        self.run_as(&tracking_id, remote, contexts).instrument(span).await
    }

    async fn run_as(&self, tracking_id: &str, remote: &Remote, contexts: &mut Vec<Url>) -> Result<Done, EngineError> {
        let url = self.collection.start(self.operation, tracking_id, self.run, self.count);
        let built = self.collection.context(self.operation, tracking_id);
        contexts.push(built.clone());
        let started = remote.post(&url, self.content_type, self.body.clone()).await?;
        match started.status {
            StatusCode::ACCEPTED => {
                let context = started.location.clone().unwrap_or(built);
                if let Some(noted) = contexts.last_mut() {
                    noted.clone_from(&context);
                }
                let answer = wait(remote, &context, polling(&started.body)).await?;
                Ok(Done { answer, context })
            }
            // Some providers do the work at once.
            status if status.is_success() => Ok(Done { answer: started, context: built }),
            // The id is in use because the first of our own requests was taken and its answer lost.
            StatusCode::CONFLICT if started.was_repeated => match wait(remote, &built, UNSAID_WAIT).await {
                Err(EngineError::ContextGone { .. }) => Err(started.refusal()),
                waited => waited.map(|answer| Done { answer, context: built }),
            },
            _ => {
                contexts.pop();
                Err(started.refusal())
            }
        }
    }
}

/// Polls a context until its operation is done (core 11.5).
pub(super) async fn wait(remote: &Remote, context: &Url, said: Duration) -> Result<Answer, EngineError> {
    let mut said = said;
    let mut pause = FIRST_WAIT;
    loop {
        tokio::time::sleep(pause.min(said)).await;
        let answer = page(remote, context).await?;
        if answer.status != StatusCode::ACCEPTED {
            return Ok(answer);
        }
        said = polling(&answer.body);
        pause = pause.saturating_mul(2);
        if let Ok(tracking) = read_tracking(&answer.body) {
            let (phase, progress) = (tracking.phase, tracking.progress);
            remote.notice(PassEvent::Waiting { url: context.clone(), phase, progress });
        }
    }
}

/// GETs a page of an operation's feed: 2xx, or an error.
pub(super) async fn page(remote: &Remote, url: &Url) -> Result<Answer, EngineError> {
    let answer = remote.get(url).await?;
    match answer.status {
        status if status.is_success() => Ok(answer),
        status @ (StatusCode::NOT_FOUND | StatusCode::GONE) => {
            Err(EngineError::ContextGone { url: url.to_string(), status })
        }
        _ => Err(answer.refusal()),
    }
}

/// How long a tracking body asks to wait.
fn polling(body: &[u8]) -> Duration {
    let said = read_tracking(body).ok().map(|tracking| Duration::from_millis(tracking.polling_millis.into()));
    said.filter(|said| !said.is_zero()).unwrap_or(UNSAID_WAIT).clamp(SHORTEST_WAIT, LONGEST_WAIT)
}
