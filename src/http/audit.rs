//! `/sdata/{application}/syncAudit/-/…`: what happened, as resource kinds of their own (docs/operating.md, "Audit").

use super::navigation::{Item, Level, application_url, below, dataset_item, dataset_title, list, title};
use super::queries::query;
use super::request::Asked;
use super::respond::{self, counted_links};
use super::schema::{to_element, versioned};
use super::{Service, pages, schema};
use crate::contract::{Contract, Kind};
use crate::protocol::paging::PageRequest;
use crate::protocol::path::Selector;
use crate::protocol::{Stamp, SyncState};
use crate::provider::Error;
use crate::provider::own_resource::OwnResource;
use crate::provider::selector::the_one;
use crate::query::{Comparison, Expression, Literal, ProtocolVariable, Scope, Target, parse_where};
use crate::store::{AuditFilter, AuditKind, ChangeRow, CollectionName, EventRow, ParkedEntry, RunRow};
use crate::wire::{Category, Element, EntryOut, FeedOut};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use bytes::Bytes;
use std::sync::{Arc, LazyLock};

/// The audit's name among the contracts.
pub(super) use crate::protocol::path::AUDIT_CONTRACT as CONTRACT;
/// The namespace of its payloads.
const NAMESPACE: &str = "urn:sdata-sync:audit:1";
/// Its schema.
const SCHEMA: &str = include_str!("../../contracts/audit.xsd");

/// What its schema says.
///
/// # Errors
/// None while `contracts/audit.xsd` is a contract.
pub(super) fn described() -> Result<&'static Arc<Contract>, Error> {
    static CONTRACT: LazyLock<Result<Arc<Contract>, String>> =
        LazyLock::new(|| Contract::from_text("audit.xsd", SCHEMA).map(Arc::new).map_err(|error| error.to_string()));
    CONTRACT.as_ref().map_err(|error| Error::Internal(error.clone()))
}

/// What its schema says of one of its kinds.
///
/// # Errors
/// None while `contracts/audit.xsd` describes every kind.
fn described_kind(kind: AuditKind) -> Result<&'static Kind, Error> {
    let name = kind.as_str();
    described()?.kind(name).ok_or_else(|| Error::Internal(format!("contracts/audit.xsd has no {name}")))
}

/// `GET …/syncAudit`: its one dataset.
pub(super) fn contract(service: &Service, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    let url = url(service);
    let level = Level::new(&url, "contract", &[&service.provider.offer.title, CONTRACT]);
    list(service, asked, level, vec![dataset_item(&url, "-")])
}

/// `GET …/syncAudit/-`: its kinds.
pub(super) fn dataset(service: &Service, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    let url = format!("{}/-", url(service));
    let kind = |kind: AuditKind| {
        let name = kind.as_str();
        Item { url: format!("{url}/{name}"), title: name.to_owned(), term: "collection" }
    };
    let names = [&service.provider.offer.title, CONTRACT, dataset_title("-")];
    let level = Level::new(&url, "dataset", &names).described(Some(described()?));
    list(service, asked, level, AuditKind::ALL.map(kind).into())
}

/// `GET …/syncAudit/-/$schema`.
pub(super) fn schema(service: &Service, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    versioned(service, asked, described()?.version(), Bytes::from_static(SCHEMA.as_bytes()))
}

/// `GET …/syncAudit/-/{kind}/$schema`: the kind's element in the audit's schema.
pub(super) fn kind_schema(service: &Service, asked: &Asked<'_>, kind: AuditKind) -> Result<HttpResponse, Error> {
    Ok(to_element(asked, &format!("{}/-", url(service)), described()?, described_kind(kind)?))
}

/// `GET …/syncAudit/-/{kind}`: a page of it.
pub(super) async fn kind(service: &Service, asked: &Asked<'_>, kind: AuditKind) -> Result<HttpResponse, Error> {
    let (asked_for, diagnoses) = query(asked, &scope(service, kind)?)?;
    let page = asked.page(service, None)?;
    let condition = asked_for.filter.map(both_conflicts);
    let filter = AuditFilter { condition, order: asked_for.order, ..AuditFilter::default() };
    let (rows, total) = rows(service, kind, filter, page).await?;
    let url = kind_url(service, kind);
    let author = respond::author(&service.provider);
    let entries: Vec<_> = rows.into_iter().map(|row| entry(row, &url, &author)).collect();
    let mut links = counted_links(&asked.linked(&url), page, total);
    links.push(schema::link(&url, described()?));
    let head = FeedOut {
        id: url.clone(),
        title: title(&[&service.provider.offer.title, CONTRACT, kind.as_str()]),
        updated: service.provider.opened_at,
        category: Some(Category { term: "collection".to_owned(), label: kind.as_str().to_owned() }),
        links,
        diagnoses,
        ..respond::page_head(&service.provider, page, total)
    };
    if asked.wanted.is_page() {
        return pages::audit::page(&asked.wanted, kind, &head, &entries);
    }
    respond::feed_of(&asked.wanted, &head, &entries)
}

/// `GET …/syncAudit/-/{kind}('{key}')`, or with a predicate: one of it.
pub(super) async fn resource(
    service: &Service,
    asked: &Asked<'_>,
    kind: AuditKind,
    selector: Selector,
) -> Result<HttpResponse, Error> {
    let (filter, name) = match selector {
        // What is no number is the key of nothing.
        Selector::Key(key) => (AuditFilter { id: Some(key.parse().unwrap_or(-1)), ..AuditFilter::default() }, key),
        Selector::Predicate(predicate) => {
            let condition = parse_where(&predicate, &scope(service, kind)?)?;
            (AuditFilter { condition: Some(both_conflicts(condition)), ..AuditFilter::default() }, predicate)
        }
    };
    let (rows, _) = rows(service, kind, filter, TWO).await?;
    let row = the_one(rows, &name)?;
    let url = kind_url(service, kind);
    let mut entry = entry(row, &url, &respond::author(&service.provider));
    entry.links.push(schema::link(&url, described()?));
    respond::entry(&asked.wanted, StatusCode::OK, &entry)
}

/// Enough rows to know whether there is one.
const TWO: PageRequest = PageRequest { start_index: 1, count: 2 };

/// What can be asked of rows besides their properties.
const VARIABLES: [ProtocolVariable; 2] = [ProtocolVariable::Key, ProtocolVariable::Updated];

fn scope(service: &Service, kind: AuditKind) -> Result<Scope<'static>, Error> {
    Ok(Scope {
        contract: described()?,
        kind: described_kind(kind)?,
        variables: &VARIABLES,
        now: service.provider.now().to_datetime(),
    })
}

/// `outcome eq 'conflict'` means whoever won: `conflictWon` and `conflictLost` (docs/operating.md).
fn both_conflicts(condition: Expression) -> Expression {
    let both = |inner: Box<Expression>| Box::new(both_conflicts(*inner));
    match condition {
        Expression::And(left, right) => Expression::And(both(left), both(right)),
        Expression::Or(left, right) => Expression::Or(both(left), both(right)),
        Expression::Not(inner) => Expression::Not(both(inner)),
        Expression::Compare(Comparison::Equal, left, right) if is_outcome(&left) && is_conflict(&right) => {
            let outcomes = ["conflictWon", "conflictLost"];
            Expression::In(
                left,
                outcomes.map(|outcome| Expression::Literal(Literal::Text(outcome.to_owned()))).to_vec(),
            )
        }
        other => other,
    }
}

fn is_outcome(expression: &Expression) -> bool {
    let Expression::Field(field) = expression else { return false };
    matches!(&field.target, Target::Property(path) if path.first().is_some_and(|name| &**name == "outcome"))
}

fn is_conflict(expression: &Expression) -> bool {
    matches!(expression, Expression::Literal(Literal::Text(text)) if text == "conflict")
}

/// What is asked for of this application, everything noted until now included, and how many there are on all pages.
async fn rows(
    service: &Service,
    kind: AuditKind,
    filter: AuditFilter,
    page: PageRequest,
) -> Result<(Vec<OwnResource>, u64), Error> {
    let store = &service.provider.store;
    let filter = AuditFilter { application: Some(service.provider.offer.application.clone()), ..filter };
    service.provider.flush_audit().await;
    Ok(match kind {
        AuditKind::Runs => {
            let found = store.runs(&filter, page).await?;
            (found.rows.iter().map(run).collect(), found.total)
        }
        AuditKind::Events => {
            let found = store.events(&filter, page).await?;
            (found.rows.iter().map(event).collect(), found.total)
        }
        AuditKind::Changes => {
            let found = store.changes(&filter, page).await?;
            (found.rows.iter().map(change).collect(), found.total)
        }
        AuditKind::Parked => {
            let found = store.parked(&filter, page).await?;
            (found.rows.iter().map(parked).collect(), found.total)
        }
    })
}

fn url(service: &Service) -> String {
    below(&application_url(service), CONTRACT)
}

/// The URL of one of its kinds.
pub(super) fn kind_url(service: &Service, kind: AuditKind) -> String {
    format!("{}/-/{}", url(service), kind.as_str())
}

/// One row of the audit.
fn row(name: &str, id: i64, title: &str, updated: Stamp) -> OwnResource {
    OwnResource::new(Element::new(NAMESPACE, name), id.to_string(), title, updated)
}

/// A row with the state of one side.
fn with_state(row: OwnResource, side: &str, state: Option<&SyncState>) -> OwnResource {
    row.with(&format!("{side}Endpoint"), state.map(|state| &state.endpoint))
        .with(&format!("{side}Tick"), state.map(|state| state.tick))
        .with(&format!("{side}Stamp"), state.map(|state| state.stamp))
}

fn entry(row: OwnResource, kind_url: &str, author: &str) -> EntryOut {
    let label = row.element.name.to_string();
    row.entry(kind_url, &label, author)
}

fn run(run: &RunRow) -> OwnResource {
    row("run", run.id.0, &format!("{} {}", run.run.name, run.run.stamp), run.last_seen)
        .with("runName", Some(&run.run.name))
        .with("runStamp", Some(&run.run.stamp))
        .with("firstSeen", Some(run.first_seen))
        .with("lastSeen", Some(run.last_seen))
        .with("events", Some(run.events))
        .with("changes", Some(run.changes))
        .with("failures", Some(run.failures))
}

/// The payload of a change.
pub(super) fn change_element(found: &ChangeRow) -> Element {
    change(found).element
}

fn event(found: &EventRow) -> OwnResource {
    let event = &found.event;
    let title = format!("{} {} {}", event.operation.as_str(), event.name.resource_kind, event.outcome.as_str());
    row("event", found.id, &title, event.at)
        .with("at", Some(event.at))
        .with("runName", found.run.as_ref().map(|run| &run.name))
        .with("runStamp", found.run.as_ref().map(|run| &run.stamp))
        .with("trackingId", event.tracking_id.as_ref())
        .with("resourceKind", Some(&event.name.resource_kind))
        .with("operation", Some(event.operation.as_str()))
        .with("outcome", Some(event.outcome.as_str()))
        .with("httpStatus", Some(event.http_status))
        .with("entries", Some(event.counts.entries))
        .with("created", Some(event.counts.created))
        .with("updated", Some(event.counts.updated))
        .with("deleted", Some(event.counts.deleted))
        .with("ignored", Some(event.counts.ignored))
        .with("conflicts", Some(event.counts.conflicts))
        .with("failed", Some(event.counts.failed))
        .with("durationMillis", Some(event.duration_millis))
        .with("principal", event.principal.as_ref())
        .with("remoteAddress", event.remote_address.as_ref())
        .with("message", Some(&event.message))
}

fn change(found: &ChangeRow) -> OwnResource {
    let record = &found.record;
    let title = format!("{} {}", found.name.resource_kind, record.outcome.as_str());
    let row = row("change", found.id, &title, record.at)
        .with("at", Some(record.at))
        .with("runName", found.run.as_ref().map(|run| &run.name))
        .with("runStamp", found.run.as_ref().map(|run| &run.stamp))
        .with("trackingId", record.tracking_id.as_ref())
        .with("resourceKind", Some(&found.name.resource_kind))
        .with("uuid", record.uuid)
        .with("key", record.key.as_ref())
        .with("outcome", Some(record.outcome.as_str()))
        .with("httpStatus", Some(record.http_status));
    let row = with_state(row, "source", record.source.as_ref());
    with_state(row, "target", record.target.as_ref())
        .with("message", Some(&record.message))
        .with("losingPayload", record.losing_payload.as_ref())
}

fn parked((name, parked): &(CollectionName, ParkedEntry)) -> OwnResource {
    let entry = &parked.entry;
    let message = parked.message();
    let row = row("parked", parked.id.0, message, entry.parked_at)
        .with("parkedAt", Some(entry.parked_at))
        .with("resourceKind", Some(&name.resource_kind))
        .with("uuid", entry.uuid);
    with_state(row, "source", entry.state.as_ref())
        .with("httpStatus", Some(entry.http_status))
        .with("attempts", Some(parked.attempts))
        .with("nextTryAt", Some(entry.next_try_at))
        .with("trackingId", entry.tracking_id.as_ref())
        .with("message", Some(message))
        .with("payload", entry.payload.as_ref().map(|xml| String::from_utf8_lossy(xml).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_describes_every_kind() {
        for kind in AuditKind::ALL {
            described_kind(kind).unwrap();
        }
    }
}
