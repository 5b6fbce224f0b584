//! Feeds and entries as JSON: SData 2.0's form of what Atom says (core 3.15; SData 2.0, "JSON formatted responses").
//!
//! What belongs to the protocol has names with `$`, the resource's own properties have theirs. The wire does not know
//! contracts: what a property holds is said by whoever makes the resource's object, and read by whoever takes it.
//! Bodies that arrive become the Atom document that says the same, so that one reader reads every request.
//!
//! SData 2.0 leaves open how synchronization is written; here every element keeps its name: `$digest` with `$origin` and
//! `$digestEntry`, `$syncMode`, `$syncState`, `$httpMethod`, `$httpStatus` … (decided).

mod read;
mod value;
mod write;

pub use read::{JsonBody, JsonFeedReader, read_json};
pub use value::Json;
pub use write::{JSON_TYPE, JsonFeedWriter, write_json_diagnoses, write_json_entry, write_json_tracking};
