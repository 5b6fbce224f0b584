//! Which clauses of the specification are shown by which tests: keeps `docs/conformance.md` true.

#[path = "../rust_sources/mod.rs"]
mod rust_sources;

mod catalogue;
mod claims;
mod page;

use page::Facts;
use rust_sources::{read_folder, root};
use std::{env, fs, io};

/// Where tests may stand.
const FOLDERS: [&str; 4] = ["src", "tests", "entities", "migration"];

#[test]
fn the_page_says_what_the_tests_show() -> io::Result<()> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        files.extend(read_folder(folder)?);
    }
    let facts = Facts { clauses: catalogue::catalogue()?, open: catalogue::open()?, claims: claims::claims(&files) };
    let path = root().join("docs/conformance.md");
    let page = facts.page();
    if env::var_os("UPDATE_CONFORMANCE").is_some() {
        fs::write(&path, &page)?;
    }
    let faults = facts.faults();
    assert!(faults.is_empty(), "docs/conformance does not fit the tests:\n{}", faults.join("\n"));
    let is_true = fs::read_to_string(&path).is_ok_and(|written| written == page);
    assert!(is_true, "docs/conformance.md is stale: run UPDATE_CONFORMANCE=1 cargo test --test conformance");
    Ok(())
}
