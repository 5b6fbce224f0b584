//! The pure rooms of the crate, without the server around them: they build in a minute, and only what is fuzzed is
//! instrumented.
#![allow(dead_code, reason = "the rest of the crate is not here")]

#[path = "../src/contract/mod.rs"]
pub mod contract;
#[path = "../src/protocol/mod.rs"]
pub mod protocol;
#[path = "../src/query/mod.rs"]
pub mod query;
#[path = "../src/wire/mod.rs"]
pub mod wire;
