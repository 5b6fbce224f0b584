//! Short texts out of headers, URLs, elements and settings.

use sdata_sync::engine::Address;
use sdata_sync::protocol::paging::{PageLimits, PageRequest};
use sdata_sync::protocol::{Endpoint, Run, SdataCode, Severity, Stamp, SyncMode, etag, path, url as written};
use sdata_sync::store::DatabaseUrl;
use sdata_sync::wire::{Element, Json, fit_for_xml};
use std::path::Path;
use url::Url;

/// A text as everything that it may be: what it is read as is written so that it is read as the same again.
pub(crate) fn texts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    moments(text);
    urls(text);
    etags(text);
    pages(text);
    words(text);
}

fn moments(text: &str) {
    let run = Run { name: text.to_owned(), stamp: text.to_owned() };
    assert_eq!(run.time(), Stamp::parse(text));
    if let Some(stamp) = Stamp::parse(text) {
        let written = stamp.to_string();
        assert_eq!(Stamp::parse(&written), Some(stamp), "{written}");
        assert!(written.ends_with('Z') && written.is_ascii() && written.len() <= "2008-10-30T17:23:08.123Z".len());
        assert_eq!(Stamp::from_micros(stamp.to_micros()), stamp);
        assert!(Stamp::of_change(Stamp::EPOCH, Some(stamp)) >= stamp);
    }
}

fn urls(text: &str) {
    if let Ok(endpoint) = Endpoint::parse(text) {
        let again = Endpoint::parse(endpoint.as_str());
        assert_eq!(again.as_ref(), Ok(&endpoint), "normal is what stays as it is");
        assert!(endpoint.as_str().is_ascii() && endpoint.as_str().len() <= 700);
    }
    if let Ok(Address::Collection(collection)) = Address::parse(text) {
        let again = Address::parse(&collection.to_string());
        assert_eq!(again.map(|again| again.to_string()), Ok(collection.to_string()));
        assert!(!collection.resource_kind().is_empty());
    }
    if let Some(database) = DatabaseUrl::parse(text) {
        assert_eq!(DatabaseUrl::parse(database.expose()).as_ref(), Some(&database));
        let within = database.within(Path::new("/folder"));
        assert_eq!(within.file().is_some(), database.file().is_some());
        assert_eq!(within.within(Path::new("/other")), within);
        // A short password, or one of zeros, may stand elsewhere in the URL, too.
        let shown = Url::parse(&database.to_string()).ok().filter(|_| database.file().is_none());
        if let Some(shown) = shown {
            assert!(shown.password().is_none_or(|password| password == "***") && shown.query().is_none(), "{database}");
        }
    }
    if let Ok(segment) = path::segment(&written::segment(text)).as_ref() {
        assert!(text.starts_with(&segment.name), "an escaped name is read as itself");
    }
    if !text.contains('\0') {
        let read = path::segment(&written::selected("accounts", text));
        assert_eq!(read.map(|segment| segment.selector), Ok(Some(path::Selector::Key(text.to_owned()))));
    }
}

fn etags(text: &str) {
    assert!(text.contains(etag::version(text)) && text.contains(etag::bare(text)));
    let (list, current) = text.split_once('\n').unwrap_or((text, text));
    if etag::lists(list, current) {
        assert!(etag::lists_version(list, current), "whoever knows it all knows the version");
    }
    let extended = etag::extended("\"7.a\"", "json");
    assert!(etag::lists_version(&extended, "\"7.b\""));
}

fn pages(text: &str) {
    let mut numbers = text.split_whitespace().filter_map(|word| word.parse::<i64>().ok());
    let limits = PageLimits { default_count: 100, max_count: 1000 };
    let page = PageRequest::new(numbers.next(), numbers.next(), limits);
    let total = numbers.next().map_or(0, i64::unsigned_abs);
    assert!(page.start_index >= 1 && page.count <= limits.max_count);
    assert!(page.next(total).is_none_or(|next| next > page.start_index && next <= total));
    assert!(page.previous().is_none_or(|previous| previous < page.start_index));
    assert!(page.last(total) <= total.max(1));
}

fn words(text: &str) {
    assert!(SyncMode::parse(text).is_none_or(|mode| SyncMode::parse(mode.as_str()) == Some(mode)));
    assert!(Severity::parse(text).is_none_or(|severity| severity.as_str().eq_ignore_ascii_case(text.trim())));
    assert!(SdataCode::parse(text).is_none_or(|code| code.as_str() == text.trim()));
    if let Some(number) = Json::spelled_number(text) {
        let written = number.to_bytes().expect("it is a number");
        assert_eq!(Json::spelled_number(&String::from_utf8_lossy(&written)), Some(number));
    }
    let mut element = Element::new("urn:x", "e");
    element.set_attribute("", "a", fit_for_xml(text));
    super::elements::assert_reads_back(&element);
}
