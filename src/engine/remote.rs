//! The HTTP client: one request, tried until it is answered or patience is over.

use super::{EngineError, Observer, PassEvent};
use crate::telemetry::trace_context::{TRACEPARENT, TRACESTATE, TraceHeaders, trace_headers};
use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Certificate, Client, ClientBuilder, Method, StatusCode};
use rustls::crypto::{CryptoProvider, ring};
use rustls_native_certs::load_native_certs;
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use url::{Host, Url};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a provider may be silent in the middle of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(120);
/// Whether this machine believes anybody's certificates. Read once: clients are many, and each reads them again if there are any.
static KNOWS_AUTHORITIES: LazyLock<bool> = LazyLock::new(|| !load_native_certs().certs.is_empty());
/// What the engine reads.
const ACCEPTED: &str = "application/atom+xml, application/xml;q=0.9, */*;q=0.1";

/// Begins an HTTP client of this program: it says who it is, and TLS works.
pub fn client_builder() -> ClientBuilder {
    if CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster: then theirs is used.
        ring::default_provider().install_default().ok();
    }
    let builder = Client::builder().user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    if !*KNOWS_AUTHORITIES {
        // There would be no client at all otherwise, not even for URLs that need no TLS.
        return builder.tls_certs_only([]);
    }
    builder
}

/// What proves to a provider who the engine is. Secrets are never printed.
#[derive(Clone)]
pub enum Credentials {
    /// HTTP Basic.
    Basic {
        /// The user's name.
        user: String,
        /// The password.
        password: String,
    },
    /// An access token.
    Bearer {
        /// The token.
        token: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { user, .. } => f.debug_struct("Basic").field("user", user).finish_non_exhaustive(),
            Self::Bearer { .. } => f.debug_struct("Bearer").finish_non_exhaustive(),
        }
    }
}

/// A provider that the user named, and what it is shown.
#[derive(Clone)]
struct Party {
    url: Url,
    credentials: Option<Credentials>,
}

/// Authorities whose certificates are believed, beside those that this machine knows.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Vec<Certificate>);

impl Authorities {
    /// Those of a file with PEM.
    ///
    /// # Errors
    /// [`EngineError::Client`] when it holds no certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Self, EngineError> {
        let certificates =
            Certificate::from_pem_bundle(pem).map_err(|error| EngineError::Client(root_cause(&error)))?;
        if certificates.is_empty() {
            return Err(EngineError::Client("no certificate as PEM is in it".to_owned()));
        }
        Ok(Self(certificates))
    }
}

/// How long a request is tried again that was not answered, or answered 429, 502, 503 or 504.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// The first delay; the next ones double, with jitter.
    pub first: Duration,
    /// The longest delay.
    pub longest: Duration,
    /// All delays together; a longer `Retry-After` ends the trying, too.
    pub total: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(10), total: Duration::from_secs(75) }
    }
}

impl RetryPolicy {
    /// For what is worth a second try, but not a wait: tidying up.
    fn shortened(self) -> Self {
        Self { total: self.total / 15, ..self }
    }

    fn delays(self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_total_delay(Some(self.total))
            .without_max_times()
            .with_jitter()
    }
}

/// An answer that is none of the passing faults.
pub(super) struct Answer {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) status: StatusCode,
    /// `Location`, made absolute.
    pub(super) location: Option<Url>,
    pub(super) body: Bytes,
    /// Whether there were credentials that were not sent, because nobody named this provider.
    credentials_withheld: bool,
    /// Whether the request was sent more than once: an earlier one may have been taken though its answer was lost.
    pub(super) was_repeated: bool,
}

impl Answer {
    /// The error that this answer is where a success was wanted.
    pub(super) fn refusal(&self) -> EngineError {
        let refused = EngineError::refused(self.method.clone(), &self.url, self.status, &self.body);
        match refused {
            EngineError::Refused { method, url, status, code, .. } if status.is_redirection() => {
                let there = self.location.as_ref().map_or("somewhere else", Url::as_str);
                let reason = format!("it is at {there}; give the URLs as they are now");
                EngineError::Refused { method, url, status, reason, code }
            }
            EngineError::Refused { method, url, status: status @ StatusCode::UNAUTHORIZED, code, .. }
                if self.credentials_withheld =>
            {
                let reason = "credentials go only to the hosts of source and target as they were given; \
                    give the URLs as the provider writes them"
                    .to_owned();
                EngineError::Refused { method, url, status, reason, code }
            }
            other => other,
        }
    }
}

/// The providers of a run, as this machine reaches them.
#[derive(Clone)]
pub struct Remote {
    reading: Client,
    /// For what changes something: most redirects would make a GET of it.
    writing: Client,
    /// Who gets credentials: the providers the user named, not wherever their links lead.
    parties: [Party; 2],
    retries: RetryPolicy,
    observer: Arc<dyn Observer>,
}

impl Remote {
    /// A client for the providers at `addresses`, each of whom gets its own `credentials`, and nobody else.
    ///
    /// # Errors
    /// [`EngineError::PlainCredentials`] when others could read them on the way;
    /// [`EngineError::Client`] when TLS or the proxy settings of this machine cannot be used.
    pub fn new(
        addresses: [&Url; 2],
        credentials: [Option<Credentials>; 2],
        authorities: Authorities,
        retries: RetryPolicy,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, EngineError> {
        // A proxy cannot reach what is on this machine.
        let is_here = addresses.iter().all(|url| is_loopback(url));
        let client = |authorities: Authorities, redirects| {
            let client = client_builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT);
            let client = client.tls_certs_merge(authorities.0).redirect(redirects);
            let client = if is_here { client.no_proxy() } else { client };
            client.build().map_err(|error| EngineError::Client(root_cause(&error)))
        };
        let reading = client(authorities.clone(), Policy::default())?;
        let writing = client(authorities, Policy::custom(kept_as_it_is))?;
        let mut parties = addresses.map(|url| Party { url: url.clone(), credentials: None });
        for (party, credentials) in parties.iter_mut().zip(credentials) {
            if credentials.is_some() && party.url.scheme() != "https" && !is_loopback(&party.url) {
                return Err(EngineError::PlainCredentials { url: party.url.to_string() });
            }
            party.credentials = credentials;
        }
        Ok(Self { reading, writing, parties, retries, observer })
    }

    /// Tells whoever listens.
    pub(super) fn notice(&self, event: PassEvent) {
        self.observer.notice(event);
    }

    pub(super) async fn get(&self, url: &Url) -> Result<Answer, EngineError> {
        self.send(Method::GET, url, None, self.retries).await
    }

    pub(super) async fn post(&self, url: &Url, content_type: &'static str, body: Bytes) -> Result<Answer, EngineError> {
        self.send(Method::POST, url, Some((content_type, body)), self.retries).await
    }

    pub(super) async fn put(&self, url: &Url, content_type: &'static str, body: Bytes) -> Result<Answer, EngineError> {
        self.send(Method::PUT, url, Some((content_type, body)), self.retries).await
    }

    /// Deletes without much patience: what is left expires.
    pub(super) async fn delete(&self, url: &Url) -> Result<Answer, EngineError> {
        self.send(Method::DELETE, url, None, self.retries.shortened()).await
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        body: Option<(&'static str, Bytes)>,
        retries: RetryPolicy,
    ) -> Result<Answer, EngineError> {
        let tries = AtomicU32::new(0);
        let attempt = || {
            tries.fetch_add(1, Ordering::Relaxed);
            self.attempt(&method, url, body.as_ref())
        };
        let answered = attempt
            .retry(retries.delays())
            .when(|fault: &Fault| fault.passes)
            .adjust(|fault, delay| {
                let asked = fault.retry_after.unwrap_or_default();
                delay.map(|delay| delay.max(asked)).filter(|delay| *delay <= retries.total)
            })
            .notify(|fault, delay| {
                let reason = fault.error.to_string();
                self.notice(PassEvent::Retrying { url: url.clone(), reason, delay });
            })
            .await;
        let was_repeated = tries.into_inner() > 1;
        answered.map(|answer| Answer { was_repeated, ..answer }).map_err(|fault| fault.error)
    }

    /// The provider that a URL belongs to: of two on one host, the one whose URL it goes on.
    fn party(&self, url: &Url) -> Option<&Party> {
        let here = || self.parties.iter().filter(|party| party.url.origin() == url.origin());
        let begins = |party: &&Party| url.path().starts_with(party.url.path());
        here().filter(begins).max_by_key(|party| party.url.path().len()).or_else(|| here().next())
    }

    async fn attempt(&self, method: &Method, url: &Url, body: Option<&(&'static str, Bytes)>) -> Result<Answer, Fault> {
        let span = tracing::info_span!("call", method = %method, url = %url, status = Empty);
        self.attempt_within(&span, method, url, body).instrument(span.clone()).await
    }

    async fn attempt_within(
        &self,
        span: &Span,
        method: &Method,
        url: &Url,
        body: Option<&(&'static str, Bytes)>,
    ) -> Result<Answer, Fault> {
        let client = if *method == Method::GET { &self.reading } else { &self.writing };
        let mut request = client.request(method.clone(), url.clone()).header(ACCEPT, ACCEPTED);
        let TraceHeaders { parent, state } = trace_headers(span);
        for (name, value) in [(TRACEPARENT, parent), (TRACESTATE, state)] {
            request = value.into_iter().fold(request, |request, value| request.header(name, value));
        }
        let party = self.party(url);
        request = match party.and_then(|party| party.credentials.as_ref()) {
            Some(Credentials::Basic { user, password }) => request.basic_auth(user, Some(password)),
            Some(Credentials::Bearer { token }) => request.bearer_auth(token),
            None => request,
        };
        if let Some((content_type, body)) = body {
            request = request.header(CONTENT_TYPE, *content_type).body(body.clone());
        }
        let response = request.send().await.map_err(|error| Fault::of_transport(url, &error))?;
        let status = response.status();
        span.record("status", status.as_u16());
        let base = response.url().clone();
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(|error| Fault::of_transport(url, &error))?;
        if is_passing(status) {
            let error = EngineError::refused(method.clone(), url, status, &body);
            return Err(Fault { error, passes: true, retry_after: retry_after(&headers) });
        }
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.filter(|text| !text.trim().is_empty()).and_then(|text| base.join(text.trim()).ok());
        Ok(Answer {
            method: method.clone(),
            url: url.clone(),
            status,
            location,
            body,
            credentials_withheld: party.is_none() && self.parties.iter().any(|party| party.credentials.is_some()),
            was_repeated: false,
        })
    }
}

/// Follows where method and body stay what they are, and the provider is the same.
fn kept_as_it_is(redirect: Attempt<'_>) -> Action {
    const MOST: usize = 5;
    let stays = matches!(redirect.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let is_here = redirect.previous().last().is_some_and(|from| from.origin() == redirect.url().origin());
    if stays && is_here && redirect.previous().len() <= MOST { redirect.follow() } else { redirect.stop() }
}

/// Why one attempt came to nothing.
struct Fault {
    error: EngineError,
    /// Whether another attempt may fare better.
    passes: bool,
    retry_after: Option<Duration>,
}

impl Fault {
    fn of_transport(url: &Url, error: &reqwest::Error) -> Self {
        let passes = !error.is_builder() && !error.is_redirect();
        let error = EngineError::Unreachable { url: url.to_string(), reason: root_cause(error) };
        Self { error, passes, retry_after: None }
    }
}

const fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = DateTime::parse_from_rfc2822(text).ok()?;
    (moment.with_timezone(&Utc) - Utc::now()).to_std().ok()
}

/// The innermost cause: "Connection refused", not "error sending request".
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
