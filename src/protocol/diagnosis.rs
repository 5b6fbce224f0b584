//! What is said of something that went wrong (core 3.10).

use serde::{Deserialize, Serialize};

/// Our own name for a target that cannot be brought up to date by changes alone.
pub const BEHIND_HORIZON: &str = "behindHorizon";
/// Our own name for a UUID that its resource bears no more.
pub const UNLINKED: &str = "unlinked";
/// Our own name for a source that first gets back what it has forgotten.
pub const RECOVERING: &str = "recovering";

/// How bad it is (core 3.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Severity {
    /// Nothing is wrong.
    Info,
    /// It was done, but not quite as asked.
    Warning,
    /// It may work when tried again.
    Transient,
    /// It was not done.
    Error,
    /// It was not done, and nothing else is either.
    Fatal,
}

impl Severity {
    /// Lower case, as deployed clients expect it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Transient => "transient",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// Reads a severity in any letter case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Transient, Self::Error, Self::Fatal]
            .into_iter()
            .find(|severity| text.trim().eq_ignore_ascii_case(severity.as_str()))
    }
}

/// The ten codes of core 3.10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SdataCode {
    /// The URL cannot be understood.
    BadUrlSyntax,
    /// A query parameter has a value that cannot be.
    BadQueryParameter,
    /// No such application.
    ApplicationNotFound,
    /// The application cannot answer now.
    ApplicationUnavailable,
    /// No such dataset.
    DatasetNotFound,
    /// The dataset cannot be used now.
    DatasetUnavailable,
    /// No such contract.
    ContractNotFound,
    /// No such resource kind.
    ResourceKindNotFound,
    /// The `where` parameter cannot be understood.
    BadWhereSyntax,
    /// Anything else; `applicationCode` says more.
    ApplicationDiagnosis,
}

impl SdataCode {
    /// The code's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadUrlSyntax => "BadUrlSyntax",
            Self::BadQueryParameter => "BadQueryParameter",
            Self::ApplicationNotFound => "ApplicationNotFound",
            Self::ApplicationUnavailable => "ApplicationUnavailable",
            Self::DatasetNotFound => "DatasetNotFound",
            Self::DatasetUnavailable => "DatasetUnavailable",
            Self::ContractNotFound => "ContractNotFound",
            Self::ResourceKindNotFound => "ResourceKindNotFound",
            Self::BadWhereSyntax => "BadWhereSyntax",
            Self::ApplicationDiagnosis => "ApplicationDiagnosis",
        }
    }

    /// Reads a code by its name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::BadUrlSyntax,
            Self::BadQueryParameter,
            Self::ApplicationNotFound,
            Self::ApplicationUnavailable,
            Self::DatasetNotFound,
            Self::DatasetUnavailable,
            Self::ContractNotFound,
            Self::ResourceKindNotFound,
            Self::BadWhereSyntax,
            Self::ApplicationDiagnosis,
        ]
        .into_iter()
        .find(|code| code.as_str() == text.trim())
    }
}

/// One `sdata:diagnosis` (core 3.10). `stackTrace` is never filled: it helps nobody outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// How bad it is.
    pub severity: Severity,
    /// Which of the ten.
    pub sdata_code: SdataCode,
    /// Our own name for the fault, where `sdata_code` is [`SdataCode::ApplicationDiagnosis`]; else empty.
    pub application_code: String,
    /// What was wrong and what would be right.
    pub message: String,
    /// The payload element at fault, as a path of element names from the resource element down; else empty.
    pub payload_path: String,
}

impl Diagnosis {
    /// An error with a code of our own.
    #[must_use]
    pub fn error(application_code: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            sdata_code: SdataCode::ApplicationDiagnosis,
            application_code: application_code.to_owned(),
            message: message.into(),
            payload_path: String::new(),
        }
    }

    /// An error with one of the specification's codes.
    #[must_use]
    pub fn coded(sdata_code: SdataCode, message: impl Into<String>) -> Self {
        Self { sdata_code, application_code: String::new(), ..Self::error("", message) }
    }

    /// The same with another severity.
    #[must_use]
    pub fn with_severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// The same about the payload element at `path`.
    #[must_use]
    pub fn at(self, path: impl Into<String>) -> Self {
        Self { payload_path: path.into(), ..self }
    }
}
