//! The audit of refusals: each is told of, but a flood of the same fills no database.

use super::limits;
use crate::provider::Provider;
use crate::provider::audit::{Origin, event_at};
use crate::store::{CollectionName, Event, EventOperation, EventOutcome};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;
use tokio::sync::Semaphore;

/// Somebody who was refused.
#[derive(Debug)]
pub struct Refused {
    /// Who, as far as it is known: the account that was tried, if there is one.
    pub origin: Origin,
    /// The name that was tried, where nobody has looked yet whether it is an account's.
    pub tried: Option<String>,
    /// The collection that was asked for, if it is served.
    pub name: Option<CollectionName>,
    /// With which status.
    pub status: u16,
    /// What was asked, and why it is refused.
    pub message: String,
    /// When it began.
    pub started: Instant,
}

/// What makes refusals the same: address, account, status.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Same(Option<String>, Option<String>, u16);

/// Refusals that were told of a moment ago: with the event that told of the first, and how many came since.
type Windows = HashMap<Same, (Event, u64)>;

/// Tells the audit of refusals.
#[derive(Debug)]
pub(super) struct RefusalLog {
    provider: Arc<Provider>,
    windows: Mutex<Windows>,
    /// Bounds the looking for accounts that nobody waits for.
    naming: Arc<Semaphore>,
}

impl RefusalLog {
    pub(super) fn new(provider: &Arc<Provider>) -> Self {
        let naming = Arc::new(Semaphore::new(limits::REFUSALS_NAMED as usize));
        Self { provider: Arc::clone(provider), windows: Mutex::default(), naming }
    }

    /// Tells of a refusal. Whether the name that was tried is an account's is looked for meanwhile: the time of the answer must not
    /// tell.
    pub(super) async fn note(self: &Arc<Self>, mut refused: Refused) {
        let permit = refused.tried.is_some().then(|| Arc::clone(&self.naming).try_acquire_owned().ok()).flatten();
        let (Some(name), Some(permit)) = (refused.tried.take(), permit) else {
            return self.tell_or_count(refused).await;
        };
        let log = Arc::clone(self);
        tokio::spawn(async move {
            // The refusal is told of also when the database cannot be asked.
            let account = log.provider.store.account(&name).await.ok().flatten();
            refused.origin.principal = account.map(|account| account.name);
            log.tell_or_count(refused).await;
            drop(permit);
        });
    }

    /// Tells of a refusal, or counts it where one like it was told of within the minute.
    async fn tell_or_count(self: &Arc<Self>, refused: Refused) {
        let (event, origin) = (self.event(&refused), refused.origin);
        let mut same = Same(origin.remote_address.clone(), origin.principal.clone(), refused.status);
        let is_new = {
            let mut windows = self.windows();
            if windows.len() >= limits::REFUSALS_APART && !windows.contains_key(&same) {
                same = Same(None, None, refused.status);
            }
            let is_new = !windows.contains_key(&same);
            let window = windows.entry(same.clone()).or_insert_with(|| (event.clone(), 0));
            window.1 += u64::from(!is_new);
            is_new
        };
        if is_new {
            self.provider.note(event, &origin).await;
            let log = Arc::downgrade(self);
            tokio::spawn(close_later(log, same));
        }
    }

    /// Tells of everything that was counted.
    pub(super) async fn flush(&self) {
        // Those whose account is looked for are counted first.
        let _named = self.naming.acquire_many(limits::REFUSALS_NAMED).await;
        let windows = std::mem::take(&mut *self.windows());
        for (same, (event, count)) in windows {
            self.tell_of(&same, event, count).await;
        }
    }

    async fn close(&self, same: &Same) {
        let closed = self.windows().remove(same);
        if let Some((event, count)) = closed {
            self.tell_of(same, event, count).await;
        }
    }

    async fn tell_of(&self, same: &Same, event: Event, count: u64) {
        if count == 0 {
            return;
        }
        let Same(remote_address, principal, _) = same.clone();
        let message = match remote_address {
            Some(_) => format!("{count} more within a minute like: {}", event.message),
            None => format!("{count} more within a minute, of others"),
        };
        let event = Event { at: self.provider.now(), remote_address, principal, message, ..event };
        self.provider.note(event, &Origin::default()).await;
    }

    fn event(&self, refused: &Refused) -> Event {
        let nowhere = || CollectionName {
            application: self.provider.offer.application.clone(),
            contract: String::new(),
            dataset: String::new(),
            resource_kind: String::new(),
        };
        let name = refused.name.clone().unwrap_or_else(nowhere);
        let times = (refused.started, self.provider.now());
        let (operation, outcome) = (EventOperation::AccessRefused, EventOutcome::Refused);
        let event = event_at(name, &refused.origin, operation, outcome, refused.status, times);
        Event { message: refused.message.clone(), ..event }
    }

    fn windows(&self) -> MutexGuard<'_, Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn close_later(log: Weak<RefusalLog>, same: Same) {
    tokio::time::sleep(limits::REFUSALS_TOGETHER).await;
    if let Some(log) = log.upgrade() {
        log.close(&same).await;
    }
}
