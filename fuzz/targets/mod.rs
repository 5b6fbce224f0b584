//! What is fuzzed: functions that take any bytes and panic where something does not hold.
//!
//! The fuzzer's targets call them, and so does the test `fuzz`, which replays and mutates the kept corpus.
#![allow(dead_code, unused_imports, reason = "each target uses one of them")]
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is what tells of a finding")]

mod contracts;
mod elements;
mod feeds;
mod json;
mod markup;
mod queries;
mod texts;
mod values;
mod written;

pub(crate) use contracts::{contract, payload};
pub(crate) use feeds::{answers, digest, entry, feed};
pub(crate) use json::json;
pub(crate) use markup::markup;
pub(crate) use queries::{query, selector};
pub(crate) use texts::texts;
pub(crate) use written::written;

use sdata_sync::contract::Contract;
use sdata_sync::wire::{ReadLimits, WireError};
use std::sync::OnceLock;

/// The sample contract, read once.
fn sample() -> &'static Contract {
    static SAMPLE: OnceLock<Contract> = OnceLock::new();
    SAMPLE.get_or_init(|| Contract::sample().expect("the sample is a contract"))
}

/// Limits that short inputs reach, too.
const SMALL: ReadLimits =
    ReadLimits { depth: 8, attributes: 6, name_bytes: 32, text_bytes: 400, nodes: 40, entries: 8 };

/// Whether an error says that something is above a limit.
const fn is_above_a_limit(error: &WireError) -> bool {
    matches!(error, WireError::TooDeep { .. } | WireError::TooLarge { .. })
}
