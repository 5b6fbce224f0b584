//! How fast conditions are read and checked.
#![allow(missing_docs, reason = "the benchmark's entry point is made by a macro")]

use chrono::DateTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sdata_sync::contract::Contract;
use sdata_sync::query::{ProtocolVariable, Scope, parse_where};
use std::hint::black_box;

const SHORT: &str = "name like '%BANK%' and creditLimit - balance ge 1000.0";

fn query(criterion: &mut Criterion) {
    let Ok(contract) = Contract::sample() else { return };
    let Some(kind) = contract.kind("accounts") else { return };
    let variables = &ProtocolVariable::ALL;
    let scope = Scope { contract: &contract, kind, variables, now: DateTime::UNIX_EPOCH };
    let long = (0..300).map(|number| format!("code eq 'C{number:04}'")).collect::<Vec<_>>().join(" or ");
    let nested = format!("{}active{}", "(".repeat(50), ")".repeat(50));
    let mut group = criterion.benchmark_group("where");
    for (name, text) in [("short", SHORT), ("300 alternatives", &long), ("50 parentheses", &nested)] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bench| bench.iter(|| parse_where(black_box(text), black_box(&scope))));
    }
    group.finish();
}

criterion_group!(benches, query);
criterion_main!(benches);
