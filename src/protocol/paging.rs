//! Pages of a feed: what was asked for, what is given, and where the links lead (core 6.4).

/// The limits a deployment sets on pages, in entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// Entries a page has when the request does not say.
    pub default_count: u64,
    /// Entries a page has at most.
    pub max_count: u64,
}

/// A page that was asked for, within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Position of the first entry, from 1.
    pub start_index: u64,
    /// Entries on the page; 0 asks for the totals alone.
    pub count: u64,
}

impl PageRequest {
    /// The page for the `startIndex` and `count` of a request. A start below 1 is 1, a count of 0 or below is 0
    /// and one above the limit is capped.
    #[must_use]
    pub fn new(start_index: Option<i64>, count: Option<i64>, limits: PageLimits) -> Self {
        let asked = count.map_or(limits.default_count, |count| u64::try_from(count).unwrap_or(0));
        Self {
            start_index: u64::try_from(start_index.unwrap_or(1)).unwrap_or(1).max(1),
            count: asked.min(limits.max_count),
        }
    }

    /// Entries before the page.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.start_index - 1
    }

    /// What of `items` stands on the page: of a list that is in memory.
    pub fn of<T>(self, items: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        let within_memory = |number| usize::try_from(number).unwrap_or(usize::MAX);
        items.into_iter().skip(within_memory(self.offset())).take(within_memory(self.count))
    }

    /// Where the previous page starts; `None` on the first.
    #[must_use]
    pub fn previous(self) -> Option<u64> {
        (self.start_index > 1 && self.count > 0).then(|| self.start_index.saturating_sub(self.count).max(1))
    }

    /// Where the next page starts; `None` when this one reaches `total`.
    #[must_use]
    pub fn next(self, total: u64) -> Option<u64> {
        let next = self.start_index.saturating_add(self.count);
        (self.count > 0 && next <= total).then_some(next)
    }

    /// Where the last page starts, in step with this one.
    #[must_use]
    pub fn last(self, total: u64) -> u64 {
        if self.count == 0 || total == 0 {
            return 1;
        }
        let phase = self.offset() % self.count;
        if total <= phase { 1 } else { (total - phase - 1) / self.count * self.count + phase + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const LIMITS: PageLimits = PageLimits { default_count: 10, max_count: 100 };

    /// CORE-6.4-03.
    #[rstest]
    #[case::nothing_asked(None, None, (1, 10))]
    #[case::as_asked(Some(21), Some(20), (21, 20))]
    #[case::count_is_capped(None, Some(1000), (1, 100))]
    #[case::count_zero_asks_for_totals(None, Some(0), (1, 0))]
    #[case::negative_count(None, Some(-5), (1, 0))]
    #[case::start_below_one(Some(-3), None, (1, 10))]
    fn a_page_is_within_the_limits(#[case] start: Option<i64>, #[case] count: Option<i64>, #[case] page: (u64, u64)) {
        let request = PageRequest::new(start, count, LIMITS);
        assert_eq!((request.start_index, request.count), page);
    }

    /// CORE-6.4-05.
    #[rstest]
    #[case::in_the_middle(3, 2, vec![13, 14])]
    #[case::the_last(5, 2, vec![15])]
    #[case::behind_the_end(u64::MAX, u64::MAX, vec![])]
    #[case::the_totals_alone(1, 0, vec![])]
    fn a_page_shows_its_part_of_a_list(#[case] start_index: u64, #[case] count: u64, #[case] shown: Vec<u32>) {
        assert_eq!(PageRequest { start_index, count }.of(11..=15).collect::<Vec<_>>(), shown);
    }

    /// CORE-6.4-01, CORE-6.4-02.
    #[rstest]
    #[case::first_of_three(1, 25, None, Some(11), 21)]
    #[case::middle(11, 25, Some(1), Some(21), 21)]
    #[case::last(21, 25, Some(11), None, 21)]
    #[case::exactly_full(11, 20, Some(1), None, 11)]
    #[case::out_of_step(6, 25, Some(1), Some(16), 16)]
    #[case::behind_the_end(31, 25, Some(21), None, 21)]
    #[case::empty(1, 0, None, None, 1)]
    fn links_lead_to_the_neighbours(
        #[case] start_index: u64,
        #[case] total: u64,
        #[case] previous: Option<u64>,
        #[case] next: Option<u64>,
        #[case] last: u64,
    ) {
        let page = PageRequest { start_index, count: 10 };
        assert_eq!((page.previous(), page.next(total), page.last(total)), (previous, next, last));
    }
}
