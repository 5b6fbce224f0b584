//! The levels above a kind (core 2.9): what there is, and what can be done with it.

use super::frame::{Frame, Shown, contract_name};
use super::hyperlink::Hyperlink;
use super::{Visit, answer, audit, collection};
use crate::contract::Support;
use crate::http::access;
use crate::http::audit::CONTRACT;
use crate::http::navigation::dataset_title;
use crate::http::respond::Wanted;
use crate::http::schema;
use crate::protocol::operation::SCHEMA;
use crate::provider::{Collection, Error};
use crate::store::AuditKind;
use crate::wire::{EntryOut, FeedOut};
use actix_web::HttpResponse;
use askama::Template;

/// A list of what is on the next level.
#[derive(Template)]
#[template(path = "list_page.html")]
struct ListPage {
    frame: Frame,
    lead: &'static str,
    links: Vec<Hyperlink>,
    items: Vec<Item>,
}

/// Something on the next level.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    link: Hyperlink,
    /// What is in it.
    about: String,
    /// What can be done with it, in a word each.
    abilities: Vec<&'static str>,
    /// What there is beside it.
    links: Vec<Hyperlink>,
}

/// The page of a level.
///
/// # Errors
/// When the page cannot be printed.
pub(in crate::http) fn page(wanted: &Wanted, head: &FeedOut, entries: &[EntryOut]) -> Result<HttpResponse, Error> {
    let visit = Visit::of(wanted)?;
    let term = head.category.as_ref().map(|category| category.term.as_str()).unwrap_or_default();
    let path: Vec<_> = head.id.rsplit('/').collect();
    let is_audit = path.contains(&CONTRACT);
    let title = match (term, path.first()) {
        ("contract", Some(name)) => contract_name(name),
        ("dataset", Some(name)) => dataset_title(name).to_owned(),
        ("application", _) => visit.service.provider.offer.title.clone(),
        ("provider", _) => "Applications".to_owned(),
        _ => head.title.clone(),
    };
    let about = match (term, path.get(1)) {
        ("dataset", Some(contract)) => contract_name(contract),
        _ => String::new(),
    };
    let (lead, links) = match term {
        "provider" => ("What this provider serves.", Vec::new()),
        "application" => ("The contracts of this application, and its audit.", Vec::new()),
        "contract" => ("The datasets of this contract.", Vec::new()),
        _ => ("The resource kinds of this dataset.", vec![Hyperlink::new(format!("{}/{SCHEMA}", head.id), "Schema")]),
    };
    let item = |entry: &EntryOut| match term {
        "dataset" if is_audit => audit_kind(&visit, entry),
        "dataset" => resource_kind(&visit, entry),
        _ => level(&visit, term, entry, is_audit),
    };
    let items = entries.iter().map(item).collect();
    answer(&ListPage { frame: Frame::new(&visit, &title, &about, Shown::Feed), lead, links, items })
}

/// An application, a contract or a dataset.
fn level(visit: &Visit<'_>, above: &str, entry: &EntryOut, is_audit: bool) -> Item {
    let provider = &visit.service.provider;
    let segments: Vec<_> = entry.id.rsplit('/').collect();
    let name = segments.first().copied().unwrap_or_default();
    let contract = if above == "contract" { segments.get(1).copied().unwrap_or_default() } else { name };
    let kinds = || match provider.contract(contract) {
        Some(served) => {
            let labels: Vec<_> = served.contract.kinds().iter().map(|kind| kind.label.as_str()).collect();
            listed(&labels)
        }
        None => listed(&AuditKind::ALL.map(audit::label)),
    };
    let (text, about) = match above {
        "provider" => (entry.title.clone(), listed(&contracts(visit))),
        "application" => (contract_name(name), kinds()),
        _ if is_audit => (dataset_title(name).to_owned(), listed(&AuditKind::ALL.map(audit::label))),
        _ => (dataset_title(name).to_owned(), kinds()),
    };
    Item { link: Hyperlink::new(&entry.id, text), about, abilities: Vec::new(), links: Vec::new() }
}

fn contracts<'v>(visit: &'v Visit<'_>) -> Vec<&'v str> {
    let offer = &visit.service.provider.offer;
    let sees = |name: &&str| access::sees(visit.visitor, &[&offer.application, name]);
    let shown = |name| if name == CONTRACT { "audit" } else { name };
    let names = offer.contracts.iter().map(|served| served.name.as_str()).chain([CONTRACT]);
    names.filter(sees).map(shown).collect()
}

/// Names that are listed; the rest is counted.
const LISTED: usize = 12;

fn listed(names: &[&str]) -> String {
    let shown = names.get(..LISTED.min(names.len())).unwrap_or_default().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn audit_kind(visit: &Visit<'_>, entry: &EntryOut) -> Item {
    let name = entry.id.rsplit('/').next().unwrap_or_default();
    let link = match AuditKind::parse(name) {
        Some(kind) => Hyperlink::new(audit::newest(visit, kind), audit::label(kind)),
        None => Hyperlink::new(&entry.id, name),
    };
    Item { link, about: String::new(), abilities: vec!["read"], links: Vec::new() }
}

fn resource_kind(visit: &Visit<'_>, entry: &EntryOut) -> Item {
    let collections = visit.service.provider.collections();
    let Some(found) = collections.into_iter().find(|collection| collection.url == entry.id) else {
        let link = Hyperlink::new(&entry.id, &entry.title);
        return Item { link, about: String::new(), abilities: Vec::new(), links: Vec::new() };
    };
    Item {
        link: Hyperlink::new(&found.url, &found.kind.label),
        about: found.kind.plural_name.to_string(),
        abilities: abilities(found, &schema::support_of(visit.service, found)),
        links: collection::links(visit, found),
    }
}

/// What consumers can do with a kind (core 4.9; sync 4.5).
fn abilities(collection: &Collection, support: &Support) -> Vec<&'static str> {
    let all = [
        (support.can_get, "read"),
        (support.can_post, "create"),
        (support.can_put, "change"),
        (support.can_delete, "delete"),
        (collection.is_sync_source, "sync source"),
        (collection.is_sync_target, "sync target"),
    ];
    all.into_iter().filter(|(can, _)| *can).map(|(_, word)| word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_counted() {
        assert_eq!(listed(&["a", "b"]), "a, b");
        assert_eq!(listed(&["k"; 14]), format!("{} and 2 more", ["k"; 12].join(", ")));
    }
}
