//! The last change of one resource (sync 4.3) and the kind of feed it travels in (sync 4.4).

use super::{Endpoint, Stamp, Tick};
use serde::{Deserialize, Serialize};

/// Where, at which tick and when a resource was last changed (sync 4.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    /// The endpoint at which the change was made.
    pub endpoint: Endpoint,
    /// That endpoint's tick for the change.
    pub tick: Tick,
    /// When the change was made, by that endpoint's clock.
    pub stamp: Stamp,
    /// Who made it, where the endpoint says so.
    pub user: Option<String>,
}

/// How a feed's digest is to be taken (sync 4.4, 5.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncMode {
    /// The feed holds all that the target lacked: its digest is adopted at the end.
    CatchUp,
    /// The feed holds changes as they happen: they must continue the target's digest.
    Immediate,
}

impl SyncMode {
    /// Reads the mode in any letter case, as relays write it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("catchUp") {
            Some(Self::CatchUp)
        } else if text.eq_ignore_ascii_case("immediate") {
            Some(Self::Immediate)
        } else {
            None
        }
    }

    /// As the specification writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CatchUp => "catchUp",
            Self::Immediate => "immediate",
        }
    }
}
