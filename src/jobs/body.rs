//! Request bodies on their way into the store and back: in compressed parts, never whole in memory.

use super::SubmittedBody;
use crate::provider::Error;
use crate::store::{BodyPart, Store, StoreError};
use bytes::Bytes;
use futures_util::Stream;
use std::io::{self, BufRead, Read};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc;

/// Bytes of a body that are kept as one part, before compression.
const PART_BYTES: usize = 256 * 1024;

/// A request body as it arrives.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>>>>;

/// Compressed bytes of a body that are held back, to be kept in one commit with the operation; a larger body goes to the
/// store as it arrives.
const HELD_BYTES: usize = 1 << 20;

/// Puts a body into the store as it arrives.
pub(super) struct BodyWriter<'s> {
    store: &'s Store,
    body: i64,
    part: u32,
    buffer: Vec<u8>,
    held: Vec<BodyPart>,
}

impl<'s> BodyWriter<'s> {
    pub(super) fn new(store: &'s Store, body: i64) -> Self {
        Self { store, body, part: 0, buffer: Vec::new(), held: Vec::new() }
    }

    /// Takes in what has arrived; gives a part that is complete, to be read: readers are woken once a part, not once a packet.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<Option<Bytes>, Error> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < PART_BYTES {
            return Ok(None);
        }
        let part = self.pack();
        if self.held.iter().map(|part| part.data.len()).sum::<usize>() > HELD_BYTES {
            for part in self.held.drain(..) {
                self.store.put_body_part(self.body, &part).await?;
            }
        }
        Ok(Some(part))
    }

    /// The last part, at the end of the body.
    pub(super) fn last(&mut self) -> Option<Bytes> {
        (!self.buffer.is_empty()).then(|| self.pack())
    }

    /// How many parts the body has, and those that the store does not have yet.
    pub(super) fn finish(self) -> (u32, Vec<BodyPart>) {
        (self.part, self.held)
    }

    fn pack(&mut self) -> Bytes {
        let part = Bytes::from(std::mem::take(&mut self.buffer));
        self.held.push(BodyPart { part: self.part, data: lz4_flex::compress_prepend_size(&part) });
        self.part += 1;
        part
    }
}

/// Sends the parts of a stored body, in order, until the reader has enough. Why the store does not give one is kept in `failed`: the
/// reader of bytes cannot tell an error that passes from one that stays.
pub(super) async fn send_parts(
    store: &Store,
    body: SubmittedBody,
    failed: &Mutex<Option<StoreError>>,
    sender: mpsc::Sender<io::Result<Bytes>>,
) {
    for part in 0..body.parts {
        let bytes = match store.body_part(body.id, part).await {
            Ok(Some(packed)) => lz4_flex::decompress_size_prepended(&packed).map(Bytes::from).map_err(io::Error::other),
            Ok(None) => Err(io::Error::other(format!("part {part} of a stored body is missing"))),
            Err(error) => {
                let text = error.to_string();
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(io::Error::other(text))
            }
        };
        if sender.send(bytes).await.is_err() {
            return;
        }
    }
}

/// Reads, on a thread of its own, what a task sends.
pub(super) struct ChannelReader {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl ChannelReader {
    pub(super) fn new(receiver: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { receiver, current: Bytes::new() }
    }
}

impl BufRead for ChannelReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(bytes) => self.current = bytes?,
                None => break,
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        let left = self.current.len();
        bytes::Buf::advance(&mut self.current, amount.min(left));
    }
}

impl Read for ChannelReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        let (Some(to), Some(from)) = (buffer.get_mut(..count), available.get(..count)) else { return Ok(0) };
        to.copy_from_slice(from);
        self.consume(count);
        Ok(count)
    }
}
