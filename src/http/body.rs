//! Bodies of requests: unpacked, within limits, and as Atom whatever they were sent as.

use super::limits::Limits;
use super::pace::TooSlow;
use super::request::header;
use crate::contract::{Contract, Kind};
use crate::jobs::BodyStream;
use crate::provider::{Collection, Error};
use crate::wire::{Json, JsonBody, JsonFeedReader, ReadLimits, read_json};
use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::Payload;
use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::{AsyncBufRead, AsyncRead};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::io::{ReaderStream, StreamReader};

/// Bytes that are unpacked at once: a small body may stand for a huge one, but only so much of it is in memory.
const UNPACKED_BYTES: usize = 64 * 1024;
/// The largest window of zstd, as a power of two: what RFC 8878 asks every decoder to support.
const ZSTD_WINDOW: u32 = 23;
/// Memory is shared out in units of so many bytes; the first of each body is free.
const UNIT_BYTES: usize = 64 * 1024;
/// Bodies of the largest size that may be whole in memory at once.
const WHOLE_BODIES: u64 = 4;
/// Bytes of a translated feed that are handed on at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What a body's resources are: a kind, and the contract that describes it.
pub(super) type Described<'c> = (&'c Contract, &'c Kind);

/// A request's body before it is read.
pub(super) struct Body {
    payload: Payload,
    coding: Option<String>,
    length: Option<u64>,
    says_json: bool,
    limits: Limits,
    memory: Memory,
}

/// What bodies that are read whole may take together: many large ones at once would take all there is.
#[derive(Debug, Clone)]
pub(super) struct Memory(Arc<Semaphore>);

impl Memory {
    /// Enough for a few bodies of `most` bytes.
    pub(super) fn new(most: u64) -> Self {
        let units = usize::try_from(most.saturating_mul(WHOLE_BODIES)).unwrap_or(usize::MAX) / UNIT_BYTES;
        Self(Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))))
    }
}

/// A body with its share of the memory.
struct Whole {
    bytes: BytesMut,
    share: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Whole {
    /// Takes in more.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Overloaded`].
    fn extend(&mut self, bytes: &[u8], most: u64, memory: &Memory) -> Result<(), Error> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() as u64 > most {
            return Err(Error::TooLarge(most));
        }
        let held = self.share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from((self.bytes.len() / UNIT_BYTES).saturating_sub(held)).unwrap_or(u32::MAX);
        if more == 0 {
            return Ok(());
        }
        let full = || Error::Overloaded("the bodies of other requests fill the memory there is for them".to_owned());
        let share = Arc::clone(&memory.0).try_acquire_many_owned(more).map_err(|_| full())?;
        match &mut self.share {
            Some(held) => held.merge(share),
            none => *none = Some(share),
        }
        Ok(())
    }
}

impl Body {
    /// The body of `http`; the limits are those of what is in it once it is unpacked.
    pub(super) fn new(http: &HttpRequest, payload: Payload, limits: Limits, memory: &Memory) -> Self {
        let said = |name: &str| header(http.headers(), name).map(|text| text.trim().to_ascii_lowercase());
        let media_type = said(CONTENT_TYPE.as_str()).unwrap_or_default();
        Self {
            payload,
            coding: said(CONTENT_ENCODING.as_str()).filter(|coding| !coding.is_empty() && coding != "identity"),
            length: said(CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok()),
            says_json: media_type.split(';').next().unwrap_or_default().trim().ends_with("json"),
            limits,
            memory: memory.clone(),
        }
    }

    /// The whole body as XML: of requests that carry one entry, or whose feed is read at once.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::BodyBroken`], [`Error::ContentCoding`]; of JSON what makes it unreadable.
    pub(super) async fn whole(self, described: Option<Described<'_>>) -> Result<Bytes, Error> {
        let (says_json, limits, memory) = (self.says_json, self.limits, self.memory.clone());
        let body = collect(self.unpacked()?, BytesMut::new(), limits.body_bytes, &memory).await?;
        if !is_json(&body, says_json) {
            return Ok(body);
        }
        let mut translation = Translation::new(&body, limits.read, described)?;
        let mut xml = BytesMut::new();
        while let Some(piece) = translation.next_piece()? {
            xml.extend_from_slice(piece.as_bytes());
        }
        Ok(xml.freeze())
    }

    /// The body as XML as it arrives: of requests that carry a feed. JSON is read whole first, because its head may come
    /// after its entries.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when its length is announced and too large, [`Error::ContentCoding`].
    pub(super) fn stream(self, collection: Option<Arc<Collection>>) -> Result<BodyStream, Error> {
        let (says_json, limits, memory) = (self.says_json, self.limits, self.memory.clone());
        let mut unpacked = self.unpacked()?;
        Ok(Box::pin(async_stream::try_stream! {
            let mut start = BytesMut::new();
            while first_character(&start).is_none() && start.len() < UNPACKED_BYTES {
                let Some(bytes) = unpacked.next().await else { break };
                start.extend_from_slice(&bytes.map_err(|error| broken(&error))?);
            }
            if is_json(&start, says_json) {
                let body = collect(unpacked, start, limits.body_bytes, &memory).await?;
                let described = collection.as_ref().map(|collection| (&*collection.contract, &collection.kind));
                let mut translation = Translation::new(&body, limits.read, described)?;
                while let Some(piece) = translation.next_piece()? {
                    yield Bytes::from(piece);
                }
            } else {
                yield start.freeze();
                while let Some(bytes) = unpacked.next().await {
                    yield bytes.map_err(|error| broken(&error))?;
                }
            }
        }))
    }

    fn unpacked(self) -> Result<Unpacked, Error> {
        let most = self.limits.body_bytes;
        if self.length.is_some_and(|length| length > most) {
            return Err(Error::TooLarge(most));
        }
        let packed = Box::pin(self.limits.pace.keep(self.payload));
        let Some(coding) = self.coding else { return Ok(packed) };
        unpack(&coding, StreamReader::new(packed))
    }
}

type Unpacked = Pin<Box<dyn Stream<Item = io::Result<Bytes>>>>;

fn unpack(coding: &str, packed: impl AsyncBufRead + 'static) -> Result<Unpacked, Error> {
    fn stream(unpacked: impl AsyncRead + 'static) -> Unpacked {
        Box::pin(ReaderStream::with_capacity(unpacked, UNPACKED_BYTES))
    }
    match coding {
        "gzip" | "x-gzip" => Ok(stream(GzipDecoder::new(packed))),
        "deflate" => Ok(stream(ZlibDecoder::new(packed))),
        "br" => Ok(stream(BrotliDecoder::new(packed))),
        "zstd" => Ok(stream(ZstdDecoder::with_params(packed, &[DParameter::window_log_max(ZSTD_WINDOW)]))),
        other => Err(Error::ContentCoding(other.to_owned())),
    }
}

fn broken(error: &io::Error) -> Error {
    match TooSlow::of(error) {
        Some(slow) => Error::TooSlow(slow.to_string()),
        None => Error::BodyBroken(error.to_string()),
    }
}

async fn collect(mut body: Unpacked, start: BytesMut, most: u64, memory: &Memory) -> Result<Bytes, Error> {
    let mut whole = Whole { bytes: BytesMut::new(), share: None };
    whole.extend(&start, most, memory)?;
    while let Some(bytes) = body.next().await {
        whole.extend(&bytes.map_err(|error| broken(&error))?, most, memory)?;
    }
    Ok(Bytes::from_owner(whole))
}

/// Whether a body is JSON: by what it begins with, since some platforms say of everything that it is XML; by its media type
/// where it does not begin like XML either.
fn is_json(body: &[u8], says_json: bool) -> bool {
    match first_character(body) {
        Some(b'{') => true,
        Some(b'<') => false,
        _ => says_json,
    }
}

/// The first byte that is neither white space nor of a byte order mark.
fn first_character(body: &[u8]) -> Option<u8> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// A JSON body on its way to being the Atom document that says the same.
enum Translation<'c> {
    Entry(Json, Option<Described<'c>>),
    FeedStart(Box<JsonFeedReader>, Option<Described<'c>>),
    FeedEntries(Box<JsonFeedReader>, Option<Described<'c>>),
    Done,
}

impl<'c> Translation<'c> {
    fn new(body: &Bytes, limits: ReadLimits, described: Option<Described<'c>>) -> Result<Self, Error> {
        Ok(match read_json(body, limits)? {
            JsonBody::Entry(object) => Self::Entry(object, described),
            JsonBody::Feed(feed) => Self::FeedStart(feed, described),
        })
    }

    /// The next piece of XML; `None` at the end.
    fn next_piece(&mut self) -> Result<Option<String>, Error> {
        match std::mem::replace(self, Self::Done) {
            Self::Done => Ok(None),
            Self::Entry(object, described) => entry(&object, described).map(Some),
            Self::FeedStart(feed, described) => {
                let head = feed.atom_head()?;
                *self = Self::FeedEntries(feed, described);
                Ok(Some(head))
            }
            Self::FeedEntries(mut feed, described) => {
                let mut piece = String::new();
                while piece.len() < PIECE_BYTES {
                    let Some(object) = feed.next_entry()? else {
                        piece.push_str(JsonFeedReader::ATOM_END);
                        return Ok(Some(piece));
                    };
                    piece.push_str(&entry(&object, described)?);
                }
                *self = Self::FeedEntries(feed, described);
                Ok(Some(piece))
            }
        }
    }
}

/// What carries a digest has no resource.
fn entry(object: &Json, described: Option<Described<'_>>) -> Result<String, Error> {
    let resource = match (described, object.get("$digest")) {
        (Some((contract, kind)), None) => {
            let resource = contract.element_of_json(kind, object);
            Some(resource.map_err(|fault| Error::Invalid(vec![fault]))?)
        }
        _ => None,
    };
    Ok(object.atom_entry(resource)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn bodies_share_the_memory_and_give_it_back() {
        let (most, memory) = (1_000_000, Memory::new(1_000_000));
        let body = || Whole { bytes: BytesMut::new(), share: None };
        let mut held = Vec::new();
        let full = loop {
            let mut next = body();
            match next.extend(&vec![b' '; 1_000_000], most, &memory) {
                Ok(()) => held.push(next),
                Err(error) => break error,
            }
        };
        assert!(matches!(full, Error::Overloaded(_)), "{full}");
        assert_eq!(held.len(), 4);
        assert!(body().extend(&[b' '; 1_000], most, &memory).is_ok(), "small ones always find room");
        assert!(matches!(body().extend(&vec![b' '; 1_000_001], most, &memory), Err(Error::TooLarge(1_000_000))));
        held.pop();
        let mut again = body();
        for _ in 0..10 {
            again.extend(&[b' '; 100_000], most, &memory).unwrap();
        }
    }

    #[rstest]
    #[case::json(b"{}", true, true)]
    #[case::json_by_its_beginning(b" \r\n{}", false, true)]
    #[case::behind_a_byte_order_mark("\u{feff}{}".as_bytes(), false, true)]
    #[case::xml(b"<entry/>", false, false)]
    #[case::xml_called_json(b"<entry/>", true, false)]
    #[case::a_list_called_json(b"[]", true, true)]
    #[case::a_list(b"[]", false, false)]
    #[case::nothing_called_json(b"", true, true)]
    #[case::nothing(b"", false, false)]
    fn json_is_known_by_its_beginning(#[case] body: &[u8], #[case] says_json: bool, #[case] expected: bool) {
        assert_eq!(is_json(body, says_json), expected);
    }
}
