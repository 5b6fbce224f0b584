//! The law: what SData synchronization decides, as pure functions on plain types.
//!
//! Nothing here does I/O, waits, or depends on another room of this crate. Section numbers
//! ("sync 5.4", "core 3.10") are those of the public SData 1.1 specification.

pub mod access;
pub mod conflict;
pub mod decimal;
pub mod demand;
pub mod diagnosis;
pub mod digest;
pub mod endpoint;
pub mod etag;
pub mod horizon;
pub mod immediate;
pub mod operation;
pub mod paging;
pub mod path;
pub mod recovery;
pub mod run;
pub mod selection;
pub mod stamp;
pub mod sync_state;
pub mod tick;
pub mod tracking;
pub mod url;
pub mod uuids;

pub use conflict::{Side, Verdict, verdict, verdict_on_waiting};
pub use diagnosis::{Diagnosis, SdataCode, Severity};
pub use digest::{Digest, DigestEntry, Priority};
pub use endpoint::Endpoint;
pub use recovery::Recovery;
pub use run::Run;
pub use selection::TickRange;
pub use stamp::Stamp;
pub use sync_state::{SyncMode, SyncState};
pub use tick::Tick;
pub use tracking::Tracking;
pub use uuids::Uuids;
