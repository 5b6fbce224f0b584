//! A small provider with the habits of foreign ones, for the engine to meet.

use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

pub(super) const DIGEST: &str = r#"<entry xmlns="http://www.w3.org/2005/Atom"
    xmlns:sdata="http://schemas.sage.com/sdata/2008/1"><sdata:payload><digest
    xmlns="http://schemas.sage.com/sdata/sync/2008/1"><origin/></digest></sdata:payload></entry>"#;

/// What a provider says where there is nothing.
const NOT_FOUND: &str = r#"<sdata:diagnoses xmlns:sdata="http://schemas.sage.com/sdata/2008/1"><sdata:diagnosis>
    <sdata:severity>error</sdata:severity><sdata:sdataCode>EntityNotFound</sdata:sdataCode>
    <sdata:message>there is none</sdata:message></sdata:diagnosis></sdata:diagnoses>"#;

/// How a provider tells where an operation's context is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Locates {
    #[default]
    Absolutely,
    Relatively,
    ByParameter,
    Never,
}

/// What happens, once, to the first request that begins with a text (`POST …/$syncTarget`).
#[derive(Clone)]
pub(super) enum Fault {
    /// This status with these headers and this body.
    Answer(u16, Vec<(&'static str, String)>, &'static str),
    /// The request is taken, and answered with this status nevertheless.
    TakenBut(u16),
    /// The provider closes its port for this long; what it was asked last is not answered.
    Restart(Duration),
    /// The same, and it forgets its contexts.
    Forget(Duration),
}

/// The provider's habits and its memory.
#[derive(Default)]
pub(super) struct Habits {
    /// The pages of the source feed, each the entries alone.
    pub(super) pages: Vec<String>,
    /// Results in the order the target gives them; then one 201 for each entry.
    pub(super) results: VecDeque<String>,
    pub(super) answers_at_once: bool,
    pub(super) locates: Locates,
    pub(super) lacks_results: bool,
    /// 202s before an operation is done.
    pub(super) polls: u32,
    pub(super) schema: String,
    pub(super) faults: Vec<(&'static str, Fault)>,
    pub(super) contexts: HashMap<String, Context>,
    pub(super) seen: Vec<Seen>,
}

pub(super) struct Context {
    polls_left: u32,
    feed: String,
}

/// A request that came in.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Method and path: `GET /sdata/…`.
    pub(super) line: String,
    pub(super) query: String,
    pub(super) content_type: String,
    pub(super) authorization: Option<String>,
    pub(super) body: Bytes,
}

struct Reply(u16, Vec<(&'static str, String)>, String);

/// A running provider.
pub(super) struct Foreign {
    pub(super) address: SocketAddr,
    habits: Arc<Mutex<Habits>>,
    handle: Arc<Mutex<Option<ServerHandle>>>,
}

impl Foreign {
    pub(super) fn start(habits: Habits) -> Self {
        let habits = Arc::new(Mutex::new(habits));
        let handle = Arc::new(Mutex::new(None));
        let address = loop {
            if let Ok(address) = listen(next_address(), &habits, &handle) {
                break address;
            }
        };
        Self { address, habits, handle }
    }

    pub(super) fn collection(&self) -> String {
        format!("http://{}/sdata/app/trade/-/accounts", self.address)
    }

    pub(super) fn dataset(&self) -> String {
        format!("http://{}/sdata/app/trade/-", self.address)
    }

    pub(super) fn habits(&self) -> MutexGuard<'_, Habits> {
        self.habits.lock().unwrap()
    }

    /// The requests so far, without the polls: `POST $syncTarget`.
    pub(super) fn lines(&self) -> Vec<String> {
        let seen = self.habits().seen.clone();
        let lines = seen.iter().map(|seen| seen.line.replace("/sdata/app/trade/-/accounts/", ""));
        lines.map(|line| line.split("('").next().unwrap_or_default().to_owned()).collect()
    }

    pub(super) fn bodies(&self, line: &str) -> Vec<Bytes> {
        self.habits().seen.iter().filter(|seen| seen.line.ends_with(line)).map(|seen| seen.body.clone()).collect()
    }

    pub(super) fn contexts_left(&self) -> usize {
        self.habits().contexts.len()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.lock().unwrap().take() {
            drop(handle.stop(false));
        }
    }
}

/// Where a provider may listen. Not at a port that the system gives to anybody: while the provider is away, it would be another's.
fn next_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 30_000;
    const PORTS: u32 = 2_700;
    // Suites that run beside each other begin apart.
    let number = std::process::id().wrapping_mul(101).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
    SocketAddr::from(([127, 0, 0, 1], u16::try_from(FIRST + number % PORTS).unwrap()))
}

type Shared<T> = Arc<Mutex<T>>;

fn listen(
    address: SocketAddr,
    habits: &Shared<Habits>,
    handle: &Shared<Option<ServerHandle>>,
) -> std::io::Result<SocketAddr> {
    let data = web::Data::new((Arc::clone(habits), Arc::clone(handle)));
    let app = move || {
        let payload = web::PayloadConfig::new(64 << 20);
        App::new().app_data(data.clone()).app_data(payload).default_service(web::to(answer))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().bind(address)?;
    let bound = server.addrs()[0];
    let server = server.run();
    *handle.lock().unwrap() = Some(server.handle());
    actix_web::rt::spawn(server);
    Ok(bound)
}

type State = web::Data<(Shared<Habits>, Shared<Option<ServerHandle>>)>;

async fn answer(request: HttpRequest, body: Bytes, state: State) -> HttpResponse {
    let (habits, handle) = (&state.0, &state.1);
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let seen = Seen {
        line: format!("{} {}", request.method(), request.path()),
        query: request.query_string().to_owned(),
        content_type: header(header::CONTENT_TYPE).unwrap_or_default(),
        authorization: header(header::AUTHORIZATION),
        body,
    };
    let address = request.app_config().local_addr();
    let (reply, outage) = habits.lock().unwrap().answer(&seen, address);
    if let Some(outage) = outage {
        let stopped = handle.lock().unwrap().take();
        let (habits, handle) = (Arc::clone(habits), Arc::clone(handle));
        // A thread of its own: the worker that runs this handler goes down with its server.
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                if let Some(stopped) = stopped {
                    stopped.stop(false).await;
                }
                tokio::time::sleep(outage).await;
                while listen(address, &habits, &handle).is_err() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                tokio::time::sleep(Duration::from_secs(20)).await;
            });
        });
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    let Reply(status, headers, body) = reply;
    let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response.insert_header((name, value));
    }
    response.body(body)
}

impl Habits {
    fn answer(&mut self, seen: &Seen, address: SocketAddr) -> (Reply, Option<Duration>) {
        self.seen.push(seen.clone());
        let line = seen.line.replace("/sdata/app/trade/-/accounts/", "");
        let fault = self.faults.iter().position(|(start, _)| line.starts_with(start));
        match fault.map(|position| self.faults.remove(position).1) {
            None => (self.usual(&line, seen, address), None),
            Some(Fault::Answer(status, headers, body)) => (Reply(status, headers, body.to_owned()), None),
            Some(Fault::TakenBut(status)) => {
                self.usual(&line, seen, address);
                (Reply(status, Vec::new(), String::new()), None)
            }
            Some(Fault::Restart(outage)) => (Reply(500, Vec::new(), String::new()), Some(outage)),
            Some(Fault::Forget(outage)) => {
                self.contexts.clear();
                (Reply(500, Vec::new(), String::new()), Some(outage))
            }
        }
    }

    fn usual(&mut self, line: &str, seen: &Seen, address: SocketAddr) -> Reply {
        let (method, rest) = line.split_once(' ').unwrap();
        let tracking_id = parameter(&seen.query, "trackingid").or_else(|| in_parentheses(rest));
        match (method, rest.split("('").next().unwrap()) {
            ("GET", "$syncDigest") => Reply(200, Vec::new(), DIGEST.to_owned()),
            ("GET", "/sdata/app/trade/-/$schema") => Reply(200, Vec::new(), self.schema.clone()),
            ("POST", "$syncResults") if !self.lacks_results => Reply(200, Vec::new(), String::new()),
            ("POST", "$syncSource") => {
                let feed = source_page(&self.pages, 1, address);
                self.start("$syncSource", tracking_id, feed, address)
            }
            ("POST", "$syncTarget") => {
                let feed = self.result_of(&seen.body);
                self.start("$syncTarget", tracking_id, feed, address)
            }
            ("GET", "$page") => {
                let page = parameter(&seen.query, "number").unwrap().parse().unwrap();
                if self.contexts.is_empty() {
                    return Reply(410, Vec::new(), String::new());
                }
                Reply(200, Vec::new(), source_page(&self.pages, page, address))
            }
            ("GET", "$syncSource" | "$syncTarget") => self.poll(&tracking_id.unwrap_or_default()),
            ("DELETE", "$syncSource" | "$syncTarget") => {
                let known = self.contexts.remove(&tracking_id.unwrap_or_default()).is_some();
                Reply(if known { 200 } else { 404 }, Vec::new(), String::new())
            }
            ("GET", "$linked") => Reply(404, Vec::new(), NOT_FOUND.to_owned()),
            _ => Reply(404, Vec::new(), String::new()),
        }
    }

    fn start(&mut self, operation: &str, tracking_id: Option<String>, feed: String, address: SocketAddr) -> Reply {
        let id = tracking_id.unwrap_or_default();
        if self.contexts.contains_key(&id) {
            return Reply(409, Vec::new(), "the tracking id is in use".to_owned());
        }
        self.contexts.insert(id.clone(), Context { polls_left: self.polls, feed: feed.clone() });
        if self.answers_at_once {
            return Reply(200, Vec::new(), feed);
        }
        let path = "/sdata/app/trade/-/accounts";
        let location = match self.locates {
            Locates::Absolutely => format!("HTTP://LOCALHOST:{}{path}/{operation}('{id}')", address.port()),
            Locates::Relatively => format!("{path}/{operation}('{id}')"),
            Locates::ByParameter => format!("http://{address}{path}/{operation}?trackingid={id}"),
            Locates::Never => return Reply(202, Vec::new(), tracking()),
        };
        Reply(202, vec![("Location", location)], tracking())
    }

    fn poll(&mut self, id: &str) -> Reply {
        match self.contexts.get_mut(id) {
            None => Reply(404, Vec::new(), String::new()),
            Some(context) if context.polls_left > 0 => {
                context.polls_left -= 1;
                Reply(202, Vec::new(), tracking())
            }
            Some(context) => Reply(200, Vec::new(), context.feed.clone()),
        }
    }

    fn result_of(&mut self, page: &[u8]) -> String {
        let entries = String::from_utf8_lossy(page).matches("<entry").count();
        let result = self.results.pop_front();
        feed(&result.unwrap_or_else(|| r#"<entry><http:httpStatus>201</http:httpStatus></entry>"#.repeat(entries)), "")
    }
}

fn source_page(pages: &[String], number: usize, address: SocketAddr) -> String {
    let more = number < pages.len();
    let path = format!("http://{address}/sdata/app/trade/-/accounts/$page?number={}", number + 1);
    let next = if more { format!(r#"<link rel="next" href="{path}"/>"#) } else { String::new() };
    feed(pages.get(number - 1).map_or("", String::as_str), &next)
}

pub(super) fn feed(entries: &str, head: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:http="http://schemas.sage.com/sdata/http/2008/1"
        xmlns:sdata="http://schemas.sage.com/sdata/2008/1"><title>ä</title>{head}{entries}</feed>"#
    )
}

fn tracking() -> String {
    r#"<tracking xmlns="http://schemas.sage.com/sdata/2008/1"><phase>Working</phase><pollingMillis>1</pollingMillis></tracking>"#
        .to_owned()
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.into_owned().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn in_parentheses(path: &str) -> Option<String> {
    let (_, rest) = path.split_once("('")?;
    rest.strip_suffix("')").map(str::to_owned)
}
