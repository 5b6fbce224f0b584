//! One resource: its properties, who knows it by which names, its state, and what became of it.

use super::collection::resource_of;
use super::frame::{Frame, Shown};
use super::history::History;
use super::hyperlink::Hyperlink;
use super::sections::{Field, Section, sections, type_of_part, undescribed};
use super::table::Table;
use super::table_page::warnings;
use super::value::{Value, endpoint};
use super::{Visit, answer, digest, generic, print};
use crate::contract::{Contract, TypeId};
use crate::http::respond::Wanted;
use crate::protocol::operation::{LINKED, SCHEMA};
use crate::protocol::url::selected;
use crate::provider::{Collection, Error};
use crate::store::StoredResource;
use crate::wire::names::SDATA;
use crate::wire::{Element, EntryOut, PayloadOut};
use actix_web::HttpResponse;
use askama::Template;
use bytes::Bytes;

/// An entry by itself.
#[derive(Template)]
#[template(path = "entry_page.html")]
pub(super) struct EntryPage {
    pub(super) frame: Frame,
    pub(super) links: Vec<Hyperlink>,
    pub(super) diagnoses: Vec<String>,
    pub(super) sections: Vec<Section>,
    pub(super) asides: Vec<Section>,
    pub(super) digest: Option<Table>,
    pub(super) history: Option<History>,
}

/// The page of a stored resource. What it takes more than an entry, its history, is read here: for readers alone.
///
/// # Errors
/// When the audit cannot be read, the entry not be read again, or the page not be printed.
pub(in crate::http) async fn page(
    wanted: &Wanted,
    collection: &Collection,
    resource: &StoredResource,
    entry: &EntryOut,
) -> Result<HttpResponse, Error> {
    let visit = Visit::of(wanted)?;
    let element = resource_of(entry)?;
    let sections = element.map(|element| sections(&collection.contract, collection.kind.type_id, &element));
    let mut links = vec![Hyperlink::new(format!("{}/{SCHEMA}", collection.url), "Schema")];
    if let Some(uuid) = resource.uuid {
        let linked = format!("{}/{LINKED}", collection.url);
        links.push(Hyperlink::new(selected(&linked, &uuid.to_string()), "Link"));
    }
    let history = match History::is_shown(&visit) {
        true => Some(History::of(&visit, collection, resource).await?),
        false => None,
    };
    let page = EntryPage {
        frame: Frame::new(&visit, &entry.title, &collection.kind.label, Shown::Entry),
        links,
        diagnoses: warnings(&entry.diagnoses),
        sections: sections.unwrap_or_default(),
        asides: vec![identity(resource, entry), state(collection, resource)],
        digest: None,
        history,
    };
    answer(&page)
}

/// By which names the resource is known.
fn identity(resource: &StoredResource, entry: &EntryOut) -> Section {
    let uuid = resource.uuid.map_or_else(|| Value::text("not linked yet"), |uuid| Value::Code(uuid.to_string()));
    let fields = vec![
        Field::new("Key", Value::Code(resource.key.clone())),
        Field::new("UUID", uuid),
        Field::new("URL", Value::link(&entry.id, &entry.id)),
        Field::new("Version", Value::Code(resource.etag.trim_matches('"').to_owned())),
    ];
    Section { heading: "Identity".to_owned(), fields, ..Section::default() }
}

/// The state of its last change (sync 4.3), and plainly that it has none yet.
fn state(collection: &Collection, resource: &StoredResource) -> Section {
    let mut fields = match &resource.state {
        Some(state) => {
            let made = endpoint(state.endpoint.as_str(), Some(collection.endpoint.as_str()));
            vec![Field::new("Changed at", Value::Link(made)), Field::new("Tick", Value::Number(state.tick.to_string()))]
        }
        None if collection.is_synchronized() => {
            let text = "unstamped: changed here, and numbered when somebody asks for the changes";
            vec![Field::new("Changed at", Value::text("here")), Field::new("Tick", Value::text(text))]
        }
        None => vec![Field::new("Changed at", Value::text("here"))],
    };
    fields.push(Field::new("Stamp", Value::moment(resource.stamp)));
    fields.push(Field::new("User", Value::text(resource.user.as_deref().unwrap_or_default())));
    Section { heading: "Synchronization state".to_owned(), fields, ..Section::default() }
}

/// The contract and type that describe an element: a resource, or a part of one of the kind that was asked for.
pub(super) fn described<'v>(visit: &Visit<'v>, element: &Element) -> Option<(&'v Contract, TypeId)> {
    let contract = visit.contract?;
    if let Some(kind) = contract.kinds().iter().find(|kind| element.is(&kind.namespace, &kind.name)) {
        return Some((contract, kind.type_id));
    }
    Some((contract, type_of_part(contract, visit.collection?.kind.type_id, &element.name)?))
}

/// The page of an entry of which only the entry is known: a template, a link, a receipt, a digest.
///
/// # Errors
/// When the entry cannot be read again, or the page not be printed.
pub(in crate::http) fn plain(wanted: &Wanted, entry: &EntryOut) -> Result<Bytes, Error> {
    let visit = Visit::of(wanted)?;
    let element = resource_of(entry)?;
    let sections = match &element {
        Some(element) => match described(&visit, element) {
            Some((contract, id)) => sections(contract, id, element),
            None => vec![undescribed(element)],
        },
        None => Vec::new(),
    };
    let said = |name: &str| element.as_ref().and_then(|element| element.attribute(SDATA, name)).map(str::to_owned);
    let (key, uuid, url) = match &entry.payload {
        Some(PayloadOut::Resource(resource)) => {
            (resource.key.clone(), resource.uuid.map(|uuid| uuid.to_string()), resource.url.clone())
        }
        _ => (said("key"), said("uuid"), said("url")),
    };
    let mut fields = generic::http_fields(entry);
    fields.extend(key.map(|key| Field::new("Key", Value::Code(key))));
    fields.extend(uuid.map(|uuid| Field::new("UUID", Value::Code(uuid))));
    fields.extend(url.map(|url| Field::new("URL", Value::link(url.as_str(), url.as_str()))));
    if let Some(state) = &entry.sync_state {
        let here = visit.collection.map(|collection| &collection.endpoint);
        fields.push(Field::new("State", Value::state(state, here)));
    }
    let digest = match &entry.payload {
        Some(PayloadOut::Digest(digest)) => Some(digest::table(digest)),
        _ => None,
    };
    // The entry's own title names the endpoint, which the digest does again.
    let title = if digest.is_some() { "Digest" } else { &entry.title };
    let kind = visit.collection.map(|collection| collection.kind.label.as_str()).unwrap_or_default();
    let about = Section { heading: "About".to_owned(), fields, ..Section::default() };
    let page = EntryPage {
        frame: Frame::new(&visit, title, kind, Shown::Entry),
        links: Vec::new(),
        diagnoses: warnings(&entry.diagnoses),
        sections,
        asides: [about].into_iter().filter(|section| !section.fields.is_empty()).collect(),
        digest,
        history: None,
    };
    print(&page)
}
