//! What the tests of the running provider share.

pub mod app;
pub mod messages;
pub mod pass;

pub use app::{Answer, App, Backend};
