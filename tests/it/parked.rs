//! Entries that could not be applied are kept until they can be (sync 5.3, decided).

use crate::support::App;
use crate::support::app::{child, tick};
use crate::support::messages::{
    N1, N2, SAMPLE, SyncFeed, account, account_of, deleted_account, entry, page, three_nodes,
};
use rstest::rstest;
use uuid::Uuid;

/// A page that brings nothing: an occasion to try parked entries again.
fn occasion() -> SyncFeed {
    SyncFeed::new(N2, &[(N2, 3, 2)])
}

async fn status_of(app: &App, page: &SyncFeed) -> u16 {
    app.apply("accounts", page).await.feed().1[0].http_status.unwrap()
}

/// An order for an account that may not be here.
fn order(uuid: Uuid, account: Uuid) -> String {
    format!(
        r#"<salesOrder xmlns="{SAMPLE}" sdata:uuid="{uuid}"><orderNumber>O1</orderNumber><account sdata:uuid="{account}"/></salesOrder>"#
    )
}

/// SYNC-5.3-08, SYNC-5.3-09.
#[tokio::test]
async fn a_parked_entry_is_listed_with_all_that_is_known_of_it() {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let broken = format!(r#"<account xmlns="{SAMPLE}" sdata:uuid="{uuid}"><code>A1</code></account>"#);
    let (answer, location) =
        app.run("accounts", "$syncTarget", "&runName=r&runStamp=s", page().with((N1, 7), &broken).xml()).await;
    assert_eq!(tick(&answer.digest(), N1), Some(50), "the digest passes it, because it is kept");
    assert_eq!(answer.feed().1[0].http_status, Some(400));
    app.delete(&location).await;
    let parked = app.audit_rows("parked").await;
    assert_eq!(parked.len(), 1);
    let told = ["resourceKind", "uuid", "sourceEndpoint", "sourceTick", "httpStatus"].map(|it| child(&parked[0], it));
    assert_eq!(told, ["accounts", &uuid.to_string(), N1, "7", "400"]);
    assert!(child(&parked[0], "message").contains("name"), "{}", child(&parked[0], "message"));
    assert!(child(&parked[0], "payload").contains("<code>A1</code>"), "{}", child(&parked[0], "payload"));
    assert_eq!(child(&parked[0], "sourceStamp"), "2026-01-01T00:00:00Z");
    let changes = app.audit_rows("changes").await;
    let told = ["outcome", "httpStatus", "runName"].map(|name| child(&changes[0], name));
    assert_eq!(told, ["failed", "400", "r"]);
}

/// SYNC-5.3-08: before every later page of the collection, whoever sends it.
#[tokio::test]
async fn a_parked_entry_is_applied_when_what_was_in_its_way_is_gone() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "bears the code")).await;
    let uuid = Uuid::new_v4();
    assert_eq!(status_of(&app, &page().with((N1, 7), &account_of(uuid, "A1", "wants it"))).await, 409);
    app.apply("accounts", &occasion()).await;
    let parked = app.audit_rows("parked").await;
    assert_eq!(parked.len(), 1, "still in its way");
    assert!(child(&parked[0], "attempts").parse::<u32>().unwrap() >= 1);
    app.put(&url, entry(&account("A2", "gave it away"))).await;
    app.apply("accounts", &occasion()).await;
    assert!(app.audit_rows("parked").await.is_empty());
    let resources = app.resources("accounts").await;
    let mut names: Vec<_> = resources.iter().map(|account| child(account, "name")).collect();
    names.sort();
    assert_eq!(names, ["gave it away", "wants it"]);
    let changes = app.audit_rows("changes").await;
    let outcomes: Vec<_> = changes
        .iter()
        .filter(|change| child(change, "uuid") == uuid.to_string())
        .map(|change| child(change, "outcome"))
        .collect();
    assert!(outcomes.contains(&"failed".to_owned()) && outcomes.contains(&"created".to_owned()), "{outcomes:?}");
}

/// SYNC-5.3-08: a newer state of the same resource makes it void.
#[rstest]
#[case::of_the_same_endpoint((N1, 8), [50, 1, 1], 0)]
#[case::a_delete((N1, 9), [50, 1, 1], 0)]
#[case::of_an_endpoint_that_knew_it((N2, 4), [8, 5, 1], 0)]
#[case::of_an_endpoint_that_did_not((N2, 4), [7, 5, 1], 1)]
#[case::an_older_one((N1, 6), [50, 1, 1], 1)]
#[tokio::test]
async fn a_newer_state_supersedes_a_parked_one(
    #[case] newer: (&str, u64),
    #[case] source: [u64; 3],
    #[case] left: usize,
) {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let broken = format!(r#"<account xmlns="{SAMPLE}" sdata:uuid="{uuid}"><code>A1</code></account>"#);
    assert_eq!(status_of(&app, &page().with((N1, 7), &broken)).await, 400);
    assert_eq!(app.audit_rows("parked").await.len(), 1);
    let version = if newer.1 == 9 { deleted_account(uuid) } else { account_of(uuid, "A1", "newer") };
    app.apply("accounts", &SyncFeed::new(newer.0, &three_nodes(source)).with(newer, &version)).await;
    assert_eq!(app.audit_rows("parked").await.len(), left);
}

/// SYNC-6.1-04: the order comes before its account.
#[tokio::test]
async fn a_mandatory_reference_that_leads_nowhere_parks_until_the_resource_is_there() {
    let app = App::start("crm").await;
    let (account, order_uuid) = (Uuid::new_v4(), Uuid::new_v4());
    let orders = page().with((N1, 3), &order(order_uuid, account));
    let (_, entries) = app.apply("salesOrders", &orders).await.feed();
    assert_eq!(entries[0].http_status, Some(409));
    assert_eq!(entries[0].diagnoses[0].application_code, "unresolvedReference");
    assert_eq!(entries[0].diagnoses[0].payload_path, "salesOrder/account");
    assert!(app.resources("salesOrders").await.is_empty());
    assert_eq!(status_of(&app, &page().with((N1, 4), &account_of(account, "A1", "late"))).await, 201);
    app.apply("salesOrders", &occasion()).await;
    let orders = app.resources("salesOrders").await;
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].uuid(), Some(Ok(order_uuid)));
    assert!(app.audit_rows("parked").await.is_empty());
}

/// SYNC-5.3-08: parked means kept.
#[tokio::test]
async fn a_parked_entry_outlives_a_crash() {
    let mut app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "bears the code")).await;
    assert_eq!(status_of(&app, &page().with((N1, 7), &account_of(Uuid::new_v4(), "A1", "wants it"))).await, 409);
    app.kill();
    app.restart().await;
    assert_eq!(app.audit_rows("parked").await.len(), 1);
    app.delete(&url).await;
    app.apply("accounts", &occasion()).await;
    assert_eq!(child(&app.resources("accounts").await[0], "name"), "wants it");
}

/// SYNC-5.3-09: others have adopted a digest that covers the parked change without having it. When it is applied after
/// all it is a change of this endpoint, and reaches them.
#[tokio::test]
async fn a_parked_change_reaches_those_whom_the_digest_was_shown() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let url = crm.create("accounts", &account("A1", "bears the code")).await;
    crm.apply("accounts", &page().with((N1, 7), &account_of(Uuid::new_v4(), "A1", "wants it"))).await;
    crm.pass_to(&erp, "accounts").await;
    assert_eq!(tick(&erp.digest("accounts").await, N1), Some(50));
    crm.put(&url, entry(&account("A2", "gave it away"))).await;
    crm.apply("accounts", &occasion()).await;
    crm.pass_to(&erp, "accounts").await;
    let mut names: Vec<_> = erp.resources("accounts").await.iter().map(|account| child(account, "name")).collect();
    names.sort();
    assert_eq!(names, ["gave it away", "wants it"]);
}

/// SYNC-5.3-08: what can never be applied, because nobody can tell what it is about, is kept too.
#[tokio::test]
async fn an_entry_without_uuid_is_parked_and_reported() {
    let app = App::start("crm").await;
    let feed = page().with((N1, 7), &account("A1", "nobody"));
    assert_eq!(status_of(&app, &feed).await, 400);
    app.apply("accounts", &occasion()).await;
    let parked = app.audit_rows("parked").await;
    assert_eq!(parked.len(), 1);
    assert_eq!(child(&parked[0], "uuid"), "");
    assert!(child(&parked[0], "message").contains("sdata:uuid"));
}
