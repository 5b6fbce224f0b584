//! Immediate mode: changes sent as they happen must continue the target's digest (sync 5.8).

use super::{Digest, Endpoint, SyncState, Tick};
use std::collections::HashMap;

/// Two changes of one endpoint between which the target would miss some. Always 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "immediate feed: {endpoint} sends tick {found} where {expected} is the next; send the changes between in a catchUp pass"
)]
pub struct Gap {
    /// Whose changes are missing.
    pub endpoint: Endpoint,
    /// The tick that would continue without a gap.
    pub expected: Tick,
    /// The tick that was sent.
    pub found: Tick,
}

/// Whether `states`, in feed order, continue `target` without a gap: per endpoint the first tick is
/// not above the digest's (1 for an endpoint it does not know), the others are consecutive.
///
/// # Errors
/// The first [`Gap`].
pub fn check_continuity<'a>(states: impl IntoIterator<Item = &'a SyncState>, target: &Digest) -> Result<(), Gap> {
    let mut next: HashMap<&Endpoint, Tick> = HashMap::new();
    for state in states {
        let (expected, continues) = match next.get(&state.endpoint) {
            Some(&expected) => (expected, state.tick == expected),
            None => {
                let expected = target.tick_of(&state.endpoint).max(Tick::FIRST);
                (expected, state.tick <= expected)
            }
        };
        if !continues {
            return Err(Gap { endpoint: state.endpoint.clone(), expected, found: state.tick });
        }
        next.insert(&state.endpoint, state.tick.next());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::digest::tests::{digest, state};
    use super::*;
    use rstest::rstest;

    /// SYNC-5.8-01, SYNC-5.8-02, SYNC-5.8-04.
    #[rstest]
    #[case::the_next_tick(&[(1, 6)], true)]
    #[case::a_gap_before_the_first(&[(1, 7)], false)]
    #[case::something_already_known(&[(1, 4)], true)]
    #[case::consecutive(&[(1, 6), (1, 7)], true)]
    #[case::a_gap_between(&[(1, 6), (1, 8)], false)]
    #[case::twice_the_same(&[(1, 6), (1, 6)], false)]
    #[case::each_endpoint_by_itself(&[(1, 6), (2, 11), (1, 7), (2, 12)], true)]
    #[case::a_gap_of_the_second_endpoint(&[(1, 6), (2, 12)], false)]
    #[case::an_unknown_endpoint_starts_at_1(&[(4, 1), (4, 2)], true)]
    #[case::an_unknown_endpoint_at_2(&[(4, 2)], false)]
    #[case::nothing(&[], true)]
    fn immediate_entries_go_on_from_6_11_10(#[case] sent: &[(u8, u64)], #[case] accepted: bool) {
        let states: Vec<_> = sent.iter().map(|&(n, tick)| state(n, tick)).collect();
        assert_eq!(check_continuity(&states, &digest(&[6, 11, 10])).is_ok(), accepted);
    }
}
