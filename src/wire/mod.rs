//! Bytes to values and back: the only room that knows XML, and the protocol's JSON.
//!
//! Readers match elements by namespace and local name, in any order, and pass over what they do
//! not know (core 1.2); what is written has the one form that deployed clients understand. Section
//! numbers ("sync 4.4", "core 3.8") are those of the public SData 1.1 specification.

mod atom_head;
pub mod diagnosis;
pub mod digest;
pub mod element;
pub mod entry;
pub mod error;
pub mod feed;
mod footprint;
pub mod json;
pub mod names;
pub mod payload;
mod reader;
pub mod sync_state;
pub mod tracking;
mod writer;

pub use atom_head::{Category, ENTRY_TYPE, FEED_TYPE, Link};
pub use diagnosis::{fit_for_xml, read_diagnoses, write_diagnoses};
pub use digest::{DigestUse, digest_entry, read_digest_entry};
pub use element::{Attribute, Element, Node};
pub use entry::{Entry, EntryOut, HttpOut, read_entry, write_entry};
pub use error::WireError;
pub use feed::{FeedHead, FeedOut, FeedReader, FeedScan, FeedWriter, scan_feed};
pub use footprint::Footprint;
pub use json::{
    JSON_TYPE, Json, JsonBody, JsonFeedReader, JsonFeedWriter, read_json, write_json_diagnoses, write_json_entry,
    write_json_tracking,
};
pub use payload::{PayloadOut, PayloadRead, ResourceOut};
pub use reader::ReadLimits;
pub use sync_state::StateRead;
pub use tracking::{read_tracking, write_tracking};
