//! The decisions of a target, over HTTP (sync 2.6, 5.4, 5.5).

use crate::support::App;
use crate::support::app::child;
use crate::support::messages::{SyncFeed, account_of};
use rstest::rstest;
use uuid::Uuid;

const N1: &str = "http://n1.example.com/sdata/app/contract/-/accounts";
const N2: &str = "http://n2.example.com/sdata/app/contract/-/accounts";
const N3: &str = "http://n3.example.com/sdata/app/contract/-/accounts";

/// The nodes by number.
fn node(n: u8) -> &'static str {
    [N1, N2, N3][usize::from(n) - 1]
}

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
    let priorities = |ticks: [u64; 3]| [(N1, ticks[0], 1), (N2, ticks[1], 2), (N3, ticks[2], 3)];
    let before = SyncFeed::new(node(stored.0), &priorities([5, 8, 8]))
        .with((node(stored.0), stored.1), &account_of(uuid, "A1", "stored"));
    assert_eq!(app.apply("accounts", &before).await.status, 200);
    let page = SyncFeed::new(N1, &priorities([6, 7, 9]))
        .with((node(incoming.0), incoming.1), &account_of(uuid, "A1", "incoming"));
    let (_, results) = app.apply("accounts", &page).await.feed();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].http_status, Some(status), "{:?}", results[0].diagnoses);
    let resources = app.resources("accounts").await;
    assert_eq!(child(&resources[0], "name"), winner);
}
