//! What stands around every page: its title, the way back up, the other forms it comes in.

use super::Visit;
use super::assets::{icon_url, style_url};
use super::hyperlink::Hyperlink;
use crate::http::audit;
use crate::http::navigation::dataset_title;
use crate::protocol::path::{Segment, Selector, segments};
use crate::store::AuditKind;
use crate::wire::{ENTRY_TYPE, FEED_TYPE};

/// What every page has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::http) struct Frame {
    /// Its title.
    pub(in crate::http) title: String,
    /// What its title says it is: a resource kind's name, a status.
    pub(in crate::http) about: String,
    /// The application's title.
    pub(in crate::http) application: String,
    /// The levels above it, the highest first.
    pub(in crate::http) crumbs: Vec<Hyperlink>,
    /// The same for programs.
    pub(in crate::http) formats: Vec<Format>,
    /// The style sheet.
    pub(in crate::http) style: String,
    /// The icon.
    pub(in crate::http) icon: String,
    /// After how many seconds to ask again, where that helps.
    pub(in crate::http) refresh_seconds: Option<u32>,
}

/// One of the forms that a resource comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Format {
    /// Where it is.
    pub(in crate::http) href: String,
    /// Its name.
    pub(in crate::http) name: &'static str,
    /// Its media type.
    pub(in crate::http) media_type: &'static str,
}

/// What a page shows: decides in which forms it also comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A feed.
    Feed,
    /// An entry.
    Entry,
    /// An error, or an operation that is not over: nothing to link to.
    Notice,
}

impl Frame {
    /// The frame of a page about what was asked for.
    pub(super) fn new(visit: &Visit<'_>, title: &str, about: &str, shown: Shown) -> Self {
        let offer = &visit.service.provider.offer;
        let (application, crumbs) = match visit.visitor.is_nobody() {
            // Whoever is not let in is told nothing of what there is.
            true => (String::new(), Vec::new()),
            false => (offer.title.clone(), crumbs(visit)),
        };
        Self {
            title: title.to_owned(),
            about: about.to_owned(),
            application,
            crumbs,
            formats: formats(visit, shown),
            style: style_url(&offer.base_url),
            icon: icon_url(&offer.base_url),
            refresh_seconds: None,
        }
    }
}

/// The levels above the URL that was asked for (core 2.9).
fn crumbs(visit: &Visit<'_>) -> Vec<Hyperlink> {
    let path = visit.http.uri().path();
    let raw: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let Ok(read) = segments(path) else { return Vec::new() };
    let raw_levels = raw.len();
    let mut url = visit.service.provider.offer.base_url.clone();
    let mut crumbs = Vec::new();
    for (level, (segment, raw)) in read.iter().zip(&raw).enumerate() {
        let is_last = level + 1 == raw_levels;
        if let Some(Selector::Key(key) | Selector::Predicate(key)) = &segment.selector {
            // What is selected, and what it is selected of, stand in one segment.
            crumbs.push(Hyperlink::new(format!("{url}/{}", segment.name), name(visit, &read, level)));
            if !is_last {
                crumbs.push(Hyperlink::new(format!("{url}/{raw}"), key));
            }
        } else if !is_last {
            crumbs.push(Hyperlink::new(format!("{url}/{raw}"), name(visit, &read, level)));
        }
        url = format!("{url}/{raw}");
    }
    crumbs
}

/// What a level is called.
fn name(visit: &Visit<'_>, read: &[Segment], level: usize) -> String {
    let provider = &visit.service.provider;
    let at = |level: usize| read.get(level).map(|segment| segment.name.as_str()).unwrap_or_default();
    match level {
        0 => "Applications".to_owned(),
        1 if at(1) == provider.offer.application => provider.offer.title.clone(),
        2 => contract_name(at(2)),
        3 => dataset_title(at(3)).to_owned(),
        4 => match provider.collection(at(2), at(3), at(4)) {
            Some(collection) => collection.kind.label.clone(),
            None => {
                let of_audit = AuditKind::parse(at(4)).filter(|_| at(2) == audit::CONTRACT);
                of_audit.map_or_else(|| at(4).to_owned(), |kind| super::audit::label(kind).to_owned())
            }
        },
        level => at(level).to_owned(),
    }
}

/// What a contract is called: the audit's name is for programs.
pub(super) fn contract_name(name: &str) -> String {
    if name == audit::CONTRACT { "Audit".to_owned() } else { name.to_owned() }
}

/// The same URL in the forms for programs (core 2.11).
fn formats(visit: &Visit<'_>, shown: Shown) -> Vec<Format> {
    let atom = match shown {
        Shown::Feed => FEED_TYPE,
        Shown::Entry => ENTRY_TYPE,
        Shown::Notice => return Vec::new(),
    };
    let format = |name, media_type: &'static str| {
        let bare = media_type.split(';').next().unwrap_or_default();
        Format { href: visit.query.with("format", Some(bare)).at(&visit.url()), name, media_type }
    };
    vec![format("Atom", atom), format("JSON", "application/json")]
}
