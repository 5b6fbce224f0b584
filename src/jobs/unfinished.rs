//! Entries that have not arrived as a whole: what they take of the memory is counted, however slowly they come.

use crate::provider::Error;
use crate::provider::memory::Share;
use crate::wire::{Footprint, ReadLimits, WireError};
use std::cell::RefCell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// What the entry takes that is being read.
#[derive(Debug, Clone)]
pub(super) struct Meter(Rc<RefCell<Taken>>);

#[derive(Debug)]
struct Taken {
    footprint: Footprint,
    /// Of the piece that came last.
    last: Footprint,
    /// Of the piece that the entry began in, until another one comes.
    began_in: Option<Footprint>,
    limits: ReadLimits,
    share: Share,
    /// What is skipped takes nothing.
    counts: bool,
}

impl Meter {
    /// Counts in `share` what is read within `limits`.
    pub(super) fn new(share: Share, limits: ReadLimits) -> Self {
        let footprint = Footprint::within(limits);
        let (last, began_in) = (footprint, None);
        Self(Rc::new(RefCell::new(Taken { footprint, last, began_in, limits, share, counts: true })))
    }

    /// An entry begins that is read, or that is only skipped; the one before takes nothing here any more. The piece that it begins in is
    /// counted from the next one on: most entries end in the one they begin in.
    pub(super) fn begin(&self, is_read: bool) {
        let mut taken = self.0.borrow_mut();
        taken.footprint = Footprint::within(taken.limits);
        taken.began_in = Some(taken.last);
        taken.share.clear();
        taken.counts = is_read;
    }

    fn count(&self, xml: &[u8]) {
        let mut taken = self.0.borrow_mut();
        // Whoever skips an entry skips all that follow.
        if taken.counts {
            let piece = Footprint::of(xml, taken.limits);
            let before = taken.began_in.take().unwrap_or(taken.footprint);
            taken.footprint = before.and(piece);
            taken.last = piece;
        }
    }

    fn check(&self) -> io::Result<()> {
        let mut taken = self.0.borrow_mut();
        let bytes = taken.footprint.bytes();
        taken.share.grow_to(bytes).map_err(|error| io::Error::other(NoRoom(error)))
    }
}

/// There is no memory for more of an entry.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct NoRoom(Error);

/// What reading failed with: where there was no memory, that.
pub(super) fn cause(error: WireError) -> Error {
    if let WireError::Io(io) = &error
        && let Some(NoRoom(Error::Overloaded(said))) = io.get_ref().and_then(|error| error.downcast_ref())
    {
        return Error::Overloaded(said.clone());
    }
    error.into()
}

/// A source whose bytes are counted as they are read.
pub(super) struct Metered<R> {
    source: R,
    meter: Meter,
}

impl<R> Metered<R> {
    pub(super) fn new(source: R, meter: &Meter) -> Self {
        Self { source, meter: meter.clone() }
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.meter.check()?;
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed is there: this waits for nothing.
        if let Ok(bytes) = self.source.fill_buf() {
            self.meter.count(bytes.get(..amount).unwrap_or(bytes));
        }
        self.source.consume(amount);
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.meter.check()?;
        let count = self.source.read(buffer)?;
        self.meter.count(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
