//! A collection's identity in the protocol (sync 3.1).

use super::url::segment;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use url::Url;

/// The canonical URL of a collection, normalised: two spellings of one URL are one endpoint.
///
/// Normal form: scheme and host in lower case, no default port, no trailing slash, no query or
/// fragment, percent-encoding only where a path needs it and then with capital digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint(Arc<str>);

/// Longest endpoint URL that is kept, in bytes: all three databases index it whole.
pub const MAX_ENDPOINT_BYTES: usize = 700;

/// Why a text names no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// No absolute URL.
    #[error("'{0}' is not an absolute URL")]
    NotAbsolute(String),
    /// Longer than [`MAX_ENDPOINT_BYTES`].
    #[error("an endpoint URL may have {MAX_ENDPOINT_BYTES} bytes; this one has {0}")]
    TooLong(usize),
}

impl Endpoint {
    /// Reads and normalises a URL.
    ///
    /// # Errors
    /// [`EndpointError`] when `text` is no absolute URL or too long to be kept.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        if text.len() > 4 * MAX_ENDPOINT_BYTES {
            return Err(EndpointError::TooLong(text.len()));
        }
        let mut url = Url::parse(text).map_err(|_| EndpointError::NotAbsolute(text.to_owned()))?;
        // Without a host there would be nothing left but the scheme.
        if url.host_str().is_none_or(str::is_empty) {
            return Err(EndpointError::NotAbsolute(text.to_owned()));
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = normal_path(url.path());
        url.set_path("");
        let normal = format!("{}{path}", url.as_str().trim_end_matches('/'));
        if normal.len() > MAX_ENDPOINT_BYTES {
            return Err(EndpointError::TooLong(normal.len()));
        }
        Ok(Self(normal.into()))
    }

    /// The normalised URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Decodes every escape that a path does not need and writes the others alike.
fn normal_path(path: &str) -> String {
    path.trim_end_matches('/')
        .split('/')
        .map(|escaped| segment(&percent_decode_str(escaped).decode_utf8_lossy()))
        .collect::<Vec<_>>()
        .join("/")
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, EndpointError> {
        Self::parse(&text)
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0.as_ref().to_owned()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// SYNC-3.1-02.
    #[rstest]
    #[case::scheme_and_host("HTTP://Example.COM/sdata/a/b/-/accounts")]
    #[case::default_port("http://example.com:80/sdata/a/b/-/accounts")]
    #[case::trailing_slash("http://example.com/sdata/a/b/-/accounts/")]
    #[case::needless_escapes("http://example.com/sdata/%61/b/%2D/accounts")]
    #[case::spaces_around(" http://example.com/sdata/a/b/-/accounts\n")]
    fn spellings_of_one_url_are_one_endpoint(#[case] spelling: &str) {
        let endpoint = Endpoint::parse(spelling).unwrap();
        assert_eq!(endpoint.as_str(), "http://example.com/sdata/a/b/-/accounts");
    }

    #[rstest]
    #[case::path_case("http://example.com/sdata/a/b/-/Accounts")]
    #[case::other_port("http://example.com:8080/sdata/a/b/-/accounts")]
    #[case::other_scheme("https://example.com/sdata/a/b/-/accounts")]
    fn different_urls_stay_different(#[case] other: &str) {
        let one = Endpoint::parse("http://example.com/sdata/a/b/-/accounts").unwrap();
        assert_ne!(Endpoint::parse(other).unwrap(), one);
    }

    #[test]
    fn escapes_that_a_path_needs_are_kept_and_written_alike() {
        let endpoint = Endpoint::parse("http://example.com/sdata/a%2fb/s%C3%A4/x y").unwrap();
        assert_eq!(endpoint.as_str(), "http://example.com/sdata/a%2Fb/s%C3%A4/x%20y");
    }

    #[rstest]
    #[case::relative("accounts")]
    #[case::no_base("mailto:a@b")]
    #[case::no_host("sqlite:///")]
    #[case::file("file:///sdata/a/b/-/accounts")]
    #[case::empty("")]
    fn what_is_no_absolute_url_is_refused(#[case] text: &str) {
        assert!(matches!(Endpoint::parse(text), Err(EndpointError::NotAbsolute(_))));
    }
}
