//! What clients send that mean harm or do not know better: each with the answer it gets, while others are served.
//!
//! `docs/hostile-inputs.md` is made from these tables: `UPDATE_HOSTILE_INPUTS=1 cargo test --test it hostile`.

mod case;
mod framing;
mod heads;
mod http2;
mod json;
mod queries;
mod xml;

use crate::support::app::client;
use crate::support::messages::{N1, account, digest_entry};
use crate::support::raw::exchange;
use crate::support::{App, Authority, Backend};
use case::Case;
use http2::Http2Case;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// The collection that most is sent to.
const KIND: &str = "/sdata/crm/sample/-/accounts";

/// A good request.
const ONE: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What the provider under attack is set to: small limits, so that what is beyond them is soon sent.
const SETTINGS: [(&str, &str); 6] = [
    ("limits.max_body_bytes", "1000000"),
    ("limits.text_bytes", "65536"),
    ("limits.nodes", "1000"),
    ("limits.entries", "100"),
    ("limits.head_seconds", "2"),
    ("limits.body_seconds", "3"),
];

/// Requests of a client that means well, counted together.
const GOOD_REQUESTS: usize = 300;

/// Clients that send hostile inputs at the same time.
const ATTACKERS: usize = 4;

/// A good digest.
fn digest() -> String {
    digest_entry(N1, &[(N1, 9, 1)])
}

/// All tables, by what they are about.
async fn tables() -> Vec<(&'static str, Vec<Case>)> {
    let json = [json::cases(), json::bombs().await].concat();
    vec![
        ("The request itself", framing::cases()),
        ("Headers and URLs", heads::cases()),
        ("Queries", queries::cases()),
        ("XML", xml::cases()),
        ("JSON and packed bodies", json),
    ]
}

/// OURS-EDGE-03: every input has its answer, and the provider lives on.
#[tokio::test]
async fn every_hostile_input_gets_its_answer() {
    let app = App::start_with("crm", &Backend::Sqlite, &SETTINGS).await;
    app.create("accounts", &account("G1", "good")).await;
    let mut faults = Vec::new();
    for (area, cases) in tables().await {
        for case in cases {
            let sent = case.sent(&app.kind("accounts"));
            let answer = exchange(app.address(), &sent, case.ends).await;
            if let Err(found) = case.answer.check(&answer) {
                let text = String::from_utf8_lossy(&answer.body).chars().take(600).collect::<String>();
                faults.push(format!("{area}: {}: {found}, not {}\n{text}", case.name, case.answer.text()));
            }
            let shown = format!("{}\n{}", answer.head, String::from_utf8_lossy(&answer.body)).to_ascii_lowercase();
            if answer.head.to_ascii_lowercase().contains("\nx-injected") || shown.contains("http://evil.example.com") {
                faults.push(format!("{area}: {}: what was sent came back:\n{shown}", case.name));
            }
            let alive =
                exchange(app.address(), ONE.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes(), false)
                    .await;
            assert_eq!(alive.status, Some(200), "{area}: {}: the provider is gone\n{}", case.name, app.log());
        }
    }
    assert!(faults.is_empty(), "{} of them:\n{}", faults.len(), faults.join("\n"));
    // A header's name beyond 65,535 bytes is too much for actix 3.20: it is the connection's task alone that ends.
    let panics: Vec<_> = app.log().lines().filter(|line| line.contains("panicked")).map(str::to_owned).collect();
    assert!(panics.len() <= 1 && panics.iter().all(|line| line.contains("h1/decoder.rs")), "{}", app.log());
    assert!(!app.log().contains("the request failed"), "{}", app.log());
    assert_eq!(app.resources("accounts").await.len(), 1, "nothing hostile was kept");
}

#[tokio::test]
async fn every_hostile_input_of_http_2_gets_its_answer() {
    let authority = Authority::new();
    let app = App::start_tls("crm", &authority, &SETTINGS).await;
    let mut faults = Vec::new();
    for Http2Case { name, frames, answer } in http2::cases() {
        let stream = authority.connect(app.address(), "h2").await.unwrap();
        let found = http2::exchange(stream, &frames).await;
        if found != answer {
            faults.push(format!("{name}: {found}, not {answer}"));
        }
        // Some inputs take longer than a connection may be idle: a kept one could be closed just when it is used.
        let fresh = client(Some(&authority)).build().unwrap();
        let alive = app.send(fresh.get(format!("{}/healthz", app.base()))).await;
        assert_eq!(alive.status, 200, "{name}\n{}", app.log());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(!app.log().contains("panicked"), "{}", app.log());
}

/// How long good requests took, in order.
async fn good_requests(app: &App) -> Vec<Duration> {
    let mut times = Vec::with_capacity(GOOD_REQUESTS);
    for number in 0..GOOD_REQUESTS {
        let url = match number % 3 {
            0 => app.kind("accounts"),
            1 => format!("{}?where=name%20eq%20'good'", app.kind("accounts")),
            _ => format!("{}/$syncDigest", app.kind("accounts")),
        };
        let began = Instant::now();
        let answer = app.get(&url).await;
        times.push(began.elapsed());
        assert_eq!(answer.status, 200, "{url}: {}\n{}", answer.text(), app.log());
    }
    times.sort();
    times
}

fn percentiles(times: &[Duration]) -> String {
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
    format!("p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms", at(50), at(99), at(100))
}

/// Prints how long they take alone and then; what a loaded machine makes of it is no fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_served_while_hostile_inputs_come_in() {
    let app = App::start_with("crm", &Backend::Sqlite, &SETTINGS).await;
    app.create("accounts", &account("G1", "good")).await;
    let alone = good_requests(&app).await;
    let sent: Vec<_> = tables()
        .await
        .into_iter()
        .flat_map(|(_, cases)| cases)
        .map(|case| (case.sent(&app.kind("accounts")), case.ends))
        .collect();
    let address = app.address();
    // Four that take turns with the table: when they are through, all of it was sent.
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|first| {
            let sent: Vec<_> = sent.iter().skip(first).step_by(ATTACKERS).cloned().collect();
            tokio::spawn(async move {
                for (bytes, ends) in sent {
                    exchange(address, &bytes, ends).await;
                }
            })
        })
        .collect();
    let mut beside = Vec::new();
    while !attackers.iter().all(tokio::task::JoinHandle::is_finished) {
        beside.extend(good_requests(&app).await);
    }
    for attacker in attackers {
        attacker.await.unwrap();
    }
    beside.sort();
    println!("alone: {}", percentiles(&alone));
    println!("beside {ATTACKERS} clients that send hostile inputs: {}", percentiles(&beside));
}

/// `docs/hostile-inputs.md` says what the tests show.
#[tokio::test]
async fn the_page_of_hostile_inputs_says_what_is_tested() {
    let mut page = String::from(HEAD);
    let (mut names, mut count) = (BTreeSet::new(), 0);
    let mut rows = String::new();
    for (area, cases) in tables().await {
        // Writing to a String cannot fail.
        let _ = write!(rows, "\n## {area}\n\n| what is sent | answer |\n|---|---|\n");
        for case in cases {
            count += 1;
            assert!(names.insert(format!("{area}: {}", case.name)), "{area}: '{}' stands there twice", case.name);
            let _ = writeln!(rows, "| {} | {} |", case.name.replace('|', "\\|"), case.answer.text());
        }
    }
    let _ = write!(rows, "\n## HTTP/2\n\n| what is sent | answer |\n|---|---|\n");
    for Http2Case { name, answer, .. } in http2::cases() {
        count += 1;
        let _ = writeln!(rows, "| {name} | {answer} |");
    }
    let _ = write!(page, "{count} inputs.\n{rows}");
    assert!(count >= 150, "{count} are too few");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hostile-inputs.md");
    if std::env::var_os("UPDATE_HOSTILE_INPUTS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let is_true = std::fs::read_to_string(&path).is_ok_and(|written| written == page);
    assert!(is_true, "docs/hostile-inputs.md is stale: run UPDATE_HOSTILE_INPUTS=1 cargo test --test it hostile");
}

const HEAD: &str = "\
# Hostile inputs

What is sent to a provider by those who mean harm or do not know better, and what it answers. Made from `tests/it/hostile` by
`UPDATE_HOSTILE_INPUTS=1 cargo test --test it hostile`, and checked by it. After each the provider is asked whether it lives, and nothing of it may be
kept. In code letters stands the code of the first `sdata:diagnosis`. Where it says *no body*, the HTTP library refuses the head of a request by itself,
before the provider sees it, and ends the connection.

The limits of the provider under test are small: bodies of 1,000,000 bytes, texts of 65,536, 1,000 nodes in an entry, 100 entries in a feed, 2 seconds for a head,
3 for a body; all others are the defaults.

";
