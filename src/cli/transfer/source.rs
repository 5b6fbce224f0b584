//! Files of resources, read one resource after the other: memory is bounded by one of them.

use super::Format;
use super::columns::{Column, Columns, row};
use super::json;
use super::resource::element_of;
use crate::provider::Collection;
use crate::wire::{Element, FeedReader, ReadLimits};
use anyhow::{Context, anyhow, bail};
use std::fmt;
use std::io::{BufRead, Read};

/// Longest line of JSON, in bytes.
const LONGEST_LINE: u64 = 16 << 20;

/// Where in its file a resource stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The line it begins on, from 1.
    Line(u64),
    /// The entry of a feed, from 1.
    Entry(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, ":{line}"),
            Self::Entry(entry) => write!(f, ", entry {entry}"),
        }
    }
}

/// A resource of a file, or what is wrong with its row.
pub(super) type Row = (Place, Result<Element, String>);

/// The resources of a file.
pub(super) struct Source<'c, R> {
    collection: &'c Collection,
    rows: Rows<R>,
}

enum Rows<R> {
    Ndjson { lines: R, line: u64 },
    Csv { table: Box<csv::Reader<R>>, columns: Vec<Column>, record: csv::StringRecord },
    Atom { feed: Box<FeedReader<R>>, entry: u64 },
}

impl<'c, R: BufRead> Source<'c, R> {
    /// Opens a file of resources of `collection`.
    ///
    /// # Errors
    /// When it is no such file: a feed's root or a table's headings are wrong.
    pub(super) fn open(format: Format, file: R, collection: &'c Collection) -> anyhow::Result<Self> {
        let rows = match format {
            Format::Ndjson => Rows::Ndjson { lines: file, line: 0 },
            Format::Csv => {
                let mut table = Box::new(csv::Reader::from_reader(file));
                let headings = table.headers().context("the headings cannot be read")?;
                let columns = Columns::of(&collection.contract, &collection.kind);
                let columns = columns.named(headings.iter()).map_err(|message| anyhow!(message))?;
                Rows::Csv { table, columns, record: csv::StringRecord::new() }
            }
            Format::Atom => Rows::Atom { feed: Box::new(FeedReader::new(file, ReadLimits::default())?), entry: 0 },
        };
        Ok(Self { collection, rows })
    }

    /// The next resource; `None` after the last.
    ///
    /// # Errors
    /// When nothing more can be read. What is wrong with a single row is in the row.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Row>> {
        let Self { collection, rows } = self;
        match rows {
            Rows::Ndjson { lines, line } => Ok(next_line(lines, line)?.map(|text| {
                let value = json::read(&text);
                let element = value.and_then(|value| element_of(&collection.contract, &collection.kind, &value));
                (Place::Line(*line), element)
            })),
            Rows::Csv { table, columns, record } => {
                let read = table.read_record(record);
                let position = |position: Option<&csv::Position>| Place::Line(position.map_or(0, csv::Position::line));
                match read {
                    Ok(false) => Ok(None),
                    Ok(true) => {
                        let value = row(columns, record.iter());
                        let element = element_of(&collection.contract, &collection.kind, &value);
                        Ok(Some((position(record.position()), element)))
                    }
                    Err(error) => {
                        let place = position(error.position());
                        row_fault(error).map(|message| Some((place, Err(message))))
                    }
                }
            }
            Rows::Atom { feed, entry } => {
                *entry += 1;
                let read = feed.next_entry().with_context(|| format!("entry {entry}"))?;
                Ok(read.map(|read| {
                    let resource = read.payload.and_then(|payload| payload.resource);
                    (Place::Entry(*entry), resource.ok_or_else(|| "has no sdata:payload".to_owned()))
                }))
            }
        }
    }
}

/// The next line that holds something, without its end.
fn next_line(lines: &mut impl BufRead, line: &mut u64) -> anyhow::Result<Option<Vec<u8>>> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    loop {
        let mut text = Vec::new();
        let read = lines.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut text)?;
        if read == 0 {
            return Ok(None);
        }
        *line += 1;
        if read as u64 > LONGEST_LINE {
            bail!("line {line} is longer than {LONGEST_LINE} bytes");
        }
        if *line == 1 && text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        let text = text.trim_ascii();
        if !text.is_empty() {
            return Ok(Some(text.to_vec()));
        }
    }
}

/// What is wrong with one row of a table, where the next one can be read all the same.
fn row_fault(error: csv::Error) -> anyhow::Result<String> {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Ok(format!("has {len} cells where {expected_len} are expected"))
        }
        csv::ErrorKind::Utf8 { .. } => Ok("is not UTF-8".to_owned()),
        _ => Err(error.into()),
    }
}
