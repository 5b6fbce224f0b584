//! Pages of every kind of feed (core 3.5, 6.4; sync 5.6).

use crate::support::messages::{N1, SyncFeed, account, account_of, digest_entry};
use crate::support::{Answer, App, Backend};
use rstest::rstest;
use sdata_sync::wire::{Entry, FeedHead};
use uuid::Uuid;

/// An application with `accounts` accounts and a source context that would send them all.
async fn filled(accounts: u64, count: &str) -> (App, String) {
    let settings = [("paging.default_count", "10"), ("paging.max_count", "20")];
    let app = App::start_with("crm", &Backend::Sqlite, &settings).await;
    let feed = (1..=accounts).fold(SyncFeed::new(N1, &[(N1, accounts + 1, 1)]), |feed, n| {
        feed.with((N1, n), &account_of(Uuid::new_v4(), &format!("A{n}"), "one"))
    });
    assert_eq!(app.apply("accounts", &feed).await.status, 200);
    let (page, context) = app.run("accounts", "$syncSource", count, digest_entry(N1, &[])).await;
    assert_eq!(page.status, 200, "{}", page.text());
    (app, context)
}

fn codes(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| crate::support::app::child(entry.resource().unwrap(), "code")).collect()
}

fn numbers(head: &FeedHead) -> (u64, u64, u64) {
    (head.total_results.unwrap(), head.start_index.unwrap(), head.items_per_page.unwrap())
}

/// Follows `next` from the page at `url` to the end.
async fn follow(app: &App, url: &str) -> (Vec<String>, Vec<Answer>) {
    let (mut seen, mut pages, mut next) = (Vec::new(), Vec::new(), Some(url.to_owned()));
    while let Some(url) = next {
        let page = app.get(&url).await;
        let (head, entries) = page.feed();
        seen.extend(codes(&entries));
        next = head.link("next").map(str::to_owned);
        pages.push(page);
    }
    (seen, pages)
}

/// SYNC-5.6-01, CORE-3.5-01, CORE-3.5-02, CORE-6.4-01, CORE-6.4-02, OURS-SCALE-02: a collection and a source context alike.
#[rstest]
#[tokio::test]
async fn following_next_visits_everything_once(#[values(true, false)] of_the_collection: bool) {
    let (app, context) = filled(25, "").await;
    let url = if of_the_collection { app.kind("accounts") } else { context };
    let (seen, pages) = follow(&app, &url).await;
    let all: Vec<_> = (1..=25).map(|n| format!("A{n}")).collect();
    assert_eq!(seen, all);
    let heads: Vec<_> = pages.iter().map(|page| page.feed()).collect();
    let shape: Vec<_> = heads.iter().map(|(head, entries)| (numbers(head), entries.len())).collect();
    assert_eq!(shape, [((25, 1, 10), 10), ((25, 11, 10), 10), ((25, 21, 10), 5)]);
    let has = |page: usize, rel: &str| heads[page].0.link(rel).is_some();
    assert_eq!([0, 1, 2].map(|page| has(page, "next")), [true, true, false]);
    assert_eq!([0, 1, 2].map(|page| has(page, "previous")), [false, true, true]);
    for (at, (head, _)) in heads.iter().enumerate() {
        for (rel, page) in [("first", 0), ("last", 2), ("self", at), ("previous", at.saturating_sub(1))] {
            let Some(href) = head.link(rel) else { continue };
            assert!(href.starts_with(&app.base()), "absolute: {href}");
            assert_eq!(codes(&app.get(href).await.feed().1), codes(&heads[page].1), "{rel} of page {at}");
        }
        assert!(head.links.iter().filter(|link| link.rel == "next").count() <= 1);
        let is_positioned = |next: &str| next.contains("&_after=");
        assert!(head.link("next").is_none_or(is_positioned), "nothing has to be counted to find the next page");
    }
}

/// SYNC-5.6-02, CORE-6.4-02, CORE-6.4-03, CORE-6.4-05: by hand.
#[rstest]
#[case::default("", (25, 1, 10), 1..11)]
#[case::in_the_middle("startIndex=12&count=4", (25, 12, 4), 12..16)]
#[case::capped("count=1000", (25, 1, 20), 1..21)]
#[case::larger_than_any_number("count=9223372036854775807", (25, 1, 20), 1..21)]
#[case::longer_than_any_number("count=99999999999999999999", (25, 1, 20), 1..21)]
#[case::zero("count=0", (25, 1, 0), 1..1)]
#[case::negative("count=-3", (25, 1, 0), 1..1)]
#[case::start_at_0("startIndex=0&count=3", (25, 1, 3), 1..4)]
#[case::negative_start("startIndex=-7&count=3", (25, 1, 3), 1..4)]
#[case::at_the_last("startIndex=25", (25, 25, 10), 25..26)]
#[case::behind_the_end("startIndex=26", (25, 26, 10), 1..1)]
#[case::far_behind_the_end("startIndex=9223372036854775807", (25, 9_223_372_036_854_775_807, 10), 1..1)]
#[case::other_letters("STARTINDEX=3&Count=2", (25, 3, 2), 3..5)]
#[tokio::test]
async fn a_page_is_asked_for_by_number(
    #[case] query: &str,
    #[case] shape: (u64, u64, u64),
    #[case] shown: std::ops::Range<u64>,
    #[values(true, false)] of_the_collection: bool,
) {
    let (app, context) = filled(25, "").await;
    let url = if of_the_collection { app.kind("accounts") } else { context };
    let (head, entries) = app.get(&format!("{url}?{query}")).await.feed();
    assert_eq!(numbers(&head), shape);
    assert_eq!(codes(&entries), shown.map(|n| format!("A{n}")).collect::<Vec<_>>());
}

/// CORE-6.10-02: a number was expected.
#[rstest]
#[case("count=many")]
#[case("startIndex=1.5")]
#[case("count=1,000")]
#[tokio::test]
async fn a_count_that_is_no_number_is_a_bad_parameter(#[case] query: &str) {
    let app = App::start("crm").await;
    let audit = app.audit("runs");
    for url in [app.kind("accounts"), app.dataset(), audit] {
        let answer = app.get(&format!("{url}?{query}")).await;
        answer.assert_refused(400);
        assert_eq!(answer.diagnosis().sdata_code.as_str(), "BadQueryParameter");
    }
}

/// SYNC-5.6-02: the count of the POST holds for the pages that do not say.
#[tokio::test]
async fn the_count_of_a_source_request_is_that_of_its_pages() {
    let (app, context) = filled(25, "&count=7").await;
    let (head, entries) = app.get(&context).await.feed();
    assert_eq!((entries.len(), head.items_per_page), (7, Some(7)));
    let (seen, pages) = follow(&app, &context).await;
    assert_eq!((seen.len(), pages.len()), (25, 4));
    assert_eq!(app.get(&format!("{context}?count=3")).await.feed().1.len(), 3);
}

/// SYNC-5.3-05: above the page limits too, because deployed engines read only the first page.
#[tokio::test]
async fn a_result_is_one_page_unless_a_count_is_given() {
    let (app, _) = filled(0, "").await;
    let feed = (1..=45).fold(SyncFeed::new(N1, &[(N1, 46, 1)]), |feed, n| {
        feed.with((N1, n), &account_of(Uuid::new_v4(), &format!("A{n}"), "one"))
    });
    let (answer, context) = app.run("accounts", "$syncTarget", "", feed.xml()).await;
    let (head, entries) = answer.feed();
    assert_eq!((entries.len(), numbers(&head), head.link("next")), (45, (45, 1, 45), None));
    let all: Vec<_> = (1..=45).map(|n| format!("A{n}")).collect();
    let (seen, pages) = follow(&app, &format!("{context}?count=20")).await;
    assert_eq!((&seen, pages.len()), (&all, 3));
    let digests: Vec<_> = pages.iter().map(|page| page.digest()).collect();
    assert!(digests.iter().all(|digest| *digest == answer.digest()), "the digest is on every page");
    let (head, entries) = app.get(&format!("{context}?startIndex=44")).await.feed();
    assert_eq!(codes(&entries), ["A44", "A45"]);
    assert_eq!(head.start_index, Some(44));
    let (head, entries) = app.get(&format!("{context}?count=0")).await.feed();
    assert_eq!((head.total_results, entries.len()), (Some(45), 0));
}

/// CORE-3.5-01, CORE-6.4-01: the audit and the URLs above the kinds.
#[tokio::test]
async fn every_other_feed_is_paged_alike() {
    let (app, _) = filled(25, "").await;
    for (url, total) in [
        (app.audit("changes"), 25),
        (app.dataset(), 4),
        (format!("{}/sdata/crm", app.base()), 2),
        (format!("{}/sdata", app.base()), 1),
    ] {
        let (mut seen, mut next) = (std::collections::HashSet::new(), Some(format!("{url}?count=3")));
        while let Some(at) = next {
            let (head, entries) = app.get(&at).await.feed();
            assert_eq!(head.total_results, Some(total), "{url}");
            assert_eq!(head.items_per_page, Some(3));
            assert!(entries.into_iter().all(|entry| seen.insert(entry.id)), "{url}: twice the same");
            next = head.link("next").map(str::to_owned);
        }
        assert_eq!(seen.len() as u64, total, "{url}");
    }
}

/// CORE-6.4-04: what a link leads to is read in the same way as the page it stands on.
#[tokio::test]
async fn links_keep_the_parameters_of_the_request() {
    let (app, context) = filled(25, "").await;
    for url in [app.kind("accounts"), context, app.audit("changes")] {
        let (head, _) = app.get(&format!("{url}?count=4&startIndex=5&language=en&format=atom")).await.feed();
        for rel in ["first", "previous", "self", "next", "last"] {
            let href = head.link(rel).unwrap();
            assert!(href.contains("count=4") && href.contains("language=en") && href.contains("format=atom"), "{href}");
        }
    }
}

/// Whoever reads a collection while it changes sees each of the others once.
#[tokio::test]
async fn a_collection_that_changes_while_it_is_read_skips_nothing() {
    let (app, _) = filled(25, "").await;
    let first = app.get(&app.kind("accounts")).await;
    let (head, entries) = first.feed();
    for entry in &entries[..3] {
        assert_eq!(app.delete(&entry.id).await.status, 200);
    }
    app.create("accounts", &account("A26", "one")).await;
    let (seen, _) = follow(&app, head.link("next").unwrap()).await;
    assert_eq!(seen, (11..=26).map(|n| format!("A{n}")).collect::<Vec<_>>());
}
