//! Why a pass fails.

use crate::wire::{WireError, read_diagnoses};
use reqwest::{Method, StatusCode};
use url::Url;

/// Longest piece of a body that is no SData message and is quoted nevertheless, in characters.
const EXCERPT_CHARACTERS: usize = 200;

/// Why a pass, or a run as a whole, fails. Every message names the URL at fault.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// No answer, however often it was tried.
    #[error("no answer from {url}: {reason}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// The last fault.
        reason: String,
    },
    /// An answer that is a refusal.
    #[error("{method} {url} was answered {status}{}{reason}", if .reason.is_empty() { "" } else { ": " })]
    Refused {
        /// The method.
        method: Method,
        /// What was asked.
        url: String,
        /// The answer's status.
        status: StatusCode,
        /// What the provider says; empty where it says nothing.
        reason: String,
        /// The provider's own name for it, of its first diagnosis; empty where it has none.
        code: String,
    },
    /// An answer that cannot be understood.
    #[error("{url} answered with what is no {wanted}: {reason}")]
    Unreadable {
        /// What was asked.
        url: String,
        /// What was wanted: "digest", "feed", "schema".
        wanted: &'static str,
        /// Why it is none.
        reason: Box<WireError>,
    },
    /// An operation that the provider no longer knows: it was restarted without its memory, or somebody deleted it.
    #[error("the provider no longer knows {url} ({status})")]
    ContextGone {
        /// The operation's context.
        url: String,
        /// 404 or 410.
        status: StatusCode,
    },
    /// A link that is no URL, or leads back to a page that was read before.
    #[error("the page {url} has a link '{link}' that leads nowhere, or back to it")]
    BadLink {
        /// The page.
        url: String,
        /// The link.
        link: String,
    },
    /// Two datasets that have nothing to synchronize.
    #[error(
        "{source_url} and {target_url} have no resource kind in common that the one gives and the other takes (sme:isSyncSource, sme:isSyncTarget)"
    )]
    NothingInCommon {
        /// The source dataset.
        source_url: String,
        /// The target dataset.
        target_url: String,
    },
    /// Credentials for a provider at a URL where others can read along.
    #[error("{url} is not https: credentials would be sent in clear; give the provider's https URL")]
    PlainCredentials {
        /// The provider.
        url: String,
    },
    /// What a source has deleted could not all be deleted at the target of a full pass.
    #[error(
        "{count} resources that the source has deleted are still at {url}; the target stays behind until a full pass has deleted them: \
         mend what is told of each, and make it again"
    )]
    NotDeleted {
        /// The target.
        url: String,
        /// How many.
        count: u64,
    },
    /// A target that got its own changes back before it deleted what they had deleted.
    #[error("the own tick of {url} rose with the changes that it got back, and nobody can lower it")]
    OwnTickRose {
        /// The target.
        url: String,
    },
    /// The client itself could not be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
    /// Whoever started the run ended it.
    #[error("interrupted")]
    Cancelled,
}

impl EngineError {
    /// A refusal, with what its body says.
    pub(super) fn refused(method: Method, url: &Url, status: StatusCode, body: &[u8]) -> Self {
        let said = read_diagnoses(body).ok().and_then(|said| said.into_iter().next());
        let code = said.map(|said| said.application_code).unwrap_or_default();
        Self::Refused { method, url: url.to_string(), status, reason: reason_in(body), code }
    }

    /// Whether a provider of ours gave this reason.
    pub(super) fn is_called(&self, name: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == name)
    }

    /// The same as something that beginning again will not mend.
    pub(super) fn for_good(self) -> Self {
        match self {
            Self::ContextGone { url, status } => {
                let reason = "the operation was forgotten again and again".to_owned();
                Self::Refused { method: Method::GET, url, status, reason, code: String::new() }
            }
            other => other,
        }
    }
}

/// What a body says of a refusal: its diagnoses, else its beginning where it is plain text.
pub(super) fn reason_in(body: &[u8]) -> String {
    if let Ok(diagnoses) = read_diagnoses(body) {
        let messages = diagnoses.into_iter().map(|diagnosis| diagnosis.message).filter(|message| !message.is_empty());
        return messages.collect::<Vec<_>>().join("; ");
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.starts_with('<') {
        return String::new();
    }
    let excerpt: String = text.chars().take(EXCERPT_CHARACTERS).collect();
    excerpt.split_whitespace().collect::<Vec<_>>().join(" ")
}
