//! Why bytes cannot be read as what they should be, or values not written.

use std::io;
use std::sync::Arc;

/// Why a document is refused, or a value cannot be written. When reading, always the sender's fault,
/// except for [`WireError::Io`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum WireError {
    /// More levels than the limit.
    #[error("elements nested deeper than {limit} at byte {offset}")]
    TooDeep {
        /// Levels allowed.
        limit: u16,
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// A text, name, tag, list of attributes or tree above its limit.
    #[error("{what} above the limit of {limit} at byte {offset}")]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// A document type declaration: the way to entities that grow or read files.
    #[error("a document type declaration (DOCTYPE) at byte {offset}; send the document without it")]
    Doctype {
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// Not well-formed.
    #[error("no well-formed XML at byte {offset}: {message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// A reference to an entity that XML does not define.
    #[error(
        "unknown entity '&{name};' at byte {offset}; only &lt; &gt; &amp; &quot; &apos; and character numbers are known"
    )]
    UnknownEntity {
        /// The entity.
        name: String,
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// The document ends before its root element does.
    #[error("the document ends at byte {offset} before its root element is closed")]
    Unclosed {
        /// The document's length, in bytes.
        offset: u64,
    },
    /// An element after the root.
    #[error("a second root element at byte {offset}")]
    SecondRoot {
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// Characters before or after the root element.
    #[error("text outside the root element at byte {offset}")]
    TextOutsideRoot {
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// A prefix that nothing declares.
    #[error("the namespace prefix '{prefix}' at byte {offset} is not declared")]
    UndeclaredPrefix {
        /// The prefix.
        prefix: String,
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// The same attribute twice on one element, prefixes resolved.
    #[error("the attribute '{name}' stands twice on the element at byte {offset}")]
    DuplicateAttribute {
        /// The attribute's local name.
        name: String,
        /// Where, in bytes from the start.
        offset: u64,
    },
    /// Not UTF-8.
    #[error("the document is {0}; send it as UTF-8")]
    Encoding(String),
    /// A character that XML 1.0 does not have, read or to be written.
    #[error("the character U+{:04X} cannot stand in XML", *.0 as u32)]
    ForbiddenCharacter(char),
    /// What should be written as an element's or attribute's name is none.
    #[error("'{0}' is no XML name")]
    Name(String),
    /// Well-formed, but another document than the one wanted.
    #[error("the root element is {found}; wanted is {expected}")]
    WrongRoot {
        /// The root element, `{namespace}name`.
        found: String,
        /// What was wanted.
        expected: &'static str,
    },
    /// No digest, or one with an entry that cannot be (sync 4.2).
    #[error("digest: {0}")]
    Digest(String),
    /// A `sync:syncMode` that is neither catchUp nor immediate (sync 4.4).
    #[error("'{0}' is no syncMode; it is catchUp or immediate")]
    SyncMode(String),
    /// No JSON, or JSON that says something twice.
    #[error("no JSON that can be read: {0}")]
    Json(String),
    /// The source of the bytes failed.
    #[error("reading failed: {0}")]
    Io(Arc<io::Error>),
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
