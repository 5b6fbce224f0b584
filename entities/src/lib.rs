//! The tables of sdata-sync.

pub mod access_token;
pub mod account;
pub mod account_grant;
pub mod audit_change;
pub mod audit_chunk;
pub mod audit_event;
pub mod body_part;
pub mod collection;
pub mod digest_entry;
pub mod document;
pub mod endpoint;
pub mod feed_progress;
pub mod id_block;
pub mod lane;
pub mod live_count;
pub mod parked_entry;
pub mod property_index;
pub mod property_value;
pub mod resource;
pub mod retired_uuid;
pub mod sync_run;
pub mod tracking;
pub mod tracking_result;
pub mod unique_value;
pub mod united_resource;
pub mod uuid_alias;
