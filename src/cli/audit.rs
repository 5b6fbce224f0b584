//! `sdata-sync audit`: what the provider recorded.

pub(super) mod json;

use super::database::open;
use super::output::{print, table};
use super::settings::SettingsArgs;
use crate::protocol::Stamp;
use crate::protocol::paging::PageRequest;
use crate::store::{AuditFilter, ChangeOutcome, ChangeRow, EventOutcome, EventRow, RunRow, Store};
use clap::{Args, ValueEnum};
use comfy_table::Table;
use std::process::ExitCode;
use uuid::Uuid;

/// Rows of each kind that a table shows: the latest.
const TABLE_ROWS: u64 = 50;

/// Shows what was recorded: runs, what was asked of the provider, and what became of the entries
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    filter: FilterArgs,
    /// With this outcome: ok, refused, failed, created, updated, deleted, ignored, conflictWon, conflictLost, reported
    #[arg(long, value_name = "OUTCOME", value_parser = outcome)]
    outcome: Option<String>,
    /// A table shows the latest rows, JSON all of them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What rows are wanted.
#[derive(Debug, Clone, Args)]
pub(super) struct FilterArgs {
    /// Of the runs with this name
    #[arg(long, value_name = "NAME")]
    run_name: Option<String>,
    /// Of the run with this stamp, exactly as it was sent
    #[arg(long, value_name = "STAMP")]
    run_stamp: Option<String>,
    /// Of this resource kind, by its plural name
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Of the resource with this UUID
    #[arg(long, value_name = "UUID")]
    uuid: Option<Uuid>,
    /// Not before this time: 2008-10-30 or 2008-10-30T17:23:08Z
    #[arg(long, value_name = "TIME", value_parser = stamp)]
    since: Option<Stamp>,
}

/// How rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// For machines.
    Json,
}

impl FilterArgs {
    pub(super) fn filter(&self) -> AuditFilter {
        AuditFilter {
            run_name: self.run_name.clone(),
            run_stamp: self.run_stamp.clone(),
            kind: self.kind.clone(),
            uuid: self.uuid,
            since: self.since,
            ..AuditFilter::default()
        }
    }
}

impl AuditArgs {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let store = open(&self.settings.read()?.database).await?;
        let filter = AuditFilter { outcome: self.outcome.clone(), ..self.filter.filter() };
        match self.format {
            Format::Table => print(tables(&store, &filter).await?)?,
            Format::Json => json::write(&store, &filter, &mut std::io::stdout().lock()).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn outcome(text: &str) -> Result<String, String> {
    let is_known = EventOutcome::parse(text).is_some() || ChangeOutcome::parse(text).is_some();
    is_known.then(|| text.to_owned()).ok_or_else(|| "there is no such outcome".to_owned())
}

fn stamp(text: &str) -> Result<Stamp, String> {
    Stamp::parse(text).ok_or_else(|| "it must be a date or a time, such as 2008-10-30T17:23:08Z".to_owned())
}

/// The last page of so many rows.
pub(super) const fn latest(total: u64, rows: u64) -> PageRequest {
    PageRequest { start_index: total.saturating_sub(rows) + 1, count: rows }
}

/// Only the total.
const NO_ROWS: PageRequest = PageRequest { start_index: 1, count: 0 };

async fn tables(store: &Store, filter: &AuditFilter) -> anyhow::Result<String> {
    let mut text = Vec::new();
    let total = store.runs(filter, NO_ROWS).await?.total;
    let runs = store.runs(filter, latest(total, TABLE_ROWS)).await?.rows;
    text.extend(titled("Runs", total, &run_table(&runs)));
    // Events are of requests, not of single resources.
    if filter.uuid.is_none() {
        let total = store.events(filter, NO_ROWS).await?.total;
        let events = store.events(filter, latest(total, TABLE_ROWS)).await?.rows;
        text.extend(titled("Events", total, &event_table(&events)));
    }
    let total = store.changes(filter, NO_ROWS).await?.total;
    let changes = store.changes(filter, latest(total, TABLE_ROWS)).await?.rows;
    text.extend(titled("Changes", total, &change_table(&changes)));
    Ok(if text.is_empty() { "Nothing was recorded that fits.".to_owned() } else { text.join("\n") })
}

/// A table under its title; nothing where it has no rows.
fn titled(title: &str, total: u64, table: &Table) -> Option<String> {
    let shown = if total > TABLE_ROWS {
        format!("the latest {TABLE_ROWS} of {total}; --since and --run-name narrow, --format json gives all")
    } else {
        total.to_string()
    };
    (total > 0).then(|| format!("{title} ({shown})\n{table}"))
}

fn run_table(runs: &[RunRow]) -> Table {
    let mut table = table(["Run", "Stamp", "First seen", "Last seen", "Events", "Changes", "Failures"]);
    table.add_rows(runs.iter().map(|row| {
        [
            row.run.name.clone(),
            row.run.stamp.clone(),
            row.first_seen.to_string(),
            row.last_seen.to_string(),
            row.events.to_string(),
            row.changes.to_string(),
            row.failures.to_string(),
        ]
    }));
    table
}

fn event_table(events: &[EventRow]) -> Table {
    let mut table = table(["At", "Run", "Kind", "Operation", "Outcome", "Status", "Entries", "Failed", "Message"]);
    table.add_rows(events.iter().map(|row| {
        let event = &row.event;
        [
            event.at.to_string(),
            row.run.as_ref().map(|run| run.name.clone()).unwrap_or_default(),
            event.name.resource_kind.clone(),
            event.operation.as_str().to_owned(),
            event.outcome.as_str().to_owned(),
            event.http_status.to_string(),
            event.counts.entries.to_string(),
            event.counts.failed.to_string(),
            event.message.clone(),
        ]
    }));
    table
}

fn change_table(changes: &[ChangeRow]) -> Table {
    let mut table = table(["At", "Run", "Kind", "UUID", "Key", "Outcome", "Status", "Message"]);
    table.add_rows(changes.iter().map(|row| {
        let record = &row.record;
        [
            record.at.to_string(),
            row.run.as_ref().map(|run| run.name.clone()).unwrap_or_default(),
            row.name.resource_kind.clone(),
            record.uuid.map(|uuid| uuid.to_string()).unwrap_or_default(),
            record.key.clone().unwrap_or_default(),
            record.outcome.as_str().to_owned(),
            record.http_status.to_string(),
            record.message.clone(),
        ]
    }));
    table
}

#[cfg(test)]
mod tests;
