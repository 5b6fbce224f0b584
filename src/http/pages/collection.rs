//! A page of a collection as a table (core 6).

use super::filter::Filter;
use super::frame::{Frame, Shown};
use super::hyperlink::{Hyperlink, Query};
use super::pager::Pager;
use super::table::{Column, Direction, Table};
use super::table_page::{TablePage, warnings};
use super::value::Value;
use super::{Visit, answer, audit, columns};
use crate::contract::{Property, Shape, Support};
use crate::http::respond::Wanted;
use crate::http::schema;
use crate::protocol::operation;
use crate::provider::{Collection, Error};
use crate::wire::{Element, EntryOut, FeedOut, PayloadOut};
use actix_web::HttpResponse;

/// The page of the collection that was asked for.
///
/// # Errors
/// When an entry cannot be read again, or the page not be printed.
pub(in crate::http) fn page(
    wanted: &Wanted,
    collection: &Collection,
    head: &FeedOut,
    entries: &[EntryOut],
) -> Result<HttpResponse, Error> {
    let visit = Visit::of(wanted)?;
    let support = schema::support_of(visit.service, collection);
    let filter = support.can_filter.then(|| filter(&visit, collection, &support));
    let page = TablePage {
        frame: Frame::new(&visit, &collection.kind.label, &collection.kind.plural_name, Shown::Feed),
        lead: None,
        links: links(&visit, collection),
        warnings: warnings(&head.diagnoses),
        filter,
        table: table(collection, &visit.query, &support, entries)?,
        pager: Pager::of(head, entries.len()),
    };
    answer(&page)
}

/// The filter of a collection as it was asked.
pub(super) fn filter(visit: &Visit<'_>, collection: &Collection, support: &Support) -> Filter {
    Filter::of_kind(&collection.contract, &collection.kind, &collection.url, &visit.query, support.can_search)
}

/// What there is of a collection beside its resources.
pub(super) fn links(visit: &Visit<'_>, collection: &Collection) -> Vec<Hyperlink> {
    let at = |operation: &str, text: &str| Hyperlink::new(format!("{}/{operation}", collection.url), text);
    let mut links = vec![at(operation::SCHEMA, "Schema")];
    if collection.is_synchronized() {
        links.extend([at(operation::SYNC_DIGEST, "Digest"), at(operation::LINKED, "Linked resources")]);
        links.push(Hyperlink::new(audit::of_kind(visit, &collection.name.resource_kind), "Audit"));
    }
    links
}

fn table(collection: &Collection, query: &Query, support: &Support, entries: &[EntryOut]) -> Result<Table, Error> {
    let query = query.restarted();
    let properties = columns::shown(&collection.contract, &collection.kind, &query);
    // The first column leads to the entry, so it must not lead elsewhere.
    let leads = properties.first().is_some_and(|property| property.shape == Shape::Value);
    let mut columns: Vec<Column> = Vec::new();
    if !leads {
        columns.push(Column { label: collection.kind.label.clone(), ..Column::default() });
    }
    let of_property = |property: &&Property| columns::column(property, &collection.url, &query, support.can_sort);
    columns.extend(properties.iter().map(of_property));
    let by_time = || columns::sort("$updated", &collection.url, &query, Direction::Descending);
    columns.push(Column { label: "Changed".to_owned(), is_number: false, sort: support.can_sort.then(by_time) });
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let resource = resource_of(entry)?;
        let value = |property: &&Property| {
            let child = resource.as_ref().and_then(|resource| child(resource, property));
            Value::of_property(&collection.contract, property, child, true)
        };
        let mut row: Vec<_> = properties.iter().map(value).collect();
        match row.first_mut().filter(|_| leads) {
            Some(first) => *first = leading(entry, first),
            None => row.insert(0, Value::link(&entry.id, &entry.title)),
        }
        row.push(Value::moment(entry.updated));
        rows.push(row);
    }
    let if_empty = if query.get("where").or_else(|| query.get("search")).is_some() {
        "Nothing here matches the filter."
    } else {
        "There is nothing here yet."
    };
    Ok(Table { caption: collection.kind.label.clone(), columns, rows, if_empty: if_empty.to_owned() })
}

/// The value of the first column as the way to the entry.
fn leading(entry: &EntryOut, value: &Value) -> Value {
    match value {
        Value::Text(text) | Value::Number(text) => Value::link(&entry.id, text),
        Value::Moment { shown, .. } => Value::link(&entry.id, shown),
        _ => Value::link(&entry.id, &entry.title),
    }
}

fn child<'e>(resource: &'e Element, property: &Property) -> Option<&'e Element> {
    resource.children().find(|child| *child.name == *property.name)
}

/// The resource that an entry carries, as an element again.
///
/// # Errors
/// [`Error::Wire`] when the content is not what was written.
pub(super) fn resource_of(entry: &EntryOut) -> Result<Option<Element>, Error> {
    match &entry.payload {
        None | Some(PayloadOut::Digest(_)) => Ok(None),
        Some(PayloadOut::Element(element)) => Ok(Some(element.clone())),
        Some(PayloadOut::Resource(resource)) => Ok(Some(resource.to_element()?)),
    }
}
