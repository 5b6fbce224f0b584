//! What an engine tells while it runs.

use super::report::{Counts, PassReport};
use std::time::Duration;
use url::Url;

/// Something that happened in a pass.
#[derive(Debug, Clone)]
pub enum PassEvent {
    /// A pass begins.
    Started {
        /// The resource kind's plural name.
        resource_kind: String,
        /// The source collection.
        source: Url,
        /// The target collection.
        target: Url,
    },
    /// A provider is still at an operation.
    Waiting {
        /// The operation's context.
        url: Url,
        /// What it is at.
        phase: String,
        /// Percent done.
        progress: f32,
    },
    /// A page of the source was read.
    PageRead {
        /// Its number in this feed, from 1.
        page: u64,
        /// Its entries.
        entries: u64,
        /// Entries of all pages, where the source says.
        total: Option<u64>,
    },
    /// A page was applied.
    PageApplied {
        /// What happened in the pass so far.
        counts: Counts,
    },
    /// An entry failed at the target.
    EntryFailed {
        /// Its UUID, or its id where it has none.
        entry: String,
        /// The status the target gave it.
        status: Option<u16>,
        /// What the target says.
        message: String,
    },
    /// A request is tried again.
    Retrying {
        /// What was asked.
        url: Url,
        /// Why it failed.
        reason: String,
        /// How long it waits first.
        delay: Duration,
    },
    /// The source lost the pass's context: the pass begins again with the target's digest.
    StartedOver {
        /// What was lost.
        reason: String,
    },
    /// The target says nothing of some of a page's entries: what became of them is not known.
    ResultsMissing {
        /// Entries of the page.
        entries: u64,
        /// Entries of its result.
        results: u64,
    },
    /// The source did not take the results; the pass goes on, they are for its reports only (sync 5.7).
    ResultsRefused {
        /// Why.
        reason: String,
    },
    /// A resource that the source did not send, and has nevertheless: it was made or changed there meanwhile, and stays at the target.
    Kept {
        /// Its UUID.
        entry: String,
    },
    /// A target got everything, not all is deleted there that was to be, and its digest could not be made to say so: no later pass will
    /// delete it.
    NotTakenBack {
        /// Why.
        reason: String,
    },
    /// A context could not be deleted; the provider will let it expire.
    ContextLeft {
        /// Which.
        url: Url,
        /// Why.
        reason: String,
    },
    /// A pass ended, well or not.
    Finished {
        /// How.
        report: PassReport,
    },
}

/// Whoever wants to know how a run goes on.
pub trait Observer: Send + Sync {
    /// Takes note of an event; it must not block.
    fn notice(&self, event: PassEvent);
}

impl<F: Fn(PassEvent) + Send + Sync> Observer for F {
    fn notice(&self, event: PassEvent) {
        self(event);
    }
}
