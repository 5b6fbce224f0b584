//! When a tombstone may go, and what its going means to those who come later (docs/adr/0007-purge-horizon.md).

use super::{Digest, Endpoint, Stamp, SyncState, Tick};
use std::collections::BTreeMap;
use std::time::Duration;

/// Up to where tombstones are gone, by endpoint: the first tick above all that are.
pub type Horizons = BTreeMap<Endpoint, Tick>;

/// Milliseconds of 2000-01-01: foreign clocks that say less, or nothing, do not know when it is.
const EARLIEST_BELIEVED: i64 = 946_684_800_000;

/// How long tombstones are kept. Their age counts from the deletion, by the clock of who deleted; those of who has no clock have none,
/// and go only when everybody has taken them in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TombstoneAges {
    /// Kept at least so long; then they go once everybody has taken them in. `None`: they never go for that.
    pub least: Option<Duration>,
    /// Kept at most so long, whoever has not taken them in. `None`: there is no such limit.
    pub most: Option<Duration>,
}

impl TombstoneAges {
    /// The age from which a tombstone may go at all; `None` when none ever goes.
    #[must_use]
    pub fn youngest(&self) -> Option<Duration> {
        self.least.into_iter().chain(self.most).min()
    }

    /// Whether the tombstone with this state may go: whoever reads a feed now (`reading`) has taken it in; and either everybody who
    /// takes changes from here has (`peers`) and it is old enough, or it is older than any may become.
    #[must_use]
    pub fn may_go(&self, state: &SyncState, now: Stamp, peers: &[Digest], reading: &[Digest]) -> bool {
        let is_older = |age: Duration| state.stamp <= now.before(age);
        let has_age = state.stamp.millis() >= EARLIEST_BELIEVED;
        let have = |digests: &[Digest]| digests.iter().all(|digest| digest.contains(state));
        // Where nobody is known to take changes, nobody can be known to have taken them in.
        let is_known = self.least.is_some_and(is_older) && !peers.is_empty() && have(peers);
        (is_known || has_age && self.most.is_some_and(is_older)) && have(reading)
    }
}

/// A target that lacks deletions of which no tombstone is left: what it keeps of them nobody can tell it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the target has taken in {endpoint} only up to tick {tick}, and what was deleted there up to tick {horizon} is no longer kept \
     here: changes alone cannot bring it up to date; 'sdata-sync pass --full' can"
)]
pub struct BehindHorizon {
    /// Whose deletions.
    pub endpoint: Endpoint,
    /// The target's tick of it.
    pub tick: Tick,
    /// The first tick of which every tombstone is still here.
    pub horizon: Tick,
}

/// Whether `target` can be served by `source`, whose tombstones are gone up to `horizons`. One that shares no history with the source
/// can: nothing of what it has was ever here, so nothing of it can have been deleted here.
///
/// # Errors
/// [`BehindHorizon`] for the first endpoint of which it lacks too much.
pub fn check(target: &Digest, source: &Digest, horizons: &Horizons) -> Result<(), BehindHorizon> {
    let is_shared = |endpoint: &Endpoint| source.tick_of(endpoint) > Tick::FIRST;
    let knows = |(endpoint, entry): (&Endpoint, &super::DigestEntry)| entry.tick > Tick::FIRST && is_shared(endpoint);
    if !target.entries.iter().any(knows) {
        return Ok(());
    }
    let behind = horizons.iter().find(|(endpoint, horizon)| target.tick_of(endpoint) < **horizon);
    match behind {
        Some((endpoint, horizon)) => {
            let tick = target.tick_of(endpoint);
            Err(BehindHorizon { endpoint: endpoint.clone(), tick, horizon: *horizon })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::tests::{digest, node, state};
    use super::*;
    use rstest::rstest;

    const DAY: Duration = Duration::from_hours(24);

    fn horizons(ticks: &[u64]) -> Horizons {
        let known = (1u8..).zip(ticks).filter(|(_, tick)| **tick > 0);
        known.map(|(n, tick)| (node(n), Tick::new(*tick).unwrap())).collect()
    }

    #[rstest]
    #[case::young(1, &[9], &[], false)]
    #[case::old_and_known_to_all(30, &[9], &[], true)]
    #[case::old_and_the_tick_itself_is_not_taken_in(30, &[5], &[], false)]
    #[case::old_and_one_peer_lacks_it(30, &[9, 5], &[], false)]
    #[case::old_and_nobody_is_known(30, &[], &[], false)]
    #[case::older_than_any(90, &[1], &[], true)]
    #[case::older_than_any_but_somebody_reads(90, &[9], &[1], false)]
    #[case::older_than_any_and_the_reader_has_it(90, &[1], &[9], true)]
    fn a_tombstone_goes_when_all_have_it_or_it_is_too_old(
        #[case] days: u32,
        #[case] peers: &[u64],
        #[case] reading: &[u64],
        #[case] goes: bool,
    ) {
        let ages = TombstoneAges { least: Some(DAY * 30), most: Some(DAY * 90) };
        let deleted = SyncState { stamp: Stamp::from_millis(EARLIEST_BELIEVED), ..state(1, 5) };
        let now = Stamp::from_millis(EARLIEST_BELIEVED + i64::from(days) * 86_400_000);
        let digests = |ticks: &[u64]| ticks.iter().map(|tick| digest(&[*tick])).collect::<Vec<_>>();
        assert_eq!(ages.may_go(&deleted, now, &digests(peers), &digests(reading)), goes);
    }

    #[rstest]
    #[case::nobody_has_it(1, false)]
    #[case::everybody_has_it(9, true)]
    fn a_tombstone_of_who_has_no_clock_is_never_too_old(#[case] peer: u64, #[case] goes: bool) {
        let ages = TombstoneAges { least: Some(DAY * 30), most: Some(DAY * 90) };
        let deleted = SyncState { stamp: Stamp::EPOCH, ..state(1, 5) };
        let now = Stamp::from_millis(EARLIEST_BELIEVED * 2);
        assert_eq!(ages.may_go(&deleted, now, &[digest(&[peer])], &[]), goes);
    }

    #[test]
    fn without_ages_no_tombstone_ever_goes() {
        let now = Stamp::from_millis(i64::from(u32::MAX) * 1000);
        assert!(!TombstoneAges::default().may_go(&state(1, 5), now, &[], &[]));
        assert_eq!(TombstoneAges::default().youngest(), None);
    }

    /// SYNC-5.2-05.
    #[rstest]
    #[case::nothing_at_all(&[], true)]
    #[case::a_new_endpoint(&[0, 0, 1], true)]
    #[case::changes_that_nobody_here_heard_of(&[0, 0, 0, 9], true)]
    #[case::beyond_the_horizon(&[6, 7, 1], true)]
    #[case::at_the_horizon(&[6, 1, 1], true)]
    #[case::behind_it(&[5, 7, 1], false)]
    #[case::an_endpoint_it_never_heard_of(&[0, 7, 1], false)]
    fn a_target_is_served_unless_it_shares_history_and_lacks_deletions(#[case] target: &[u64], #[case] served: bool) {
        let source = digest(&[8, 8, 1]);
        let decided = check(&digest(target), &source, &horizons(&[6]));
        assert_eq!(decided.is_ok(), served, "{decided:?}");
    }

    #[test]
    fn where_nothing_was_purged_everybody_is_served() {
        assert_eq!(check(&digest(&[2, 2]), &digest(&[8, 8]), &Horizons::new()), Ok(()));
    }
}
