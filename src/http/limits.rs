//! What a request may be before anybody looks at what it says.

use super::pace::Pace;
use crate::provider::Error;
use crate::wire::ReadLimits;
use actix_web::HttpRequest;
use std::time::Duration;

/// What requests and those who send them may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a body, also once it is unpacked.
    pub body_bytes: u64,
    /// What is read of one.
    pub read: ReadLimits,
    /// How fast one must come.
    pub pace: Pace,
    /// Bytes of a URL.
    pub url_bytes: usize,
    /// Bytes of all headers.
    pub header_bytes: usize,
    /// Headers; actix itself takes 96 and not more.
    pub headers: usize,
    /// Query parameters.
    pub parameters: usize,
    /// For the head of a request, for TLS to be agreed on, and for a connection on which nothing is asked.
    pub head_time: Duration,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_address: usize,
    /// Requests under way at once.
    pub requests: usize,
    /// Requests under way at once of one client.
    pub requests_per_client: usize,
}

impl Limits {
    /// Refuses a head that is too large.
    ///
    /// # Errors
    /// [`Error::UrlTooLong`], [`Error::HeadTooLarge`], [`Error::BadParameter`].
    pub(super) fn check_head(&self, http: &HttpRequest) -> Result<(), Error> {
        let url = http.uri().path_and_query().map_or(0, |url| url.as_str().len());
        if url > self.url_bytes {
            return Err(Error::UrlTooLong(self.url_bytes));
        }
        if http.headers().len() > self.headers {
            return Err(Error::HeadTooLarge(format!("more than {} headers", self.headers)));
        }
        // As HTTP/1.1 writes them, and HTTP/2 counts them much alike.
        let bytes: usize = http.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if bytes > self.header_bytes {
            return Err(Error::HeadTooLarge(format!("headers of more than {} bytes", self.header_bytes)));
        }
        if http.query_string().split('&').count() > self.parameters {
            return Err(Error::BadParameter(format!("a URL may have {} query parameters", self.parameters)));
        }
        Ok(())
    }
}

#[cfg(test)]
impl Limits {
    /// As small as they can be: for tests, which say what they are about.
    pub(super) fn least() -> Self {
        Self {
            body_bytes: 1,
            read: ReadLimits::default(),
            pace: Pace { time: Duration::from_secs(10), bytes_per_second: 1 },
            url_bytes: 100,
            header_bytes: 1000,
            headers: 10,
            parameters: 10,
            head_time: Duration::from_secs(1),
            connections: 1,
            connections_per_address: 1,
            requests: 1,
            requests_per_client: 1,
        }
    }
}
