//! Bodies that must come at some pace: whoever sends a byte now and then holds what he was given for ever.

use actix_web::web::Payload;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use std::io;
use std::time::{Duration, Instant};

/// How long any body may take that is not there yet.
const GRACE: Duration = Duration::from_secs(10);

/// How fast a body must come.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The longest that is waited for all of it.
    pub time: Duration,
    /// What must come on average, after ten seconds.
    pub bytes_per_second: u64,
}

impl Pace {
    /// How long may have been waited for a body of which so many bytes have come.
    fn allowed(&self, received: u64) -> Duration {
        let seconds = received / self.bytes_per_second.max(1);
        GRACE.saturating_add(Duration::from_secs(seconds)).min(self.time)
    }

    /// `body`, which ends with [`TooSlow`] when the client lets wait too long. Only waiting counts: the time that is
    /// taken here to work what has come is not the client's.
    pub(super) fn keep(self, mut body: Payload) -> impl Stream<Item = io::Result<Bytes>> {
        async_stream::try_stream! {
            let (mut waited, mut received) = (Duration::ZERO, 0_u64);
            loop {
                let began = Instant::now();
                let left = self.allowed(received).saturating_sub(waited);
                let next = tokio::time::timeout(left, body.next()).await;
                let next = next.map_err(|_| io::Error::other(TooSlow { received, pace: self }))?;
                waited += began.elapsed();
                let Some(bytes) = next else { break };
                let bytes = bytes.map_err(io::Error::other)?;
                received += bytes.len() as u64;
                yield bytes;
            }
        }
    }
}

/// A body did not come fast enough.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "after {received} bytes the body came too slowly: {} bytes per second, and all within {} seconds, are expected",
    .pace.bytes_per_second, .pace.time.as_secs()
)]
pub(super) struct TooSlow {
    received: u64,
    pace: Pace,
}

impl TooSlow {
    /// Whether it is why a body could not be read, also one that is unpacked on the way.
    pub(super) fn of(error: &io::Error) -> Option<&Self> {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|error| error as _);
        while let Some(error) = cause {
            if let Some(slow) = error.downcast_ref::<Self>() {
                return Some(slow);
            }
            let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            cause = inner.map(|error| error as _).or_else(|| error.source());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_time_is_given_for_more_bytes_but_never_more_than_for_any_body() {
        let pace = Pace { time: Duration::from_secs(60), bytes_per_second: 1_000 };
        assert_eq!(pace.allowed(999), Duration::from_secs(10));
        assert_eq!(pace.allowed(20_000), Duration::from_secs(30));
        assert_eq!(pace.allowed(u64::MAX), Duration::from_secs(60));
        let hurried = Pace { time: Duration::from_secs(2), ..pace };
        assert_eq!(hurried.allowed(0), Duration::from_secs(2));
    }

    #[test]
    fn it_is_found_however_deep_it_is_wrapped() {
        let slow = TooSlow { received: 7, pace: Pace { time: Duration::from_secs(1), bytes_per_second: 1 } };
        let wrapped = io::Error::other(io::Error::other(io::Error::other(slow)));
        assert_eq!(TooSlow::of(&wrapped).map(|slow| slow.received), Some(7));
        assert!(TooSlow::of(&io::Error::other("the connection broke")).is_none());
    }
}
