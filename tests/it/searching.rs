//! `where`, `orderBy` and `search` over HTTP (core 2.11, 2.12, 6.2 to 6.4, 6.10).

use crate::support::app::child;
use crate::support::messages::{N1, SyncFeed, account_of};
use crate::support::{App, Backend};
use rstest::rstest;
use uuid::Uuid;

/// Accounts named `n00` to `n24`, every fifth in Bonn.
async fn filled() -> App {
    let settings = [("paging.default_count", "10"), ("contracts.0.kinds.products.indexed", "[\"name\"]")];
    let app = App::start_with("crm", &Backend::Sqlite, &settings).await;
    let feed = (0..25).fold(SyncFeed::new(N1, &[(N1, 26, 1)]), |feed, place: u64| {
        let city = if place.is_multiple_of(5) { "<postalAddress><city>Bonn</city></postalAddress>" } else { "" };
        let uuid = Uuid::from_u128(u128::from(place) + 1);
        let resource = account_of(uuid, &format!("A{place}"), &format!("n{:02}", 24 - place));
        let resource = resource.replace("</account>", &format!("{city}</account>"));
        feed.with((N1, place + 1), &resource)
    });
    assert_eq!(app.apply("accounts", &feed).await.status, 200);
    app
}

fn asked(app: &App, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{}?{query}", app.kind("accounts"))
}

/// All codes, following `next`, and the total that every page names.
async fn codes(app: &App, parameters: &[(&str, &str)]) -> (Vec<String>, u64) {
    let (mut codes, mut next, mut total) = (Vec::new(), Some(asked(app, parameters)), 0);
    while let Some(url) = next {
        let (head, entries) = app.get(&url).await.feed();
        codes.extend(entries.iter().map(|entry| child(entry.resource().unwrap(), "code")));
        total = head.total_results.unwrap();
        next = head.link("next").map(str::to_owned);
    }
    (codes, total)
}

/// CORE-2.11-02, CORE-6.2-01, CORE-6.3-01, CORE-6.4-01, CORE-6.4-04.
#[rstest]
#[case::filtered(&[("where", "postalAddress.city eq 'Bonn'")], &["A0", "A5", "A10", "A15", "A20"])]
#[case::by_a_unique_key(&[("where", "code in ('A3', 'A4', 'B1')")], &["A3", "A4"])]
#[case::sorted(&[("where", "name lt 'n03'"), ("orderBy", "name")], &["A24", "A23", "A22"])]
#[case::sorted_by_a_unique_key(&[("where", "code like 'A1%'"), ("orderBy", "code desc"), ("count", "3")],
    &["A19", "A18", "A17", "A16", "A15", "A14", "A13", "A12", "A11", "A10", "A1"])]
#[case::searched(&[("search", "BONN n0")], &["A15", "A20"])]
#[case::searched_and_filtered(&[("search", "bonn"), ("where", "$key ne null and name ge 'n20'")], &["A0"])]
#[tokio::test]
async fn a_query_selects_in_order_on_all_pages(#[case] parameters: &[(&str, &str)], #[case] expected: &[&str]) {
    let app = filled().await;
    let (found, total) = codes(&app, parameters).await;
    assert_eq!(found, expected);
    assert_eq!(total, expected.len() as u64);
}

/// CORE-6.10-01.
#[tokio::test]
async fn a_query_that_selects_nothing_is_an_empty_feed() {
    let app = filled().await;
    let answer = app.get(&asked(&app, &[("where", "name eq 'nobody'")])).await;
    assert_eq!(answer.status, 200);
    let (head, entries) = answer.feed();
    assert_eq!((head.total_results, entries.len()), (Some(0), 0));
}

/// CORE-6.10-02.
#[tokio::test]
async fn a_place_that_no_page_ended_at_is_a_bad_parameter() {
    let app = filled().await;
    // No place at all, one in the order of ids, and `[["a\u0000"],1]`.
    for after in ["xyz", "1", "x5b5b22615c7530303030225d2c315d"] {
        let answer = app.get(&asked(&app, &[("orderBy", "name"), ("_after", after)])).await;
        answer.assert_refused(400);
    }
}
