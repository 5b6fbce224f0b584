//! Why the provider does not do what it was asked, and what its consumer is told (core 3.10).

use super::access::Refusal;
use crate::contract::Fault;
use crate::protocol::diagnosis::{BEHIND_HORIZON, RECOVERING, UNLINKED};
use crate::protocol::digest::OwnTickMoved;
use crate::protocol::endpoint::EndpointError;
use crate::protocol::horizon::BehindHorizon;
use crate::protocol::immediate::Gap;
use crate::protocol::path::PathError;
use crate::protocol::{Diagnosis, SdataCode, Severity};
use crate::query::{Parameter, QueryError};
use crate::store::{RegisterError, StoreError, Transient};
use crate::wire::WireError;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use uuid::Uuid;

/// Why a request is refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body cannot be read as what the URL takes.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The store cannot do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A collection that is stored otherwise than it is served.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// An endpoint URL that cannot be kept.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The URL names nothing: which level is missing, and what was looked for.
    #[error("there is no {what} '{name}' here")]
    NotFound {
        /// The code of the level (core 6.10).
        code: SdataCode,
        /// The level in words.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// What the URL names is gone for good.
    #[error("{0} does not exist any more")]
    Gone(String),
    /// A UUID that was taken away from its resource, which lives on under another (docs/adr/0004-uuid-changes.md).
    #[error("the link with UUID '{0}' was taken away; the resource lives on under another")]
    Unlinked(Uuid),
    /// The operation is not served for this kind, or not by this method.
    #[error("{message}")]
    MethodNotAllowed {
        /// What is served instead.
        message: String,
        /// The methods the URL has, for the `Allow` header.
        allow: &'static str,
    },
    /// A URL of SData that this provider does not serve (core 6.9, 6.10).
    #[error("{0} is not implemented here")]
    NotImplemented(String),
    /// A URL that cannot be understood.
    #[error("{0}")]
    BadUrl(String),
    /// A query parameter whose value cannot be.
    #[error("{0}")]
    BadParameter(String),
    /// A `where` that cannot be answered.
    #[error("{0}")]
    BadWhere(String),
    /// The payload violates the contract.
    #[error("the payload violates the contract in {} places", .0.len())]
    Invalid(Vec<Fault>),
    /// It was found wanting when it was read.
    #[error("{}", .0.message())]
    Refused(Failure),
    /// The body is well-formed but not what the operation takes.
    #[error("{0}")]
    BadBody(String),
    /// The body is larger than the configured limit, in bytes.
    #[error("the body is larger than {0} bytes, the most this provider takes; send smaller pages")]
    TooLarge(u64),
    /// A URL with more bytes than the configured limit.
    #[error("the URL is longer than {0} bytes, the most this provider takes")]
    UrlTooLong(usize),
    /// Headers above a configured limit.
    #[error("{0} are more than this provider takes")]
    HeadTooLarge(String),
    /// A body that came too slowly.
    #[error("{0}")]
    TooSlow(String),
    /// More requests, or connections, at once than the configured limit.
    #[error("{0}; try again in a moment")]
    Overloaded(String),
    /// More operations of one client than the configured limit.
    #[error("{0} of your operations wait or run, the most one client may have; wait for one to end, or delete one")]
    TooManyJobs(u64),
    /// A body in a `Content-Encoding` that is not known.
    #[error("the Content-Encoding '{0}' is not known; gzip, deflate, br and zstd are, one at a time")]
    ContentCoding(String),
    /// The connection broke before the body was complete.
    #[error("the body ended early: {0}")]
    BodyBroken(String),
    /// A value of a unique property that another resource bears.
    #[error("{property} '{value}' is taken: another resource bears it")]
    NotUnique {
        /// The property.
        property: String,
        /// Its value.
        value: String,
    },
    /// A key or UUID that another resource bears.
    #[error("{0}")]
    Taken(String),
    /// The database was put back in time: its peers come first.
    #[error(
        "the database of {0} was put back to an earlier state, and it gets back from its peers what it has forgotten: nothing can be \
         sent from it before. Make passes to it first, from everybody who takes changes from it; 'sdata-sync restore-check --heal' \
         does so and ends the waiting"
    )]
    Recovering(String),
    /// The database was put back in time while the operation waited in it.
    #[error(
        "the database was put back to an earlier state, or moved, while this operation waited or ran in it: it may have been done \
         since, or some of it. Make the pass again; send of a batch what was not done"
    )]
    PutBack,
    /// A target whose digest lacks deletions that are not kept any more.
    #[error(transparent)]
    BehindHorizon(#[from] BehindHorizon),
    /// A digest that would move the own tick.
    #[error(transparent)]
    OwnTick(#[from] OwnTickMoved),
    /// An immediate feed with a gap.
    #[error(transparent)]
    Gap(#[from] Gap),
    /// A page of a feed whose earlier pages were not taken.
    #[error(
        "this page starts at entry {start_index}, but of this feed only {taken} entries were taken; send the pages in order"
    )]
    OutOfOrder {
        /// Where the page starts.
        start_index: u64,
        /// How many entries of the feed were taken.
        taken: u64,
    },
    /// A tracking id that is used by another operation or collection, or was used up.
    #[error("trackingID '{id}' {why}; use a new one")]
    TrackingIdTaken {
        /// The id.
        id: String,
        /// By what.
        why: &'static str,
    },
    /// `PUT` without the `If-Match` it needs.
    #[error("a PUT needs If-Match with the http:etag of the version it changes; GET the resource first")]
    NoPrecondition,
    /// `If-Match` names a version that is not the current one.
    #[error("the resource was changed since: its http:etag is {current}")]
    OutOfDate {
        /// The current version's.
        current: String,
        /// The key of the resource, whose current entry is the answer's body.
        key: String,
    },
    /// Whoever asks is not known, or may not do this.
    #[error(transparent)]
    Access(#[from] Refusal),
    /// A job was cancelled by its consumer.
    #[error("the operation was cancelled")]
    Cancelled,
    /// Something that should not be; the details are in the log, not in the answer.
    #[error("{0}")]
    Internal(String),
}

/// What a consumer is told of an [`Error`]: kept with failed jobs, sent as `sdata:diagnoses`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Failure {
    /// The HTTP status, 4xx or 5xx.
    pub status: u16,
    /// What is said of it; never empty.
    pub diagnoses: Vec<Diagnosis>,
}

impl Failure {
    /// What `error` says, by a code of our own.
    fn said(status: u16, code: &str, error: impl Display) -> Self {
        Self { status, diagnoses: vec![Diagnosis::error(code, error.to_string())] }
    }

    /// What `error` says, by one of the specification's codes.
    fn coded(status: u16, code: SdataCode, error: impl Display) -> Self {
        Self { status, diagnoses: vec![Diagnosis::coded(code, error.to_string())] }
    }

    /// It may work in a moment: nothing is wrong with what was asked.
    fn unavailable(why: impl Display) -> Self {
        Self::coded(503, SdataCode::ApplicationUnavailable, why).transient()
    }

    /// It may work in a moment: whoever asks has asked for too much at once.
    fn too_many(code: &str, why: impl Display) -> Self {
        Self::said(429, code, why).transient()
    }

    /// What should not be. Only the log says more.
    fn internal() -> Self {
        Self::said(500, "internal", "the provider could not do this; its log says why")
    }

    fn transient(self) -> Self {
        self.each(|diagnosis| diagnosis.with_severity(Severity::Transient))
    }

    /// The same about the payload element at `path`.
    fn at(self, path: &str) -> Self {
        self.each(|diagnosis| diagnosis.at(path))
    }

    fn each(self, change: impl Fn(Diagnosis) -> Diagnosis) -> Self {
        Self { diagnoses: self.diagnoses.into_iter().map(change).collect(), ..self }
    }

    fn message(&self) -> &str {
        self.diagnoses.first().map_or("the request is refused", |diagnosis| &diagnosis.message)
    }

    /// The reason phrase of an HTTP status that entries of a result bear.
    #[must_use]
    pub const fn reason(status: u16) -> &'static str {
        match status {
            200 => "OK",
            201 => "Created",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            409 => "Conflict",
            410 => "Gone",
            412 => "Precondition Failed",
            500 => "Internal Server Error",
            503 => "Service Unavailable",
            _ => "Failed",
        }
    }
}

impl Error {
    /// There is nothing with this `name` at one of the levels of core 6.10: which one, by its `code` and in words.
    #[must_use]
    pub fn not_found(code: SdataCode, what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound { code, what, name: name.into() }
    }

    /// There is nothing with this `name`, at a level that core 6.10 has no code for.
    #[must_use]
    pub fn no_such(what: &'static str, name: impl Into<String>) -> Self {
        Self::not_found(SdataCode::ApplicationDiagnosis, what, name)
    }

    /// Whether it is the store's, and passes: a job waits for that.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Store(error) if error.passes())
    }

    /// The status and the diagnoses of the error: the one place where they are chosen.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let said = |status, code| Failure::said(status, code, self);
        let coded = |status, code| Failure::coded(status, code, self);
        match self {
            Self::Wire(WireError::Json(_)) => said(400, "badJson"),
            Self::Wire(_) => said(400, "badXml"),
            Self::Store(error) => store_failure(error),
            Self::Register(_) | Self::Internal(_) => Failure::internal(),
            Self::Endpoint(_) => said(400, "badEndpoint"),
            Self::NotFound { code: SdataCode::ApplicationDiagnosis, .. } => said(404, "notFound"),
            Self::NotFound { code, .. } => coded(404, *code),
            Self::Gone(_) => said(410, "gone"),
            Self::MethodNotAllowed { .. } => said(405, "methodNotAllowed"),
            Self::NotImplemented(_) => said(501, "notImplemented"),
            Self::BadUrl(_) => coded(400, SdataCode::BadUrlSyntax),
            Self::BadParameter(_) => coded(400, SdataCode::BadQueryParameter),
            Self::BadWhere(_) => coded(400, SdataCode::BadWhereSyntax),
            Self::Invalid(faults) => invalid(faults),
            Self::Refused(failure) => failure.clone(),
            Self::Unlinked(_) => said(404, UNLINKED),
            Self::BadBody(_) => said(400, "badBody"),
            Self::TooLarge(_) => said(413, "tooLarge"),
            Self::UrlTooLong(_) => said(414, "urlTooLong"),
            Self::HeadTooLarge(_) => said(431, "headTooLarge"),
            Self::TooSlow(_) => said(408, "tooSlow"),
            Self::Overloaded(_) => Failure::unavailable(self),
            Self::TooManyJobs(_) => Failure::too_many("tooManyJobs", self),
            Self::ContentCoding(_) => said(415, "contentCoding"),
            Self::BodyBroken(_) => said(400, "bodyBroken"),
            Self::NotUnique { property, .. } => said(409, "notUnique").at(property),
            Self::Taken(_) => said(409, "taken"),
            Self::Recovering(_) => said(409, RECOVERING),
            Self::PutBack => said(409, "putBack"),
            Self::BehindHorizon(_) => said(409, BEHIND_HORIZON),
            Self::OwnTick(_) => said(409, "ownTick"),
            Self::Gap(_) => said(400, "gap"),
            Self::OutOfOrder { .. } => said(409, "outOfOrder"),
            Self::TrackingIdTaken { .. } => said(409, "trackingIdTaken"),
            Self::NoPrecondition => said(400, "noIfMatch"),
            Self::OutOfDate { .. } => said(412, "outOfDate"),
            Self::Access(refusal) => access_failure(refusal),
            Self::Cancelled => said(410, "cancelled"),
        }
    }
}

fn store_failure(error: &StoreError) -> Failure {
    match error {
        StoreError::Busy(_) => Failure::unavailable("the store is busy; try again in a moment"),
        StoreError::CommitUnknown(_) => Failure::unavailable(
            "the store went away; whether this was done is not known: send the same again in a moment",
        ),
        StoreError::Full(_) => {
            Failure::unavailable("the store has no room left; try again when whoever runs this provider has made some")
        }
        StoreError::Duplicate { .. } => Failure::said(409, "taken", error),
        StoreError::LaneLost | StoreError::Backend(_) | StoreError::Damaged(_) => Failure::internal(),
        StoreError::TooLong { .. } => Failure::said(400, "tooLong", error),
        StoreError::QueryTooSlow(_) => Failure::said(400, "queryTooSlow", error),
    }
}

fn access_failure(refusal: &Refusal) -> Failure {
    match refusal {
        Refusal::Unauthenticated => Failure::said(401, "unauthenticated", refusal),
        Refusal::NotPrivate => Failure::said(403, "notPrivate", refusal),
        Refusal::ForeignPage => Failure::said(403, "foreignPage", refusal),
        Refusal::ForeignName => Failure::said(421, "foreignName", refusal),
        Refusal::NotGranted => Failure::said(403, "notGranted", refusal),
        Refusal::Throttled(_) => Failure::too_many("throttled", refusal),
        Refusal::Overloaded => Failure::unavailable(refusal),
    }
}

fn invalid(faults: &[Fault]) -> Failure {
    let diagnosis = |fault: &Fault| Diagnosis::error("invalid", fault.to_string()).at(&fault.path);
    Failure { status: 400, diagnoses: faults.iter().map(diagnosis).collect() }
}

/// A `where` has a code of its own, the other parameters share one (core 6.10).
impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        match error.parameter {
            Parameter::Where => Self::BadWhere(error.to_string()),
            Parameter::OrderBy | Parameter::Paths => Self::BadParameter(error.to_string()),
        }
    }
}

impl From<PathError> for Error {
    fn from(error: PathError) -> Self {
        Self::BadUrl(error.0)
    }
}

impl Transient for Error {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }

    fn reason(&self) -> &'static str {
        if let Self::Store(error) = self { error.reason() } else { "other" }
    }
}
