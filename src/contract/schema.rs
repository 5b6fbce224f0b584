//! The `$schema` that is served: the contract's own text, saying what this provider really does
//! (core 4.2-4.4, 13.2; sync 4.5). The author's comments, layout and types stay as they are.

use super::contract::Contract;
use super::model::{Kind, Place};
use super::schema_file::{ROOT, SchemaFile};
use super::tags::raw_attributes;
use crate::protocol::Priority;
use crate::wire::names::SME;
use bytes::Bytes;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

/// How `$batch` can be called (core 13.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BatchingMode {
    /// Not at all.
    #[default]
    None,
    /// The answer comes at once.
    Sync,
    /// Only with a trackingID.
    Async,
    /// As the caller likes.
    SyncOrAsync,
}

impl BatchingMode {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sync => "sync",
            Self::Async => "async",
            Self::SyncOrAsync => "syncOrAsync",
        }
    }
}

/// What the provider does for one kind. The default is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Support {
    /// Resources can be read and listed.
    pub can_get: bool,
    /// Resources can be created.
    pub can_post: bool,
    /// Resources can be updated.
    pub can_put: bool,
    /// Resources can be deleted.
    pub can_delete: bool,
    /// `$template` answers.
    pub has_template: bool,
    /// The `search` parameter works.
    pub can_search: bool,
    /// The `where` parameter works, on properties that may be filtered by.
    pub can_filter: bool,
    /// The `orderBy` parameter works, on properties that may be sorted by.
    pub can_sort: bool,
    /// The protocol variables that `where` and `orderBy` know, with their `$`.
    pub protocol_filters: &'static [&'static str],
    /// Feeds have next and first links.
    pub can_page_next: bool,
    /// Feeds have previous and last links.
    pub can_page_previous: bool,
    /// Feeds have opensearch elements and take startIndex and count.
    pub can_page_index: bool,
    /// Updates are guarded by ETags.
    pub supports_etag: bool,
    /// Relationship properties answer GET at a URL of their own (core 2.3).
    pub property_urls: bool,
    /// How `$batch` can be called.
    pub batching_mode: BatchingMode,
    /// `$syncSource` answers.
    pub is_sync_source: bool,
    /// `$syncTarget` answers.
    pub is_sync_target: bool,
    /// The endpoint's priority in conflicts, where it is configured.
    pub conflict_priority: Option<Priority>,
}

/// An sme attribute and its new value; `None` takes it away.
pub(super) type Change = (&'static str, Option<String>);

/// A declaration to rewrite.
pub(super) struct Edit {
    node: usize,
    /// The `id` it gets, if it has none.
    id: Option<String>,
    changes: Vec<Change>,
}

fn flag(value: bool) -> Option<String> {
    Some(value.to_string())
}

pub(super) fn only_if(value: bool) -> Option<String> {
    value.then(|| "true".to_owned())
}

impl Contract {
    /// The XSD of the contract with what `support` says of each kind. What it imports stays imported by relative
    /// path; see [`Contract::imported`].
    #[must_use]
    pub fn schema(&self, support: &dyn Fn(&Kind) -> Support) -> Bytes {
        self.write_schema(0, support)
    }

    /// A schema that the contract imports or includes, by its path relative to the contract, with what `support`
    /// says of the kinds it declares.
    #[must_use]
    pub fn imported(&self, location: &str, support: &dyn Fn(&Kind) -> Support) -> Option<Bytes> {
        let index = self.files.iter().position(|file| !file.location.is_empty() && file.location == location)?;
        Some(self.write_schema(index, support))
    }

    /// The paths of the schemas that the contract imports or includes, relative to it.
    pub fn imports(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.location.as_str()).filter(|location| !location.is_empty())
    }

    fn write_schema(&self, index: usize, support: &dyn Fn(&Kind) -> Support) -> Bytes {
        let Some(file) = self.files.get(index) else { return Bytes::new() };
        Bytes::from(rewritten(file, &self.edits(index, support)))
    }

    /// What is to be rewritten in a file, in document order.
    pub(super) fn edits(&self, index: usize, support: &dyn Fn(&Kind) -> Support) -> Vec<Edit> {
        let orders = self.sync_orders(support);
        let ids = self.files.get(index).map(SchemaFile::ids).unwrap_or_default();
        let mut edits = Vec::new();
        for kind in self.kinds().iter().filter(|kind| kind.place.file == index) {
            let order = orders.get(&kind.place).copied();
            let (node, changes) = (kind.place.node, kind_changes(kind, &support(kind), order));
            // Ids are unique in a document: one that something else bears cannot be given to the kind.
            let is_missing = self.fragment(kind) == &*kind.name && !ids.contains(&*kind.name);
            edits.push(Edit { node, id: is_missing.then(|| kind.name.to_string()), changes });
        }
        for (place, promise) in self.promises(support) {
            if place.file == index {
                edits.push(Edit { node: place.node, id: None, changes: promise.changes() });
            }
        }
        if let Some(file) = self.files.get(index) {
            edits.sort_by_key(|edit| file.tag(edit.node).start);
        }
        edits
    }

    /// The `id` by which a kind's element is found in the schema that is served (core 2.7).
    #[must_use]
    pub fn fragment<'k>(&'k self, kind: &'k Kind) -> &'k str {
        let file = self.files.get(kind.place.file);
        file.and_then(|file| file.node(kind.place.node).attribute("id")).unwrap_or(&kind.name)
    }

    /// `sme:syncOrder` of the kinds that are synchronized: as the contract gives them, or, where it leaves out
    /// one, all counted anew so that referenced kinds come first (sync 4.5).
    fn sync_orders(&self, support: &dyn Fn(&Kind) -> Support) -> HashMap<Place, u32> {
        let synchronized = |kind: &&Kind| {
            let support = support(kind);
            support.is_sync_source || support.is_sync_target
        };
        let kinds: Vec<&Kind> = self.in_sync_order().into_iter().filter(synchronized).collect();
        let given: Option<Vec<u32>> = kinds.iter().map(|kind| kind.sync_order).collect();
        let orders = given.unwrap_or_else(|| (1..).take(kinds.len()).collect());
        kinds.iter().map(|kind| kind.place).zip(orders).collect()
    }
}

fn kind_changes(kind: &Kind, support: &Support, sync_order: Option<u32>) -> Vec<Change> {
    vec![
        ("role", Some("resourceKind".to_owned())),
        ("pluralName", Some(kind.plural_name.to_string())),
        ("canGet", flag(support.can_get)),
        ("canPost", flag(support.can_post)),
        ("canPut", flag(support.can_put)),
        ("canDelete", flag(support.can_delete)),
        ("hasTemplate", flag(support.has_template)),
        ("canSearch", flag(support.can_search)),
        ("canPageNext", flag(support.can_page_next)),
        ("canPagePrevious", flag(support.can_page_previous)),
        ("canPageIndex", flag(support.can_page_index)),
        ("supportsETag", flag(support.supports_etag)),
        ("batchingMode", Some(support.batching_mode.word().to_owned())),
        // Kinds that are not synchronized are not flagged at all (sync 4.5).
        ("isSyncSource", only_if(support.is_sync_source)),
        ("isSyncTarget", only_if(support.is_sync_target)),
        ("syncConflictPriority", support.conflict_priority.map(|priority| priority.value().to_string())),
        ("syncOrder", sync_order.map(|order| order.to_string())),
        // Only filters that work may be named (core 2.12).
        ("protocolFilters", Some(support.protocol_filters.join(",")).filter(|names| !names.is_empty())),
    ]
}

/// The text of `file` with its tags rewritten.
fn rewritten(file: &SchemaFile, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(file.text.len() + edits.len() * 64);
    let head = file.tag(ROOT).end.saturating_sub(1);
    out.push_str(file.text.get(..head).unwrap_or_default());
    declare_prefix(&mut out, file);
    rewrite(&mut out, file, head..file.text.len(), edits);
    out
}

/// Declares a prefix for SData's annotations on the root, whose tag `out` ends with, where it has none.
pub(super) fn declare_prefix(out: &mut String, file: &SchemaFile) {
    if file.prefixes_of(ROOT, SME).is_empty() {
        let _ = write!(out, " xmlns:{PREFIX}=\"{SME}\"");
    }
}

/// Writes a part of the text of `file` with its tags rewritten.
pub(super) fn rewrite(out: &mut String, file: &SchemaFile, part: Range<usize>, edits: &[Edit]) {
    let mut at = part.start;
    for Edit { node, id, changes } in edits {
        let tag = file.tag(*node);
        if part.contains(&tag.start) {
            out.push_str(file.text.get(at..tag.start).unwrap_or_default());
            let prefixes = file.prefixes_of(*node, SME);
            let text = file.text.get(tag.clone()).unwrap_or_default();
            write_tag(out, text, &prefixes, (id.as_deref(), changes.clone()));
            at = tag.end;
        }
    }
    out.push_str(file.text.get(at..part.end).unwrap_or_default());
}

/// Declared on the root of schemas that have none for SData's annotations.
const PREFIX: &str = "sme";

/// One start tag with some of its attributes changed: those that are there in their place, new ones at the end.
/// `prefixes` are those that stand for SData's annotations there; `id` is one that the tag does not have yet.
fn write_tag(out: &mut String, tag: &str, prefixes: &[&str], (id, mut changes): (Option<&str>, Vec<Change>)) {
    let mut at = 0;
    for attribute in raw_attributes(tag) {
        let annotation = attribute.name.split_once(':').filter(|(prefix, _)| prefixes.contains(prefix));
        let Some((prefix, local)) = annotation else { continue };
        let Some(position) = changes.iter().position(|(name, _)| *name == local) else { continue };
        let (name, value) = changes.swap_remove(position);
        out.push_str(tag.get(at..attribute.whole.start).unwrap_or_default());
        if let Some(value) = value {
            let whole = tag.get(attribute.whole.clone()).unwrap_or_default();
            let space = whole.len() - whole.trim_start().len();
            out.push_str(whole.get(..space).unwrap_or_default());
            let _ = write!(out, "{prefix}:{name}=\"{}\"", escaped(&value));
        }
        at = attribute.whole.end;
    }
    let end = if tag.ends_with("/>") { tag.len() - 2 } else { tag.len().saturating_sub(1) };
    out.push_str(tag.get(at..end).unwrap_or_default().trim_end());
    if let Some(id) = id {
        let _ = write!(out, " id=\"{}\"", escaped(id));
    }
    let prefix = prefixes.first().copied().unwrap_or(PREFIX);
    let mut added: Vec<(&str, String)> = changes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    added.sort_by_key(|(name, _)| *name);
    for (name, value) in added {
        let _ = write!(out, " {prefix}:{name}=\"{}\"", escaped(&value));
    }
    out.push_str(tag.get(end..).unwrap_or_default());
}

fn escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
