//! Any feed: results, links, whatever has no page of its own.

use super::collection::resource_of;
use super::entry::described;
use super::frame::{Frame, Shown};
use super::pager::Pager;
use super::sections::{self, Field};
use super::table::Table;
use super::table_page::{TablePage, warnings};
use super::value::Value;
use super::{Visit, print};
use crate::http::respond::Wanted;
use crate::provider::Error;
use crate::wire::{EntryOut, FeedOut, PayloadOut};
use bytes::Bytes;

/// The page of a feed of which only the feed is known.
///
/// # Errors
/// When the page cannot be printed.
pub(in crate::http) fn feed(wanted: &Wanted, head: &FeedOut, entries: &[EntryOut]) -> Result<Bytes, Error> {
    let visit = Visit::of(wanted)?;
    let labels = ["Entry", "Status", "Method", "Message", "UUID", "State", "Problem", "Changed"];
    let mut table = Table::new(&*head.title, &labels);
    table.rows = entries.iter().map(|entry| row(&visit, entry)).collect();
    table.if_empty = "There is nothing to show.".to_owned();
    // What the entries carry says more than what is said about them, unless it is an outcome.
    if entries.iter().all(|entry| entry.http.status.is_none())
        && let Some(parts) = parts(&visit, entries)?
    {
        table = beside(table, parts);
    }
    let page = TablePage {
        frame: Frame::new(&visit, &head.title, "", Shown::Feed),
        lead: None,
        links: Vec::new(),
        filter: None,
        warnings: warnings(&head.diagnoses),
        table: table.aligned().without_empty_columns(),
        pager: Pager::of(head, entries.len()),
    };
    print(&page)
}

/// The payloads as a table, where one type describes them all.
fn parts(visit: &Visit<'_>, entries: &[EntryOut]) -> Result<Option<Table>, Error> {
    let mut elements = Vec::with_capacity(entries.len());
    for entry in entries {
        elements.extend(resource_of(entry)?);
    }
    let first = elements.first().filter(|first| elements.iter().all(|element| element.name == first.name));
    let Some((contract, id)) = first.and_then(|first| described(visit, first)) else { return Ok(None) };
    let is_whole = elements.len() == entries.len();
    Ok(is_whole.then(|| sections::described(contract, id, "", &elements.iter().collect::<Vec<_>>())))
}

/// The first column of one table, the columns of another, and the rest of the first.
fn beside(mut table: Table, parts: Table) -> Table {
    table.columns.splice(1..1, parts.columns);
    for (row, cells) in table.rows.iter_mut().zip(parts.rows) {
        row.splice(1..1, cells);
    }
    table
}

fn row(visit: &Visit<'_>, entry: &EntryOut) -> Vec<Value> {
    let href = entry.http.location.as_deref().unwrap_or(&entry.id);
    let title = if entry.title.is_empty() { href } else { &entry.title };
    // An id need not be an address.
    let is_address = href.starts_with("http://") || href.starts_with("https://");
    let http = &entry.http;
    let uuid = match &entry.payload {
        Some(PayloadOut::Resource(resource)) => resource.uuid.map(|uuid| Value::Code(uuid.to_string())),
        _ => None,
    };
    let here = visit.collection.map(|collection| &collection.endpoint);
    let problems: Vec<_> = entry.diagnoses.iter().map(|diagnosis| diagnosis.message.as_str()).collect();
    vec![
        if is_address { Value::link(href, title) } else { Value::text(title) },
        http.status.map_or(Value::Nothing, |status| Value::Number(status.to_string())),
        Value::text(http.method.as_deref().unwrap_or_default()),
        Value::text(http.message.as_deref().unwrap_or_default()),
        uuid.unwrap_or(Value::Nothing),
        entry.sync_state.as_ref().map_or(Value::Nothing, |state| Value::state(state, here)),
        Value::text(&problems.join("\n")),
        Value::moment(entry.updated),
    ]
}

/// What would be HTTP's (core 13), as labels and values.
pub(super) fn http_fields(entry: &EntryOut) -> Vec<Field> {
    let http = &entry.http;
    let all = [
        ("Status", http.status.map(|status| status.to_string())),
        ("Message", http.message.clone()),
        ("Method", http.method.clone()),
        ("Location", http.location.clone()),
        ("Version", http.etag.as_ref().map(|etag| etag.trim_matches('"').to_owned())),
    ];
    all.into_iter().filter_map(|(label, text)| Some(Field::new(label, Value::Code(text?)))).collect()
}
