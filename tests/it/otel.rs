//! Spans as an OpenTelemetry collector gets them.

use crate::support::app::finished;
use crate::support::messages::account;
use crate::support::pass::engine;
use crate::support::{App, Backend};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How long spans may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector that keeps what it is sent: the service's name and the span.
#[derive(Clone)]
struct Collector {
    url: String,
    received: Arc<Received>,
}

#[derive(Default)]
struct Received {
    spans: Mutex<Vec<(String, Span)>>,
    /// Requests are read, and not answered.
    hangs: AtomicBool,
    /// Those that were not.
    unanswered: AtomicUsize,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self { url: format!("http://{}", listener.local_addr().unwrap()), received: Arc::default() };
        let received = Arc::clone(&collector.received);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, Arc::clone(&received)));
            }
        });
        collector
    }

    /// The spans of a service that bear this name.
    fn spans(&self, service: &str, name: &str) -> Vec<Span> {
        let spans = self.received.spans.lock().unwrap();
        spans.iter().filter(|(of, span)| of == service && span.name == name).map(|(_, span)| span.clone()).collect()
    }
}

/// Takes one export after the other off a connection.
async fn answer(connection: TcpStream, received: Arc<Received>) {
    let mut connection = BufReader::new(connection);
    loop {
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line).await.unwrap_or_default() == 0 {
                return;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
            head.push(line);
        }
        assert_eq!(head[0], "post /v1/traces http/1.1");
        assert!(head.contains(&"content-type: application/x-protobuf".to_owned()), "{head:?}");
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await.unwrap();
        if received.hangs.load(Ordering::SeqCst) {
            received.unanswered.fetch_add(1, Ordering::SeqCst);
            // Until whoever sent it goes away.
            let _ = connection.read_u8().await;
            return;
        }
        let request = ExportTraceServiceRequest::decode(&*body).unwrap();
        for of_one in request.resource_spans {
            let service = attribute(&of_one.resource.unwrap().attributes, "service.name").unwrap();
            let all = of_one.scope_spans.into_iter().flat_map(|scope| scope.spans);
            received.spans.lock().unwrap().extend(all.map(|span| (service.clone(), span)));
        }
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        connection.write_all(head.as_bytes()).await.unwrap();
    }
}

/// The text of an attribute.
fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()? {
        AnyValue { value: Some(Value::StringValue(text)), .. } => Some(text.clone()),
        other => Some(format!("{other:?}")),
    }
}

fn attributes<const N: usize>(span: &Span, names: [&str; N]) -> [String; N] {
    names.map(|name| attribute(&span.attributes, name).unwrap_or_else(|| panic!("{name} is not in {span:?}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_sees_one_trace_of_a_pass_through_the_engine_and_both_providers() {
    let collector = Collector::start().await;
    let start = async |name: &str| {
        let (endpoint, service) = (collector.url.as_str(), format!("sdata-{name}"));
        let settings = [("telemetry.otlp_endpoint", endpoint), ("telemetry.service_name", &service)];
        App::start_with(name, &Backend::Sqlite, &settings).await
    };
    let (mut crm, mut erp) = (start("crm").await, start("erp").await);
    crm.create("accounts", &account("A1", "one")).await;
    // The engine has no settings of its own: it is told as every program is.
    let mut engine = engine(&crm.kind("accounts"), &erp.kind("accounts"));
    engine.args(["--run-name", "nightly"]);
    engine.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url).env("OTEL_SERVICE_NAME", "engine");
    let made = finished(engine).await;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // What is left is sent when the programs end.
    tokio::task::spawn_blocking(move || {
        assert!(crm.terminate().success(), "{}", crm.log());
        assert!(erp.terminate().success(), "{}", erp.log());
    })
    .await
    .unwrap();

    let passes = collector.spans("engine", "pass");
    assert_eq!(passes.len(), 1);
    let pass = &passes[0];
    assert_eq!(attributes(pass, ["run_name", "resource_kind"]), ["nightly", "accounts"]);
    let run_stamp = attribute(&pass.attributes, "run_stamp").unwrap();
    let calls = collector.spans("engine", "call");
    assert!(calls.len() >= 5, "{calls:?}");
    assert!(calls.iter().all(|call| call.trace_id == pass.trace_id));

    for (service, operation) in [("sdata-crm", "syncSource"), ("sdata-erp", "syncTarget")] {
        let requests = collector.spans(service, "request");
        let posted = requests.iter().find(|span| {
            attribute(&span.attributes, "path").is_some_and(|path| path.ends_with(&format!("${operation}")))
        });
        let posted = posted.unwrap_or_else(|| panic!("{service} tells of no {operation}: {requests:?}"));
        assert_eq!(posted.trace_id, pass.trace_id, "{service} goes on with the trace of the engine");
        assert!(calls.iter().any(|call| call.span_id == posted.parent_span_id), "{service}");
        let tracking_id = attribute(&posted.attributes, "tracking_id").unwrap();
        let jobs = collector.spans(service, "job");
        let of_it = |job: &&Span| attribute(&job.attributes, "tracking_id").as_ref() == Some(&tracking_id);
        let job = jobs.iter().find(of_it).unwrap_or_else(|| panic!("{service}: {jobs:?}"));
        let told = attributes(job, ["run_name", "run_stamp", "resource_kind", "operation"]);
        assert_eq!(told, ["nightly", &run_stamp, "accounts", operation]);
    }
}

/// A provider that sends its spans ten times a second, to `collector`, with further variables in its environment.
async fn provider_of(collector: &Collector, environment: &[(&str, &str)]) -> App {
    let mut app = App::start("crm").await;
    let told = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    app.restart_with(&[&told[..], environment].concat()).await;
    app
}

/// Makes requests until `is_so`.
async fn ask_until(app: &App, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{}", app.log());
        assert_eq!(app.get(&app.kind("accounts")).await.status, 200);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_sent_however_few_lines_are_logged() {
    let collector = Collector::start().await;
    let app = provider_of(&collector, &[("RUST_LOG", "error")]).await;
    ask_until(&app, || !collector.spans("sdata-sync", "request").is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_sent_again_after_a_collector_that_did_not_answer() {
    let collector = Collector::start().await;
    collector.received.hangs.store(true, Ordering::SeqCst);
    let app = provider_of(&collector, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "500")]).await;
    ask_until(&app, || collector.received.unanswered.load(Ordering::SeqCst) > 0).await;
    collector.received.hangs.store(false, Ordering::SeqCst);
    ask_until(&app, || !collector.spans("sdata-sync", "request").is_empty()).await;
}
