//! Which resources a feed has, and in which order: where, orderBy, search (core 2.12, 6.2, 6.3).

use crate::support::App;
use crate::support::app::child;
use crate::support::messages::{SAMPLE, account};
use rstest::rstest;
use sdata_sync::wire::Entry;

/// Five products, priced so that their order as numbers is not their order as texts.
async fn filled() -> App {
    let app = App::start("crm").await;
    for (sku, name, price, currency) in [
        ("P1", "Nail", "9", "EUR"),
        ("P2", "Hammer", "10.50", "GBP"),
        ("P3", "O'Hara's saw", "100", "EUR"),
        ("P4", "Glue 100%", "2", "GBP"),
        ("P5", "Screw", "2", "EUR"),
    ] {
        let product = format!(
            r#"<product xmlns="{SAMPLE}"><sku>{sku}</sku><name>{name}</name><price>{price}</price><currency>{currency}</currency></product>"#
        );
        app.create("products", &product).await;
    }
    app
}

fn skus(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| child(entry.resource().unwrap(), "sku")).collect()
}

fn url(app: &App, kind: &str, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{}?{query}", app.kind(kind))
}

/// CORE-6.2-01, CORE-6.10-01.
#[rstest]
#[case::equal("currency eq 'EUR'", &["P1", "P3", "P5"])]
#[case::numbers("price gt 9.0", &["P2", "P3"])]
#[case::both("currency eq 'EUR' and price lt 10", &["P1", "P5"])]
#[case::a_quote("name eq 'O''Hara''s saw'", &["P3"])]
#[case::a_percent_sign("name like '%100\u{25}'", &["P4"])]
#[case::nothing("price eq 77", &[])]
#[tokio::test]
async fn where_selects_what_matches(#[case] condition: &str, #[case] selected: &[&str]) {
    let app = filled().await;
    let (head, entries) = app.get(&url(&app, "products", &[("where", condition)])).await.feed();
    assert_eq!(skus(&entries), selected);
    assert_eq!(head.total_results, Some(selected.len() as u64));
}

/// CORE-6.3-01.
#[rstest]
#[case::ascending("price", &["P4", "P5", "P1", "P2", "P3"])]
#[case::descending("price desc", &["P3", "P2", "P1", "P4", "P5"])]
#[case::two("currency desc, price asc", &["P4", "P2", "P5", "P1", "P3"])]
#[tokio::test]
async fn order_by_sorts(#[case] order: &str, #[case] sorted: &[&str]) {
    let app = filled().await;
    let (head, entries) = app.get(&url(&app, "products", &[("orderBy", order)])).await.feed();
    assert_eq!(skus(&entries), sorted);
    assert!(head.diagnoses.is_empty());
}

/// CORE-6.3-02.
#[tokio::test]
async fn what_cannot_be_sorted_by_is_a_warning() {
    let app = filled().await;
    let (head, entries) = app.get(&url(&app, "products", &[("orderBy", "nothing, price desc")])).await.feed();
    assert_eq!(skus(&entries), ["P3", "P2", "P1", "P4", "P5"], "the other criterion is applied");
    let [warning] = &head.diagnoses[..] else { panic!("{:?}", head.diagnoses) };
    assert_eq!(warning.severity.as_str(), "warning");
    assert!(warning.message.contains("nothing"), "{}", warning.message);
}

/// CORE-6.4-01, CORE-6.4-04, CORE-6.5-03: the pages of a query are pages of the same query.
#[tokio::test]
async fn a_query_is_read_in_pages() {
    let app = filled().await;
    let parameters = [("where", "price lt 50"), ("orderBy", "price desc"), ("select", "sku,price"), ("count", "2")];
    let (mut seen, mut next) = (Vec::new(), Some(url(&app, "products", &parameters)));
    while let Some(at) = next {
        let (head, entries) = app.get(&at).await.feed();
        assert_eq!(head.total_results, Some(4));
        assert!(entries.iter().all(|entry| entry.resource().unwrap().children().count() == 2));
        seen.extend(skus(&entries));
        next = head.link("next").map(str::to_owned);
    }
    assert_eq!(seen, ["P2", "P1", "P4", "P5"]);
    let (head, entries) = app.get(&url(&app, "products", &[("where", "price lt 50"), ("count", "0")])).await.feed();
    assert_eq!((head.total_results, entries.len()), (Some(4), 0));
}

/// CORE-2.11-02.
#[tokio::test]
async fn search_finds_words() {
    let app = filled().await;
    for (words, found) in [("hammer", &["P2"][..]), ("glue 100", &["P4"]), ("gbp", &["P2", "P4"]), ("%", &["P4"])] {
        let (_, entries) = app.get(&url(&app, "products", &[("search", words)])).await.feed();
        assert_eq!(skus(&entries), found, "{words}");
    }
}

/// CORE-6.10-02.
#[rstest]
#[case("where", "nothing eq 1", "BadWhereSyntax")]
#[case("where", "price eq", "BadWhereSyntax")]
#[case("where", "price eq 'much'", "BadWhereSyntax")]
#[case("orderBy", "price downwards", "BadQueryParameter")]
#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused(#[case] name: &str, #[case] text: &str, #[case] code: &str) {
    let app = App::start("crm").await;
    let answer = app.get(&url(&app, "products", &[(name, text)])).await;
    answer.assert_refused(400);
    assert_eq!(answer.diagnosis().sdata_code.as_str(), code);
}

/// CORE-3.14-01, CORE-2.11-01: languages and what nobody knows.
#[tokio::test]
async fn languages_are_no_errors() {
    let app = App::start("crm").await;
    app.create("accounts", &account("A1", "one")).await;
    for language in ["en", "de-CH", "*", "tlh;q=0.1, xx", ""] {
        let asked = app.request("GET", &format!("{}?language={language}", app.kind("accounts")));
        assert_eq!(app.send(asked.header("Accept-Language", language)).await.feed().1.len(), 1);
    }
}
