//! `/sdata/$system/registry/-/…`: contracts and endpoints of this provider (core 2.8, 14).

use super::navigation::{Item, Level, dataset_item, dataset_title, list, root, title};
use super::request::Asked;
use super::respond::{self, counted_links};
use super::schema::{to_element, versioned};
use super::{Service, access, audit, queries, schema};
use crate::contract::Kind;
use crate::protocol::SdataCode;
use crate::protocol::operation::{self, is_operation};
use crate::protocol::path::{Segment, Selector};
use crate::provider::own_resource::OwnResource;
use crate::provider::registry::{RegisteredContract, SCHEMA, contract};
use crate::provider::selector::the_one;
use crate::provider::{Error, ResourceQuery};
use crate::query::parse_where;
use crate::wire::{Category, FeedOut};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use bytes::Bytes;
use std::sync::{Arc, LazyLock};

/// What stands in an application's place.
pub(super) const SYSTEM: &str = "$system";
/// The registry's name among the system's contracts.
const REGISTRY: &str = "registry";
/// Its one dataset.
const DATASET: &str = "-";

/// What a URL of the registry names.
#[derive(Debug)]
pub(super) enum Place {
    System,
    Registry,
    Dataset,
    Schema,
    KindSchema(&'static Kind),
    Kind(&'static Kind),
    Resource(&'static Kind, Selector),
}

/// Finds what stands behind `$system`.
///
/// # Errors
/// [`Error::NotFound`] with the code of the level that is missing.
pub(super) fn find(behind: &[Segment]) -> Result<Place, Error> {
    let (rest, kind) = match behind {
        [] => return Ok(Place::System),
        [name, ..] if name.name != REGISTRY => {
            return Err(Error::not_found(SdataCode::ContractNotFound, "contract", &name.name));
        }
        [_] => return Ok(Place::Registry),
        [_, dataset, ..] if dataset.name != DATASET => {
            return Err(Error::not_found(SdataCode::DatasetNotFound, "dataset", &dataset.name));
        }
        [_, _] => return Ok(Place::Dataset),
        [_, _, schema] if is_operation(&schema.name, operation::SCHEMA) => return Ok(Place::Schema),
        [_, _, kind, rest @ ..] => (rest, kind),
    };
    let Some(found) = contract()?.kind(&kind.name) else {
        return Err(Error::not_found(SdataCode::ResourceKindNotFound, "resource kind", &kind.name));
    };
    match (&kind.selector, rest) {
        (None, []) => Ok(Place::Kind(found)),
        (None, [schema]) if is_operation(&schema.name, operation::SCHEMA) => Ok(Place::KindSchema(found)),
        (Some(selector), []) => Ok(Place::Resource(found, selector.clone())),
        (_, [first, ..]) => Err(Error::no_such("page", &first.name)),
    }
}

/// `GET` of any of them.
///
/// # Errors
/// When a parameter is wrong, or a selector means nothing or several.
pub(super) fn answer(service: &Service, mut asked: Asked<'_>, place: Place) -> Result<HttpResponse, Error> {
    let contract = contract()?;
    asked.wanted.contract = Some(Arc::clone(contract));
    let (asked, url) = (&asked, dataset_url(service));
    match place {
        Place::System => {
            let registry = Item { url: registry_url(service), title: "Registry".to_owned(), term: "contract" };
            let url = system_url(service);
            list(service, asked, Level::new(&url, "application", &["System"]), vec![registry])
        }
        Place::Registry => {
            let url = registry_url(service);
            let dataset = dataset_item(&url, DATASET);
            list(service, asked, Level::new(&url, "contract", &["System", "Registry"]), vec![dataset])
        }
        Place::Dataset => {
            let kind = |kind: &Kind| Item {
                url: format!("{url}/{}", kind.plural_name),
                title: kind.label.clone(),
                term: "collection",
            };
            let level = Level::new(&url, "dataset", &["System", "Registry", dataset_title(DATASET)]);
            list(service, asked, level.described(Some(contract)), contract.kinds().iter().map(kind).collect())
        }
        Place::Schema => versioned(service, asked, contract.version(), Bytes::from_static(SCHEMA.as_bytes())),
        Place::KindSchema(kind) => Ok(to_element(asked, &url, contract, kind)),
        Place::Kind(kind) => page(service, asked, kind),
        Place::Resource(kind, selector) => resource(service, asked, kind, selector),
    }
}

/// `GET …/{kind}`: a page of it, filtered and sorted.
fn page(service: &Service, asked: &Asked<'_>, kind: &Kind) -> Result<HttpResponse, Error> {
    let page = asked.page(service, None)?;
    let contracts = contracts(service)?;
    let registry = service.provider.registry(&contracts);
    let (query, diagnoses) = queries::query(asked, &registry.scope(kind)?)?;
    let found = shown(service, asked, kind, registry.select(kind, &query)?);
    let (url, author) = (kind_url(service, kind), respond::author(&service.provider));
    let total = found.len() as u64;
    let entries: Vec<_> = page.of(found).map(|found| found.entry(&url, &kind.label, &author)).collect();
    let mut links = counted_links(&asked.linked(&url), page, total);
    links.push(schema::link(&url, contract()?));
    let head = FeedOut {
        id: url.clone(),
        title: title(&["System", "Registry", &kind.label]),
        updated: service.provider.opened_at,
        category: Some(Category { term: "collection".to_owned(), label: kind.label.clone() }),
        links,
        diagnoses,
        ..respond::page_head(&service.provider, page, total)
    };
    respond::feed_of(&asked.wanted, &head, &entries)
}

/// `GET …/{kind}('{key}')`, `GET …/{kind}({predicate})`.
fn resource(service: &Service, asked: &Asked<'_>, kind: &Kind, selector: Selector) -> Result<HttpResponse, Error> {
    let contracts = contracts(service)?;
    let registry = service.provider.registry(&contracts);
    let found = match selector {
        Selector::Key(key) => {
            let all = shown(service, asked, kind, registry.select(kind, &ResourceQuery::default())?);
            let found = all.into_iter().find(|registration| registration.key == key);
            found.ok_or_else(|| Error::no_such("resource", key))?
        }
        Selector::Predicate(predicate) => {
            let filter = Some(parse_where(&predicate, &registry.scope(kind)?)?);
            let found = registry.select(kind, &ResourceQuery { filter, ..ResourceQuery::default() })?;
            the_one(shown(service, asked, kind, found), &predicate)?
        }
    };
    let (url, author) = (kind_url(service, kind), respond::author(&service.provider));
    let mut entry = found.entry(&url, &kind.label, &author);
    entry.links.push(schema::link(&url, contract()?));
    respond::entry(&asked.wanted, StatusCode::OK, &entry)
}

/// Those of the resources that whoever asks may see. Their keys are the names that lead to what they tell of.
fn shown(service: &Service, asked: &Asked<'_>, kind: &Kind, mut found: Vec<OwnResource>) -> Vec<OwnResource> {
    let application = service.provider.offer.application.as_str();
    let above = if &*kind.plural_name == "contracts" { Some(application) } else { None };
    found.retain(|registration| {
        let place: Vec<_> = above.into_iter().chain(registration.key.split('/')).collect();
        access::sees(&asked.wanted.visitor, &place)
    });
    found
}

/// The contracts of this provider's application, and the audit's.
fn contracts(service: &Service) -> Result<Vec<RegisteredContract<'_>>, Error> {
    let served = service.provider.offer.contracts.iter();
    let mut contracts: Vec<RegisteredContract<'_>> = served
        .map(|served| RegisteredContract { name: &served.name, contract: &served.contract, datasets: &served.datasets })
        .collect();
    static DATASETS: LazyLock<[String; 1]> = LazyLock::new(|| [DATASET.to_owned()]);
    contracts.push(RegisteredContract { name: audit::CONTRACT, contract: audit::described()?, datasets: &*DATASETS });
    Ok(contracts)
}

fn system_url(service: &Service) -> String {
    format!("{}/{SYSTEM}", root(service))
}

fn registry_url(service: &Service) -> String {
    format!("{}/{REGISTRY}", system_url(service))
}

fn dataset_url(service: &Service) -> String {
    format!("{}/{DATASET}", registry_url(service))
}

fn kind_url(service: &Service, kind: &Kind) -> String {
    format!("{}/{}", dataset_url(service), kind.plural_name)
}
