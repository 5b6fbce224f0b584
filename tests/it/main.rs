//! The provider as its consumers see it: the real program, started on a database, asked over HTTP.

#![allow(missing_docs, reason = "tests are named after what they show")]

mod conflicts;
mod demo;
mod serve;
mod support;
