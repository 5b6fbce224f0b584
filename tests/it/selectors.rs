//! Predicates as selectors: `accounts(code eq 'A1')` (core 2.2).

use crate::support::App;
use crate::support::app::child;
use crate::support::messages::{SAMPLE, account, entry};
use rstest::rstest;

/// CORE-2.2-02.
#[tokio::test]
async fn a_predicate_means_the_one_resource_that_matches() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    app.create("accounts", &account("A2", "two")).await;
    let selected = format!("{}(code eq 'A1')", app.kind("accounts"));
    assert_eq!(app.get(&selected).await.body, app.get(&url).await.body);
    assert_eq!(app.put(&selected, entry(&account("A1", "changed"))).await.status, 200);
    assert_eq!(child(app.get(&url).await.entry().resource().unwrap(), "name"), "changed");
    assert_eq!(app.delete(&format!("{}(name eq 'changed')", app.kind("accounts"))).await.status, 200);
    assert_eq!(app.get(&url).await.status, 410);
    app.get(&selected).await.assert_refused(404);
}

/// CORE-2.2-02, CORE-6.10-02.
#[rstest]
#[case::several("name eq 'one'", 400, "BadUrlSyntax")]
#[case::none("name eq 'nobody'", 404, "ApplicationDiagnosis")]
#[case::no_predicate("name eq", 400, "BadWhereSyntax")]
#[case::no_property("nothing eq 1", 400, "BadWhereSyntax")]
#[tokio::test]
async fn a_predicate_that_means_no_single_resource_is_refused(
    #[case] predicate: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let app = App::start("crm").await;
    let urls =
        [app.create("accounts", &account("A1", "one")).await, app.create("accounts", &account("A2", "one")).await];
    let selected = format!("{}({predicate})", app.kind("accounts"));
    for answer in [app.get(&selected).await, app.delete(&selected).await] {
        answer.assert_refused(status);
        assert_eq!(answer.diagnosis().sdata_code.as_str(), code);
    }
    for url in urls {
        assert_eq!(app.get(&url).await.status, 200);
    }
}

/// CORE-2.2-02, CORE-2.3-01: on every place of a URL that takes a selector.
#[tokio::test]
async fn predicates_select_within_property_urls() {
    let app = App::start("crm").await;
    let account = app.create("accounts", &account("A1", "one")).await;
    let key = account.split('\'').nth(1).unwrap();
    let product =
        app.create("products", &format!(r#"<product xmlns="{SAMPLE}"><sku>P1</sku><name>Nail</name></product>"#)).await;
    let product_key = product.split('\'').nth(1).unwrap();
    let line = |number: u32| {
        format!(
            r#"<salesOrderLine><lineNumber>{number}</lineNumber><product sdata:key="{product_key}"/><quantity>5</quantity></salesOrderLine>"#
        )
    };
    let order = format!(
        r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>O1</orderNumber><account sdata:key="{key}"/><orderLines>{}{}</orderLines></salesOrder>"#,
        line(1),
        line(2)
    );
    app.create("salesOrders", &order).await;
    let order = format!("{}(orderNumber eq 'O1')", app.kind("salesOrders"));
    assert_eq!(app.get(&format!("{order}/account")).await.body, app.get(&account).await.body);
    let second = format!("{order}/orderLines(lineNumber eq 2)");
    assert_eq!(child(app.get(&second).await.entry().resource().unwrap(), "lineNumber"), "2");
    assert_eq!(app.get(&format!("{second}/product")).await.body, app.get(&product).await.body);
    app.get(&format!("{order}/orderLines(quantity eq 5)")).await.assert_refused(400);
    app.get(&format!("{order}/orderLines(lineNumber eq 3)")).await.assert_refused(404);
    app.get(&format!("{order}/orderLines(nothing eq 3)")).await.assert_refused(400);
    assert_eq!(app.delete(&second).await.status, 200);
    assert_eq!(app.get(&format!("{order}/orderLines")).await.feed().1.len(), 1);
}
