//! How fast feeds are read and written: 1,000 entries with payloads of about 1 KB.
#![allow(missing_docs, reason = "the benchmark's entry point is made by a macro")]

#[path = "workloads/resources.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "the workloads need more of it, and may stop at once"
)]
mod resources;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use resources::Kind;
use sdata_sync::protocol::{Digest, Endpoint, Priority, Stamp, SyncMode, SyncState, Tick};
use sdata_sync::wire::{
    Element, EntryOut, FeedOut, FeedReader, FeedWriter, HttpOut, Link, PayloadOut, ReadLimits, ResourceOut, scan_feed,
};
use std::hint::black_box;
use uuid::Uuid;

const ENTRIES: u64 = 1000;
const COLLECTION: &str = "http://crm.example.com/sdata/crm/sample/-/accounts";
const CONTRACT: &str = "urn:sdata-sync:sample:1";

/// The account that the workloads are about, as it is kept: what its element contains.
fn account(number: u64) -> Option<Vec<u8>> {
    let mut xml = String::new();
    Kind::Accounts.write(&mut xml, number, 0, "");
    Element::parse(xml.as_bytes(), &ReadLimits::default()).ok()?.content_xml().ok()
}

fn entries() -> Vec<EntryOut> {
    let Ok(endpoint) = Endpoint::parse(COLLECTION) else { return Vec::new() };
    let entry = |number: u64| {
        let url = format!("{endpoint}('{number}')");
        let stamp = Stamp::from_millis(1_225_378_543_281);
        EntryOut {
            id: url.clone(),
            title: format!("Account {number}"),
            updated: stamp,
            author: "crm".to_owned(),
            content: format!("Account {number}"),
            links: vec![Link::entry("self", &url, "Refresh")],
            http: HttpOut { method: Some("PUT".to_owned()), ..HttpOut::default() },
            sync_state: Some(SyncState {
                endpoint: endpoint.clone(),
                tick: Tick::new(number).unwrap_or_default(),
                stamp,
                user: None,
            }),
            payload: Some(PayloadOut::Resource(ResourceOut {
                namespace: CONTRACT.into(),
                name: "account".into(),
                key: Some(number.to_string()),
                url: Some(url),
                uuid: Some(Uuid::from_u128(u128::from(number))),
                former_uuids: Vec::new(),
                descriptor: None,
                deleted: false,
                content: account(number).unwrap_or_default().into(),
            })),
            ..EntryOut::default()
        }
    };
    (1..=ENTRIES).map(entry).collect()
}

fn head() -> FeedOut {
    let digest = Endpoint::parse(COLLECTION).ok().map(|own| Digest::fresh(own, Stamp::EPOCH, Priority::LOWEST));
    FeedOut { sync_mode: Some(SyncMode::CatchUp), digest, total_results: Some(ENTRIES), ..FeedOut::default() }
}

fn write(head: &FeedOut, entries: &[EntryOut]) -> Option<bytes::Bytes> {
    let mut writer = FeedWriter::begin(head).ok()?;
    for entry in entries {
        writer.entry(entry).ok()?;
    }
    writer.finish().ok()
}

fn read(feed: &[u8]) -> Option<usize> {
    let mut reader = FeedReader::new(feed, ReadLimits::default()).ok()?;
    let mut properties = 0;
    while let Some(entry) = reader.next_entry().ok()? {
        properties += entry.resource().map_or(0, |resource| resource.content.len());
    }
    Some(properties)
}

fn codec(criterion: &mut Criterion) {
    let (head, entries) = (head(), entries());
    let feed = write(&head, &entries).unwrap_or_default();
    let mut by_entry = criterion.benchmark_group("entries");
    by_entry.throughput(Throughput::Elements(ENTRIES));
    by_entry.bench_function("write", |bench| bench.iter(|| write(black_box(&head), black_box(&entries))));
    by_entry.bench_function("read", |bench| bench.iter(|| read(black_box(&feed))));
    by_entry.finish();
    let mut by_byte = criterion.benchmark_group("bytes");
    by_byte.throughput(Throughput::Bytes(feed.len() as u64));
    by_byte.bench_function("scan", |bench| bench.iter(|| scan_feed(black_box(&feed[..]), ReadLimits::default())));
    by_byte.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
