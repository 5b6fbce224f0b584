//! The URLs above a kind: feeds that list the next level (core 2.9, 3.12).

use super::Service;
use super::conditional::unchanged_since;
use super::request::Asked;
use super::respond::{self, page_links};
use super::{audit, pages};
use crate::protocol::Stamp;
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

/// `GET /sdata`: the applications.
pub(super) fn provider(service: &Service, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    let offer = &service.provider.offer;
    let root = root(service);
    let application =
        Item { url: format!("{root}/{}", offer.application), title: offer.title.clone(), term: "application" };
    list(service, asked, &root, "Applications", "provider", vec![application])
}

/// `GET /sdata/{application}`: its contracts, and the audit as one of them.
pub(super) fn application(service: &Service, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    let offer = &service.provider.offer;
    let url = format!("{}/{}", root(service), offer.application);
    let contract = |name: &str| Item { url: format!("{url}/{name}"), title: name.to_owned(), term: "contract" };
    let names = offer.contracts.iter().map(|served| served.name.as_str());
    let items = names.chain([audit::CONTRACT]).map(contract).collect();
    list(service, asked, &url, &offer.title, "application", items)
}

/// `GET /sdata/{application}/{contract}`: its datasets.
pub(super) fn contract(service: &Service, asked: &Asked<'_>, contract: &str) -> Result<HttpResponse, Error> {
    let url = format!("{}/{}/{contract}", root(service), service.provider.offer.application);
    let datasets = service.provider.contract(contract).map(|served| served.datasets.as_slice()).unwrap_or_default();
    let dataset = |name: &String| Item { url: format!("{url}/{name}"), title: name.clone(), term: "dataset" };
    list(service, asked, &url, contract, "contract", datasets.iter().map(dataset).collect())
}

/// `GET /sdata/{application}/{contract}/{dataset}`: its resource kinds.
pub(super) fn dataset(
    service: &Service,
    asked: &Asked<'_>,
    contract: &str,
    dataset: &str,
) -> Result<HttpResponse, Error> {
    let offer = &service.provider.offer;
    let url = format!("{}/{}/{contract}/{dataset}", root(service), offer.application);
    let kinds = service.provider.contract(contract).map(|served| served.contract.kinds()).unwrap_or_default();
    let kind = |kind: &crate::contract::Kind| Item {
        url: collection_url(offer, contract, dataset, &kind.plural_name),
        title: kind.label.clone(),
        term: "collection",
    };
    list(service, asked, &url, dataset, "dataset", kinds.iter().map(kind).collect())
}

/// A feed of `items` at `url`, which is itself a `term`.
pub(super) fn list(
    service: &Service,
    asked: &Asked<'_>,
    url: &str,
    title: &str,
    term: &str,
    items: Vec<Item>,
) -> Result<HttpResponse, Error> {
    let page = asked.page(service, None)?;
    let total = items.len() as u64;
    let since = service.provider.opened_at;
    let author = respond::author(&service.provider);
    let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let shown = usize::try_from(page.count).unwrap_or(usize::MAX);
    let entries: Vec<_> = items.into_iter().skip(skipped).take(shown).map(|item| entry(item, since, &author)).collect();
    let next = page.next(total).map(|start| (start, String::new()));
    let head = FeedOut {
        id: url.to_owned(),
        title: title.to_owned(),
        updated: since,
        author,
        category: Some(Category { term: term.to_owned(), label: title.to_owned() }),
        links: page_links(&asked.linked(url), page, total, next),
        total_results: Some(total),
        start_index: Some(page.start_index),
        items_per_page: Some(page.count),
        ..FeedOut::default()
    };
    if asked.wanted.is_page() {
        return pages::navigation::page(&asked.wanted, &head, &entries);
    }
    Ok(unchanged_since(respond::feed_of(&asked.wanted, &head, &entries)?, since))
}

fn entry(item: Item, since: Stamp, author: &str) -> EntryOut {
    let link = |rel: &str| Link::feed(rel, &item.url, &item.title);
    EntryOut {
        id: item.url.clone(),
        content: item.title.clone(),
        links: vec![link("self"), link("related")],
        category: Some(Category { term: item.term.to_owned(), label: item.title.clone() }),
        title: item.title,
        updated: since,
        author: author.to_owned(),
        ..EntryOut::default()
    }
}

/// The URL above all applications.
pub(super) fn root(service: &Service) -> String {
    format!("{}/sdata", service.provider.offer.base_url.trim_end_matches('/'))
}
