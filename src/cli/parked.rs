//! `sdata-sync parked`: entries that could not be applied.

use super::audit::json::parked as as_json;
use super::audit::{FilterArgs, Format, latest};
use super::database::open;
use super::output::{print, table, warn};
use super::settings::SettingsArgs;
use crate::protocol::paging::PageRequest;
use crate::store::{AuditFilter, CollectionName, ParkedEntry, ParkedId, Store};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::process::ExitCode;

/// Rows that a table shows: the latest.
const TABLE_ROWS: u64 = 200;

/// Lists entries that could not be applied, has them tried again, or throws them away
#[derive(Debug, Args)]
pub(super) struct ParkedArgs {
    #[command(subcommand)]
    command: ParkedCommand,
}

#[derive(Debug, Subcommand)]
enum ParkedCommand {
    /// Lists them with their ids and why they failed
    List(ListArgs),
    /// Makes them due: the provider tries them next, instead of at their time
    Retry(RetryArgs),
    /// Throws them away: their changes are lost unless the source changes the resources again
    Discard(DiscardArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    filter: FilterArgs,
    /// A table shows the latest rows, JSON all of them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
struct RetryArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The entries' ids, as 'list' shows them; all without any
    #[arg(value_name = "ID")]
    ids: Vec<i64>,
}

#[derive(Debug, Args)]
struct DiscardArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The entries' ids, as 'list' shows them
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<i64>,
    /// All of them
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

impl ParkedArgs {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            ParkedCommand::List(args) => args.run().await,
            ParkedCommand::Retry(args) => {
                let store = open(&args.settings.read()?.database).await?;
                let ids = chosen(&args.ids);
                let done = store.parked_retry_now(ids.as_deref(), store.time()).await?;
                report(&format!("Due now: {done}. The provider tries them next."), done, ids.as_deref())
            }
            ParkedCommand::Discard(args) => {
                let store = open(&args.settings.read()?.database).await?;
                let ids = chosen(&args.ids);
                let done = store.parked_discard(ids.as_deref()).await?;
                report(&format!("Thrown away: {done}."), done, ids.as_deref())
            }
        }
    }
}

impl ListArgs {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let store = open(&self.settings.read()?.database).await?;
        let filter = self.filter.filter();
        match self.format {
            Format::Table => print(listed(&store, &filter).await?)?,
            Format::Json => print(Value::Array(all(&store, &filter).await?))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) async fn listed(store: &Store, filter: &AuditFilter) -> anyhow::Result<String> {
    let total = store.parked(filter, PageRequest { start_index: 1, count: 0 }).await?.total;
    if total == 0 {
        return Ok("No entry is parked.".to_owned());
    }
    let mut table = table(["ID", "Parked at", "Kind", "UUID", "Method", "Status", "Tries", "Next try", "Why"]);
    let rows = store.parked(filter, latest(total, TABLE_ROWS)).await?.rows;
    table.add_rows(rows.iter().map(|(name, parked)| row(name, parked)));
    let shown = if total > TABLE_ROWS { format!("the latest {TABLE_ROWS} of {total}") } else { total.to_string() };
    Ok(format!("Parked entries ({shown})\n{table}"))
}

pub(super) async fn all(store: &Store, filter: &AuditFilter) -> anyhow::Result<Vec<Value>> {
    const PAGE_ROWS: u64 = 1000;
    let mut found = Vec::new();
    loop {
        let page = PageRequest { start_index: found.len() as u64 + 1, count: PAGE_ROWS };
        let rows = store.parked(filter, page).await?.rows;
        let is_last = (rows.len() as u64) < PAGE_ROWS;
        found.extend(rows.iter().map(|(name, parked)| as_json(name, parked)));
        if is_last {
            return Ok(found);
        }
    }
}

fn row(name: &CollectionName, parked: &ParkedEntry) -> [String; 9] {
    let entry = &parked.entry;
    [
        parked.id.0.to_string(),
        entry.parked_at.to_string(),
        name.resource_kind.clone(),
        entry.uuid.map(|uuid| uuid.to_string()).unwrap_or_default(),
        entry.method.clone(),
        entry.http_status.to_string(),
        parked.attempts.to_string(),
        entry.next_try_at.to_string(),
        parked.message().to_owned(),
    ]
}

/// The entries of a command; `None` for all.
fn chosen(ids: &[i64]) -> Option<Vec<ParkedId>> {
    (!ids.is_empty()).then(|| ids.iter().copied().map(ParkedId).collect())
}

/// Says what was done, and whether to all that were asked for.
fn report(what: &str, done: u64, ids: Option<&[ParkedId]>) -> anyhow::Result<ExitCode> {
    print(what)?;
    match ids {
        Some(ids) if done < ids.len() as u64 => {
            warn("error: some of the ids are not those of parked entries; 'sdata-sync parked list' shows them");
            Ok(ExitCode::FAILURE)
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
