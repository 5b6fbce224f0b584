//! A client that costs little: raw bytes on a connection that stays open, nothing parsed but what the next request needs.

use regex::bytes::Regex;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Bytes read at once.
const BUFFER: usize = 256 * 1024;

static ENTRY_END: LazyLock<Regex> = LazyLock::new(|| Regex::new("</entry>").unwrap());
static SUCCESS: LazyLock<Regex> = LazyLock::new(|| Regex::new("<http:httpStatus>20").unwrap());
static NEXT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"<link [^>]*rel="next"[^>]*href="([^"]+)"|<link [^>]*href="([^"]+)"[^>]*rel="next""#).unwrap()
});
static KEY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"sdata:key="([^"]+)""#).unwrap());
static TOTAL: LazyLock<Regex> = LazyLock::new(|| Regex::new("<opensearch:totalResults>([0-9]+)<").unwrap());

/// How long a connection may rest before it is opened anew: servers close those that rest too long.
const LONGEST_REST: Duration = Duration::from_secs(2);

/// A keep-alive connection, with the last answer that came on it.
pub struct Connection {
    base: String,
    stream: BufReader<TcpStream>,
    head: Vec<u8>,
    line: Vec<u8>,
    used_at: Instant,
    /// The last answer's body.
    pub body: Vec<u8>,
    /// The path that the last answer's `Location` named; empty when it named none.
    pub location: String,
}

impl Connection {
    /// Connects to `http://host:port`.
    pub fn open(base: &str) -> Self {
        let stream = connect(base);
        Self {
            base: base.to_owned(),
            stream,
            head: Vec::new(),
            line: Vec::new(),
            used_at: Instant::now(),
            body: Vec::new(),
            location: String::new(),
        }
    }

    /// Sends a request and reads its answer whole; answers the status.
    pub fn send(&mut self, method: &str, path: &str, body: &[u8]) -> u16 {
        if self.used_at.elapsed() > LONGEST_REST {
            self.stream = connect(&self.base);
        }
        self.head.clear();
        let host = self.base.trim_start_matches("http://");
        write!(self.head, "{method} {path} HTTP/1.1\r\nHost: {host}\r\n").unwrap();
        if !body.is_empty() {
            write!(self.head, "Content-Type: application/atom+xml\r\nContent-Length: {}\r\n", body.len()).unwrap();
        }
        if method == "PUT" {
            self.head.extend_from_slice(b"If-Match: *\r\n");
        }
        self.head.extend_from_slice(b"\r\n");
        let stream = self.stream.get_mut();
        // A small request is one packet.
        if body.len() < 16_384 {
            self.head.extend_from_slice(body);
            stream.write_all(&self.head).unwrap();
        } else {
            stream.write_all(&self.head).unwrap();
            stream.write_all(body).unwrap();
        }
        let status = self.read_answer();
        self.used_at = Instant::now();
        status
    }

    /// Sends a request that must succeed with `status`.
    pub fn expect(&mut self, status: u16, method: &str, path: &str, body: &[u8]) {
        let answered = self.send(method, path, body);
        assert_eq!(answered, status, "{method} {path}: {}", String::from_utf8_lossy(&self.body));
    }

    /// The path that an absolute URL of this server leads to, as it stands in a header or in XML.
    pub fn path_of(&self, url: &str) -> String {
        url.strip_prefix(&self.base).unwrap_or(url).replace("&apos;", "'").replace("&amp;", "&")
    }

    /// Entries of the feed that was answered.
    pub fn entries(&self) -> u64 {
        ENTRY_END.find_iter(&self.body).count() as u64
    }

    /// Entries of the result that was answered which succeeded.
    pub fn successes(&self) -> u64 {
        SUCCESS.find_iter(&self.body).count() as u64
    }

    /// The path of the next page; links stand before the first entry.
    pub fn next(&self) -> Option<String> {
        let head = &self.body[..self.body.len().min(16_384)];
        let found = NEXT.captures(head)?;
        let url = found.get(1).or_else(|| found.get(2))?;
        Some(self.path_of(&String::from_utf8_lossy(url.as_bytes())))
    }

    /// The keys of the resources that were answered.
    pub fn keys(&self) -> Vec<String> {
        let keys = KEY.captures_iter(&self.body);
        keys.map(|key| String::from_utf8_lossy(&key[1]).into_owned()).collect()
    }

    /// `opensearch:totalResults` of the feed that was answered.
    pub fn total(&self) -> u64 {
        let total = TOTAL.captures(&self.body);
        total.map_or(0, |total| String::from_utf8_lossy(&total[1]).parse().unwrap())
    }

    fn read_line(&mut self) -> String {
        self.line.clear();
        let read = self.stream.read_until(b'\n', &mut self.line).unwrap();
        assert!(read > 0, "the server closed the connection");
        String::from_utf8_lossy(&self.line).trim_end().to_owned()
    }

    fn read_answer(&mut self) -> u16 {
        self.body.clear();
        self.location.clear();
        let first = self.read_line();
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.read_line();
            let Some((name, value)) = line.split_once(':') else { break };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "transfer-encoding" => chunked = true,
                "location" => self.location = self.path_of(value),
                _ => {}
            }
        }
        if chunked {
            while self.read_chunk() {}
        } else {
            self.read_exactly(length);
        }
        status
    }

    /// Reads a chunk of a chunked body; answers whether it was not the last.
    fn read_chunk(&mut self) -> bool {
        let size = u64::from_str_radix(&self.read_line(), 16).unwrap();
        self.read_exactly(size);
        self.read_line();
        size > 0
    }

    fn read_exactly(&mut self, size: u64) {
        let read = self.stream.by_ref().take(size).read_to_end(&mut self.body).unwrap();
        assert_eq!(read as u64, size, "the answer was broken off");
    }
}

fn connect(base: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    stream.set_nodelay(true).unwrap();
    BufReader::with_capacity(BUFFER, stream)
}
