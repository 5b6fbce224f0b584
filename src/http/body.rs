//! Bodies of requests: unpacked, within limits, and as Atom whatever they were sent as.

use super::limits::Limits;
use super::pace::TooSlow;
use super::request::header;
use super::whole::Whole;
use crate::contract::{Contract, Kind};
use crate::jobs::BodyStream;
use crate::provider::gate::Who;
use crate::provider::memory::Memory;
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
use tokio_util::io::{ReaderStream, StreamReader};

/// Bytes that are unpacked at once: a small body may stand for a huge one, but only so much of it is in memory.
const UNPACKED_BYTES: usize = 64 * 1024;
/// The largest window of zstd, as a power of two: what RFC 8878 asks every decoder to support.
const ZSTD_WINDOW: u32 = 23;
/// Bytes of a translated feed that are handed on at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What a body's resources are: a kind, and the contract that describes it.
pub(super) type Described<'c> = (&'c Contract, &'c Kind);

/// What those of a collection are.
pub(super) fn described(collection: &Collection) -> Described<'_> {
    (&*collection.contract, &collection.kind)
}

/// What a body that is read whole is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// One entry.
    Entry,
    /// A feed.
    Feed,
}

/// A request's body before it is read.
pub(super) struct Body {
    payload: Payload,
    coding: Option<String>,
    length: Option<u64>,
    says_json: bool,
    limits: Limits,
    memory: Memory,
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

    /// The whole body as XML: of requests that carry one entry, or whose feed is read at once. What it takes is counted
    /// for `who`.
    ///
    /// # Errors
    /// [`Error::TooLarge`], also when it is that as XML, [`Error::Overloaded`], [`Error::BodyBroken`],
    /// [`Error::ContentCoding`]; of JSON what makes it unreadable, and [`Error::BadBody`] for a feed in place of an entry.
    pub(super) async fn whole(
        self,
        takes: Takes,
        described: Option<Described<'_>>,
        who: Option<Who>,
    ) -> Result<Bytes, Error> {
        let (says_json, limits, memory) = (self.says_json, self.limits, self.memory.clone());
        let whole = || Whole::new(limits.body_bytes, memory.share(who.clone()));
        let body = collect(self.unpacked()?, BytesMut::new(), whole()).await?;
        if !is_json(body.as_ref(), says_json) {
            return finished(body, takes, limits.read);
        }
        let body = Bytes::from_owner(body);
        let mut translation = Translation::new(&body, limits.read, described)?;
        // A few bytes of JSON are many of XML: what is not wanted is not translated.
        if takes == Takes::Entry && matches!(translation, Translation::FeedStart(..)) {
            let said = "the body is a feed, which is what has $resources; one entry is wanted";
            return Err(Error::BadBody(said.to_owned()));
        }
        let mut xml = whole();
        while let Some(piece) = translation.next_piece()? {
            xml.extend(piece.as_bytes())?;
        }
        // What it was translated from gives its memory back before what is read of it takes some.
        drop((translation, body));
        finished(xml, takes, limits.read)
    }

    /// The body as XML as it arrives: of requests that carry a feed. JSON is read whole first, because its head may come
    /// after its entries; what it takes is counted for `who`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when its length is announced and too large, [`Error::ContentCoding`].
    pub(super) fn stream(self, collection: Option<Arc<Collection>>, who: Option<Who>) -> Result<BodyStream, Error> {
        let (says_json, limits, memory) = (self.says_json, self.limits, self.memory.clone());
        let mut unpacked = self.unpacked()?;
        Ok(Box::pin(async_stream::try_stream! {
            let mut start = BytesMut::new();
            while first_character(&start).is_none() && start.len() < UNPACKED_BYTES {
                let Some(bytes) = unpacked.next().await else { break };
                start.extend_from_slice(&bytes.map_err(|error| broken(&error))?);
            }
            if is_json(&start, says_json) {
                let body = collect(unpacked, start, Whole::new(limits.body_bytes, memory.share(who))).await?;
                let body = Bytes::from_owner(body);
                let described = collection.as_deref().map(described);
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

/// A body that is whole, with room for what is read of it at once.
fn finished(mut body: Whole, takes: Takes, limits: ReadLimits) -> Result<Bytes, Error> {
    if takes == Takes::Entry {
        body.count_elements(limits)?;
    }
    Ok(Bytes::from_owner(body))
}

async fn collect(mut body: Unpacked, start: BytesMut, mut whole: Whole) -> Result<Whole, Error> {
    whole.extend(&start)?;
    while let Some(bytes) = body.next().await {
        whole.extend(&bytes.map_err(|error| broken(&error))?)?;
    }
    Ok(whole)
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
    use crate::wire::WireError;
    use actix_web::FromRequest;
    use actix_web::test::TestRequest;
    use rstest::rstest;

    const MOST: u64 = 1_000_000;

    fn limits(body_bytes: u64, entries: usize) -> Limits {
        Limits { body_bytes, read: ReadLimits { entries, ..ReadLimits::default() }, ..Limits::least() }
    }

    /// A JSON body as the XML it is read as.
    async fn translated(body: &str, takes: Takes, limits: Limits) -> Result<Bytes, Error> {
        let (http, mut payload) = TestRequest::default().set_payload(body.to_owned()).to_http_parts();
        let payload = Payload::from_request(&http, &mut payload).await.unwrap();
        Body::new(&http, payload, limits, &Memory::new(MOST, ReadLimits::default())).whole(takes, None, None).await
    }

    fn feed_of(entries: usize) -> String {
        format!("{{\"$resources\":[{}]}}", vec!["{}"; entries].join(","))
    }

    #[actix_web::test]
    async fn a_json_feed_where_one_entry_is_wanted_is_refused_before_it_is_translated() {
        // It cannot be translated, which nobody would find out without doing so.
        let feed = r#"{"$resources":[{"a":1,"a":2}]}"#;
        assert!(matches!(translated(feed, Takes::Entry, limits(MOST, 10)).await, Err(Error::BadBody(_))));
        assert!(matches!(translated(feed, Takes::Feed, limits(MOST, 10)).await, Err(Error::Wire(WireError::Json(_)))));
        assert!(translated("{}", Takes::Entry, limits(MOST, 10)).await.is_ok());
    }

    #[actix_web::test]
    async fn a_json_feed_with_more_entries_than_may_be_is_refused() {
        assert!(translated(&feed_of(10), Takes::Feed, limits(MOST, 10)).await.is_ok());
        let refused = translated(&feed_of(11), Takes::Feed, limits(MOST, 10)).await;
        assert!(matches!(refused, Err(Error::Wire(WireError::TooLarge { limit: 10, .. }))), "{refused:?}");
    }

    #[actix_web::test]
    async fn a_small_json_feed_does_not_become_more_xml_than_a_body_may_be() {
        let feed = feed_of(3_000);
        let xml = translated(&feed, Takes::Feed, limits(MOST, 3_000)).await.unwrap();
        assert!(xml.len() > 10 * feed.len(), "{} bytes of {}", xml.len(), feed.len());
        let refused = translated(&feed, Takes::Feed, limits(100_000, 3_000)).await;
        assert!(matches!(refused, Err(Error::TooLarge(100_000))), "{refused:?}");
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
