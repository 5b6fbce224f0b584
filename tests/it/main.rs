//! The provider as its consumers see it: the real program, started on a database, asked over HTTP.

mod conflicts;
mod support;
