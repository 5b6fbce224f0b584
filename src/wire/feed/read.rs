//! Feeds from XML, in memory bounded by one entry.

use super::FeedHead;
use crate::protocol::{Stamp, SyncMode};
use crate::wire::WireError;
use crate::wire::atom_head::read_link;
use crate::wire::diagnosis::{diagnoses_in, diagnosis_of};
use crate::wire::digest::{DigestUse, read_digest};
use crate::wire::element::Element;
use crate::wire::entry::{Entry, read_entry_as};
use crate::wire::names::{ATOM, OPENSEARCH, SDATA, SYNC};
use crate::wire::reader::{ReadLimits, Token, XmlReader};
use std::io::BufRead;

/// Reads a feed entry by entry.
pub struct FeedReader<R> {
    xml: XmlReader<R>,
    head: FeedHead,
    entries: usize,
    ended: bool,
}

impl<R: BufRead> FeedReader<R> {
    /// Opens a feed; only its root's start is read.
    ///
    /// # Errors
    /// [`WireError::WrongRoot`] when it is no feed; else what makes the XML unreadable.
    pub fn new(source: R, limits: ReadLimits) -> Result<Self, WireError> {
        let mut xml = XmlReader::new(source, limits)?;
        xml.root()?;
        if xml.at(ATOM, "feed") {
            Ok(Self { xml, head: FeedHead::default(), entries: 0, ended: false })
        } else {
            Err(xml.wrong_root("an Atom feed"))
        }
    }

    /// The next entry; `None` after the last, when the document has been read to its end.
    ///
    /// # Errors
    /// [`WireError`] when the feed is not well-formed or above the limits, or its head holds a digest or a
    /// mode that cannot be. Entries read before are good. After an error the feed is not to be read on.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, WireError> {
        if self.next_entry_start()? { read_entry_as(&mut self.xml, DigestUse::Pass).map(Some) } else { Ok(None) }
    }

    /// Passes over the next entry, checking it; false after the last.
    ///
    /// # Errors
    /// As [`FeedReader::next_entry`].
    pub fn skip_entry(&mut self) -> Result<bool, WireError> {
        let is_there = self.next_entry_start()?;
        if is_there {
            self.xml.skip_entry()?;
        }
        Ok(is_there)
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.xml.offset()
    }

    /// What was read of the head so far.
    pub const fn head(&self) -> &FeedHead {
        &self.head
    }

    /// The same, when reading is over.
    #[must_use]
    pub fn into_head(self) -> FeedHead {
        self.head
    }

    /// Goes to the start of the next entry, taking the head's elements on the way.
    fn next_entry_start(&mut self) -> Result<bool, WireError> {
        while !self.ended {
            match self.xml.next()? {
                Token::Start if self.xml.at(ATOM, "entry") => {
                    self.entries += 1;
                    self.xml.check_size("entries of one feed", self.entries, self.xml.limits().entries)?;
                    return Ok(true);
                }
                Token::Start => self.read_head_child()?,
                Token::Text => {}
                Token::End | Token::Eof => {
                    self.xml.finish()?;
                    self.ended = true;
                }
            }
        }
        Ok(false)
    }

    fn read_head_child(&mut self) -> Result<(), WireError> {
        let (xml, head) = (&mut self.xml, &mut self.head);
        let namespace = xml.namespace().clone();
        match (&*namespace, xml.local_name()) {
            (ATOM, "id") => head.id = xml.text_content()?,
            (ATOM, "title") => head.title = xml.text_content()?,
            (ATOM, "updated") => head.updated = Stamp::parse(&xml.text_content()?),
            (ATOM, "link") => head.links.push(read_link(xml)?),
            (OPENSEARCH, "totalResults") => head.total_results = number(xml)?,
            (OPENSEARCH, "startIndex") => head.start_index = number(xml)?,
            (OPENSEARCH, "itemsPerPage") => head.items_per_page = number(xml)?,
            (SYNC, "syncMode") => head.sync_mode = mode(&xml.text_content()?)?,
            (SYNC, "digest") => head.digest = Some(read_digest(xml, DigestUse::Pass)?),
            (SDATA, "diagnosis") => head.diagnoses.push(diagnosis_of(&Element::read(xml)?)),
            (SDATA, "diagnoses") => head.diagnoses.extend(diagnoses_in(&Element::read(xml)?)),
            _ => xml.skip()?,
        }
        let kept = head.links.len().max(head.diagnoses.len());
        xml.check_size("links or diagnoses of one feed", kept, xml.limits().nodes)
    }
}

/// What a feed is, without its entries.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedScan {
    /// Its head, complete.
    pub head: FeedHead,
    /// How many entries it has.
    pub entries: u64,
}

/// Reads a feed to its end without building its entries: whether it is well-formed, its head, and
/// the number of entries.
///
/// # Errors
/// As [`FeedReader::next_entry`].
pub fn scan_feed<R: BufRead>(source: R, limits: ReadLimits) -> Result<FeedScan, WireError> {
    let mut feed = FeedReader::new(source, limits)?;
    let mut entries = 0;
    while feed.skip_entry()? {
        entries += 1;
    }
    Ok(FeedScan { head: feed.head, entries })
}

/// A count; what is none is passed over.
fn number<R: BufRead>(xml: &mut XmlReader<R>) -> Result<Option<u64>, WireError> {
    Ok(xml.text_content()?.trim().parse().ok())
}

/// An empty mode is none: the feed is applied entry by entry (sync 4.4, decided).
fn mode(text: &str) -> Result<Option<SyncMode>, WireError> {
    match text.trim() {
        "" => Ok(None),
        text => SyncMode::parse(text).map(Some).ok_or_else(|| WireError::SyncMode(text.to_owned())),
    }
}
