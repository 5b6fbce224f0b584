//! Why a contract cannot be served, and what was merely noted about it.

use std::fmt;

/// Why a contract cannot be read; always names the file, and the line where there is one.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The file cannot be opened or read.
    #[error("{file}: {source}")]
    Unreadable {
        /// The file, as it was named.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is there, but is no contract.
    #[error("{file}:{line}: {problem}")]
    Invalid {
        /// The file, as it was named.
        file: String,
        /// Line of the declaration at fault, from 1.
        line: usize,
        /// What is wrong there.
        problem: Problem,
    },
}

/// What is wrong with a declaration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not well-formed, or refused by the hardened reader.
    #[error("{0}")]
    Xml(String),
    /// Another encoding than UTF-8.
    #[error("a contract must be written in UTF-8")]
    Encoding,
    /// The root element is not `xs:schema`.
    #[error("the root is '{0}', not an XML schema (xs:schema)")]
    NoSchema(String),
    /// A contract needs a namespace: payloads are recognised by it (core 3.8).
    #[error("the schema has no targetNamespace")]
    NoNamespace,
    /// An imported file has another namespace than the import says.
    #[error("'{location}' has the namespace '{found}', the import says '{expected}'")]
    OtherNamespace {
        /// The `schemaLocation`.
        location: String,
        /// The `targetNamespace` found.
        found: String,
        /// The namespace announced.
        expected: String,
    },
    /// No element declares a resource kind (core 4.2).
    #[error("no element has sme:role=\"resourceKind\": the contract has nothing to serve")]
    NoKinds,
    /// Two kinds would answer at one URL.
    #[error("the plural name '{0}' is taken by another resource kind")]
    DuplicateKind(String),
    /// Two kinds that only letter case tells apart (core 2.13).
    #[error("the plural name '{name}' differs from '{other}', of another resource kind, only in letter case")]
    AlikeKinds {
        /// The plural name.
        name: String,
        /// The one before it.
        other: String,
    },
    /// A resource kind has a simple type, or none.
    #[error("the resource kind '{0}' has no complex type")]
    KindWithoutType(String),
    /// A name that nothing declares.
    #[error("the {what} '{name}' is not declared in this schema or in one it imports")]
    Unresolved {
        /// Kind of declaration: "type", "element", "group", "attributeGroup", "attribute".
        what: &'static str,
        /// The name as written.
        name: String,
    },
    /// Two declarations of one name.
    #[error("'{0}' is declared twice")]
    Duplicate(String),
    /// A type or group that is made of itself.
    #[error("'{0}' is derived from itself")]
    Circular(String),
    /// A derivation that XML Schema does not allow.
    #[error("invalid derivation: {0}")]
    Derivation(String),
    /// An attribute with a value it cannot have.
    #[error("{attribute}=\"{value}\" is not {expected}")]
    BadValue {
        /// The attribute or facet.
        attribute: String,
        /// What it says.
        value: String,
        /// What it could say.
        expected: &'static str,
    },
    /// A declaration without something it must have.
    #[error("xs:{element} needs {needs}")]
    Incomplete {
        /// The declaring element.
        element: String,
        /// What is missing.
        needs: &'static str,
    },
    /// A construct that no SData schema needs and this reader does not know.
    #[error("xs:{0} is not supported")]
    Unsupported(String),
}

/// Something in a contract that is served less strictly than it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file, as it was named.
    pub file: String,
    /// Line of the declaration, from 1.
    pub line: usize,
    /// What was noted.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}
