//! What a target does with one entry, and who wins a conflict (sync 2.3, 2.6, 5.4).

use super::{Digest, Priority, Stamp, SyncState, Tick};

/// The two versions that meet at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The incoming entry.
    Source,
    /// The version stored here.
    Target,
}

/// What decided a conflict (sync 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The lower conflict priority won.
    Priority,
    /// The priorities were equal; the later stamp won.
    Stamp,
    /// Priorities and stamps were equal; the smaller endpoint URL won.
    Endpoint,
}

impl Reason {
    /// Why the winner won, for the audit.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Priority => "the lower conflict priority wins",
            Self::Stamp => "priorities are equal and the later change wins",
            Self::Endpoint => "priorities and stamps are equal and the smaller endpoint wins",
        }
    }
}

/// What the target does with one entry (sync 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// We have no resource with that UUID.
    Create,
    /// The source knew our version.
    Apply,
    /// We hold this change or a later one.
    Ignore,
    /// Neither side knew the other's change.
    Conflict {
        /// Whose version stays.
        winner: Side,
        /// By which rule.
        reason: Reason,
    },
}

/// Decides on `incoming`, from a feed with digest `source`, against what is `stored` here under digest `target`.
#[must_use]
pub fn verdict(incoming: &SyncState, source: &Digest, stored: Option<&SyncState>, target: &Digest) -> Verdict {
    let Some(stored) = stored else { return Verdict::Create };
    if incoming.endpoint == stored.endpoint {
        return if incoming.tick > stored.tick { Verdict::Apply } else { Verdict::Ignore };
    }
    if source.contains(stored) {
        return Verdict::Apply;
    }
    if target.contains(incoming) {
        return Verdict::Ignore;
    }
    conflict(incoming, source, stored, target)
}

/// The same where what is `stored` here waits for its tick while the clock of `target`'s owner stands still
/// ([`Recovery`](super::Recovery)): it was changed here, at `stamp`, by somebody who knew what the digest has taken in and nothing
/// else. So no source can have taken it in; and an own change that comes back was made beside it, not before it, whatever the ticks.
#[must_use]
pub fn verdict_on_waiting(incoming: &SyncState, source: &Digest, stamp: Stamp, target: &Digest) -> Verdict {
    if target.contains(incoming) {
        return Verdict::Ignore;
    }
    // A digest without origin is no stored one; then the change can be nobody's but the incoming one's.
    let endpoint = target.origin.clone().unwrap_or_else(|| incoming.endpoint.clone());
    conflict(incoming, source, &SyncState { endpoint, tick: Tick::MAX, stamp, user: None }, target)
}

fn conflict(incoming: &SyncState, source: &Digest, stored: &SyncState, target: &Digest) -> Verdict {
    let incoming_priority = priority(incoming, source, target);
    let stored_priority = priority(stored, target, source);
    let (source_wins, reason) = if incoming_priority != stored_priority {
        (incoming_priority < stored_priority, Reason::Priority)
    } else if incoming.stamp != stored.stamp {
        (incoming.stamp > stored.stamp, Reason::Stamp)
    } else {
        (incoming.endpoint < stored.endpoint, Reason::Endpoint)
    };
    let winner = if source_wins { Side::Source } else { Side::Target };
    Verdict::Conflict { winner, reason }
}

/// The priority of a state's endpoint, from the digest of its own side, else from the other one's.
fn priority(state: &SyncState, own_side: &Digest, other_side: &Digest) -> Priority {
    let known = own_side.entries.get(&state.endpoint).or_else(|| other_side.entries.get(&state.endpoint));
    known.map_or(Priority::LOWEST, |entry| entry.conflict_priority)
}

#[cfg(test)]
mod tests {
    use super::super::digest::tests::{digest, node, state};
    use super::*;
    use rstest::rstest;

    const SOURCE: [u64; 3] = [6, 7, 9];
    const TARGET: [u64; 3] = [5, 8, 8];

    fn decide(incoming: &SyncState, stored: &SyncState) -> Verdict {
        verdict(incoming, &digest(&SOURCE), Some(stored), &digest(&TARGET))
    }

    fn by_priority(winner: Side) -> Verdict {
        Verdict::Conflict { winner, reason: Reason::Priority }
    }

    /// SYNC-2.6-01 to SYNC-2.6-05: the table of sync 2.6, case e by the rule of sync 5.4.
    #[rstest]
    #[case::a_same_endpoint((1, 5), (1, 4), Verdict::Apply)]
    #[case::b_source_knew_n2s_change((1, 5), (2, 6), Verdict::Apply)]
    #[case::c_neither_knew_and_n1_wins((1, 5), (2, 7), by_priority(Side::Source))]
    #[case::d_source_knew_n3s_change((1, 5), (3, 7), Verdict::Apply)]
    #[case::e_neither_knew_and_n2_wins_over_n3((3, 8), (2, 7), by_priority(Side::Target))]
    fn the_table_of_sync_2_6(#[case] incoming: (u8, u64), #[case] stored: (u8, u64), #[case] decided: Verdict) {
        assert_eq!(decide(&state(incoming.0, incoming.1), &state(stored.0, stored.1)), decided);
    }

    /// SYNC-5.4-01.
    #[test]
    fn what_the_target_does_not_have_is_created() {
        assert_eq!(verdict(&state(1, 5), &digest(&SOURCE), None, &digest(&TARGET)), Verdict::Create);
    }

    /// SYNC-5.4-02.
    #[rstest]
    #[case::older(4, Verdict::Ignore)]
    #[case::same(5, Verdict::Ignore)]
    #[case::newer(6, Verdict::Apply)]
    fn of_one_endpoints_changes_the_later_stays(#[case] tick: u64, #[case] decided: Verdict) {
        assert_eq!(decide(&state(1, tick), &state(1, 5)), decided);
    }

    /// SYNC-5.4-04.
    #[rstest]
    #[case::target_took_it_in(4, Verdict::Ignore)]
    #[case::equal_tick_is_not_taken_in(5, by_priority(Side::Source))]
    fn what_the_target_took_in_before_is_ignored(#[case] tick: u64, #[case] decided: Verdict) {
        assert_eq!(decide(&state(1, tick), &state(2, 7)), decided);
    }

    fn equal_priorities(ticks: &[u64]) -> Digest {
        let mut digest = digest(ticks);
        digest.entries.values_mut().for_each(|entry| entry.conflict_priority = Priority::LOWEST);
        digest
    }

    /// SYNC-2.3-02, SYNC-2.3-03.
    #[rstest]
    #[case::source_later(2, 1, Side::Source, Reason::Stamp)]
    #[case::target_later(1, 2, Side::Target, Reason::Stamp)]
    #[case::same_time(1, 1, Side::Source, Reason::Endpoint)]
    fn equal_priorities_are_decided_by_stamp_then_endpoint(
        #[case] source_millis: i64,
        #[case] target_millis: i64,
        #[case] winner: Side,
        #[case] reason: Reason,
    ) {
        let incoming = SyncState { stamp: Stamp::from_millis(source_millis), ..state(1, 5) };
        let stored = SyncState { stamp: Stamp::from_millis(target_millis), ..state(2, 7) };
        let decided = verdict(&incoming, &equal_priorities(&SOURCE), Some(&stored), &equal_priorities(&TARGET));
        assert_eq!(decided, Verdict::Conflict { winner, reason });
    }

    /// SYNC-2.3-04, SYNC-5.4-05: each side's priority comes from its own digest, and an endpoint missing there from the other's.
    #[test]
    fn priorities_come_from_the_digests_of_this_operation() {
        let mut source = digest(&SOURCE);
        source.entries.get_mut(&node(1)).unwrap().conflict_priority = Priority::LOWEST;
        let decided = verdict(&state(1, 5), &source, Some(&state(2, 7)), &digest(&TARGET));
        assert_eq!(decided, by_priority(Side::Target));
        source.entries.remove(&node(1));
        let decided = verdict(&state(1, 5), &source, Some(&state(2, 7)), &digest(&TARGET));
        assert_eq!(decided, by_priority(Side::Source), "the target's entry for N1 stands in");
    }

    #[test]
    fn both_nodes_of_a_conflict_decide_alike() {
        for millis in [1, 2] {
            let one = SyncState { tick: Tick::new(5).unwrap(), ..state(1, 5) };
            let two = SyncState { stamp: Stamp::from_millis(millis), ..state(2, 7) };
            let (d1, d2) = (equal_priorities(&SOURCE), equal_priorities(&TARGET));
            let at_two = verdict(&one, &d1, Some(&two), &d2);
            let at_one = verdict(&two, &d2, Some(&one), &d1);
            let (Verdict::Conflict { winner: a, .. }, Verdict::Conflict { winner: b, .. }) = (at_two, at_one) else {
                panic!("both are conflicts");
            };
            assert_ne!(a, b, "the winner is the same version, incoming on one node and stored on the other");
        }
    }

    /// SYNC-2.1-04: what waits for its tick against what comes back of before the restore. Ours has stamp 5, priorities are equal.
    #[rstest]
    #[case::we_knew_it((2, 7), 9, Verdict::Ignore)]
    #[case::own_and_forgotten_and_later((2, 9), 9, Verdict::Conflict { winner: Side::Source, reason: Reason::Stamp })]
    #[case::own_and_forgotten_and_earlier((2, 9), 1, Verdict::Conflict { winner: Side::Target, reason: Reason::Stamp })]
    #[case::own_and_of_the_same_moment((2, 9), 5, Verdict::Conflict { winner: Side::Target, reason: Reason::Endpoint })]
    #[case::a_peers_that_replaced_a_forgotten_one((1, 5), 9, Verdict::Conflict { winner: Side::Source, reason: Reason::Stamp })]
    #[case::a_peers_that_we_knew((1, 4), 9, Verdict::Ignore)]
    fn what_waits_for_its_tick_is_never_replaced_unseen(
        #[case] incoming: (u8, u64),
        #[case] millis: i64,
        #[case] decided: Verdict,
    ) {
        let incoming = SyncState { stamp: Stamp::from_millis(millis), ..state(incoming.0, incoming.1) };
        // The source has taken in everything of N2 up to 11: of what waits here it cannot know.
        let (source, mut target) = (equal_priorities(&[6, 12, 9]), equal_priorities(&TARGET));
        target.origin = Some(node(2));
        assert_eq!(verdict_on_waiting(&incoming, &source, Stamp::from_millis(5), &target), decided);
    }
}
