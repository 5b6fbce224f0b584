//! How fast payloads are checked against a contract: resources of twenty properties, and a large contract read.
#![allow(missing_docs, reason = "the benchmark's entry point is made by a macro")]

#[path = "../tests/support/generated_contract.rs"]
mod generated_contract;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sdata_sync::contract::{Contract, Sender};
use sdata_sync::wire::{Element, ReadLimits};
use std::hint::black_box;

/// An account of the sample contract: twenty properties, six of them in its address.
const ACCOUNT: &str = "<account xmlns=\"urn:sdata-sync:sample:1\"><code>A-1001</code><name>Ash &amp; Elm Furniture</name><type>Customer</type>\
    <active>true</active><phone>+44 20 7946 0000</phone><email>office@example.com</email><website>https://example.com/</website>\
    <creditLimit>12500.00</creditLimit><currency>GBP</currency><openedOn>2009-05-31</openedOn><lastContactAt>2024-02-29T13:20:00Z</lastContactAt>\
    <balance>1234.50</balance><postalAddress><street>1 Wood Lane</street><city>Leeds</city><region>West Yorkshire</region>\
    <postalCode>LS1 1AA</postalCode><countryCode>GB</countryCode></postalAddress><notes>Delivers to the back door.</notes></account>";

fn validation(criterion: &mut Criterion) {
    let Ok(contract) = Contract::sample() else { return };
    let (Some(kind), Ok(sent)) =
        (contract.kind("accounts"), Element::parse(ACCOUNT.as_bytes(), &ReadLimits::default()))
    else {
        return;
    };
    let Ok(stored) = contract.accept(kind, &sent, None, Sender::Peer) else { return };
    let mut group = criterion.benchmark_group("validation");
    group.throughput(Throughput::Elements(1));
    group.bench_function("accept a new resource", |bencher| {
        bencher.iter(|| contract.accept(kind, black_box(&sent), None, Sender::Peer))
    });
    group.bench_function("accept a change", |bencher| {
        bencher.iter(|| contract.accept(kind, black_box(&sent), Some(&stored.resource), Sender::Peer));
    });
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let Ok(path) = generated_contract::write_to(folder.path()) else { return };
    let mut group = criterion.benchmark_group("contract");
    group.sample_size(10);
    group.bench_function("read 1 MB with 52 kinds", |bencher| bencher.iter(|| Contract::read(black_box(&path))));
    group.finish();
}

criterion_group!(benches, validation, reading);
criterion_main!(benches);
