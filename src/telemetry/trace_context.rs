//! Traces across processes (W3C Trace Context): the headers by which one that is asked goes on with the trace of one that asks.
//! Without the feature `otel` nobody traces: there is nothing to go on with, and nothing to send.

use tracing::Span;

/// The headers of a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceHeaders {
    /// `traceparent`.
    pub parent: Option<String>,
    /// `tracestate`.
    pub state: Option<String>,
}

/// The header that names trace and parent.
pub const TRACEPARENT: &str = "traceparent";
/// The header that is handed on as it came.
pub const TRACESTATE: &str = "tracestate";

/// Makes `span` a part of the trace that a request came with. To be called before the span is entered.
pub fn continue_trace(span: &Span, headers: &TraceHeaders) {
    #[cfg(feature = "otel")]
    super::otlp::set_parent(span, headers);
    #[cfg(not(feature = "otel"))]
    let _ = (span, headers);
}

/// What a request within `span` is to be sent with.
#[must_use]
pub fn trace_headers(span: &Span) -> TraceHeaders {
    #[cfg(feature = "otel")]
    return super::otlp::headers_of(span);
    #[cfg(not(feature = "otel"))]
    {
        let _ = span;
        TraceHeaders::default()
    }
}
