//! A collection's vector clock (sync 4.2) and how it moves (sync 4.1, 5.5).

use super::{Endpoint, Stamp, SyncState, Tick};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who wins a conflict: 1 wins over 9 (sync 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priority(u8);

impl Priority {
    /// The one that loses against every other: of endpoints nobody said anything about.
    pub const LOWEST: Self = Self(9);

    /// A priority from 1 (wins) to 9; `None` for others.
    #[must_use]
    pub const fn new(value: u8) -> Option<Self> {
        if value >= 1 && value <= 9 { Some(Self(value)) } else { None }
    }

    /// The number, 1 to 9.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }
}

/// What a digest knows of one endpoint (sync 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestEntry {
    /// The first tick not taken in: every change of the endpoint before it is.
    pub tick: Tick,
    /// When the tick was last changed.
    pub stamp: Stamp,
    /// The endpoint's priority in conflicts.
    pub conflict_priority: Priority,
}

/// The vector clock of a collection: how far it has taken in the changes of every endpoint it ever heard of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Digest {
    /// Whose digest it is; absent in some foreign messages.
    pub origin: Option<Endpoint>,
    /// By endpoint, in the order of their URLs.
    pub entries: BTreeMap<Endpoint, DigestEntry>,
}

/// Why a digest written to `$syncDigest` is refused: it would move the own tick (sync 4.1, decided). Always 409.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the digest gives tick {given} to this endpoint ({endpoint}), whose own tick is {own}: it cannot be set from outside; {remedy}"
)]
pub struct OwnTickMoved {
    /// This endpoint.
    pub endpoint: Endpoint,
    /// The tick the message has for it.
    pub given: Tick,
    /// The tick in force.
    pub own: Tick,
    /// What would be accepted.
    pub remedy: &'static str,
}

impl Digest {
    /// The digest of an endpoint that has heard of nobody and changed nothing.
    #[must_use]
    pub fn fresh(own: Endpoint, now: Stamp, conflict_priority: Priority) -> Self {
        let entry = DigestEntry { tick: Tick::FIRST, stamp: now, conflict_priority };
        Self { origin: Some(own.clone()), entries: BTreeMap::from([(own, entry)]) }
    }

    /// The first tick of `endpoint` not taken in; zero for one never heard of.
    #[must_use]
    pub fn tick_of(&self, endpoint: &Endpoint) -> Tick {
        self.entries.get(endpoint).map_or(Tick::ZERO, |entry| entry.tick)
    }

    /// Whether the digest's owner has already taken in `state`.
    /// Strictly greater: a digest's tick is the first one *not* taken in (sync 2.2, 5.4).
    #[must_use]
    pub fn contains(&self, state: &SyncState) -> bool {
        self.tick_of(&state.endpoint) > state.tick
    }

    /// The digest as it would be had it not passed `state`: an entry that is parked is passed, but was never taken in.
    #[must_use]
    pub fn short_of(&self, state: &SyncState) -> Self {
        let mut short = self.clone();
        if let Some(entry) = short.entries.get_mut(&state.endpoint) {
            entry.tick = entry.tick.min(state.tick);
        }
        short
    }

    /// `POST $syncDigest`: the larger tick stays, new endpoints are added, priorities are taken over
    /// where the tick is not older (sync 4.1, decided). The own entry never moves.
    ///
    /// # Errors
    /// [`OwnTickMoved`] when `posted` is ahead of us about ourselves.
    pub fn merged_with(&self, own: &Endpoint, posted: &Self) -> Result<Self, OwnTickMoved> {
        let own_tick = self.tick_of(own);
        if posted.tick_of(own) > own_tick {
            return Err(OwnTickMoved {
                endpoint: own.clone(),
                given: posted.tick_of(own),
                own: own_tick,
                remedy: "leave the entry out, or send a tick that is not above the own one",
            });
        }
        let mut merged = self.clone();
        for (endpoint, theirs) in posted.entries.iter().filter(|(endpoint, _)| *endpoint != own) {
            merged.take_over(endpoint, theirs);
        }
        Ok(merged)
    }

    /// `PUT $syncDigest`: remote ticks become exactly those of `put`, downwards too, which makes those
    /// changes come again (sync 4.1, decided). Endpoints that `put` does not name stay as they are.
    ///
    /// # Errors
    /// [`OwnTickMoved`] when `put` has an own entry that is not equal to ours.
    pub fn replaced_by(&self, own: &Endpoint, put: &Self) -> Result<Self, OwnTickMoved> {
        let own_tick = self.tick_of(own);
        if let Some(entry) = put.entries.get(own).filter(|entry| entry.tick != own_tick) {
            return Err(OwnTickMoved {
                endpoint: own.clone(),
                given: entry.tick,
                own: own_tick,
                remedy: "leave the entry out, or send the own tick as it is",
            });
        }
        let mut replaced = self.clone();
        let remote = put.entries.iter().filter(|(endpoint, _)| *endpoint != own);
        replaced.entries.extend(remote.map(|(endpoint, entry)| (endpoint.clone(), *entry)));
        Ok(replaced)
    }

    /// After one entry of a feed: the tick of its endpoint is at least the entry's plus one (sync 5.5).
    /// A new endpoint's priority is the one the source digest has for it.
    pub fn note_entry(&mut self, state: &SyncState, source: &Self) {
        let taken_in = state.tick.next();
        let known = source.entries.get(&state.endpoint);
        let entry = self.entries.entry(state.endpoint.clone()).or_insert_with(|| DigestEntry {
            tick: Tick::ZERO,
            stamp: known.map_or(state.stamp, |entry| entry.stamp),
            conflict_priority: known.map_or(Priority::LOWEST, |entry| entry.conflict_priority),
        });
        entry.tick = entry.tick.max(taken_in);
    }

    /// Stamps and priorities of the remote endpoints we know, from a source digest that is not behind us (sync 5.5).
    pub fn learn_priorities(&mut self, own: &Endpoint, source: &Self) {
        for (endpoint, theirs) in source.entries.iter().filter(|(endpoint, _)| *endpoint != own) {
            if let Some(ours) = self.entries.get_mut(endpoint).filter(|ours| theirs.tick >= ours.tick) {
                ours.stamp = theirs.stamp;
                ours.conflict_priority = theirs.conflict_priority;
            }
        }
    }

    /// At the end of the last page of a catch-up feed: every tick is the larger of both (sync 5.5).
    /// The own entry is left alone: what only we count is raised by [`Digest::raise_own`].
    pub fn adopt(&mut self, own: &Endpoint, source: &Self) {
        for (endpoint, theirs) in source.entries.iter().filter(|(endpoint, _)| *endpoint != own) {
            self.take_over(endpoint, theirs);
        }
    }

    /// Takes over a higher tick that somebody else knows of ourselves: proof that this database was
    /// put back in time. Returns the tick in force before, if it moved.
    pub fn raise_own(&mut self, own: &Endpoint, known: Tick, now: Stamp) -> Option<Tick> {
        let entry = self.entries.get_mut(own).filter(|entry| known > entry.tick)?;
        let before = entry.tick;
        entry.tick = known;
        entry.stamp = now;
        Some(before)
    }

    fn take_over(&mut self, endpoint: &Endpoint, theirs: &DigestEntry) {
        let ours = self.entries.entry(endpoint.clone()).or_insert(*theirs);
        if theirs.tick >= ours.tick {
            *ours = *theirs;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An endpoint of the specification's examples.
    pub(crate) fn node(n: u8) -> Endpoint {
        Endpoint::parse(&format!("http://n{n}.example.com/sdata/app/contract/-/accounts")).unwrap()
    }

    /// A digest as the specification's tables write it: ticks of N1, N2, N3 …, priority of Nk is k.
    pub(crate) fn digest(ticks: &[u64]) -> Digest {
        let entries = (1u8..).zip(ticks).map(|(n, tick)| {
            let tick = Tick::new(*tick).unwrap();
            let conflict_priority = Priority::new(n).unwrap();
            (node(n), DigestEntry { tick, stamp: Stamp::EPOCH, conflict_priority })
        });
        Digest { origin: None, entries: entries.collect() }
    }

    pub(crate) fn ticks(digest: &Digest) -> Vec<u64> {
        digest.entries.values().map(|entry| entry.tick.value()).collect()
    }

    pub(crate) fn state(n: u8, tick: u64) -> SyncState {
        SyncState { endpoint: node(n), tick: Tick::new(tick).unwrap(), stamp: Stamp::EPOCH, user: None }
    }

    /// SYNC-2.2-01, SYNC-5.4-03.
    #[rstest::rstest]
    #[case::one_behind(10, true)]
    #[case::same_tick_is_not_yet_seen(11, false)]
    #[case::ahead(12, false)]
    fn a_digest_at_tick_11_contains_only_earlier_changes(#[case] tick: u64, #[case] seen: bool) {
        assert_eq!(digest(&[11]).contains(&state(1, tick)), seen);
    }

    #[test]
    fn a_digest_contains_nothing_of_an_endpoint_it_never_heard_of() {
        assert!(!digest(&[5]).contains(&state(2, 0)));
    }

    /// SYNC-5.5-01: the specification's example.
    #[test]
    fn each_entry_moves_the_tick_of_its_endpoint() {
        let source = digest(&[6, 10, 10]);
        let mut target = digest(&[5, 11, 8]);
        target.note_entry(&state(1, 5), &source);
        assert_eq!(ticks(&target), [6, 11, 8]);
        target.note_entry(&state(3, 8), &source);
        assert_eq!(ticks(&target), [6, 11, 9]);
    }

    /// SYNC-5.5-02, SYNC-5.5-03: the specification's example.
    #[test]
    fn the_end_of_a_feed_raises_every_tick_to_the_larger_of_both() {
        let mut target = digest(&[6, 11, 9]);
        target.adopt(&node(2), &digest(&[6, 10, 10]));
        assert_eq!(ticks(&target), [6, 11, 10]);
    }

    /// SYNC-2.5-03, SYNC-2.5-04.
    #[test]
    fn a_pass_in_each_direction_makes_both_digests_alike() {
        let (mut n1, mut n2) = (digest(&[6, 7, 9]), digest(&[5, 8, 8]));
        n2.adopt(&node(2), &n1);
        assert_eq!(ticks(&n2), [6, 8, 9]);
        n1.adopt(&node(1), &n2);
        assert_eq!(ticks(&n1), ticks(&n2));
    }

    /// SYNC-5.5-04.
    #[test]
    fn priorities_of_remote_endpoints_are_learned_and_the_own_one_never() {
        let mut source = digest(&[6, 6]);
        for entry in source.entries.values_mut() {
            entry.conflict_priority = Priority::new(7).unwrap();
        }
        let mut target = digest(&[6, 6]);
        target.learn_priorities(&node(2), &source);
        assert_eq!(target.entries[&node(1)].conflict_priority.value(), 7);
        assert_eq!(target.entries[&node(2)].conflict_priority.value(), 2);
        let mut ahead = digest(&[7, 6]);
        ahead.learn_priorities(&node(2), &source);
        assert_eq!(ahead.entries[&node(1)].conflict_priority.value(), 1, "an older digest teaches nothing");
    }

    /// SYNC-4.1-02, SYNC-4.1-03.
    #[test]
    fn a_posted_digest_never_lowers_a_tick_and_a_put_one_does() {
        let stored = digest(&[5, 8, 8]);
        let sent = digest(&[7, 8, 3]);
        assert_eq!(ticks(&stored.merged_with(&node(2), &sent).unwrap()), [7, 8, 8]);
        assert_eq!(ticks(&stored.replaced_by(&node(2), &sent).unwrap()), [7, 8, 3]);
    }

    /// SYNC-4.1-05.
    #[rstest::rstest]
    #[case::higher(9, false, false)]
    #[case::equal(8, true, true)]
    #[case::lower(7, true, false)]
    fn the_own_tick_is_never_moved_from_outside(#[case] own: u64, #[case] post: bool, #[case] put: bool) {
        let stored = digest(&[5, 8]);
        let sent = digest(&[5, own]);
        let posted = stored.merged_with(&node(2), &sent);
        let replaced = stored.replaced_by(&node(2), &sent);
        assert_eq!((posted.is_ok(), replaced.is_ok()), (post, put));
        for accepted in [posted, replaced].into_iter().flatten() {
            assert_eq!(ticks(&accepted), [5, 8]);
        }
    }

    #[rstest::rstest]
    #[case::of_the_same_endpoint(1, 3, 3)]
    #[case::not_passed_yet(1, 9, 6)]
    #[case::of_an_endpoint_never_heard_of(4, 1, 0)]
    fn a_digest_short_of_a_state_does_not_contain_it(#[case] endpoint: u8, #[case] tick: u64, #[case] left: u64) {
        let short = digest(&[6, 7, 9]).short_of(&state(endpoint, tick));
        assert!(!short.contains(&state(endpoint, tick)));
        assert_eq!(short.tick_of(&node(endpoint)), Tick::new(left).unwrap());
        assert_eq!(short.tick_of(&node(2)), Tick::new(7).unwrap());
    }

    /// SYNC-2.1-03.
    #[test]
    fn a_higher_own_tick_known_elsewhere_is_taken_over() {
        let mut restored = digest(&[5, 8]);
        let own = node(2);
        assert_eq!(restored.raise_own(&own, Tick::new(8).unwrap(), Stamp::EPOCH), None);
        assert_eq!(restored.raise_own(&own, Tick::new(12).unwrap(), Stamp::EPOCH), Tick::new(8));
        assert_eq!(ticks(&restored), [5, 12]);
    }
}
