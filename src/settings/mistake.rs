//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;
use toml_edit::{Array, ArrayOfTables, ImDocument, Item, TableLike, Value};

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file, on a line counted from 1 where it is known.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: Option<usize>,
    },
    /// In an environment variable of this name.
    Environment(String),
    /// In a flag on the command line.
    Flag(String),
    /// Nowhere: the value is missing, and there is no file it could be in.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}: ", path.display()),
            Self::File { path, line: None } => write!(f, "{}: ", path.display()),
            Self::Environment(variable) => write!(f, "environment variable {variable}: "),
            Self::Flag(flag) => write!(f, "flag {flag}: "),
            Self::Nowhere => f.write_str("configuration: "),
        }
    }
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// The key, from the section down: `paging.max_count`; empty where the whole file is meant.
    pub key: String,
    /// What is wrong and what would be right. Never a password.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.key.is_empty() { "" } else { " " };
        write!(f, "{}{}{space}{}", self.place, self.key, self.message)
    }
}

/// Why a configuration cannot be used: every mistake in it, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// Never empty.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, mistake) in self.mistakes.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

impl From<Mistake> for SettingsError {
    fn from(mistake: Mistake) -> Self {
        Self { mistakes: vec![mistake] }
    }
}

/// The line, from 1, of the byte at `offset`.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The line on which `key` stands in a TOML text, or the last of its parents that is there.
pub(super) fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = ImDocument::parse(text).ok()?;
    let mut node = Node::Table(document.as_table());
    let mut offset = None;
    for segment in key.split('.') {
        let Some((start, child)) = node.child(segment) else { break };
        offset = start.or(offset);
        node = child;
    }
    offset.map(|offset| line_at(text, offset))
}

/// What a key leads to in a TOML document.
enum Node<'a> {
    Table(&'a dyn TableLike),
    Tables(&'a ArrayOfTables),
    Array(&'a Array),
    Leaf,
}

impl<'a> Node<'a> {
    /// The child that one segment of a key names, and the byte where it begins.
    fn child(&self, segment: &str) -> Option<(Option<usize>, Self)> {
        match self {
            Self::Table(table) => {
                let (key, item) = table.get_key_value(segment)?;
                Some((key.span().map(|span| span.start), Self::of_item(item)))
            }
            Self::Tables(tables) => {
                let table = tables.get(segment.parse().ok()?)?;
                Some((table.span().map(|span| span.start), Self::Table(table)))
            }
            Self::Array(array) => {
                let value = array.get(segment.parse().ok()?)?;
                Some((value.span().map(|span| span.start), Self::of_value(value)))
            }
            Self::Leaf => None,
        }
    }

    fn of_item(item: &'a Item) -> Self {
        match item {
            Item::Table(table) => Self::Table(table),
            Item::ArrayOfTables(tables) => Self::Tables(tables),
            Item::Value(value) => Self::of_value(value),
            Item::None => Self::Leaf,
        }
    }

    fn of_value(value: &'a Value) -> Self {
        match value {
            Value::InlineTable(table) => Self::Table(table),
            Value::Array(array) => Self::Array(array),
            _ => Self::Leaf,
        }
    }
}
