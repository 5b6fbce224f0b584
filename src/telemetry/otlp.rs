//! Spans sent to an OpenTelemetry collector: OTLP, as protobuf over HTTP.

use super::filter::is_own;
use super::trace_context::{TRACEPARENT, TRACESTATE, TraceHeaders};
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, OTEL_EXPORTER_OTLP_TIMEOUT, OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT,
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::env;
use std::fmt;
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

/// What the spans of this program are found under, unless somebody says otherwise.
const SERVICE_NAME: &str = env!("CARGO_PKG_NAME");
/// Variables of the OpenTelemetry specification that name a collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// Those that say how long an export may take, in milliseconds.
const TIMEOUTS: [&str; 2] = [OTEL_EXPORTER_OTLP_TRACES_TIMEOUT, OTEL_EXPORTER_OTLP_TIMEOUT];
/// The resource attribute that names a service.
const SERVICE_NAME_ATTRIBUTE: &str = "service.name";
/// How long the last spans may take to reach the collector when the program ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Spans on their way to a collector.
pub struct SpanExport {
    provider: SdkTracerProvider,
}

impl fmt::Debug for SpanExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers of the exporter may hold a token.
        f.debug_struct("SpanExport").finish_non_exhaustive()
    }
}

impl SpanExport {
    /// Whether anybody names a collector: the settings, or the variables of OpenTelemetry.
    #[must_use]
    pub fn is_wanted(endpoint: Option<&str>) -> bool {
        let is_named = |name: &&str| env::var(name).is_ok_and(|value| !value.trim().is_empty());
        endpoint.is_some() || ENDPOINTS.iter().any(is_named)
    }

    /// Sends spans to the collector at `endpoint` (to which `/v1/traces` is added), else to the one that the variables of OpenTelemetry
    /// name. The other variables hold as well: headers, sampler, attributes. That an export ends in time is up to `client`: see
    /// [`timeout`]. To be called within a runtime.
    ///
    /// # Errors
    /// When the collector's URL is none, or a variable asks for what is not there.
    pub fn start(
        endpoint: Option<&str>,
        service_name: Option<&str>,
        client: reqwest::Client,
    ) -> Result<Self, ExporterBuildError> {
        let mut exporter =
            SpanExporter::builder().with_http().with_http_client(Client { client, runtime: Handle::current() });
        if let Some(endpoint) = endpoint {
            exporter = exporter.with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')));
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(service_name))
            .with_batch_exporter(exporter.build()?)
            .build();
        Ok(Self { provider })
    }

    /// What hands this program's spans, and the log lines within them, to the exporter. Those of libraries stay out: among them is
    /// the client that sends them.
    #[must_use]
    pub fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let own = filter_fn(is_own).with_max_level_hint(LevelFilter::INFO);
        tracing_opentelemetry::layer().with_tracer(self.provider.tracer(SERVICE_NAME)).with_filter(own).boxed()
    }

    /// Sends what has not been sent yet, for a few seconds at most.
    pub async fn finish(self) {
        let finished = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FLUSH_TIMEOUT)).await;
        match finished {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans could not be sent"),
            Err(error) => tracing::warn!(%error, "the last spans could not be sent"),
        }
    }
}

/// How long a collector may take to answer. The exporter leaves that to its client, and would wait for ever.
#[must_use]
pub fn timeout() -> Duration {
    let said = TIMEOUTS.iter().find_map(|name| env::var(name).ok()?.trim().parse::<u64>().ok());
    said.map_or(OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT, Duration::from_millis)
}

/// What every span is told to be of.
fn resource(service_name: Option<&str>) -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let found = Resource::builder().with_attribute(version);
    let is_named = env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty())
        || env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|text| text.contains(SERVICE_NAME_ATTRIBUTE));
    match service_name {
        Some(name) => found.with_service_name(name.to_owned()),
        None if is_named => found,
        None => found.with_service_name(SERVICE_NAME),
    }
    .build()
}

/// The program's own HTTP client. The exporter has a thread of its own, which is none of the runtime's, and waits there.
#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut response = Response::new(answer.bytes().await?);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok::<_, reqwest::Error>(response)
        });
        Ok(sent.await??)
    }
}

pub(super) fn set_parent(span: &Span, headers: &TraceHeaders) {
    let context = TraceContextPropagator::new().extract(headers);
    // Nobody exports spans, or this one is not: then there is nothing to be a part of.
    let _ = span.set_parent(context);
}

pub(super) fn headers_of(span: &Span) -> TraceHeaders {
    let mut headers = TraceHeaders::default();
    TraceContextPropagator::new().inject_context(&span.context(), &mut headers);
    // A trace without a past has an empty state, which need not be sent.
    headers.state = headers.state.filter(|state| !state.is_empty());
    headers
}

impl Extractor for TraceHeaders {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => self.parent.as_deref(),
            TRACESTATE => self.state.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

impl Injector for TraceHeaders {
    fn set(&mut self, key: &str, value: String) {
        match key {
            TRACEPARENT => self.parent = Some(value),
            TRACESTATE => self.state = Some(value),
            _ => {}
        }
    }
}
