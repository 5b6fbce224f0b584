//! A short run of what scripts/fuzz does at length, without a fuzzer: the kept corpus, and what comes of it by chance.
#![allow(missing_docs, reason = "tests are named after what they show")]

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rstest::rstest;
use std::io;
use std::path::Path;

#[path = "../fuzz/targets/mod.rs"]
mod targets;

/// Inputs made from the corpus of each target.
const MUTATIONS: usize = 5_000;

#[rstest]
#[case::query("query", targets::query)]
#[case::selector("selector", targets::selector)]
#[case::contract("contract", targets::contract)]
#[case::payload("payload", targets::payload)]
#[case::markup("markup", targets::markup)]
#[case::feed("feed", targets::feed)]
#[case::entry("entry", targets::entry)]
#[case::digest("digest", targets::digest)]
#[case::answers("answers", targets::answers)]
#[case::json("json", targets::json)]
#[case::texts("texts", targets::texts)]
#[case::written("written", targets::written)]
fn the_corpus_and_what_comes_of_it_do_no_harm(#[case] target: &str, #[case] run: fn(&[u8])) -> io::Result<()> {
    let corpus = corpus(target)?;
    assert!(!corpus.is_empty());
    corpus.iter().for_each(|input| run(input));
    // The same inputs on every machine: a failure can be repeated.
    let mut chance = StdRng::seed_from_u64(1);
    for _ in 0..MUTATIONS {
        if let (Some(input), Some(other)) = (corpus.choose(&mut chance), corpus.choose(&mut chance)) {
            run(&mutated(input, other, &mut chance));
        }
    }
    Ok(())
}

/// The inputs that are kept of a target, always in the same order.
fn corpus(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files = std::fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    files.into_iter().map(std::fs::read).collect()
}

/// A few changes of `input`, in parts taken from `other`.
fn mutated(input: &[u8], other: &[u8], chance: &mut StdRng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..chance.random_range(1..=4) {
        let at = chance.random_range(0..=bytes.len());
        let end = chance.random_range(at..=bytes.len().min(at + 20));
        let from = chance.random_range(0..=other.len());
        let to = chance.random_range(from..=other.len().min(from + 40));
        let part = match chance.random_range(0..4) {
            0 => Vec::new(),
            1 => vec![chance.random_range(b' '..=b'~')],
            2 => bytes.get(at..end).unwrap_or_default().repeat(chance.random_range(2..=9)),
            _ => other.get(from..to).unwrap_or_default().to_vec(),
        };
        bytes.splice(at..end, part);
    }
    bytes
}
