//! Why a query cannot be answered, and where in its text that shows.

use super::token::Mistake;

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} at character {position}: {problem}", .parameter.name())]
pub struct QueryError {
    /// The parameter the text stands in.
    pub parameter: Parameter,
    /// The character at fault, counted from 1; one past the end where something is missing there.
    pub position: usize,
    /// What is wrong.
    pub problem: Problem,
}

impl QueryError {
    /// The error about a mistake in `text`.
    pub(super) fn at(parameter: Parameter, text: &str, mistake: Mistake) -> Self {
        let before = text.get(..mistake.at).unwrap_or(text);
        Self { parameter, position: before.chars().count() + 1, problem: mistake.problem }
    }
}

/// The query parameters that have a language (core 2.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// `where`, and a predicate that selects a resource (core 2.2).
    Where,
    /// `orderBy`
    OrderBy,
    /// `select` and `include`
    Paths,
}

impl Parameter {
    const fn name(self) -> &'static str {
        match self {
            Self::Where => "where",
            Self::OrderBy => "orderBy",
            Self::Paths => "select or include",
        }
    }
}

/// What is wrong at a place of a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is longer than any sensible query, in characters.
    #[error("a query has at most {0} characters")]
    TooLong(usize),
    /// Parentheses, arguments, signs and `not` are nested too deeply.
    #[error("a query is at most {0} levels deep")]
    TooDeep(usize),
    /// The query has too many operators and operands.
    #[error("a query has at most {0} operators and operands")]
    TooManyParts(usize),
    /// Something else should stand there.
    #[error("{expected} was expected, not {found}")]
    Unexpected {
        /// What could stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// A quoted text without its closing quote.
    #[error("the text in quotes does not end; a quote within it is doubled")]
    OpenText,
    /// What stands between `@` is no date, time or timestamp.
    #[error("'{0}' is no date (@2008-05-19@), time (@18:41:00@) or timestamp (@2008-05-19T18:41:00Z@)")]
    BadMoment(String),
    /// A number with more digits than can be compared exactly everywhere.
    #[error("a number has at most {0} digits")]
    LongNumber(usize),
    /// The kind or structure has no such property.
    #[error("{within} has no property '{name}'{}", hint(.similar.as_deref()))]
    UnknownProperty {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        within: String,
        /// A property whose name differs in letter case alone.
        similar: Option<String>,
    },
    /// `sme:canFilter` is false.
    #[error("'{0}' cannot be filtered by (sme:canFilter)")]
    CannotFilter(String),
    /// `sme:canSort` is false.
    #[error("'{0}' cannot be sorted by (sme:canSort)")]
    CannotSort(String),
    /// A property that has no single value to compare.
    #[error("'{name}' is {what}")]
    NoValue {
        /// The property.
        name: String,
        /// What it is instead.
        what: &'static str,
    },
    /// More references in a row than are followed.
    #[error("at most {0} references are followed in a row")]
    TooManyReferences(usize),
    /// `$name` says nothing about the resources of this URL.
    #[error("there is no protocol variable '{0}' here; there are {1}")]
    UnknownVariable(String, String),
    /// No function has this name.
    #[error("there is no function '{0}'")]
    UnknownFunction(String),
    /// Functions within functions, deeper than a database prepares quickly.
    #[error("functions stand in one another at most {0} levels deep")]
    NestedCalls(usize),
    /// A function with too few or too many arguments.
    #[error("{function} takes {takes} arguments, not {given}")]
    WrongCount {
        /// The function.
        function: String,
        /// How many it takes, in words.
        takes: &'static str,
        /// How many it was given.
        given: usize,
    },
    /// An operand of a type that its operator or function does not take.
    #[error("{operator} takes {takes}, not {given}")]
    WrongType {
        /// The operator or function.
        operator: String,
        /// What it takes.
        takes: &'static str,
        /// What it was given.
        given: &'static str,
    },
    /// Two sides that have no order between them.
    #[error("{left} cannot be compared with {right}")]
    Incomparable {
        /// The left side.
        left: &'static str,
        /// The right side.
        right: &'static str,
    },
    /// A quoted text that should stand for something else, and does not.
    #[error("'{text}' is not {takes}")]
    NoSuchValue {
        /// The text.
        text: String,
        /// What it is compared with.
        takes: &'static str,
    },
    /// `null` in any place but beside `eq` and `ne`.
    #[error("null can only be compared, with eq and ne")]
    NullOperand,
    /// Text functions whose result could be too long to be held in memory.
    #[error("the result of {0} could be longer than {1} characters")]
    LongResult(String, u64),
}

fn hint(similar: Option<&str>) -> String {
    similar.map(|name| format!("; it has '{name}'")).unwrap_or_default()
}
