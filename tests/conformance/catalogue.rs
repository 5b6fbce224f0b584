//! The tables the page is made from: the catalogue of clauses, and what is open.

use crate::rust_sources::root;
use std::collections::BTreeMap;
use std::{fs, io};

/// One clause of the specification that can be checked from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) id: String,
    /// MUST, SHOULD or MAY.
    pub(crate) level: String,
    /// The specification's section.
    pub(crate) section: String,
    pub(crate) requirement: String,
    /// The part of the provider that answers for it.
    pub(crate) area: String,
}

/// Why a clause is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) status: OpenStatus,
    pub(crate) reason: String,
}

/// How far a clause is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenStatus {
    /// Its tests show a part of it.
    Partly,
    /// Nothing shows it.
    NotYet,
}

/// The catalogue, in its order.
///
/// # Errors
/// When it cannot be read, or a row has not five columns, or an id stands there twice.
pub(crate) fn catalogue() -> io::Result<Vec<Clause>> {
    let mut clauses: Vec<Clause> = Vec::new();
    for (place, [id, level, section, requirement, area]) in rows("docs/conformance/catalogue.tsv")? {
        if clauses.iter().any(|clause| clause.id == id) {
            return Err(io::Error::other(format!("{place}: {id} stands there twice")));
        }
        clauses.push(Clause { id, level, section, requirement, area });
    }
    Ok(clauses)
}

/// What is open, by id.
///
/// # Errors
/// When the table cannot be read, or says something else than `partly` or `not yet`.
pub(crate) fn open() -> io::Result<BTreeMap<String, Open>> {
    let mut open = BTreeMap::new();
    for (place, [id, status, reason]) in rows("docs/conformance/open.tsv")? {
        let status = match status.as_str() {
            "partly" => OpenStatus::Partly,
            "not yet" => OpenStatus::NotYet,
            other => return Err(io::Error::other(format!("{place}: '{other}' is neither 'partly' nor 'not yet'"))),
        };
        if reason.trim().is_empty() || open.insert(id.clone(), Open { status, reason }).is_some() {
            return Err(io::Error::other(format!("{place}: {id} has no reason, or stands there twice")));
        }
    }
    Ok(open)
}

/// The rows of a table with a head line, each with its place.
fn rows<const COLUMNS: usize>(path: &str) -> io::Result<Vec<(String, [String; COLUMNS])>> {
    let text = fs::read_to_string(root().join(path))?;
    let row = |(index, line): (usize, &str)| {
        let place = format!("{path}:{}", index + 1);
        let cells: Vec<_> = line.split('\t').map(str::to_owned).collect();
        let count = cells.len();
        let cells =
            cells.try_into().map_err(|_| io::Error::other(format!("{place}: {count} columns instead of {COLUMNS}")))?;
        Ok((place, cells))
    };
    text.lines().enumerate().skip(1).map(row).collect()
}
