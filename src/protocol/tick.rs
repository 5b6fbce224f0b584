//! The logical clock of one endpoint (sync 2.2).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Change counter of one endpoint, in changes; it only grows. Range 0 to 2^62.
///
/// `(endpoint, tick)` names one change for ever (sync 2.2, 4.3). In a digest a tick is the
/// first value *not yet* taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tick(u64);

impl Tick {
    /// What a digest says of an endpoint it has heard nothing from.
    pub const ZERO: Self = Self(0);
    /// The tick of an endpoint that has not made a change yet.
    pub const FIRST: Self = Self(1);
    /// The largest tick that is read. All three databases keep signed 64-bit numbers; so there is room above it for as many
    /// changes again, whatever somebody writes into a digest.
    pub const MAX: Self = Self(1 << 62);
    /// The largest tick that can be kept.
    const KEPT: u64 = i64::MAX as u64;

    /// A tick of this value; `None` above [`Tick::MAX`].
    #[must_use]
    pub const fn new(value: u64) -> Option<Self> {
        if value <= Self::MAX.0 { Some(Self(value)) } else { None }
    }

    /// The value, in changes.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The tick after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The tick `changes` later, at most the largest that can be kept.
    #[must_use]
    pub const fn plus(self, changes: u64) -> Self {
        let sum = self.0.saturating_add(changes);
        if sum > Self::KEPT { Self(Self::KEPT) } else { Self(sum) }
    }

    /// As the databases keep it.
    #[must_use]
    pub const fn to_i64(self) -> i64 {
        self.0 as i64
    }

    /// From a database; a negative number reads as zero.
    #[must_use]
    pub const fn from_i64(value: i64) -> Self {
        if value < 0 { Self::ZERO } else { Self(value as u64) }
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
