//! Writes of clients, many at once: what a single GET, POST, PUT or DELETE does, for as many as come together (core 7 to
//! 10, 13).
//!
//! A chunk of requests is looked up and locked in a few statements (`known`), what becomes of each is decided in order
//! (`plan`), each seeing what those before it did, and all of it is written in one transaction (`carry_out`). A
//! request that is refused leaves nothing. Single requests, `$batch` and imports all come this way; a `$batch` job puts
//! its results and its cursor into the same transaction ([`job`]).

mod candidate;
mod carry_out;
pub mod job;
mod known;
mod plan;
pub mod request;
pub mod results;

pub use job::{BatchEntry, BatchJob, BatchOutcome};
pub use request::{Method, Request};

use super::Error;
use crate::store::Document;

/// What was done for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The resource was read.
    Read,
    /// It is new; or it was posted before and not modified since, and the POST is the same again (core 8.5).
    Created,
    /// It is changed.
    Updated,
    /// It is what it was: no change that others would have to learn of.
    Unchanged,
    /// It is gone.
    Deleted,
}

impl Done {
    /// The HTTP status that says so.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Created => 201,
            Self::Read | Self::Updated | Self::Unchanged | Self::Deleted => 200,
        }
    }
}

/// What became of a request.
#[derive(Debug)]
pub struct Outcome {
    /// What was done, or why nothing was.
    pub done: Result<Done, Error>,
    /// The resource as the request left or found it; for one that was not made for the current version, the current
    /// one (core 9.5).
    pub document: Option<Document>,
}

impl Outcome {
    /// Nothing was done.
    fn refused(error: Error) -> Self {
        Self { done: Err(error), document: None }
    }
}
