//! The entries of a stored feed, read ahead while earlier ones are worked on.

use super::body::{ChannelReader, send_parts};
use super::parsed::ParsedEntry;
use super::{Jobs, SubmittedBody};
use crate::provider::Error;
use crate::provider::target::CHUNK_ENTRIES;
use crate::store::StoreError;
use crate::wire::{FeedReader, WireError};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Chunks parsed ahead of the one that is being written.
const CHUNKS_AHEAD: usize = 1;

/// Bytes of XML after which a chunk has enough, however few its entries are: a few chunks are in memory at once.
const CHUNK_BYTES: u64 = 4 << 20;

/// A feed's entries from wherever a job was left.
pub(super) struct Entries<T> {
    chunks: mpsc::Receiver<Result<Vec<T>, Error>>,
    waiting: Vec<T>,
    /// Why the store did not give the body.
    failed: Arc<Mutex<Option<StoreError>>>,
}

impl<T> Entries<T> {
    /// The next entries that are not taken: what is left of a chunk, or the next one; none at the end of the feed.
    ///
    /// # Errors
    /// When the body cannot be read.
    pub(super) async fn next(&mut self) -> Result<&[T], Error> {
        while self.waiting.is_empty()
            && let Some(chunk) = self.chunks.recv().await
        {
            let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.waiting = match (chunk, failed) {
                (Err(_), Some(error)) => return Err(Error::Store(error)),
                (chunk, _) => chunk?,
            };
        }
        Ok(&self.waiting)
    }

    /// Drops the first `taken` of the entries that [`Entries::next`] gave.
    pub(super) fn taken(&mut self, taken: usize) {
        self.waiting.drain(..taken.min(self.waiting.len()));
    }
}

impl Jobs {
    /// The entries of `body` behind the first `skipped`, as `read` makes them of an entry and its position, on a thread
    /// of its own.
    pub(super) fn entries<T: Send + 'static>(
        &self,
        body: SubmittedBody,
        skipped: u64,
        read: impl Fn(ParsedEntry, u64) -> T + Send + 'static,
    ) -> Entries<T> {
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let entries = Entries { chunks, waiting: Vec::new(), failed: Arc::default() };
        match self.parsed.take(body.id) {
            Some(mut feed) => drop(tokio::task::spawn_blocking(move || {
                send_chunks(|| Ok(feed.next()), skipped, &sender, read);
            })),
            None => self.read_stored(body, Arc::clone(&entries.failed), skipped, sender, read),
        }
        entries
    }

    fn read_stored<T: Send + 'static>(
        &self,
        body: SubmittedBody,
        failed: Arc<Mutex<Option<StoreError>>>,
        skipped: u64,
        sender: mpsc::Sender<Result<Vec<T>, Error>>,
        read: impl Fn(ParsedEntry, u64) -> T + Send + 'static,
    ) {
        let (parts_sender, parts) = mpsc::channel(CHUNKS_AHEAD);
        let store = self.provider.store.clone();
        tokio::spawn(async move { send_parts(&store, body, &failed, parts_sender).await });
        let limits = self.settings.limits;
        tokio::task::spawn_blocking(move || match FeedReader::new(ChannelReader::new(parts), limits) {
            Ok(mut feed) => {
                send_chunks(|| ParsedEntry::next_of(&mut feed, |_| None), skipped, &sender, read);
            }
            // Nobody listens any more when this fails: the job has ended.
            Err(error) => drop(sender.blocking_send(Err(error.into()))),
        });
    }
}

/// Sends the entries that `next` gives, behind the first `skipped`, until they or those who want them end.
fn send_chunks<T>(
    next: impl FnMut() -> Result<Option<ParsedEntry>, WireError>,
    skipped: u64,
    sender: &mpsc::Sender<Result<Vec<T>, Error>>,
    read: impl Fn(ParsedEntry, u64) -> T,
) {
    if let Err(error) = try_send_chunks(next, skipped, sender, read) {
        // Nobody listens any more when this fails: the job has ended.
        let _ = sender.blocking_send(Err(error));
    }
}

fn try_send_chunks<T>(
    mut next: impl FnMut() -> Result<Option<ParsedEntry>, WireError>,
    skipped: u64,
    sender: &mpsc::Sender<Result<Vec<T>, Error>>,
    read: impl Fn(ParsedEntry, u64) -> T,
) -> Result<(), Error> {
    let (mut chunk, mut bytes) = (Vec::with_capacity(CHUNK_ENTRIES), 0);
    let mut position = 0;
    while let Some(entry) = next()? {
        if position >= skipped {
            bytes += entry.bytes;
            chunk.push(read(entry, position));
        }
        position += 1;
        if chunk.len() == CHUNK_ENTRIES || bytes >= CHUNK_BYTES {
            bytes = 0;
            if sender.blocking_send(Ok(std::mem::take(&mut chunk))).is_err() {
                return Ok(());
            }
        }
    }
    // The receiver may have gone: then the job has ended, and so does the reading.
    let _ = sender.blocking_send(Ok(chunk));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ReadLimits;

    #[tokio::test]
    async fn large_entries_make_small_chunks() {
        let entry = format!("<entry><title>{}</title></entry>", "x".repeat(3 << 20));
        let feed = format!("<feed xmlns=\"http://www.w3.org/2005/Atom\">{}</feed>", entry.repeat(6));
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        tokio::task::spawn_blocking(move || {
            let mut feed = FeedReader::new(feed.as_bytes(), ReadLimits::default()).unwrap();
            send_chunks(|| ParsedEntry::next_of(&mut feed, |_| None), 1, &sender, |_, position| position);
        });
        let mut entries = Entries { chunks, waiting: Vec::new(), failed: Arc::default() };
        assert_eq!(entries.next().await.unwrap(), [1, 2]);
        entries.taken(1);
        assert_eq!(entries.next().await.unwrap(), [2]);
        entries.taken(1);
        assert_eq!(entries.next().await.unwrap(), [3, 4]);
        entries.taken(2);
        assert_eq!(entries.next().await.unwrap(), [5]);
        entries.taken(1);
        assert!(entries.next().await.unwrap().is_empty());
    }
}
