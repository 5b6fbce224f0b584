//! What was seen a moment ago holds for a time: everybody may ask as often as they like, and one of them looks.

use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The last look at something.
#[derive(Debug)]
pub(super) struct Lately<T> {
    holds: Duration,
    seen: Mutex<Option<(Instant, T)>>,
}

impl<T: Copy> Lately<T> {
    /// Nothing was seen yet; what will be holds for this time.
    pub(super) fn holding(holds: Duration) -> Self {
        Self { holds, seen: Mutex::default() }
    }

    /// What was seen a moment ago, else what `look` finds. Whoever comes meanwhile waits for it.
    pub(super) async fn or(&self, look: impl Future<Output = T>) -> T {
        let mut seen = self.seen.lock().await;
        if let Some((at, found)) = *seen
            && at.elapsed() < self.holds
        {
            return found;
        }
        let found = look.await;
        *seen = Some((Instant::now(), found));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::cell::Cell;

    #[tokio::test]
    async fn it_is_looked_once_however_many_ask() {
        let (last, looks) = (Lately::holding(Duration::from_secs(3_600)), Cell::new(0));
        let look = async |is_ready: bool| {
            looks.set(looks.get() + 1);
            tokio::task::yield_now().await;
            is_ready
        };
        let asked = join_all((0..50).map(|_| last.or(look(false)))).await;
        assert_eq!((asked, looks.get()), (vec![false; 50], 1), "those who come meanwhile wait for the one look");
        assert_eq!((last.or(look(true)).await, looks.get()), (false, 1), "a moment later it is not looked");
    }

    #[tokio::test]
    async fn it_is_looked_again_when_the_time_is_over() {
        let last = Lately::holding(Duration::from_millis(20));
        assert!(last.or(async { true }).await);
        tokio::time::sleep(Duration::from_millis(21)).await;
        assert!(!last.or(async { false }).await);
    }

    #[tokio::test]
    async fn who_goes_away_while_it_is_looked_keeps_nobody_waiting() {
        let last = Lately::holding(Duration::from_secs(3_600));
        let given_up = tokio::time::timeout(Duration::from_millis(10), last.or(std::future::pending())).await;
        assert!(given_up.is_err());
        assert!(last.or(async { true }).await);
    }
}
