//! Feeds as XML, in pieces that can be sent while the next is written.

use super::FeedOut;
use crate::wire::WireError;
use crate::wire::atom_head::write_feed_head;
use crate::wire::diagnosis::write_diagnosis;
use crate::wire::digest::write_digest;
use crate::wire::entry::{EntryOut, write_in_feed, write_schema};
use crate::wire::writer::XmlWriter;
use bytes::Bytes;

/// Writes a feed: the head, then entry by entry.
pub struct FeedWriter {
    xml: XmlWriter,
}

impl FeedWriter {
    /// Writes the head; everything about the feed stands before its entries.
    ///
    /// # Errors
    /// [`WireError`] for a character that XML does not have.
    pub fn begin(head: &FeedOut) -> Result<Self, WireError> {
        let mut xml = XmlWriter::document();
        xml.open_root("feed")?;
        write_feed_head(&mut xml, head)?;
        let counts = [
            ("opensearch:totalResults", head.total_results),
            ("opensearch:startIndex", head.start_index),
            ("opensearch:itemsPerPage", head.items_per_page),
        ];
        for (name, count) in counts {
            count.map_or(Ok(()), |count| xml.plain(name, count))?;
        }
        xml.optional("sync:syncMode", head.sync_mode.map(|mode| mode.as_str()))?;
        if let Some(digest) = &head.digest {
            write_digest(&mut xml, digest)?;
        }
        head.diagnoses.iter().try_for_each(|diagnosis| write_diagnosis(&mut xml, diagnosis))?;
        write_schema(&mut xml, head.schema.as_deref())?;
        Ok(Self { xml })
    }

    /// Makes room for entries of about so many bytes.
    pub fn reserve(&mut self, bytes: usize) {
        self.xml.reserve(bytes);
    }

    /// Writes one entry.
    ///
    /// # Errors
    /// [`WireError`] for a character or name that XML does not have; the feed is then spoilt.
    pub fn entry(&mut self, entry: &EntryOut) -> Result<(), WireError> {
        write_in_feed(&mut self.xml, entry)
    }

    /// Takes out what was written since the last call, so that a page can be sent while it is written.
    pub fn take(&mut self) -> Bytes {
        self.xml.take()
    }

    /// Ends the feed; what was not taken out before.
    ///
    /// # Errors
    /// [`WireError`] never in practice: memory takes what is written.
    pub fn finish(mut self) -> Result<Bytes, WireError> {
        self.xml.close("feed");
        Ok(self.xml.take())
    }
}
