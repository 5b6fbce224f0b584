//! The pure rooms of the crate, without the server around them: they build in a minute, and only what is fuzzed is
//! instrumented.
#![allow(dead_code, reason = "the rest of the crate is not here")]

#[path = "../src/engine/address.rs"]
mod address;
#[path = "../src/contract/mod.rs"]
pub mod contract;
#[path = "../src/settings/database_url.rs"]
mod database_url;
#[path = "../src/protocol/mod.rs"]
pub mod protocol;
#[path = "../src/query/mod.rs"]
pub mod query;
#[path = "../src/wire/mod.rs"]
pub mod wire;

/// Of the engine, what reads URLs.
pub mod engine {
    pub use crate::address::{Address, AddressError};
}

/// Of the settings, what reads the URL of a database.
pub mod settings {
    pub use crate::database_url::DatabaseUrl;
}
