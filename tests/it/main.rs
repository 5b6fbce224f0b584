//! The provider as its consumers see it: the real program, started on a database, asked over HTTP.

#![allow(missing_docs, reason = "tests are named after what they show")]
#![allow(unreachable_pub, reason = "one binary: its modules are its own")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod access;
mod accounts;
mod associations;
mod audit;
mod away;
mod batch;
mod compression;
mod conditional;
mod conflicts;
mod crash;
mod demo;
mod deployed;
mod digest;
mod errors;
mod feed_readers;
mod feeds;
mod growth;
mod hostile;
mod immediate;
mod json;
mod large_contract;
mod limits;
mod linked;
mod log;
mod metrics;
mod monitoring;
mod navigation;
#[cfg(unix)]
mod on_this_machine;
#[cfg(feature = "otel")]
mod otel;
mod pages;
mod paging;
mod parked;
mod planned_crashes;
mod property_urls;
mod queries;
mod races;
mod references;
mod registry;
mod relinking;
mod resources;
mod restore;
mod results;
mod rolling_restart;
mod runs;
mod scale;
mod schema;
mod schema_versions;
mod searching;
mod selectors;
mod serve;
mod shaping;
mod source;
mod support;
mod takeover;
mod target;
mod template;
mod tls;
mod tracking;
mod transfer;
mod uploads;
mod validated;
