//! The audit as tables that lead to one another: run to events and changes, change to run and resource.

use super::audit_row::row;
use super::columns;
use super::filter::Filter;
use super::frame::{Frame, Shown};
use super::hyperlink::{Hyperlink, Query, asking, quoted};
use super::pager::Pager;
use super::table::{Column, Direction, Table};
use super::table_page::{TablePage, warnings};
use super::{Visit, answer};
use crate::http::audit::kind_url;
use crate::http::respond::Wanted;
use crate::provider::Error;
use crate::store::AuditKind;
use crate::wire::{Element, EntryOut, FeedOut, PayloadOut};
use actix_web::HttpResponse;

/// A column: the property it is sorted by, its heading, whether it has numbers.
type Heading = (&'static str, &'static str, bool);

const RUNS: &[Heading] = &[
    ("runName", "Run", false),
    ("runStamp", "Stamp", false),
    ("firstSeen", "First seen", false),
    ("lastSeen", "Last seen", false),
    ("", "Events", true),
    ("", "Changes", true),
    ("", "Failures", true),
];
const EVENTS: &[Heading] = &[
    ("at", "Time", false),
    ("operation", "Operation", false),
    ("resourceKind", "Kind", false),
    ("outcome", "Outcome", false),
    ("httpStatus", "Status", true),
    ("entries", "Entries", false),
    ("durationMillis", "Milliseconds", true),
    ("runName", "Run", false),
    ("principal", "User", false),
    ("remoteAddress", "From", false),
    ("", "Message", false),
];
const CHANGES: &[Heading] = &[
    ("at", "Time", false),
    ("resourceKind", "Kind", false),
    ("key", "Resource", false),
    ("outcome", "Outcome", false),
    ("runName", "Run", false),
    ("", "Incoming version", false),
    ("", "Version here", false),
    ("", "Message", false),
    ("", "Lost version", false),
];
const PARKED: &[Heading] = &[
    ("parkedAt", "Since", false),
    ("resourceKind", "Kind", false),
    ("uuid", "UUID", false),
    ("", "Incoming version", false),
    ("httpStatus", "Status", true),
    ("attempts", "Attempts", true),
    ("nextTryAt", "Next try", false),
    ("", "Message", false),
    ("", "Payload", false),
];

/// The headings, the time it is sorted by, conditions to try, and what it is: of a kind of the audit.
struct Described {
    headings: &'static [Heading],
    newest: &'static str,
    examples: &'static [&'static str],
    lead: &'static str,
}

fn described(kind: AuditKind) -> Described {
    match kind {
        AuditKind::Runs => Described {
            headings: RUNS,
            newest: "lastSeen desc",
            examples: &["runName like 'nightly%'", "lastSeen ge @2026-01-01T00:00:00Z@"],
            lead: "What engines did here under one name and stamp.",
        },
        AuditKind::Events => Described {
            headings: EVENTS,
            newest: "at desc",
            examples: &["outcome eq 'failed'", "operation eq 'targetApplied'", "durationMillis gt 1000"],
            lead: "Every request of an engine, and how it ended.",
        },
        AuditKind::Changes => Described {
            headings: CHANGES,
            newest: "at desc",
            examples: &["outcome eq 'conflictLost'", "outcome eq 'failed'", "resourceKind eq 'accounts'"],
            lead: "What became of each entry that came, with both versions where two met.",
        },
        AuditKind::Parked => Described {
            headings: PARKED,
            newest: "parkedAt desc",
            examples: &["attempts gt 1", "resourceKind eq 'accounts'"],
            lead: "Entries that could not be applied; they are kept and tried again.",
        },
    }
}

/// What a kind of the audit is called.
pub(super) const fn label(kind: AuditKind) -> &'static str {
    match kind {
        AuditKind::Runs => "Runs",
        AuditKind::Events => "Events",
        AuditKind::Changes => "Changes",
        AuditKind::Parked => "Parked entries",
    }
}

/// The URL of a kind of the audit.
pub(super) fn url(visit: &Visit<'_>, kind: AuditKind) -> String {
    kind_url(visit.service, kind)
}

/// A kind of the audit as people read it: the newest first.
pub(super) fn newest(visit: &Visit<'_>, kind: AuditKind) -> String {
    asking(&url(visit, kind), &[("orderBy", described(kind).newest)])
}

/// The changes of a resource kind, the newest first.
pub(super) fn of_kind(visit: &Visit<'_>, resource_kind: &str) -> String {
    let condition = format!("resourceKind eq {}", quoted(resource_kind));
    let newest = described(AuditKind::Changes).newest;
    asking(&url(visit, AuditKind::Changes), &[("where", &condition), ("orderBy", newest)])
}

/// The page of one of its kinds.
///
/// # Errors
/// When the page cannot be printed.
pub(in crate::http) fn page(
    wanted: &Wanted,
    kind: AuditKind,
    head: &FeedOut,
    entries: &[EntryOut],
) -> Result<HttpResponse, Error> {
    let visit = Visit::of(wanted)?;
    let described = described(kind);
    let url = url(&visit, kind);
    let query = visit.query.restarted();
    let elements = entries.iter().filter_map(|entry| match &entry.payload {
        Some(PayloadOut::Element(element)) => Some(element),
        _ => None,
    });
    let mut table = Table { caption: label(kind).to_owned(), ..Table::default() };
    table.columns = described.headings.iter().map(|heading| column(*heading, &url, &query)).collect();
    table.rows = elements.map(|element| row(&visit, kind, element)).collect();
    table.if_empty = "There is nothing to show.".to_owned();
    let examples = described.examples.iter().map(|example| (*example).to_owned());
    let others = AuditKind::ALL.into_iter().filter(|other| *other != kind);
    let page = TablePage {
        frame: Frame::new(&visit, label(kind), "", Shown::Feed),
        lead: Some(described.lead.to_owned()),
        links: others.map(|other| Hyperlink::new(newest(&visit, other), label(other))).collect(),
        filter: Some(Filter::new(&url, &visit.query, false).with_examples(examples, &visit.query)),
        warnings: warnings(&head.diagnoses),
        table: table.without_empty_columns(),
        pager: Pager::of(head, entries.len()),
    };
    answer(&page)
}

fn column((property, heading, is_number): Heading, url: &str, query: &Query) -> Column {
    let is_time = property.ends_with("Seen") || property.ends_with("At") || property == "at";
    let first = if is_time { Direction::Descending } else { Direction::Ascending };
    let sort = (!property.is_empty()).then(|| columns::sort(property, url, query, first));
    Column { label: heading.to_owned(), is_number, sort }
}

/// The changes of one resource: on its own page nobody need be told which it is.
pub(super) fn changes_of_resource(visit: &Visit<'_>, changes: &[Element]) -> Table {
    let is_said = |heading: &str| !["Kind", "Resource"].contains(&heading);
    let is_kept: Vec<_> = CHANGES.iter().map(|(_, heading, _)| is_said(heading)).collect();
    let headings: Vec<_> = CHANGES.iter().map(|(_, heading, _)| *heading).filter(|heading| is_said(heading)).collect();
    let mut table = Table::new("History", &headings);
    for change in changes {
        let mut keep = is_kept.iter();
        let mut cells = row(visit, AuditKind::Changes, change);
        cells.retain(|_| keep.next().copied().unwrap_or(true));
        table.rows.push(cells);
    }
    table.if_empty = "No synchronization has touched it here yet.".to_owned();
    table.aligned().without_empty_columns()
}
