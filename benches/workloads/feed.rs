//! Synchronization feeds as a source elsewhere sends them, page by page (sync 5.6).

use crate::resources::Kind;
use sdata_sync::protocol::Stamp;
use std::fmt::Write;

const NAMESPACES: &str = r#"xmlns="http://www.w3.org/2005/Atom" xmlns:sdata="http://schemas.sage.com/sdata/2008/1" xmlns:sync="http://schemas.sage.com/sdata/sync/2008/1" xmlns:http="http://schemas.sage.com/sdata/http/2008/1" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#;
/// When the first change was made.
const FIRST_CHANGE_MILLIS: i64 = 1_760_000_000_000;
/// Entries on a page.
pub const PAGE: u64 = 1000;

/// A source, by its place among the sources of a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(pub u64);

impl Node {
    /// Its endpoint for a kind.
    pub fn endpoint(self, kind: Kind) -> String {
        format!("http://n{}.example.com/sdata/erp/sample/-/{}", self.0, kind.plural())
    }
}

/// One change of a resource.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// Which resource.
    pub number: u64,
    /// Its version, from 0: what its properties are.
    pub version: u64,
    /// The tick that its source gave it.
    pub tick: u64,
    /// Seconds after the first change of all.
    pub seconds: i64,
}

/// A feed: so many changes of one source, all ticks below one digest.
#[derive(Debug, Clone, Copy)]
pub struct Feed {
    /// What it carries.
    pub kind: Kind,
    /// Whose changes they are.
    pub node: Node,
    /// First tick that the source has not given away.
    pub end_tick: u64,
    /// Changes it carries.
    pub changes: u64,
}

impl Feed {
    /// The pages with the changes at `places` (0 is the first of the feed), which begin and end with a page. `change`
    /// says what stands at a place.
    pub fn pages(&self, places: std::ops::Range<u64>, change: impl Fn(u64) -> Change) -> Vec<Vec<u8>> {
        let starts = places.clone().step_by(PAGE as usize);
        starts.map(|start| self.page(start, (start + PAGE).min(places.end), &change)).collect()
    }

    fn page(&self, start: u64, end: u64, change: &impl Fn(u64) -> Change) -> Vec<u8> {
        let endpoint = self.node.endpoint(self.kind);
        let id = format!("{endpoint}/$syncSource('feed-{}-{}')", self.end_tick, self.changes);
        let mut xml = String::with_capacity(2_048 * PAGE as usize);
        write!(
            xml,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><feed {NAMESPACES}><id>{id}</id><title>changes</title><updated>{}</updated>\
             <sync:syncMode>catchUp</sync:syncMode>{}<opensearch:totalResults>{}</opensearch:totalResults>\
             <opensearch:startIndex>{}</opensearch:startIndex><opensearch:itemsPerPage>{PAGE}</opensearch:itemsPerPage>",
            stamp(0),
            digest(&endpoint, &[(&endpoint, self.end_tick)]),
            self.changes,
            start + 1,
        )
        .unwrap();
        if end < self.changes {
            write!(
                xml,
                r#"<link rel="next" type="application/atom+xml; type=feed" href="{id}?startIndex={}"/>"#,
                end + 1
            )
            .unwrap();
        }
        for place in start..end {
            self.entry(&mut xml, &endpoint, change(place));
        }
        xml.push_str("</feed>");
        xml.into_bytes()
    }

    fn entry(&self, xml: &mut String, endpoint: &str, change: Change) {
        let Change { number, version, tick, seconds } = change;
        let (stamp, method) = (stamp(seconds), if version == 0 { "POST" } else { "PUT" });
        let url = format!("{endpoint}('{number}')");
        write!(
            xml,
            "<entry><id>{url}</id><title>{number}</title><updated>{stamp}</updated><author><name>erp</name></author>\
             <content type=\"text\">{number}</content><link rel=\"self\" type=\"application/atom+xml; type=entry\" href=\"{url}\"/>\
             <http:httpMethod>{method}</http:httpMethod><sync:syncState><sync:endpoint>{endpoint}</sync:endpoint>\
             <sync:tick>{tick}</sync:tick><sync:stamp>{stamp}</sync:stamp></sync:syncState><sdata:payload>",
        )
        .unwrap();
        let uuid = self.kind.uuid(number);
        let attributes = format!(r#" sdata:key="{number}" sdata:url="{url}" sdata:uuid="{uuid}""#);
        self.kind.write(xml, number, version, &attributes);
        xml.push_str("</sdata:payload></entry>");
    }
}

/// An account as a client of the resource kind sends it.
pub fn single(number: u64, version: u64) -> Vec<u8> {
    let mut xml = format!("<entry {NAMESPACES}><sdata:payload>");
    Kind::Accounts.write(&mut xml, number, version, "");
    xml.push_str("</sdata:payload></entry>");
    xml.into_bytes()
}

/// A batch that creates accounts (core 13.3).
pub fn batch(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let mut xml = format!("<feed {NAMESPACES}><id/><title>batch</title>");
    for number in numbers {
        xml.push_str("<entry><id/><http:httpMethod>POST</http:httpMethod><sdata:payload>");
        Kind::Accounts.write(&mut xml, number, 0, "");
        xml.push_str("</sdata:payload></entry>");
    }
    xml.push_str("</feed>");
    xml.into_bytes()
}

/// The entry with the digest of a target that knows these endpoints up to these ticks.
pub fn digest_entry(origin: &str, known: &[(&str, u64)]) -> Vec<u8> {
    format!("<entry {NAMESPACES}><sdata:payload>{}</sdata:payload></entry>", digest(origin, known)).into_bytes()
}

fn digest(origin: &str, known: &[(&str, u64)]) -> String {
    let mut xml = format!("<sync:digest><sync:origin>{origin}</sync:origin>");
    for (endpoint, tick) in known {
        write!(
            xml,
            "<sync:digestEntry><sync:endpoint>{endpoint}</sync:endpoint><sync:tick>{tick}</sync:tick><sync:stamp>{}</sync:stamp>\
             <sync:conflictPriority>5</sync:conflictPriority></sync:digestEntry>",
            stamp(0),
        )
        .unwrap();
    }
    xml.push_str("</sync:digest>");
    xml
}

fn stamp(seconds: i64) -> String {
    Stamp::from_millis(FIRST_CHANGE_MILLIS + seconds * 1000).to_string()
}
