//! Writers: users of one provider, who create, change, delete and link what they find there.

use crate::Soak;
use crate::client::{Client, Unanswered};
use crate::kinds::KINDS;
use crate::ledger::Version;
use crate::messages::{Written, body, link, marker_of, resource};
use crate::network::Node;
use crate::support::Answer;
use crate::support::messages::{batch, posted};
use rand::RngExt;
use sdata_sync::wire::names::SDATA;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Writers of each provider.
pub(crate) const WRITERS: usize = 2;
/// Between two writes of one writer, in milliseconds.
const PAUSE_MILLIS: std::ops::Range<u64> = 20..250;
/// Live resources of a kind after which none is added.
const ENOUGH: u64 = 1_000;
/// Resources that a batch creates at most.
const BATCHED: usize = 12;
/// Between two attempts while a provider is gone.
const AGAIN: Duration = Duration::from_millis(200);

pub(crate) struct Writer {
    soak: Arc<Soak>,
    node: usize,
    number: usize,
    client: Client,
    /// Live resources of each kind when last looked at.
    totals: HashMap<&'static str, u64>,
}

/// A resource as a writer sees it.
struct Seen {
    key: String,
    url: String,
    etag: String,
    marker: String,
}

impl Writer {
    pub(crate) fn new(soak: Arc<Soak>, node: usize, number: usize) -> Self {
        Self { soak, node, number, client: Client::new(), totals: HashMap::new() }
    }

    fn at(&self) -> &Node {
        &self.soak.network.nodes[self.node]
    }

    /// Writes until the soak is over.
    pub(crate) async fn write(mut self) {
        while !self.soak.is_over() {
            let kind = KINDS[rand::rng().random_range(0..KINDS.len())];
            let chance = rand::rng().random_range(0..100);
            let written = match chance {
                0..30 => self.create(kind).await,
                30..75 => self.update(kind).await,
                75..85 => self.delete(kind).await,
                85..95 => self.batch(kind).await,
                _ => self.link(kind).await,
            };
            if written.is_err() {
                tokio::time::sleep(AGAIN).await;
            }
            let pause = rand::rng().random_range(PAUSE_MILLIS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn create(&mut self, kind: &'static str) -> Result<(), Unanswered> {
        let Some(written) = self.new_resource(kind).await? else { return Ok(()) };
        let version = self.version(written.name.as_deref().unwrap_or_default(), None, false);
        let sent = body(kind, &version.marker, &written);
        let answer = self.client.send("POST", &self.at().url(kind), None, Some(sent)).await;
        self.settle(kind, version, answer, &[])
    }

    async fn update(&mut self, kind: &'static str) -> Result<(), Unanswered> {
        let Some(seen) = self.any(kind).await? else { return Ok(()) };
        let written = self.changes(kind).await?;
        let version = self.replacing(&seen, false);
        let sent = body(kind, &version.marker, &written);
        let answer = self.client.send("PUT", &seen.url, Some(&seen.etag), Some(sent)).await;
        self.settle(kind, version, answer, &[404, 410, 412])
    }

    /// What orders must refer to stays.
    async fn delete(&mut self, kind: &'static str) -> Result<(), Unanswered> {
        if matches!(kind, "accounts" | "products") {
            return Ok(());
        }
        let Some(seen) = self.any(kind).await? else { return Ok(()) };
        let version = self.replacing(&seen, true);
        let answer = self.client.send("DELETE", &seen.url, Some(&seen.etag), None).await;
        self.settle(kind, version, answer, &[404, 410, 412])
    }

    /// Synchronization gives UUIDs, too, and may be first; and what was seen may be gone.
    async fn link(&mut self, kind: &'static str) -> Result<(), Unanswered> {
        let Some(seen) = self.any(kind).await? else { return Ok(()) };
        let url = format!("{}/$linked", self.at().url(kind));
        let answer = self.client.send("POST", &url, None, Some(link(kind, &seen.url))).await?;
        if !matches!(answer.status, 200 | 201 | 400 | 404 | 409 | 410 | 503) {
            self.surprise("link", &answer);
        }
        Ok(())
    }

    /// Several new resources and a change of an old one; the batch is asked for until its results are known.
    async fn batch(&mut self, kind: &'static str) -> Result<(), Unanswered> {
        let (mut entries, mut versions) = (Vec::new(), Vec::new());
        let count = rand::rng().random_range(1..=BATCHED);
        for _ in 0..count {
            if let Some(written) = self.new_resource(kind).await? {
                let version = self.version(written.name.as_deref().unwrap_or_default(), None, false);
                entries.push(posted(&resource(kind, &version.marker, &written)));
                versions.push(version);
            }
        }
        if let Some(seen) = self.any(kind).await? {
            let written = self.changes(kind).await?;
            let version = self.replacing(&seen, false);
            entries.push(changed(&seen, &resource(kind, &version.marker, &written)));
            versions.push(version);
        }
        if entries.is_empty() {
            return Ok(());
        }
        let context = format!("{}/$batch?trackingID={}", self.at().url(kind), Uuid::new_v4());
        let statuses = self.results(&context, batch(&entries)).await;
        for (place, version) in versions.into_iter().enumerate() {
            let status = statuses.as_ref().and_then(|statuses| statuses.get(place).copied());
            match status {
                Some(200 | 201) => self.soak.ledger.note(kind, Version { acknowledged: true, ..version }),
                Some(404 | 409 | 410 | 412) => self.soak.ledger.note_refused(),
                Some(status) => self.soak.ledger.surprise(format!("{context}: {status} for {}", version.marker)),
                None => self.soak.ledger.note(kind, version),
            }
        }
        Ok(())
    }

    /// The statuses of a batch's entries. It is posted again until it is accepted, and asked for until it is done, whatever
    /// becomes of the provider meanwhile; a provider that does not come back leaves them unknown.
    async fn results(&self, url: &str, body: String) -> Option<Vec<u16>> {
        let mut location: Option<String> = None;
        for _ in 0..600 {
            let answer = match &location {
                None => self.client.send("POST", url, None, Some(body.clone())).await,
                Some(location) => self.client.get(location).await,
            };
            match answer {
                Ok(answer) if answer.status == 202 => location = Some(answer.header("location").to_owned()),
                Ok(answer) if answer.status == 200 => {
                    let (_, entries) = answer.feed();
                    let _ = self.client.send("DELETE", location.as_deref().unwrap_or(url), None, None).await;
                    return Some(entries.iter().map(|entry| entry.http_status.unwrap_or_default()).collect());
                }
                Ok(answer) if answer.status != 503 => {
                    self.surprise("batch", &answer);
                    return None;
                }
                Ok(_) | Err(Unanswered) => {}
            }
            tokio::time::sleep(AGAIN).await;
        }
        None
    }

    /// Notes what came of a write; `refusals` are statuses that it may get besides 503.
    fn settle(
        &self,
        kind: &'static str,
        version: Version,
        answer: Result<Answer, Unanswered>,
        refusals: &[u16],
    ) -> Result<(), Unanswered> {
        match answer {
            Ok(answer) if matches!(answer.status, 200 | 201 | 204) => {
                self.soak.ledger.note(kind, Version { acknowledged: true, ..version });
            }
            Ok(answer) if answer.status == 503 || refusals.contains(&answer.status) => self.soak.ledger.note_refused(),
            Ok(answer) => self.surprise(&version.marker, &answer),
            Err(unanswered) => {
                self.soak.ledger.note(kind, version);
                return Err(unanswered);
            }
        }
        Ok(())
    }

    fn surprise(&self, what: &str, answer: &Answer) {
        let node = &self.at().name;
        self.soak.ledger.surprise(format!(
            "writer {} of {node}, {what}: {}: {}",
            self.number,
            answer.status,
            answer.text()
        ));
    }

    fn version(&self, name: &str, replaced: Option<&str>, deleted: bool) -> Version {
        let (marker, replaced) = (self.soak.ledger.marker(name), replaced.map(str::to_owned));
        Version { marker, replaced, deleted, acknowledged: false }
    }

    fn replacing(&self, seen: &Seen, deleted: bool) -> Version {
        self.version(crate::ledger::name_of(&seen.marker), Some(&seen.marker), deleted)
    }

    /// What a new resource says; `None` where there are enough, or where there is nothing yet that it could refer to.
    async fn new_resource(&mut self, kind: &'static str) -> Result<Option<Written>, Unanswered> {
        if self.totals.get(kind).is_some_and(|total| *total >= ENOUGH) {
            return Ok(None);
        }
        let written = Written { name: Some(self.soak.ledger.name()), ..self.changes(kind).await? };
        let is_complete = kind != "salesOrders" || written.account.is_some() && !written.products.is_empty();
        Ok(is_complete.then_some(written))
    }

    async fn changes(&mut self, kind: &'static str) -> Result<Written, Unanswered> {
        let mut written = Written { number: rand::rng().random_range(1..1_000), ..Written::default() };
        if matches!(kind, "contacts" | "salesOrders") {
            written.account = self.any("accounts").await?.map(|seen| seen.key);
        }
        if kind == "salesOrders" {
            let lines = rand::rng().random_range(1..4);
            for _ in 0..lines {
                written.products.extend(self.any("products").await?.map(|seen| seen.key));
            }
        }
        Ok(written)
    }

    /// Any live resource of a kind.
    async fn any(&mut self, kind: &'static str) -> Result<Option<Seen>, Unanswered> {
        let total = self.totals.get(kind).copied().unwrap_or(1).max(1);
        let index = rand::rng().random_range(1..=total);
        let answer = self.client.get(&format!("{}?count=1&startIndex={index}", self.at().url(kind))).await?;
        if answer.status != 200 {
            if answer.status != 503 {
                self.surprise("read", &answer);
            }
            return Ok(None);
        }
        let (head, entries) = answer.feed();
        self.totals.insert(kind, head.total_results.unwrap_or_default());
        Ok(entries.into_iter().next().and_then(|entry| {
            let resource = entry.resource()?;
            Some(Seen {
                key: resource.attribute(SDATA, "key")?.to_owned(),
                url: resource.attribute(SDATA, "url")?.to_owned(),
                marker: marker_of(kind, resource),
                etag: entry.etag?,
            })
        }))
    }
}

/// An entry of a batch that changes what was seen.
fn changed(seen: &Seen, resource: &str) -> String {
    let (url, etag) = (&seen.url, seen.etag.replace('"', "&quot;"));
    format!(
        "<entry><id>{url}</id><http:httpMethod>PUT</http:httpMethod><http:ifMatch>{etag}</http:ifMatch>\
         <sdata:payload>{resource}</sdata:payload></entry>"
    )
}
