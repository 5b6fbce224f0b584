//! The audit as one JSON object, with the names its feeds have.

use crate::cli::output::is_broken_pipe;
use crate::protocol::paging::PageRequest;
use crate::protocol::{Run, SyncState};
use crate::store::{AuditFilter, ChangeRow, CollectionName, EventRow, ParkedEntry, RunRow, Store, StoreError};
use serde_json::{Map, Value, json};
use std::io::Write;

/// Rows that are read at once.
const PAGE_ROWS: u64 = 1000;

/// Writes `{"runs":[…],"events":[…],"changes":[…]}`, page by page: an audit may be large.
pub(super) async fn write(store: &Store, filter: &AuditFilter, out: &mut impl Write) -> anyhow::Result<()> {
    match write_object(store, filter, out).await {
        // Who reads no further has what was wanted.
        Err(error) if is_broken_pipe(&error) => Ok(()),
        written => written,
    }
}

async fn write_object(store: &Store, filter: &AuditFilter, out: &mut impl Write) -> anyhow::Result<()> {
    write!(out, "{{")?;
    list(out, "runs", async |page| Ok(store.runs(filter, page).await?.rows.iter().map(run).collect())).await?;
    write!(out, ",")?;
    list(out, "events", async |page| match filter.uuid {
        // Events are of requests, not of single resources.
        Some(_) => Ok(Vec::new()),
        None => Ok(store.events(filter, page).await?.rows.iter().map(event).collect()),
    })
    .await?;
    write!(out, ",")?;
    list(out, "changes", async |page| Ok(store.changes(filter, page).await?.rows.iter().map(change).collect())).await?;
    writeln!(out, "}}")?;
    Ok(())
}

async fn list(
    out: &mut impl Write,
    name: &str,
    rows: impl AsyncFn(PageRequest) -> Result<Vec<Value>, StoreError>,
) -> anyhow::Result<()> {
    write!(out, "\"{name}\":[")?;
    let mut written = 0;
    loop {
        let page = rows(PageRequest { start_index: written + 1, count: PAGE_ROWS }).await?;
        let is_last = (page.len() as u64) < PAGE_ROWS;
        for row in page {
            let comma = if written > 0 { "," } else { "" };
            write!(out, "{comma}\n{row}")?;
            written += 1;
        }
        if is_last {
            break;
        }
    }
    Ok(write!(out, "]")?)
}

fn run(row: &RunRow) -> Value {
    json!({
        "runName": row.run.name, "runStamp": row.run.stamp, "firstSeen": row.first_seen.to_string(),
        "lastSeen": row.last_seen.to_string(), "events": row.events, "changes": row.changes, "failures": row.failures,
    })
}

fn event(row: &EventRow) -> Value {
    let (event, counts) = (&row.event, &row.event.counts);
    let mut value = json!({
        "at": event.at.to_string(), "trackingId": event.tracking_id, "resourceKind": event.name.resource_kind,
        "operation": event.operation.as_str(), "outcome": event.outcome.as_str(), "httpStatus": event.http_status,
        "entries": counts.entries, "created": counts.created, "updated": counts.updated, "deleted": counts.deleted,
        "ignored": counts.ignored, "conflicts": counts.conflicts, "failed": counts.failed,
        "durationMillis": event.duration_millis, "principal": event.principal, "remoteAddress": event.remote_address,
        "message": event.message,
    });
    add(&mut value, of_run(row.run.as_ref()));
    value
}

fn change(row: &ChangeRow) -> Value {
    let record = &row.record;
    let mut value = json!({
        "at": record.at.to_string(), "trackingId": record.tracking_id, "resourceKind": row.name.resource_kind,
        "uuid": record.uuid, "key": record.key, "outcome": record.outcome.as_str(), "httpStatus": record.http_status,
        "message": record.message, "losingPayload": record.losing_payload,
    });
    add(&mut value, of_run(row.run.as_ref()));
    add(&mut value, state("source", record.source.as_ref()));
    add(&mut value, state("target", record.target.as_ref()));
    value
}

/// A parked entry, as the list of them shows it.
pub(in crate::cli) fn parked(name: &CollectionName, parked: &ParkedEntry) -> Value {
    let entry = &parked.entry;
    let mut value = json!({
        "id": parked.id.0, "parkedAt": entry.parked_at.to_string(), "resourceKind": name.resource_kind,
        "uuid": entry.uuid, "httpMethod": entry.method, "httpStatus": entry.http_status, "attempts": parked.attempts,
        "nextTryAt": entry.next_try_at.to_string(), "trackingId": entry.tracking_id, "message": parked.message(),
    });
    add(&mut value, state("source", entry.state.as_ref()));
    value
}

fn of_run(run: Option<&Run>) -> Value {
    json!({ "runName": run.map(|run| &run.name), "runStamp": run.map(|run| &run.stamp) })
}

fn state(side: &str, state: Option<&SyncState>) -> Value {
    let mut value = Map::new();
    value.insert(format!("{side}Endpoint"), json!(state.map(|state| state.endpoint.as_str())));
    value.insert(format!("{side}Tick"), json!(state.map(|state| state.tick.value())));
    value.insert(format!("{side}Stamp"), json!(state.map(|state| state.stamp.to_string())));
    Value::Object(value)
}

fn add(value: &mut Value, more: Value) {
    if let (Value::Object(value), Value::Object(more)) = (value, more) {
        value.extend(more);
    }
}
