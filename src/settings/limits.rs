//! What a request, a client and all of them together may cost.

use super::reader::Reader;
use std::time::Duration;

/// What requests may cost. What goes beyond is refused, and nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest request body, in bytes, also once it is unpacked.
    pub max_body_bytes: u64,
    /// Levels of elements, or of objects and arrays.
    pub depth: u16,
    /// Attributes of one element.
    pub attributes: u16,
    /// Bytes of a name.
    pub name_bytes: usize,
    /// Bytes of a text.
    pub text_bytes: usize,
    /// Elements, texts and attributes of one entry.
    pub nodes: usize,
    /// Entries of one feed.
    pub entries: usize,
    /// Bytes of a URL.
    pub url_bytes: usize,
    /// Bytes of all headers.
    pub header_bytes: usize,
    /// Headers.
    pub headers: usize,
    /// Query parameters.
    pub parameters: usize,
    /// For the head of a request, for TLS to be agreed on, and for a connection on which nothing is asked.
    pub head_time: Duration,
    /// For the body of a request, as far as it is the client that is waited for.
    pub body_time: Duration,
    /// What a client must send of a body on average, once it had ten seconds.
    pub body_bytes_per_second: u64,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_address: usize,
    /// Requests under way at once.
    pub requests: usize,
    /// Requests under way at once of one client.
    pub requests_per_client: usize,
    /// Operations of one client that wait or run.
    pub jobs_per_client: u64,
    /// For a statement of a query.
    pub query_time: Duration,
}

/// The upper ends for what documents are made of are those of `ReadLimits::WIDEST`, which engines read with.
pub(super) fn read_limits(reader: &mut Reader) -> Limits {
    let limits = Limits {
        max_body_bytes: reader.number("limits.max_body_bytes", 65_536..=17_179_869_184).unwrap_or(67_108_864),
        depth: reader.number("limits.depth", 16..=200).unwrap_or(64),
        attributes: reader.number("limits.attributes", 16..=256).unwrap_or(64),
        name_bytes: reader.number("limits.name_bytes", 64..=4_096).unwrap_or(256),
        text_bytes: reader.number("limits.text_bytes", 65_536..=1_073_741_824).unwrap_or(8_388_608),
        nodes: reader.number("limits.nodes", 1_000..=10_000_000).unwrap_or(250_000),
        entries: reader.number("limits.entries", 1..=100_000_000).unwrap_or(1_000_000),
        url_bytes: reader.number("limits.url_bytes", 1_024..=65_000).unwrap_or(16_384),
        header_bytes: reader.number("limits.header_bytes", 2_048..=98_304).unwrap_or(32_768),
        headers: reader.number("limits.headers", 16..=96).unwrap_or(64),
        parameters: reader.number("limits.parameters", 8..=1_000).unwrap_or(64),
        head_time: Duration::from_secs(reader.number("limits.head_seconds", 1..=300).unwrap_or(30)),
        body_time: Duration::from_secs(reader.number("limits.body_seconds", 1..=86_400).unwrap_or(900)),
        body_bytes_per_second: reader.number("limits.body_bytes_per_second", 1..=1_073_741_824).unwrap_or(1_024),
        connections: reader.number("limits.connections", 16..=100_000).unwrap_or(800),
        connections_per_address: reader.number("limits.connections_per_address", 1..=100_000).unwrap_or(256),
        requests: reader.number("limits.requests", 1..=100_000).unwrap_or(512),
        requests_per_client: reader.number("limits.requests_per_client", 1..=100_000).unwrap_or(128),
        jobs_per_client: reader.number("limits.jobs_per_client", 1..=100_000).unwrap_or(100),
        query_time: Duration::from_secs(reader.number("limits.query_seconds", 1..=3_600).unwrap_or(30)),
    };
    for (part, whole, of) in [
        ("limits.connections_per_address", "limits.connections", (limits.connections_per_address, limits.connections)),
        ("limits.requests_per_client", "limits.requests", (limits.requests_per_client, limits.requests)),
    ] {
        // A default gives way to what somebody wrote.
        if of.0 > of.1 && reader.has(part) {
            reader.refuse(part, format!("is {}; it must not be above {whole}, which is {}", of.0, of.1));
        }
    }
    limits
}
