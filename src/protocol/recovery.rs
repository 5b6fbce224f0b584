//! What an endpoint may do whose database was put back to an earlier state (sync 2.1, 4.3; decided in docs/adr/0006-restore.md).
//!
//! It has forgotten changes that others have seen under ticks that it would give again. So it gives none until it has got
//! back what its peers know of it.

use super::{Digest, Endpoint, Stamp, SyncState, Tick};

/// Ticks left out when the clock goes on, in changes: who could not be asked may know some of the last that were forgotten.
const MARGIN: u64 = 1 << 20;

/// How far above the own tick somebody may know it, in changes: more was never made since any backup, it is a mistake.
const MOST_FORGOTTEN: u64 = 1 << 32;

/// A collection whose clock stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Since when.
    pub since: Stamp,
    /// The first own tick that may be forgotten: what is below is here as it was.
    pub floor: Tick,
    /// Whether ticks from the floor on may have been given a second time before anybody noticed.
    pub is_ambiguous: bool,
    /// The highest own tick that anybody knows.
    pub known: Tick,
    /// The feed whose digest gave the proof, if one did.
    pub proof_feed: Option<[u8; 32]>,
    /// What showed it.
    pub cause: String,
}

impl Recovery {
    /// Found out before anything was numbered: all own ticks of `digest` are what they were.
    #[must_use]
    pub fn in_time(own_tick: Tick, now: Stamp, cause: &str) -> Self {
        let cause = cause.to_owned();
        Self { since: now, floor: own_tick, is_ambiguous: false, known: own_tick, proof_feed: None, cause }
    }

    /// Found out by somebody who knows the own tick `known`, while the clock is at `own_tick` and its changes below `certain`
    /// are surely those that others know.
    #[must_use]
    pub fn by_proof(own_tick: Tick, known: Tick, certain: Tick, now: Stamp, cause: &str) -> Self {
        let floor = certain.min(own_tick);
        let is_ambiguous = floor < own_tick;
        let known = known.max(own_tick);
        Self { since: now, floor, is_ambiguous, known, proof_feed: None, cause: cause.to_owned() }
    }

    /// The tick with which the clock goes on, from `own_tick`: above all that anybody can know.
    #[must_use]
    pub fn resumed(&self, own_tick: Tick) -> Tick {
        self.known.max(own_tick).plus(MARGIN)
    }

    /// Whether a feed that is at its end brought all its sender knows of us. The one that gave the proof did not where ticks may have
    /// been given twice: it was asked for from above the floor.
    #[must_use]
    pub fn counts(&self, feed: &[u8; 32]) -> bool {
        !self.is_ambiguous || self.proof_feed.as_ref() != Some(feed)
    }

    /// The own tick as it is shown, and judged by, when the clock comes to stand still: no higher than what is surely here, so that
    /// peers send the rest.
    pub fn lower(&self, own: &Endpoint, digest: &mut Digest) {
        if let Some(entry) = digest.entries.get_mut(own) {
            entry.tick = entry.tick.min(self.floor);
        }
    }

    /// After one entry of a feed, as [`Digest::note_entry`]; the own tick stays at the floor where it says nothing.
    pub fn note_entry(&mut self, own: &Endpoint, digest: &mut Digest, state: &SyncState, source: &Digest) {
        if state.endpoint == *own {
            self.known = self.known.max(state.tick.next());
            if self.is_ambiguous {
                return;
            }
        }
        digest.note_entry(state, source);
    }

    /// At the end of a feed that counts: what its sender has taken in of our changes is here now.
    pub fn adopt_own(&mut self, own: &Endpoint, digest: &mut Digest, source: &Digest) {
        let theirs = source.tick_of(own);
        self.known = self.known.max(theirs);
        if let Some(entry) = digest.entries.get_mut(own).filter(|_| !self.is_ambiguous) {
            entry.tick = entry.tick.max(theirs);
        }
    }
}

/// Whether somebody may know the own tick `known`, which is at `own_tick` here: not where it is higher than any backup could explain.
#[must_use]
pub fn is_credible(known: Tick, own_tick: Tick) -> bool {
    known <= own_tick.plus(MOST_FORGOTTEN)
}

/// Whether `state` can be that of a change: one of ours is none where its tick is higher than any backup could explain.
#[must_use]
pub fn can_be_true(state: &SyncState, own: &Endpoint, own_tick: Tick) -> bool {
    state.endpoint != *own || is_credible(state.tick.next(), own_tick)
}

/// The highest own tick that the states in a message know. What cannot be true is no proof.
#[must_use]
pub fn known_to<'a>(own: &Endpoint, own_tick: Tick, states: impl IntoIterator<Item = &'a SyncState>) -> Tick {
    let ours = states.into_iter().filter(|state| state.endpoint == *own);
    let ticks = ours.map(|state| state.tick.next());
    ticks.filter(|tick| is_credible(*tick, own_tick)).max().unwrap_or(Tick::ZERO)
}

#[cfg(test)]
mod tests {
    use super::super::digest::tests::{digest, node, state, ticks};
    use super::*;
    use rstest::rstest;

    fn tick(value: u64) -> Tick {
        Tick::new(value).unwrap()
    }

    fn proof(own: u64, known: u64, certain: u64) -> Recovery {
        Recovery::by_proof(tick(own), tick(known), tick(certain), Stamp::EPOCH, "a peer")
    }

    /// SYNC-2.1-04.
    #[rstest]
    #[case::nothing_was_numbered_since(6, 6, false)]
    #[case::some_was(9, 6, true)]
    #[case::the_certain_ones_are_all(6, 9, false)]
    fn ticks_are_ambiguous_where_some_were_given_after_the_last_certain_one(
        #[case] own: u64,
        #[case] certain: u64,
        #[case] ambiguous: bool,
    ) {
        let recovery = proof(own, 40, certain);
        assert_eq!((recovery.is_ambiguous, recovery.floor), (ambiguous, tick(6)));
    }

    /// SYNC-2.1-03.
    #[rstest]
    #[case::of_a_peer(9, 40, 40)]
    #[case::our_own_where_we_went_further(50, 40, 50)]
    fn the_clock_goes_on_above_every_tick_that_was_seen(#[case] own: u64, #[case] known: u64, #[case] highest: u64) {
        assert_eq!(proof(own, known, 6).resumed(tick(6)), tick(highest + (1 << 20)));
    }

    /// SYNC-2.1-04.
    #[test]
    fn own_changes_that_come_back_raise_the_own_tick_as_others_do() {
        let (own, source) = (node(2), digest(&[1, 12, 1]));
        let mut recovery = Recovery::in_time(tick(8), Stamp::EPOCH, "restart");
        let mut restored = digest(&[5, 8, 8]);
        recovery.note_entry(&own, &mut restored, &state(2, 9), &source);
        assert_eq!((ticks(&restored), recovery.known), (vec![5, 10, 8], tick(10)));
        recovery.adopt_own(&own, &mut restored, &source);
        assert_eq!((ticks(&restored), recovery.known), (vec![5, 12, 8], tick(12)));
    }

    /// SYNC-2.1-04: whoever has a change under a tick need not have the other one.
    #[test]
    fn where_ticks_may_have_been_given_twice_everybody_is_asked_for_all_of_them() {
        let (own, source) = (node(2), digest(&[1, 12, 1]));
        let mut recovery = proof(8, 12, 6);
        let mut restored = digest(&[5, 8, 8]);
        recovery.lower(&own, &mut restored);
        recovery.note_entry(&own, &mut restored, &state(2, 9), &source);
        recovery.note_entry(&own, &mut restored, &state(1, 5), &source);
        recovery.adopt_own(&own, &mut restored, &source);
        assert_eq!((ticks(&restored), recovery.known), (vec![6, 6, 8], tick(12)));
    }

    #[test]
    fn the_feed_that_gave_the_proof_counts_only_where_it_was_asked_for_everything() {
        let feed = [7; 32];
        let ambiguous = Recovery { proof_feed: Some(feed), ..proof(8, 12, 6) };
        let certain = Recovery { proof_feed: Some(feed), ..proof(8, 12, 8) };
        assert!(!ambiguous.counts(&feed) && ambiguous.counts(&[8; 32]) && certain.counts(&feed));
    }

    /// SYNC-2.1-03.
    #[rstest]
    #[case::ours_as_far_as_a_backup_explains((2, 5 + (1 << 32)), true)]
    #[case::ours_and_farther((2, 6 + (1 << 32)), false)]
    #[case::somebody_elses((1, 1 << 40), true)]
    fn a_state_of_ours_far_above_the_clock_cannot_be_true(#[case] of: (u8, u64), #[case] can_be: bool) {
        assert_eq!(can_be_true(&state(of.0, of.1), &node(2), tick(6)), can_be);
    }

    #[test]
    fn a_state_far_above_the_clock_is_no_proof() {
        let (own, far) = (node(2), state(2, 1 << 40));
        assert_eq!(known_to(&own, tick(6), [&state(2, 8), &state(1, 50), &far]), tick(9));
        assert_eq!(known_to(&own, tick(6), []), Tick::ZERO);
    }
}
