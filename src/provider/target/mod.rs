//! `$syncTarget`: taking in a page of a synchronization feed (sync 5.3 to 5.5, 5.8).
//!
//! A page is applied chunk by chunk. Per chunk: the entries are read ([`incoming`]), everything they touch is looked up
//! and locked in a few statements ([`chunk`]), what becomes of each is decided ([`plan`]), and all of it is written,
//! with digest, results, audit and the job's cursor, in one transaction.

pub mod candidate;
pub mod chunk;
pub mod doubles;
pub mod facts;
pub mod incoming;
pub mod parked;
pub mod plan;
pub mod ready;
pub mod results;

pub use chunk::{CHUNK_ENTRIES, ChunkJob};
pub use facts::FeedFacts;
pub use incoming::Incoming;
