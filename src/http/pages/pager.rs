//! From page to page: what a feed's links and counts come to (core 3.5, 6.4).

use crate::wire::FeedOut;

/// Which part of the whole a page shows, and the way to the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::http) struct Pager {
    /// `1 to 100 of 250`.
    pub(in crate::http) extent: String,
    /// The other pages; a page that is not there has no address.
    pub(in crate::http) steps: Vec<Step>,
}

/// The way to another page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Step {
    /// The link's relation.
    pub(in crate::http) rel: &'static str,
    /// What it says.
    pub(in crate::http) text: &'static str,
    /// Where it leads; `None` where there is no such page, or it is this one.
    pub(in crate::http) href: Option<String>,
}

impl Pager {
    /// The pager of a page that shows `shown` entries under `head`.
    pub(super) fn of(head: &FeedOut, shown: usize) -> Self {
        let start = head.start_index.unwrap_or(1);
        let shown = shown as u64;
        let total = head.total_results.unwrap_or(shown);
        let extent = match shown {
            0 => format!("none of {total}"),
            _ => format!("{start} to {} of {total}", start + shown - 1),
        };
        if shown >= total {
            return Self { extent, steps: Vec::new() };
        }
        let href = |rel: &str| head.links.iter().find(|link| link.rel == rel).map(|link| link.href.clone());
        let is_last = start + shown > total;
        let step = |rel, text, is_there: bool| Step { rel, text, href: href(rel).filter(|_| is_there) };
        let steps = vec![
            step("first", "First", start > 1),
            step("previous", "Previous", true),
            step("next", "Next", true),
            step("last", "Last", !is_last),
        ];
        Self { extent, steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::respond::page_links;
    use crate::protocol::paging::PageRequest;
    use rstest::rstest;

    #[rstest]
    #[case::all_on_one(1, 10, 3, "1 to 3 of 3", &[])]
    #[case::first(1, 10, 25, "1 to 10 of 25", &["next", "last"])]
    #[case::middle(11, 10, 25, "11 to 20 of 25", &["first", "previous", "next", "last"])]
    #[case::last(21, 10, 25, "21 to 25 of 25", &["first", "previous"])]
    #[case::behind_the_end(31, 10, 25, "none of 25", &["first", "previous"])]
    #[case::nothing(1, 10, 0, "none of 0", &[])]
    fn only_the_pages_there_are_can_be_gone_to(
        #[case] start_index: u64,
        #[case] count: u64,
        #[case] total: u64,
        #[case] extent: &str,
        #[case] steps: &[&str],
    ) {
        let page = PageRequest { start_index, count };
        let next = page.next(total).map(|start| (start, String::new()));
        let head = FeedOut {
            links: page_links("/x", page, total, next),
            total_results: Some(total),
            start_index: Some(start_index),
            items_per_page: Some(count),
            ..FeedOut::default()
        };
        let shown = total.saturating_sub(start_index - 1).min(count);
        let pager = Pager::of(&head, usize::try_from(shown).unwrap());
        assert_eq!(pager.extent, extent);
        let open: Vec<_> = pager.steps.iter().filter(|step| step.href.is_some()).map(|step| step.rel).collect();
        assert_eq!(open, steps);
    }
}
