//! Programs of others that judge what a provider sends: `scripts/validators` installs and runs them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A document as it was sent, and which schema of docs/schemas says how it must look.
#[derive(Debug, Clone)]
pub struct Sent {
    pub what: String,
    pub grammar: &'static str,
    pub body: Vec<u8>,
}

impl Sent {
    pub fn new(grammar: &'static str, what: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { what: what.into(), grammar, body: body.into() }
    }
}

/// Contracts as they were served, kept as files.
pub struct Contracts {
    folder: TempDir,
    files: Vec<PathBuf>,
}

impl Contracts {
    pub fn new(served: &[&[u8]]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keep = |(number, xsd): (usize, &&[u8])| keep(folder.path(), &format!("contract-{number}.xsd"), xsd);
        let files = served.iter().enumerate().map(keep).collect();
        Self { folder, files }
    }
}

/// What libxml2 finds wrong with each document: against its schema, against the rules that no grammar can say, and
/// with its payloads against the contracts.
pub fn faults(sent: &[Sent], contracts: &Contracts) -> Vec<Vec<String>> {
    let entry = |(number, sent): (usize, &Sent)| {
        let document = keep(contracts.folder.path(), &format!("document-{number}.xml"), &sent.body);
        serde_json::json!({
            "document": document,
            "what": sent.what,
            "grammar": sent.grammar,
            "contracts": contracts.files,
        })
    };
    let manifest: Vec<_> = sent.iter().enumerate().map(entry).collect();
    let answer = run("validate", &["docs/schemas"], &serde_json::to_vec(&manifest).unwrap());
    serde_json::from_slice(&answer).unwrap()
}

/// What feedparser understands of each feed.
pub fn read_feeds(feeds: &[&[u8]]) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let keep = |(number, feed): (usize, &&[u8])| keep(folder.path(), &format!("feed-{number}.xml"), feed);
    let files: Vec<_> = feeds.iter().enumerate().map(keep).collect();
    let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
    serde_json::from_slice(&run("read_feeds", &files, &[])).unwrap()
}

fn keep(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, content).unwrap();
    file
}

/// Runs one of the programs and answers what it printed.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("scripts/validators");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg(program).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "scripts/validators {program} failed; its own words stand above");
    output.stdout
}
