//! The steps of a pass as the client takes them.

use crate::client::Connection;
use crate::provider::Provider;
use std::collections::VecDeque;
use std::time::Duration;
use uuid::Uuid;

/// Pages posted at most before the result of the first of them is read.
const IN_FLIGHT: usize = 3;
/// Waiting between polls begins here and doubles …
const FIRST_WAIT: Duration = Duration::from_micros(500);
/// … up to here.
const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// A consumer of one resource kind.
pub struct Consumer {
    /// Its connection, with the last answer.
    pub connection: Connection,
    /// The resource kind's path.
    pub kind: String,
    /// Polls so far.
    pub polls: u64,
}

/// What became of a feed's entries.
#[derive(Debug, Default, Clone, Copy)]
pub struct Results {
    /// Entries in results.
    pub entries: u64,
    /// Those with a status of success.
    pub successes: u64,
}

impl Consumer {
    /// A consumer of `kind` (`accounts`) with a connection of its own.
    pub fn new(provider: &Provider, kind: &str) -> Self {
        let connection = Connection::open(&provider.app.base());
        let kind = connection.path_of(&provider.app.kind(kind));
        Self { connection, kind, polls: 0 }
    }

    /// Reads a path below the kind; must succeed.
    pub fn get(&mut self, below: &str) {
        let path = format!("{}{below}", self.kind);
        self.connection.expect(200, "GET", &path, b"");
    }

    /// Posts an asynchronous operation and answers its context's path.
    pub fn submit(&mut self, operation: &str, parameters: &str, body: &[u8]) -> String {
        let id = Uuid::new_v4();
        let path = format!("{}/{operation}?trackingID={id}&runName=workloads&runStamp=1{parameters}", self.kind);
        self.connection.expect(202, "POST", &path, body);
        self.connection.location.clone()
    }

    /// Polls until the operation is done: its answer is the connection's then.
    pub fn wait(&mut self, context: &str) {
        let mut wait = FIRST_WAIT;
        loop {
            self.polls += 1;
            match self.connection.send("GET", context, b"") {
                202 => std::thread::sleep(wait),
                200 => return,
                status => panic!("{context}: {status} {}", String::from_utf8_lossy(&self.connection.body)),
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Deletes a context.
    pub fn delete(&mut self, context: &str) {
        self.connection.expect(200, "DELETE", context, b"");
    }

    /// Reads everything that the bearer of a digest lacks; answers how many entries came.
    pub fn read_changes(&mut self, digest: &[u8], count: u64) -> u64 {
        let context = self.submit("$syncSource", &format!("&count={count}"), digest);
        self.wait(&context);
        let mut entries = self.connection.entries();
        while let Some(next) = self.connection.next() {
            self.connection.expect(200, "GET", &next, b"");
            entries += self.connection.entries();
        }
        self.delete(&context);
        entries
    }

    /// Has a feed's pages applied, in order, and reads their results whole.
    pub fn apply(&mut self, pages: &[Vec<u8>]) -> Results {
        let mut results = Results::default();
        let mut posted = VecDeque::new();
        for page in pages {
            posted.push_back(self.submit("$syncTarget", "", page));
            if posted.len() >= IN_FLIGHT {
                self.take_result(&mut posted, &mut results);
            }
        }
        while !posted.is_empty() {
            self.take_result(&mut posted, &mut results);
        }
        results
    }

    fn take_result(&mut self, posted: &mut VecDeque<String>, results: &mut Results) {
        let Some(context) = posted.pop_front() else { return };
        self.wait(&context);
        results.entries += self.connection.entries();
        results.successes += self.connection.successes();
        self.delete(&context);
    }

    /// A whole pass with nothing to carry: digest, `$syncSource`, its empty page, DELETE.
    pub fn empty_pass(&mut self) {
        self.get("/$syncDigest");
        let digest = std::mem::take(&mut self.connection.body);
        let context = self.submit("$syncSource", "", &digest);
        self.wait(&context);
        assert_eq!(self.connection.entries(), 0, "something changed");
        self.delete(&context);
    }
}
