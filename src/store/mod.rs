//! What the provider remembers: the only room with SQL.
//!
//! [`Store`] reads and does what is one transaction by itself; [`Txn`] is a write transaction. Every call takes a batch and
//! costs a few statements, whatever the batch's size. After an error a [`Txn`] is good for nothing but being dropped.
//! SQLite, PostgreSQL, MySQL and MariaDB behave alike; what differs between them is in `dialect`.

mod accounts;
mod audit;
mod audit_kind;
mod audit_reads;
mod batch;
mod bodies;
mod changes;
mod clock;
mod collections;
mod connect_options;
mod connection;
mod database_errors;
mod database_url;
mod dialect;
mod digests;
mod duty;
mod endpoints;
mod error;
#[cfg(debug_assertions)]
pub mod faults;
#[cfg(not(debug_assertions))]
#[path = "no_faults.rs"]
mod faults;
mod feeds;
mod ids;
mod instance;
mod lanes;
mod links;
mod live_count;
mod locks;
mod lookups;
mod measures;
mod parked;
mod peers;
mod progress;
mod properties;
mod property_index;
mod property_values;
mod purge;
mod query;
mod recovery;
mod resource_rows;
mod resources;
mod results;
mod retention;
mod retry;
mod rows;
mod session;
mod sort_key;
mod states;
mod steps;
mod tracking;
mod unique_values;
mod writes;

pub use accounts::{AccessToken, Account, AccountId, MAX_ACCOUNT_NAME_CHARS, MAX_TOKEN_LABEL_CHARS, TokenId};
pub use audit::{ChangeOutcome, ChangeRecord, Counts, Event, EventOperation, EventOutcome, RunId};
pub use audit_kind::AuditKind;
pub use audit_reads::{AuditFilter, ChangeRow, EventRow, Page, RunRow};
pub use bodies::BodyPart;
pub use changes::{Change, Position};
pub use collections::{CollectionName, RegisterError};
pub use connection::{Connections, Store, Txn};
pub use database_url::DatabaseUrl;
pub use digests::Glance;
pub use duty::PURGE;
pub use error::{Duplicate, StoreError};
pub use instance::PutBackNotes;
pub use locks::Locked;
pub use measures::{COUNTED_AT_MOST, Measures, Numbers, Pending, Pool};
pub use parked::{ParkedEntry, ParkedId, ParkedWrite};
pub use properties::Properties;
pub use property_index::IndexedProperty;
pub use purge::Tombstone;
pub use query::{Cursor, NoCursor, Selected, Selection};
pub use recovery::LockedClock;
pub use resources::{Document, StoredResource};
pub use results::{ResultRow, Version};
pub use retry::{Transient, retrying};
pub use tracking::{
    DoneAtOnce, FeedPart, NewTracking, Operation, Submission, TrackingKey, TrackingRecord, TrackingState,
};
pub use writes::{Content, NewState, ResourceWrite};

/// Longest `sdata:key` that can be kept, in characters.
pub const MAX_KEY_CHARS: usize = 255;
/// Longest trackingID that can be kept, in characters.
pub const MAX_TRACKING_ID_CHARS: usize = 255;

/// A collection registered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionId(pub i64);

/// A resource, live or tombstone. Ids grow with the time of creation, roughly: several processes draw blocks of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub i64);
