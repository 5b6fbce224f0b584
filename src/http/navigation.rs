//! The URLs above a kind: feeds that list the next level (core 2.9, 3.12).

use super::Service;
use super::conditional::unchanged_since;
use super::request::Asked;
use super::respond::{self, counted_links};
use super::{access, audit, pages, schema};
use crate::contract::{Contract, Kind};
use crate::protocol::Stamp;
use crate::protocol::url::segment;
use crate::provider::Error;
use crate::provider::collection::collection_url;
use crate::wire::{Category, EntryOut, FeedOut, Link};
use actix_web::HttpResponse;

/// One thing on the next level.
pub(super) struct Item {
    /// Its URL.
    pub url: String,
    /// Its name for people.
    pub title: String,
    /// What it is, in the words of the categories: application, contract, dataset, collection.
    pub term: &'static str,
}

/// A level itself: the feed of what stands below it.
pub(super) struct Level<'l> {
    /// Its URL.
    pub url: &'l str,
    /// Its name for people.
    pub title: String,
    /// What it is, in the words of the categories: provider, application, contract, dataset.
    pub term: &'static str,
    /// What describes the resources of a dataset.
    pub contract: Option<&'l Contract>,
}

impl<'l> Level<'l> {
    /// The level at `url`, named by the names down to it.
    pub(super) fn new(url: &'l str, term: &'static str, names: &[&str]) -> Self {
        Self { url, title: title(names), term, contract: None }
    }

    /// The same level of resources that `contract` describes: it and the collections on it have a schema (core 2.7, 6.9).
    pub(super) fn described(self, contract: Option<&'l Contract>) -> Self {
        Self { contract, ..self }
    }
}

/// The title of a feed, from the names down to it: whoever reads many feeds must know whose this is (core 3.2).
pub(super) fn title(names: &[&str]) -> String {
    names.join(" | ")
}

/// `GET /sdata`: the applications.
pub(super) fn provider(service: &Service, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    let url = root(service);
    let title = service.provider.offer.title.clone();
    let application = Item { url: application_url(service), title, term: "application" };
    let sees = access::sees(&asked.wanted.visitor, &[&service.provider.offer.application]);
    let items = sees.then_some(application).into_iter().collect();
    list(service, asked, Level::new(&url, "provider", &["Applications"]), items)
}

/// `GET /sdata/{application}`: its contracts, and the audit as one of them.
pub(super) fn application(service: &Service, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    let offer = &service.provider.offer;
    let url = application_url(service);
    let contract = |name: &str| Item { url: below(&url, name), title: name.to_owned(), term: "contract" };
    let names = offer.contracts.iter().map(|served| served.name.as_str());
    let sees = |name: &&str| access::sees(&asked.wanted.visitor, &[&offer.application, name]);
    let items = names.chain([audit::CONTRACT]).filter(sees).map(contract).collect();
    list(service, asked, Level::new(&url, "application", &[&offer.title]), items)
}

/// `GET /sdata/{application}/{contract}`: its datasets.
pub(super) fn contract(service: &Service, asked: &Asked<'_>, contract: &str) -> Result<HttpResponse, Error> {
    let offer = &service.provider.offer;
    let url = below(&application_url(service), contract);
    let datasets = service.provider.contract(contract).map(|served| served.datasets.as_slice()).unwrap_or_default();
    let sees = |name: &&String| access::sees(&asked.wanted.visitor, &[&offer.application, contract, name]);
    let items = datasets.iter().filter(sees).map(|name| dataset_item(&url, name)).collect();
    list(service, asked, Level::new(&url, "contract", &[&offer.title, contract]), items)
}

/// `GET /sdata/{application}/{contract}/{dataset}`: its resource kinds.
pub(super) fn dataset(
    service: &Service,
    asked: &Asked<'_>,
    contract: &str,
    dataset: &str,
) -> Result<HttpResponse, Error> {
    let offer = &service.provider.offer;
    let url = below(&below(&application_url(service), contract), dataset);
    let described = service.provider.contract(contract).map(|served| &*served.contract);
    let kind = |kind: &Kind| Item {
        url: collection_url(offer, contract, dataset, &kind.plural_name),
        title: kind.label.clone(),
        term: "collection",
    };
    let level = Level::new(&url, "dataset", &[&offer.title, contract, dataset_title(dataset)]).described(described);
    let sees =
        |kind: &&Kind| access::sees(&asked.wanted.visitor, &[&offer.application, contract, dataset, &kind.plural_name]);
    let kinds = described.map(Contract::kinds).unwrap_or_default().iter();
    list(service, asked, level, kinds.filter(sees).map(kind).collect())
}

/// The dataset `name` of the contract at `contract_url`, on the contract's level.
pub(super) fn dataset_item(contract_url: &str, name: &str) -> Item {
    Item { url: below(contract_url, name), title: dataset_title(name).to_owned(), term: "dataset" }
}

/// A dataset's name for people: the unnamed one has none of its own (core 2.1).
pub(super) fn dataset_title(name: &str) -> &str {
    if name == "-" { "Default dataset" } else { name }
}

/// The feed of `items`, which stand below `level`.
pub(super) fn list(
    service: &Service,
    asked: &Asked<'_>,
    level: Level<'_>,
    items: Vec<Item>,
) -> Result<HttpResponse, Error> {
    let page = asked.page(service, None)?;
    let total = items.len() as u64;
    let since = service.provider.opened_at;
    let author = respond::author(&service.provider);
    let entries: Vec<_> = page.of(items).map(|item| entry(item, level.contract, since, &author)).collect();
    let mut links = counted_links(&asked.linked(level.url), page, total);
    links.extend(level.contract.map(|contract| schema::link(level.url, contract)));
    let head = FeedOut {
        id: level.url.to_owned(),
        title: level.title,
        updated: since,
        category: Some(category(level.term)),
        links,
        ..respond::page_head(&service.provider, page, total)
    };
    if asked.wanted.is_page() {
        return pages::navigation::page(&asked.wanted, &head, &entries);
    }
    let feed = respond::feed_of(&asked.wanted, &head, &entries)?;
    // What an account sees changes with what it is granted.
    Ok(if asked.wanted.visitor.is_account() { feed } else { unchanged_since(feed, since) })
}

fn entry(item: Item, contract: Option<&Contract>, since: Stamp, author: &str) -> EntryOut {
    let link = |rel: &str| Link::feed(rel, &item.url, &item.title);
    let mut links = vec![link("self"), link("related")];
    links.extend(contract.map(|contract| schema::link(&item.url, contract)));
    EntryOut {
        id: item.url.clone(),
        content: item.title.clone(),
        links,
        category: Some(category(item.term)),
        title: item.title,
        updated: since,
        author: author.to_owned(),
        ..EntryOut::default()
    }
}

/// The category of a level or of what stands on it, with its name for people (core 3.12).
fn category(term: &str) -> Category {
    let label = match term {
        "provider" => "Provider",
        "application" => "Application",
        "contract" => "Contract",
        "dataset" => "Dataset",
        _ => "Resource collection",
    };
    Category { term: term.to_owned(), label: label.to_owned() }
}

/// The URL of what has this name one level below `url`.
pub(super) fn below(url: &str, name: &str) -> String {
    format!("{url}/{}", segment(name))
}

/// The URL of this provider's application.
pub(super) fn application_url(service: &Service) -> String {
    below(&root(service), &service.provider.offer.application)
}

/// The URL above all applications.
pub(super) fn root(service: &Service) -> String {
    format!("{}/sdata", service.provider.offer.base_url)
}
