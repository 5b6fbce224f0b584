//! The audit: runs, events and changes.

use crate::database::TestDatabase;
use crate::sample::*;
use sdata_sync::protocol::paging::PageRequest;
use sdata_sync::protocol::{Run, Stamp};
use sdata_sync::store::{
    AuditFilter, ChangeOutcome, ChangeRecord, CollectionId, Counts, Event, EventOperation, EventOutcome, RunId, Store,
};
use uuid::Uuid;

const FIRST: PageRequest = PageRequest { start_index: 1, count: 100 };

pub(crate) fn run(name: &str, stamp: &str) -> Run {
    Run { name: name.to_owned(), stamp: stamp.to_owned() }
}

async fn known(store: &Store, run: &Run, now: Stamp) -> RunId {
    let mut txn = store.begin().await.unwrap();
    let id = txn.run(run, now).await.unwrap();
    txn.commit().await.unwrap();
    id
}

pub(crate) fn event(run: Option<RunId>, kind: &str, at: Stamp) -> Event {
    Event {
        at,
        run,
        tracking_id: Some("T-1".to_owned()),
        collection: Some(CollectionId(1)),
        name: name(kind),
        operation: EventOperation::TargetApplied,
        outcome: EventOutcome::Ok,
        http_status: 200,
        counts: Counts { entries: 21, created: 1, updated: 2, deleted: 3, ignored: 4, conflicts: 5, failed: 6 },
        duration_millis: 1_234,
        principal: Some("engine".to_owned()),
        remote_address: Some("2001:db8::7".to_owned()),
        message: "21 entries".to_owned(),
    }
}

pub(crate) fn change(run: Option<RunId>, uuid: Uuid, outcome: ChangeOutcome, at: Stamp) -> ChangeRecord {
    ChangeRecord {
        at,
        run,
        tracking_id: Some("T-1".to_owned()),
        uuid: Some(uuid),
        key: Some("k".to_owned()),
        outcome,
        http_status: 200,
        source: Some(state(&remote(1), 5)),
        target: None,
        message: String::new(),
        losing_payload: None,
    }
}

async fn record(store: &Store, collection: CollectionId, events: &[Event], changes: &[ChangeRecord]) {
    let mut txn = store.begin().await.unwrap();
    for event in events {
        txn.add_event(event).await.unwrap();
    }
    txn.add_changes(collection, changes).await.unwrap();
    txn.commit().await.unwrap();
}

/// SYNC-4.1-10.
pub(crate) async fn name_and_stamp_together_are_one_run(db: TestDatabase) {
    let nightly = run("nightly", "2025-10-09T01:00:00Z");
    let first = known(&db.store, &nightly, at(10)).await;
    assert_ne!(known(&db.store, &run("nightly", "2025-10-10T01:00:00Z"), at(20)).await, first);
    assert_ne!(known(&db.store, &run("night", "ly2025-10-09T01:00:00Z"), at(20)).await, first);
    let others = [0, 1, 2].map(|_| {
        let (store, nightly) = (db.store.clone(), nightly.clone());
        tokio::spawn(async move { known(&store, &nightly, at(2_000)).await })
    });
    for other in others {
        assert_eq!(other.await.unwrap(), first);
    }
    assert_eq!(known(&db.store, &nightly, at(25)).await, first);
    let listed = db.store.runs(&AuditFilter::default(), FIRST).await.unwrap();
    assert_eq!((listed.total, listed.rows.len()), (3, 3));
    assert_eq!((listed.rows[0].id, &listed.rows[0].run), (first, &nightly));
    assert_eq!((listed.rows[0].first_seen, listed.rows[0].last_seen), (at(10), at(2_000)));
}

/// SYNC-4.1-11.
pub(crate) async fn names_of_runs_are_kept_exactly_as_sent(db: TestDatabase) {
    let names = ["Full", "full", "Full ", "", "ä \u{1F980} '\"", &"long ".repeat(2_000)];
    for name in names {
        known(&db.store, &run(name, "yesterday, after lunch"), at(0)).await;
    }
    let listed = db.store.runs(&AuditFilter::default(), FIRST).await.unwrap();
    assert_eq!(listed.rows.iter().map(|row| row.run.name.as_str()).collect::<Vec<_>>(), names);
    for name in names {
        let filter = AuditFilter { run_name: Some(name.to_owned()), ..AuditFilter::default() };
        let found = db.store.runs(&filter, FIRST).await.unwrap();
        assert_eq!(found.rows.iter().map(|row| row.run.name.as_str()).collect::<Vec<_>>(), [name]);
    }
    // A text that PostgreSQL cannot keep is another run all the same.
    let with_nul = known(&db.store, &run("a\0b", "s"), at(0)).await;
    assert_ne!(known(&db.store, &run("a\u{fffd}b", "s"), at(0)).await, with_nul);
    assert_eq!(known(&db.store, &run("a\0b", "s"), at(0)).await, with_nul);
}

/// OURS-AUDIT-05.
pub(crate) async fn a_run_counts_its_events_changes_and_failures(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let one = known(&db.store, &run("one", "s"), at(0)).await;
    let two = known(&db.store, &run("two", "s"), at(0)).await;
    let uuid = Uuid::new_v4();
    let changes = [
        change(Some(one), uuid, ChangeOutcome::Created, at(1)),
        change(Some(one), uuid, ChangeOutcome::Failed, at(2)),
        change(Some(one), uuid, ChangeOutcome::Failed, at(3)),
        change(None, uuid, ChangeOutcome::Failed, at(4)),
    ];
    record(&db.store, collection, &[event(Some(one), "accounts", at(1)), event(None, "accounts", at(2))], &changes)
        .await;
    let listed = db.store.runs(&AuditFilter::default(), FIRST).await.unwrap().rows;
    let counts: Vec<_> = listed.iter().map(|row| (row.id, row.events, row.changes, row.failures)).collect();
    assert_eq!(counts, [(one, 1, 3, 2), (two, 0, 0, 0)]);
}

/// OURS-AUDIT-01, SYNC-4.1-09.
pub(crate) async fn events_come_back_as_they_were_recorded(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let nightly = run("nightly", "s");
    let id = known(&db.store, &nightly, at(0)).await;
    let whole = event(Some(id), "accounts", at(5));
    let bare = Event {
        run: None,
        tracking_id: None,
        collection: None,
        operation: EventOperation::DigestRead,
        outcome: EventOutcome::Refused,
        http_status: 404,
        counts: Counts::default(),
        principal: None,
        remote_address: None,
        message: "no kind 'a\0b'".to_owned(),
        ..event(None, "unknown", at(6))
    };
    record(&db.store, collection, &[whole.clone(), bare.clone()], &[]).await;
    let rows = db.store.events(&AuditFilter::default(), FIRST).await.unwrap().rows;
    assert_eq!((&rows[0].event, &rows[0].run), (&whole, &Some(nightly)));
    assert_eq!(rows[1].event, Event { message: "no kind 'a\u{fffd}b'".to_owned(), ..bare });
    assert_eq!(rows[1].run, None);
    assert!(rows[0].id < rows[1].id);
}

/// OURS-AUDIT-02, SYNC-5.4-08.
pub(crate) async fn changes_come_back_with_both_states_and_the_losing_version(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let nightly = run("nightly", "s");
    let id = known(&db.store, &nightly, at(0)).await;
    let lost = ChangeRecord {
        target: Some(state(&remote(2), 9)),
        message: "the lower conflict priority wins".to_owned(),
        losing_payload: Some(format!("<account>{}</account>", "ü".repeat(200_000))),
        ..change(Some(id), Uuid::new_v4(), ChangeOutcome::ConflictLost, at(7))
    };
    let failed = ChangeRecord {
        uuid: None,
        key: None,
        source: None,
        tracking_id: None,
        http_status: 400,
        ..change(None, Uuid::nil(), ChangeOutcome::Failed, at(8))
    };
    record(&db.store, collection, &[], &[lost.clone(), failed.clone()]).await;
    let rows = db.store.changes(&AuditFilter::default(), FIRST).await.unwrap().rows;
    assert_eq!((&rows[0].record, &rows[0].run, &rows[0].name), (&lost, &Some(nightly), &name("accounts")));
    assert_eq!((&rows[1].record, &rows[1].run), (&failed, &None));
}

/// OURS-AUDIT-03, SYNC-4.1-10.
pub(crate) async fn the_audit_is_filtered_and_paged(db: TestDatabase) {
    let (accounts, contacts) = (accounts(&db.store).await, register(&db.store, "contacts").await);
    let one = known(&db.store, &run("nightly", "1"), at(10)).await;
    let two = known(&db.store, &run("nightly", "2"), at(20)).await;
    let (a, b) = (Uuid::new_v4(), Uuid::new_v4());
    let events = [event(Some(one), "accounts", at(10)), event(Some(two), "contacts", at(20))];
    let of_accounts =
        [change(Some(one), a, ChangeOutcome::Created, at(10)), change(Some(one), b, ChangeOutcome::Failed, at(11))];
    record(&db.store, accounts, &events, &of_accounts).await;
    let of_contacts =
        [change(Some(two), a, ChangeOutcome::Updated, at(20)), change(None, b, ChangeOutcome::Created, at(21))];
    record(&db.store, contacts, &[], &of_contacts).await;
    let open = AuditFilter::default();
    let cases = [
        (open.clone(), [2, 2, 4]),
        (AuditFilter { run_name: Some("nightly".to_owned()), ..open.clone() }, [2, 2, 3]),
        (AuditFilter { run_stamp: Some("2".to_owned()), ..open.clone() }, [1, 1, 1]),
        (
            AuditFilter { run_name: Some("nightly".to_owned()), run_stamp: Some("1".to_owned()), ..open.clone() },
            [1, 1, 2],
        ),
        (AuditFilter { run_name: Some("Nightly".to_owned()), ..open.clone() }, [0, 0, 0]),
        (AuditFilter { kind: Some("contacts".to_owned()), ..open.clone() }, [1, 1, 2]),
        (AuditFilter { application: Some("erp".to_owned()), ..open.clone() }, [0, 0, 0]),
        (AuditFilter { application: Some("crm".to_owned()), ..open.clone() }, [2, 2, 4]),
        (AuditFilter { uuid: Some(b), ..open.clone() }, [1, 2, 2]),
        (AuditFilter { outcome: Some("created".to_owned()), ..open.clone() }, [1, 0, 2]),
        (AuditFilter { outcome: Some("ok".to_owned()), ..open.clone() }, [0, 2, 0]),
        (AuditFilter { since: Some(at(11)), ..open.clone() }, [1, 1, 3]),
    ];
    for (filter, expected) in cases {
        let runs = db.store.runs(&filter, FIRST).await.unwrap();
        let events = db.store.events(&filter, FIRST).await.unwrap();
        let changes = db.store.changes(&filter, FIRST).await.unwrap();
        assert_eq!([runs.total, events.total, changes.total], expected, "{filter:?}");
        assert_eq!([runs.rows.len(), events.rows.len(), changes.rows.len()].map(|rows| rows as u64), expected);
    }
    let page = db.store.changes(&open, PageRequest { start_index: 2, count: 2 }).await.unwrap();
    assert_eq!(page.total, 4);
    assert_eq!(page.rows.iter().map(|row| row.record.at).collect::<Vec<_>>(), [at(11), at(20)]);
    assert_eq!(db.store.events(&open, PageRequest { start_index: 9, count: 2 }).await.unwrap().rows, []);
    let none = db.store.runs(&open, PageRequest { start_index: 1, count: 0 }).await.unwrap();
    assert_eq!((none.rows.len(), none.total), (0, 2));
}
