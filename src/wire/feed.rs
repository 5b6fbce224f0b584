//! A feed: its head, and its entries one by one (core 3.2 to 3.5; sync 4.4).

mod read;
mod write;

pub use read::{FeedReader, FeedScan, scan_feed};
pub use write::FeedWriter;

pub use super::atom_head::{Category, Link};
use crate::protocol::{Diagnosis, Digest, Stamp, SyncMode};
use bytes::Bytes;

/// The head of a feed that was read. Elements come in any order, so it is complete only
/// when the last entry has been read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedHead {
    /// `atom:id`; empty where the sender leaves it so.
    pub id: String,
    /// `atom:title`; empty where the sender leaves it so.
    pub title: String,
    /// `atom:updated`, where there is one that can be read.
    pub updated: Option<Stamp>,
    /// Its links, in document order.
    pub links: Vec<Link>,
    /// Entries of all pages (core 3.5).
    pub total_results: Option<u64>,
    /// Position of the page's first entry, from 1.
    pub start_index: Option<u64>,
    /// Entries a page has.
    pub items_per_page: Option<u64>,
    /// How the digest is to be taken (sync 4.4).
    pub sync_mode: Option<SyncMode>,
    /// The sender's digest.
    pub digest: Option<Digest>,
    /// What the sender says of the feed as a whole (core 3.10).
    pub diagnoses: Vec<Diagnosis>,
}

impl FeedHead {
    /// Where the first link of this kind leads.
    #[must_use]
    pub fn link(&self, rel: &str) -> Option<&str> {
        let link = self.links.iter().find(|link| link.rel.eq_ignore_ascii_case(rel) && !link.href.is_empty());
        link.map(|link| link.href.as_str())
    }
}

/// The head of a feed to write.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedOut {
    /// `atom:id`.
    pub id: String,
    /// `atom:title`.
    pub title: String,
    /// `atom:updated`.
    pub updated: Stamp,
    /// The name of `atom:author`.
    pub author: String,
    /// What kind of thing it is (core 3.12).
    pub category: Option<Category>,
    /// Its links.
    pub links: Vec<Link>,
    /// Entries of all pages (core 3.5).
    pub total_results: Option<u64>,
    /// Position of the page's first entry, from 1.
    pub start_index: Option<u64>,
    /// Entries a page has.
    pub items_per_page: Option<u64>,
    /// How the digest is to be taken (sync 4.4).
    pub sync_mode: Option<SyncMode>,
    /// The sender's digest.
    pub digest: Option<Digest>,
    /// What there is to say of the feed as a whole.
    pub diagnoses: Vec<Diagnosis>,
    /// The schema of its payloads, an `xs:schema` element that stands for itself (core 4.10).
    pub schema: Option<Bytes>,
}

#[cfg(test)]
mod tests;
