//! Who is at the other end of a connection, as far as the connection itself tells.

use actix_web::HttpRequest;
use std::net::IpAddr;

/// The other end of a request's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    /// Its address; a connection that has none is nobody's.
    pub address: Option<IpAddr>,
    /// Whether nobody between it and us can read along: TLS, or this machine alone.
    pub is_private: bool,
}

impl Client {
    /// The client of `http`.
    pub(super) fn of(http: &HttpRequest) -> Self {
        let address = http.peer_addr().map(|address| address.ip().to_canonical());
        let is_private = http.app_config().secure() || address.is_some_and(|address| address.is_loopback());
        Self { address, is_private }
    }
}
