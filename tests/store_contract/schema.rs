//! The schema's way up and down.

use crate::database::{TestDatabase, refused};
use sdata_sync::store::Store;

pub(crate) async fn the_schema_goes_up_and_down(db: TestDatabase) {
    assert!(db.store.is_ready().await);
    let all = db.store.migration_status().await.unwrap();
    assert!(all.iter().all(|(_, is_applied)| *is_applied), "{all:?}");
    db.store.migrate_down(u32::try_from(all.len()).unwrap()).await.unwrap();
    assert!(!db.store.is_ready().await);
    let status = db.store.migration_status().await.unwrap();
    assert_eq!(status[0], ("m20260101_000001_first".to_owned(), false));
    assert!(status.iter().all(|(_, is_applied)| !is_applied), "{status:?}");
    db.store.migrate().await.unwrap();
    assert!(db.store.is_ready().await);
    assert_eq!(db.store.reserve_ids(1).await.unwrap(), 1..2);
}

pub(crate) async fn several_processes_may_migrate_at_the_same_time(db: TestDatabase) {
    let all = db.store.migration_status().await.unwrap().len();
    db.store.migrate_down(u32::try_from(all).unwrap()).await.unwrap();
    let (one, two) = (db.other_process().await, db.other_process().await);
    let (first, second) = tokio::join!(one.migrate(), two.migrate());
    first.unwrap();
    second.unwrap();
    assert!(db.store.is_ready().await);
}

pub(crate) async fn a_server_that_does_not_answer_is_a_passing_failure(db: TestDatabase) {
    if db.is_sqlite() {
        // A file that cannot be made does not become possible by waiting.
        let error = refused(Store::connect("sqlite:///nowhere/at/all/test.db", 1).await);
        assert!(!error.is_transient(), "{error}");
    } else {
        let scheme = db.url.split(':').next().unwrap();
        let error = refused(Store::connect(&format!("{scheme}://nobody@127.0.0.1:1/none"), 1).await);
        assert!(error.is_transient(), "{error}");
    }
}
