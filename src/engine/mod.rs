//! The engine of a synchronization (sync 3.2, 7.1): a consumer that carries changes between two providers, whoever made them.
//!
//! It knows the order of the requests, not what is in the messages: a page of the source reaches the target byte for byte.
//! It prints nothing; whoever started it hears of its progress through [`Observer`].

mod address;
mod dataset;
mod deletions;
mod digest;
mod error;
mod event;
mod full;
mod operation;
mod outcome;
mod pass;
mod remote;
mod report;
mod run;

pub use address::{Address, AddressError, Collection, Dataset};
pub use digest::read_digest;
pub use error::EngineError;
pub use event::{Observer, PassEvent};
pub use remote::{Authorities, Credentials, Remote, RetryPolicy, client_builder};
pub use report::{Counts, PassReport, RunOutcome, RunReport};
pub use run::RunPlan;

#[cfg(test)]
mod tests;
