//! One run of an engine (sync 4.1).

use super::Stamp;
use serde::{Deserialize, Serialize};

/// The pair that identifies a run across kinds, passes and operations. Both parts are opaque: kept and compared exactly as sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Run {
    /// What the engine calls the run.
    pub name: String,
    /// When the engine started it, in the engine's own writing.
    pub stamp: String,
}

impl Run {
    /// The run that two optional request parameters name; `None` when neither was sent.
    #[must_use]
    pub fn from_parts(name: Option<String>, stamp: Option<String>) -> Option<Self> {
        match (name, stamp) {
            (None, None) => None,
            (name, stamp) => Some(Self { name: name.unwrap_or_default(), stamp: stamp.unwrap_or_default() }),
        }
    }

    /// The run's time for sorting, where its stamp is one.
    #[must_use]
    pub fn time(&self) -> Option<Stamp> {
        Stamp::parse(&self.stamp)
    }
}
