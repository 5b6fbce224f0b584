//! Messages as consumers write them, by hand: not with the provider's own writer.

use uuid::Uuid;

/// The namespace of the sample contract.
pub const SAMPLE: &str = "urn:sdata-sync:sample:1";

const NAMESPACES: &str = r#"xmlns="http://www.w3.org/2005/Atom" xmlns:sdata="http://schemas.sage.com/sdata/2008/1" xmlns:sync="http://schemas.sage.com/sdata/sync/2008/1" xmlns:http="http://schemas.sage.com/sdata/http/2008/1" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#;

/// Nodes of the specification's examples (sync 2.5, 2.6, 5.5).
pub const N1: &str = "http://n1.example.com/sdata/app/contract/-/accounts";
pub const N2: &str = "http://n2.example.com/sdata/app/contract/-/accounts";
pub const N3: &str = "http://n3.example.com/sdata/app/contract/-/accounts";

/// The nodes by number.
pub fn node(n: u8) -> &'static str {
    [N1, N2, N3][usize::from(n) - 1]
}

/// The digest entries of the three nodes, with their numbers as priorities.
pub fn three_nodes(ticks: [u64; 3]) -> [(&'static str, u64, u8); 3] {
    [(N1, ticks[0], 1), (N2, ticks[1], 2), (N3, ticks[2], 3)]
}

/// A page of N1, up to its tick 50, to be filled.
pub fn page() -> SyncFeed {
    SyncFeed::new(N1, &three_nodes([50, 1, 1]))
}

/// What a consumer sends to link the account at `url`, under `uuid` where it names one.
pub fn link_to(url: &str, uuid: Option<Uuid>) -> String {
    let uuid = uuid.map(|uuid| format!(r#" sdata:uuid="{uuid}""#)).unwrap_or_default();
    entry(&format!(r#"<account xmlns="{SAMPLE}" sdata:url="{url}"{uuid}/>"#))
}

/// An Atom entry around a resource element.
pub fn entry(resource: &str) -> String {
    format!("<entry {NAMESPACES}><sdata:payload>{resource}</sdata:payload></entry>")
}

/// An entry of a batch that creates a resource.
pub fn posted(resource: &str) -> String {
    format!("<entry><id/><http:httpMethod>POST</http:httpMethod><sdata:payload>{resource}</sdata:payload></entry>")
}

/// A batch: a feed of entries as they are written.
pub fn batch(entries: &[String]) -> String {
    format!("<feed {NAMESPACES}><id/><title>test</title>{}</feed>", entries.concat())
}

/// An account with the properties every account must have.
pub fn account(code: &str, name: &str) -> String {
    format!(r#"<account xmlns="{SAMPLE}"><code>{code}</code><name>{name}</name></account>"#)
}

/// The account as a synchronization peer sends it.
pub fn account_of(uuid: Uuid, code: &str, name: &str) -> String {
    format!(r#"<account xmlns="{SAMPLE}" sdata:uuid="{uuid}"><code>{code}</code><name>{name}</name></account>"#)
}

/// A deleted account as a synchronization peer sends it.
pub fn deleted_account(uuid: Uuid) -> String {
    format!(r#"<account xmlns="{SAMPLE}" sdata:uuid="{uuid}" sdata:isDeleted="true"/>"#)
}

/// A digest: endpoint, tick, priority of each entry; all stamps alike.
pub fn digest(origin: &str, entries: &[(&str, u64, u8)]) -> String {
    let entries: String = entries
        .iter()
        .map(|(endpoint, tick, priority)| {
            format!(
                "<sync:digestEntry><sync:endpoint>{endpoint}</sync:endpoint><sync:tick>{tick}</sync:tick>\
                 <sync:stamp>2026-01-01T00:00:00Z</sync:stamp><sync:conflictPriority>{priority}</sync:conflictPriority></sync:digestEntry>"
            )
        })
        .collect();
    format!("<sync:digest><sync:origin>{origin}</sync:origin>{entries}</sync:digest>")
}

/// A digest as the entry that `$syncSource` and `$syncDigest` take.
pub fn digest_entry(origin: &str, entries: &[(&str, u64, u8)]) -> String {
    format!("<entry {NAMESPACES}><sdata:payload>{}</sdata:payload></entry>", digest(origin, entries))
}

/// A page of a synchronization feed, built up.
#[derive(Debug, Clone)]
pub struct SyncFeed {
    pub id: String,
    pub mode: Option<String>,
    pub digest: Option<String>,
    pub start_index: Option<u64>,
    pub next: Option<String>,
    pub entries: Vec<String>,
}

impl SyncFeed {
    /// A catch-up feed, one page, of the source with this digest.
    pub fn new(origin: &str, digest_entries: &[(&str, u64, u8)]) -> Self {
        Self {
            id: format!("{origin}/$syncSource('{}')", Uuid::new_v4()),
            mode: Some("catchUp".to_owned()),
            digest: Some(digest(origin, digest_entries)),
            start_index: None,
            next: None,
            entries: Vec::new(),
        }
    }

    /// Adds an entry: a resource with its state.
    #[must_use]
    pub fn with(self, (endpoint, tick): (&str, u64), resource: &str) -> Self {
        self.stamped((endpoint, tick, "2026-01-01T00:00:00Z"), resource)
    }

    /// Adds an entry whose state has this stamp.
    #[must_use]
    pub fn stamped(self, (endpoint, tick, stamp): (&str, u64, &str), resource: &str) -> Self {
        self.raw(&format!(
            "<entry><id/><title/><sync:syncState><sync:endpoint>{endpoint}</sync:endpoint><sync:tick>{tick}</sync:tick>\
             <sync:stamp>{stamp}</sync:stamp></sync:syncState><sdata:payload>{resource}</sdata:payload></entry>"
        ))
    }

    /// Says that another page follows.
    #[must_use]
    pub fn with_next(mut self) -> Self {
        self.next = Some(format!("{}?startIndex=2", self.id));
        self
    }

    /// The same in another mode; `None` says none.
    #[must_use]
    pub fn in_mode(mut self, mode: Option<&str>) -> Self {
        self.mode = mode.map(str::to_owned);
        self
    }

    /// Adds an entry as it is written.
    #[must_use]
    pub fn raw(mut self, entry: &str) -> Self {
        self.entries.push(entry.to_owned());
        self
    }

    /// The page as XML.
    pub fn xml(&self) -> String {
        let mode = self.mode.iter().map(|mode| format!("<sync:syncMode>{mode}</sync:syncMode>")).collect::<String>();
        let next = self.next.iter().map(|next| format!(r#"<link rel="next" href="{next}"/>"#)).collect::<String>();
        let start =
            self.start_index.iter().map(|start| format!("<opensearch:startIndex>{start}</opensearch:startIndex>"));
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><feed {NAMESPACES}><id>{}</id><title>test</title>\
             <updated>2026-01-01T00:00:00Z</updated>{mode}{}{next}{}{}</feed>",
            self.id,
            self.digest.clone().unwrap_or_default(),
            start.collect::<String>(),
            self.entries.concat()
        )
    }
}
