//! What the tests of the running provider share.

pub mod app;
pub mod messages;
pub mod pass;
pub mod raw;
pub mod scrape;
pub mod storage;
pub mod tls;
pub mod validators;
pub mod way;

pub use app::{Answer, App, Backend};
pub use storage::Kind;
pub use tls::Authority;
