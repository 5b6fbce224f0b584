//! What a source sends: the changes the target lacks, and nothing else (sync 2.5, 5.2).

use super::{Digest, Endpoint, Tick};
use serde::{Deserialize, Serialize};

/// The changes of one endpoint with `from <= tick < to`; never empty of ticks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TickRange {
    /// Who made the changes.
    pub endpoint: Endpoint,
    /// The first tick the target lacks.
    pub from: Tick,
    /// The first tick the source has not taken in itself.
    pub to: Tick,
}

/// The ranges that take `target` to where `source` is, in the order of the source's endpoints.
/// An endpoint the target does not know counts as tick 0 (sync 5.2, decided).
#[must_use]
pub fn missing_ranges(source: &Digest, target: &Digest) -> Vec<TickRange> {
    source
        .entries
        .iter()
        .map(|(endpoint, entry)| TickRange {
            endpoint: endpoint.clone(),
            from: target.tick_of(endpoint),
            to: entry.tick,
        })
        .filter(|range| range.from < range.to)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::digest::tests::{digest, node};
    use super::*;

    fn ranges(source: &[u64], target: &[u64]) -> Vec<(Endpoint, u64, u64)> {
        let ranges = missing_ranges(&digest(source), &digest(target));
        ranges.into_iter().map(|r| (r.endpoint, r.from.value(), r.to.value())).collect()
    }

    /// SYNC-2.5-01.
    #[test]
    fn n1_sends_n2_its_own_and_n3s_changes() {
        assert_eq!(ranges(&[6, 7, 9], &[5, 8, 8]), [(node(1), 5, 6), (node(3), 8, 9)]);
    }

    /// SYNC-2.5-02.
    #[test]
    fn n2_sends_n1_its_own_changes_only() {
        assert_eq!(ranges(&[6, 8, 9], &[6, 7, 9]), [(node(2), 7, 8)]);
    }

    /// SYNC-5.2-02.
    #[test]
    fn everything_is_sent_to_a_target_with_an_empty_digest() {
        assert_eq!(ranges(&[6, 1], &[]), [(node(1), 0, 6), (node(2), 0, 1)]);
    }

    #[test]
    fn nothing_is_sent_to_a_target_that_knows_as_much() {
        assert_eq!(ranges(&[6, 7], &[6, 9]), []);
    }
}
