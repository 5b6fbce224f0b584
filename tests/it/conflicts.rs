//! The decisions of a target, over HTTP (sync 2.6, 5.4, 5.5).

use crate::support::app::{child, later, tick};
use crate::support::messages::{
    N1, N2, N3, SyncFeed, account, account_of, deleted_account, digest_entry, entry, node, three_nodes,
};
use crate::support::{App, Backend};
use rstest::rstest;
use sdata_sync::wire::StateRead;
use uuid::Uuid;

/// SYNC-2.6-01, SYNC-2.6-02, SYNC-2.6-03, SYNC-2.6-04, SYNC-2.6-05: the table of sync 2.6, over HTTP.
///
/// The provider takes the place of a relay: what it stores came from N1, N2 or N3.
#[rstest]
#[case::a_same_endpoint((1, 5), (1, 4), 200, "incoming")]
#[case::b_source_knew_n2s_change((1, 5), (2, 6), 200, "incoming")]
#[case::c_neither_knew_and_n1_wins((1, 5), (2, 7), 200, "incoming")]
#[case::d_source_knew_n3s_change((1, 5), (3, 7), 200, "incoming")]
#[case::e_neither_knew_and_n2_wins_over_n3((3, 8), (2, 7), 409, "stored")]
#[tokio::test]
async fn the_table_of_sync_2_6_is_decided_so(
    #[case] incoming: (u8, u64),
    #[case] stored: (u8, u64),
    #[case] status: u16,
    #[case] winner: &str,
) {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let before = SyncFeed::new(node(stored.0), &three_nodes([5, 8, 8]))
        .with((node(stored.0), stored.1), &account_of(uuid, "A1", "stored"));
    assert_eq!(app.apply("accounts", &before).await.status, 200);
    let page = SyncFeed::new(N1, &three_nodes([6, 7, 9]))
        .with((node(incoming.0), incoming.1), &account_of(uuid, "A1", "incoming"));
    let (_, results) = app.apply("accounts", &page).await.feed();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].http_status, Some(status), "{:?}", results[0].diagnoses);
    let resources = app.resources("accounts").await;
    assert_eq!(child(&resources[0], "name"), winner);
}

/// Applies `page` and answers the status of its only entry.
async fn status_of(app: &App, page: &SyncFeed) -> u16 {
    let (_, results) = app.apply("accounts", page).await.feed();
    assert_eq!(results.len(), 1);
    results[0].http_status.unwrap()
}

async fn name(app: &App) -> Option<String> {
    app.resources("accounts").await.first().map(|account| child(account, "name"))
}

/// SYNC-5.4-02, SYNC-5.4-03, SYNC-5.4-04: a digest's tick is the first that is not contained.
#[rstest]
#[case::same_endpoint_later((1, 5), [6, 8, 5], (1, 6), [7, 1, 1], 200, "incoming")]
#[case::same_endpoint_same_tick((1, 5), [6, 8, 5], (1, 5), [7, 1, 1], 200, "stored")]
#[case::same_endpoint_earlier((1, 5), [6, 8, 5], (1, 4), [7, 1, 1], 200, "stored")]
#[case::the_source_knew_the_targets((3, 5), [1, 1, 6], (1, 5), [6, 1, 6], 200, "incoming")]
#[case::an_equal_tick_is_not_contained_in_the_sources((2, 5), [6, 6, 5], (3, 5), [1, 5, 6], 409, "stored")]
#[case::the_target_knew_the_sources((1, 3), [6, 8, 5], (2, 3), [1, 4, 1], 200, "stored")]
#[case::an_equal_tick_is_not_contained_in_the_targets((1, 3), [6, 8, 5], (2, 8), [1, 9, 1], 409, "stored")]
#[tokio::test]
async fn who_knew_whose_change_decides(
    #[case] stored: (u8, u64),
    #[case] target: [u64; 3],
    #[case] incoming: (u8, u64),
    #[case] source: [u64; 3],
    #[case] status: u16,
    #[case] winner: &str,
) {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let before = SyncFeed::new(node(stored.0), &three_nodes(target))
        .with((node(stored.0), stored.1), &account_of(uuid, "A1", "stored"));
    assert_eq!(status_of(&app, &before).await, 201);
    let page = SyncFeed::new(node(incoming.0), &three_nodes(source))
        .with((node(incoming.0), incoming.1), &account_of(uuid, "A1", "incoming"));
    assert_eq!(status_of(&app, &page).await, status);
    assert_eq!(name(&app).await.as_deref(), Some(winner));
}

/// SYNC-2.3-01, SYNC-2.3-02, SYNC-2.3-03, SYNC-5.4-05, SYNC-5.4-06: N1's version is stored, N2's comes in, neither knew the other's.
#[rstest]
#[case::smaller_priority_wins((3, "10:00:00Z"), (2, "09:00:00Z"), "incoming", "conflictWon")]
#[case::larger_priority_loses((2, "09:00:00Z"), (3, "10:00:00Z"), "stored", "conflictLost")]
#[case::equal_and_later((4, "10:00:00Z"), (4, "10:00:00.001Z"), "incoming", "conflictWon")]
#[case::equal_and_earlier((4, "10:00:00Z"), (4, "09:59:59Z"), "stored", "conflictLost")]
#[case::equal_in_another_zone((4, "10:00:00Z"), (4, "11:30:00+01:00"), "incoming", "conflictWon")]
#[case::all_equal_and_the_smaller_url_wins((4, "10:00:00Z"), (4, "10:00:00Z"), "stored", "conflictLost")]
#[tokio::test]
async fn a_conflict_is_decided_by_priority_then_stamp_then_url(
    #[case] stored: (u8, &str),
    #[case] incoming: (u8, &str),
    #[case] winner: &str,
    #[case] outcome: &str,
) {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let stamp = |time: &str| format!("2026-01-01T{time}");
    let before =
        SyncFeed::new(N1, &[(N1, 6, stored.0)]).stamped((N1, 5, &stamp(stored.1)), &account_of(uuid, "A1", "stored"));
    assert_eq!(status_of(&app, &before).await, 201);
    // The priorities of this operation count: S's from DS, T's from DT (SYNC-2.3-04).
    let page = SyncFeed::new(N2, &[(N2, 9, incoming.0), (N1, 5, 9)])
        .stamped((N2, 8, &stamp(incoming.1)), &account_of(uuid, "A1", "incoming"));
    let answer = app.apply("accounts", &page).await;
    let result = &answer.feed().1[0];
    assert_eq!(result.http_status, Some(if winner == "incoming" { 200 } else { 409 }));
    assert_eq!(result.diagnoses[0].application_code, outcome);
    assert_eq!(child(result.resource().unwrap(), "name"), winner);
    assert_eq!(name(&app).await.as_deref(), Some(winner));
    let StateRead::Given { endpoint, .. } = &result.sync_state else { panic!("no state") };
    assert_eq!(endpoint.as_ref().unwrap().as_str(), if winner == "incoming" { N2 } else { N1 });
}

/// SYNC-2.3-04: the same two versions are decided otherwise once the priorities have changed.
#[rstest]
#[case::as_before(3, 409)]
#[case::changed_meanwhile(1, 200)]
#[tokio::test]
async fn the_priorities_of_this_operation_count(#[case] now: u8, #[case] status: u16) {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let before = SyncFeed::new(N1, &three_nodes([6, 1, 3])).with((N1, 5), &account_of(uuid, "A1", "stored"));
    assert_eq!(status_of(&app, &before).await, 201);
    let page = SyncFeed::new(N3, &[(N3, 9, now)]).with((N3, 8), &account_of(uuid, "A1", "incoming"));
    let changed = digest_entry(N1, &[(N1, 6, 2)]);
    assert_eq!(app.post(&format!("{}/$syncDigest", app.kind("accounts")), changed).await.status, 200);
    assert_eq!(status_of(&app, &page).await, status);
}

/// SYNC-5.4-10: what is deleted takes part like what is changed.
#[rstest]
#[case::a_delete_that_wins(false, true, 1, 200, None)]
#[case::a_delete_that_loses(false, true, 9, 409, Some("stored"))]
#[case::a_tombstone_that_stays(true, false, 9, 409, None)]
#[case::a_tombstone_that_is_beaten(true, false, 1, 200, Some("incoming"))]
#[tokio::test]
async fn deletes_take_part_in_conflicts(
    #[case] stored_deleted: bool,
    #[case] incoming_deleted: bool,
    #[case] priority: u8,
    #[case] status: u16,
    #[case] left: Option<&str>,
) {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let version = |deleted, name| if deleted { deleted_account(uuid) } else { account_of(uuid, "A1", name) };
    let first = SyncFeed::new(N1, &[(N1, 5, 4)]).with((N1, 4), &account_of(uuid, "A1", "first"));
    assert_eq!(status_of(&app, &first).await, 201);
    let before = SyncFeed::new(N1, &[(N1, 6, 4)]).with((N1, 5), &version(stored_deleted, "stored"));
    assert_eq!(status_of(&app, &before).await, 200);
    let page =
        SyncFeed::new(N2, &[(N2, 9, priority), (N1, 5, 4)]).with((N2, 8), &version(incoming_deleted, "incoming"));
    assert_eq!(status_of(&app, &page).await, status);
    assert_eq!(name(&app).await.as_deref(), left);
    if status == 409 {
        return;
    }
    // The result shows what is stored, also where it is a tombstone.
    let again = app.apply("accounts", &page).await;
    assert_eq!(again.feed().1[0].is_deleted(), left.is_none());
}

/// SYNC-5.4-11: a change that nobody has looked at yet is stamped before it is compared.
#[rstest]
#[case::it_wins(9, 409, "changed here")]
#[case::it_loses(1, 200, "incoming")]
#[tokio::test]
async fn a_pending_change_of_the_target_takes_part(#[case] priority: u8, #[case] status: u16, #[case] winner: &str) {
    let app = App::start("crm").await;
    let uuid = Uuid::new_v4();
    let first = SyncFeed::new(N1, &[(N1, 5, priority)]).with((N1, 4), &account_of(uuid, "A1", "first"));
    assert_eq!(status_of(&app, &first).await, 201);
    let url =
        app.resources("accounts").await[0].attribute("http://schemas.sage.com/sdata/2008/1", "url").unwrap().to_owned();
    assert_eq!(app.put(&url, entry(&account("A1", "changed here"))).await.status, 200);
    let page = SyncFeed::new(N1, &[(N1, 6, priority)]).with((N1, 5), &account_of(uuid, "A1", "incoming"));
    let answer = app.apply("accounts", &page).await;
    assert_eq!(answer.feed().1[0].http_status, Some(status));
    assert_eq!(name(&app).await.as_deref(), Some(winner));
    assert_eq!(tick(&answer.digest(), &app.kind("accounts")), Some(2), "the change here has tick 1");
}

/// SYNC-5.4-09, SYNC-2.1-01: both sides changed; whoever wins, both end alike, in either order of the passes.
#[rstest]
#[case::the_source_wins("2", "8", "crm")]
#[case::the_target_wins("8", "2", "erp")]
#[case::the_later_wins("5", "5", "erp")]
#[tokio::test]
async fn after_a_pass_in_each_direction_both_sides_have_the_winner(
    #[case] crm_priority: &str,
    #[case] erp_priority: &str,
    #[case] winner: &str,
    #[values(true, false)] crm_first: bool,
) {
    let key = "contracts.0.kinds.accounts.conflict_priority";
    let crm = App::start_with("crm", &Backend::Sqlite, &[(key, crm_priority)]).await;
    let erp = App::start_with("erp", &Backend::Sqlite, &[(key, erp_priority)]).await;
    let at_crm = crm.create("accounts", &account("A1", "first")).await;
    crm.pass_to(&erp, "accounts").await;
    let url = |resources: Vec<sdata_sync::wire::Element>| {
        resources[0].attribute("http://schemas.sage.com/sdata/2008/1", "url").unwrap().to_owned()
    };
    let at_erp = url(erp.resources("accounts").await);
    crm.put(&at_crm, entry(&account("A1", "crm"))).await;
    later().await;
    erp.put(&at_erp, entry(&account("A1", "erp"))).await;
    let (one, other) = if crm_first { (&crm, &erp) } else { (&erp, &crm) };
    one.pass_to(other, "accounts").await;
    other.pass_to(one, "accounts").await;
    for app in [&crm, &erp] {
        assert_eq!(name(app).await.as_deref(), Some(winner));
        let lost = app.audit_rows("changes").await;
        let lost = lost.iter().filter(|change| !child(change, "losingPayload").is_empty()).count();
        assert!(lost <= 1, "a conflict is decided once on a side");
    }
    let ticks = |digest: sdata_sync::protocol::Digest| {
        digest.entries.into_iter().map(|(url, entry)| (url, entry.tick)).collect::<Vec<_>>()
    };
    assert_eq!(ticks(crm.digest("accounts").await), ticks(erp.digest("accounts").await));
    assert!(crm.pass_to(&erp, "accounts").await[0].feed().1.is_empty(), "there is nothing left to do");
}

/// SYNC-2.1-02, SYNC-2.1-01: three applications in a ring, with equal priorities.
#[tokio::test]
async fn a_ring_of_three_ends_alike() {
    let apps = [App::start("one").await, App::start("two").await, App::start("three").await];
    for (at, app) in apps.iter().enumerate() {
        for n in 0..3 {
            app.create("accounts", &account(&format!("A{at}{n}"), "made")).await;
        }
    }
    let round = async || {
        let mut sent = 0;
        for at in 0..3 {
            for page in apps[at].pass_to(&apps[(at + 1) % 3], "accounts").await {
                sent += page.feed().1.len();
            }
        }
        sent
    };
    round().await;
    round().await;
    assert_eq!(round().await, 0);
    let url = |account: &sdata_sync::wire::Element| {
        account.attribute("http://schemas.sage.com/sdata/2008/1", "url").unwrap().to_owned()
    };
    for (app, name) in apps.iter().zip(["x", "y", "z"]) {
        let resources = app.resources("accounts").await;
        assert_eq!(resources.len(), 9);
        let find = |code: &str| resources.iter().find(|account| child(account, "code") == code).map(&url).unwrap();
        app.put(&find("A00"), entry(&account("A00", name))).await;
        if name == "x" {
            app.delete(&find("A11")).await;
        }
    }
    for _ in 0..3 {
        round().await;
    }
    assert_eq!(round().await, 0);
    let mut all = Vec::new();
    for app in &apps {
        let resources = app.resources("accounts").await;
        let mut names: Vec<_> = resources.iter().map(|it| (child(it, "code"), child(it, "name"))).collect();
        names.sort();
        assert_eq!(names.len(), 8);
        all.push(names);
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[1], all[2]);
}
