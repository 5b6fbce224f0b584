use super::*;
use crate::cli::parked;
use crate::protocol::{Diagnosis, Digest, Endpoint, Priority, Run, SyncState, Tick};
use crate::store::{ChangeRecord, CollectionName, Counts, Event, EventOperation, ParkedWrite};
use clap::Parser;
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

const ENDPOINT: &str = "http://crm.example.com/sdata/crm/sample/-/accounts";

/// A database in which one run was recorded: an event, a lost conflict and a parked entry.
async fn recorded() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::connect(&url(folder.path()), 2).await.unwrap();
    store.migrate().await.unwrap();
    let endpoint = Endpoint::parse(ENDPOINT).unwrap();
    let text = |text: &str| text.to_owned();
    let name = CollectionName {
        application: text("crm"),
        contract: text("sample"),
        dataset: text("-"),
        resource_kind: text("accounts"),
    };
    let collection = store.register_collection(&name, &endpoint, Priority::LOWEST).await.unwrap();
    let now = Stamp::parse("2008-10-30T17:23:08Z").unwrap();
    let state = SyncState { endpoint: endpoint.clone(), tick: Tick::new(7).unwrap(), stamp: now, user: None };
    let mut txn = store.begin().await.unwrap();
    let run = txn.run(&Run { name: text("nightly"), stamp: text("s1") }, now).await.unwrap();
    let event = Event {
        at: now,
        run: Some(run),
        tracking_id: Some(text("t1")),
        collection: Some(collection),
        name,
        operation: EventOperation::TargetApplied,
        outcome: EventOutcome::Ok,
        http_status: 200,
        counts: Counts { entries: 2, failed: 1, ..Counts::default() },
        duration_millis: 12,
        principal: None,
        remote_address: None,
        message: String::new(),
    };
    txn.add_event(&event).await.unwrap();
    let change = ChangeRecord {
        at: now,
        run: Some(run),
        tracking_id: Some(text("t1")),
        uuid: Some(Uuid::from_u128(1)),
        key: Some(text("A1")),
        outcome: ChangeOutcome::ConflictLost,
        http_status: 409,
        source: Some(state.clone()),
        target: None,
        message: text("the target has priority"),
        losing_payload: Some(text("<account/>")),
    };
    txn.add_changes(collection, &[change]).await.unwrap();
    txn.lock(collection).await.unwrap();
    let entry = ParkedWrite {
        uuid: Some(Uuid::from_u128(2)),
        state: Some(state),
        method: text("POST"),
        deleted: false,
        payload: None,
        source_digest: Digest::default(),
        run: Some(run),
        tracking_id: Some(text("t1")),
        http_status: 400,
        diagnosis: serde_json::to_value(Diagnosis::error("invalid", "the name is missing")).unwrap(),
        next_try_at: now,
        parked_at: now,
    };
    txn.park(collection, &[entry]).await.unwrap();
    txn.commit().await.unwrap();
    (folder, store)
}

fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("crm.db").display())
}

#[derive(Debug, Parser)]
struct Parked {
    #[command(flatten)]
    args: parked::ParkedArgs,
}

async fn parked_command(folder: &Path, words: &[&str]) -> ExitCode {
    let database = format!("database.url={}", url(folder));
    let words = ["parked"].iter().chain(words).copied().chain(["--set", &database]);
    Parked::try_parse_from(words).unwrap().args.run().await.unwrap()
}

#[actix_web::test]
async fn tables_show_runs_events_and_changes() {
    let (_folder, store) = recorded().await;
    let text = tables(&store, &AuditFilter::default()).await.unwrap();
    for part in
        ["Runs (1)", "nightly", "Events (1)", "targetApplied", "Changes (1)", "conflictLost", "the target has priority"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[actix_web::test]
async fn a_filter_leaves_out_what_does_not_fit() {
    let (_folder, store) = recorded().await;
    let other = AuditFilter { run_name: Some("weekly".to_owned()), ..AuditFilter::default() };
    assert_eq!(tables(&store, &other).await.unwrap(), "Nothing was recorded that fits.");
    let one = AuditFilter { uuid: Some(Uuid::from_u128(1)), ..AuditFilter::default() };
    let text = tables(&store, &one).await.unwrap();
    assert!(text.contains("Changes (1)") && !text.contains("Events ("), "{text}");
}

#[actix_web::test]
async fn json_has_the_names_of_the_audit_feeds() {
    let (_folder, store) = recorded().await;
    let mut written = Vec::new();
    json::write(&store, &AuditFilter::default(), &mut written).await.unwrap();
    let value: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(value["runs"][0]["firstSeen"], "2008-10-30T17:23:08Z");
    assert_eq!(value["runs"][0]["changes"], 1);
    assert_eq!(value["events"][0]["operation"], "targetApplied");
    assert_eq!(value["events"][0]["runName"], "nightly");
    let change = &value["changes"][0];
    assert_eq!((&change["outcome"], &change["httpStatus"]), (&"conflictLost".into(), &409.into()));
    assert_eq!((&change["sourceEndpoint"], &change["sourceTick"]), (&ENDPOINT.into(), &7.into()));
    assert_eq!((&change["targetTick"], &change["losingPayload"]), (&Value::Null, &"<account/>".into()));
}

#[actix_web::test]
async fn parked_entries_are_listed_retried_and_discarded() {
    let (folder, store) = recorded().await;
    let text = parked::listed(&store, &AuditFilter::default()).await.unwrap();
    assert!(text.starts_with("Parked entries (1)") && text.contains("the name is missing"), "{text}");
    let all = parked::all(&store, &AuditFilter::default()).await.unwrap();
    assert_eq!((&all[0]["httpMethod"], &all[0]["message"]), (&"POST".into(), &"the name is missing".into()));
    let id = all[0]["id"].to_string();

    let before = Stamp::now();
    assert_eq!(parked_command(folder.path(), &["retry"]).await, ExitCode::SUCCESS);
    let due =
        parked::all(&store, &AuditFilter::default()).await.unwrap()[0]["nextTryAt"].as_str().and_then(Stamp::parse);
    assert!(due.unwrap() >= before);
    assert_eq!(parked_command(folder.path(), &["discard", "987654"]).await, ExitCode::FAILURE);
    assert_eq!(parked_command(folder.path(), &["discard", &id]).await, ExitCode::SUCCESS);
    assert_eq!(parked::listed(&store, &AuditFilter::default()).await.unwrap(), "No entry is parked.");
}

#[test]
fn discarding_needs_ids_or_the_word_all() {
    assert!(Parked::try_parse_from(["parked", "discard"]).is_err());
    assert!(Parked::try_parse_from(["parked", "discard", "--all"]).is_ok());
    assert!(Parked::try_parse_from(["parked", "discard", "1", "--all"]).is_err());
}

#[test]
fn an_outcome_that_there_is_not_is_refused() {
    assert_eq!(outcome("conflictLost"), Ok("conflictLost".to_owned()));
    assert!(outcome("conflict").is_err());
}

#[test]
fn the_latest_rows_are_those_at_the_end() {
    assert_eq!(latest(120, 50), PageRequest { start_index: 71, count: 50 });
    assert_eq!(latest(3, 50), PageRequest { start_index: 1, count: 50 });
}
