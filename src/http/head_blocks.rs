//! How long the heads of requests are that come by HTTP/2, seen before they are unpacked.
//!
//! The HTTP library unpacks 16 MiB of headers before anybody is asked whether so much is taken, and one byte can stand for
//! a header: in memory that is many times what was sent. Only the frames are looked at here (RFC 9113, 4.1); whether they
//! are right is the library's to say.

use std::io;

/// What a client begins with (RFC 9113, 3.4).
const PREFACE_BYTES: usize = 24;
const FRAME_HEAD_BYTES: usize = 9;

const HEADERS: u8 = 1;
/// No client may send it, but the library unpacks it before it says so.
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;
/// The flag of a head's last frame.
const END_HEADERS: u8 = 4;

/// Follows the frames that come on a connection.
#[derive(Debug)]
pub(super) struct HeadBlocks {
    /// Bytes that a head may have as it is sent.
    most: usize,
    /// Bytes of the preface, or of a frame's payload, that are still to come.
    left: usize,
    /// What has come of a frame's own head.
    frame_head: Vec<u8>,
    /// Bytes of the head that has not ended.
    block: usize,
}

impl HeadBlocks {
    /// Those of a connection that begins.
    pub(super) fn new(most: usize) -> Self {
        Self { most, left: PREFACE_BYTES, frame_head: Vec::with_capacity(FRAME_HEAD_BYTES), block: 0 }
    }

    /// Takes note of what has come.
    ///
    /// # Errors
    /// When a head is longer than it may be: as soon as a frame announces it.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (passed, frames) = bytes.split_at(self.left.min(bytes.len()));
            self.left -= passed.len();
            let (head, rest) = frames.split_at((FRAME_HEAD_BYTES - self.frame_head.len()).min(frames.len()));
            self.frame_head.extend_from_slice(head);
            self.begin_frame()?;
            bytes = rest;
        }
        Ok(())
    }

    /// Begins a frame, if its head is complete.
    fn begin_frame(&mut self) -> io::Result<()> {
        let [high, middle, low, kind, flags, _, _, _, _] = *self.frame_head.as_slice() else { return Ok(()) };
        self.frame_head.clear();
        self.left = [high, middle, low].iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
        if [HEADERS, PUSH_PROMISE, CONTINUATION].contains(&kind) {
            self.block = self.block.saturating_add(self.left);
            if self.block > self.most {
                return Err(io::Error::other(format!("the head of a request is longer than {} bytes", self.most)));
            }
            if flags & END_HEADERS != 0 {
                self.block = 0;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 100;
    const DATA: u8 = 0;
    const SETTINGS: u8 = 4;

    /// A frame whose payload would be a head without end, were it taken for frames.
    fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let announced = u32::try_from(length).unwrap().to_be_bytes();
        [&announced[1..], &[kind, flags, 0, 0, 0, 1], vec![HEADERS; length].as_slice()].concat()
    }

    /// What a client sends that begins with settings.
    fn connection(frames: &[Vec<u8>]) -> Vec<u8> {
        [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 12), frames.concat()].concat()
    }

    fn followed(pieces: &[&[u8]]) -> io::Result<()> {
        let mut blocks = HeadBlocks::new(MOST);
        pieces.iter().try_for_each(|piece| blocks.follow(piece))
    }

    /// However what is sent is cut into what comes at once.
    fn followed_in_all_ways(sent: &[u8]) -> Vec<bool> {
        let bytes: Vec<&[u8]> = sent.chunks(1).collect();
        let halves = (0..=sent.len()).map(|at| sent.split_at(at));
        let mut results: Vec<_> = halves.map(|(start, end)| followed(&[start, end]).is_ok()).collect();
        results.push(followed(&bytes).is_ok());
        results
    }

    #[test]
    fn a_head_may_be_as_long_as_the_limit_however_it_comes_in() {
        let sent = connection(&[
            frame(HEADERS, END_HEADERS, MOST),
            frame(HEADERS, 0, MOST - 10),
            frame(CONTINUATION, 0, 0),
            frame(CONTINUATION, END_HEADERS, 10),
            frame(DATA, 0, 3),
            frame(HEADERS, END_HEADERS | 1, 1),
        ]);
        assert!(followed_in_all_ways(&sent).into_iter().all(|is_taken| is_taken));
    }

    #[test]
    fn a_head_of_one_byte_more_is_refused_however_it_comes_in() {
        for frames in [
            vec![frame(HEADERS, END_HEADERS, MOST + 1)],
            vec![frame(HEADERS, 0, MOST - 10), frame(CONTINUATION, END_HEADERS, 11)],
            vec![frame(HEADERS, END_HEADERS, MOST), frame(DATA, 0, 7), frame(PUSH_PROMISE, 0, MOST + 1)],
        ] {
            let sent = connection(&frames);
            assert!(followed_in_all_ways(&sent).into_iter().all(|is_taken| !is_taken), "{frames:?}");
        }
    }

    #[test]
    fn a_head_that_does_not_end_is_refused_as_soon_as_it_is_announced_to_be_too_long() {
        let mut blocks = HeadBlocks::new(MOST);
        blocks.follow(&connection(&[frame(HEADERS, 0, 50)])).unwrap();
        blocks.follow(&frame(CONTINUATION, 0, 50)).unwrap();
        let error = blocks.follow(&frame(CONTINUATION, 0, 1)[..FRAME_HEAD_BYTES]).unwrap_err();
        assert_eq!(error.to_string(), "the head of a request is longer than 100 bytes");
    }

    #[test]
    fn what_is_not_of_a_head_is_not_counted() {
        let sent = connection(&[
            frame(DATA, 0, 10 * MOST),
            frame(HEADERS, END_HEADERS, MOST),
            // The flag that ends a head means something else here, or nothing.
            frame(DATA, END_HEADERS, 10 * MOST),
            frame(HEADERS, END_HEADERS, MOST),
        ]);
        assert!(followed_in_all_ways(&sent).into_iter().all(|is_taken| is_taken));
    }

    #[test]
    fn heads_are_counted_each_by_itself() {
        let sent = connection(&vec![frame(HEADERS, END_HEADERS, MOST); 5]);
        followed(&[sent.as_slice()]).unwrap();
    }
}
